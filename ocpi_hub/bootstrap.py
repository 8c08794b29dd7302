"""The composition root: the one place that knows every room.

`house` is one process of a hub: it builds the rooms, wires them by their Protocols, opens the
doors, and closes everything in the opposite order.
"""

import asyncio
import ctypes
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from aiohttp import web

from ocpi_hub import admin
from ocpi_hub.admin.access import Access, FailedKeys
from ocpi_hub.delivery.alive import Alive
from ocpi_hub.delivery.client import HttpClient
from ocpi_hub.delivery.health import Health
from ocpi_hub.delivery.pull import Pulls
from ocpi_hub.delivery.reading import Ground
from ocpi_hub.delivery.renewal import AcrossRenewals
from ocpi_hub.delivery.rotation import Rotations
from ocpi_hub.delivery.spread import Spread
from ocpi_hub.inbound.asking import Asking
from ocpi_hub.inbound.body import Sizes
from ocpi_hub.inbound.configuration import Configuration
from ocpi_hub.inbound.door import Door as PartnerDoor
from ocpi_hub.inbound.gate import Gate, Limits
from ocpi_hub.inbound.http import Server
from ocpi_hub.inbound.interpreter import Interpreter
from ocpi_hub.inbound.opening import Opening
from ocpi_hub.inbound.own import Own, duties
from ocpi_hub.inbound.relay import Relay
from ocpi_hub.inbound.results import Results
from ocpi_hub.inbound.review import Review
from ocpi_hub.inbound.table import table
from ocpi_hub.modules.credentials import Credentials
from ocpi_hub.modules.credentials import Hub as HubAsParty
from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.pull_desk import PullDesk
from ocpi_hub.modules.registering import HubRegistrar
from ocpi_hub.modules.versions import versions_url
from ocpi_hub.navigation.door import Door as CarDoor
from ocpi_hub.navigation.feed import Feed
from ocpi_hub.navigation.index import Index
from ocpi_hub.navigation.pace import Pace
from ocpi_hub.navigation.stream import Streams
from ocpi_hub.ocpi import v2_2, v2_2_1
from ocpi_hub.ops import health
from ocpi_hub.ops.docs import Manual
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.rewrite import Signer
from ocpi_hub.security import KeyRing, fresh_token, fresh_uid
from ocpi_hub.settings import PREFIX, Settings
from ocpi_hub.storage.agreements import PostgresAgreements
from ocpi_hub.storage.audit import PostgresAudit
from ocpi_hub.storage.callbacks import PostgresCallbacks
from ocpi_hub.storage.database import LOST, Database, UnusableDatabase
from ocpi_hub.storage.findings import PostgresFindings
from ocpi_hub.storage.journal import PostgresJournal
from ocpi_hub.storage.keys import PostgresKeys
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.memory import PostgresMemory
from ocpi_hub.storage.migrate import migrations, pending
from ocpi_hub.storage.objects import PostgresStore
from ocpi_hub.storage.platforms import PostgresPlatforms
from ocpi_hub.storage.pull import PostgresPulls
from ocpi_hub.storage.receivers import PostgresReceivers
from ocpi_hub.storage.token_ages import PostgresTokenAges

log = structlog.get_logger("hub")

TABLES: Final = {v2_2_1.VERSION: v2_2_1.MODULES, v2_2.VERSION: v2_2.MODULES}  # newest first
CDR_BODY: Final = 8 * 1024**2  # signed data makes CDRs large
LAST_REQUESTS_S: Final = 8.0  # requests in work get this long at shutdown
IDLE_S: Final = 30.0  # also cuts connections that send half a header


@asynccontextmanager
async def house(
    settings: Settings, url: str, key: str, listener: socket.socket
) -> AsyncIterator[str]:
    """One process of a hub, listening; yields its public address when every duty is ready."""
    _keep_large_pages()
    public_url = settings.server.public_url or f"http://{bound(listener)}"
    async with AsyncExitStack() as stack:
        rooms = await _rooms(settings, url, key, public_url, stack)
        await _open_doors(settings, rooms, listener, stack)
        async with asyncio.timeout(None):
            await rooms.feed.ready.wait()
        log.info("hub.ready", url=public_url, stations=len(rooms.index.rows()))
        yield public_url
        rooms.streams.close_all()


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the doors are built from."""

    metrics: Metrics
    database: Database
    platforms: PostgresPlatforms
    partner_door: PartnerDoor
    admin: web.Application
    admin_access: Access
    car_door: CarDoor
    feed: Feed
    index: Index
    streams: Streams


async def _rooms(
    settings: Settings, url: str, key: str, public_url: str, stack: AsyncExitStack
) -> Rooms:
    """Build and wire every room; what is opened here is closed by `stack`, last first."""

    def closing(room: Any) -> Any:
        stack.push_async_callback(room.close)
        return room

    metrics, tasks = Metrics(), closing(Tasks())
    hub, server = settings.hub.party, settings.server
    database = closing(await Database.open(url, size=settings.database.pool))
    asked_for = settings.routing.agreements == "required"
    platforms = closing(
        await PostgresPlatforms.open(database, KeyRing.from_text(key), hub, agreements=asked_for)
    )
    agreements = closing(await PostgresAgreements.open(database, platforms, required=asked_for))
    keys = closing(
        await PostgresKeys.open(database, settings.admin.bootstrap_key.get_secret_value())
    )
    journal = closing(await PostgresJournal.open(database, settings.journal, metrics))
    line = PostgresLine(database)
    await line.start()
    store = closing(PostgresStore(database, closing(line), largest=settings.server.max_body))
    client = closing(
        HttpClient.open(platforms, journal, metrics, settings.delivery, server.max_body)
    )
    steady_client = AcrossRenewals(client, platforms)

    alive = Alive(
        platforms=platforms,
        client=steady_client,
        held=lambda: spread.held(),  # noqa: PLW0108 - made below
        settings=settings.alive,
        clock=platforms.clock,
    )
    spread = Spread(
        line=line,
        store=store,
        receivers=PostgresReceivers(database, fresh_id()),
        platforms=platforms,
        client=steady_client,
        modules=TABLES,
        probe=alive.probe_now,
        settings=settings.delivery,
        metrics=metrics,
    )
    client.unreachable = alive.suspect
    _ = tasks.spawn("hub.alive", closing(alive).run())
    _ = tasks.spawn("hub.spread", closing(spread).run())

    index = Index(stale_s=settings.navigation.stale_s)
    streams = Streams(
        index,
        line.epoch,
        now,
        limit=settings.navigation.streams,
        flush_s=settings.navigation.flush_ms / 1000,
    )
    feed = Feed(line=line, directory=platforms.directory, index=index, audience=streams, clock=now)
    _ = tasks.keep("hub.index", feed.run)
    _ = tasks.keep("hub.streams", streams.run)

    as_party = HubAsParty(hub, settings.hub.name, versions_url(public_url))
    deadline_s = settings.delivery.deadline_s
    sizes = Sizes(server.max_body, max(server.max_body, CDR_BODY), server.max_list)
    gate = Gate(
        platforms,
        Limits(
            server.rate_per_s, server.burst, server.failed_tokens_per_min, server.trusted_proxies
        ),
    )
    signer, interpreter = Signer(_link_key(key)), Interpreter(store)
    audit = PostgresAudit(database)
    relay = Relay(steady_client, signer, fresh_id, deadline_s, sizes, interpreter)
    own = Own(duties(store), store, platforms.directory, now)
    book = PostgresPulls(database)
    pulls = Pulls(
        Ground(
            book=book,
            platforms=platforms,
            client=steady_client,
            duties=own.duties,
            store=store,
            journal=journal,
            modules=TABLES,
            settings=settings.pull,
            largest=server.max_body,
            longest_page=server.max_list,
        ),
        spread.held,
    )
    _ = tasks.spawn("hub.pulls", closing(pulls).run())
    registrar = HubRegistrar(as_party, platforms, client, tuple(TABLES), deadline_s, fresh_id)
    rotations = Rotations(
        ages=PostgresTokenAges(database),
        platforms=platforms,
        registrar=registrar,
        journal=journal,
        held=spread.held,
        period=timedelta(days=settings.credentials.renew_days),
    )
    _ = tasks.spawn("hub.rotations", closing(rotations).run())
    review = closing(Review(journal))
    _ = tasks.keep("hub.review", review.run)
    partner_door = PartnerDoor(
        table=table(public_url, TABLES),
        gate=gate,
        platforms=platforms,
        configuration=Configuration(
            public_url,
            TABLES,
            platforms,
            Credentials(as_party, platforms, client, deadline_s, fresh_token, fresh_id),
            audit,
            gate.whence,
            now,
        ),
        relay=relay,
        own=own,
        opening=Opening(own, closing(await PostgresMemory.open(database))),
        results=Results(
            kept=closing(await PostgresCallbacks.open(database)),
            relay=relay,
            directory=platforms.directory,
            public_url=public_url,
            versions=frozenset(TABLES),
            refused=client.refused,
            now=now,
            fresh_uid=fresh_uid,
        ),
        journal=journal,
        metrics=metrics,
        sizes=sizes,
        now=now,
        fresh_id=fresh_id,
        body_timeout_s=server.body_timeout_s,
        in_flight=server.in_flight,
        heard=client.inbound_seen,
        review=review,
        trace=settings.logging.level == "debug",
        asking=Asking(relay) if settings.routing.ask_all else None,
    )
    failed = FailedKeys(server.failed_tokens_per_min)
    admin_access = Access(keys, failed, gate.address)
    admin_app = admin.application(
        admin.Door(
            platforms=platforms,
            registrar=registrar,
            keys=keys,
            agreements=agreements,
            findings=PostgresFindings(database),
            audit=audit,
            messages=journal,
            health=Health(client, spread),
            versions_url=versions_url(public_url),
            now=now,
            lists=PullDesk(book, tuple(own.duties), now),
        ),
        admin_access,
        max_body=server.max_body,
        body_timeout_s=server.body_timeout_s,
        unavailable=(*LOST, TimeoutError),
    )
    car_door = CarDoor(
        index=index,
        feed=feed,
        streams=streams,
        keys=keys,
        epoch=line.epoch,
        clock=now,
        pace=Pace(settings.navigation.rate_per_s, settings.navigation.streams_per_key),
        strangers=lambda request: failed.note(gate.address(request)),
        body_timeout_s=server.body_timeout_s,
    )
    return Rooms(
        metrics=metrics,
        database=database,
        platforms=platforms,
        partner_door=partner_door,
        admin=admin_app,
        admin_access=admin_access,
        car_door=car_door,
        feed=feed,
        index=index,
        streams=streams,
    )


async def _open_doors(
    settings: Settings, rooms: Rooms, listener: socket.socket, stack: AsyncExitStack
) -> None:
    app = web.Application()
    app.add_routes(rooms.partner_door.routes())
    app.add_routes(rooms.car_door.routes())
    app.add_routes(Manual().routes())
    app.add_subapp("/admin/v1", rooms.admin)
    exposition = health.metrics(_exposition(rooms))
    app.add_routes(
        [
            web.get("/", _to_the_manual),
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz(_checks(rooms))),
            web.get("/metrics", admin.guarded(rooms.admin_access, Scope.METRICS_READ, exposition)),
        ]
    )
    app.on_response_prepare.append(_nameless)
    aiohttp = await _runner(app, stack)
    if aiohttp.server is None:
        raise RuntimeError("aiohttp made no server")
    door = rooms.partner_door
    server = Server(door.handle, door.refuse, aiohttp.server, IDLE_S)
    stack.push_async_callback(server.close, LAST_REQUESTS_S)
    taking = await asyncio.get_running_loop().create_server(server, sock=listener, backlog=1024)
    stack.callback(taking.close)
    if settings.metrics.listen:
        apart = web.Application()
        apart.on_response_prepare.append(_nameless)
        apart.add_routes([web.get("/metrics", exposition)])
        listener = listen(settings.metrics.listen, shared=False)
        await web.SockSite(await _runner(apart, stack), listener).start()


async def _runner(app: web.Application, stack: AsyncExitStack) -> web.AppRunner:
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=IDLE_S,
        lingering_time=1,
        shutdown_timeout=LAST_REQUESTS_S,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


async def _nameless(_: web.Request, response: web.StreamResponse) -> None:
    """Which versions answer here is nobody's business."""
    response.headers.popall("Server", None)


async def _to_the_manual(_: web.Request) -> web.Response:
    raise web.HTTPFound("/docs")


def _checks(rooms: Rooms) -> Mapping[str, health.Check]:
    async def database() -> str:
        await rooms.database.value("select 1")
        return "answers"

    async def migrated() -> str:
        async with rooms.database.acquire() as connection:
            behind = await pending(connection, migrations())
        if behind:
            raise UnusableDatabase(f"{len(behind)} migrations are not applied")
        return "up to date"

    async def index() -> str:
        if not rooms.feed.ready.is_set():
            raise UnusableDatabase("the cars' index is being loaded")
        return f"{len(rooms.index.rows())} stations"

    return {"database": database, "migrations": migrated, "index": index}


def _exposition(rooms: Rooms) -> Callable[[], bytes]:
    """Gauges are read off when somebody asks."""

    def text() -> bytes:
        metrics = rooms.metrics
        metrics.platforms.clear()
        for platform in rooms.platforms.directory().platforms.values():
            metrics.platforms.labels(platform.status.value).inc()
        metrics.stations.set(len(rooms.index.rows()))
        metrics.streams.set(len(rooms.streams))
        metrics.in_flight.set(rooms.partner_door.busy)
        return metrics.exposition()

    return text


def _link_key(key: str) -> bytes:
    """Signs the links that stand in for partners' addresses; the same in every process."""
    return hashlib.sha256(
        b"ocpi-hub links" + key.split(",", maxsplit=1)[0].strip().encode()
    ).digest()


def _keep_large_pages() -> None:
    """Let glibc keep freed pages: mapping them anew made a join of 100 objects 1.2 ms, not 0.16."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 32 * 1024**2)  # M_MMAP_THRESHOLD, at its largest
        mallopt(-1, 64 * 1024**2)  # M_TRIM_THRESHOLD


def listen(address: str, *, shared: bool) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        raise OSError(
            f"{PREFIX}SERVER__LISTEN: cannot listen on {address}: {error.strerror}"
        ) from None
    return listener


def bound(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
