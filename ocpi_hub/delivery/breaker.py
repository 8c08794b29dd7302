"""The circuit breaker of one partner: after enough failures nothing is sent for a while.

Pure: time comes in as seconds of one steady clock. Opens after 5 failures in a row, or when more
than half of at least 20 calls within 30 s failed; stays open 30 s, twice as long each time it has
to open again without a success in between, at most 5 min; then lets one probe through. Any success
and any authenticated message from the partner closes it.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

IN_A_ROW = 5
WINDOW_S = 30.0
ENOUGH = 20
OPEN_S = 30.0
LONGEST_OPEN_S = 300.0
# A probe that never reports back (its task was killed) must not keep the door shut for ever.
PROBE_LOST_S = 60.0


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Event(StrEnum):
    """What happens to a breaker. TRIP is a failure that exhausts the patience of a closed one."""

    SUCCESS = "success"
    FAILURE = "failure"
    TRIP = "trip"
    INBOUND = "inbound"
    PROBE = "probe"
    ABANDONED = "abandoned"


# A pair that is not here changes nothing: late results of calls begun before the breaker opened.
NEXT: dict[tuple[State, Event], State] = {
    (State.CLOSED, Event.TRIP): State.OPEN,
    (State.OPEN, Event.PROBE): State.HALF_OPEN,
    (State.OPEN, Event.SUCCESS): State.CLOSED,
    (State.OPEN, Event.INBOUND): State.CLOSED,
    (State.HALF_OPEN, Event.PROBE): State.HALF_OPEN,
    (State.HALF_OPEN, Event.SUCCESS): State.CLOSED,
    (State.HALF_OPEN, Event.INBOUND): State.CLOSED,
    (State.HALF_OPEN, Event.FAILURE): State.OPEN,
    (State.HALF_OPEN, Event.TRIP): State.OPEN,
    (State.HALF_OPEN, Event.ABANDONED): State.OPEN,
}


@dataclass(slots=True)
class Second:
    """The calls that ended within one second."""

    at: int
    total: int = 0
    failed: int = 0


@dataclass(slots=True)
class Breaker:
    """`until`: when the next probe is due; `opened_at`: when it last opened; `trips`: how often."""

    state: State = State.CLOSED
    until: float = 0.0
    opened_at: float = 0.0
    trips: int = 0
    in_a_row: int = 0
    recent: deque[Second] = field(default_factory=deque)

    def admits(self, now: float) -> bool:
        """Whether a call may go out now. True for an open breaker means: this call is the probe."""
        if self.state is State.CLOSED:
            return True
        if now < self.until:
            return False
        self._move(Event.PROBE, now)
        return True

    def succeeded(self, now: float) -> None:
        self.in_a_row = 0
        self._count(now, failed=0)
        if self.state is not State.CLOSED:
            self._move(Event.SUCCESS, now)

    def failed(self, now: float) -> None:
        self.in_a_row += 1
        self._count(now, failed=1)
        self._move(Event.TRIP if self._exhausted else Event.FAILURE, now)

    def inbound_seen(self, now: float) -> None:
        """The partner called the hub with its token: it lives (HCI-026)."""
        self._move(Event.INBOUND, now)

    def abandoned(self, now: float) -> None:
        """A call was admitted but never made or cancelled; nothing was learnt."""
        self._move(Event.ABANDONED, now)

    @property
    def _exhausted(self) -> bool:
        if self.in_a_row >= IN_A_ROW:
            return True
        total = sum(second.total for second in self.recent)
        return total >= ENOUGH and 2 * sum(second.failed for second in self.recent) > total

    def _count(self, now: float, *, failed: int) -> None:
        second = int(now)
        if not self.recent or self.recent[-1].at != second:
            self.recent.append(Second(second))
            while self.recent[0].at <= second - WINDOW_S:
                self.recent.popleft()
        self.recent[-1].total += 1
        self.recent[-1].failed += failed

    def _move(self, event: Event, now: float) -> None:
        before = self.state
        after = NEXT.get((before, event))
        if after is None:
            return
        self.state = after
        if after is State.CLOSED:
            self._reset()
        elif after is State.HALF_OPEN:
            self.until = now + PROBE_LOST_S
        elif event is Event.ABANDONED:
            self.until = now
        else:
            self._open(now)

    def _reset(self) -> None:
        self.trips = self.in_a_row = 0
        self.recent.clear()

    def _open(self, now: float) -> None:
        self.opened_at = now
        self.until = now + min(OPEN_S * 2**self.trips, LONGEST_OPEN_S)
        self.trips += 1
