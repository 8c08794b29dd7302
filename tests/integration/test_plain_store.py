"""Tariffs and Tokens on PostgreSQL: what is kept, what rides the line, what lists show."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from ocpi_hub.modules.line import ORIGIN, Message, ObjectKey
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Viewer, Window, Written
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import NoSuchResource
from ocpi_hub.storage.line import PostgresLine, settle
from ocpi_hub.storage.objects import PostgresStore
from tests.build import a_location

CPO, EM1, EM2 = PartyRef("NL", "CPO"), PartyRef("DE", "EM1"), PartyRef("DE", "EM2")
T1, T2, T3 = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))
ALL = Viewer(public_only=True, hidden=frozenset())
EVERYTHING = Window(None, None, 0, 100)


def tariff(name, at=T1, **more):
    return push("tariffs", CPO, (name,), "PUT", {"id": name, "last_updated": at} | more)


def token(uid, kind="RFID", at=T1, owner=EM1, method="PUT", **more):
    body = {"uid": uid, "type": kind} if method == "PUT" else {}
    return push("tokens", owner, (uid, kind), method, body | {"last_updated": at} | more)


def gone(name):
    return Push("tariffs", CPO, (name,), Message("DELETE", name, b""), None, "cpo", "c-del")


def push(module, owner, ids, method, body):
    raw = json.dumps(body).encode()
    at = moment(stamp(body["last_updated"]))
    path = "?type=".join(ids)
    return Push(module, owner, ids, Message(method, path, raw), at, "origin", "c-1")


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


async def listed(store, module="tariffs", window=EVERYTHING, viewer=ALL):
    page = await store.page(module, window, viewer)
    assert page.count == len(json.loads(page.body))
    return [one.get("id") or one["uid"] for one in json.loads(page.body)], page.total


async def test_an_object_is_kept_byte_for_byte_and_rides_the_line(store, line):
    raw = b'{ "id":"T%201", "last_updated":"2026-01-01T00:00:00.5" ,"price":1.10e0,\n"x":null}'
    at = moment(stamp("2026-01-01T00:00:00.5"))
    made = Push("tariffs", CPO, ("T% 1",), Message("PUT", "T%25%201", raw), at, "cpo", "c-7")
    assert await store.push(made) is Written.CREATED
    key = ObjectKey("tariffs", "NL", "CPO", "T% 1")
    assert await store.one(key) == raw
    (change,) = await line.after(ORIGIN, 10)
    assert (change.key, change.owner, change.state_path) == (key, CPO, "T%25%201")
    assert change.message == made.message
    assert change.outgoing(ORIGIN) == made.message
    assert (change.state, change.last_updated, change.correlation_id) == (raw, at, "c-7")
    assert await line.head() == change.place


@pytest.mark.obligation("TOK-013", "TOK-038")
async def test_a_token_is_named_by_owner_uid_and_type_in_any_case(store, line):
    for one in (token("A1"), token("a1", "APP_USER"), token("A1", owner=EM2)):
        assert await store.push(one) is Written.CREATED
    assert await store.push(token("a1", at=T2)) is Written.UPDATED
    paths = [change.state_path for change in await line.after(ORIGIN, 10)]
    assert paths == ["a1?type=APP_USER", "A1?type=RFID", "A1?type=RFID"]
    shown = await store.one(ObjectKey("tokens", "DE", "EM1", "A1", "RFID"))
    assert json.loads(shown)["last_updated"] == T2
    assert await store.owners("tokens", "a1", "rfid") == [EM1, EM2]
    assert await store.owners("tokens", "A1", "APP_USER") == [EM1]
    assert await store.owners("tokens", "A1", "OTHER") == []


async def test_the_owner_of_a_location_is_found_by_its_id_and_by_an_evse_of_it(store):
    location = a_location()
    raw = Message("PUT", "LOC1", json.dumps(location).encode())
    for owner in (CPO, PartyRef("BE", "CP2")):
        at = moment(stamp(location["last_updated"]))
        await store.push(Push("locations", owner, ("LOC1",), raw, at, "cpo", "c"))
    assert len(await store.owners("locations", "loc1")) == 2
    assert len(await store.owners("locations", "loc1", "e1")) == 2
    assert await store.owners("locations", "loc1", "e9") == []


@pytest.mark.obligation("ROUT-222", "TR-037", "TAR-012", "TOK-017")
async def test_put_replaces_and_what_is_old_or_the_same_takes_no_number(store, line):
    assert await store.push(tariff("T1", T2, max_price=5)) is Written.CREATED
    head = await line.head()
    assert await store.push(tariff("T1", T2, max_price=5)) is Written.UNCHANGED
    assert await store.push(tariff("T1", T1)) is Written.STALE
    assert await line.head() == head
    assert await store.push(tariff("T1", T3)) is Written.UPDATED
    body = await store.one(ObjectKey("tariffs", "NL", "CPO", "T1"))
    assert json.loads(body) == {"id": "T1", "last_updated": T3}


@pytest.mark.obligation("TOK-020", "TR-038", "TR-040", "TR-042")
async def test_a_patch_merges_and_needs_what_it_changes(store, line):
    with pytest.raises(NoSuchResource) as refused:
        await store.push(token("A1", method="PATCH", valid=False))
    assert (refused.value.http, refused.value.code) == (404, 2004)
    await store.push(token("A1", at=T2, valid=True, issuer="I"))
    head = await line.head()
    assert await store.push(token("A1", at=T1, method="PATCH", valid=False)) is Written.STALE
    same = token("A1", at=T2, method="PATCH", issuer=None)
    assert await store.push(same) is Written.UNCHANGED
    assert await line.head() == head
    patch = token("A1", at=T3, method="PATCH", valid=False, issuer=None)
    assert await store.push(patch) is Written.UPDATED
    body = json.loads(await store.one(ObjectKey("tokens", "DE", "EM1", "A1", "RFID")))
    assert body == {
        "uid": "A1", "type": "RFID", "last_updated": T3, "valid": False, "issuer": "I",
    }  # fmt: skip
    (change,) = await line.after(head, 10)
    assert change.outgoing(head) == patch.message


async def test_several_changes_go_out_as_one_put_of_the_latest_state(store, line):
    start = await line.head()
    await store.push(token("A1", "APP_USER", valid=True))
    await store.push(token("A1", "APP_USER", T2, method="PATCH", valid=False))
    (change,) = await line.after(start, 10)
    out = change.outgoing(start)
    assert (out.method, out.path) == ("PUT", "A1?type=APP_USER")
    assert json.loads(out.body)["valid"] is False


@pytest.mark.obligation("TAR-015", "TAR-017", "ROUT-212")
async def test_a_deletion_stays_on_the_line_and_nowhere_else(store, line):
    key = ObjectKey("tariffs", "NL", "CPO", "T1")
    with pytest.raises(NoSuchResource) as refused:
        await store.push(gone("T1"))
    assert (refused.value.http, refused.value.code) == (404, 2000)
    await store.push(tariff("T1"))
    await store.push(tariff("T2"))
    seen = await line.head()
    assert await store.push(gone("t1")) is Written.UPDATED
    assert await store.one(key) is None
    assert await store.owners("tariffs", "T1") == []
    assert await listed(store) == (["T2"], 1)
    (change,) = await line.after(seen, 10)
    assert (change.message, change.state) == (Message("DELETE", "t1", b""), b"")
    with pytest.raises(NoSuchResource):
        await store.push(gone("T1"))
    assert await line.after(change.place, 10) == []


async def test_a_tariff_that_was_deleted_comes_back_behind_all_others(store, line):
    await store.push(tariff("T1", T2))
    await store.push(tariff("T2"))
    await store.push(gone("T1"))
    assert await store.push(tariff("T1", T1)) is Written.STALE
    assert await listed(store) == (["T2"], 1)
    assert await store.push(tariff("T1", T2)) is Written.CREATED
    assert await listed(store) == (["T2", "T1"], 2)
    (_, change) = await line.after(ORIGIN, 10)
    assert change.outgoing(ORIGIN).method == "PUT"


async def test_pushes_of_one_batch_to_one_object_end_in_its_last_state(store, line):
    pushes = [tariff("T1"), gone("T1"), tariff("T1", T2), token("A1"), tariff("T3"), gone("T3")]
    pushes.insert(0, push("locations", CPO, ("L1",), "PUT", a_location(id="L1")))
    blocker = asyncio.gather(*(store.push(tariff(f"X{n}")) for n in range(2)))
    written = await asyncio.gather(*map(store.push, pushes))
    await blocker
    assert written == [
        Written.CREATED, Written.CREATED, Written.UPDATED, Written.CREATED, Written.CREATED,
        Written.CREATED, Written.UPDATED,
    ]  # fmt: skip
    names, total = await listed(store)
    assert (sorted(names), total) == (["T1", "X0", "X1"], 3)
    changes = {change.key.id: change for change in await line.after(ORIGIN, 10)}
    assert sorted(changes) == ["A1", "L1", "T1", "X0", "X1"]
    assert changes["T1"].outgoing(ORIGIN) == tariff("T1", T2).message


async def test_two_stores_that_write_one_object_lose_nothing(database, line, store):
    other = PostgresStore(database, line)
    try:
        stamps = [f"2026-01-01T00:00:{second:02}Z" for second in range(40)]
        await asyncio.gather(
            *((store, other)[n % 2].push(tariff("T1", at)) for n, at in enumerate(stamps))
        )
    finally:
        await other.close()
    body = await store.one(ObjectKey("tariffs", "NL", "CPO", "T1"))
    assert json.loads(body)["last_updated"] == stamps[-1]


@pytest.mark.obligation("TAR-006", "TOK-022")
async def test_windows_take_their_beginning_and_leave_their_end(store):
    for name, at in (("A", T1), ("B", T2), ("C", T3)):
        await store.push(tariff(name, at))
    second = datetime(2026, 1, 2, tzinfo=UTC)
    assert await listed(store, window=Window(second, None, 0, 10)) == (["B", "C"], 2)
    assert await listed(store, window=Window(None, second, 0, 10)) == (["A"], 1)
    assert await listed(store, window=Window(second, None, 1, 1)) == (["C"], 2)
    hidden = Viewer(public_only=False, hidden=frozenset({CPO.key}))
    assert await listed(store, window=Window(second, None, 0, 9), viewer=hidden) == ([], 0)
    assert await listed(store, viewer=hidden) == ([], 0)
    assert await listed(store, "tokens") == ([], 0)


async def test_a_crawl_sees_what_another_process_makes_and_deletes_meanwhile(database, line, store):
    await line.start()
    elsewhere = PostgresLine(database)
    other = PostgresStore(database, elsewhere)
    try:
        for n in range(4):
            await store.push(tariff(f"T{n}"))
        assert await listed(store, window=Window(None, None, 0, 2)) == (["T0", "T1"], 4)
        assert await listed(store, window=Window(None, None, 2, 2)) == (["T2", "T3"], 4)
        await other.push(gone("T0"))
        await other.push(tariff("T4"))
        async with asyncio.timeout(10):
            while line._ring.head < await line.head():  # noqa: ASYNC110 - another task moves it
                await asyncio.sleep(0.01)
        assert await listed(store, window=Window(None, None, 2, 2)) == (["T3", "T4"], 4)
    finally:
        await other.close()
        await elsewhere.close()


async def test_after_a_restore_all_kinds_are_numbered_anew_in_their_order(database, store, line):
    await store.push(tariff("T1"))
    await store.push(push("locations", CPO, ("L1",), "PUT", a_location(evses=0, id="L1")))
    await store.push(token("A1"))
    await store.push(gone("T1"))
    await database.execute("update object set x = x + 1000000000000")
    epoch = await settle(database)
    assert epoch > 1
    changes = await line.after(ORIGIN, 10)
    assert [(change.key.id, *change.place) for change in changes] == [
        ("L1", 0, 1), ("A1", 0, 2), ("T1", 0, 3),
    ]  # fmt: skip
    assert await store.push(tariff("T1", T2)) is Written.CREATED
