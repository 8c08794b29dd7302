"""The CDRs of a CPO: each goes once to the eMSP that pays, and is never changed (CDR-003).

What the eMSP called it, the address in its answer, is kept: nothing else leads back (CDR-026).
"""

import copy

import aiohttp

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, format_datetime
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.charge import credit
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.outlet import Object
from ocpi_hub.simulator.pages import page
from ocpi_hub.simulator.platform import NotSent, SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes, asker
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.stations import owner_of

_MODULE = "cdrs"


class Ledger:
    """`urls` are the addresses at the eMSPs by CDR id; `unsent` are ids that nobody confirmed."""

    def __init__(self, platform: SimulatedPlatform) -> None:
        self.cdrs: dict[str, Object] = {}
        self.urls: dict[str, str] = {}
        self.unsent: set[str] = set()
        self._platform = platform
        rows = {("GET", ""): self._page}
        platform.serve(_MODULE, InterfaceRole.SENDER, Routes(_MODULE, rows))

    async def post(self, cdr: Object) -> None:
        """Write a CDR down as of now, for good, and send it; one that did not arrive is unsent."""
        written = copy.deepcopy(cdr) | {"last_updated": format_datetime(now())}
        self.cdrs[cdr["id"]] = written
        await self._send(written)

    async def send_missing(self) -> None:
        for id_ in tuple(self.unsent):
            await self._send(self.cdrs[id_])

    async def credit(self, id_: str) -> Object:
        """Take a CDR back in full, by another one (CDR-006)."""
        back = credit(self.cdrs[id_])
        await self.post(back)
        return self.cdrs[back["id"]]

    async def fetch(self, id_: str) -> Answer:
        """The CDR as the eMSP has it, from the address that it gave."""
        cdr = self.cdrs[id_]
        return await self._platform.call(
            "GET", self.urls[id_], to=_provider(cdr), sender=owner_of(cdr)
        )

    async def _send(self, cdr: Object) -> None:
        id_ = cdr["id"]
        self.unsent.add(id_)
        try:
            answer = await self._platform.ask(
                "POST", _MODULE, InterfaceRole.RECEIVER, (), cdr,
                to=_provider(cdr), sender=owner_of(cdr),
            )  # fmt: skip
        except (NotSent, aiohttp.ClientError, TimeoutError):
            return
        if answer.ok:
            self.unsent.discard(id_)
            if location := answer.headers.get("Location"):
                self.urls[id_] = location

    async def _page(self, received: Received) -> Reply:
        """Those that the asking party pays (CDR-018); the hub itself is shown all."""
        mine = [each for each in self.cdrs.values() if concerns(self._platform, received, each)]
        return page(mine, received, self._platform.url(_MODULE, InterfaceRole.SENDER))


def concerns(platform: SimulatedPlatform, received: Received, told: Object) -> bool:
    """Whether a Session or CDR is the asking party's; who names no party is the peer."""
    party = asker(received) or platform.known_peer.party
    hubs = {
        PartyRef(role["country_code"], role["party_id"])
        for role in platform.known_peer.roles
        if role["role"] == "HUB"
    }
    return party in hubs or party == _provider(told)


def _provider(told: Object) -> PartyRef:
    return PartyRef(told["cdr_token"]["country_code"], told["cdr_token"]["party_id"])
