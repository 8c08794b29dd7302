"""The number line on PostgreSQL: nothing is skipped, everything comes in order."""

import asyncio
import json
from contextlib import aclosing

import pytest

from ocpi_hub.modules.line import ORIGIN, Message, ObjectKey, Place
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.line import PostgresLine, _read, settle
from ocpi_hub.storage.objects import PostgresStore

CP1 = PartyRef("NL", "CP1")
T1, T2, T3 = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))
_WRITE = """
    update evse set x = pg_current_xact_id()::text::bigint, seq = nextval('line_seq'),
        prev_x = x, prev_seq = seq, own = true
    where uid = $1 returning x, seq
"""


def location(location_id, *uids, at=T1, publish=True):
    connector = {"id": "1", "last_updated": at}
    evses = [
        {"uid": uid, "status": "AVAILABLE", "connectors": [connector], "last_updated": at}
        for uid in uids
    ]
    return {"id": location_id, "publish": publish, "evses": evses, "last_updated": at}


def push(method, path, body, owner=CP1, origin="cpo"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = moment(stamp(json.loads(raw)["last_updated"]))
    return Push(
        "locations", owner, tuple(path.split("/")), Message(method, path, raw), at, origin, "c-1"
    )


@pytest.fixture
async def line(database):
    opened = PostgresLine(database)
    yield opened
    await opened.close()


@pytest.fixture
async def store(database, line):
    opened = PostgresStore(database, line)
    yield opened
    await opened.close()


@pytest.fixture
async def stocked(store):
    """Location L1 with EVSEs A and B."""
    await store.push(push("PUT", "L1", location("L1", "A", "B")))
    return store


def names(changes):
    return [change.key.part or change.key.id for change in changes]


async def test_a_lower_number_that_commits_later_is_not_skipped(database, line, stocked):
    start = await line.head()
    async with database.acquire() as slow, database.acquire() as fast:
        slow_transaction = slow.transaction()
        await slow_transaction.start()
        slow_place = Place(*await slow.fetchrow(_WRITE, "A"))
        fast_place = Place(*await fast.fetchrow(_WRITE, "B"))
        assert slow_place < fast_place
        assert await _read(database, start, 10) == ([], True)
        assert await line.head() == start
        await slow_transaction.commit()
    changes = await line.after(start, 10)
    assert [change.place for change in changes] == [slow_place, fast_place]
    assert await line.head() == fast_place


async def test_a_lower_number_with_a_higher_transaction_comes_after_it(database, line, stocked):
    start = await line.head()
    async with database.acquire() as first, database.acquire() as second:
        first_transaction = first.transaction()
        await first_transaction.start()
        await first.fetchval("select pg_current_xact_id()")
        await second.fetchrow(_WRITE, "B")
        assert await _read(database, start, 10) == ([], True)
        await first.fetchrow(_WRITE, "A")
        await first_transaction.commit()
    assert names(await line.after(start, 10)) == ["A", "B"]


async def test_an_aborted_writer_hides_nothing_for_long(database, line, stocked):
    start = await line.head()
    async with database.acquire() as failing:
        transaction = failing.transaction()
        await transaction.start()
        await failing.fetchrow(_WRITE, "A")
        await stocked.push(push("PATCH", "L1/B", {"status": "BLOCKED", "last_updated": T2}))
        assert await _read(database, start, 10) == ([], True)
        await transaction.rollback()
    assert names(await line.after(start, 10)) == ["B"]


async def test_an_object_occurs_once_at_its_latest_place(line, stocked):
    for status in ("CHARGING", "AVAILABLE", "CHARGING"):
        await stocked.push(push("PATCH", "L1/A", {"status": status, "last_updated": T2}))
    changes = await line.after(ORIGIN, 10)
    assert names(changes) == ["L1", "A"]
    assert json.loads(changes[1].state)["status"] == "CHARGING"
    assert changes[1].place == await line.head()


@pytest.mark.obligation("ROUT-220")
async def test_one_change_goes_out_as_it_came_and_several_as_the_latest_state(line, stocked):
    start = await line.head()
    first = b'{ "status" : "CHARGING", "last_updated":"2026-01-02T00:00:00" , "note":null}'
    await stocked.push(push("PATCH", "l1/a", first))
    (change,) = await line.after(start, 10)
    assert change.outgoing(start) == Message("PATCH", "l1/a", first)
    await stocked.push(push("PATCH", "L1/A/1", {"max_voltage": 400, "last_updated": T3}))
    (change,) = await line.after(start, 10)
    outgoing = change.outgoing(start)
    assert (outgoing.method, outgoing.path) == ("PUT", "L1/A")
    assert json.loads(outgoing.body)["connectors"][0]["max_voltage"] == 400
    assert change.outgoing(change.previous).path == "L1/A/1"


async def test_two_changes_in_one_batch_go_out_as_the_latest_state(line, stocked):
    start = await line.head()
    blocker = asyncio.gather(
        *(stocked.push(push("PUT", f"X{n}", location(f"X{n}"))) for n in range(2)),
        *(
            stocked.push(push("PATCH", "L1/A", {"status": status, "last_updated": T2}))
            for status in ("BLOCKED", "CHARGING")
        ),
    )
    await blocker
    change = next(c for c in await line.after(start, 10) if c.key.part == "A")
    assert change.outgoing(start).method == "PUT"
    assert json.loads(change.outgoing(start).body)["status"] == "CHARGING"


async def test_a_location_put_goes_out_byte_for_byte(line, store):
    body = b'{ "id":"L%201","publish" : false,\n"evses":[ ], "last_updated":"2026-01-01T00:00:00"}'
    await store.push(
        Push(
            "locations",
            PartyRef("nl", "cp1"),
            ("L 1",),
            Message("PUT", "L%201", body),
            moment(stamp(T1)),
            "cpo",
            "c-9",
        )
    )
    (change,) = await line.after(ORIGIN, 10)
    assert change.outgoing(ORIGIN) == Message("PUT", "L%201", body)
    assert change.key == ObjectKey("locations", "NL", "CP1", "L 1")
    assert (change.owner.country_code, change.owner.party_id) == ("nl", "cp1")
    assert change.state_path == "L%201"
    assert not change.public
    assert (change.origin, change.correlation_id) == ("cpo", "c-9")


async def test_evses_that_come_with_their_location_are_no_changes_of_their_own(line, stocked):
    assert names(await line.after(ORIGIN, 10)) == ["L1"]
    await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    await stocked.push(push("PUT", "L1", location("L1", "A", "B", at=T3)))
    assert names(await line.after(ORIGIN, 10)) == ["L1"]


async def test_evses_of_an_unpublished_location_are_not_public(line, store):
    await store.push(push("PUT", "L1", location("L1", "A", publish=False)))
    await store.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    assert [change.public for change in await line.after(ORIGIN, 10)] == [False, False]


async def test_connection_states_stand_on_the_same_line(database, line, stocked):
    await database.execute("insert into platform (id, name) values ('p1', 'Voltwerk')")
    await database.execute(
        "insert into hosted_role (platform, country_code, party_id, role, name,"
        " business_details, last_updated)"
        " values ('p1', 'de', 'vwk', 'CPO', 'Voltwerk', '{}', now())"
    )
    await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    _, client, evse = await line.after(ORIGIN, 10)
    assert client.key == ObjectKey("hubclientinfo", "DE", "VWK", "", "CPO")
    assert client.outgoing(ORIGIN) == Message("PUT", "de/vwk", client.state)
    info = json.loads(client.state)
    assert info.pop("last_updated").endswith("Z")
    assert info == {"country_code": "de", "party_id": "vwk", "role": "CPO", "status": "PLANNED"}
    assert client.origin == "p1"
    assert evse.key.part == "A"


def states(changes):
    return [(change.place, change.key, change.state) for change in changes]


async def test_the_reader_in_memory_says_what_the_tables_say(line, stocked):
    await line.start()
    start = await line.head()
    async with aclosing(line.wakes()) as wakes:
        for n in range(5):
            await stocked.push(
                push("PATCH", f"L1/{'AB'[n % 2]}", {"status": f"S{n}", "last_updated": T2})
            )
        async with asyncio.timeout(10):
            while (
                len(await line.after(start, 10)) < 2
                or (await line.after(start, 10))[-1].place < await line.head()
            ):
                await anext(wakes)
    remembered = await line.after(start, 10)
    read, more = await _read(line._database, start, 10)
    assert states(remembered) == states(read)
    assert not more
    assert states(await line.after(start, 1)) == states(read[:1])
    assert await line.after(read[-1].place, 10) == []


async def test_who_reads_anew_gets_each_location_with_its_evses_as_they_are_now(
    line, stocked, until
):
    await line.start()
    start, seen = await line.head(), []
    line.on_change(seen.extend)
    await stocked.push(push("PUT", "L1", location("L1", "A", at=T2)))
    await until(lambda: names(seen) == ["L1"])
    await stocked.push(push("PATCH", "L1/A", {"status": "BLOCKED", "last_updated": T3}))
    await until(lambda: names(seen) == ["L1", "A"])
    remembered, now = await line.after(start, 10), await line.anew(start, 10)
    assert names(remembered) == names(now) == ["L1", "A"]
    assert b"BLOCKED" not in remembered[0].state
    assert b"BLOCKED" in now[0].state


async def test_a_reader_that_is_far_behind_reads_the_tables(line, stocked):
    await line.start()
    assert names(await line.after(ORIGIN, 10)) == ["L1"]


async def test_a_reader_that_fell_behind_the_memory_gets_states(database, line, stocked):
    await line.start()
    start = await line.head()
    floor = {"floor_level": "1", "last_updated": T2}
    async with aclosing(line.wakes()) as wakes, asyncio.timeout(10):
        async with database.acquire() as first, database.transaction() as second:
            older = first.transaction()
            await older.start()
            await first.fetchval("select pg_current_xact_id()")
            await stocked.push(push("PATCH", "L1/A", floor))
            await stocked.push(push("PATCH", "L1/B", floor))
            await second.fetchval("select pg_current_xact_id()")
            await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T3}))
            await older.rollback()
            while not (seen := await line.after(start, 10)):
                await anext(wakes)
            assert names(seen) == ["B"]  # A moved on to where it may not be seen yet
        while line._ring.head < await line.head():
            await anext(wakes)
    line._ring.start = line._ring.head  # as if much had come since
    (change,) = await line.after(seen[-1].place, 10)
    assert change.key.part == "A"
    assert change.outgoing(seen[-1].place).method == "PUT"


async def test_a_reader_that_comes_from_the_tables_is_not_up_to_date_before_it_is(
    database, line, stocked
):
    await line.start()
    reached = ORIGIN
    for uid in "AB":
        await stocked.push(push("PATCH", f"L1/{uid}", {"floor_level": "1", "last_updated": T2}))
    async with aclosing(line.wakes()) as wakes, asyncio.timeout(10):
        while line._ring.whole < await line.head():
            await anext(wakes)
        async with database.transaction() as older:
            await older.fetchval("select pg_current_xact_id()")
            await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T3}))
            changes = await line.after(reached, 10)
            assert names(changes) == ["L1", "B"]
            reached = changes[-1].place
            assert await line.after(reached, 10) is None
        while not (changes := await line.after(reached, 10)):
            await anext(wakes)
    assert names(changes) == ["A"]
    assert changes[0].outgoing(ORIGIN).method == "PUT"  # the reader has not seen the floor


async def test_waiting_readers_are_woken_by_another_process(database, line, stocked):
    await line.start()
    start = await line.head()
    async with aclosing(line.wakes()) as wakes, asyncio.timeout(10):
        async with database.transaction() as other:
            await other.fetchrow(_WRITE, "A")
            await other.execute("notify line")
        while not await line.after(start, 10):
            await anext(wakes)
    assert names(await line.after(start, 10)) == ["A"]


async def test_after_a_restore_the_line_goes_on_in_the_same_order(database, line, stocked):
    await stocked.push(push("PUT", "L2", location("L2")))
    await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    await database.execute("insert into platform (id, name) values ('p1', 'one'), ('p2', 'two')")
    places = [change.place for change in await line.after(ORIGIN, 10)]
    await database.execute("update location set x = x + 1000000000")
    await database.execute("update evse set x = x + 1000000000")
    await database.execute(
        "insert into receiver (platform, x, seq) values ('p1', $1 + 1000000000, $2), ('p2', 0, 0)",
        *places[1],
    )
    epoch = await database.value("select epoch from line_epoch")
    assert await _read(database, ORIGIN, 10) == ([], True)
    assert await settle(database) == epoch + 1
    assert names(await line.after(ORIGIN, 10)) == ["L1", "L2", "A"]
    cursors = {
        row["platform"]: Place(row["x"], row["seq"])
        for row in await database.fetch("select platform, x, seq from receiver")
    }
    (change,) = await line.after(cursors["p1"], 10)
    assert change.key.part == "A"
    assert change.outgoing(cursors["p1"]).method == "PUT"
    assert names(await line.after(cursors["p2"], 10)) == ["L1", "L2", "A"]
    await stocked.push(push("PATCH", "L1/B", {"status": "CHARGING", "last_updated": T2}))
    assert names(await line.after(change.place, 10)) == ["B"]
    assert await settle(database) == epoch + 1


async def test_another_cluster_begins_a_new_epoch(database):
    epoch = await settle(database)
    assert await settle(database) == epoch
    await database.execute("update line_epoch set cluster = 'elsewhere'")
    assert await settle(database) == epoch + 1


async def test_two_processes_that_start_at_once_in_another_cluster_agree_on_the_epoch(database):
    epoch = await settle(database)
    await database.execute("update line_epoch set cluster = 'elsewhere'")
    async with database.transaction() as busy:
        await busy.execute("update line_epoch set epoch = epoch")
        both = [asyncio.ensure_future(settle(database)) for _ in range(2)]
        await asyncio.sleep(0.2)  # until both wait
    assert await asyncio.gather(*both) == [epoch + 1, epoch + 1]


async def test_a_cursor_from_another_cluster_does_not_hide_what_comes(database, line, stocked):
    await database.execute(
        "insert into platform (id, name) values ('p1', 'one');"
        "insert into receiver (platform, x, seq) values ('p1', 1000000000, 9223372036854775807)"
    )
    await settle(database)
    cursor = Place(*await database.row("select x, seq from receiver"))
    assert await line.after(cursor, 10) == []
    await stocked.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    assert names(await line.after(cursor, 10)) == ["A"]


async def test_numbering_anew_takes_as_long_as_it_takes(database_url, stocked):
    hasty = await Database.open(
        database_url, settings={"statement_timeout": "50ms", "lock_timeout": "50ms"}
    )
    await hasty.execute(
        "create function dawdle() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.2); return new; end $$;"
        "create trigger dawdle before update on evse for each row execute function dawdle();"
        "update location set x = x + 1000000000"
    )
    epoch = await hasty.value("select epoch from line_epoch")
    assert await settle(hasty) == epoch + 1
    assert await hasty.value("select max(x) from location") == 0
    await hasty.close()


async def test_the_line_knows_where_a_location_was_withdrawn_and_came_back(line, store):
    await store.push(push("PUT", "L1", location("L1", publish=True)))
    (new,) = await line.after(ORIGIN, 10)
    assert new.turned == ORIGIN
    await store.push(push("PUT", "L1", location("L1", publish=False, at=T2)))
    (gone,) = await line.after(ORIGIN, 10)
    assert (gone.public, gone.turned) == (False, gone.place)
    await store.push(push("PUT", "L1", location("L1", "A", publish=False, at=T3)))
    (later,) = await line.after(ORIGIN, 10)
    assert (later.turned, later.place > gone.place) == (gone.place, True)
    await store.push(push("PUT", "L1", location("L1", publish=True, at="2026-01-05T00:00:00Z")))
    (back,) = await line.after(ORIGIN, 10)
    assert (back.public, back.turned) == (True, back.place)
    missed = back.outgoing(back.previous)  # what changed meanwhile was not told to everybody
    assert (missed.method, missed.body) == ("PUT", back.state)


async def test_an_evse_that_is_not_listed_says_so_and_goes_out_as_a_patch(line, stocked):
    await stocked.push(push("PUT", "L1", location("L1", "B", at=T2)))
    for status in ("CHARGING", "REMOVED"):
        await stocked.push(push("PATCH", "L1/A", {"status": status, "last_updated": T3}))
    change = (await line.after(ORIGIN, 10))[-1]
    assert (change.key.part, change.listed) == ("A", False)
    assert change.outgoing(ORIGIN) == Message("PATCH", "L1/A", change.state)
