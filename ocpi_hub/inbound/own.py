"""What partners send to the hub itself: it takes pushes, lists all objects, shows its copy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.pages import paged
from ocpi_hub.modules.line import Message
from ocpi_hub.modules.store import Page, Store, Written
from ocpi_hub.ocpi import message, paging
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.status import Status
from ocpi_hub.routing.decide import Broadcast, GetAll, OwnCopy
from ocpi_hub.routing.directory import Platform, PlatformId

_CREATED = 201


class Duty(Protocol):
    """What the hub does with a module of which it keeps a copy."""

    async def push(
        self,
        owner: PartyRef,
        ids: tuple[str, ...],
        pushed: Message,
        value: Any,
        origin: PlatformId,
        correlation_id: str,
    ) -> tuple[Written, tuple[str, ...]]:
        """Check and store a push durably; its effect and findings."""

    async def page(
        self, query: paging.Query, viewer: Platform, party: PartyRef
    ) -> tuple[Page, int]:
        """A page of all that this party may see, and the limit applied."""

    async def one(
        self, owner: PartyRef | None, ids: tuple[str, ...], viewer: Platform, party: PartyRef
    ) -> bytes:
        """One object or part; by id alone when `owner` is None. Raises NoSuchResource."""


@dataclass(frozen=True, slots=True)
class Own:
    """`duties` by module identifier."""

    duties: Mapping[str, Duty]
    store: Store
    hub: PartyRef
    now: Callable[[], datetime]

    @property
    def kept(self) -> frozenset[str]:
        return frozenset(self.duties)

    async def take(self, exchange: Exchange, decision: Broadcast) -> Reply:
        """Answered as soon as the push is durable, whomever it reaches (ROUT-213, ROUT-214)."""
        exchange.mode, exchange.receiver = "broadcast", self.hub
        country, party, *ids = exchange.ids_of_object
        _, _, path = exchange.path_below.split("/", 2)
        written, findings = await self._duty(exchange).push(
            PartyRef(country, party),
            tuple(ids),
            Message(exchange.method, path, exchange.body),
            exchange.value,
            exchange.known_platform.id,
            exchange.ids.correlation_id,
        )
        exchange.findings += findings
        http = _CREATED if written is Written.CREATED else 200
        return self._success(decision.sender, None, http=http)

    async def list_all(self, exchange: Exchange, decision: GetAll) -> Reply:
        exchange.mode, exchange.receiver = "get-all", self.hub
        params = exchange.params
        query = paging.read_query(dict(params))
        page, limit = await self._duty(exchange).page(
            query, exchange.known_platform, decision.sender
        )
        headers = paged(exchange.row.url, params, query.offset, limit, page.total)
        return self._success(decision.sender, page.body, headers)

    async def show(self, exchange: Exchange, decision: OwnCopy) -> Reply:
        exchange.mode, exchange.receiver = "own", self.hub
        owner, ids = None, exchange.ids_of_object
        if exchange.row.role is InterfaceRole.RECEIVER:
            owner, ids = PartyRef(ids[0], ids[1]), ids[2:]
        data = await self._duty(exchange).one(owner, ids, exchange.known_platform, decision.sender)
        return self._success(decision.sender, data)

    async def owners(self, exchange: Exchange) -> Sequence[PartyRef]:
        """Who is known to own the object that a Sender URL names by its id alone (LOC-034)."""
        module = exchange.row.module.identifier
        if module not in self.duties:
            return ()
        return await self.store.owners(module, exchange.ids_of_object[0])

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
        return Reply(http, Status.SUCCESS, body, self.hub, requester, headers or {})
