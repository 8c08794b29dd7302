"""Small in-memory stand-ins for the seams of delivery, and partners that are real HTTP servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from aiohttp import web

from ocpi_hub.delivery.client import HttpClient
from ocpi_hub.delivery.transport import HttpTransport
from ocpi_hub.modules.journal import Hop
from ocpi_hub.modules.line import ORIGIN, Change, Message, ObjectKey, Place
from ocpi_hub.modules.outgoing import Answered, Call, Outcome
from ocpi_hub.modules.receivers import Receiver
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role, fold
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import (
    Directory,
    Endpoint,
    HostedRole,
    Platform,
    PlatformId,
    Quirks,
)
from ocpi_hub.settings import Delivery

HUB = PartyRef("NL", "HUB")
CPO = PartyRef("NL", "CP1")
MSP = PartyRef("DE", "EM1")
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
OK = message.envelope(AT)
OPEN = Delivery(allow_private=True, require_https=False)
TABLES = {"2.2.1": MODULES}


def platform_of(
    name: str,
    base: str,
    *parties: tuple[PartyRef, Role],
    status: ConnectionStatus = ConnectionStatus.CONNECTED,
    quirks: Quirks | None = None,
    modules: Sequence[str] = ("locations", "tariffs", "tokens", "hubclientinfo"),
) -> Platform:
    hosted = parties or ((MSP, Role.EMSP),)
    return Platform(
        id=PlatformId(name),
        name=name,
        status=status,
        registered=True,
        version="2.2.1",
        versions_url=f"{base}/versions",
        endpoints=tuple(
            Endpoint(module, InterfaceRole.RECEIVER, f"{base}/receiver/{module}")
            for module in modules
        ),
        roles=tuple(HostedRole(party, role, b"{}", status, AT) for party, role in hosted),
        quirks=quirks or Quirks(),
    )


class FakePlatforms:
    """A dict of platforms; every one has the token `secret-of-NAME`."""

    def __init__(self, *platforms: Platform) -> None:
        self.known = {platform.id: platform for platform in platforms}
        self.sights: dict[PlatformId, datetime] = {}
        self.moves: list[tuple[PlatformId, ConnectionStatus]] = []
        self.moved = asyncio.Event()
        self._made: Directory | None = None

    def directory(self) -> Directory:
        if self._made is None or dict(self._made.platforms) != self.known:
            self._made = Directory(HUB, dict(self.known))
        return self._made

    def outgoing_token(self, platform: PlatformId) -> str | None:
        return f"secret-of-{platform}" if platform in self.known else None

    def seen(self, platform: PlatformId) -> None:
        self.sights[platform] = datetime.now(UTC)

    def last_seen(self, platform: PlatformId) -> datetime | None:
        return self.sights.get(platform)

    def clock(self) -> datetime:
        return datetime.now(UTC)

    async def set_status(self, platform: PlatformId, status: ConnectionStatus) -> bool:
        self.known[platform] = replace(self.known[platform], status=status)
        self.moves.append((platform, status))
        self.moved.set()
        return True


@dataclass
class FakeJournal:
    hops: list[Hop] = field(default_factory=list)

    def record(self, hop: Hop) -> None:
        self.hops.append(hop)


@dataclass
class FakeReceivers:
    """The receivers of one process; `taken` are held by another."""

    cursors: dict[PlatformId, Place]
    taken: set[PlatformId] = field(default_factory=set)
    released: bool = False

    async def claim(self) -> Sequence[Receiver]:
        return [Receiver(p, c) for p, c in self.cursors.items() if p not in self.taken]

    async def save(self, cursors: Mapping[PlatformId, Place]) -> None:
        for platform, cursor in cursors.items():
            if platform not in self.taken:
                self.cursors[platform] = max(cursor, self.cursors[platform])

    async def skip_to_end(self, platform: PlatformId) -> Place:
        raise AssertionError(platform)

    async def release(self) -> None:
        self.released = True


class ListLine:
    """The number line as a list, each object at its latest place."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.number = 0
        self.anew_from: list[Place] = []
        self.asked = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()

    def put(self, change: Change) -> Change:
        self.number += 1
        older = [known for known in self.changes if known.key == change.key]
        placed = replace(
            change,
            place=Place(1, self.number),
            previous=older[-1].place if older else ORIGIN,
        )
        self.changes = [known for known in self.changes if known.key != change.key]
        self.changes.append(placed)
        for event in self._waiting:
            event.set()
        return placed

    async def head(self) -> Place:
        return self.changes[-1].place if self.changes else ORIGIN

    async def after(self, cursor: Place, limit: int) -> Sequence[Change]:
        self.asked.set()
        return [change for change in self.changes if change.place > cursor][:limit]

    async def anew(self, cursor: Place, limit: int) -> Sequence[Change]:
        self.anew_from.append(cursor)
        return await self.after(cursor, limit)

    async def wakes(self) -> AsyncIterator[None]:
        event = asyncio.Event()
        self._waiting.add(event)
        while True:
            try:
                async with asyncio.timeout(0.05):
                    await event.wait()
            except TimeoutError:
                pass
            event.clear()
            yield


@dataclass
class FakeStore:
    objects: dict[ObjectKey, bytes] = field(default_factory=dict)

    async def one(self, key: ObjectKey) -> bytes | None:
        return self.objects.get(key)


def location(
    name: str,
    *,
    method: str = "PUT",
    evse: str = "",
    body: bytes | None = None,
    state: bytes | None = None,
    owner: PartyRef = CPO,
    origin: str = "cpo",
    public: bool = True,
    minute: int = 0,
    correlation_id: str = "c1",
    turned: Place = ORIGIN,
    listed: bool = True,
) -> Change:
    """A change of a Location or of one of its EVSEs; `ListLine.put` gives it its place."""
    path = f"{name}/{evse}" if evse else name
    moment = AT + timedelta(minutes=minute)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    full = state or json.dumps({"id": name, "last_updated": stamp}).encode()
    return Change(
        place=ORIGIN,
        previous=ORIGIN,
        key=ObjectKey("locations", *owner.key, fold(name), fold(evse)),
        owner=owner,
        message=Message(method, path, full if body is None else body),
        state_path=path,
        state=full,
        last_updated=moment,
        public=public,
        origin=PlatformId(origin),
        correlation_id=correlation_id,
        turned=turned,
        listed=listed,
    )


def client_info(party: PartyRef, origin: str, status: str = "OFFLINE") -> Change:
    body = json.dumps({"party_id": party.party_id, "status": status}).encode()
    path = f"{party.country_code}/{party.party_id}"
    return replace(
        location("x"),
        key=ObjectKey("hubclientinfo", *party.key, "", "CPO"),
        owner=party,
        message=Message("PUT", path, body),
        state_path=path,
        state=body,
        origin=PlatformId(origin),
        correlation_id="",
    )


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is watched knows no events
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Got:
    """A request as a partner received it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def what(self) -> tuple[str, str]:
        return self.method, self.path


Answer = Callable[[Got], Awaitable[web.StreamResponse] | web.StreamResponse]


def reply(body: bytes = OK, status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        body=body, status=status, headers={"Content-Type": "application/json"} | named
    )


class Partner:
    """A real HTTP server on 127.0.0.1 that remembers what it got; `answer` can be replaced."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[Got] = []
        self.answer: Answer = lambda _: reply()
        self._more = asyncio.Condition()

    @property
    def what(self) -> list[tuple[str, str]]:
        return [got.what for got in self.got]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        got = Got(request.method, request.raw_path, request.headers.copy(), await request.read())
        self.got.append(got)
        async with self._more:
            self._more.notify_all()
        answer = self.answer(got)
        return answer if isinstance(answer, web.StreamResponse) else await answer

    async def wait(self, count: int) -> None:
        """Until it got `count` requests."""
        async with asyncio.timeout(20), self._more:
            await self._more.wait_for(lambda: len(self.got) >= count)


@asynccontextmanager
async def partner(port: int = 0) -> AsyncIterator[Partner]:
    found = Partner("")
    runner = web.ServerRunner(web.Server(found.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    found.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield found
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: object = None,
) -> AsyncIterator[str]:
    """A TCP server that does as it is told; gives host:port."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0, ssl=tls)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{host}:{port}"


@asynccontextmanager
async def client_for(
    *platforms: Platform, settings: Delivery = OPEN, **transport: object
) -> AsyncIterator[tuple[HttpClient, FakePlatforms, FakeJournal]]:
    from ocpi_hub.delivery.client import policy  # noqa: PLC0415 - only here

    register, journal = FakePlatforms(*platforms), FakeJournal()
    client = HttpClient(
        HttpTransport(policy(settings), **transport),
        platforms=register,
        journal=journal,
        metrics=Metrics(),
        settings=settings,
    )
    try:
        yield client, register, journal
    finally:
        await client.close()


def call_of(
    platform: Platform, path: str = "/versions", method: str = "GET", **changes: object
) -> Call:
    base = (platform.versions_url or "").removesuffix("/versions")
    call = Call(
        platform=platform.id,
        method=method,
        url=base + path,
        headers={"X-Request-ID": "r1", "X-Correlation-ID": "c1"},
        body=b"{}" if method in {"POST", "PUT", "PATCH"} else None,
        route="test.route",
        mode="direct",
    )
    return replace(call, **changes)


class ScriptedClient:
    """A PartnerClient that answers as told and remembers the calls."""

    def __init__(self, answer: Callable[[Call], Outcome] | None = None) -> None:
        self.calls: list[Call] = []
        self._answer = answer or (lambda _: Answered(200, {}, OK))

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        return self._answer(call)
