"""Partners for scenarios told as a dialogue; the simulated platforms are what they are made of.

    async with fake_partner(CPO="NL-CPO") as cpo, fake_partner(EMSP="DE-EMP") as emsp:
        await cpo.register(versions_url, token_a)
        await cpo.put(a_location())
        push = (await emsp.received("locations"))[-1]

Answers, headers and raw bytes are within reach: `emsp.record`, `emsp.faults`, `cpo.call`.
"""

from typing import Any
from urllib.parse import quote

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.copy import Copy
from ocpi_hub.simulator.fault import Faults
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import VERSION, Handler, Reply, accept
from ocpi_hub.simulator.tariff_book import TariffBook

HUB = "hub"
SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER


def party(text: str) -> PartyRef:
    """`NL-CPO` as a party."""
    country_code, _, party_id = text.partition("-")
    return PartyRef(country_code, party_id)


class FakePartner(SimulatedPlatform):
    """A platform whose every word a scenario can choose."""

    def __init__(self, roles: list[PlatformRole], **how: Any) -> None:
        super().__init__(f"partner {roles[0].party}", roles, **how)
        self.copy = Copy()
        self.tariffs = TariffBook()

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def agreed_roles(self) -> list[dict[str, str]]:
        """Its roles as the admin API wants them."""
        return [
            {
                "country_code": role.party.country_code,
                "party_id": role.party.party_id,
                "role": role.role.value,
                "name": role.name,
            }
            for role in self.roles
        ]

    async def received(
        self, interface: str, method: str | None = None, **how: Any
    ) -> list[Received]:
        """What came to an interface (`locations`, `locations.receiver`), as soon as it is there.

        `count`, `where` and `deadline_s` as in `Record.wait`.
        """
        return await self.record.wait(interface, method, **how)

    async def send(
        self,
        method: str,
        module: str,
        path: str = "",
        *,
        side: InterfaceRole = RECEIVER,
        body: Any = None,
        to: PartyRef | str | None = HUB,
        sender: PartyRef | str | None = None,
        **more: Any,
    ) -> Answer:
        """Any request to an interface of the peer; `body` is JSON or bytes as they are.

        `to` is "hub", a party, or None for no TO headers; `sender` is its first party unless given.
        """
        url = self.known_peer.url(module, side)
        return await self.call(
            method,
            f"{url}/{path}" if path else url,
            body=body if body is None or isinstance(body, bytes) else codec.encode(body),
            to=self._party(to),
            sender=self._party(sender) or self.party,
            **more,
        )

    async def put(self, location: dict[str, Any], **how: Any) -> Answer:
        """PUT a Location at its owner's path."""
        return await self.send("PUT", "locations", location_path(location), body=location, **how)

    async def patch(self, location: dict[str, Any], changes: Any, *ids: str, **how: Any) -> Answer:
        """PATCH a Location, or its EVSE and Connector given by `ids`."""
        path = location_path(location, *ids)
        return await self.send("PATCH", "locations", path, body=changes, **how)

    async def get(self, module: str, path: str = "", **how: Any) -> Answer:
        """GET from a Sender interface of the peer."""
        return await self.send("GET", module, path, side=SENDER, **how)

    def answers(self, module: str, side: InterfaceRole, reply: Reply) -> None:
        """Give this reply to whatever comes to an interface."""

        async def handler(_: Received) -> Reply:
            return reply

        self.serve(module, side, handler)

    def _party(self, given: PartyRef | str | None) -> PartyRef | None:
        if given == HUB:
            return self.known_peer.party
        return party(given) if isinstance(given, str) else given


def location_path(location: dict[str, Any], *ids: str) -> str:
    segments = (location["country_code"], location["party_id"], location["id"], *ids)
    return "/".join(quote(segment, safe="") for segment in segments)


def _offers(partner: FakePartner) -> dict[Role, dict[tuple[str, InterfaceRole], Handler]]:
    """What a platform with a party in each role offers unless a scenario says otherwise."""
    takes_locations: dict[tuple[str, InterfaceRole], Handler] = {
        ("locations", RECEIVER): partner.copy,
        ("tariffs", RECEIVER): partner.tariffs,
    }
    provider = takes_locations | {
        ("sessions", RECEIVER): accept,
        ("cdrs", RECEIVER): accept,
        ("tokens", SENDER): accept,
        ("commands", SENDER): accept,
        ("chargingprofiles", SENDER): accept,
    }
    operator: dict[tuple[str, InterfaceRole], Handler] = {
        (module, SENDER): accept for module in ("locations", "tariffs", "sessions", "cdrs")
    } | {(module, RECEIVER): accept for module in ("tokens", "commands", "chargingprofiles")}
    return {
        Role.CPO: operator,
        Role.EMSP: provider,
        Role.SCSP: {("sessions", RECEIVER): accept, ("chargingprofiles", SENDER): accept},
        Role.NSP: takes_locations,
        Role.NAP: takes_locations,
        Role.OTHER: takes_locations,
    }


def fake_partner(*, deadline_s: float = 30, version: str = VERSION, **roles: str) -> FakePartner:
    """A partner by its parties: `fake_partner(CPO="NL-CPO NL-CP2", EMSP="NL-EMP")`.

    Use it in `async with`, which opens and closes its port.
    """
    hosted = [
        PlatformRole(party(text), Role(role), f"{text} {role}")
        for role, texts in roles.items()
        for text in texts.split()
    ]
    partner = FakePartner(hosted, deadline_s=deadline_s, version=version)
    offers = _offers(partner)
    for role in {each.role for each in hosted}:
        for (module, side), handler in offers.get(role, {}).items():
            partner.serve(module, side, handler)
    return partner
