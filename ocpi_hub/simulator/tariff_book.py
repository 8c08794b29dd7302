"""The tariffs that a receiver holds, by owner and id."""

from collections.abc import Iterable

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import NoSuchResource
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from ocpi_hub.simulator.owned import PATH, Key, Object, key_at, key_of, pushed
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply


class TariffBook:
    """The Receiver interface of tariffs, which goes with that of locations (LOC-002).

    There is no PATCH: a tariff is replaced as a whole (TAR-010, TAR-012).
    """

    def __init__(self) -> None:
        self.held: dict[Key, Object] = {}
        rows = {("GET", PATH): self._get, ("PUT", PATH): self._put, ("DELETE", PATH): self._delete}
        self._routes = Routes("tariffs", rows)

    async def __call__(self, received: Received) -> Reply:
        return await self._routes(received)

    def replace(self, tariffs: Iterable[Object]) -> None:
        """What was pulled is all there is (TAR-004)."""
        self.held = {key_of(tariff): tariff for tariff in tariffs}

    async def _put(self, received: Received) -> Reply:
        tariff, key = pushed(received, Tariff), key_at(received)
        new = key not in self.held
        self.held[key] = tariff
        return Reply(http=201 if new else 200)

    async def _get(self, received: Received) -> Reply:
        return Reply(codec.encode(self._at(received)))

    async def _delete(self, received: Received) -> Reply:
        self._at(received)
        del self.held[key_at(received)]
        return Reply()

    def _at(self, received: Received) -> Object:
        found = self.held.get(key_at(received))
        if found is None:
            raise NoSuchResource(f"tariffs: no {received.segments[2]} here")
        return found
