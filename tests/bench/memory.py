"""Memory of `serve` with a million EVSEs in the store and in the index.

The tables are filled by COPY with the rows that PUTs would have left, then the hub starts on them,
loads its index, and is read and written for some seconds, so that its caches are full too.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import psutil

from ocpi_hub.modules.frame import split
from ocpi_hub.modules.stamp import stamp
from ocpi_hub.storage.pool import Connection
from tests.bench import load, patch
from tests.bench.hub import Measured, database, measured
from tests.bench.load import Load
from tests.bench.row import Row
from tests.bench.side import spread

EVSES_EACH = 4
LOCATIONS = 250_000
QUICK = 25_000
GOAL_MB = 1536
PARTIES = [("DE", f"P{number:02}") for number in range(100)]
_AT = "2026-01-01T00:00:00Z"
_MB = 2**20
_LOCATION = (
    "pk", "country", "party", "id", "country_code", "party_id", "location_id", "frame",
    "last_updated", "publish", "x", "seq", "method", "path", "origin", "correlation_id",
)  # fmt: skip
_EVSE = (
    "location", "uid", "spelling", "ord", "listed", "own", "body", "last_updated", "x", "seq",
    "method", "path", "origin", "correlation_id",
)  # fmt: skip


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    count = QUICK if quick else LOCATIONS
    say("the empty hub")
    async with database() as url:
        async with measured(url) as hub:
            empty = _resident(hub)
        say(f"filling the tables with {count * EVSES_EACH:,} EVSEs")
        await _fill(url, count)
        say("the hub starts and loads its index")
        async with measured(url) as hub:
            loaded = await _settled(hub, count)
            say("reading and writing")
            await _use(hub, count)
            used = _resident(hub)
            database_mb = await asyncio.to_thread(_postgres)
    note = f"{empty:,.0f} MB empty, {loaded:,.0f} MB loaded, {used:,.0f} MB in use"
    ours = used
    if quick:
        ours = used + (loaded - empty) * (LOCATIONS / count - 1)
        note += f"; measured with {count * EVSES_EACH:,} EVSEs, what they add scaled"
    note += f"; PostgreSQL apart, {database_mb:,.0f} MB"
    what = f"memory of serve with {LOCATIONS * EVSES_EACH:,} EVSEs in store and index"
    return [Row(what, ours, GOAL_MB, unit="MB", note=note)]


def _location(number: int) -> dict[str, Any]:
    """As large as the real ones; somewhere in Germany."""
    country, party = PARTIES[number % len(PARTIES)]
    place = random.Random(number)  # noqa: S311 - the same places every time
    return {
        "country_code": country, "party_id": party, "id": f"DE{party}P{number:07d}",
        "publish": True, "name": f"Ladestation {number}", "address": f"Hauptstrasse {number % 200}",
        "city": "Musterstadt", "postal_code": "10115", "country": "DEU",
        "coordinates": {
            "latitude": f"{place.uniform(48, 54):.6f}", "longitude": f"{place.uniform(7, 14):.6f}",
        },
        "evses": [_evse(number, at) for at in range(EVSES_EACH)],
        "operator": {"name": f"Betreiber {party}"}, "owner": {"name": "Stadtwerke"},
        "time_zone": "Europe/Berlin", "opening_times": {"twentyfourseven": True},
        "last_updated": _AT,
    }  # fmt: skip


def _evse(number: int, at: int) -> dict[str, Any]:
    uid = f"DE*BEN*E{number:07d}*{at}"
    watts = (22_000, 50_000, 150_000, 300_000)[(number + at) % 4]
    connector = {
        "id": "1", "standard": "IEC_62196_T2_COMBO", "format": "CABLE", "power_type": "DC",
        "max_voltage": 920, "max_amperage": 500, "max_electric_power": watts, "last_updated": _AT,
    }  # fmt: skip
    return {
        "uid": uid, "evse_id": uid, "status": ("AVAILABLE", "CHARGING")[number % 2],
        "capabilities": ["RFID_READER"], "physical_reference": str(at + 1),
        "connectors": [connector], "last_updated": _AT,
    }  # fmt: skip


async def _fill(url: str, count: int) -> None:
    """What PUTs of so many Locations would have left, in one transaction."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await _copy(connection, count)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _copy(connection: Connection, count: int) -> None:
    x = await connection.fetchval("select pg_current_xact_id()::text::bigint")
    for table, columns, rows in (
        ("location", _LOCATION, _location_rows(count, x)),
        ("evse", _EVSE, _evse_rows(count, x)),
    ):
        await connection.copy_records_to_table(table, records=rows, columns=columns, timeout=600)
    await connection.execute("select setval('line_seq', $1)", (1 + EVSES_EACH) * count)
    await connection.execute("select setval(pg_get_serial_sequence('location', 'pk'), $1)", count)


def _location_rows(count: int, x: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        location = _location(number)
        owner, name = (location["country_code"], location["party_id"]), location["id"]
        frame = split(_bytes(location)).frame
        key = (*owner, name.upper(), *owner, name)
        pushed = (x, number + 1, "PUT", name, "bench", f"correlation-{number}")
        yield (number + 1, *key, frame, stamp(_AT), True, *pushed)


def _evse_rows(count: int, x: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        for at in range(EVSES_EACH):
            evse = _evse(number, at)
            uid, seq = evse["uid"], count + EVSES_EACH * number + at + 1
            listing = (uid.upper(), uid, at, True, False)
            pushed = (x, seq, "PUT", f"{number}", "bench", f"correlation-{number}")
            yield (number + 1, *listing, _bytes(evse), stamp(_AT), *pushed)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


async def _settled(hub: Measured, count: int) -> float:
    """Resident memory when every station is on the map."""
    meta = await hub.hub.call("GET", "/nav/v1/meta", key=await hub.hub.car_key())
    assert meta[0] == 200, meta
    stations = sum(int(count) for count in meta[1]["not_indexed"].values())
    assert stations == 0, meta[1]["not_indexed"]
    return _resident(hub)


async def _use(hub: Measured, count: int) -> None:
    """Pages and status changes for some seconds."""
    owner = await hub.partner(PARTIES, "CPO", [("locations", "SENDER")])
    headers = owner.headers(PARTIES[0])
    crawl = [
        load.request("GET", f"/ocpi/2.2.1/sender/locations?offset={offset}&limit=50", headers)
        for offset in range(0, min(count, 100_000), 50)
    ]
    some = [_location(number) for number in range(0, count, 10)]
    change = patch.body("OUTOFORDER", "2026-02-01T12:00:00Z")
    pushes = [patch.push(owner, each, each["evses"][0]["uid"], change) for each in some]
    for scripts in (spread(crawl, 8), spread(pushes, 8)):
        done = await load.run(Load(hub.port, scripts, 8, 30, patch.SUCCESS))
        assert done.done


def _resident(hub: Measured) -> float:
    return float(psutil.Process(hub.pid).memory_info().rss) / _MB


def _postgres() -> float:
    """Proportional memory of the PostgreSQL that this process started."""
    children = psutil.Process().children(recursive=True)
    servers = [each for each in children if each.name() == "postgres"]
    return sum(each.memory_full_info().pss for each in servers) / _MB
