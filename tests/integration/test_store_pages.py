"""Lists from the store: order, windows, who sees what, what is kept, and how they are found."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Viewer, Window
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.storage import line as line_module
from ocpi_hub.storage import lists, loading, plain, turns
from ocpi_hub.storage import pages as pages_module
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.objects import READERS, PostgresStore

CP1, CP2 = PartyRef("NL", "CP1"), PartyRef("BE", "CP2")
ALL = Viewer(public_only=False, hidden=frozenset())
PUBLIC = Viewer(public_only=True, hidden=frozenset())
EVERYTHING = Window(None, None, 0, 100)


def day(number, hour=0):
    return datetime(2026, 1, number, hour, tzinfo=UTC)


def text(number):
    return f"2026-01-{number:02}T00:00:00Z"


def evse(uid):
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE",
        "max_voltage": 230, "max_amperage": 32, "last_updated": text(1),
    }  # fmt: skip
    return {
        "uid": uid, "status": "AVAILABLE", "connectors": [connector], "last_updated": text(1),
    }  # fmt: skip


def location(location_id, *evses, at=1, publish=True):
    return {
        "country_code": "NL", "party_id": "CP1", "id": location_id, "publish": publish,
        "address": "Plein 1", "city": "Utrecht", "country": "NLD", "time_zone": "Europe/Amsterdam",
        "coordinates": {"latitude": "52.00000", "longitude": "5.00000"}, "evses": list(evses),
        "last_updated": text(at),
    }  # fmt: skip


def push(method, path, body, owner=CP1):
    at = moment(stamp(body["last_updated"]))
    message = Message(method, path, json.dumps(body).encode())
    return Push("locations", owner, tuple(path.split("/")), message, at, "p", "c")


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


@pytest.fixture(params=["followed", "alone"])
async def stocked(request, store, line):
    """Five Locations of two owners, one not published; with and without the line's reader."""
    if request.param == "followed":
        await line.start()
    for n in range(1, 6):
        owner = CP2 if n == 5 else CP1
        body = location(f"L{n}", evse("A"), evse("B"), publish=n != 2)
        await store.push(push("PUT", f"L{n}", body, owner))
    if request.param == "followed":
        await caught_up(line)
    return store


async def ids(store, window=EVERYTHING, viewer=ALL):
    page = await store.page("locations", window, viewer)
    found = [one["id"] for one in json.loads(page.body)]
    assert page.count == len(found)
    return found, page.total


@pytest.mark.obligation("PAG-013", "LOC-022")
async def test_the_oldest_comes_first_and_a_change_moves_nothing(stocked):
    await stocked.push(push("PUT", "L1", location("L1", at=3)))
    await stocked.push(push("PATCH", "L3/A", {"status": "CHARGING", "last_updated": text(4)}))
    assert await ids(stocked) == (["L1", "L2", "L3", "L4", "L5"], 5)


@pytest.mark.obligation("PAG-004", "PAG-005", "PAG-010", "PAG-018", "ROUT-404")
async def test_pages_hold_every_object_once_and_all_tell_the_total(stocked):
    crawl = [await ids(stocked, Window(None, None, offset, 2)) for offset in (0, 2, 4)]
    assert crawl == [(["L1", "L2"], 5), (["L3", "L4"], 5), (["L5"], 5)]
    assert await ids(stocked, Window(None, None, 3, 2)) == (["L4", "L5"], 5)
    assert await ids(stocked, Window(None, None, 2, 2)) == (["L3", "L4"], 5)
    assert await ids(stocked, Window(None, None, 6, 2)) == ([], 5)
    assert await ids(stocked, Window(None, None, 1, 3)) == (["L2", "L3", "L4"], 5)


async def test_a_crawl_meets_what_is_created_meanwhile(stocked):
    assert (await ids(stocked, Window(None, None, 0, 5)))[1] == 5
    await stocked.push(push("PUT", "L6", location("L6")))
    assert await ids(stocked, Window(None, None, 5, 5)) == (["L6"], 6)


@pytest.mark.obligation("LOC-075", "LOC-065")
async def test_navigation_sees_only_what_is_published(stocked):
    assert await ids(stocked, viewer=PUBLIC) == (["L1", "L3", "L4", "L5"], 4)
    await stocked.push(push("PUT", "L2", location("L2", at=2)))
    await stocked.push(push("PUT", "L3", location("L3", at=2, publish=False)))
    assert await ids(stocked, viewer=PUBLIC) == (["L1", "L2", "L4", "L5"], 4)


@pytest.mark.obligation("ROUT-410", "LOC-028")
async def test_hidden_owners_are_left_out_of_list_and_total(stocked):
    hidden = Viewer(public_only=False, hidden=frozenset({("NL", "CP1")}))
    assert await ids(stocked, viewer=hidden) == (["L5"], 1)
    assert await ids(stocked, Window(day(1), None, 0, 9), hidden) == (["L5"], 1)


@pytest.mark.obligation("PAG-002", "PAG-003", "LOC-017")
async def test_a_window_includes_its_begin_and_excludes_its_end(stocked):
    await stocked.push(push("PUT", "L1", location("L1", at=3)))
    assert await ids(stocked, Window(day(3), None, 0, 9)) == (["L1"], 1)
    assert await ids(stocked, Window(day(3, 1), None, 0, 9)) == ([], 0)
    assert await ids(stocked, Window(day(1), day(3), 0, 9)) == (["L2", "L3", "L4", "L5"], 4)
    assert await ids(stocked, Window(None, day(1), 0, 9)) == ([], 0)
    assert await ids(stocked, Window(day(1), None, 1, 2)) == (["L2", "L3"], 5)


@pytest.mark.obligation("LOC-018")
async def test_a_change_of_a_child_brings_its_location_into_the_window(stocked):
    assert await ids(stocked, Window(day(2), None, 0, 9)) == ([], 0)
    await stocked.push(push("PATCH", "L4/B", {"status": "CHARGING", "last_updated": text(3)}))
    assert await ids(stocked, Window(day(2), None, 0, 9)) == (["L4"], 1)
    assert await ids(stocked, Window(day(1), day(3), 0, 9)) == (["L1", "L2", "L3", "L5"], 4)


async def test_own_writes_are_in_the_next_page(stocked):
    for number in range(2, 12):
        status = f"S{number}"
        patch = {"status": status, "last_updated": text(number)}
        await stocked.push(push("PATCH", "L1/A", patch))
        page = await stocked.page("locations", EVERYTHING, ALL)
        first = json.loads(page.body)[0]
        assert first["evses"][0]["status"] == status
        assert first["last_updated"] == text(number)


async def test_readers_during_writes_never_keep_an_old_page(stocked):
    async def read():
        for _ in range(30):
            await stocked.page("locations", EVERYTHING, ALL)

    async def write(evse_id):
        for number in range(2, 22):
            patch = {"status": f"S{number}", "last_updated": text(number)}
            await stocked.push(push("PATCH", f"L1/{evse_id}", patch))

    await asyncio.gather(read(), read(), write("A"), write("B"))
    page = await stocked.page("locations", EVERYTHING, ALL)
    assert [one["status"] for one in json.loads(page.body)[0]["evses"]] == ["S21", "S21"]


class Held:
    """The database, but its answers arrive only when they are let go."""

    def __init__(self, steady):
        self.steady = steady
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def database(self):
        return self

    async def fetch(self, *asked):
        rows = await (await self.steady.database()).fetch(*asked)
        self.asked.set()
        await self.go.wait()
        return rows


@pytest.mark.parametrize("path", ["L1/A", "L1"])
async def test_what_changes_while_a_page_is_read_keeps_it_from_being_kept(line, store, path):
    await line.start()
    await store.push(push("PUT", "L1", location("L1", evse("A"))))
    await caught_up(line)
    store._pages._steady = held = Held(store._steady)
    reading = asyncio.ensure_future(store.page("locations", EVERYTHING, ALL))
    await held.asked.wait()
    await store.push(push("PATCH", path, {"name": "new", "last_updated": text(2)}))
    held.go.set()
    assert b"new" not in (await reading).body
    assert b"new" in (await store.page("locations", EVERYTHING, ALL)).body


async def test_a_page_that_is_read_beside_another_is_told_of_changes_to_the_end(line, store):
    await line.start()
    await store.push(push("PUT", "L1", location("L1", evse("A"))))
    await caught_up(line)
    steady, first, second = store._pages._steady, Held(store._pages._steady), None
    store._pages._steady = first
    reading = asyncio.ensure_future(store.page("locations", EVERYTHING, ALL))
    await first.asked.wait()
    store._pages._steady = second = Held(steady)
    second.go.set()
    await store.page("locations", Window(None, None, 1, 5), ALL)
    await store.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": text(2)}))
    first.go.set()
    assert b"CHARGING" not in (await reading).body
    assert b"CHARGING" in (await store.page("locations", EVERYTHING, ALL)).body


async def test_a_page_asked_for_again_comes_from_memory_until_something_in_it_changes(line, store):
    await line.start()
    await store.push(push("PUT", "L1", location("L1", evse("A"))))
    await store.push(push("PUT", "L2", location("L2", evse("A"))))
    await caught_up(line)
    one, two = Window(None, None, 0, 1), Window(None, None, 1, 1)
    first = await store.page("locations", one, ALL)
    second = await store.page("locations", two, ALL)
    assert await store.page("locations", one, ALL) is first
    await store.push(push("PATCH", "L2/A", {"status": "CHARGING", "last_updated": text(2)}))
    assert await store.page("locations", one, ALL) is first
    assert await store.page("locations", two, ALL) is not second


async def test_what_another_process_changes_is_soon_in_the_pages(database, line, store):
    await line.start()
    other = PostgresStore(database, PostgresLine(database))
    try:
        await store.push(push("PUT", "L1", location("L1", evse("A"))))
        await caught_up(line)
        await store.page("locations", EVERYTHING, ALL)
        await other.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": text(2)}))
        await other.push(push("PUT", "L2", location("L2")))
        await caught_up(line)
    finally:
        await other.close()
    page = await store.page("locations", EVERYTHING, ALL)
    assert json.loads(page.body)[0]["evses"][0]["status"] == "CHARGING"
    assert (page.count, page.total) == (2, 2)


async def caught_up(line):
    async with asyncio.timeout(10):
        while line._ring.head < await line.head():  # noqa: ASYNC110 - another task moves it
            await asyncio.sleep(0.01)


async def test_kept_pages_are_bounded(database, line):
    await line.start()
    store = PostgresStore(database, line)
    store._pages._size = 3000
    try:
        for n in range(5):
            await store.push(push("PUT", f"L{n}", location(f"L{n}", evse("A"))))
        await caught_up(line)
        for offset in range(5):
            await store.page("locations", Window(None, None, offset, 1), ALL)
        assert 0 < len(store._pages._kept) < 5
        assert 0 < store._pages._held <= 3000
    finally:
        await store.close()


@pytest.mark.parametrize("date_from", [None, day(1)])
async def test_heavy_pages_are_cut_and_go_on_behind_their_last_object(store, date_from):
    heavy = 700_000
    for number in range(20):
        body = location(f"L{number}", evse("E")) | {"note": "x" * heavy}
        await store.push(push("PUT", f"L{number}", body))
    found, sizes = [], []
    while len(found) < 20:
        page = await store.page("locations", Window(date_from, None, len(found), 100), ALL)
        assert page.total == 20
        assert 0 < page.count < 20
        found += [one["id"] for one in json.loads(page.body)]
        sizes.append(len(page.body))
    assert found == [f"L{number}" for number in range(20)]
    assert max(sizes) < pages_module.PAGE_BYTES + 2 * heavy


@pytest.mark.parametrize(("module", "room"), [("locations", pages_module), ("tokens", lists)])
async def test_who_reads_many_lists_takes_no_connections_from_the_others(
    store, monkeypatch, module, room
):
    slow = room._SQL["page"].replace("(select 1) as always", "(select pg_sleep(0.1)) as always")
    assert slow != room._SQL["page"]
    monkeypatch.setitem(room._SQL, "page", slow)
    windows = [Window(None, None, offset, 1) for offset in range(40)]
    readers = [asyncio.ensure_future(store.page(module, window, ALL)) for window in windows]
    await asyncio.sleep(0.05)
    await store.push(push("PUT", "L1", location("L1")))
    assert await store.owners("locations", "L1") == [CP1]
    assert sum(not reader.done() for reader in readers) > 30
    await asyncio.gather(*readers)


async def test_who_waits_too_long_for_its_turn_to_read_is_told(store, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_S", 0.1)
    slow = lists._SQL["page"].replace("(select 1) as always", "(select pg_sleep(0.5)) as always")
    monkeypatch.setitem(lists._SQL, "page", slow)
    window = Window(None, None, 0, 1)
    readers = [store.page("tokens", window, ALL) for _ in range(READERS + 1)]
    *answered, refused = await asyncio.gather(*readers, return_exceptions=True)
    assert [page.count for page in answered] == [0] * READERS
    assert isinstance(refused, OcpiError)
    assert refused.code == 3000


async def test_the_place_of_a_page_is_where_the_line_stood(stocked, line):
    page = await stocked.page("locations", EVERYTHING, ALL)
    assert page.place == await line.head()
    assert (await stocked.page("locations", Window(None, None, 0, 0), ALL)).place == page.place


async def test_an_empty_store_has_an_empty_page(store):
    page = await store.page("locations", EVERYTHING, ALL)
    assert (page.body, page.count, page.total) == (b"[]", 0, 0)
    assert await store.one(ObjectKey("locations", "NL", "CP1", "L1")) is None


# Plans

_MANY = """
    insert into location (country, party, id, country_code, party_id, location_id, frame,
        last_updated, publish, x, seq, method, path, origin, correlation_id)
    select 'NL', 'CP1', 'L' || n, 'NL', 'CP1', 'L' || n, '\\x7b7d', '2026-01-01T00:00:00 Z', true,
        n, n, 'PUT', 'L', 'p', 'c'
    from generate_series(1, 5000) n;
    insert into evse (location, uid, spelling, ord, listed, own, body, last_updated, x, seq,
        method, path, origin, correlation_id)
    select pk, 'E' || k, 'E' || k, k, true, true, '\\x7b7d', '2026-01-01T00:00:00 Z',
        5000 + pk * 3 + k, 5000 + pk * 3 + k, 'PUT', 'L', 'p', 'c'
    from location, generate_series(0, 2) k;
    update evse set last_updated = '2026-02-01T00:00:00 Z' where location % 1000 = 0;
    insert into object (module, country, party, id, part, country_code, party_id, object_id,
        spelling, born, body, last_updated, x, seq, method, path, origin, correlation_id)
    select module, 'DE', 'EM1', 'T' || n, 'RFID', 'DE', 'EM1', 'T' || n, 'RFID', 30000 + n,
        '\\x7b7d', '2026-01-01T00:00:00 Z', 30000 + n, 30000 + n, 'PUT', 'T', 'p', 'c'
    from generate_series(1, 5000) n, unnest(array['tariffs', 'tokens']) module;
    update object set last_updated = '2026-02-01T00:00:00 Z' where seq % 1000 = 0;
    analyze;
"""
_KEYS = "array[row('NL', 'CP1', 'L77', 'E1')::evse_key]"
_HOT = {
    "parts": (loading._SQL["parts"], _KEYS),
    "locations": (loading._SQL["locations"], _KEYS),
    "evses": (loading._SQL["evses"], "array[77]"),
    "page": (pages_module._SQL["page"], "false, '{}', 0, 50, 2000, 8388608"),
    "changes": (line_module._SQL["changes"], "19000, 0, 500"),
    "head": (line_module._SQL["head"], ""),
    "load": (
        plain._SQL["load"],
        "array['tokens'], array['DE'], array['EM1'], array['T7'], array['RFID']",
    ),
    "one": (plain._SQL["one"], "'tokens', 'DE', 'EM1', 'T7', 'RFID'"),
    "owners": (plain._SQL["owners"], "'tokens', 'T7', 'RFID'"),
    "list": (lists._SQL["page"], "'tokens', '{}', 0, 50, 32000, 8388608"),
    "window": (
        lists._SQL["window_page"],
        "'tokens', '{}', 0, 50, '2026-01-15T00:00:00', '~', 8388608",
    ),
}


async def scanned(connection, sql, arguments):
    """Tables that the plan reads as a whole, by the plan that PostgreSQL really uses."""
    await connection.execute(f"prepare asked as {sql}")
    call = f"execute asked({arguments})" if arguments else "execute asked"
    rows = await connection.fetch(f"explain (format text) {call}")
    await connection.execute("deallocate asked")
    plan = [row[0] for row in rows]
    return [row for row in plan if "Seq Scan on" in row and "hosted_role" not in row]


@pytest.mark.parametrize("name", _HOT)
async def test_hot_statements_use_indexes_whatever_the_values(database, name):
    sql, arguments = _HOT[name]
    async with database.acquire() as connection:
        await connection.execute(_MANY)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        assert await scanned(connection, sql, arguments) == []
        await connection.execute("set plan_cache_mode = force_custom_plan")
        assert await scanned(connection, sql, arguments) == []
        await connection.execute("reset plan_cache_mode")


async def test_a_narrow_window_is_found_by_indexes(database):
    arguments = "false, '{}', 0, 50, '2026-01-15T00:00:00', '~', 8388608"
    async with database.acquire() as connection:
        await connection.execute(_MANY)
        assert await scanned(connection, pages_module._SQL["window_page"], arguments) == []
