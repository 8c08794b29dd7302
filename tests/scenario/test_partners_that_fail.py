"""Partners that fail in every way: who asked them gets a true answer, and nobody else notices."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.fault import Fault, GoOn
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_location
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

SUCCESS = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
METADATA = "http://169.254.169.254/latest/meta-data/"


def speaks_no_http() -> Fault:
    async def fault(request: web.BaseRequest, _: GoOn) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        request.transport.close()
        return web.Response()

    return fault


def sends_more_than_it_says() -> Fault:
    async def fault(request: web.BaseRequest, _: GoOn) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + SUCCESS)
        request.transport.close()
        return web.Response()

    return fault


# What the partner does -> what its requester is told: HTTP status and OCPI code.
FAILS: dict[str, tuple[Fault, int, int]] = {
    "hangs": (fault.hang(), 200, 4002),
    "drips": (fault.drip(0.2), 200, 4002),
    "resets": (fault.drop(), 200, 4002),
    "does the work, then resets": (fault.drop(after_work=True), 200, 4002),
    "sends less than it says": (fault.wrong_length(), 200, 4002),
    "sends more than it says": (sends_more_than_it_says(), 200, 4000),
    "speaks no HTTP": (speaks_no_http(), 200, 4000),
    "says nothing": (fault.http(200), 200, 4000),
    "shows a page": (fault.html(), 200, 4000),
    "shows a page of a broken proxy": (fault.html(502), 200, 4000),
    "fails": (fault.http(500), 200, 4000),
    "fails with an envelope": (fault.code(3000, status=500), 200, 4000),
    "is too busy": (fault.code(2000, status=429), 200, 4000),
    "redirects to the cloud's metadata": (fault.redirect(METADATA), 200, 4000),
    "answers 10 MB": (fault.http(200, b'"' + b"x" * 10_000_000 + b'"'), 200, 4000),
    "answers a bomb": (
        fault.http(200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"),
        200,
        4000,
    ),
    "answers broken gzip": (fault.http(200, SUCCESS, Content_Encoding="gzip"), 200, 4000),
    "answers in an unknown encoding": (fault.http(200, SUCCESS, Content_Encoding="br"), 200, 4000),
    "refuses the hub": (fault.unauthorized(), 200, 4003),
    "forbids the hub": (fault.code(2000, status=403), 200, 4003),
    "knows no such path": (fault.http(404), 404, 2000),
    "knows no such location": (fault.code(2003, status=404), 404, 2003),
    "does not want it": (fault.code(2001, "no, thank you"), 200, 2001),
    "has a code of its own": (fault.code(2942), 200, 2942),
    "mixes up the ids": (
        fault.http(
            200,
            SUCCESS,
            X_Request_ID="other",
            X_Correlation_ID="other",
            OCPI_from_party_id="XXX",
            OCPI_to_country_code="DE",
        ),
        200,
        1000,
    ),
}
OWN_WORDS = {1000, 2001, 2003, 2942}  # of the partner; all other answers are the hub's


class Crowd:
    """Failing partners by what they do, and their platforms; each hosts one eMSP."""

    def __init__(self) -> None:
        self.members: dict[str, FakePartner] = {}
        self.platforms: dict[str, str] = {}

    async def join(self, hub: Hub, stack: AsyncExitStack, name: str, does: Fault | None) -> None:
        party = f"DE-F{len(self.members):02}"
        member = await stack.enter_async_context(fake_partner(EMSP=party))
        self.platforms[name] = await hub.connect(member)
        if does is None:
            await member.vanish()
        else:
            member.faults.add(does, fault.on(interface="locations.receiver"))
        self.members[name] = member

    def __getitem__(self, name: str) -> FakePartner:
        return self.members[name]


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url, delivery={"deadline_s": 1}) as running:
        yield running


@pytest.fixture
async def crowd(hub: Hub, emsp: FakePartner) -> AsyncIterator[Crowd]:
    """One of each kind, and one that is switched off."""
    found = Crowd()
    async with AsyncExitStack() as stack:
        for name, (does, _, _) in FAILS.items():
            await found.join(hub, stack, name, does)
        await found.join(hub, stack, "redirects to a neighbour", fault.redirect(emsp.server.url))
        await found.join(hub, stack, "is switched off", None)
        yield found


def asked_by_the_cpo(received: Received) -> bool:
    return received.headers.get("OCPI-from-party-id") == "CPO"


@pytest.mark.obligation(
    "STAT-009", "STAT-024", "STAT-025", "STAT-026", "STAT-027", "STAT-028", "STAT-029",
    "ROUT-009", "ROUT-010", "ROUT-011", "ROUT-024", "ROUT-115", "ROUT-213", "ROUT-221",
)  # fmt: skip
async def test_each_failure_has_its_answer_while_the_others_get_their_broadcasts(
    cpo: FakePartner, emsp: FakePartner, crowd: Crowd
) -> None:
    async def direct(name: str, member: FakePartner) -> tuple[str, Answer]:
        ids = {"X-Request-ID": f"request {name}", "X-Correlation-ID": f"journey {name}"}
        return name, await cpo.put(a_location(), to=member.party, headers=ids)

    asking = asyncio.gather(*(direct(name, member) for name, member in crowd.members.items()))
    for number in (1, 2):
        broadcast = await cpo.put(a_location(id=f"ALL{number}"))
        assert (broadcast.http, broadcast.code) == (201, 1000)
    await emsp.received("locations.receiver", "PUT", count=2)
    answers = dict(await asking)

    wanted = {name: (http, code) for name, (_, http, code) in FAILS.items()}
    wanted |= {"redirects to a neighbour": (200, 4000), "is switched off": (200, 4003)}
    assert {name: (answer.http, answer.code) for name, answer in answers.items()} == wanted
    for name, answer in answers.items():
        sender = crowd[name].party.party_id if answer.code in OWN_WORDS else "HUB"
        assert answer.headers["X-Request-ID"] == f"request {name}"
        assert answer.headers["X-Correlation-ID"] == f"journey {name}"
        assert answer.headers["OCPI-from-party-id"] == sender
        assert answer.headers["OCPI-to-party-id"] == "CPO"
        assert answer.json["timestamp"]
        asked = [each for each in crowd[name].record.of("locations") if asked_by_the_cpo(each)]
        assert len(asked) == (0 if name == "is switched off" else 1), name
    assert [each.segments[2] for each in emsp.record.of("locations")] == ["ALL1", "ALL2"]


@pytest.mark.obligation("ROUT-213", "ROUT-220", "ROUT-221", "HCI-027")
async def test_a_crowd_of_failing_receivers_delays_nobody_and_is_not_blamed_on_the_pusher(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, crowd: Crowd
) -> None:
    assert (await cpo.put(a_location())).code == 1000
    stamps = [f"2026-02-01T00:00:{second:02}Z" for second in range(20)]
    for stamp in stamps:
        changed = await cpo.patch(a_location(), {"name": stamp, "last_updated": stamp})
        assert (changed.http, changed.code) == (200, 1000)
        (*_, last) = await emsp.received(
            "locations.receiver", where=lambda got, wanted=stamp: got.json["last_updated"] == wanted
        )
        assert last.method == "PATCH"
    assert len(emsp.record.of("locations")) == 1 + len(stamps)

    switched_off = crowd.platforms.pop("is switched off")
    await eventually(lambda: has_status(hub, switched_off, "OFFLINE"))
    for platform in crowd.platforms.values():  # a fault of one interface is no lost connection
        assert await has_status(hub, platform, "CONNECTED")


async def has_status(hub: Hub, platform: str, status: str) -> bool:
    return await hub.status(platform) == status


@pytest.mark.obligation("ROUT-221")
async def test_requests_to_a_hanging_partner_do_not_hold_up_those_to_another(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-SLO") as slow:
        await hub.connect(slow)
        slow.faults.add(fault.hang(), fault.on(interface="locations.receiver"))
        waiting = [
            asyncio.ensure_future(cpo.put(a_location(id=f"S{number}"), to=slow.party))
            for number in range(100)
        ]
        await slow.received("locations.receiver")
        assert (await cpo.put(a_location(), to=emsp.party)).code == 1000
        codes = {(await each).code for each in waiting}
        assert codes <= {4002, 4003}
        assert 4002 in codes


async def test_a_partner_that_hung_is_served_again_as_soon_as_it_says_something(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    emsp.faults.add(fault.hang(), fault.on(interface="locations.receiver"))
    for _ in range(6):  # enough to open the breaker
        assert (await cpo.put(a_location(), to=emsp.party)).code in {4002, 4003}
    assert (await cpo.put(a_location(), to=emsp.party)).code == 4003
    emsp.faults.clear()
    emsp.record.clear()
    assert (await emsp.get("locations")).code == 1000
    assert (await cpo.put(a_location(), to=emsp.party)).code == 1000
    assert (await cpo.put(a_location(id="NEXT"))).code == 1000
    await emsp.received("locations.receiver", where=lambda got: got.segments[2] == "NEXT")


def envelope(code: int, data: bytes = b"") -> bytes:
    return b'{"status_code":%d,%s"timestamp":"2026-01-01T00:00:00Z"}' % (code, data)


JUDGED = {
    "no data": (envelope(1000), "delivered"),
    "null": (envelope(1000, b'"data":null,'), "delivered"),
    "an object": (envelope(1000, b'"data":{"x":1},'), "delivered"),
    "another success": (envelope(1001, b'"data":[],'), "delivered"),
    "a fault of the pusher": (envelope(2001), "given-up"),
    "a fault of the receiver": (envelope(3000, b'"data":"boom",'), "given-up"),
    "a fault of a hub": (envelope(4002), "given-up"),
}


@pytest.mark.obligation("TR-063", "TR-065", "STAT-011")
async def test_a_delivery_is_judged_by_its_status_code_alone(hub: Hub, cpo: FakePartner) -> None:
    async with AsyncExitStack() as stack:
        platforms = {}
        for number, (name, (said, _)) in enumerate(JUDGED.items()):
            member = await stack.enter_async_context(fake_partner(EMSP=f"DE-J{number:02}"))
            member.withdraw("hubclientinfo", InterfaceRole.RECEIVER)  # only Locations are counted
            member.answers("locations", InterfaceRole.RECEIVER, Reply(raw=said))
            platforms[name] = await hub.connect(member)
        assert (await cpo.put(a_location(), headers={"X-Correlation-ID": "judged"})).code == 1000

        async def counters() -> dict[str, dict[str, int]]:
            found = {}
            for name, platform in platforms.items():
                counted = (await hub.admin("GET", f"/platforms/{platform}"))["counters"]
                found[name] = {key: n for key, n in counted.items() if key != "pending"}
            return found

        async def all_counted() -> bool:
            return all((await counters()).values())

        await eventually(all_counted)
        assert await counters() == {name: {verdict: 1} for name, (_, verdict) in JUDGED.items()}

        async def told() -> list[int]:
            hops = (await hub.admin("GET", "/messages", correlation_id="judged"))["items"]
            return sorted(hop["code"] for hop in hops if hop["direction"] == "OUT")

        async def journalled() -> bool:
            return len(await told()) == len(JUDGED)

        await eventually(journalled)
        assert await told() == [1000, 1000, 1000, 1001, 2001, 3000, 4002]


@pytest.mark.obligation("ROUT-808")
async def test_a_failure_is_in_the_journal_with_both_its_hops(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    emsp.faults.add(fault.html(), fault.on(interface="locations.receiver"))
    journey = "journey-to-nowhere"
    await cpo.put(a_location(), to=emsp.party, headers={"X-Correlation-ID": journey})

    async def hops() -> dict[str, tuple[int, int | None]]:
        found = (await hub.admin("GET", "/messages", correlation_id=journey))["items"]
        return {hop["direction"]: (hop["http"], hop["code"]) for hop in found}

    async def journalled() -> bool:
        return len(await hops()) == 2

    await eventually(journalled)
    assert await hops() == {"OUT": (200, None), "IN": (200, 4000)}
