"""What partners send to the hub itself: it takes pushes, lists all objects, shows its copy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from multidict import MultiDict

from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.pages import paged
from ocpi_hub.modules.line import Message
from ocpi_hub.modules.locations import Taken
from ocpi_hub.modules.store import Page, Store, Viewer, Window, Written
from ocpi_hub.ocpi import codec, message, paging
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.status import NoSuchResource, Status
from ocpi_hub.routing.audience import hidden, sees_unpublished
from ocpi_hub.routing.decide import Broadcast, GetAll, OwnCopy
from ocpi_hub.routing.directory import Directory, PlatformId

_LONGEST_PAGE = 100
_CREATED = 201


class Duty(Protocol):
    """What the hub does with a module of which it keeps a copy; see `modules.locations`."""

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

    async def find(self, ids: Sequence[str], hidden: frozenset[tuple[str, str]]) -> bytes: ...


_STALE = "ROUT-222: last_updated: older than what the hub holds, which stays as it is"


@dataclass(frozen=True, slots=True)
class Own:
    """`duties` by module identifier; `directory` is the one of the moment."""

    duties: Mapping[str, Duty]
    store: Store
    directory: Callable[[], Directory]
    now: Callable[[], datetime]

    @property
    def kept(self) -> frozenset[str]:
        return frozenset(self.duties)

    async def take(self, exchange: Exchange, decision: Broadcast) -> Reply:
        """Answered as soon as the push is durable, whomever it reaches (ROUT-213, ROUT-214)."""
        self._addressed(exchange, "broadcast")
        country, party, *ids = exchange.ids_of_object
        _, _, path = exchange.path_below.split("/", 2)
        taken = await self._duty(exchange).push(
            PartyRef(country, party),
            tuple(ids),
            Message(exchange.method, path, exchange.body),
            exchange.value,
            origin=exchange.known_platform.id,
            correlation_id=exchange.ids.correlation_id,
        )
        exchange.findings += taken.findings
        if taken.written is Written.STALE:
            exchange.findings.append(_STALE)
        http = _CREATED if taken.written is Written.CREATED else 200
        return self._success(decision.sender, None, http=http)

    async def list_all(self, exchange: Exchange, decision: GetAll) -> Reply:
        self._addressed(exchange, "get-all")
        params = exchange.params
        query = paging.read_query(MultiDict(params))
        limit = min(query.limit or _LONGEST_PAGE, _LONGEST_PAGE)
        page = await self._duty(exchange).page(
            Window(query.date_from, query.date_to, query.offset, limit),
            self._viewer(exchange, decision.sender),
        )
        headers = paged(
            exchange.row.url, params, query.offset, limit, page.total, most=_LONGEST_PAGE
        )
        return self._success(decision.sender, page.body, headers)

    async def show(self, exchange: Exchange, decision: OwnCopy) -> Reply:
        self._addressed(exchange, "own")
        ids = exchange.ids_of_object
        if exchange.row.role is InterfaceRole.RECEIVER:
            data = await self._duty(exchange).one(PartyRef(ids[0], ids[1]), ids[2:])
        else:
            data = await self._found(exchange, self._viewer(exchange, decision.sender))
        return self._success(decision.sender, data)

    async def owners(self, exchange: Exchange) -> Sequence[PartyRef]:
        """Who is known to own the object that a Sender URL names by its id alone (LOC-034)."""
        spec = exchange.row.module
        if spec.identifier not in self.duties:
            return ()
        gone = hidden(spec, self.directory())
        owners = await self.store.owners(spec.identifier, exchange.ids_of_object[0])
        return [owner for owner in owners if owner.key not in gone]

    async def _found(self, exchange: Exchange, viewer: Viewer) -> bytes:
        """An object by its id, unless it is not published and would be shown to all (LOC-075)."""
        duty, ids = self._duty(exchange), exchange.ids_of_object
        if viewer.public_only:
            whole = await duty.find(ids[:1], viewer.hidden)
            if codec.members(whole).get("publish") == b"false":
                raise NoSuchResource(f"the hub holds no {ids[0]}", Status.UNKNOWN_LOCATION)
        return await duty.find(ids, viewer.hidden)

    def _viewer(self, exchange: Exchange, party: PartyRef) -> Viewer:
        return Viewer(
            public_only=not sees_unpublished(exchange.known_platform, party),
            hidden=hidden(exchange.row.module, self.directory()),
        )

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
