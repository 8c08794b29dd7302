"""Broadcast deliveries a second against a bare aiohttp client that sends the same requests.

Receivers run in a second process. Both sides send every change as one PATCH to each of the
receivers, at most two at a time to each. Run: python tests/bench/bench_delivery.py
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1]))

from delivery_fakes import (
    CPO,
    HUB,
    OK,
    OPEN,
    TABLES,
    FakeReceivers,
    FakeStore,
    ListLine,
    client_for,
    location,
    platform_of,
)

from ocpi_hub.delivery.spread import Spread
from ocpi_hub.modules.line import ORIGIN
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.ops.metrics import Metrics

RECEIVERS = 20
CHANGES = 400
ROUNDS = 5
BODY = b'{"status":"CHARGING","last_updated":"2026-11-01T12:00:00Z","pad":"' + b"x" * 430 + b'"}'
PARTIES = [PartyRef("DE", f"E{number:02}") for number in range(RECEIVERS)]


async def answer(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(body=OK, content_type="application/json")


def receive(pipe) -> None:
    """The second process: one server with a port for each receiver."""

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        for _ in range(RECEIVERS):
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send([port for _, port, *_ in runner.addresses])
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await runner.cleanup()

    uvloop.run(serve())


def changes():
    return [
        location(f"LOC{number}", method="PATCH", evse="E1", body=BODY) for number in range(CHANGES)
    ]


async def spread(ports) -> float:
    """Deliveries a second of the hub's own way, journal and metrics included."""
    platforms = [
        platform_of(f"p{number}", f"http://127.0.0.1:{port}", (PARTIES[number], Role.EMSP))
        for number, port in enumerate(ports)
    ]
    async with client_for(*platforms) as (client, register, journal):
        journal.hops, journal.record = Counter(), lambda hop: journal.hops.update([hop.http])
        line = ListLine()
        for change in changes():
            last = line.put(change)
        whole = line.changes
        # The list is cut here, so that the line costs as little as the real one in memory.
        line.after = _indexed(whole)
        made = Spread(
            line=line,
            store=FakeStore(),
            receivers=FakeReceivers({platform.id: ORIGIN for platform in platforms}),
            platforms=register,
            client=client,
            modules=TABLES,
            probe=_nobody,
            settings=OPEN,
            metrics=Metrics(),
        )
        started = time.perf_counter()
        runner = asyncio.ensure_future(made.run())
        while not made.held() or any(  # noqa: ASYNC110 - cursors know no events
            courier.cursor < last.place for courier, _ in made._couriers.values()
        ):
            await asyncio.sleep(0.002)
        took = time.perf_counter() - started
        await made.close()
        await runner
        assert journal.hops == {200: RECEIVERS * CHANGES}
    return RECEIVERS * CHANGES / took


def _indexed(whole):
    async def after(cursor, limit):
        return whole[cursor.seq : cursor.seq + limit]

    return after


async def _nobody(_) -> bool:
    return True


async def bare(ports) -> float:
    """The same requests by nothing but aiohttp."""
    everything = changes()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def lane(port, party, waiting):
            base = f"http://127.0.0.1:{port}/receiver/locations/{CPO.country_code}/{CPO.party_id}/"
            while waiting:
                change = waiting.pop()
                headers = message.routing_headers(party, HUB) | {
                    "X-Request-ID": fresh_id(),
                    "X-Correlation-ID": "c1",
                    "Content-Type": "application/json",
                    "Authorization": "Token c2VjcmV0",
                }
                async with session.patch(
                    base + change.message.path, data=change.message.body, headers=headers
                ) as response:
                    assert response.status == 200
                    await response.read()

        started = time.perf_counter()
        waitings = [list(everything) for _ in ports]
        await asyncio.gather(
            *(
                lane(port, party, waiting)
                for port, party, waiting in zip(ports, PARTIES, waitings, strict=True)
                for _ in range(OPEN.spread_lanes)
            )
        )
        took = time.perf_counter() - started
    return RECEIVERS * CHANGES / took


def main() -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=receive, args=(there,))
    process.start()
    ports = here.recv()
    ratios = []
    for number in range(ROUNDS):
        ways = (spread, bare) if number % 2 else (bare, spread)
        rates = {way.__name__: uvloop.run(way(ports)) for way in ways}
        ratios.append(rates["spread"] / rates["bare"])
        print(
            f"spread {rates['spread']:7.0f}/s   bare aiohttp {rates['bare']:7.0f}/s"
            f"   ratio {ratios[-1]:.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f} (goal 0.8)")
    here.send("stop")
    process.join()


if __name__ == "__main__":
    main()
