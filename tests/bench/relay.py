"""A PATCH of a session and an authorization to a partner and back, beside a bare proxy hop.

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
Asked = tuple[str, str, bytes]
SUCCESS = b'"status_code": 1000'
PATCH = b'{"kwh":12.3456,"last_updated":"2026-11-01T12:00:00Z","status":"ACTIVE"}'
WHERE = b'{"location_id":"LOC1","evse_uids":["3256"]}'
# What is measured, and for each caller: method, path below the hub's version, body.
KINDS = {
    "relay of one session PATCH and its answer": (
        "PATCH", "/receiver/sessions/NL/CPO/S{}", PATCH,
    ),
    "relay of one authorization and its answer": (
        "POST", "/sender/tokens/T{}/authorize?type=RFID", WHERE,
    ),
}  # fmt: skip


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    rounds, seconds = (2, 1.0) if quick else (5, 3.0)
    async with database() as url, measured(url) as hub:
        modules = [("sessions", "RECEIVER"), ("tokens", "SENDER")]
        provider = await hub.partner([("DE", "EMP")], "EMSP", modules)
        operator = await hub.partner([("NL", "CPO")], "CPO")
        headers = operator.headers(to=provider.party)
        rows = []
        async with served("tests.bench.floor", "relay", provider.process.url) as floor:
            for what, (method, path, body) in KINDS.items():

                def side(
                    pid: int, port: int, base: str, asked: Asked = (method, path, body)
                ) -> Side:
                    method, path, body = asked
                    scripts = [
                        [request(method, base + path.format(caller), headers, body)] * 100_000
                        for caller in range(CALLERS)
                    ]
                    return Side(
                        pid, itertools.repeat(Load(port, scripts, CALLERS, seconds, SUCCESS))
                    )

                say(what)
                ours = side(hub.pid, hub.port, "/ocpi/2.2.1")
                rows.append(await compare(what, ours, side(floor.pid, floor.port, ""), 0.5, rounds))
        return rows
