"""From a status change at the operator to the event at a car that streams.

The operator sends 200 changes a second, each at a station of its own, so that each event is that of
one change. Time runs from before the PATCH is written to when the event has been read.
"""

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from tests.bench.hub import Measured, Partner, database, measured
from tests.bench.locations import locations
from tests.bench.patch import body, push
from tests.bench.row import Row

PER_S = 200
CONNECTIONS = 128
CENTRE = 48.8566, 2.3522  # Paris
STATIONS = 1_500
GOAL_MS = 250
AFTER_S = 2.0
_M_PER_DEGREE = 111_195


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    seconds = 5 if quick else 20
    async with database() as url, measured(url) as hub:
        say("filling the hub")
        objects = locations()
        operator = await hub.operator(objects)
        near = sorted(objects, key=_metres)[:STATIONS]
        say(f"{PER_S} changes a second for {seconds} s")
        sent: dict[str, float] = {}
        took: list[float] = []
        async with hub.hub.session.get(
            f"{hub.hub.url}/nav/v1/stream",
            params={"circle": f"{CENTRE[0]},{CENTRE[1]},{math.ceil(_metres(near[-1])) + 1}"},
            headers={"Authorization": f"Bearer {await hub.hub.car_key()}"},
            timeout=aiohttp.ClientTimeout(total=None),
        ) as stream:
            assert stream.status == 200, await stream.text()
            car = asyncio.ensure_future(_listen(stream, sent, took))
            await _drive(hub, operator, near, seconds, sent)
            await asyncio.sleep(AFTER_S)
            car.cancel()
    assert len(took) > 0.99 * PER_S * seconds, f"{len(took)} events came"
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    what = f"status change to the event at a car, p99, {PER_S} changes/s"
    return [Row(what, p99, GOAL_MS, unit="ms", note=f"p50 {p50:.0f} ms, {len(took):,} events")]


def _metres(location: dict[str, Any]) -> float:
    """From the centre, flat: good enough to choose stations."""
    at = location["coordinates"]
    north = float(at["latitude"]) - CENTRE[0]
    east = (float(at["longitude"]) - CENTRE[1]) * math.cos(math.radians(CENTRE[0]))
    return math.hypot(north, east) * _M_PER_DEGREE


async def _listen(
    stream: aiohttp.ClientResponse, sent: dict[str, float], took: list[float]
) -> None:
    """The car: notes when the event of a change that is on its way comes."""
    async for line in stream.content:
        if line.startswith(b'data: {"id"'):
            since = sent.pop(json.loads(line[6:])["id"], None)
            if since is not None:
                took.append(time.perf_counter() - since)


async def _drive(
    hub: Measured,
    operator: Partner,
    stations: Sequence[dict[str, Any]],
    seconds: float,
    sent: dict[str, float],
) -> None:
    """Changes at even distances, whether or not the ones before are answered."""
    free = deque([await asyncio.open_connection("127.0.0.1", hub.port) for _ in range(CONNECTIONS)])
    calls: set[asyncio.Future[None]] = set()
    started = time.perf_counter()
    for number in range(int(PER_S * seconds)):
        await asyncio.sleep(max(0.0, started + number / PER_S - time.perf_counter()))
        turn, at = divmod(number, len(stations))
        station = stations[at]
        change = body(("CHARGING", "AVAILABLE")[turn % 2], f"2026-11-01T12:{turn:02}:00Z")
        prepared = push(operator, station, station["evses"][0]["uid"], change)
        name = f"{station['country_code']}*{station['party_id']}*{station['id']}"
        connection = free.popleft()
        call = asyncio.ensure_future(_call(*connection, prepared))
        calls.add(call)
        call.add_done_callback(lambda _, back=connection: free.append(back))
        call.add_done_callback(calls.discard)
        sent[name] = time.perf_counter()
    await asyncio.gather(*calls)
    for _, writer in free:
        writer.close()


async def _call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, prepared: bytes
) -> None:
    writer.write(prepared)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert b'"status_code":1000' in await reader.readexactly(length)
