"""The partners' door with real neighbours: register in PostgreSQL, calls over HTTP.

async with open_house(database) as house, fake_partner(CPO="NL-CPO") as cpo:
    await house.join(cpo)
    answer = await cpo.get("locations")
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ocpi_hub.delivery.client import HttpClient
from ocpi_hub.inbound.body import Sizes
from ocpi_hub.inbound.configuration import Configuration
from ocpi_hub.inbound.door import Door
from ocpi_hub.inbound.gate import Gate, Limits
from ocpi_hub.inbound.http import Server
from ocpi_hub.inbound.interpreter import Interpreter
from ocpi_hub.inbound.opening import Opening
from ocpi_hub.inbound.own import Own, duties
from ocpi_hub.inbound.relay import Relay
from ocpi_hub.inbound.results import Results
from ocpi_hub.inbound.table import table
from ocpi_hub.modules.credentials import Credentials, Expected, Hub
from ocpi_hub.modules.journal import Direction, Hop
from ocpi_hub.modules.platforms import AgreedRole
from ocpi_hub.modules.registering import HubRegistrar
from ocpi_hub.modules.versions import versions_url
from ocpi_hub.ocpi import v2_2, v2_2_1
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import PlatformId, Quirks
from ocpi_hub.routing.rewrite import Signer
from ocpi_hub.security import KeyRing, fresh_token, fresh_uid
from ocpi_hub.settings import Delivery
from ocpi_hub.storage.audit import PostgresAudit
from ocpi_hub.storage.callbacks import PostgresCallbacks
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.memory import PostgresMemory
from ocpi_hub.storage.objects import PostgresStore
from ocpi_hub.storage.platforms import PostgresPlatforms
from tests.fake_partner import FakePartner

HUB = PartyRef("NL", "HUB")
TABLES = {v2_2_1.VERSION: v2_2_1.MODULES, v2_2.VERSION: v2_2.MODULES}
KEY = b"k" * 32


@dataclass
class MemoryJournal:
    hops: list[Hop] = field(default_factory=list)

    def record(self, hop: Hop) -> None:
        self.hops.append(hop)

    @property
    def incoming(self) -> list[Hop]:
        return [hop for hop in self.hops if hop.direction is Direction.IN]


@dataclass
class House:
    url: str
    platforms: PostgresPlatforms
    client: HttpClient
    journal: MemoryJournal
    metrics: Metrics
    door: Door
    registrar: HubRegistrar
    heard: list[PlatformId]

    @property
    def versions_url(self) -> str:
        return versions_url(self.url)

    async def invite(self, partner: FakePartner, **quirks: Any) -> tuple[PlatformId, str]:
        """A platform for the partner's roles, and its token A."""
        agreed = [AgreedRole(role.party, role.role, role.name) for role in partner.roles]
        platform, token = await self.platforms.create(partner.name, agreed, Quirks(**quirks))
        return platform.id, token

    async def join(self, partner: FakePartner, **quirks: Any) -> PlatformId:
        """Registered, and nothing of it in the partner's record."""
        platform, token = await self.invite(partner, **quirks)
        await partner.register(self.versions_url, token)
        partner.record.clear()
        return platform


@asynccontextmanager
async def open_house(
    database: Database,
    *,
    limits: Limits | None = None,
    delivery: Delivery | None = None,
    expected: Mapping[Role, Any] | None = None,
    sizes: Sizes | None = None,
    body_timeout_s: float = 5,
    in_flight: int = 100,
) -> AsyncIterator[House]:
    """A door on a free port of the loopback interface."""
    settings = delivery or Delivery(allow_private=True, require_https=False, deadline_s=3)
    sizes = sizes or Sizes(usual=64 * 1024, cdrs=256 * 1024, lists=1024 * 1024)
    platforms = await PostgresPlatforms.open(database, KeyRing([KEY]), HUB)
    line = PostgresLine(database)
    await line.start()
    store = PostgresStore(database, line)
    metrics, journal = Metrics(), MemoryJournal()
    client = HttpClient.open(platforms, journal, metrics, settings)
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, lingering_time=1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hub = Hub(HUB, "The Hub", versions_url(url))
    policy: Expected = dict(expected or {})
    deadline_s = settings.deadline_s
    heard: list[PlatformId] = []
    relay = Relay(client, Signer(KEY), fresh_id, deadline_s, sizes, Interpreter(store))
    own = Own(duties(store), store, platforms.directory, now)
    memory = await PostgresMemory.open(database)
    callbacks = await PostgresCallbacks.open(database)
    gate = Gate(platforms, limits or Limits(0, 0, 0))
    door = Door(
        table=table(url, TABLES),
        gate=gate,
        platforms=platforms,
        configuration=Configuration(
            url,
            TABLES,
            platforms,
            Credentials(hub, platforms, client, deadline_s, fresh_token, fresh_id, policy),
            PostgresAudit(database),
            gate.whence,
            now,
        ),
        relay=relay,
        own=own,
        opening=Opening(own, memory),
        results=Results(
            kept=callbacks,
            relay=relay,
            directory=platforms.directory,
            public_url=url,
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
        body_timeout_s=body_timeout_s,
        in_flight=in_flight,
        heard=heard.append,
    )
    assert runner.server is not None
    server = Server(door.handle, door.refuse, runner.server, idle_s=30)
    taking = await asyncio.get_running_loop().create_server(server, sock=listener)
    registrar = HubRegistrar(hub, platforms, client, tuple(TABLES), deadline_s, fresh_id, policy)
    try:
        yield House(url, platforms, client, journal, metrics, door, registrar, heard)
    finally:
        taking.close()
        await server.close(1)
        await runner.cleanup()
        await callbacks.close()
        await memory.close()
        await client.close()
        await store.close()
        await line.close()
        await platforms.close()
