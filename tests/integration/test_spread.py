"""Spread from the number line to real receivers."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ocpi_hub.delivery.spread import Spread
from ocpi_hub.modules.line import ORIGIN, ObjectKey, Place
from ocpi_hub.modules.outgoing import Answered, Failed, Failure
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import PlatformId, Quirks
from tests.delivery_fakes import (
    AT,
    CPO,
    MSP,
    OK,
    OPEN,
    TABLES,
    FakeReceivers,
    FakeStore,
    ListLine,
    ScriptedClient,
    client_for,
    client_info,
    location,
    partner,
    platform_of,
    reply,
    until,
)

NSP = PartyRef("FR", "NV1")
PATH = "/receiver/locations/NL/CP1/"


class World:
    """A running spread and all around it."""

    def __init__(self, register, client, journal, cursors, *, lanes=2, probe=None):
        self.register, self.client, self.journal = register, client, journal
        self.line, self.store = ListLine(), FakeStore()
        self.receivers = FakeReceivers(cursors)
        self.probed = []
        self.spread = Spread(
            line=self.line,
            store=self.store,
            receivers=self.receivers,
            platforms=register,
            client=client,
            modules=TABLES,
            probe=probe or self.probe,
            settings=OPEN.model_copy(update={"spread_lanes": lanes}),
            metrics=Metrics(),
        )

    async def probe(self, platform):
        self.probed.append(platform)
        return True

    async def reached(self, platform, place):
        """Until a receiver's cursor is at a place."""
        await until(lambda: self.cursor(platform) >= place)

    def cursor(self, platform):
        found = self.spread._couriers.get(PlatformId(platform))
        return found[0].cursor if found else ORIGIN

    def status(self, platform, status):
        known = self.register.known[platform]
        self.register.known[platform] = replace(known, status=status)


@asynccontextmanager
async def world(*platforms, cursors=None, running=True, **how):
    async with client_for(*platforms) as (client, register, journal):
        held = cursors or {platform.id: ORIGIN for platform in platforms}
        made = World(register, client, journal, held, **how)
        runner = asyncio.ensure_future(made.spread.run()) if running else None
        try:
            yield made
        finally:
            await made.spread.close()
            if runner is not None:
                await runner


@asynccontextmanager
async def msp_world(*, quirks=None, **how):
    """One receiver `msp` and its world."""
    async with partner() as server:
        there = platform_of("msp", server.url, quirks=quirks)
        async with world(there, **how) as made:
            yield made, server


@pytest.mark.obligation("ROUT-201", "ROUT-203", "ROUT-204", "ROUT-023", "TR-070", "TR-074")
async def test_a_push_reaches_every_receiver_once():
    async with partner() as one, partner() as two, partner() as three:
        platforms = (
            platform_of("msp", one.url),
            platform_of("nsp", two.url, (NSP, Role.NSP)),
            platform_of("cpo2", three.url, (PartyRef("BE", "CP2"), Role.CPO)),
        )
        async with world(*platforms) as made:
            put = made.line.put(location("LOC1", correlation_id="corr"))
            await one.wait(1)
            await two.wait(1)
            await made.reached("cpo2", put.place)
        assert one.what == two.what == [("PUT", PATH + "LOC1")]
        assert three.what == []
        seen = [one.got[0], two.got[0]]
    assert [got.body for got in seen] == [put.message.body] * 2
    assert {got.headers["X-Correlation-ID"] for got in seen} == {"corr"}
    ids = {got.headers["X-Request-ID"] for got in seen}
    assert len(ids) == 2
    assert all(len(one_id) == 36 for one_id in ids)
    assert [got.headers["OCPI-to-party-id"] for got in seen] == ["EM1", "NV1"]
    assert {got.headers["OCPI-from-party-id"] for got in seen} == {"HUB"}


@pytest.mark.obligation("ROUT-220")
async def test_changes_of_one_location_arrive_in_order_and_never_overlap():
    async with msp_world(running=False, lanes=8) as (made, server):
        open_now, worst = Counter(), Counter()

        async def slow(got):
            name = got.path.removeprefix(PATH).split("/")[0]
            open_now[name] += 1
            worst[name] = max(worst[name], open_now[name])
            await asyncio.sleep(0.001 * (len(server.got) % 5))
            open_now[name] -= 1
            return reply()

        server.answer = slow
        for name in "ABCDEFGH":
            made.line.put(location(name))
        for number in range(20):
            for name in "ABCDEFGH":
                last = made.line.put(location(name, method="PATCH", evse=f"E{number}"))
        runner = asyncio.ensure_future(made.spread.run())
        await made.reached("msp", last.place)
        for name in "ABCDEFGH":
            mine = [what for what in server.what if what[1].startswith(PATH + name)]
            assert mine == [("PUT", PATH + name)] + [
                ("PATCH", f"{PATH}{name}/E{number}") for number in range(20)
            ]
        assert set(worst.values()) == {1}
        await made.spread.close()
        await runner


async def test_lanes_bound_what_is_in_flight_to_one_receiver():
    async with msp_world(running=False, lanes=3) as (made, server):
        now, worst = 0, 0

        async def slow(_):
            nonlocal now, worst
            now += 1
            worst = max(worst, now)
            await asyncio.sleep(0.002)
            now -= 1
            return reply()

        server.answer = slow
        for number in range(60):
            last = made.line.put(location(f"L{number}"))
        runner = asyncio.ensure_future(made.spread.run())
        await made.reached("msp", last.place)
        assert worst == 3
        await made.spread.close()
        await runner


@pytest.mark.obligation("ROUT-221", "ROUT-213", "ROUT-214")
async def test_a_receiver_that_hangs_and_one_that_fails_hurt_nobody():
    free = asyncio.Event()
    async with partner() as slow, partner() as bad, partner() as good:

        async def hang(_):
            await free.wait()
            return reply()

        slow.answer = hang
        bad.answer = lambda _: reply(b"<html>", 500)
        async with world(
            platform_of("slow", slow.url),
            platform_of("bad", bad.url, (NSP, Role.NSP)),
            platform_of("good", good.url, (PartyRef("DE", "EM3"), Role.EMSP)),
        ) as made:
            for number in range(300):
                last = made.line.put(location(f"L{number}"))
            await good.wait(300)
            await bad.wait(300)
            assert len(slow.got) <= 2
            await made.reached("good", last.place)
            await made.reached("bad", last.place)
            bad_status = made.spread.status(PlatformId("bad"))
            await until(lambda: made.spread.status(PlatformId("slow")).pending == 300)
            slow_status = made.spread.status(PlatformId("slow"))
            assert bad_status.counts == {"given-up": 300}
            assert (bad_status.pending, bad_status.lag_s) == (0, 0.0)
            assert slow_status.lag_s > 0
            assert made.spread.status(PlatformId("unknown")) is None
            free.set()


@pytest.mark.obligation("ROUT-219", "ROUT-227", "TR-090", "HCI-016")
@pytest.mark.parametrize(
    "status", [ConnectionStatus.OFFLINE, ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED]
)
async def test_a_receiver_that_is_not_connected_gets_nothing_now_or_later(status):
    async with msp_world() as (made, server):
        made.status("msp", status)
        made.line.put(location("OLD"))
        missed = made.line.put(client_info(CPO, "cpo"))
        await made.reached("msp", missed.place)
        made.status("msp", ConnectionStatus.CONNECTED)
        new = made.line.put(location("NEW"))
        await made.reached("msp", new.place)
        assert server.what == [("PUT", PATH + "NEW")]


async def test_a_receiver_that_catches_up_gets_the_latest_state_of_what_it_missed():
    async with msp_world(quirks=Quirks(catch_up=True)) as (made, server):
        before = made.line.put(location("A"))
        await made.reached("msp", before.place)
        made.status("msp", ConnectionStatus.OFFLINE)
        made.line.put(location("A", method="PATCH", body=b'{"n":1}', state=b'{"s":1}'))
        made.line.put(location("A", method="PATCH", body=b'{"n":2}', state=b'{"s":2}'))
        last = made.line.put(location("B", method="PATCH", body=b'{"n":3}', state=b'{"s":3}'))
        await asyncio.sleep(0.1)
        assert made.cursor("msp") == before.place
        made.status("msp", ConnectionStatus.CONNECTED)
        await made.reached("msp", last.place)
        assert [(got.method, got.body) for got in server.got[1:]] == [
            ("PUT", b'{"s":2}'),
            ("PATCH", b'{"n":3}'),
        ]


@pytest.mark.obligation("TR-041")
async def test_a_patch_of_something_missing_becomes_a_get_and_a_put_of_the_whole():
    whole = b'{"id":"LOC1","evses":[]}'
    async with msp_world() as (made, server):
        server.answer = lambda got: (
            reply() if got.method == "PUT" else reply(message.envelope(AT, code=2003), 404)
        )
        made.store.objects[ObjectKey("locations", "NL", "CP1", "LOC1")] = whole
        part = made.line.put(location("LOC1", method="PATCH", evse="E1", body=b'{"status":"A"}'))
        await made.reached("msp", part.place)
        first = made.line.put(location("LOC2", method="PATCH", body=b'{"n":1}', state=b'{"s":1}'))
        await made.reached("msp", first.place)
        assert server.what == [
            ("PATCH", PATH + "LOC1/E1"),
            ("GET", PATH + "LOC1/E1"),
            ("PUT", PATH + "LOC1"),
            ("PATCH", PATH + "LOC2"),
            ("GET", PATH + "LOC2"),
            ("PUT", PATH + "LOC2"),
        ]
        assert (server.got[2].body, server.got[5].body) == (whole, b'{"s":1}')
        assert len({got.headers["X-Request-ID"] for got in server.got}) == 6
        assert "Content-Type" not in server.got[1].headers
        assert server.got[2].headers["Content-Type"] == "application/json"
        assert made.spread.status(PlatformId("msp")).counts == {"repair": 2}


@pytest.mark.obligation("ROUT-220")
async def test_what_was_in_hand_of_a_location_does_not_follow_its_repair():
    async with msp_world(running=False) as (made, server):
        server.answer = lambda got: (
            reply() if got.method == "PUT" else reply(message.envelope(AT, code=2003), 404)
        )
        made.store.objects[ObjectKey("locations", "NL", "CP1", "LOC1")] = b'{"id":"LOC1","n":9}'
        runner = asyncio.ensure_future(made.spread.run())
        made.line.put(location("LOC1", method="PATCH", evse="E1", body=b'{"status":"A"}'))
        older = made.line.put(location("LOC1"))
        await made.reached("msp", older.place)
        assert [got.body for got in server.got if got.method == "PUT"] == [b'{"id":"LOC1","n":9}']
        await made.spread.close()
        await runner


async def test_a_location_that_was_withdrawn_meanwhile_repairs_nothing():
    async with msp_world() as (made, server):
        server.answer = lambda _: reply(message.envelope(AT, code=2003), 404)
        key = ObjectKey("locations", "NL", "CP1", "LOC1")
        made.store.objects[key] = b'{"id":"LOC1","publish":false}'
        part = made.line.put(location("LOC1", method="PATCH", evse="E1", body=b'{"status":"A"}'))
        await made.reached("msp", part.place)
        assert [got.method for got in server.got] == ["PATCH", "GET"]


@pytest.mark.parametrize(
    ("theirs", "then"),
    [("2026-11-01T11:00:00Z", ["PATCH", "GET", "PUT"]), ("2026-11-01T12:00:00Z", ["PATCH", "GET"])],
    ids=["stale", "current"],
)
async def test_a_patch_that_failed_is_made_good_only_where_the_receiver_is_behind(theirs, then):
    data = json.dumps({"id": "LOC1", "last_updated": theirs}).encode()
    answers = {
        "PATCH": lambda: reply(message.envelope(AT, code=3000)),
        "GET": lambda: reply(message.envelope(AT, data=data)),
        "PUT": reply,
    }
    async with msp_world() as (made, server):
        server.answer = lambda got: answers[got.method]()
        made.line.put(location("LOC1", method="PATCH", body=b"{}"))
        await made.reached("msp", Place(1, 1))
        assert [got.method for got in server.got] == then


async def one_change(client, probe=True, change=None):
    """What a scripted client was asked for one change."""
    there = platform_of("msp", "http://msp.example")

    async def answer(platform):
        if not probe:
            made.status(platform, ConnectionStatus.OFFLINE)
        return probe

    async with client_for(there) as (_, register, journal):
        made = World(register, client, journal, {there.id: ORIGIN}, probe=answer)
        runner = asyncio.ensure_future(made.spread.run())
        put = made.line.put(change or location("LOC1"))
        await made.reached("msp", put.place)
        status = made.spread.status(there.id)
        await made.spread.close()
        await runner
    return client.calls, status


async def test_what_was_not_handed_over_is_tried_once_more_when_the_partner_lives():
    outcomes = [Failed(Failure.NOT_CONNECTED, ""), Answered(200, {}, OK)]
    calls, status = await one_change(ScriptedClient(lambda _: outcomes.pop(0)))
    assert [call.method for call in calls] == ["PUT", "PUT"]
    assert calls[0].headers["X-Request-ID"] != calls[1].headers["X-Request-ID"]
    assert calls[0].headers["X-Correlation-ID"] == calls[1].headers["X-Correlation-ID"]
    assert status.counts == {"delivered": 1}


@pytest.mark.obligation("TR-090")
async def test_a_partner_that_does_not_live_is_not_tried_again():
    calls, status = await one_change(
        ScriptedClient(lambda _: Failed(Failure.NOT_CONNECTED, "")), probe=False
    )
    assert len(calls) == 1
    assert status.counts == {}


@pytest.mark.obligation("TR-090")
async def test_two_attempts_are_the_most():
    calls, status = await one_change(ScriptedClient(lambda _: Failed(Failure.TIMEOUT, "")))
    assert len(calls) == 2
    assert status.counts == {"given-up": 1}


async def test_a_patch_without_an_answer_is_looked_after_and_not_repeated():
    calls, _ = await one_change(
        ScriptedClient(lambda _: Failed(Failure.TIMEOUT, "")),
        change=location("LOC1", method="PATCH"),
    )
    assert [call.method for call in calls] == ["PATCH", "GET"]


async def test_a_receiver_that_goes_away_in_the_middle_keeps_its_place_when_it_catches_up():
    async with msp_world(running=False, quirks=Quirks(catch_up=True), lanes=1) as (made, server):

        def answer(got):
            if got.path.endswith("L2"):
                made.status("msp", ConnectionStatus.OFFLINE)
            return reply()

        server.answer = answer
        for number in range(5):
            last = made.line.put(location(f"L{number}"))
        runner = asyncio.ensure_future(made.spread.run())
        await server.wait(3)
        await made.reached("msp", Place(1, 3))
        await asyncio.sleep(0.1)
        assert made.cursor("msp") == Place(1, 3)
        made.status("msp", ConnectionStatus.CONNECTED)
        await made.reached("msp", last.place)
        assert server.what == [("PUT", f"{PATH}L{number}") for number in range(5)]
        await made.spread.close()
        await runner


@pytest.mark.obligation("HCI-010", "HCI-011", "HCI-012", "HCI-013", "HCI-014", "HCI-015")
async def test_client_info_goes_once_to_every_other_platform():
    async with partner() as one, partner() as two:
        async with world(
            platform_of("msp", one.url, (MSP, Role.EMSP), (NSP, Role.NSP)),
            platform_of("cpo", two.url, (CPO, Role.CPO)),
        ) as made:
            put = made.line.put(client_info(CPO, "cpo", "SUSPENDED"))
            await made.reached("msp", put.place)
            await made.reached("cpo", put.place)
        assert two.what == []
        (got,) = one.got
    assert got.what == ("PUT", "/receiver/hubclientinfo/NL/CP1")
    assert json.loads(got.body)["status"] == "SUSPENDED"
    assert [name for name in got.headers if name.lower().startswith("ocpi-")] == []


async def test_after_a_restart_delivery_goes_on_behind_the_saved_cursor():
    async with partner() as server:
        there = platform_of("msp", server.url)
        async with world(there) as made:
            made.line.put(location("A"))
            await server.wait(1)
            await made.reached("msp", Place(1, 1))
            line, saved = made.line, made.receivers
        assert saved.cursors == {there.id: Place(1, 1)}
        assert saved.released
        line.put(location("B"))
        async with world(there, cursors=saved.cursors, running=False) as again:
            again.line.changes, again.line.number = line.changes, line.number
            runner = asyncio.ensure_future(again.spread.run())
            await again.reached("msp", Place(1, 2))
            await again.spread.close()
            await runner
        assert server.what == [("PUT", PATH + "A"), ("PUT", PATH + "B")]


@pytest.mark.obligation("ROUT-220")
async def test_what_the_one_before_may_have_told_is_told_as_it_is_now():
    async with partner() as server:
        there = platform_of("msp", server.url)
        async with world(there, cursors={there.id: Place(1, 1)}, running=False) as made:
            for name in "ABC":
                made.line.put(location(name))
            runner = asyncio.ensure_future(made.spread.run())
            await made.reached("msp", Place(1, 3))
            assert made.line.anew_from == [Place(1, 1)]
            made.line.put(location("D"))
            await made.reached("msp", Place(1, 4))
            assert made.line.anew_from == [Place(1, 1)]
            await made.spread.close()
            await runner
        assert server.what == [("PUT", PATH + "B"), ("PUT", PATH + "C"), ("PUT", PATH + "D")]


async def test_closing_finishes_what_is_in_hand_and_begins_nothing_else():
    free = asyncio.Event()
    async with msp_world(lanes=1) as (made, server):

        async def slow(_):
            await free.wait()
            return reply()

        server.answer = slow
        for number in range(10):
            made.line.put(location(f"L{number}"))
        await server.wait(1)
        closing = asyncio.ensure_future(made.spread.close())
        await asyncio.sleep(0.05)
        free.set()
        await closing
        assert server.what == [("PUT", PATH + "L0")]
        assert made.receivers.cursors == {"msp": Place(1, 1)}


async def test_closing_does_not_wait_for_a_partner_that_hangs_and_tells_it_again_later(monkeypatch):
    monkeypatch.setattr("ocpi_hub.delivery.spread.GRACE_S", 0.05)
    forever = asyncio.Event()
    async with msp_world() as (made, server):

        async def hang(_):
            await forever.wait()
            return reply()

        server.answer = hang
        made.line.put(location("L1"))
        await server.wait(1)
        await made.spread.close()
        assert made.receivers.cursors == {"msp": ORIGIN}
        line, register = made.line, made.register
        server.answer = lambda _: reply()
        async with world(*register.known.values(), running=False) as again:
            again.line.changes, again.line.number = line.changes, line.number
            runner = asyncio.ensure_future(again.spread.run())
            await again.reached("msp", Place(1, 1))
            await again.spread.close()
            await runner
        assert server.what == [("PUT", PATH + "L1")] * 2


async def test_closing_probes_nobody():
    failing, free, probed = asyncio.Event(), asyncio.Event(), []

    class Client:
        async def call(self, _):
            failing.set()
            await free.wait()
            return Failed(Failure.NOT_CONNECTED, "")

    async def probe(platform):
        probed.append(platform)
        return True

    there = platform_of("msp", "http://msp.example")
    async with client_for(there) as (_, register, journal):
        made = World(register, Client(), journal, {there.id: ORIGIN}, probe=probe)
        runner = asyncio.ensure_future(made.spread.run())
        made.line.put(location("LOC1"))
        await failing.wait()
        closing = asyncio.ensure_future(made.spread.close())
        await asyncio.sleep(0)
        free.set()
        await closing
        await runner
    assert probed == []
    assert made.receivers.cursors == {there.id: ORIGIN}


@pytest.mark.parametrize("fault", [OSError("database gone"), None], ids=["gone", "silent"])
async def test_closing_ends_without_a_database_too(monkeypatch, fault):
    monkeypatch.setattr("ocpi_hub.delivery.spread.LAST_S", 0.05)
    async with msp_world() as (made, server):
        put = made.line.put(location("L1"))
        await made.reached("msp", put.place)

        async def save(_):
            if fault:
                raise fault
            await asyncio.Event().wait()

        made.receivers.save = save
        made.line.put(location("L2"))
        await server.wait(2)
        await made.spread.close()


async def test_what_goes_to_another_process_goes_on_where_it_is(monkeypatch):
    monkeypatch.setattr("ocpi_hub.delivery.spread.SAVE_S", 3600)
    async with msp_world() as (made, _):
        put = made.line.put(location("L1"))
        await made.reached("msp", put.place)
        claim, given = made.receivers.claim, asyncio.Event()

        async def let_go():
            made.receivers.taken.add(PlatformId("msp"))
            given.set()
            return await claim()

        made.receivers.claim = let_go
        made.spread._newcomers.set()
        await given.wait()
        await until(lambda: not made.spread.held())
        assert made.receivers.cursors == {"msp": put.place}


async def test_a_receiver_that_another_process_takes_over_is_left_at_once():
    async with msp_world(running=False) as (made, server):
        forever = asyncio.Event()

        async def hang(_):
            await forever.wait()
            return reply()

        server.answer = hang
        for number in range(5):
            made.line.put(location(f"L{number}"))
        runner = asyncio.ensure_future(made.spread.run())
        await server.wait(2)
        assert set(made.spread.held()) == {"msp"}
        made.receivers.taken.add(PlatformId("msp"))
        await made.spread.claim()
        assert set(made.spread.held()) == set()
        made.line.put(location("NEW"))
        forever.set()
        await asyncio.sleep(0.1)
        assert len(server.got) == 2
        made.receivers.taken.clear()
        server.answer = lambda _: reply()
        await made.spread.claim()
        await made.reached("msp", Place(1, 6))
        assert sorted(server.what[2:]) == sorted(
            [("PUT", f"{PATH}L{number}") for number in range(5)] + [("PUT", PATH + "NEW")]
        )
        await made.spread.close()
        await runner


async def test_a_platform_that_registers_is_served_without_waiting_for_the_next_turn(monkeypatch):
    monkeypatch.setattr("ocpi_hub.delivery.spread.CLAIM_S", 3600)
    async with partner() as server, msp_world() as (made, first):
        made.line.put(location("L1"))
        await first.wait(1)
        made.receivers.cursors[PlatformId("new")] = Place(1, 1)
        made.register.known[PlatformId("new")] = platform_of("new", server.url)
        made.line.put(location("L2"))
        await server.wait(1)
        assert server.what == [("PUT", PATH + "L2")]


async def test_a_receiver_that_is_claimed_during_a_save_is_saved_the_next_time():
    async with msp_world(running=False) as (made, _):
        put = made.line.put(location("L1"))
        runner = asyncio.ensure_future(made.spread.run())
        await made.reached("msp", put.place)
        keep, new = made.receivers.save, PlatformId("new")

        async def save(cursors):
            made.receivers.cursors.setdefault(new, ORIGIN)
            await made.spread.claim()
            await keep(cursors)

        made.receivers.save = save
        await made.spread.save()
        await made.reached("new", put.place)
        await made.spread.save()
        assert made.receivers.cursors[new] == put.place
        await made.spread.close()
        await runner


async def test_a_fault_of_the_line_is_survived():
    async with msp_world(running=False) as (made, server):
        real, faults = made.line.after, [OSError("database gone")]

        async def after(cursor, limit):
            if faults:
                raise faults.pop()
            return await real(cursor, limit)

        made.line.after = after
        runner = asyncio.ensure_future(made.spread.run())
        made.line.put(location("A"))
        await server.wait(1)
        await made.spread.close()
        await runner


async def test_the_lag_is_seen_in_the_metrics_and_goes_back_to_zero():
    free = asyncio.Event()
    async with msp_world() as (made, server):

        async def slow(_):
            await free.wait()
            return reply()

        server.answer = slow
        made.line.put(location("A"))
        await server.wait(1)
        await until(lambda: made.spread.status(PlatformId("msp")).lag_s > 0)
        assert made.spread.status(PlatformId("msp")).pending == 1
        free.set()
        await made.reached("msp", Place(1, 1))
        await made.spread.save()
        assert made.spread.status(PlatformId("msp")).lag_s == 0
        text = made.spread._metrics.exposition().decode()
        assert 'ocpi_hub_lag_seconds{platform="msp"} 0.0' in text
        assert 'ocpi_hub_deliveries_total{outcome="delivered"} 1.0' in text


@pytest.mark.obligation("LOC-075")
async def test_who_could_see_a_location_is_told_once_that_it_is_not_published_any_more():
    turned, body = Place(1, 2), b'{"publish":false}'
    withdrawn = {"public": False, "turned": turned, "state": b'{"id":"LOC1","publish":false}'}
    async with partner() as one, partner() as two:
        platforms = platform_of("msp", one.url), platform_of("nsp", two.url, (NSP, Role.NSP))
        async with world(*platforms) as made:
            for change in (
                location("LOC1"),
                location("LOC1", method="PATCH", body=body, **withdrawn),
                location("LOC1", **withdrawn),
                location("LOC1", evse="E1", method="PATCH", body=b"{}", public=False),
                location("LOC2", public=False),
            ):
                placed = made.line.put(change)
                await made.reached("msp", placed.place)
                await made.reached("nsp", placed.place)
    told = [("PUT", PATH + "LOC1"), ("PATCH", PATH + "LOC1")]
    assert two.what == told
    rest = [("PUT", PATH + "LOC1"), ("PATCH", PATH + "LOC1/E1"), ("PUT", PATH + "LOC2")]
    assert one.what == [*told, *rest]


async def test_who_came_after_a_location_was_withdrawn_hears_nothing_of_it():
    change = location("LOC1", public=False, turned=Place(1, 1))
    async with partner() as server:
        nsp = platform_of("nsp", server.url, (NSP, Role.NSP))
        async with world(nsp, cursors={nsp.id: Place(1, 1)}) as made:
            made.line.number = 1
            await made.reached("nsp", made.line.put(change).place)
    assert server.what == []


async def test_who_never_had_a_withdrawn_location_is_not_given_it():
    state = b'{"id":"LOC1","publish":false}'
    change = location("LOC1", method="PATCH", body=b"{}", state=state, public=False)
    async with partner() as server:
        server.answer = lambda _: reply(message.envelope(AT, code=2003), 404)
        async with world(platform_of("nsp", server.url, (NSP, Role.NSP))) as made:
            await made.reached("nsp", made.line.put(replace(change, turned=Place(1, 1))).place)
    assert [got.method for got in server.got] == ["PATCH", "GET"]


async def test_an_evse_that_its_location_lists_no_more_is_not_put_back():
    async with msp_world() as (made, server):
        held = made.line.put(location("LOC1", evse="E1"))
        await made.reached("msp", held.place)
        several = location("LOC1", evse="E1", method="PATCH", body=b'{"a":1}', listed=False)
        made.line.put(several)
        await made.reached("msp", made.line.put(replace(several, previous=Place(9, 9))).place)
    assert {got.method for got in server.got[1:]} == {"PATCH"}
