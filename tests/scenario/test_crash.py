"""The hub is killed in the middle of its work; what it accepted arrives all the same."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.stations import Object
from tests.build import a_location
from tests.hub import Hub, free_port, served

PUSHES = 2000
KILLED_AT = 700

UNREACHED = (aiohttp.ClientError, OSError, TimeoutError)


def many() -> list[Object]:
    return [a_location(evses=1, id=f"LOC{number}") for number in range(PUSHES)]


async def push_until_killed(cpo: Cpo, kill: int) -> set[str]:
    """Push as fast as it goes; the hub dies on the way. The ids that were answered with 1000."""
    accepted: set[str] = set()
    waiting = iter(list(cpo.locations.values()))

    async def lane() -> None:
        for location in waiting:
            try:
                answer = await cpo.push(location)
            except UNREACHED:
                return
            assert answer.code == 1000, answer.body
            accepted.add(location["id"])
            if len(accepted) == KILLED_AT:
                os.kill(kill, signal.SIGKILL)

    await asyncio.gather(*(lane() for _ in range(16)))
    return accepted


@pytest.mark.timeout(180)
@pytest.mark.obligation("ROUT-214", "ROUT-219")
async def test_every_push_accepted_before_a_kill_arrives_after_the_restart(data_dir: Path) -> None:
    async with (
        Cpo("Operator", many()) as cpo,
        Emsp("One", PartyRef("DE", "EM1")) as one,
        Emsp("Two", PartyRef("FR", "EM2")) as two,
    ):
        async with served(data_dir) as (hub, process):
            for partner in (one, two, cpo):
                await hub.connect(partner)
            port = process.url.rpartition(":")[2]
            accepted = await push_until_killed(cpo, process.pid)
        assert KILLED_AT <= len(accepted) < PUSHES

        async with served(data_dir, SERVER__LISTEN=f"127.0.0.1:{port}") as (_, process):
            wanted = {cpo.locations[PartyRef("NL", "CPO"), name]["id"] for name in accepted}
            for receiver in (one, two):
                await receiver.record.until(
                    lambda receiver=receiver: wanted <= held(receiver),
                    60,  # type: ignore[misc] # bound now
                )
            await cpo.push_all(lanes=16)  # tokens, parties and objects survived as well
            assert cpo.outcomes["accepted"] == PUSHES
            for receiver in (one, two):
                await receiver.record.until(
                    lambda receiver=receiver: len(held(receiver)) == PUSHES,
                    60,  # type: ignore[misc] # bound now
                )


def held(receiver: Emsp) -> set[str]:
    return {location["id"] for location in receiver.copy}


@pytest.mark.timeout(180)
async def test_one_of_two_hubs_dies_and_the_other_serves_its_receivers(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    receivers = [Emsp(f"Provider {n}", PartyRef("DE", f"EM{n}")) for n in range(4)]
    async with Cpo("Operator", many()[:200]) as cpo:
        for receiver in receivers:
            await receiver.__aenter__()
        try:
            async with (
                served(tmp_path / "a", database_url) as (first, doomed),
                served(
                    tmp_path / "b",
                    database_url,
                    SERVER__PUBLIC_URL=first.url,
                    SERVER__LISTEN=f"127.0.0.1:{port}",
                ),
            ):
                await connect_all(first, cpo, receivers)
                await cpo.push_all()
                await all_hold(receivers, 200)
                os.kill(doomed.pid, signal.SIGKILL)
                cpo.known_peer.endpoints.update(moved(cpo, first.url, f"http://127.0.0.1:{port}"))
                location = a_location(evses=1, id="AFTER")
                assert (await cpo.push(location)).code == 1000
                await all_hold(receivers, 201)
        finally:
            for receiver in receivers:
                await receiver.__aexit__(None, None, None)


async def connect_all(hub: Hub, cpo: Cpo, receivers: list[Emsp]) -> None:
    for partner in (*receivers, cpo):
        await hub.connect(partner)


async def all_hold(receivers: list[Emsp], count: int) -> None:
    for receiver in receivers:
        await receiver.record.until(lambda receiver=receiver: len(receiver.copy) == count, 60)  # type: ignore[misc] # bound now


def moved(cpo: Cpo, old: str, new: str) -> dict[object, str]:
    return {key: url.replace(old, new) for key, url in cpo.known_peer.endpoints.items()}
