"""The index: every public station as columns, found by cell, changed by array writes.

Stations (Locations) are rows; their EVSEs are a run of rows in a second set of columns. Only the
place of a station is in the grid: all else is filtered after the spatial step, so a status flip
touches no index. New and moved stations wait in an overflow list that every search reads whole,
until a grid built aside takes them in. A station is not shown while none of its EVSEs counts
(LOC-008) or while its owner is suspended; it keeps its row.

No lock: one event loop writes and reads. Only the sorting of a `Settling` may run in a thread.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ocpi_hub.modules.line import ORIGIN, Place
from ocpi_hub.navigation import quality
from ocpi_hub.navigation.grid import Area, Floats, Grid, Rows, cell, spread, vector
from ocpi_hub.navigation.operators import Operators
from ocpi_hub.navigation.outfits import Outfits
from ocpi_hub.navigation.project import UNCOUNTED, Card, Face, Plug, PlugStatus, Site
from ocpi_hub.navigation.quality import Link
from ocpi_hub.ocpi.primitives import PartyRef, fold

_CARD_OUT = msgspec.msgpack.Encoder()
_CARD_IN = msgspec.msgpack.Decoder(Card)
_IN_USE = (int(PlugStatus.CHARGING), int(PlugStatus.RESERVED))
_STATION_COLUMNS = (
    "lat", "lon", "vectors", "cells", "owners", "firsts", "sizes", "rooms", "confirmed",
    "xs", "seqs", "alive", "shown", "waiting", "told",
)  # fmt: skip
_PLUG_COLUMNS = ("uids", "faces", "status", "outfits_of", "changed")
_HASH = 2**64 - 1


class Gone(NamedTuple):
    """Where a station was that is there no longer."""

    id: str
    lat: float
    lon: float


class Settling(NamedTuple):
    """What a new grid is made of: copies, so that another thread may sort them."""

    rows: Rows
    cells: NDArray[np.int32]

    def grid(self) -> Grid:
        return Grid(self.rows, self.cells)


def key_of(party: PartyRef, location_id: str) -> bytes:
    """The folded id under which a station is found: `NL*ABC*LOC1`."""
    return fold(f"{party.country_code}*{party.party_id}*{location_id}").encode()


class Index:
    """Columns over stations (`lat` to `told`) and over EVSEs (`uids` to `changed`).

    `xs`, `seqs`: place of a station's last visible change. `confirmed`: UTC seconds of its last
    push. `told`: the quality last told to streams. `waiting`: not in the grid, or wrongly there.
    `firsts`, `sizes`, `rooms`: a station's run of EVSE rows, used and reserved;
    with `pack_from` dead EVSE rows, a quarter of all, the gaps between runs are closed.
    """

    def __init__(self, stale_s: float = 86_400.0, pack_from: int = 4096) -> None:
        self._pack_from = pack_from
        self.place = ORIGIN
        self.outfits = Outfits()
        self.operators = Operators(stale_s)
        self.rejected: dict[bytes, str] = {}
        self._ids: dict[bytes, int] = {}
        self._cards: list[bytes] = []
        self._free: list[int] = []
        self._overflow: dict[int, None] = {}
        self._settling: dict[int, None] = {}
        self._grid = Grid(np.zeros(0, np.int64), np.zeros(0, np.int32))
        self._used = self._dead = 0
        self.lat, self.lon, self.confirmed = np.zeros(0), np.zeros(0), np.zeros(0)
        self.vectors = np.zeros((0, 3))
        self.cells, self.owners = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.firsts = np.zeros(0, np.int64)
        self.sizes, self.rooms = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.xs, self.seqs = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.alive, self.shown = np.zeros(0, bool), np.zeros(0, bool)
        self.waiting = np.zeros(0, bool)
        self.told = np.zeros(0, np.uint8)
        self.uids, self.faces = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
        self.status = np.zeros(0, np.uint8)
        self.outfits_of = np.zeros(0, np.int32)
        self.changed = np.zeros(0)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def plugs(self) -> int:
        """EVSEs of all stations, whatever their status."""
        return int(self.sizes[self.alive].sum())

    # -- reading -----------------------------------------------------------------------------

    def find(self, key: bytes) -> int | None:
        """The row of a station that may be shown."""
        row = self._ids.get(key)
        return row if row is not None and self.visible(row) else None

    def visible(self, row: int) -> bool:
        hidden = self.operators.links[self.owners[row]] == Link.SUSPENDED
        return bool(self.alive[row] and self.shown[row] and not hidden)

    def card(self, row: int) -> Card:
        return _CARD_IN.decode(self._cards[row])

    def party(self, row: int) -> PartyRef:
        return self.operators.parties[self.owners.item(row)]

    def key(self, row: int) -> bytes:
        return key_of(self.party(row), self.card(row).id)

    def id(self, row: int) -> str:
        party = self.party(row)
        return f"{party.country_code}*{party.party_id}*{self.card(row).id}"

    def version(self, row: int) -> Place:
        return Place(int(self.xs[row]), int(self.seqs[row]))

    def run(self, row: int) -> slice:
        """The station's rows in the EVSE columns."""
        first = self.firsts.item(row)
        return slice(first, first + self.sizes.item(row))

    def candidates(self, area: Area) -> Rows:
        """Rows that may lie in the area, each once, all alive."""
        rows = self._grid.near(area)
        rows = rows[self.alive[rows] & ~self.waiting[rows]]
        if not self._overflow and not self._settling:
            return rows
        late = np.fromiter({**self._settling, **self._overflow}, np.int64)
        return np.concatenate([rows, late])

    def rows(self) -> Rows:
        """All stations that may be shown."""
        rows = np.flatnonzero(self.alive & self.shown)
        seen: Rows = rows[self.operators.links[self.owners[rows]] != Link.SUSPENDED]
        return seen

    def grades(self, rows: Rows, now: float) -> tuple[NDArray[np.uint8], Floats]:
        """Quality and age in seconds of each of the rows."""
        owners, operators = self.owners[rows], self.operators
        age = np.maximum(now - self.confirmed[rows], 0)
        grades = quality.grade(
            link=operators.links[owners],
            sends_status=operators.sends_status[owners],
            age=age,
            silence=np.maximum(now - operators.heard[owners], 0),
            aged_after=operators.aged_after[owners],
            stale_after=operators.stale_after[owners],
            stale_s=operators.stale_s,
        )
        return grades, age

    # -- writing -----------------------------------------------------------------------------

    def put(
        self,
        key: bytes,
        party: PartyRef,
        site: Site,
        place: Place,
        *,
        heard: float | None = None,
        now: float,
    ) -> tuple[int, Gone | None]:
        """Add or replace a station; tells of the old one when it moved or changed its equipment.

        `heard`: UTC seconds at which this push confirmed its states; None for one that did not, or
        that was read from the store: then the EVSEs' own `last_updated` count, up to `now`.
        """
        self.rejected.pop(key, None)
        row, gone = self._ids.get(key), None
        if row is None:
            row = self._ids[key] = self._new_row()
        elif self._differs(row, site):
            gone = Gone(self.id(row), float(self.lat[row]), float(self.lon[row]))
        if not self.alive[row] or (self.lat[row], self.lon[row]) != (site.lat, site.lon):
            self._position(row, site.lat, site.lon)
        owner = self.operators.row(party)
        self.owners[row] = owner
        self._cards[row] = _CARD_OUT.encode(site.card)
        self._reserve(row, len(site.plugs))
        self._fill(row, site.plugs, owner)
        stated = max((plug.changed for plug in site.plugs), default=0.0)
        self._confirm(row, owner, min(stated, now), heard)
        self._stamp(row, place)
        return row, gone

    def flip(
        self, key: bytes, plug: Plug, place: Place, *, heard: float | None = None, now: float
    ) -> int | None:
        """A single EVSE changed; returns the station's row, None when it is not in the index."""
        row = self._ids.get(key)
        if row is None:
            return None
        span, uid = self.run(row), _hash(fold(plug.face.uid))
        uids = self.uids[span].tolist()
        at = span.start + uids.index(uid) if uid in uids else self._append(row, uid, plug.face)
        if self.faces.item(at) != _hash(plug.face):
            self._rename(row, at - self.firsts.item(row), plug.face)
            self.faces[at] = _hash(plug.face)
        owner = self.owners.item(row)
        self.status[at] = plug.status
        self.outfits_of[at] = self.outfits.number(plug.outlets)
        self.changed[at] = plug.changed
        self.operators.sends_status[owner] = True
        self.shown[row] = plug.status not in UNCOUNTED or self._counts(row)
        self._confirm(row, owner, min(plug.changed, now), heard)
        self._stamp(row, place)
        return row

    def drop(self, key: bytes, reason: str | None = None) -> Gone | None:
        """Take a station out; `reason` is counted in /meta when it was refused."""
        if reason is None:
            self.rejected.pop(key, None)
        else:
            self.rejected[key] = reason
        row = self._ids.pop(key, None)
        if row is None:
            return None
        gone = Gone(self.id(row), float(self.lat[row]), float(self.lon[row]))
        self.alive[row] = self.shown[row] = False
        self.waiting[row] = True
        self._overflow.pop(row, None)
        self._settling.pop(row, None)
        self._dead += self.rooms.item(row)
        self.rooms[row] = self.sizes[row] = 0
        self.confirmed[row] = 0.0
        self._cards[row] = b""
        self._free.append(row)
        return gone

    def relink(self, owner: int, link: Link, place: Place) -> Rows:
        """The link of an operator changed; returns its stations, which count as changed."""
        if self.operators.links[owner] == link:
            return np.zeros(0, np.int64)
        self.operators.links[owner] = link
        return self.renew(owner, place)

    def renew(self, owner: int, place: Place) -> Rows:
        """All stations of an operator count as changed at `place`."""
        rows = np.flatnonzero(self.alive & (self.owners == owner))
        self.xs[rows], self.seqs[rows] = place
        return rows

    def sweep(self, now: float) -> Rows:
        """Stations whose quality moved with time alone since the last sweep."""
        rows = self.rows()
        grades, _ = self.grades(rows, now)
        moved: Rows = rows[self.told[rows] != grades]
        self.told[rows] = grades
        return moved

    # -- the grid, built aside ---------------------------------------------------------------

    @property
    def unsettled(self) -> int:
        """Stations that wait for the next grid."""
        return len(self._overflow)

    def settle(self) -> Settling:
        """Begin a new grid of all stations; what is added from now on waits for the next one."""
        self._settling = {**self._settling, **self._overflow}
        self._overflow = {}
        rows = np.flatnonzero(self.alive)
        return Settling(rows, self.cells[rows])

    def swap(self, grid: Grid) -> None:
        """Put the new grid in force."""
        self._grid = grid
        settled = np.fromiter((r for r in self._settling if r not in self._overflow), np.int64)
        self.waiting[settled] = False
        self._settling = {}

    def rebuild(self) -> None:
        """Settle at once (after a load, in tests)."""
        self.swap(self.settle().grid())

    # -- rows --------------------------------------------------------------------------------

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._cards)
        self._cards.append(b"")
        if row >= len(self.lat):
            self._grow(_STATION_COLUMNS, max(1024, 2 * row))
        return row

    def _grow(self, columns: tuple[str, ...], size: int) -> None:
        for name in columns:
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _position(self, row: int, lat: float, lon: float) -> None:
        self.lat[row], self.lon[row] = lat, lon
        self.vectors[row] = vector(lat, lon)
        self.cells[row] = cell(lat, lon)
        self.alive[row] = self.waiting[row] = True
        self._overflow[row] = None

    def _differs(self, row: int, site: Site) -> bool:
        """Whether filters or circles may have to let go of the station."""
        before = set(self.outfits_of[self.run(row)].tolist())
        after = {self.outfits.number(plug.outlets) for plug in site.plugs}
        return not before <= after or (self.lat[row], self.lon[row]) != (site.lat, site.lon)

    def _reserve(self, row: int, size: int) -> None:
        """Room for `size` EVSEs; a run that must grow moves to the end, its old rows are dead."""
        if size > self.rooms[row]:
            self._dead += self.rooms.item(row)
            self.rooms[row] = self.sizes[row] = 0  # nothing to keep when rows are packed now
            self._pack()
            if self._used + size > len(self.uids):
                self._grow(_PLUG_COLUMNS, max(4096, 2 * (self._used + size)))
            self.firsts[row], self.rooms[row] = self._used, size
            self._used += size
        self.sizes[row] = size

    def _pack(self) -> None:
        """Close the gaps between runs when they are a quarter of all EVSE rows."""
        if self._dead < self._pack_from or 4 * self._dead < self._used:
            return
        rows = np.flatnonzero(self.alive & (self.rooms > 0))
        rooms = self.rooms[rows].astype(np.int64)
        kept = spread(self.firsts[rows], rooms)
        for name in _PLUG_COLUMNS:
            column = getattr(self, name)
            column[: len(kept)] = column[kept]
        self.firsts[rows] = np.cumsum(rooms) - rooms
        self._used, self._dead = len(kept), 0

    def _fill(self, row: int, plugs: tuple[Plug, ...], owner: int) -> None:
        first = self.firsts.item(row)
        for at, plug in enumerate(plugs, first):
            self.uids[at] = _hash(fold(plug.face.uid))
            self.faces[at] = _hash(plug.face)
            self.status[at] = plug.status
            self.outfits_of[at] = self.outfits.number(plug.outlets)
            self.changed[at] = plug.changed
        self.shown[row] = any(plug.status not in UNCOUNTED for plug in plugs)
        if any(plug.status in _IN_USE for plug in plugs):
            self.operators.sends_status[owner] = True  # nobody states that once and for all

    def _append(self, row: int, uid: int, face: Face) -> int:
        """A new EVSE at the end of the station's run; returns its row."""
        old, size = self.run(row), self.sizes.item(row)
        kept = {name: getattr(self, name)[old].copy() for name in _PLUG_COLUMNS}
        self._reserve(row, size + 1)
        first = self.firsts.item(row)
        for name, values in kept.items():
            getattr(self, name)[first : first + size] = values
        card = self.card(row)
        faces = (*card.faces, face)
        self._cards[row] = _CARD_OUT.encode(msgspec.structs.replace(card, faces=faces))
        self.uids[first + size], self.faces[first + size] = uid, _hash(face)
        return first + size

    def _rename(self, row: int, at: int, face: Face) -> None:
        card = self.card(row)
        faces = (*card.faces[:at], face, *card.faces[at + 1 :])
        self._cards[row] = _CARD_OUT.encode(msgspec.structs.replace(card, faces=faces))

    def _counts(self, row: int) -> bool:
        return not set(self.status[self.run(row)].tolist()).issubset(UNCOUNTED)

    def _confirm(self, row: int, owner: int, stated: float, heard: float | None) -> None:
        confirmed = max(self.confirmed.item(row), stated, heard or 0.0)
        self.confirmed[row] = confirmed
        self.operators.recall(owner, confirmed)

    def _stamp(self, row: int, place: Place) -> None:
        self.xs[row], self.seqs[row] = place


def _hash(value: object) -> int:
    """64 bits of this process's own hash: compared only within one station."""
    return hash(value) & _HASH
