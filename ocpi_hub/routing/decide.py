"""Where a functional request goes: one decision per request, from a snapshot and nothing else.

The order of the checks is a promise (ROUT-801): FROM, owner in the URL, TO, connection, module.
Tokens, JSON and the form of the headers are checked before. Headers carry no role, so a party is
found by the module and interface that was called (ROUT-013).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ocpi_hub.ocpi.message import Routing
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.spec import ModuleSpec, RouteSpec
from ocpi_hub.ocpi.status import Status
from ocpi_hub.routing.audience import may_push
from ocpi_hub.routing.directory import Directory, Endpoint, Platform, PlatformId

_SPEAKING = frozenset({ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE})
_ASKED_BY_GET = frozenset({"chargingprofiles"})  # a GET there reads no object: it starts something


@dataclass(frozen=True, slots=True)
class Request:
    """A functional request as far as routing looks at it.

    `owner` is the party in the URL of an owned route, `routing` the party headers as read.
    """

    caller: Platform
    spec: ModuleSpec
    role: InterfaceRole
    route: RouteSpec
    routing: Routing
    owner: PartyRef | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Relay to `party` on `platform`, at `endpoint`; `sender` is FROM."""

    sender: PartyRef
    party: PartyRef
    platform: Platform
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Broadcast:
    """The hub takes the push itself and spreads it (ROUT-201)."""

    sender: PartyRef


@dataclass(frozen=True, slots=True)
class GetAll:
    """A list of everybody's objects from the hub's copy (ROUT-401)."""

    sender: PartyRef


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """One object as the hub holds it (ROUT-408, ROUT-409)."""

    sender: PartyRef


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """Whom does the content mean? The answer goes to `placed` (ROUT-301)."""

    sender: PartyRef


@dataclass(frozen=True, slots=True)
class Refuse:
    """An answer that the hub makes itself; `forged` when a caller spoke for somebody else.

    `sender` is the requesting party as soon as it is known, for the routing headers (ROUT-010).
    `outcome` is for the hub's operator: not all that it may know is told to the partner.
    """

    code: int
    message: str
    http: int = 200
    sender: PartyRef | None = None
    forged: bool = False
    outcome: str = "refused"


Decision = Forward | Broadcast | GetAll | OwnCopy | OpenRoute | Refuse


def decide(request: Request, directory: Directory, kept: Collection[str]) -> Decision:
    """The one decision for a request; `kept` names the modules of which the hub keeps a copy."""
    sender = request.routing.sender
    if sender is None:
        sender = _inferred(request.caller)
        if sender is None:
            return Refuse(
                Status.INVALID_PARAMETER,
                "OCPI-from-*: required, as this platform does not host exactly one party",
            )
    elif not _speaks_for(request.caller, sender):
        return Refuse(
            Status.INVALID_PARAMETER,
            f"OCPI-from-party-id: {sender} is not a registered party of this platform",
            forged=True,
        )
    if (
        request.owner is not None
        and request.owner != sender
        and not _passes_session_on(request, directory)
    ):
        return Refuse(
            Status.CLIENT_ERROR,
            f"{request.owner} in the URL is not the requesting party {sender}",
            404,
            sender,
            forged=True,
        )
    to = request.routing.to
    if to is None:
        return _without_receiver(request, sender, kept)
    if to == directory.hub:
        return _to_hub(request, sender, kept)
    return forward(request, sender, to, directory)


def placed(
    request: Request, sender: PartyRef, owners: Sequence[PartyRef], directory: Directory
) -> Forward | Refuse:
    """Finish an open route; `owners` are all whom its content may mean (ROUT-311, ROUT-313).

    Whom the requester may not reach is not there for it (ROUT-314).
    """
    module = request.spec.identifier
    match [owner for owner in owners if directory.allows(sender, owner, module)]:
        case []:
            return _placed_nowhere(request, sender)
        case [owner]:
            return forward(request, sender, owner, directory)
        case _:
            return Refuse(
                Status.UNKNOWN_RECEIVER,
                "several parties own an object with this id: name one in OCPI-to-*",
                sender=sender,
            )


def _placed_nowhere(request: Request, sender: PartyRef) -> Refuse:
    if _authorizes(request.route):
        return Refuse(Status.UNKNOWN_TOKEN, "no party is known to own this token", 404, sender)
    if request.route.method == "GET" and request.spec.identifier not in _ASKED_BY_GET:
        return Refuse(Status.CLIENT_ERROR, "no party is known to own this object", 404, sender)
    return Refuse(
        Status.UNKNOWN_RECEIVER,
        f"OCPI-to-*: required, the content of {request.route.name} names no known receiver",
        sender=sender,
    )


def forward(
    request: Request, sender: PartyRef, to: PartyRef, directory: Directory
) -> Forward | Refuse:
    """Relay to a party: known, agreed with, connected, and offering the interface, in this order.

    Without an agreement the answer is that of a party that is not there (ROUT-806).
    """
    hosting = directory.hosting(to)
    if not hosting:
        return Refuse(Status.UNKNOWN_RECEIVER, f"{to} is not known to this hub", sender=sender)
    module = request.spec.identifier
    if not directory.allows(sender, to, module):
        return Refuse(
            Status.RECEIVER_NOT_CONNECTED,
            f"{to} is not connected",
            sender=sender,
            outcome="no-agreement",
        )
    offering = [
        (platform, endpoint)
        for platform in hosting
        if (endpoint := platform.endpoint(module, request.role)) is not None
    ]
    for platform, endpoint in offering:
        if _reachable(platform, to):
            return Forward(sender, to, platform, endpoint)
    if offering or not any(_reachable(platform, to) for platform in hosting):
        return Refuse(Status.RECEIVER_NOT_CONNECTED, f"{to} is not connected", sender=sender)
    return Refuse(
        Status.HUB_ERROR, f"{to} does not offer {module} as {request.role}", sender=sender
    )


def returned(
    sender: PartyRef, to: PartyRef, asked: PlatformId, endpoint: Endpoint, directory: Directory
) -> Forward | Refuse:
    """A result on its way back, to the platform that asked and no other (ROUT-604)."""
    platform = directory.platforms.get(asked)
    if platform is None or not platform.hosts(to):
        return Refuse(Status.UNKNOWN_RECEIVER, f"{to} is not known to this hub", sender=sender)
    if not _reachable(platform, to):
        return Refuse(Status.RECEIVER_NOT_CONNECTED, f"{to} is not connected", sender=sender)
    return Forward(sender, to, platform, endpoint)


def _to_hub(request: Request, sender: PartyRef, kept: Collection[str]) -> Decision:
    spec, route = request.spec, request.route
    if not spec.broadcast_from:
        return _refused(
            sender, f"{spec.identifier} are for one receiver: name it in OCPI-to-* (ROUT-211)"
        )
    if route.method == "GET":
        return _from_copy(request, sender, kept)
    if request.role is InterfaceRole.SENDER:
        return _refused(sender, f"{route.name} is for one receiver: name it in OCPI-to-*")
    if spec.identifier not in kept:
        return _no_copy(request, sender)
    if not may_push(spec, request.caller, sender):
        roles = ", ".join(sorted(spec.broadcast_from))
        return _refused(sender, f"{sender} has no role that broadcasts {spec.identifier} ({roles})")
    return Broadcast(sender)


def _from_copy(
    request: Request, sender: PartyRef, kept: Collection[str]
) -> GetAll | OwnCopy | Refuse:
    if request.spec.identifier not in kept:
        return _no_copy(request, sender)
    return GetAll(sender) if request.route.listing else OwnCopy(sender)


def _without_receiver(request: Request, sender: PartyRef, kept: Collection[str]) -> Decision:
    """Open routing; the owner in a Receiver URL is the pusher, never the destination (ROUT-305)."""
    route = request.route
    if request.role is InterfaceRole.SENDER and route.listing:
        return _list_of_nobody(request, sender, kept)
    if request.role is InterfaceRole.RECEIVER and request.spec.broadcast_from:
        return _to_hub(request, sender, kept)  # ROUT-312; a GET looks at what such a push has left
    return OpenRoute(sender)


def _authorizes(route: RouteSpec) -> bool:
    """It names its token by the id alone, as a GET does its object (TOK-054)."""
    return route.name.endswith(".authorize")


def _list_of_nobody(request: Request, sender: PartyRef, kept: Collection[str]) -> Decision:
    if request.caller.quirks.lenient_list:
        return _to_hub(request, sender, kept)
    return _refused(sender, "OCPI-to-*: name a receiver, or the hub for the lists of all parties")


def _no_copy(request: Request, sender: PartyRef) -> Refuse:
    return Refuse(
        Status.HUB_ERROR,
        f"the hub keeps no copy of {request.spec.identifier}: name a receiver in OCPI-to-*",
        sender=sender,
    )


def _refused(sender: PartyRef, message: str) -> Refuse:
    return Refuse(Status.INVALID_PARAMETER, message, sender=sender)


def _inferred(platform: Platform) -> PartyRef | None:
    """The only party that a platform can speak for, if there is exactly one (ROUT-007)."""
    speaking = {hosted.party for hosted in platform.roles if hosted.status in _SPEAKING}
    return speaking.pop() if len(speaking) == 1 else None


def _speaks_for(platform: Platform, party: PartyRef) -> bool:
    """Whether the party is registered there: agreed only, or dropped, is not enough (ROUT-802)."""
    return any(hosted.status in _SPEAKING for hosted in platform.held(party))


def _reachable(platform: Platform, party: PartyRef) -> bool:
    """Both states count: a party dropped by PUT credentials is SUSPENDED alone (CRED-044)."""
    return platform.connected and any(
        hosted.status is ConnectionStatus.CONNECTED for hosted in platform.held(party)
    )


def _passes_session_on(request: Request, directory: Directory) -> bool:
    """An EMSP may pass a CPO's session on to an SCSP (ROUT-803)."""
    sender, to = request.routing.sender or _inferred(request.caller), request.routing.to
    return (
        request.spec.identifier == "sessions"
        and to is not None
        and any(
            hosted.party == sender and hosted.role is Role.EMSP and hosted.status in _SPEAKING
            for hosted in request.caller.roles
        )
        and any(
            hosted.party == to and hosted.role is Role.SCSP
            for platform in directory.hosting(to)
            for hosted in platform.roles
        )
    )
