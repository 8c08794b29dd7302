"""What partners send to the hub itself: it takes pushes, lists all objects, shows its copy."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from ocpi_hub.inbound.aside import aside
from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.pages import asked, paged
from ocpi_hub.inbound.throttle import TooMany
from ocpi_hub.modules import locations, tariffs, tokens
from ocpi_hub.modules.line import Message
from ocpi_hub.modules.stamp import AHEAD
from ocpi_hub.modules.store import Page, Store, Viewer, Window, Written
from ocpi_hub.modules.taken import Taken
from ocpi_hub.ocpi import codec, dialect, message
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, Status
from ocpi_hub.ocpi.v2_2 import VERSION as V2_2
from ocpi_hub.routing.audience import hidden, may_get, sees_unpublished, unseen
from ocpi_hub.routing.decide import Broadcast, GetAll, OwnCopy
from ocpi_hub.routing.directory import Directory, PlatformId

_LONGEST_PAGE = 100
_MOST_LISTS = 10  # that one partner may read at the same time
_MOST_VIEWERS = 10_000
_CREATED = 201


class Duty(Protocol):
    """What the hub does with a module of which it keeps a copy.

    See `modules.locations` and `modules.keeping`.
    """

    async def push(
        self,
        owner: PartyRef,
        ids: tuple[str, ...],
        message: Message,
        value: Any,
        *,
        origin: PlatformId,
        correlation_id: str,
    ) -> Taken: ...

    async def page(self, window: Window, viewer: Viewer) -> Page: ...

    async def one(self, owner: PartyRef, ids: Sequence[str]) -> bytes: ...


def duties(store: Store) -> Mapping[str, Duty]:
    """The modules of which the hub keeps a copy (ROUT-215)."""
    return {
        locations.MODULE: locations.Locations(store),
        tariffs.MODULE: tariffs.duty(store),
        tokens.MODULE: tokens.duty(store),
    }


_STALE = "ROUT-222: last_updated: older than what the hub holds, which stays as it is"

_AHEAD = (
    "ROUT-222: last_updated: is more than a day ahead of the hub's clock, so the next push with an "
    "earlier one replaces this"
)


@dataclass(frozen=True, slots=True)
class Own:
    """`duties` by module identifier; `directory` is the one of the moment."""

    duties: Mapping[str, Duty]
    store: Store
    directory: Callable[[], Directory]
    now: Callable[[], datetime]
    _listing: dict[PlatformId, int] = field(default_factory=dict)
    _viewers: dict[Hashable, tuple[int, Viewer]] = field(default_factory=dict)

    @property
    def kept(self) -> frozenset[str]:
        return frozenset(self.duties)

    async def take(self, exchange: Exchange, decision: Broadcast) -> Reply:
        """Answered as soon as the push is durable, whomever it reaches (ROUT-213, ROUT-214)."""
        self._addressed(exchange, "broadcast")
        country, party, *ids = _ids(exchange)
        taken = await self._duty(exchange).push(
            PartyRef(country, party),
            tuple(ids),
            Message(exchange.method, _path(exchange), exchange.body),
            exchange.value,
            origin=exchange.known_platform.id,
            correlation_id=exchange.ids.correlation_id,
        )
        exchange.findings += taken.findings
        if taken.written is Written.STALE:
            exchange.findings.append(_STALE)
        if _ahead(exchange.value, self.now()):
            exchange.findings.append(_AHEAD)
        http = _CREATED if taken.written is Written.CREATED else 200
        return self._success(decision.sender, None, http=http)

    async def list_all(self, exchange: Exchange, decision: GetAll) -> Reply:
        self._addressed(exchange, "get-all")
        self._entitled(exchange, decision.sender)
        query, params = asked(exchange.query)
        limit = min(query.limit or _LONGEST_PAGE, _LONGEST_PAGE)
        with self._share(exchange.known_platform.id):
            page = await self._duty(exchange).page(
                Window(query.date_from, query.date_to, query.offset, limit),
                self._viewer(exchange, decision.sender),
            )
        headers = paged(
            exchange.row.url,
            params,
            query.offset + page.count if page.count else page.total,
            limit,
            page.total,
            most=_LONGEST_PAGE,
        )
        return await _worded(exchange, self._success(decision.sender, page.body, headers))

    @contextmanager
    def _share(self, platform: PlatformId) -> Iterator[None]:
        """A partner's share of the turns at the lists; TooMany beyond it, for the others' sake."""
        self._listing[platform] = self._listing.get(platform, 0) + 1
        try:
            if self._listing[platform] > _MOST_LISTS:
                raise TooMany(f"more than {_MOST_LISTS} lists at a time", 1)
            yield
        finally:
            self._listing[platform] -= 1

    async def show(self, exchange: Exchange, decision: OwnCopy) -> Reply:
        self._addressed(exchange, "own")
        if exchange.row.role is InterfaceRole.RECEIVER:
            country, party, *ids = _ids(exchange)
            data = await self._duty(exchange).one(PartyRef(country, party), ids)
        else:
            data = await self._found(exchange, self._viewer(exchange, decision.sender))
        return await _worded(exchange, self._success(decision.sender, data))

    async def owners(self, exchange: Exchange) -> Sequence[PartyRef]:
        """Who is known to own the object that a Sender URL names by its id alone.

        A Location (LOC-034), or the Token of an authorization (TOK-054).
        """
        return await self._owners(exchange, hidden(exchange.row.module, self.directory()))

    async def _owners(
        self, exchange: Exchange, gone: frozenset[tuple[str, str]]
    ) -> Sequence[PartyRef]:
        module = exchange.row.module.identifier
        if module not in self.duties:
            return ()
        part = tokens.token_type(exchange.params) if module == tokens.MODULE else ""
        owners = await self.store.owners(module, exchange.ids_of_object[0], part)
        return [owner for owner in owners if owner.key not in gone]

    async def _found(self, exchange: Exchange, viewer: Viewer) -> bytes:
        """A Location, or a part of it, by its id alone; one that is unique (ROUT-409).

        One that is not published is not shown to who would show it to all (LOC-075).
        """
        duty, ids = self._duty(exchange), exchange.ids_of_object
        match await self._owners(exchange, viewer.hidden):
            case []:
                raise NoSuchResource(f"the hub holds no {ids[0]}", Status.UNKNOWN_LOCATION)
            case [owner]:
                pass
            case several:
                raise InvalidParameter(
                    f"location_id: {ids[0]} exists at {len(several)} parties, address one of them"
                )
        if viewer.public_only:
            whole = await duty.one(owner, ids[:1])
            if codec.members(whole).get("publish") == b"false":
                raise NoSuchResource(f"the hub holds no {ids[0]}", Status.UNKNOWN_LOCATION)
        return await duty.one(owner, ids)

    def _viewer(self, exchange: Exchange, party: PartyRef) -> Viewer:
        """Who looks; remembered, since who crawls a list asks for page after page."""
        spec, directory, platform = exchange.row.module, self.directory(), exchange.known_platform
        asked = (platform.id, spec.identifier, party.key)
        number, known = self._viewers.get(asked, (-1, None))
        if known is None or number != directory.number:
            known = Viewer(
                public_only=not sees_unpublished(platform, party),
                hidden=unseen(spec, directory, party),
            )
            if len(self._viewers) > _MOST_VIEWERS:
                self._viewers.clear()
            if directory.platforms.get(platform.id) is platform:  # it did not change meanwhile
                self._viewers[asked] = directory.number, known
        return known

    @staticmethod
    def _entitled(exchange: Exchange, sender: PartyRef) -> None:
        """Who knows the uid of a card can copy it: all Tokens are for those who get them anyway."""
        spec = exchange.row.module
        if spec.identifier == tokens.MODULE and not may_get(spec, exchange.known_platform, sender):
            roles = ", ".join(sorted(spec.broadcast_to))
            raise InvalidParameter(f"{sender} has no role that gets tokens of others ({roles})")

    def _addressed(self, exchange: Exchange, mode: str) -> None:
        exchange.mode, exchange.receiver = mode, self.directory().hub

    def _duty(self, exchange: Exchange) -> Duty:
        return self.duties[exchange.row.module.identifier]

    def _success(
        self,
        requester: PartyRef,
        data: bytes | None,
        headers: dict[str, str] | None = None,
        http: int = 200,
    ) -> Reply:
        body = message.envelope(self.now(), data=data)
        hub = self.directory().hub
        return Reply(http, Status.SUCCESS, body, hub, requester, headers or {})


async def _worded(exchange: Exchange, reply: Reply) -> Reply:
    """The hub's copy in the words of 2.2, where that was asked."""
    if exchange.row.version != V2_2:
        return reply
    kind = dialect.kind(exchange.row.route, exchange.ids_of_object)
    if kind is None:
        return reply
    body, findings = await aside(dialect.answered, reply.body, kind, V2_2)
    exchange.findings += findings
    return replace(reply, body=body)


def _ahead(value: Any, now: datetime) -> bool:
    """Whether an object that was taken bears a stamp that no clock explains."""
    at = value.get("last_updated") if isinstance(value, dict) else None
    return at is not None and parse_datetime(at) > now + AHEAD


def _ids(exchange: Exchange) -> tuple[str, ...]:
    """Owner and ids in the URL; a Token's type stands in the query (TOK-013)."""
    ids = exchange.ids_of_object
    if exchange.row.module.identifier == tokens.MODULE:
        return (*ids, tokens.token_type(exchange.params))
    return ids


def _path(exchange: Exchange) -> str:
    """What follows the owner, as received; see `Message`."""
    _, _, path = exchange.path_below.split("/", 2)
    typed = exchange.row.module.identifier == tokens.MODULE and exchange.query
    return f"{path}?{exchange.query}" if typed else path
