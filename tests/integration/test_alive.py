"""Who lives: silent partners are asked, dead ones go OFFLINE, returning ones CONNECTED."""

import asyncio
import socket
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from ocpi_hub.delivery.alive import Alive
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.settings import Alive as Settings
from tests.delivery_fakes import AT, OK, call_of, client_for, partner, platform_of, reply

CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE
QUICK = Settings(interval_s=1, retry_s=0.05)


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Clock:
    def __init__(self):
        self.at = AT

    def __call__(self):
        return self.at

    def go(self, seconds):
        self.at += timedelta(seconds=seconds)


@asynccontextmanager
async def alive_for(*platforms, settings=QUICK, clock=None):
    async with client_for(*platforms) as (client, register, _):
        clock = clock or Clock()
        register.seen = lambda platform: register.sights.__setitem__(platform, clock())
        alive = Alive(
            platforms=register,
            client=client,
            held=lambda: list(register.known),
            settings=settings,
            clock=clock,
        )
        client.unreachable = alive.suspect
        yield alive, register, client
        await alive.close()


async def settled(alive):
    while running := [task for task in alive._probes.values() if not task.done()]:
        await asyncio.wait(running)


async def look(alive):
    await alive.look()
    await settled(alive)


@pytest.mark.obligation("HCI-024", "HCI-035", "TR-002", "TR-073", "TR-074")
async def test_a_silent_partner_is_asked_for_its_versions():
    clock = Clock()
    async with partner() as server:
        there = platform_of("p", server.url)
        async with alive_for(there, clock=clock) as (alive, register, _):
            clock.go(0.9)
            await look(alive)
            assert server.got == []
            clock.go(0.2)
            await look(alive)
            await look(alive)
            assert register.moves == []
        (got,) = server.got
    assert got.what == ("GET", "/versions")
    assert got.headers["Authorization"].startswith("Token ")
    assert len(got.headers["X-Request-ID"]) == len(got.headers["X-Correlation-ID"]) == 36
    assert [name for name in got.headers if name.lower().startswith("ocpi-")] == []


@pytest.mark.obligation("HCI-024")
async def test_a_busy_partner_is_not_asked():
    clock = Clock()
    async with partner() as server:
        there = platform_of("p", server.url)
        async with alive_for(there, clock=clock) as (alive, register, _):
            for _ in range(10):
                clock.go(0.9)
                register.seen(there.id)
                await look(alive)
        assert server.got == []


@pytest.mark.obligation("HCI-008", "HCI-025")
@pytest.mark.parametrize(
    ("body", "status"),
    [(OK, 500), (OK, 401), (b"<html>", 200), (message.envelope(AT, code=3000), 200)],
)
async def test_a_bad_answer_twice_makes_a_partner_offline(body, status):
    clock = Clock()
    async with partner() as server:
        server.answer = lambda _: reply(body, status)
        there = platform_of("p", server.url)
        async with alive_for(there, clock=clock) as (alive, register, _):
            clock.go(1.2)
            await look(alive)
            assert register.moves == [(there.id, OFFLINE)]
        assert len(server.got) == 2


async def test_one_failure_is_not_enough():
    clock = Clock()
    async with partner() as server:
        answers = [reply(status=500), reply()]
        server.answer = lambda _: answers.pop(0)
        there = platform_of("p", server.url)
        async with alive_for(there, clock=clock) as (alive, register, _):
            clock.go(1.2)
            await look(alive)
            assert register.moves == []
        assert answers == []


@pytest.mark.obligation("HCI-026")
async def test_an_offline_partner_is_asked_every_interval_until_it_answers():
    clock, port = Clock(), closed_port()
    there = platform_of("p", f"http://127.0.0.1:{port}")
    async with alive_for(there, clock=clock) as (alive, register, client):
        clock.go(1.2)
        await look(alive)
        assert register.moves == [(there.id, OFFLINE)]
        for _ in range(6):  # often enough to open the breaker, which probes pass
            clock.go(1.2)
            await look(alive)
        clock.go(0.5)
        async with partner(port) as server:
            await look(alive)
            assert server.got == []
            clock.go(0.7)
            await look(alive)
            assert register.moves == [(there.id, OFFLINE), (there.id, CONNECTED)]
            assert len(server.got) == 1
            assert (await client.call(call_of(there))).http == 200


@pytest.mark.parametrize("status", [ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED])
async def test_planned_and_suspended_partners_are_left_alone(status):
    clock = Clock()
    async with partner() as server:
        there = platform_of("p", server.url, status=status)
        async with alive_for(there, clock=clock) as (alive, register, _):
            clock.go(10)
            await look(alive)
            alive.suspect(there.id)
            await settled(alive)
            assert register.moves == []
        assert server.got == []


@pytest.mark.obligation("HCI-027")
async def test_a_call_that_could_not_connect_starts_a_probe_at_once():
    async with partner() as server:
        dead = f"http://127.0.0.1:{closed_port()}"
        there = platform_of("p", dead)
        lives = platform_of("q", server.url)
        async with alive_for(there, lives) as (alive, register, client):
            await client.call(call_of(there))
            await settled(alive)
            assert register.moves == [(there.id, OFFLINE)]
            await client.call(call_of(lives))
            await settled(alive)
            assert register.moves == [(there.id, OFFLINE)]
        assert server.what == [("GET", "/versions")]  # the call itself


async def test_a_burst_of_failures_is_one_probe():
    clock = Clock()
    async with partner() as server:
        there = platform_of("p", server.url)
        async with alive_for(there, clock=clock) as (alive, register, _):
            for _ in range(50):
                alive.suspect(there.id)
            assert await asyncio.gather(*(alive.probe_now(there.id) for _ in range(50)))
            for _ in range(50):
                alive.suspect(there.id)
                assert await alive.probe_now(there.id)
            await settled(alive)
            assert len(server.got) == 1
            clock.go(1.1)
            assert await alive.probe_now(there.id)
            assert len(server.got) == 2
            assert register.moves == []


async def test_a_partner_that_is_suspended_meanwhile_stays_suspended():
    async with partner() as server:
        there = platform_of("p", server.url)
        async with alive_for(there) as (alive, register, _):

            async def suspend(_):
                await register.set_status(there.id, ConnectionStatus.SUSPENDED)
                return reply(status=500)

            server.answer = suspend
            assert not await alive.probe_now(there.id)
            assert register.moves == [(there.id, ConnectionStatus.SUSPENDED)]


async def test_it_runs_by_itself():
    async with partner() as server:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, register, _):
            alive = Alive(
                platforms=register, client=client, held=lambda: [there.id], settings=QUICK
            )
            runner = asyncio.ensure_future(alive.run())
            await server.wait(1)
            server.answer = lambda _: reply(status=503)
            await asyncio.wait_for(register.moved.wait(), 20)
            assert register.moves == [(there.id, OFFLINE)]
            register.moved.clear()
            server.answer = lambda _: reply()
            await asyncio.wait_for(register.moved.wait(), 20)
            assert register.moves == [(there.id, OFFLINE), (there.id, CONNECTED)]
            await alive.close()
            await runner


async def test_probes_of_many_partners_are_spread_but_never_late():
    settings = Settings(interval_s=300)
    async with alive_for(settings=settings) as (alive, _, _):
        offsets = [alive._offset(f"platform-{number}") for number in range(500)]
    assert min(offsets) >= 0
    assert max(offsets) <= 1
    assert len({round(offset, 1) for offset in offsets}) == 11
