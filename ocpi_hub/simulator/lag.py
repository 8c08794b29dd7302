"""How long a change takes from the CPO's push to a receiver, measured inside one process."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ocpi_hub.ocpi.primitives import PartyRef

_IN_FLIGHT = 200_000  # changes remembered until somebody receives them
_SAMPLES = 5_000  # last measurements that quantiles are taken of

ChangeId = tuple[PartyRef, str, str]  # owner, last_updated, folded id of Location or EVSE


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Milliseconds; None while nothing was measured."""

    p50: float | None
    p99: float | None
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Quantiles":
        if not seconds:
            return cls(None, None, 0)
        ranked = sorted(seconds)
        last = len(ranked) - 1
        return cls(ranked[round(last * 0.5)] * 1e3, ranked[round(last * 0.99)] * 1e3, len(ranked))


class Samples:
    """The last measurements of one thing, in seconds."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, seconds: float) -> None:
        self._last.append(seconds)

    def clear(self) -> None:
        self._last.clear()

    def __iter__(self) -> Iterator[float]:
        return iter(self._last)

    @property
    def quantiles(self) -> Quantiles:
        return Quantiles.of(tuple(self._last))


class LagMeter:
    """When each change was pushed; receivers ask how long ago that was."""

    def __init__(self) -> None:
        self._sent: dict[ChangeId, float] = {}

    def sent(self, change: ChangeId) -> None:
        self._sent[change] = time.monotonic()
        if len(self._sent) > _IN_FLIGHT:
            self._sent.pop(next(iter(self._sent)))

    def since(self, change: ChangeId) -> float | None:
        """Seconds since it was pushed; None when it was not pushed here."""
        at = self._sent.get(change)
        return None if at is None else time.monotonic() - at
