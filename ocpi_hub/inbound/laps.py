"""Messages that go in circles: two hubs that each take the other for the way to a party (ROUT-807).

A circle is nested: while the hub waits for the answer, the same message comes back to be passed on
once more. So only what is under way needs to be remembered. Some partners use one correlation id
for all that they send at once: what says something else is another message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ocpi_hub.inbound.exchange import Exchange
from ocpi_hub.modules.callbacks import MEMBER
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.routing.directory import PlatformId

MOST: Final = 16  # honest partners ask for the same several times at once

Lap = tuple[str, PlatformId, PlatformId, PartyRef | None, str, str, int]


class Laps:
    def __init__(self) -> None:
        self._under_way: dict[Lap, int] = {}

    @contextmanager
    def lap(self, exchange: Exchange, target: PlatformId) -> Iterator[None]:
        """While a message is passed on; OcpiError with 4000 when it went round too often."""
        caller = exchange.known_platform.id
        said = _said(exchange)
        to, path = exchange.receiver, exchange.path
        lap = (exchange.ids.correlation_id, caller, target, to, exchange.method, path, said)
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


def _said(exchange: Exchange) -> int:
    """The same for each lap of a message: only its response_url is another every time."""
    value = exchange.value
    if isinstance(value, dict) and MEMBER in value:
        return hash(repr([part for part in value.items() if part[0] != MEMBER]))
    return hash((exchange.body, "" if MEMBER in exchange.query else exchange.query))
