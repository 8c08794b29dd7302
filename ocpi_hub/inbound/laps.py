"""Messages that go in circles: two hubs that each take the other for the way to a party (ROUT-807).

A circle is nested: while the hub waits for the answer, the same message comes back to be passed on
once more. So only what is under way needs to be remembered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ocpi_hub.inbound.exchange import Exchange
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.routing.directory import PlatformId

MOST: Final = 4  # some partners use one correlation id for all that they send

Lap = tuple[str, PlatformId, PlatformId, str, str]


class Laps:
    def __init__(self) -> None:
        self._under_way: dict[Lap, int] = {}

    @contextmanager
    def lap(self, exchange: Exchange, target: PlatformId) -> Iterator[None]:
        """While a message is passed on; OcpiError with 4000 when it went round too often."""
        caller = exchange.known_platform.id
        lap = (exchange.ids.correlation_id, caller, target, exchange.method, exchange.path)
        laps = self._under_way.get(lap, 0) + 1
        if laps > MOST:
            raise OcpiError("the message goes in a circle between platforms", Status.HUB_ERROR)
        self._under_way[lap] = laps
        try:
            yield
        finally:
            if self._under_way[lap] > 1:
                self._under_way[lap] -= 1
            else:
                del self._under_way[lap]
