"""A real PostgreSQL for every test that asks for one, and a database of its own for each."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from ocpi_hub.storage.database import Database
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import migrate

pytest_plugins = ["tests.obligations.plugin"]

_numbers = count(1)
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Look at a condition again and again, for 20 s at most."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """One server for the whole run. OCPI_HUB_TEST_BINARIES chooses another PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="ocpi-hub-test-", dir="/tmp"))
    folder.chmod(0o711)
    binaries = os.environ.get("OCPI_HUB_TEST_BINARIES", "")
    server = EmbeddedServer(folder, binaries=binaries, fsync=False)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def psql(postgres: EmbeddedServer) -> Callable[[str], str]:
    """Run SQL as the owner of the server, outside of any event loop."""

    def run(sql: str) -> str:
        command = [postgres.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, postgres.url]
        done = subprocess.run(  # noqa: S603 - our own server
            command, capture_output=True, check=True, text=True, timeout=30
        )
        return done.stdout

    return run


@pytest.fixture(scope="session")
def template(postgres: EmbeddedServer, psql: Callable[[str], str]) -> str:
    """The name of a migrated, empty database, made once."""
    psql("create database migrated")
    asyncio.run(migrate(_url(postgres, "migrated")))
    return "migrated"


def _url(postgres: EmbeddedServer, name: str) -> str:
    return postgres.url.replace("/ocpi_hub?", f"/{name}?")


@pytest.fixture
def empty_database_url(postgres: EmbeddedServer, psql: Callable[[str], str]) -> Iterator[str]:
    """A database without any table."""
    name = f"empty_{next(_numbers)}"
    psql(f"create database {name}")
    yield _url(postgres, name)
    psql(f"drop database {name} with (force)")


@pytest.fixture
def database_url(
    postgres: EmbeddedServer, psql: Callable[[str], str], template: str
) -> Iterator[str]:
    """A migrated database for one test."""
    name = f"test_{next(_numbers)}"
    psql(f"create database {name} template {template}")
    yield _url(postgres, name)
    psql(f"drop database {name} with (force)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open `Database` on a database of its own."""
    opened = await Database.open(database_url, size=4)
    yield opened
    await opened.close()
