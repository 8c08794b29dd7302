"""EVSE status PATCHes that the hub stores durably, beside one transaction per request.

The floor updates one row of a table of the same size in the same PostgreSQL. Every PATCH is a
change: each round turns all EVSEs to another status at a later time.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ocpi_hub.storage.database import Database
from tests.bench.floor import TABLE
from tests.bench.hub import Partner, database, measured
from tests.bench.load import Load, request
from tests.bench.locations import locations
from tests.bench.process import served
from tests.bench.row import Row
from tests.bench.side import Side, compare, spread

SUCCESS = b'"status_code":1000'
GOALS = {64: 1.2, 1: 0.5}
_COPY = f"create table {TABLE} as select location, uid, body, last_updated from evse"  # noqa: S608 - a constant
_KEY = f"alter table {TABLE} add primary key (location, uid)"


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    rounds, seconds = (2, 1.0) if quick else (5, 3.0)
    objects = locations(2_000 if quick else 8_230)
    async with database() as url, measured(url) as hub:
        say("filling the hub")
        operator = await hub.operator(objects)
        evses = await _copied(url)
        paths = [(each, evse["uid"]) for each in objects for evse in each["evses"]]
        rows = []
        async with served("tests.bench.floor", "patch", url) as floor:
            for callers, goal in GOALS.items():

                def side(
                    pid: int, port: int, made: Iterator[list[bytes]], n: int = callers
                ) -> Side:
                    return Side(
                        pid, (Load(port, spread(some, n), n, seconds, SUCCESS) for some in made)
                    )

                say(f"{callers} connections")
                ours = side(hub.pid, hub.port, _pushes(operator, paths, callers))
                bare = side(floor.pid, floor.port, _updates(evses))
                what = f"EVSE PATCH, stored durably, {callers} connection{'s' * (callers > 1)}"
                rows.append(await compare(what, ours, bare, goal, rounds))
        return rows


async def _copied(url: str) -> Sequence[Any]:
    """The floor's table, as large as the hub's; its keys."""
    database = await Database.open(url)
    try:
        _ = await database.execute(_COPY)
        _ = await database.execute(_KEY)
        _ = await database.execute(f"vacuum analyze {TABLE}")
        return await database.fetch(f"select location, uid from {TABLE} order by random()")  # noqa: S608 - a constant
    finally:
        await database.close()


def _pushes(
    operator: Partner, evses: Sequence[tuple[dict[str, Any], str]], day: int
) -> Iterator[list[bytes]]:
    """Round after round a later status of every EVSE."""
    for number in itertools.count():
        status = ("CHARGING", "AVAILABLE")[number % 2]
        made = body(status, f"2026-{1 + day % 12:02}-{1 + number % 28:02}T12:00:00Z")
        yield [push(operator, location, uid, made) for location, uid in evses]


def body(status: str, at: str) -> bytes:
    return json.dumps({"status": status, "last_updated": at}, separators=(",", ":")).encode()


def push(operator: Partner, location: dict[str, Any], uid: str, change: bytes) -> bytes:
    party = location["country_code"], location["party_id"]
    path = "/".join(quote(part, safe="") for part in (*party, location["id"], uid))
    headers = operator.headers(party)
    return request("PATCH", f"/ocpi/2.2.1/receiver/locations/{path}", headers, change)


def _updates(evses: Sequence[Any]) -> Iterator[list[bytes]]:
    for number in itertools.count():
        made = body(
            ("CHARGING", "AVAILABLE")[number % 2], f"2026-01-{1 + number % 28:02}T12:00:00Z"
        )
        yield [
            request("PATCH", f"/{row['location']}/{quote(row['uid'])}", {}, made) for row in evses
        ]
