"""Bad days: five of twenty partners hang, and a hub that is killed at every point, again and again.

The healthy partners' times with and without the hanging ones are taken in turn. What accepted
messages became is counted; each figure of the kills must be nought.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests import chaos
from tests.bench import partner
from tests.bench.hub import Measured, Partner, database, folder, measured
from tests.bench.load import Load, Result, request
from tests.bench.load import run as run_load
from tests.bench.process import Served
from tests.bench.row import Row
from tests.hub import free_port, served

PARTNERS, HANGING = 20, 5
CALLERS = 4
SECONDS = 4.0
DEADLINE_S = "3"
EVERY_S = 0.1  # a request to each hanging partner
ROUNDS = 2  # over all points
_MOST = 1.25
_BODY = b'{"kwh":12.3456,"last_updated":"2026-11-01T12:00:00Z","status":"ACTIVE"}'
_SUCCESS = b'"status_code": 1000'


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    rows = [await _hanging(say, 2 if quick else 6)]
    return rows + await _killed(say, 1 if quick else ROUNDS)


@dataclass(slots=True)
class Moody:
    """A partner in this process that answers, or hangs while `hangs` is set."""

    number: int
    hangs: bool = False
    known: Partner | None = None
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def party(self) -> tuple[str, str]:
        return "DE", f"P{self.number:02}"

    def hang(self) -> None:
        self.hangs, self._free = True, asyncio.Event()

    def wake(self) -> None:
        self.hangs = False
        self._free.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        @web.middleware
        async def moody(request: web.Request, handler: Any) -> web.StreamResponse:
            await request.read()
            if self.hangs:
                await self._free.wait()
            answer: web.StreamResponse = await handler(request)
            return answer

        app = partner.partner([[*self.party, "EMSP"]], [["sessions", "RECEIVER"]])
        app.middlewares.append(moody)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.wake()
        await runner.cleanup()


async def _hanging(say: Callable[[str], None], rounds: int) -> Row:
    settings = {"DELIVERY__DEADLINE_S": DEADLINE_S, "ALIVE__INTERVAL_S": "1"}
    async with database() as url, measured(url, **settings) as hub, AsyncExitStack() as stack:
        say(f"{PARTNERS} partners register")
        partners = [Moody(number) for number in range(PARTNERS)]
        for each in partners:
            base = await stack.enter_async_context(each.listening())
            await _register(hub, each, base)
        operator = await hub.partner([("NL", "CPO")], "CPO")
        times: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds + 1):
            for hangs in (False, True):
                say(f"round {number}, {HANGING if hangs else 'none'} of them hanging")
                result = await _round(hub, operator, partners, hangs=hangs)
                if number:
                    times[hangs].append(_p99(result))
        base, ours = statistics.median(times[False]), statistics.median(times[True])
    note = f"p99 {ours * 1000:.1f} ms, without them {base * 1000:.1f} ms; relayed PATCHes"
    what = f"healthy partners' p99 with {HANGING} of {PARTNERS} hanging, beside none hanging"
    return Row(what, 100 * ours / base, 100 * _MOST, unit="%", note=note)


async def _register(hub: Measured, each: Moody, base: str) -> None:
    country, party = each.party
    roles = [{"country_code": country, "party_id": party, "role": "EMSP", "name": party}]
    made = await hub.hub.admin("POST", "/platforms", {"name": party, "roles": roles})
    await hub.hub.admin(
        "POST",
        f"/platforms/{made['id']}/register",
        {"versions_url": f"{base}/versions", "token": partner.TOKEN_A},
    )
    each.known = Partner(Served(0, 0), each.party, "")


async def _round(hub: Measured, operator: Partner, partners: list[Moody], *, hangs: bool) -> Result:
    bad, healthy = partners[:HANGING], partners[HANGING:]
    for each in bad if hangs else ():
        each.hang()
    pestering = [asyncio.ensure_future(_pester(hub, operator, each)) for each in bad]
    try:
        scripts = [
            [_patch(operator, healthy[(caller + n) % len(healthy)], n) for n in range(10_000)]
            for caller in range(CALLERS)
        ]
        return await run_load(Load(hub.port, scripts, CALLERS, SECONDS, _SUCCESS))
    finally:
        for task in pestering:
            task.cancel()
        for each in bad:
            each.wake()
        await asyncio.gather(*pestering, return_exceptions=True)
        await _all_connected(hub)


def _patch(operator: Partner, to: Moody, number: int) -> bytes:
    path = f"/ocpi/2.2.1/receiver/sessions/NL/CPO/S{number}"
    return request("PATCH", path, operator.headers(to=to.party), _BODY)


async def _pester(hub: Measured, operator: Partner, to: Moody) -> None:
    """Requests to one partner at a steady pace, whether or not it answers."""
    url = f"{hub.hub.url}/ocpi/2.2.1/receiver/sessions/NL/CPO/S"

    async def one() -> None:
        headers = operator.headers(to=to.party) | {"Content-Type": "application/json"}
        async with hub.hub.session.patch(url, data=_BODY, headers=headers) as answer:
            await answer.read()

    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(one())
            await asyncio.sleep(EVERY_S)


async def _all_connected(hub: Measured) -> None:
    async with asyncio.timeout(60):
        while True:
            shown = (await hub.hub.admin("GET", "/platforms", limit="100"))["items"]
            if all(each["status"] == "CONNECTED" for each in shown):
                return
            await asyncio.sleep(0.2)


def _p99(result: Result) -> float:
    return result.latencies[int(len(result.latencies) * 0.99)]


async def _killed(say: Callable[[str], None], rounds: int) -> list[Row]:
    listen = {"SERVER__LISTEN": f"127.0.0.1:{free_port()}"}
    kills = rounds * len(chaos.PASSAGES)
    async with database() as url, folder() as where, chaos.traffic() as made:
        for number in range(rounds):
            say(f"killing, round {number + 1} of {rounds}")
            await chaos.kill_everywhere(made, where, url, word=f"R{number}", **listen)
        say("what became of it")
        async with served(where, url, **listen):
            try:
                await made.arrived(60)
            except AssertionError:
                say("something is missing")
    pushes = made.done("push")
    posts = len(made.told)
    seen = sum(provider.seen for provider in made.providers)
    return [
        Row(f"accepted pushes lost over {kills} kills", len(made.lost(made.accepted)), 0,
            unit=f"of {pushes:,}"),
        Row(f"messages sent once that came twice, over {kills} kills", len(made.doubled()), 0,
            unit=f"of {posts:,}"),
        Row(f"states that came after newer ones, over {kills} kills", len(made.turned()), 0,
            unit=f"of {seen:,}"),
    ]  # fmt: skip
