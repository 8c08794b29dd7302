"""One PATCH of a session through the hub to a partner and back, beside a bare proxy hop.

The partner is the same process for both: bare aiohttp that says yes.
"""

import itertools
from collections.abc import Callable

from tests.bench.hub import database, measured
from tests.bench.load import Load, request
from tests.bench.process import served
from tests.bench.row import Row
from tests.bench.side import Side, compare

CALLERS = 32
BODY = b'{"kwh":12.3456,"last_updated":"2026-11-01T12:00:00Z","status":"ACTIVE"}'
SUCCESS = b'"status_code": 1000'


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    rounds, seconds = (2, 1.0) if quick else (5, 3.0)
    async with database() as url, measured(url) as hub:
        provider = await hub.partner([("DE", "EMP")], "EMSP", [("sessions", "RECEIVER")])
        operator = await hub.partner([("NL", "CPO")], "CPO")
        headers = operator.headers(to=provider.party)
        async with served("tests.bench.floor", "relay", provider.process.url) as floor:

            def side(pid: int, port: int, path: str) -> Side:
                scripts = [
                    [request("PATCH", f"{path}/sessions/NL/CPO/S{caller}", headers, BODY)] * 100_000
                    for caller in range(CALLERS)
                ]
                return Side(pid, itertools.repeat(Load(port, scripts, CALLERS, seconds, SUCCESS)))

            say("a PATCH to a partner and back")
            ours = side(hub.pid, hub.port, "/ocpi/2.2.1/receiver")
            bare = side(floor.pid, floor.port, "")
            return [await compare("relay of one PATCH and its answer", ours, bare, 0.5, rounds)]
