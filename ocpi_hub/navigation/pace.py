"""How much one key may take: requests a second, and its share of the streams of this process."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BURST_S = 4  # a fleet's cars wake up together
_MOST_KEYS = 10_000


@dataclass(slots=True)
class Pace:
    """`rate_per_s` 0 switches the rate off; `streams` may be open at once with one key."""

    rate_per_s: int
    streams: int
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)
    _open: Counter[str] = field(default_factory=Counter)

    def wait(self, key: str, now: float) -> int:
        """Take one request of a key; 0 when it may go on, else whole seconds until it may."""
        if not self.rate_per_s:
            return 0
        most = self.rate_per_s * BURST_S
        level, since = self._levels.get(key, (most, now))
        level = min(most, level + max(0.0, now - since) * self.rate_per_s)
        taken = level >= 1
        if len(self._levels) >= _MOST_KEYS:  # keys come and go; full buckets are no loss
            self._levels.clear()
        self._levels[key] = (level - 1 if taken else level, now)
        return 0 if taken else math.ceil((1 - level) / self.rate_per_s)

    def full(self, key: str) -> bool:
        return self._open[key] >= self.streams

    @contextmanager
    def stream(self, key: str) -> Iterator[None]:
        """One more open stream of a key, until the block ends."""
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
