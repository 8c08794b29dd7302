"""Simulated partners at a hub that runs already: they play, and are taken away in the end."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.hub import Hub, served

pytestmark = pytest.mark.timeout(180)
SMALL = ("--stations", "40", "--rate", "30", "--plain")
Process = asyncio.subprocess.Process


@asynccontextmanager
async def simulate(hub: Hub, *words: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ocpi_hub", "simulate", "--hub", hub.url, "--key", hub.admin_key),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    told, _ = await process.communicate()
    return told.decode()


async def until_it_says(process: Process, told: Callable[[str], bool]) -> None:
    async for line in process.stdout:
        if told(line.decode()):
            return
    raise AssertionError("it ended before it said so")


async def left_at(hub: Hub) -> tuple[list[str], list[str]]:
    """Names of registered platforms and of keys."""
    platforms = (await hub.admin("GET", "/platforms"))["items"]
    keys = (await hub.admin("GET", "/keys"))["items"]
    return [each["name"] for each in platforms if each["registered"]], [k["name"] for k in keys]


async def test_they_play_to_the_end_leave_nothing_and_come_again(
    database_url: str, tmp_path: Path
) -> None:
    async with served(tmp_path, database_url) as (hub, _):
        for _ in range(2):  # the second time the hub knows parties and stations already
            async with simulate(hub, *SMALL, "--for", "2", "--cpos", "3") as process:
                told = await said(process)
            assert "Everything arrived everywhere." in told
            assert "40 locations pushed by Voltwerk, Laadnet, Bornéo" in told
            assert hub.admin_key not in told
            assert process.returncode == 0
            assert await left_at(hub) == ([], [])


@pytest.mark.parametrize("moment", ["registered", "pushed by", "changes ("])
async def test_ctrl_c_takes_the_partners_away_at_any_moment(
    database_url: str, tmp_path: Path, moment: str
) -> None:
    async with served(tmp_path, database_url) as (hub, _), simulate(hub, *SMALL) as process:
        await until_it_says(process, lambda line: moment in line)
        process.send_signal(signal.SIGINT)
        told = await said(process)
        assert "Traceback" not in told
        assert process.returncode == 0
        assert await left_at(hub) == ([], [])


async def test_two_simulations_play_different_parties(database_url: str, tmp_path: Path) -> None:
    async with (
        served(tmp_path, database_url) as (hub, _),
        simulate(hub, *SMALL, "--keep") as first,
    ):
        await until_it_says(first, lambda line: line.startswith("Wegweiser fetched"))
        async with simulate(hub, *SMALL, "--for", "1") as second:
            told = await said(second)
        assert "Roulélec registered" in told
        assert second.returncode == 0
        first.send_signal(signal.SIGINT)
        await said(first)
        platforms, _ = await left_at(hub)
        assert platforms == [
            "Fahrstrom", "Laadnet", "Lastwerk", "Rijdgroen", "Voltwerk", "Wegweiser",
        ]  # fmt: skip


async def test_a_hub_that_may_not_call_back_is_named_as_the_reason(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        served(tmp_path, database_url, DELIVERY__REQUIRE_HTTPS="true") as (hub, _),
        simulate(hub, *SMALL) as process,
    ):
        told = await said(process)
        assert process.returncode == 1
        assert "the URL is not https" in told
        assert "OCPI_HUB__DELIVERY__REQUIRE_HTTPS=false" in told
        assert await left_at(hub) == ([], [])
