"""The tariffs of a CPO: a list, pushes to everybody, and taking back what nobody needs."""

from collections.abc import Callable, Iterable

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold, format_datetime
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.outlet import Object, Outlet
from ocpi_hub.simulator.pages import page
from ocpi_hub.simulator.platform import SimulatedPlatform, To
from ocpi_hub.simulator.price_list import choose, ids_for, price_list
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.stations import owner_of

_MODULE = "tariffs"


class StillListed(Exception):
    """A Connector lists the tariff, so it is not deleted (TAR-016)."""


class TariffDesk:
    """`listed` tells whether a Connector of that owner lists a tariff."""

    def __init__(
        self, platform: SimulatedPlatform, owners: Iterable[PartyRef],
        listed: Callable[[PartyRef, str], bool],
    ) -> None:  # fmt: skip
        self._platform = platform
        self._listed = listed
        moment = format_datetime(now())
        self.held = {
            (owner, fold(tariff["id"])): tariff
            for owner in owners
            for tariff in price_list(owner, moment)
        }
        rows = {("GET", ""): self._page}
        platform.serve(_MODULE, InterfaceRole.SENDER, Routes(_MODULE, rows))

    def of(self, outlet: Outlet, profile: str = "REGULAR") -> Object | None:
        """The tariff for a ProfileType at an outlet; the regular one is there in any case."""
        ids = outlet.connector.get("tariff_ids") or ids_for(outlet.connector["power_type"])
        found = (self.held.get((outlet.owner, fold(each))) for each in ids)
        return choose([each for each in found if each is not None], now(), profile)

    async def put(self, tariff: Object, *, to: To = "hub") -> Answer:
        """PUT a whole tariff as of now (TAR-002)."""
        tariff["last_updated"] = format_datetime(now())
        self.held[owner_of(tariff), fold(tariff["id"])] = tariff
        return await self._send("PUT", owner_of(tariff), tariff["id"], tariff, to)

    async def put_all(self) -> None:
        for tariff in tuple(self.held.values()):
            await self.put(tariff)

    async def delete(self, owner: PartyRef, id_: str, *, to: To = "hub") -> Answer:
        """Take a tariff back; raises StillListed."""
        if self._listed(owner, id_):
            raise StillListed(f"{owner} {id_}")
        del self.held[owner, fold(id_)]
        return await self._send("DELETE", owner, id_, None, to)

    async def fetch(self, owner: PartyRef, id_: str, *, to: To = "hub") -> Answer:
        """What the receiver holds of it (TAR-003)."""
        return await self._send("GET", owner, id_, None, to)

    async def _send(
        self, method: str, owner: PartyRef, id_: str, body: Object | None, to: To
    ) -> Answer:
        ids = (owner.country_code, owner.party_id, id_)
        return await self._platform.ask(
            method, _MODULE, InterfaceRole.RECEIVER, ids, body, to=to, sender=owner
        )

    async def _page(self, received: Received) -> Reply:
        return page(self.held.values(), received, self._platform.url(_MODULE, InterfaceRole.SENDER))
