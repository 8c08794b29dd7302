"""What goes out for one change, and what follows from its outcome.

Pure. The first attempt of every change is made for every connected receiver; after it nothing is
kept and nothing is sent later (offline behaviour: TR-090, ROUT-219, ROUT-227). What may follow at
once: one more try where nothing was handed over or where the try is harmless, and the repair of a
failed PATCH by the full object (TR-041).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final

from ocpi_hub.modules.hubclientinfo import client_info
from ocpi_hub.modules.line import Change, Message, ObjectKey, Place
from ocpi_hub.modules.outgoing import Answered, Call, Failure, Outcome
from ocpi_hub.modules.remarks import model_of
from ocpi_hub.ocpi import codec, dialect, message
from ocpi_hub.ocpi.known import known_only
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, parse_datetime
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError, Status
from ocpi_hub.ocpi.v2_2 import VERSION as V2_2
from ocpi_hub.ocpi.v2_2_1 import VERSION as V2_2_1
from ocpi_hub.routing import audience
from ocpi_hub.routing.agreements import Agreements
from ocpi_hub.routing.directory import Directory, Endpoint, Platform, PlatformId, Quirks
from ocpi_hub.routing.rewrite import join

CLIENT_INFO: Final = "hubclientinfo"
_LOCATIONS: Final = "locations"
MODE: Final = "broadcast"
_SUCCESS_HTTP: Final = range(200, 300)
_SUCCESS_CODE: Final = range(1000, 2000)
_NOT_FOUND: Final = 404
_UNKNOWN: Final = frozenset({Status.UNKNOWN_LOCATION, Status.UNKNOWN_TOKEN})
# The receiver refuses the hub itself or asks for less: another request would make it worse.
_REFUSED: Final = frozenset({401, 403, 429})


class Verdict(StrEnum):
    """RETRY: probe, then once more. REPAIR: look at the receiver's object, then put it right."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REPAIR = "repair"
    GIVE_UP = "given-up"


_AFTER_FAILURE: Final[dict[tuple[str, Failure], Verdict]] = {
    ("PUT", Failure.NOT_CONNECTED): Verdict.RETRY,
    ("PATCH", Failure.NOT_CONNECTED): Verdict.RETRY,
    ("DELETE", Failure.NOT_CONNECTED): Verdict.RETRY,
    # Perhaps the receiver has it: the full object and a deletion may come twice, a PATCH is looked
    # after.
    ("PUT", Failure.TIMEOUT): Verdict.RETRY,
    ("DELETE", Failure.TIMEOUT): Verdict.RETRY,
    ("PATCH", Failure.TIMEOUT): Verdict.REPAIR,
}


def verdict(method: str, outcome: Outcome) -> Verdict:
    """What follows from the first attempt of a broadcast request."""
    if not isinstance(outcome, Answered):
        return _AFTER_FAILURE.get((method, outcome.failure), Verdict.GIVE_UP)
    if accepted(outcome):
        return Verdict.DELIVERED
    if method == "PATCH" and outcome.http not in _REFUSED:
        return Verdict.REPAIR
    return Verdict.GIVE_UP


def final(method: str, outcome: Outcome) -> Verdict:
    """What follows from the second attempt: as from the first, but never a third."""
    found = verdict(method, outcome)
    return Verdict.GIVE_UP if found is Verdict.RETRY else found


def accepted(outcome: Outcome) -> bool:
    """Whether a receiver took a push: HTTP 2xx, and 1xxx where it sent an envelope at all."""
    if not isinstance(outcome, Answered) or outcome.http not in _SUCCESS_HTTP:
        return False
    return not outcome.body or outcome.code in _SUCCESS_CODE


def alive(outcome: Outcome) -> bool:
    """Whether the answer to a probe is HTTP 2xx with an OCPI success (HCI-025)."""
    return isinstance(outcome, Answered) and bool(outcome.body) and accepted(outcome)


class Held(StrEnum):
    """What a receiver has of an object, as its answer to a GET shows."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    UNKNOWN = "unknown"


def held(outcome: Outcome, last_updated: datetime) -> Held:
    """Compare the receiver's copy with the state of `last_updated`."""
    if not isinstance(outcome, Answered):
        return Held.UNKNOWN
    code = outcome.code
    if outcome.http == _NOT_FOUND or code in _UNKNOWN:
        return Held.MISSING
    if not accepted(outcome):
        return Held.UNKNOWN
    found = _last_updated(outcome.body)
    if found is None:
        return Held.UNKNOWN
    return Held.STALE if found < last_updated else Held.CURRENT


def _last_updated(body: bytes) -> datetime | None:
    try:
        return parse_datetime(codec.decode(body)["data"]["last_updated"])
    except (OcpiError, KeyError, TypeError, ValueError):
        return None


def withdrawn(location: bytes) -> bool:
    """Whether a Location says of itself that it is not published (LOC-075)."""
    return codec.members(location).get("publish") == b"false"


def chains(changes: Iterable[Change]) -> list[list[int]]:
    """Indices of changes that must follow each other, in order of their first member (ROUT-220)."""
    found: dict[ObjectKey, list[int]] = {}
    for index, change in enumerate(changes):
        found.setdefault(change.key.whole, []).append(index)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Way:
    """How a platform is told of changes of one kind: worked out once, since nothing in it differs.

    `told`: the routing headers of each request (ROUT-203), none for a platform as such (HCI-014).
    `older`: the platform speaks 2.2. `quirks`: where else it differs.
    """

    platform: PlatformId
    endpoint: Endpoint
    told: tuple[dict[str, str], ...]
    older: bool
    quirks: Quirks

    @property
    def verbatim(self) -> bool:
        """Whether messages go out word for word."""
        return not self.older and not self.quirks.known_members


def way(
    change: Change, platform: Platform, spec: ModuleSpec | None, directory: Directory
) -> Way | None:
    """The way of this change, and of all with the same module, `public` and another origin.

    Where there are agreements, of those with the same owner. None when the platform is not
    concerned; `spec`: the module in the platform's version, None when that version has none.
    """
    endpoint = platform.endpoint(change.key.module, InterfaceRole.RECEIVER)
    if endpoint is None or spec is None:
        return None
    told = tuple(
        message.routing_headers(to, directory.hub if to is not None else None)
        for to in recipients(change, platform, spec, directory.agreements)
    )
    return Way(platform.id, endpoint, told, platform.version == V2_2, platform.quirks)


def requests(change: Change, whole: Place, way: Way, fresh: Callable[[], str]) -> list[Call]:
    """The requests that tell of a change; `whole`: see `Change.outgoing`."""
    push = spoken(_pushed(change, whole, way), change, way)
    if push is None:
        return []
    return [request(change, push, way, headers(change, shown, fresh)) for shown in way.told]


def _pushed(change: Change, whole: Place, way: Way) -> Message:
    if change.message.method == "DELETE":  # there is no state left to put
        return change.message
    push = change.outgoing(whole)
    if push.method == "PATCH" and way.quirks.put_only:
        return Message("PUT", change.state_path, change.state)
    return push


def spoken(push: Message, change: Change, way: Way) -> Message | None:
    """The message in the platform's version; None when that has no words for it."""
    if way.verbatim:
        return push
    told = _told(push, change, way)
    if told is None or not told.body or not way.quirks.known_members:
        return told
    path, _, _ = told.path.partition("?")
    route, ids = _route(change.key.module, told.method), ["", "", *path.split("/")]
    model = model_of(V2_2 if way.older else V2_2_1, route, ids)
    return told if model is None else replace(told, body=known_only(model, told.body))


def _told(push: Message, change: Change, way: Way) -> Message | None:
    if not way.older or change.key.module != _LOCATIONS:
        return push
    kind = dialect.location_kind(push.path.count("/") + 1)
    if kind is None or not push.body:
        return push
    try:
        return replace(push, body=dialect.told(push.body, kind, V2_2))
    except InvalidParameter:
        return None


def recipients(
    change: Change, platform: Platform, spec: ModuleSpec, agreements: Agreements | None = None
) -> tuple[PartyRef | None, ...]:
    """Who is told: parties (ROUT-217); None stands for a platform as such (HCI-015)."""
    if change.key.module == CLIENT_INFO:
        return () if change.origin == platform.id else (None,)
    return audience.receivers(
        spec, platform, change.origin, change.owner, agreements, public=change.public
    )


def as_seen(change: Change, whole: Place, viewer: Platform, directory: Directory) -> Change | None:
    """A change of a connection as `viewer` sees it; None when it sees none (HCI-022).

    Whoever saw the state before needs to be told only of what moved its own view.
    """
    hosted = next(
        (
            hosted
            for platform in directory.hosting(change.owner)
            for hosted in platform.held(change.owner)
            if hosted.role == change.key.part
        ),
        None,
    )
    if hosted is None:
        return None
    seen = audience.seen(hosted, viewer, directory)
    if whole >= change.previous and seen.last_updated < change.last_updated:
        return None
    state = codec.encode(client_info(seen))
    return replace(change, state=state, message=replace(change.message, body=state))


def headers(change: Change, shown: dict[str, str], fresh: Callable[[], str]) -> dict[str, str]:
    """The routing headers with ids; what is told to a platform as such has its own (TR-073)."""
    return {
        **shown,
        message.REQUEST_ID: fresh(),
        message.CORRELATION_ID: change.correlation_id if shown else fresh(),
    }


def request(change: Change, push: Message, way: Way, shown: dict[str, str]) -> Call:
    """One request; the URL keeps the owner of the object (ROUT-204)."""
    body = push.body or None
    return Call(
        platform=way.platform,
        method=push.method,
        url=join(way.endpoint.url, *_below(change, push.path), slash=way.quirks.trailing_slash),
        headers={**shown, message.CONTENT_TYPE: message.JSON} if body else shown,
        body=body,
        route=_route(change.key.module, push.method),
        mode=MODE,
    )


@cache
def _route(module: str, method: str) -> str:
    return f"{module}.receiver.{method.lower()}"


def _below(change: Change, path: str) -> tuple[str, str]:
    """Sub-path and query below the endpoint; a token's query names its type."""
    below, _, query = path.partition("?")
    if change.key.module == CLIENT_INFO:
        return below, query  # the path is the described party already (HCI-013)
    return f"{change.owner.country_code}/{change.owner.party_id}/{below}", query
