"""The hub that is measured: `ocpi-hub serve` as operators start it, fsync on, with partners."""

import asyncio
import json
import shutil
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import migrate
from tests.bench import load
from tests.bench.load import Load
from tests.bench.partner import TOKEN_A
from tests.bench.process import Served, served
from tests.hub import Hub
from tests.hub import served as hub_served

FILLERS = 32


@dataclass(frozen=True, slots=True)
class Partner:
    """A registered platform: what it shows to the hub."""

    process: Served
    party: tuple[str, str]
    token: str

    def headers(
        self, sender: tuple[str, str] | None = None, to: tuple[str, str] = ("NL", "HUB")
    ) -> dict[str, str]:
        sender = sender or self.party
        return {
            "Authorization": f"Token {b64encode(self.token.encode()).decode()}",
            "X-Request-ID": "0123456789abcdef0123456789abcdef",
            "X-Correlation-ID": "fedcba9876543210fedcba9876543210",
            "OCPI-to-country-code": to[0],
            "OCPI-to-party-id": to[1],
            "OCPI-from-country-code": sender[0],
            "OCPI-from-party-id": sender[1],
        }


@dataclass(slots=True)
class Measured:
    """A running hub and the database behind it."""

    hub: Hub
    pid: int
    database: str
    stack: AsyncExitStack

    @property
    def port(self) -> int:
        return urlsplit(self.hub.url).port or 80

    async def partner(
        self, parties: Sequence[tuple[str, str]], role: str, modules: Iterable[tuple[str, str]] = ()
    ) -> Partner:
        """A bare partner in a process of its own that the hub has registered with."""
        roles = [(country, party, role) for country, party in parties]
        process = await self.stack.enter_async_context(
            served("tests.bench.partner", json.dumps(roles), json.dumps(list(modules)))
        )
        return await self.join(process, roles)

    async def crowd(
        self, count: int, country: str, role: str, modules: Sequence[tuple[str, str]]
    ) -> list[Partner]:
        """Many bare partners in one process, registered."""
        process = await self.stack.enter_async_context(
            served("tests.bench.crowd", str(count), country, role, json.dumps(modules))
        )
        return [
            await self.join(Served(process.pid, port), [(country, f"P{number:02}", role)])
            for number, port in enumerate(process.ports)
        ]

    async def join(self, process: Served, roles: Sequence[tuple[str, str, str]]) -> Partner:
        agreed = [
            {"country_code": country, "party_id": party, "role": role, "name": party}
            for country, party, role in roles
        ]
        made = await self.hub.admin("POST", "/platforms", {"name": roles[0][2], "roles": agreed})
        await self.hub.admin(
            "POST",
            f"/platforms/{made['id']}/register",
            {"versions_url": f"{process.url}/versions", "token": TOKEN_A},
        )
        async with self.hub.session.get(f"{process.url}/token") as answer:
            token = (await answer.json())["token"]
        return Partner(process, roles[0][:2], token)

    async def operator(self, locations: Sequence[dict[str, Any]]) -> Partner:
        """The owner of these Locations, which it has pushed to the hub."""
        parties = sorted({(each["country_code"], each["party_id"]) for each in locations})
        owner = await self.partner(parties, "CPO", [("locations", "SENDER")])
        puts = [put(owner, each) for each in locations]
        scripts = [puts[at::FILLERS] for at in range(FILLERS)]
        done = await load.run(Load(self.port, scripts, FILLERS, 120, b'"status_code":1000'))
        assert done.done == len(locations)
        return owner


def put(owner: Partner, location: dict[str, Any]) -> bytes:
    party = location["country_code"], location["party_id"]
    body = json.dumps(location, separators=(",", ":"), ensure_ascii=False).encode()
    path = "/".join(quote(part, safe="") for part in (*party, location["id"]))
    return load.request("PUT", f"/ocpi/2.2.1/receiver/locations/{path}", owner.headers(party), body)


def _made() -> Path:
    made = Path(tempfile.mkdtemp(prefix="ocpi-hub-bench-", dir="/tmp"))
    made.chmod(0o711)
    return made


@asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    """An empty folder that PostgreSQL's account may enter."""
    made = await asyncio.to_thread(_made)
    try:
        yield made
    finally:
        await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """The embedded PostgreSQL as the hub starts it, migrated; its URL."""
    async with folder() as where:
        server = EmbeddedServer(where / "hub")
        url = await server.start()
        try:
            await migrate(url)
            yield url
        finally:
            await server.stop()


@asynccontextmanager
async def measured(url: str, **variables: str) -> AsyncIterator[Measured]:
    """A hub on a database; the table's floor can use the same one. `variables`: its settings."""
    async with AsyncExitStack() as stack:
        where = await stack.enter_async_context(folder())
        hub, process = await stack.enter_async_context(hub_served(where, url, **variables))
        yield Measured(hub, process.pid, url, stack)
