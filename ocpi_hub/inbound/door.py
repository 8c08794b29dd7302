"""The generic endpoint: every request under `/ocpi` comes through here.

Limits, authentication, size and time of the body, JSON, OCPI: in this order (CRED-013, ROUT-801).
"""

import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from time import perf_counter, time

import structlog
from aiohttp import web

from ocpi_hub.inbound import asking
from ocpi_hub.inbound.asking import Asking
from ocpi_hub.inbound.body import CutShort, Sizes
from ocpi_hub.inbound.configuration import Configuration
from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.gate import Gate, check_opens
from ocpi_hub.inbound.incoming import Answer, Handed, Incoming, response
from ocpi_hub.inbound.opening import CHECKS, Opening
from ocpi_hub.inbound.own import Own
from ocpi_hub.inbound.relay import Relay, Unanswered
from ocpi_hub.inbound.request import Malformed
from ocpi_hub.inbound.results import ASKING, TELLING, Results
from ocpi_hub.inbound.review import Review
from ocpi_hub.inbound.table import Table
from ocpi_hub.inbound.throttle import TooMany
from ocpi_hub.modules.journal import Direction, Hop, Journal
from ocpi_hub.modules.memory import Asked
from ocpi_hub.modules.platforms import Platforms, TokenKind
from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef
from ocpi_hub.ocpi.status import (
    InvalidParameter,
    NotJson,
    OcpiError,
    Status,
    Unauthorized,
)
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing import rewrite
from ocpi_hub.routing.decide import (
    Broadcast,
    Decision,
    Forward,
    GetAll,
    OpenRoute,
    OwnCopy,
    Refuse,
    Request,
    decide,
    placed,
)
from ocpi_hub.routing.directory import Platform, PlatformId

log = structlog.get_logger("inbound")

_BODY = frozenset({"POST", "PUT", "PATCH"})
_UNNAMED = (None, None)  # who asks, in a request without FROM
_FOLLOW = f"{rewrite.PARAMETER}="
_BUSY_RETRY_S = 1
_SHARE = 4  # a single platform gets this part of `in_flight`, however slowly it sends
_TRACED = 6  # frames of a fault that are logged
_SHOWN = 500  # characters of its text, which may hold a whole body
_TURNED_AWAY = frozenset({429, 503})
_RELAYED = frozenset({"direct", "open"})
_ANSWERED = "answered"
_MOST_DECISIONS = 10_000
_LONGEST_REMEMBERED = 512  # characters of an address, so that they take no more than megabytes
# Partners choose what they answer, and every pair of labels is kept for ever.
_HTTP = frozenset(HTTPStatus)
_CODES = frozenset(Status)


@dataclass(slots=True)
class Door:
    """Serves `/ocpi`.

    `heard` is told of every message from a registered platform; `trace` logs each request at
    debug (the journal has them anyway); `asking` asks all about a Token that nobody owns.
    """

    table: Table
    gate: Gate
    platforms: Platforms
    configuration: Configuration
    relay: Relay
    own: Own
    opening: Opening
    results: Results
    journal: Journal
    metrics: Metrics
    sizes: Sizes
    now: Callable[[], datetime]
    fresh_id: Callable[[], str]
    body_timeout_s: float
    in_flight: int
    heard: Callable[[PlatformId], None] = lambda _: None
    review: Review | None = None
    trace: bool = False
    asking: Asking | None = None
    _decisions: dict[Hashable, tuple[Request, Decision]] = field(default_factory=dict)
    _number: int = -1
    _busy: int = 0
    _held: dict[PlatformId, int] = field(default_factory=dict)

    @property
    def busy(self) -> int:
        """Requests in work."""
        return self._busy

    def routes(self) -> list[web.RouteDef]:
        """For connections that aiohttp serves; everything under /ocpi is answered in OCPI."""
        return [
            web.route("*", "/ocpi", self.handed),
            web.route("*", "/ocpi/{path:.*}", self.handed),
        ]

    async def handed(self, request: web.Request) -> web.Response:
        return response(await self.handle(Handed(request)))

    def refuse(self, fault: Malformed, headers: message.Given) -> Answer:
        """The answer to what is no HTTP, with the ids that could be read."""
        ids, _ = message.read_ids(headers, self.fresh_id)
        body = message.envelope(self.now(), code=Status.CLIENT_ERROR, message=str(fault))
        reply = Reply(fault.http, Status.CLIENT_ERROR, body, close=True)
        self._count("unknown", reply, 0)
        return _answer(reply, ids)

    async def handle(self, request: Incoming) -> Answer:
        started = perf_counter()
        at = self.now()
        exchange = self._exchange(request)
        self._busy += 1
        try:
            reply = await self._answer(exchange)
        except OcpiError as error:
            reply = self._refusal(exchange, error)
        except Exception as error:  # noqa: BLE001 - every request gets an answer (STAT-018)
            log.error(  # noqa: TRY400 - a traceback with its locals would show tokens
                "inbound.fault",
                route=exchange.route,
                correlation_id=exchange.ids.correlation_id,
                error=repr(error)[:_SHOWN],
                trace=traceback.format_tb(error.__traceback__, limit=-_TRACED),
            )
            reply = self._refusal(exchange, OcpiError("internal error", Status.SERVER_ERROR))
        finally:
            self._leave(exchange.platform)
        self._record(exchange, reply, at, perf_counter() - started)
        return _answer(reply, exchange.ids)

    def _enter(self, platform: PlatformId) -> None:
        """TooMany when one platform would take the places of the others."""
        self._held[platform] = self._held.get(platform, 0) + 1
        if self._held[platform] > max(1, self.in_flight // _SHARE):
            raise TooMany("too many requests of this platform in work", _BUSY_RETRY_S)

    def _leave(self, platform: Platform | None) -> None:
        self._busy -= 1
        if platform is not None:
            self._held[platform.id] -= 1

    def _exchange(self, request: Incoming) -> Exchange:
        headers = request.headers
        ids, findings = message.read_ids(headers, self.fresh_id)
        return Exchange(
            request, request.method, request.path, request.query, headers, ids, [*findings]
        )

    async def _answer(self, exchange: Exchange) -> Reply:
        if self._busy > self.in_flight:
            raise TooMany("too many requests in work", _BUSY_RETRY_S, 503)
        await self._authenticate(exchange)
        exchange.hit = self.table.find(exchange.method, exchange.path)
        check_opens(
            exchange.known_caller,
            exchange.row.module.identifier,
            registered=exchange.known_platform.registered,
        )
        if not exchange.functional:
            self.configuration.admit(exchange)
            await self._read(exchange)
            return await self.configuration.answer(exchange)
        await self._read(exchange)
        if exchange.route in TELLING:  # what the address stands for decides, before any header
            return await self.results.tell(exchange)
        return await self._act(exchange, self._decide(exchange))

    async def _authenticate(self, exchange: Exchange) -> None:
        header = exchange.headers.get("authorization")
        found = self.gate.known(header)
        if found is None and header:
            await self.platforms.latest()  # another process may have issued it a moment ago
            found = self.gate.known(header)
        if found is None:
            self.gate.refuse(self.gate.whence(exchange.request))
        exchange.caller, exchange.platform = found
        self._enter(exchange.platform.id)
        self.gate.pace(exchange.platform)
        await self._hear(exchange)

    async def _hear(self, exchange: Exchange) -> None:
        """Any authenticated request is a sign of life (HCI-023, HCI-026)."""
        platform = exchange.known_platform
        self.platforms.seen(platform.id)
        if exchange.known_caller.kind is not TokenKind.CURRENT:
            return
        self.heard(platform.id)
        if platform.status is ConnectionStatus.OFFLINE:
            await self.platforms.set_status(platform.id, ConnectionStatus.CONNECTED)
            exchange.platform = self.platforms.directory().platforms[platform.id]

    async def _read(self, exchange: Exchange) -> None:
        if exchange.method not in _BODY:
            return
        route, limit = exchange.row.route, self.sizes.request(exchange.row.module.identifier)
        exchange.body = await exchange.request.read(limit, self.body_timeout_s)
        if exchange.body:
            exchange.value = codec.decode(exchange.body)
        elif route.body:
            raise NotJson("body: a JSON body is required")

    def _decide(self, exchange: Exchange) -> tuple[Request, Decision, str | None]:
        """The decision, and the partner's address when one of our links was followed."""
        exchange.mode = "direct"
        if exchange.method == "GET" and _FOLLOW in exchange.query:
            request = _asked(exchange)
            exchange.receiver = request.routing.to
            return self._followed(exchange, request)
        request, decision = self._decided(exchange)
        exchange.receiver = request.routing.to
        return request, decision, None

    def _decided(self, exchange: Exchange) -> tuple[Request, Decision]:
        """Decisions are remembered until the directory changes: partners ask alike all day."""
        directory, caller = self.platforms.directory(), exchange.known_platform
        if directory.number != self._number or len(self._decisions) > _MOST_DECISIONS:
            self._decisions.clear()
            self._number = directory.number
        row, headers = exchange.row, exchange.headers
        owner = exchange.ids_of_object[:2] if row.route.owned else ()
        pairs = tuple(map(headers.get, message.ROUTING))
        if pairs[2:] == _UNNAMED:
            exchange.findings.append("ROUT-014: the request does not name its sender")
        key = (caller.id, row.version, row.route.name, owner, pairs)
        found = self._decisions.get(key)
        if found is None:
            request = _asked(exchange)
            found = request, decide(request, directory, self.own.kept)
            unchanged = directory.platforms.get(caller.id) is caller
            if unchanged and len(exchange.path) <= _LONGEST_REMEMBERED:
                self._decisions[key] = found
        return found

    def _followed(
        self, exchange: Exchange, request: Request
    ) -> tuple[Request, Decision, str | None]:
        """A link of ours decides before all other rules (ROUT-502, ROUT-503)."""
        sealed = dict(exchange.params).get(rewrite.PARAMETER, "")
        led = self.relay.signer.follow(
            sealed, request.caller.id, request.spec.identifier, request.role, int(time())
        )
        given = request.routing
        if given.to not in {None, led.party} or given.sender not in {None, led.sender}:
            raise InvalidParameter("OCPI-to-*, OCPI-from-*: not those of the request before")
        request = replace(request, routing=message.Routing(led.party, led.sender))
        decision = decide(request, self.platforms.directory(), self.own.kept)
        url = None
        if isinstance(decision, Forward):
            url = led.url(decision.platform, decision.endpoint)
        return request, decision, url

    async def _act(
        self, exchange: Exchange, decided: tuple[Request, Decision, str | None]
    ) -> Reply:
        request, decision, url = decided
        if isinstance(decision, OpenRoute):
            exchange.mode = "open"
            meant = await self.opening.receivers(exchange, decision.sender)
            if not meant and self.asking is not None and exchange.route == asking.ROUTE:
                directory = self.platforms.directory()
                reply = await self.asking.ask(exchange, request, decision.sender, directory)
                if reply is not None:
                    return reply
            decision = placed(request, decision.sender, meant, self.platforms.directory())
        exchange.sender = decision.sender
        match decision:
            case Forward():
                return await self._forward(exchange, decision, url)
            case Broadcast():
                return await self.own.take(exchange, decision)
            case GetAll():
                return await self.own.list_all(exchange, decision)
            case OwnCopy():
                return await self.own.show(exchange, decision)
            case Refuse():
                if decision.forged:
                    log.warning(
                        "inbound.forged_party",
                        platform=request.caller.id,
                        route=exchange.route,
                        reason=decision.message,
                    )
                exchange.refusal = decision.outcome
                raise OcpiError(decision.message, decision.code, decision.http)

    async def _forward(self, exchange: Exchange, to: Forward, url: str | None) -> Reply:
        check = CHECKS.get(exchange.route)
        if check is not None:
            check(Asked(to.sender, exchange.ids_of_object, exchange.value))
        if exchange.route in ASKING:
            reply = await self.results.ask(exchange, to)
        else:
            reply = await self.relay.forward(exchange, to, url)
        self.opening.learn(exchange, to, reply)
        return reply

    def _refusal(self, exchange: Exchange, error: OcpiError) -> Reply:
        """The hub's own answer to what went wrong; FROM is the hub (ROUT-010, ROUT-011)."""
        body = message.envelope(self.now(), code=error.code, message=error.message)
        headers: dict[str, str] = {}
        outcome = exchange.refusal
        match error:
            case TooMany():
                headers["Retry-After"] = error.retry_after
            case Unauthorized():
                headers["WWW-Authenticate"] = "Token"
            case Unanswered():
                outcome = error.failure.value
            case _:
                pass
        sender = receiver = None
        if exchange.functional and exchange.platform is not None:
            sender = self.platforms.directory().hub
            receiver = exchange.sender or next(iter(exchange.platform.parties), None)
        close = isinstance(error, CutShort)
        return Reply(error.http, error.code, body, sender, receiver, headers, outcome, close)

    def _record(self, exchange: Exchange, reply: Reply, at: datetime, seconds: float) -> None:
        route = exchange.route
        self._count(route, reply, seconds)
        if exchange.platform is None and reply.http in _TURNED_AWAY:
            return  # a flood of strangers is counted, not kept
        if self.trace:  # asking the logger costs 10 us even when it is silent
            log.debug("inbound.answered", route=route, http=reply.http, code=reply.code)
        hop = Hop(
            at=at,
            direction=Direction.IN,
            platform=exchange.platform.id if exchange.platform is not None else None,
            route=route,
            mode=exchange.mode,
            method=exchange.method,
            url=f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path,
            request_id=exchange.ids.request_id,
            correlation_id=exchange.ids.correlation_id,
            sender=exchange.sender,
            receiver=exchange.receiver,
            http=reply.http,
            code=reply.code,
            outcome=reply.outcome,
            duration_ms=seconds * 1000,
            request_body=exchange.body,
            response_body=reply.body,
            findings=tuple(exchange.findings),
        )
        if not self._reviewed(exchange, reply, hop):
            self.journal.record(hop)

    def _reviewed(self, exchange: Exchange, reply: Reply, hop: Hop) -> bool:
        """Whether somebody looks at what was relayed, and records it then."""
        return (
            self.review is not None
            and exchange.value is not None
            and exchange.mode in _RELAYED
            and reply.outcome == _ANSWERED
            and self.review.takes(hop, exchange.row.version, exchange.ids_of_object, exchange.value)
        )

    def _count(self, route: str, reply: Reply, seconds: float) -> None:
        http = str(reply.http) if reply.http in _HTTP else f"{reply.http // 100}xx"
        code = str(reply.code) if reply.code in _CODES else f"{reply.code // 1000}xxx"
        self.metrics.answers.count(route, http, code, seconds)


def _answer(reply: Reply, ids: message.Ids) -> Answer:
    headers = {
        message.CONTENT_TYPE: message.JSON,
        message.REQUEST_ID: ids.request_id,
        message.CORRELATION_ID: ids.correlation_id,
        **message.routing_headers(reply.receiver, reply.sender),
        **reply.headers,
    }
    return Answer(reply.http, headers, reply.body, reply.close)


def _asked(exchange: Exchange) -> Request:
    """The request as routing looks at it; InvalidParameter for routing headers that are none."""
    row, ids = exchange.row, exchange.ids_of_object
    return Request(
        caller=exchange.known_platform,
        spec=row.module,
        role=row.role,
        route=row.route,
        routing=message.read_routing(exchange.headers),
        owner=PartyRef(ids[0], ids[1]) if row.route.owned else None,
    )
