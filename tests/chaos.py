"""Mixed traffic of one operator and two providers, and what must be true of it on bad days.

Every message has a number of its own, so that what was accepted, what arrived, what arrived twice
and what arrived in the wrong order can be counted afterwards.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp

from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.ops.failpoint import VARIABLE
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.hub_process import HubFailed
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.receivers import free_all
from tests.build import a_cdr, a_location, a_token, an_evse
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, served

UNREACHED: Final = (aiohttp.ClientError, OSError, TimeoutError)
SUCCESS: Final = 1000
PUSHING, RELAYING, ASKING = 3, 2, 2  # lanes of each kind
LOCATIONS: Final = 3  # of each pushing lane
EVSES: Final = ("E0", "E1")
START: Final = datetime(2026, 2, 1, tzinfo=UTC)
WILLING: Final = Reply(data=b'{"result":"ACCEPTED","timeout":30}')

# The passage at which it dies; what a restart repeats comes by there as well, before any traffic.
PASSAGES: Final[Mapping[str, int]] = {
    "store.loaded": 60,
    "store.written": 60,
    "line.read": 60,
    "courier.sending": 150,
    "courier.sent": 150,
    "courier.moved": 150,
    "spread.saved": 2,
    "callbacks.kept": 40,
    "results.found": 40,
    "relay.sending": 80,
    "relay.sent": 80,
    "memory.writing": 3,
}

Thing = tuple[str, str]  # a Location and its EVSE, "" for itself


@dataclass(slots=True)
class Provider:
    """A receiver that counts for itself. `mute`: it asks nothing now.

    `stamps`: the last state of each thing; `turned`: what came after a newer one; `posts`: how
    often each message that is sent once arrived; `seen`: how many states came.
    """

    partner: FakePartner
    mute: bool = False
    stamps: dict[Thing, str] = field(default_factory=dict)
    turned: list[str] = field(default_factory=list)
    posts: Counter[str] = field(default_factory=Counter)
    seen: int = 0

    def __post_init__(self) -> None:
        self.partner.serve("locations", RECEIVER, self._location)
        self.partner.serve("cdrs", RECEIVER, self._cdr)
        self.partner.serve("sessions", RECEIVER, self._session)
        self.partner.serve("commands", SENDER, self._result)

    async def _location(self, received: Received) -> Reply:
        reply = await self.partner.copy(received)
        if received.method != "GET":
            for thing, stamp in _stamps(received.segments[2:], received.json):
                if stamp < self.stamps.get(thing, ""):
                    self.turned.append(f"{thing}: {self.stamps[thing]}, then {stamp}")
                self.stamps[thing] = stamp
                self.seen += 1
        return reply

    async def _cdr(self, received: Received) -> Reply:
        self.posts[received.json["id"]] += 1
        return Reply()

    async def _session(self, received: Received) -> Reply:
        self.posts[received.segments[2]] += 1
        return Reply()

    async def _result(self, received: Received) -> Reply:
        self.posts[received.json["number"]] += 1
        return Reply()


def _stamps(ids: tuple[str, ...], body: Any) -> Iterator[tuple[Thing, str]]:
    yield (ids[0], ids[1] if len(ids) > 1 else ""), body["last_updated"]
    for evse in body.get("evses", ()):
        yield (ids[0], evse["uid"]), evse["last_updated"]


@dataclass(slots=True)
class Traffic:
    """`start` it, `stop` it; unless it is `stubborn` it stops by itself when the hub is gone.

    `accepted`: the newest state of each thing that the hub answered with 1000. `told`: the POSTs
    and PATCHes to a named receiver that were. `addresses`: where results of commands may go, and
    who waits for them.
    """

    operator: FakePartner
    providers: tuple[Provider, ...]
    word: str = "T"
    accepted: dict[Thing, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    addresses: dict[str, tuple[str, Provider]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, int, int | None]] = field(default_factory=Counter)
    pause_s: float = 0.005
    stubborn: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _tasks: Tasks = field(default_factory=Tasks)
    _lanes: list[asyncio.Task[None]] = field(default_factory=list)
    _stopped: bool = False

    def __post_init__(self) -> None:
        self.operator.serve("commands", RECEIVER, self._asked)

    def start(self, word: str) -> None:
        """Begin, with objects of their own: their names start with `word`."""
        self.word, self._stopped = word, False
        kinds = (self._push,) * PUSHING + (self._relay,) * RELAYING + (self._ask,) * ASKING
        self._lanes = [
            self._tasks.spawn(f"lane {lane}", self._until_gone(work, lane))
            for lane, work in enumerate(kinds)
        ]

    async def stop(self) -> None:
        self._stopped = True
        await self.ended()

    async def ended(self) -> None:
        """Wait until every lane has ended; what was wrong in one is raised."""
        await asyncio.gather(*self._lanes)

    async def _until_gone(self, work: Callable[[int, int], Awaitable[None]], lane: int) -> None:
        for number in self._numbers:
            if self._stopped:
                return
            try:
                await work(lane, number)
            except UNREACHED:
                if not self.stubborn:
                    return
            await asyncio.sleep(self.pause_s)

    def _count(self, kind: str, answer: Answer) -> bool:
        self.outcomes[kind, answer.http, answer.code] += 1
        return answer.code == SUCCESS

    async def _push(self, lane: int, number: int) -> None:
        """A whole Location, or the status of one of its EVSEs."""
        at = format_datetime(START + timedelta(seconds=number))
        name = f"{self.word}-{lane}-{number % LOCATIONS}"
        things = [(name, "")] + [(name, uid) for uid in EVSES]
        if things[0] not in self.accepted or number % 4 == 0:
            evses = [an_evse(uid, last_updated=at) for uid in EVSES]
            whole = a_location() | {"id": name, "last_updated": at, "evses": evses}
            answer = await self.operator.put(whole)
        else:
            status = {"status": "CHARGING", "last_updated": at}
            things = [things[1 + number % len(EVSES)]]
            answer = await self.operator.patch(a_location(id=name), status, things[0][1])
        if self._count("push", answer):
            self.accepted |= dict.fromkeys(things, at)

    async def _relay(self, _: int, number: int) -> None:
        """A CDR or a part of a session, once, to one of the providers."""
        to = self.providers[number % len(self.providers)].partner
        name = f"{self.word}-{number}"
        if number % 2:
            answer = await self.operator.send("POST", "cdrs", body=a_cdr(id=name), to=to.party)
        else:
            path, body = f"NL/CPO/{name}", {"kwh": number, "last_updated": format_datetime(START)}
            answer = await self.operator.send("PATCH", "sessions", path, body=body, to=to.party)
        if self._count(f"relay {to.party.party_id}", answer):
            self.told.add(name)

    async def _ask(self, lane: int, number: int) -> None:
        """A command of a provider, then its result."""
        provider = self.providers[lane % len(self.providers)]
        if provider.mute:
            return
        name, party = f"{self.word}-{number}", provider.partner.party
        body = {
            "response_url": provider.partner.url("commands", SENDER) + f"/{name}",
            "token": a_token(country_code=party.country_code, party_id=party.party_id),
            "location_id": name,
        }
        to = self.operator.party
        answer = await provider.partner.send("POST", "commands", "START_SESSION", body=body, to=to)
        if self._count("command", answer):
            await self.tell(name, name)

    async def tell(self, name: str, number: str) -> None:
        """The result of the command of this name, with a number of its own."""
        url, provider = self.addresses[name]
        body = b'{"result":"ACCEPTED","number":"%s"}' % number.encode()
        kind = f"result {provider.partner.party.party_id}"
        if self._count(kind, await self.operator.call("POST", url, body=body)):
            self.told.add(number)

    async def _asked(self, received: Received) -> Reply:
        body = received.json
        if "location_id" not in body:  # not of this traffic
            return WILLING
        name, owner = body["location_id"], body["token"]["party_id"]
        provider = next(each for each in self.providers if each.partner.party.party_id == owner)
        self.asked[name] += 1
        self.addresses[name] = body["response_url"], provider
        return WILLING

    # What must be true of it.

    def done(self, kind: str) -> int:
        """How many messages were answered with success so far.

        `kind` is push, command, or such a `relay EM1` and `result EM1`, or how that begins.
        """
        return sum(
            number
            for (told, _, code), number in self.outcomes.items()
            if told.startswith(kind) and code == SUCCESS
        )

    def codes(self, kind: str) -> set[int | None]:
        """All that such messages were answered with."""
        return {code for told, _, code in self.outcomes if told.startswith(kind)}

    def lost(self, accepted: Mapping[Thing, str]) -> list[str]:
        """States that a provider who speaks has neither got nor has a newer one of."""
        return [
            f"{provider.partner.party}: {thing} is {provider.stamps.get(thing)}, not {at}"
            for provider in self.providers
            if not provider.mute
            for thing, at in accepted.items()
            if provider.stamps.get(thing, "") < at
        ]

    def doubled(self) -> list[str]:
        """What was sent once and came more often."""
        counts = [self.asked, *(provider.posts for provider in self.providers)]
        return [name for each in counts for name, times in each.items() if times > 1]

    def turned(self) -> list[str]:
        """States that came after newer ones."""
        return [each for provider in self.providers for each in provider.turned]

    def untold(self) -> set[str]:
        """What was answered as done, and was not."""
        return self.told.difference(*(provider.posts for provider in self.providers))

    async def arrived(self, deadline_s: float = 30) -> None:
        """Wait until nothing of what is accepted now is missing; tells what still is otherwise."""
        accepted = dict(self.accepted)
        try:
            async with asyncio.timeout(deadline_s):
                while self.lost(accepted):  # noqa: ASYNC110 - the providers know no event for it
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(self.lost(accepted)) from None

    def holds(self) -> None:
        """Nothing doubled, nothing turned round, nothing made up."""
        assert self.doubled() == []
        assert self.turned() == []
        assert self.untold() == set()

    async def results_still_come(self) -> None:
        """Every address that was given out leads to who asked, however long ago."""
        for name, (url, provider) in self.addresses.items():
            await self.tell(name, f"again {name}")
            assert provider.posts[f"again {name}"] == 1, url


@asynccontextmanager
async def traffic() -> AsyncIterator[Traffic]:
    """The partners of the traffic, not yet registered; see `connect`."""
    async with (
        fake_partner(CPO="NL-CPO", deadline_s=10) as operator,
        fake_partner(EMSP="DE-EM1", deadline_s=10) as one,
        fake_partner(EMSP="FR-EM2", deadline_s=10) as two,
    ):
        yield Traffic(operator, (Provider(one), Provider(two)))


async def connect(hub: Hub, made: Traffic) -> None:
    for partner in (made.operator, *(provider.partner for provider in made.providers)):
        await hub.connect(partner)


@asynccontextmanager
async def away(server: EmbeddedServer) -> AsyncIterator[None]:
    """Without its database, as if the machine had killed it; it is back at the end."""
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGQUIT)  # an immediate shutdown: recovery follows
    await asyncio.to_thread(server._process.wait)
    yield
    await asyncio.to_thread(server._end_leftovers)
    await asyncio.to_thread(server._spawn)
    await server._ready()


async def kill_everywhere(
    made: Traffic, folder: Path, url: str, word: str = "", **variables: str
) -> None:
    """A hub on this database dies at one point after the other; partners register at the first.

    What one did not finish is the next one's to repeat, and it is killed in turn.
    """
    for point, passage in PASSAGES.items():
        with armed(f"{point}:{passage}"):
            async with served(folder, url, **variables) as (hub, process):
                if made.operator.peer is None:
                    await connect(hub, made)
                made.start(word + point)
                with suppress(HubFailed):
                    await process.ended()
                await made.ended()
        await free_all(url)  # what a hub with a database of its own does at the start


@contextmanager
def armed(point: str) -> Iterator[None]:
    """Hubs that are started meanwhile are killed at this point."""
    os.environ[VARIABLE] = point
    try:
        yield
    finally:
        del os.environ[VARIABLE]
