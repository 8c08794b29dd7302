"""The real command: starts, says so, answers, and stops cleanly."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientSession

from ocpi_hub.simulator.hub_process import HubFailed, HubProcess
from tests.hub import SEAL, Hub, served

pytestmark = pytest.mark.timeout(120)
COMMAND = [sys.executable, "-m", "ocpi_hub"]


def variables(**told: str) -> dict[str, str]:
    return dict(os.environ) | {f"OCPI_HUB__{name}": value for name, value in told.items()}


def run(*words: str, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *words],
        env=variables(**told),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


@contextmanager
def started(*words: str, **told: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *words], env=variables(**told), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_once_on_stdout_and_ends_with_0(data_dir: Path, stop: signal.Signals) -> None:
    told = {"DATA_DIR": str(data_dir), "SERVER__LISTEN": "127.0.0.1:0", "DATABASE__FSYNC": "false"}
    with started("serve", **told) as (process, line):
        assert re.fullmatch(r"ready http://127\.0\.0\.1:[1-9]\d*", line)
        process.send_signal(stop)
        rest, log = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    assert '"event": "hub.stopped"' in log
    assert not list(data_dir.glob("postgres/data/postmaster.pid"))


@pytest.mark.parametrize("words", [[], ["--workers", "2"]], ids=["alone", "workers"])
async def test_a_signal_ends_a_start_that_waits_for_others(
    database_url: str, tmp_path: Path, words: list[str]
) -> None:
    told = {
        "DATA_DIR": str(tmp_path), "SERVER__LISTEN": "127.0.0.1:0", "DATABASE__URL": database_url,
        "SECURITY__KEY": SEAL,
    }  # fmt: skip
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("lock table version")
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", *words, env=variables(**told),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while not await other.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            out, log = await process.communicate()
    await other.close()
    assert (process.returncode, out) == (0, b""), log
    assert b'"event": "hub.stopped"' in log


async def test_workers_share_a_port_and_one_that_dies_is_started_again(
    database_url: str, tmp_path: Path
) -> None:
    told = {
        "DATA_DIR": str(tmp_path), "SERVER__LISTEN": "127.0.0.1:0", "DATABASE__URL": database_url,
        "SECURITY__KEY": SEAL, "ADMIN__BOOTSTRAP_KEY": "workers-0123456789",
    }  # fmt: skip
    with started("serve", "--workers", "2", **told) as (process, line):
        async with Hub(line.removeprefix("ready "), "workers-0123456789") as hub:
            assert (await hub.call("GET", "/readyz"))[0] == 200
            victim = children(process.pid)[0]
            os.kill(victim, signal.SIGKILL)
            async with asyncio.timeout(60):
                while len(children(process.pid)) < 2 or victim in children(process.pid):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
            assert (await hub.admin("GET", "/platforms"))["items"] == []
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_every_bad_setting_is_named_at_once_and_nothing_starts(tmp_path: Path) -> None:
    done = run(
        "serve", DATA_DIR=str(tmp_path / "d"), SERVER__LISTEN="nowhere", HUB__PARTY_ID="TOOLONG",
        DATABASE__URL="mysql://x", ALIVE__INTERVAL_S="0", SERVER__TYPO="1",
    )  # fmt: skip
    assert done.returncode == 2
    for name in (
        "SERVER__LISTEN",
        "HUB__PARTY_ID",
        "DATABASE__URL",
        "ALIVE__INTERVAL_S",
        "SERVER__TYPO",
    ):
        assert f"OCPI_HUB__{name}" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "d").exists()


def test_a_database_of_ones_own_needs_a_key(tmp_path: Path) -> None:
    done = run("serve", DATA_DIR=str(tmp_path), DATABASE__URL="postgresql://127.0.0.1:1/x")
    assert done.returncode == 2
    assert "OCPI_HUB__SECURITY__KEY" in done.stderr


def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://hub:s3cret-word@127.0.0.1:1/x"
    done = run("serve", DATA_DIR=str(tmp_path), DATABASE__URL=url, SECURITY__KEY=SEAL)
    assert done.returncode == 1
    assert "s3cret-word" not in done.stderr + done.stdout
    assert done.stderr.startswith("ocpi-hub: OCPI_HUB__DATABASE__URL: ")


async def test_no_answer_names_the_versions_of_what_runs(data_dir: Path) -> None:
    async with served(data_dir) as (hub, _), ClientSession() as session:
        for path in ("/healthz", "/nowhere", "/docs", "/nav/v1/meta", "/admin/v1/keys", "/ocpi"):
            async with session.get(hub.url + path) as answer:
                assert "Server" not in answer.headers, path


async def test_a_second_hub_on_the_same_data_directory_is_told_who_holds_it(data_dir: Path) -> None:
    async with served(data_dir) as (_, process):
        with pytest.raises(HubFailed, match=str(process.pid)):
            async with HubProcess(data_dir):
                pass


def test_migrate_says_what_it_did(tmp_path: Path, empty_database_url: str) -> None:
    told = {"DATA_DIR": str(tmp_path), "DATABASE__URL": empty_database_url, "SECURITY__KEY": SEAL}
    first, second = run("migrate", **told), run("migrate", **told)
    assert "applied 0001_register" in first.stdout
    assert "applied" not in second.stdout
    assert (first.returncode, second.returncode) == (0, 0)
