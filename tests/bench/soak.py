"""A hundred mixed partners and 500 messages a second for minutes: what grows, and who waits.

Most messages go from an operator to a provider and back: PATCHes of sessions, authorizations, CDRs.
Two a second are status changes that go to all fifty providers. Each is sent at its time, whether or
not the ones before were answered, so that waiting counts.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import psutil

from tests.bench import load
from tests.bench.hub import Measured, Partner, database, measured, put
from tests.bench.load import HOST, Load, request
from tests.bench.patch import body, push
from tests.bench.row import Row

SIDES = 50
PER_S = 500
BROADCAST_EVERY = 250  # messages
CONNECTIONS = 100
WARM_S = 20.0
GROWTH_MB, DESCRIPTORS, PERCENT = 64, 20, 200
OFFERED = [
    ("sessions", "RECEIVER"), ("cdrs", "RECEIVER"), ("tokens", "SENDER"), ("locations", "RECEIVER"),
]  # fmt: skip
SESSION = b'{"kwh":12.3456,"last_updated":"2026-11-01T12:00:00Z","status":"ACTIVE"}'
SUCCESS = b'"status_code":1000', b'"status_code": 1000'
_AT = "2026-11-01T00:00:00Z"


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    minutes, minute_s = (2, 15.0) if quick else (5, 60.0)
    async with database() as url, measured(url) as hub:
        say(f"{2 * SIDES} partners register")
        providers = await hub.crowd(SIDES, "DE", "EMSP", OFFERED)
        operators = await hub.crowd(SIDES, "NL", "CPO", [("locations", "SENDER")])
        station = await _station(hub, operators[0])
        driver = Driver(hub.port, _messages(operators, providers, station))
        _ = await driver.run(WARM_S)
        before = _held(hub)
        p99 = []
        for minute in range(minutes):
            say(f"minute {minute + 1} of {minutes}: {PER_S} messages a second")
            took = await driver.run(minute_s)
            p99.append(took[int(len(took) * 0.99)] * 1000)
        after = _held(hub)
        await driver.close()
    shown = ", ".join(f"{each:.0f}" for each in p99)
    what = f"{2 * SIDES} partners, {PER_S} messages/s for {minutes * minute_s / 60:g} min"
    return [
        Row(f"{what}: growth of memory", after[0] - before[0], GROWTH_MB, unit="MB"),
        Row(f"{what}: more descriptors", after[1] - before[1], DESCRIPTORS, unit="open"),
        Row(
            f"{what}: the worst minute's p99 of the first one's",
            max(p99) / p99[0] * 100, PERCENT, unit="%", note=f"by minute {shown} ms",
        ),
    ]  # fmt: skip


def _held(hub: Measured) -> tuple[float, int]:
    process = psutil.Process(hub.pid)
    return process.memory_info().rss / 2**20, process.num_fds()


async def _station(hub: Measured, operator: Partner) -> dict[str, Any]:
    """A Location of the operator's, in the hub's copy."""
    country, party = operator.party
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE",
        "max_voltage": 230, "max_amperage": 32, "last_updated": _AT,
    }  # fmt: skip
    evse = {"uid": "E1", "status": "AVAILABLE", "connectors": [connector], "last_updated": _AT}
    station = {
        "country_code": country, "party_id": party, "id": "LOC1", "publish": True,
        "address": "Plein 1", "city": "Utrecht", "country": "NLD", "time_zone": "Europe/Amsterdam",
        "coordinates": {"latitude": "52.00000", "longitude": "5.00000"}, "evses": [evse],
        "last_updated": _AT,
    }  # fmt: skip
    done = await load.run(Load(hub.port, [[put(operator, station)]], 1, 10, SUCCESS[0]))
    assert done.done == 1
    return station


def _messages(
    operators: Sequence[Partner], providers: Sequence[Partner], station: dict[str, Any]
) -> Iterator[bytes]:
    """Without an end; the same ones in every run."""
    chosen = random.Random(1)  # noqa: S311 - a choice, no secret
    for number in count():
        if number % BROADCAST_EVERY == 0:
            status = ("CHARGING", "AVAILABLE")[number // BROADCAST_EVERY % 2]
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            yield push(operators[0], station, "E1", body(status, at))
            continue
        operator, provider = chosen.choice(operators), chosen.choice(providers)
        headers = operator.headers(to=provider.party) | {"X-Correlation-ID": f"soak-{number}"}
        owner = "/".join(operator.party)
        kind = number % 10
        if kind == 0:
            bill = b'{"country_code":"%s","party_id":"%s","id":"C%d"}' % (
                *(part.encode() for part in operator.party), number,
            )  # fmt: skip
            yield request("POST", "/ocpi/2.2.1/receiver/cdrs", headers, bill)
        elif kind < 3:
            path = f"/ocpi/2.2.1/sender/tokens/T{number % 1000}/authorize?type=RFID"
            yield request("POST", path, headers, b"{}")
        else:
            path = f"/ocpi/2.2.1/receiver/sessions/{owner}/S{number % 1000}"
            yield request("PATCH", path, headers, SESSION)


class Driver:
    """Sends messages at their times over kept connections."""

    def __init__(self, port: int, messages: Iterator[bytes]) -> None:
        self._port = port
        self._messages = messages
        self._due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._took: list[float] = []
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(CONNECTIONS)]

    async def run(self, seconds: float) -> list[float]:
        """Seconds from when each message was due to its answer, sorted."""
        self._took = took = []
        start, wanted = time.perf_counter(), int(seconds * PER_S)
        for number in range(wanted):
            due = start + number / PER_S
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            self._due.put_nowait((due, next(self._messages)))
        async with asyncio.timeout(60):
            await self._due.join()
        assert len(took) == wanted
        return sorted(took)

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            while True:
                due, message = await self._due.get()
                writer.write(message)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                answer = await reader.readexactly(length)
                assert any(code in answer for code in SUCCESS), head + answer
                self._took.append(time.perf_counter() - due)
                self._due.task_done()
        finally:
            writer.close()
