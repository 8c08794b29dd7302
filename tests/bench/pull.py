"""Locations that the hub reads from a partner's list and stores durably, beside the rate it needs.

The partner serves pages of 200 from memory, as many as are asked for. A first reading is of
Locations that the hub never saw, a second one finds all of them unchanged. No floor is measured:
beside the rates stands what the hub has to reach, a hundred thousand Locations in 50 s.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle, islice
from typing import Any

import uvloop
from aiohttp import web

from tests.bench.hub import Measured, database, measured
from tests.bench.locations import locations
from tests.bench.partner import TOKEN_A, partner
from tests.bench.process import serve, served, spent
from tests.bench.row import Row

PAGE = 200
NEEDED = 2_000.0  # Locations a second
DONE_S = 600.0


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    count = 10_000 if quick else 100_000
    async with (
        database() as url,
        measured(url, PULL__SETTLE_S="0") as hub,
        served("tests.bench.pull", str(count)) as source,
    ):
        say(f"{count} new Locations")
        platform = await _connect(hub, source.url)
        rows = [await _read(hub, platform, "new")]
        say("the same ones again")
        await hub.hub.admin("POST", f"/platforms/{platform}/pull")
        return [*rows, await _read(hub, platform, "unchanged", changed=0)]


async def _connect(hub: Measured, source: str) -> str:
    roles = [
        {"country_code": country, "party_id": party, "role": "CPO", "name": party}
        for country, party in _parties()
    ]
    made = await hub.hub.admin("POST", "/platforms", {"name": "list", "roles": roles})
    invitation = {"versions_url": f"{source}/versions", "token": TOKEN_A}
    await hub.hub.admin("POST", f"/platforms/{made['id']}/register", invitation)
    return str(made["id"])


async def _read(hub: Measured, platform: str, what: str, **wanted: int) -> Row:
    """Wait for the end of a reading; what it read in a second, and what that cost."""
    before = spent(hub.pid)
    last = await _ended(hub, platform, wanted)
    began, ended = (datetime.fromisoformat(last[name]) for name in ("began_at", "ended_at"))
    rate = last["objects"] / (ended - began).total_seconds()
    cpu = last["objects"] / (spent(hub.pid) - before)
    return Row(f"Locations read from a list, {what}", rate, 1.0, NEEDED, cpu=cpu / NEEDED)


async def _ended(hub: Measured, platform: str, wanted: dict[str, int]) -> dict[str, Any]:
    async with asyncio.timeout(DONE_S):
        while True:
            [shown] = (await hub.hub.admin("GET", f"/platforms/{platform}"))["pull"] or [{}]
            last: dict[str, Any] = shown.get("last") or {}
            if last and wanted.items() <= last.items():
                assert not last["fault"], last
                return last
            await asyncio.sleep(0.2)


def _parties() -> list[tuple[str, str]]:
    return sorted({(each["country_code"], each["party_id"]) for each in locations()})


def _source(count: int) -> web.Application:
    """A CPO platform whose list has `count` Locations; its answers are ready in memory."""
    bodies = list(_answers(count))

    async def page(request: web.Request) -> web.Response:
        number = int(request.query.get("offset", 0)) // PAGE
        headers = {"X-Total-Count": str(count), "Content-Type": "application/json"}
        if number + 1 < len(bodies):
            url = request.url.with_query(offset=(number + 1) * PAGE, limit=PAGE)
            headers["Link"] = f'<{url}>; rel="next"'
        return web.Response(body=bodies[number], headers=headers)

    roles = [[country, party, "CPO"] for country, party in _parties()]
    app = web.Application()
    app.router.add_get("/locations", page)
    for route in partner(roles, [["locations", "SENDER"]]).router.routes():
        assert route.resource is not None
        handler: Any = route.handler
        app.router.add_route(route.method, route.resource.canonical, handler)
    return app


def _answers(count: int) -> Iterator[bytes]:
    known = locations()
    made = (
        each | {"id": f"{number}-{each['id']}"[:36]}
        for number, each in enumerate(islice(cycle(known), count))
    )
    while page := list(islice(made, PAGE)):
        body = json.dumps(page, separators=(",", ":"), ensure_ascii=False)
        yield b'{"data":%b,"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}' % body.encode()


if __name__ == "__main__":
    uvloop.run(serve(_source(int(sys.argv[1]))))
