"""How fast the store is on this machine: `python tests/bench/bench_store.py [LOCATIONS.jsonl.gz]`.

Starts a PostgreSQL of its own with fsync on, fills it, prints a table. Compared with bare asyncpg
that updates one EVSE per transaction through the same pool.
"""

import asyncio
import gzip
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

from ocpi_hub.modules.line import ORIGIN, Message
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Viewer, Window
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.line import PostgresLine, _read
from ocpi_hub.storage.migrate import migrate
from ocpi_hub.storage.objects import PostgresStore
from ocpi_hub.storage.ring import Ring

SECONDS = 4.0
BARE = "update evse set body = $3, seq = nextval('line_seq') where location = $1 and uid = $2"
EVERYBODY = Viewer(public_only=False, hidden=frozenset())


def made_up(count=4000):
    """Locations of about 1.6 kB with three EVSEs each."""
    at = "2025-01-01T00:00:00Z"
    for n in range(count):
        connector = {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "last_updated": at}
        connector |= {"power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 32}
        evses = [
            {
                "uid": f"E{n}-{k}",
                "status": "AVAILABLE",
                "connectors": [connector],
                "last_updated": at,
            }
            for k in range(3)
        ]
        yield {
            "country_code": "NL", "party_id": "CP1", "id": f"L{n}", "publish": True,
            "name": "x" * 400, "evses": evses, "last_updated": at,
        }  # fmt: skip


def real(path):
    with gzip.open(path, "rt") as lines:
        yield from map(json.loads, itertools.islice(lines, 8230))


def pushed(location, ids, method, body):
    owner = PartyRef(location["country_code"], location["party_id"])
    raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    at = moment(stamp(body["last_updated"]))
    return Push("locations", owner, ids, Message(method, "/".join(ids), raw), at, "cpo", "c-1")


def patches(locations):
    """Status changes of one EVSE after the other, for ever."""
    evses = [(loc, evse["uid"]) for loc in locations for evse in loc["evses"]]
    for n, (loc, uid) in enumerate(itertools.cycle(evses)):
        status = "CHARGING" if n // len(evses) % 2 == 0 else "AVAILABLE"
        at = f"2026-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"
        yield pushed(loc, (loc["id"], uid), "PATCH", {"status": status, "last_updated": at})


async def rate(callers, act):
    """Calls a second of `act` by so many callers at once."""
    done, end = 0, time.perf_counter() + SECONDS

    async def caller():
        nonlocal done
        while time.perf_counter() < end:
            await act()
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / SECONDS


async def fill(store, locations):
    queue = iter(locations)

    async def caller():
        for loc in queue:
            await store.push(pushed(loc, (loc["id"],), "PUT", loc))

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(200)))
    return len(locations) / (time.perf_counter() - started)


async def writes(store, database, locations):
    stream = patches(locations)
    for callers in (1, 64, 256):
        yield (
            f"EVSE PATCH, {callers} callers",
            await rate(callers, lambda: store.push(next(stream))),
        )
    rows = await database.fetch("select location, uid, body from evse limit 5000")
    turn = itertools.cycle(rows)

    async def bare():
        row = next(turn)
        sql = (
            "update evse set body = $3, seq = nextval('line_seq') where location = $1 and uid = $2"
        )
        await database.execute(sql, row["location"], row["uid"], row["body"])

    for callers in (1, 64):
        yield (
            f"bare asyncpg, one update a transaction, {callers} callers",
            await rate(callers, bare),
        )


async def reads(store, line, locations):
    offsets = itertools.cycle(range(0, len(locations) - 50, 50))
    fresh = lambda: store.page("locations", Window(None, None, next(offsets), 50), EVERYBODY)  # noqa: E731 - a one-liner to be timed

    async def uncached():
        store._pages._kept.clear()
        store._pages._held = 0
        await fresh()

    first = Window(None, None, 0, 50)
    yield "pages of 50, fresh, 1 caller", await rate(1, uncached)
    yield "pages of 50, fresh, 8 callers", await rate(8, uncached)
    yield "pages of 50, kept", await rate(1, lambda: store.page("locations", first, EVERYBODY))
    yield (
        "line: changes read from the tables",
        500 * await rate(1, lambda: _read(line._database, ORIGIN, 500)),
    )
    changes, _ = await _read(line._database, ORIGIN, 10_000)
    line._ring = Ring(ORIGIN)
    line._ring.extend(changes)
    yield (
        "line: changes read from memory",
        500 * await rate(1, lambda: line.after(line._ring.start, 500)),
    )


async def main():
    locations = list(real(sys.argv[1]) if len(sys.argv) > 1 else made_up())
    locations = list(
        {(loc["country_code"], loc["party_id"], loc["id"]): loc for loc in locations}.values()
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240 - nothing runs yet
        server = EmbeddedServer(Path(folder) / "hub")
        url = await server.start()
        await migrate(url)
        database = await Database.open(url)
        line = PostgresLine(database)
        store = PostgresStore(database, line)
        await line.start()
        try:
            print(f"{'Location PUT, 200 callers':55} {await fill(store, locations):12,.0f}/s")
            async for name, per_s in writes(store, database, locations):
                print(f"{name:55} {per_s:12,.0f}/s")
            await database.execute("vacuum analyze")
            async for name, per_s in reads(store, line, locations):
                print(f"{name:55} {per_s:12,.0f}/s")
        finally:
            await store.close()
            await line.close()
            await database.close()
            await server.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
