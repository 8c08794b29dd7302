"""How a partner does, as this process sees it: for operators and for metrics."""

from collections.abc import Mapping
from typing import Any

from ocpi_hub.delivery.client import HttpClient
from ocpi_hub.delivery.spread import Spread
from ocpi_hub.routing.directory import PlatformId


class Health:
    """Joins what the client learnt (breaker) with what spread knows (lag, counts)."""

    def __init__(self, client: HttpClient, spread: Spread) -> None:
        self._client = client
        self._spread = spread

    def health(self, platform: PlatformId) -> Mapping[str, Any]:
        """`breaker`, `lag_s`, `pending`, `deliveries`; the last three None elsewhere."""
        status = self._spread.status(platform)
        return {
            "breaker": self._client.breaker(platform).state.value,
            "lag_s": None if status is None else round(status.lag_s, 3),
            "pending": None if status is None else status.pending,
            "deliveries": None if status is None else dict(status.counts),
        }
