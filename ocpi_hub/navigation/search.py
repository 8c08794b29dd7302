"""Searches: which stations lie in an area and fulfil the filters, nearest first.

The grid gives candidates, the chord decides on the area, and everything else is answered by
columns of the stations that are left.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ocpi_hub.navigation import quality
from ocpi_hub.navigation.grid import (
    Area,
    Circle,
    Floats,
    Rows,
    chord2,
    inside,
    reach2,
    spread,
    vector,
)
from ocpi_hub.navigation.index import Index
from ocpi_hub.navigation.outfits import ANYTHING, Wish
from ocpi_hub.navigation.project import UNCOUNTED, PlugStatus
from ocpi_hub.navigation.quality import Link
from ocpi_hub.ocpi.primitives import PartyRef


class Available(StrEnum):
    """NOW: free for sure. UNLESS_KNOWN_BUSY: also where nobody knows. ANY: whatever the state."""

    NOW = "now"
    UNLESS_KNOWN_BUSY = "unless_known_busy"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a driver wants of a station.

    At least `min_count` EVSEs must have a wished outlet and, as `available` says, be free,
    not known to be busy, or exist. `max_age_s`: seconds since the station was last confirmed.
    """

    wish: Wish = ANYTHING
    available: Available = Available.ANY
    operators: frozenset[PartyRef] = frozenset()
    not_operators: frozenset[PartyRef] = frozenset()
    min_count: int = 1
    max_age_s: float | None = None

    @property
    def changing(self) -> bool:
        """Whether a station can come and go without its equipment changing."""
        return (
            self.available is not Available.ANY or self.max_age_s is not None or self.min_count > 1
        )


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows in order of nearness with their squared chords; `matched` counts also those cut off."""

    rows: Rows
    chords: Floats
    matched: int


def nearby(index: Index, area: Area, filters: Filters, limit: int | None, now: float) -> Hits:
    """The nearest stations in a circle (or in a box, from its centre); `now` in UTC seconds."""
    rows = index.candidates(area)
    if isinstance(area, Circle):
        chords = chord2(index.vectors[rows], vector(area.lat, area.lon))
        near = chords <= reach2(area.radius_m)
    else:
        near = inside(area, index.lat[rows], index.lon[rows])
        chords = chord2(index.vectors[rows], vector(*area.centre))
    rows, chords = rows[near], chords[near]
    matching = matches(index, rows, filters, now)
    rows, chords = rows[matching], chords[matching]
    order = np.argsort(chords, kind="stable")[:limit]
    return Hits(rows[order], chords[order], len(rows))


def matches(index: Index, rows: Rows, filters: Filters, now: float) -> NDArray[np.bool_]:
    """Which of the stations may be shown and fulfil the filters."""
    found = index.shown[rows] & index.alive[rows] & _operators(index, filters)[index.owners[rows]]
    at = np.flatnonzero(found)  # what is hidden need not be counted
    found[at] = _enough(index, rows[at], filters, now)
    return found


def _operators(index: Index, filters: Filters) -> NDArray[np.bool_]:
    """For each operator whether its stations are wanted; suspended ones never are."""
    operators = index.operators
    wanted: NDArray[np.bool_] = operators.links != Link.SUSPENDED
    if filters.operators:
        wanted &= _marked(index, filters.operators)
    if filters.not_operators:
        wanted &= ~_marked(index, filters.not_operators)
    return wanted


def _marked(index: Index, parties: frozenset[PartyRef]) -> NDArray[np.bool_]:
    marks = np.zeros(len(index.operators.links), bool)
    marks[[row for party in parties if (row := index.operators.find(party)) is not None]] = True
    return marks


def _enough(index: Index, rows: Rows, filters: Filters, now: float) -> NDArray[np.bool_]:
    sizes = index.sizes[rows].astype(np.int64)
    plugs = spread(index.firsts[rows], sizes)
    status = index.status[plugs]
    good = index.outfits.matching(filters.wish)[index.outfits_of[plugs]]
    for state in UNCOUNTED:
        good &= status != state
    if filters.available is Available.ANY and filters.max_age_s is None:
        return _tally(good, sizes) >= filters.min_count
    grades, age = index.grades(rows, now)
    counted = quality.counted(grades, age)
    free = good & (status == PlugStatus.AVAILABLE)
    if filters.available is Available.NOW:
        enough = counted & (_tally(free, sizes) >= filters.min_count)
    elif filters.available is Available.UNLESS_KNOWN_BUSY:
        perhaps = (
            free | (good & (status == PlugStatus.UNKNOWN)) | (good & ~np.repeat(counted, sizes))
        )
        enough = _tally(perhaps, sizes) >= filters.min_count
    else:
        enough = _tally(good, sizes) >= filters.min_count
    return enough if filters.max_age_s is None else enough & (age <= filters.max_age_s)


def _tally(marks: NDArray[np.bool_], sizes: Rows) -> Rows:
    """How many marks each run has."""
    sums = np.concatenate(([0], np.cumsum(marks)))
    ends = np.cumsum(sizes)
    tally: Rows = sums[ends] - sums[ends - sizes]
    return tally
