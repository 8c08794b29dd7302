"""Charging sessions: when cars come, how long they stay, and what the plugs say meanwhile.

The shape was taken from 110,366 real sessions at French public stations (Nov 2024 to Jan 2025):
duration p10/50/90 = 10.5/28.5/56.8 minutes; 7 to 8 % of the starts in each hour from 10 to 17 UTC,
0.5 % an hour at night.
"""

import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

# Share of a day's starts in each hour (UTC), in percent.
HOURLY = (
    0.9, 0.6, 0.5, 0.5, 0.6, 1.2, 2.4, 3.8, 5.0, 6.2, 7.2, 7.8,
    7.5, 7.4, 7.6, 7.8, 7.7, 7.2, 5.9, 4.5, 3.2, 2.2, 1.5, 0.8,
)  # fmt: skip
# Points of the distribution of durations: (share of sessions, minutes at most).
DURATION = ((0.0, 1.0), (0.1, 10.5), (0.5, 28.5), (0.9, 56.8), (1.0, 240.0))
_STARTS_A_DAY = 8.0  # per EVSE: a plug is busy a sixth of its time
_BROKEN = 0.004  # of the sessions leave an EVSE out of order
_REPAIR_HOURS = 3.0


def duration_minutes(share: float) -> float:
    """The inverse distribution: minutes that `share` (0 to 1) of the sessions do not exceed."""
    index = min(bisect_right(DURATION, (share, math.inf)), len(DURATION) - 1)
    (below, low), (above, high) = tuple(pairwise(DURATION))[index - 1]
    part = (share - below) / (above - below)
    return math.exp(math.log(low) + part * (math.log(high) - math.log(low)))


@dataclass(frozen=True, slots=True, order=True)
class StatusChange:
    """At `at` (simulated time) the EVSE number `evse` turns to `status`."""

    at: datetime
    evse: int
    status: str


@dataclass(slots=True)
class Crowd:
    """All cars at `count` EVSEs: an endless stream of status changes in simulated time."""

    count: int
    start: datetime
    seed: int = 1
    busy: set[int] = field(default_factory=set)
    _chance: random.Random = field(init=False)
    _ahead: list[StatusChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.start.astimezone(UTC)
        self._chance = random.Random(self.seed)  # noqa: S311 - seeded, nothing secret

    def already_charging(self) -> list[int]:
        """EVSEs that are in the middle of a session at the start; call it once, first."""
        per_minute = _STARTS_A_DAY * HOURLY[self.start.hour] / 100 / 60
        share = min(0.9, per_minute * 32)  # minutes of a mean session
        for evse in range(self.count):
            if self._chance.random() < share:
                left = self._duration() * self._chance.random()
                self._plug_in(evse, self.start, left)
        return sorted(self.busy)

    def changes(self) -> Iterator[StatusChange]:
        """Status changes in order of simulated time, for ever."""
        if not self.count:
            return
        clock = self.start
        while True:
            clock += timedelta(seconds=self._chance.expovariate(self._fastest()))
            while self._ahead and self._ahead[0].at <= clock:
                yield self._unplug(heapq.heappop(self._ahead))
            if self._chance.random() * max(HOURLY) < HOURLY[clock.hour]:
                yield from self._arrive(clock)

    def _fastest(self) -> float:
        """Starts a second in the busiest hour; other hours are thinned out from it."""
        return self.count * _STARTS_A_DAY * max(HOURLY) / 100 / 3600

    def _arrive(self, clock: datetime) -> Iterator[StatusChange]:
        evse = self._chance.randrange(self.count)
        if evse not in self.busy:
            self._plug_in(evse, clock, self._duration())
            yield StatusChange(clock, evse, "CHARGING")

    def _duration(self) -> float:
        return duration_minutes(self._chance.random())

    def _plug_in(self, evse: int, at: datetime, minutes: float) -> None:
        self.busy.add(evse)
        heapq.heappush(
            self._ahead, StatusChange(at + timedelta(minutes=minutes), evse, "AVAILABLE")
        )

    def _unplug(self, end: StatusChange) -> StatusChange:
        """The end of a session or of a repair; a few sessions end with a broken EVSE."""
        if self._chance.random() < _BROKEN:
            repaired = end.at + timedelta(hours=_REPAIR_HOURS * self._chance.random())
            heapq.heappush(self._ahead, StatusChange(repaired, end.evse, "AVAILABLE"))
            return StatusChange(end.at, end.evse, "OUTOFORDER")
        self.busy.discard(end.evse)
        return end
