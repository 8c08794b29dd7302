"""A small directory: two CPOs, an EMSP, a party split over two platforms, and what is not there."""

from dataclasses import replace
from datetime import UTC, datetime

from ocpi_hub.ocpi.message import Routing
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.spec import RouteSpec
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.routing.agreements import InForce, agreements
from ocpi_hub.routing.decide import Request
from ocpi_hub.routing.directory import (
    Directory,
    Endpoint,
    HostedRole,
    Platform,
    PlatformId,
    Quirks,
)

SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE
PLANNED, SUSPENDED = ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED
HUB = PartyRef("NL", "HUB")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = frozenset({"locations"})


def party(text: str) -> PartyRef:
    country, _, party_id = text.partition("-")
    return PartyRef(country, party_id)


def hosted(text: str, status: ConnectionStatus = CONNECTED) -> HostedRole:
    """`NL-CPO CPO` in a state."""
    who, _, role = text.partition(" ")
    return HostedRole(party(who), Role(role), b'{"name":"x"}', status, LONG_AGO)


def platform(
    name: str,
    *roles: str | HostedRole,
    offers: str = "",
    status: ConnectionStatus = CONNECTED,
) -> Platform:
    """`offers` lists interfaces such as `locations.receiver`."""
    endpoints = tuple(
        Endpoint(module, InterfaceRole(side.upper()), f"https://{name}.example/{side}/{module}")
        for module, _, side in (entry.partition(".") for entry in offers.split())
    )
    made = tuple(role if isinstance(role, HostedRole) else hosted(role, status) for role in roles)
    return Platform(PlatformId(name), name, status, True, "2.2.1", None, endpoints, made)


CPO = platform("cpo", "NL-CPO CPO", offers="locations.sender sessions.sender tokens.receiver")
CPO2 = platform("cpo2", "BE-CP2 CPO", offers="locations.sender")
EMSP = platform(
    "emsp", "DE-EMP EMSP", offers="locations.receiver cdrs.receiver sessions.receiver tokens.sender"
)
SCSP = platform("scsp", "FR-SCS SCSP", offers="sessions.receiver")
BOTH = platform("both", "NL-ONE CPO", "NL-TWO EMSP", offers="locations.receiver")
SPLIT_CPO = platform("split-cpo", "AT-SPL CPO", offers="commands.receiver locations.sender")
SPLIT_EMSP = platform("split-emsp", "AT-SPL EMSP", offers="locations.receiver")
GONE = platform("gone", "FR-OFF EMSP", offers="locations.receiver", status=OFFLINE)
DROPPED = platform(
    "dropped", "FR-STY EMSP", hosted("FR-OUT EMSP", SUSPENDED), offers="locations.receiver"
)
HALF_OFF = platform("half-off", "AT-HLF EMSP", offers="locations.receiver", status=OFFLINE)
HALF_ON = platform("half-on", "AT-HLF CPO", offers="locations.sender")
AGREED = platform("agreed", "FR-REG CPO", hosted("FR-NEW CPO", PLANNED))

ALL = (CPO, CPO2, EMSP, SCSP, BOTH, SPLIT_CPO, SPLIT_EMSP, GONE, DROPPED, HALF_OFF, HALF_ON, AGREED)
WORLD = Directory(HUB, {each.id: each for each in ALL}, 1)


def route(name: str) -> tuple[str, InterfaceRole, RouteSpec]:
    module = name.partition(".")[0]
    for side in MODULES[module].interfaces:
        for row in side.routes:
            if row.name == name:
                return module, side.role, row
    raise LookupError(name)


def request(
    name: str,
    caller: Platform,
    to: str | None = None,
    sender: str | None = None,
    owner: str | None = None,
    *,
    lenient: bool = False,
) -> Request:
    """The row by its name; parties as `NL-CPO`."""
    module, role, row = route(name)
    if lenient:
        caller = replace(caller, quirks=Quirks(lenient_list=True))
    routing = Routing(party(to) if to else None, party(sender) if sender else None)
    return Request(caller, MODULES[module], role, row, routing, party(owner) if owner else None)


def agreeing(*pairs: str, world: Directory = WORLD) -> Directory:
    """The world where these have agreements and nobody else: `NL-CPO DE-EMP locations,tokens`."""
    in_force = []
    for text in pairs:
        first, second, *modules = text.split()
        scope = frozenset(modules[0].split(",")) if modules else None
        in_force.append(InForce((party(first), party(second)), scope))
    since = {frozenset(one.parties): LONG_AGO for one in in_force}
    return replace(world, agreements=agreements(in_force, since))
