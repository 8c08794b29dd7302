"""One stop of a driver, as far as it has come: the stages, and what was told of it."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ocpi_hub.simulator.wish import Way

Object = dict[str, Any]

_REMEMBERED = 100


class Stage(StrEnum):
    LOOKING = "looking"
    RESERVED = "reserved"
    STARTING = "starting"
    CHARGING = "charging"
    STOPPING = "stopping"
    WAITING = "bill due"
    BILLED = "billed"
    CANCELLED = "cancelled"
    GAVE_UP = "gave up"


OVER = frozenset({Stage.BILLED, Stage.CANCELLED, Stage.GAVE_UP})
_NEXT: dict[Stage, frozenset[Stage]] = {
    Stage.LOOKING: frozenset({Stage.RESERVED, Stage.STARTING}),
    Stage.RESERVED: frozenset({Stage.STARTING, Stage.CANCELLED}),
    Stage.STARTING: frozenset({Stage.CHARGING}),
    Stage.CHARGING: frozenset({Stage.STOPPING, Stage.WAITING}),
    Stage.STOPPING: frozenset({Stage.WAITING}),
    Stage.WAITING: frozenset({Stage.BILLED}),
}


@dataclass(slots=True)
class Trip:
    """`place` is the name of the station; `session` and `cdr` are there once they were told."""

    driver: str
    way: Way
    place: str = ""
    stage: Stage = Stage.LOOKING
    session: Object | None = None
    cdr: Object | None = None
    reason: str = ""

    def go(self, stage: Stage) -> None:
        """The next stage; raises ValueError for one that cannot follow."""
        if stage not in _NEXT.get(self.stage, ()):
            raise ValueError(f"{stage} does not follow {self.stage}")
        self.stage = stage

    def give_up(self, reason: str) -> None:
        self.stage, self.reason = Stage.GAVE_UP, reason

    @property
    def kwh(self) -> str:
        """Of the bill, else of the session so far."""
        told = self.cdr["total_energy"] if self.cdr else self.session and self.session["kwh"]
        return f"{told or 0:.2f}"

    @property
    def amount(self) -> str:
        """With VAT where it is known; a session without total_cost costs nobody knows what."""
        told = self.cdr or self.session or {}
        cost = told.get("total_cost") or {}
        value = cost.get("incl_vat", cost.get("excl_vat"))
        return "-" if value is None else f"{value:.2f} {told['currency']}"


@dataclass(slots=True)
class Trips:
    """The last trips, newest last, and how many ended in which way."""

    last: deque[Trip] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    ended: Counter[Stage] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def begin(self, trip: Trip) -> Trip:
        self.last.append(trip)
        return trip

    def end(self, trip: Trip) -> None:
        self.ended[trip.stage] += 1
        if trip.reason:
            self.reasons[trip.reason] += 1

    def at(self, *stages: Stage) -> Iterator[Trip]:
        return (trip for trip in self.last if trip.stage in stages)
