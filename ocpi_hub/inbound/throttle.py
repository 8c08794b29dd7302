"""Limits: how often somebody may knock. Token buckets, bounded in number."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from time import monotonic

from ocpi_hub.ocpi.status import OcpiError, Status

_MOST_KEYS = 10_000


class TooMany(OcpiError):
    """HTTP 429 or 503 with Retry-After in whole seconds."""

    def __init__(self, message: str, retry_after_s: float, http: int = 429) -> None:
        super().__init__(message, Status.CLIENT_ERROR, http)
        self.retry_after = str(max(1, math.ceil(retry_after_s)))


@dataclass(slots=True)
class Buckets:
    """One bucket a key, each filling at its own rate; the key that was idle longest makes room."""

    _levels: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: Hashable, rate_per_s: float, burst: float) -> float:
        """Take one from the bucket of `key`; 0 when there was one, else seconds until there is."""
        now = monotonic()
        level, since = self._levels.pop(key, (burst, now))
        level = min(burst, level + (now - since) * rate_per_s)
        taken = level >= 1
        self._levels[key] = (level - 1 if taken else level, now)
        if len(self._levels) > _MOST_KEYS:
            del self._levels[next(iter(self._levels))]
        return 0 if taken else (1 - level) / rate_per_s
