"""A backup comes back in another cluster: cursors, memory and callbacks go on from there."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import migrate
from ocpi_hub.storage.receivers import free_all
from tests.build import a_session, a_token
from tests.chaos import Traffic, connect, traffic
from tests.fake_partner import SENDER
from tests.hub import eventually, free_port, running_house


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[EmbeddedServer]:
    """A PostgreSQL of its own, empty."""
    await asyncio.to_thread(folder.mkdir, 0o711)
    server = EmbeddedServer(folder, fsync=False)
    await server.start()
    yield server
    await server.stop()


async def run(server: EmbeddedServer, program: str, *words: str) -> None:
    await asyncio.to_thread(
        subprocess.run, [server.bin / program, *words], check=True, capture_output=True, timeout=60
    )


async def enough(made: Traffic, count: int) -> None:
    async def there() -> bool:
        return min(made.done(kind) for kind in ("push", "command", "result")) >= count

    await eventually(there, 30)


@pytest.mark.timeout(120)
@pytest.mark.obligation("ROUT-215", "ROUT-603", "ROUT-605")
async def test_a_backup_taken_under_load_goes_on_in_another_cluster(data_dir: Path) -> None:
    where = {"listen": f"127.0.0.1:{free_port()}"}
    dump = str(data_dir / "hub.dump")
    async with traffic() as made:
        one = made.providers[0].partner
        async with cluster(data_dir / "a") as server:
            await migrate(server.url)
            async with running_house(server.url, server=where) as hub:
                await connect(hub, made)
                session = a_session(id="S1", cdr_token=a_token(country_code="DE", party_id="EM1"))
                known = await made.operator.send(
                    "PUT", "sessions", "NL/CPO/S1", body=session, to=one.party
                )
                assert known.code == 1000
                made.start("before")
                await enough(made, 40)
                saved, addresses = dict(made.accepted), dict(made.addresses)
                await run(server, "pg_dump", "-Fc", "-f", dump, server.url)
                await made.stop()
                await made.arrived()
                made.holds()

        async with cluster(data_dir / "b") as server:
            await run(server, "pg_restore", "--no-owner", "-d", server.url, dump)
            await free_all(server.url)  # what a hub with a database of its own does at the start
            async with running_house(server.url, server=where):
                held = {
                    location["id"]: location["last_updated"]
                    for location in (await one.get("locations")).data
                }
                assert {
                    thing for thing, at in saved.items() if held.get(thing[0], "") < at
                } == set()
                for name, (_, provider) in addresses.items():
                    await made.tell(name, f"late {name}")
                    assert provider.posts[f"late {name}"] == 1
                stop = {"response_url": one.url("commands", SENDER) + "/stop", "session_id": "S1"}
                made.operator.record.clear()
                told = await one.send("POST", "commands", "STOP_SESSION", body=stop, to=None)
                assert told.code == 1000
                assert len(made.operator.record.of("commands.receiver", "POST")) == 1
                made.start("after")
                await enough(made, 80)
                await made.stop()
                after = {thing: at for thing, at in made.accepted.items() if "after" in thing[0]}
                made.accepted = after
                await made.arrived()
                assert made.doubled() == []
                assert made.untold() == set()
