"""Group commit: order, company, isolation of failures, limits; and the store behind it."""

import asyncio
import json

import asyncpg
import pytest
from structlog.testing import capture_logs

from ocpi_hub.modules import holding
from ocpi_hub.modules.holding import apply
from ocpi_hub.modules.line import ORIGIN, Message, ObjectKey
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Written
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, OcpiError, Status
from ocpi_hub.storage import loading
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.objects import PostgresStore
from ocpi_hub.storage.writer import Writer
from tests.build import a_connector, a_location

CP1 = PartyRef("NL", "CP1")
T1, T2 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


class Bench:
    """A commit that is held back until it is let go; notes the batches it was given."""

    def __init__(self):
        self.batches = []
        self.go = asyncio.Event()

    async def commit(self, batch):
        self.batches.append(list(batch))
        await self.go.wait()
        return [
            OcpiError("bad", Status.INVALID_PARAMETER) if "bad" in one else one for one in batch
        ]


def key(edit):
    return edit[0]


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - conditions of any kind
            await asyncio.sleep(0)


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
async def writing(bench):
    tasks = []

    def write(writer, *edits):
        tasks.extend(asyncio.ensure_future(writer.write(edit)) for edit in edits)
        return tasks[-len(edits) :]

    yield write
    bench.go.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_edit_on_its_own_starts_at_once_and_others_gather_meanwhile(bench, writing):
    writer = Writer(bench.commit, key)
    writing(writer, "a1")
    await until(lambda: bench.batches)
    writing(writer, "b1")
    await until(lambda: len(bench.batches) == 2)
    writing(writer, "c1", "d1", "e1")
    await asyncio.sleep(0.01)
    assert bench.batches == [["a1"], ["b1"]]
    bench.go.set()
    await until(lambda: len(bench.batches) == 3)
    assert bench.batches[2] == ["c1", "d1", "e1"]
    await writer.close()


async def test_edits_of_one_object_never_are_in_two_batches_at_once(bench, writing):
    writer = Writer(bench.commit, key)
    writing(writer, "a1")
    await until(lambda: bench.batches)
    writing(writer, "a2", "b1", "a3")
    await until(lambda: len(bench.batches) == 2)
    assert bench.batches == [["a1"], ["b1"]]
    bench.go.set()
    await until(lambda: len(bench.batches) == 3)
    assert bench.batches[2] == ["a2", "a3"]
    await writer.close()


async def test_a_failing_edit_fails_alone(bench, writing):
    writer = Writer(bench.commit, key)
    bench.go.set()
    good, bad = writing(writer, "a1", "bad")
    assert await good == "a1"
    with pytest.raises(OcpiError, match="bad"):
        await bad
    await writer.close()


async def test_a_full_queue_refuses_at_once(bench, writing):
    writer = Writer(bench.commit, key, queue=2)
    writing(writer, "a1")
    await until(lambda: bench.batches)
    writing(writer, "a2", "a3")
    await asyncio.sleep(0)
    with pytest.raises(OcpiError) as refused:
        await writer.write("b1")
    assert refused.value.code == Status.SERVER_ERROR
    bench.go.set()
    await writer.close()


async def test_a_caller_waits_no_longer_than_its_deadline(bench, writing):
    writer = Writer(bench.commit, key, deadline_s=0.05)
    writing(writer, "a1")
    await until(lambda: bench.batches)
    with pytest.raises(OcpiError) as refused:
        await writer.write("a2")
    assert refused.value.code == Status.SERVER_ERROR
    bench.go.set()
    await writer.close()
    assert bench.batches == [["a1"]]


async def test_closing_lets_what_waits_finish_and_takes_nothing_new(bench, writing):
    writer = Writer(bench.commit, key)
    writing(writer, "a1")
    await until(lambda: bench.batches)
    (waiting,) = writing(writer, "a2")
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(writer.close())
    await asyncio.sleep(0.01)
    bench.go.set()
    await closing
    assert await waiting == "a2"
    with pytest.raises(OcpiError):
        await writer.write("b1")


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(writing):
    faults = [OSError("gone")] * 3

    async def commit(batch):
        if faults:
            raise faults.pop()
        return batch

    writer = Writer(commit, key)
    with capture_logs() as logged:
        for number in range(3):
            with pytest.raises(OcpiError):
                await writer.write(("a", number))
        for number in range(2):
            await writer.write(("a", number))
    await writer.close()
    assert [each["event"] for each in logged] == ["storage.commits_fail", "storage.commits_again"]


async def test_closing_lets_a_commit_in_hand_finish(bench, writing):
    writer = Writer(bench.commit, key)
    (working,) = writing(writer, "a1")
    await until(lambda: bench.batches)
    closing = asyncio.ensure_future(writer.close())
    await asyncio.sleep(0.01)
    bench.go.set()
    await closing
    assert await working == "a1"


async def test_when_a_commit_fails_every_caller_is_told(writing):
    async def broken(batch):
        raise ConnectionError("gone")

    writer = Writer(broken, key)
    for task in writing(writer, "a1", "b1"):
        with pytest.raises(OcpiError) as failed:
            await task
        assert failed.value.code == Status.SERVER_ERROR
    await writer.close()


# The store


def evse(uid, at=T1, **more):
    return {"uid": uid, "status": "AVAILABLE", "connectors": [], "last_updated": at} | more


def push(method, path, body, owner=CP1):
    raw = json.dumps(body).encode()
    at = moment(stamp(body["last_updated"]))
    return Push(
        "locations", owner, tuple(path.split("/")), Message(method, path, raw), at, "p", "c"
    )


def whole(location_id, *uids, at=T1):
    return {
        "id": location_id,
        "publish": True,
        "evses": [evse(u) for u in uids],
        "last_updated": at,
    }


@pytest.fixture
async def stores(database):
    """Two stores on one database, as two processes have them."""
    line = PostgresLine(database)
    pair = [PostgresStore(database, line) for _ in range(2)]
    yield pair
    for store in pair:
        await store.close()
    await line.close()


async def shown(store, *ids, owner=CP1):
    body = await store.one(ObjectKey("locations", *owner.key, *ids))
    return None if body is None else json.loads(body)


@pytest.mark.obligation("ROUT-215", "TR-057")
async def test_equal_ids_of_two_owners_are_two_objects(stores):
    other = PartyRef("BE", "CP2")
    assert await stores[0].push(push("PUT", "L1", whole("L1"))) is Written.CREATED
    assert await stores[0].push(push("PUT", "L1", whole("L1", "A"), other)) is Written.CREATED
    assert await stores[0].push(push("PUT", "l1", whole("l1", at=T2))) is Written.UPDATED
    assert await shown(stores[0], "L1") == whole("l1", at=T2)
    assert await shown(stores[0], "L1", owner=other) == whole("L1", "A")
    assert await stores[0].owners("locations", "l1") == [CP1, other]


async def test_pushes_of_one_object_are_applied_in_their_order(stores, database):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A", "B")))
    days = [f"2026-02-{day:02}T00:00:00Z" for day in range(1, 21)]
    patches = [push("PATCH", "L1/A", {"status": f"S{day}", "last_updated": day}) for day in days]
    assert set(await asyncio.gather(*map(store.push, patches))) == {Written.UPDATED}
    assert (await shown(store, "L1", "A"))["status"] == f"S{days[-1]}"
    assert (await shown(store, "L1"))["last_updated"] == days[-1]


async def test_in_one_batch_each_caller_gets_its_own_answer(stores):
    store = stores[0]
    results = await asyncio.gather(
        store.push(push("PUT", "L1", whole("L1", "A"))),
        store.push(push("PATCH", "L2", {"last_updated": T1})),
        store.push(push("PUT", "L3", {"publish": True, "evses": 1, "last_updated": T1})),
        store.push(push("PUT", "L1/B", evse("B"))),
        store.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2})),
        return_exceptions=True,
    )
    created, missing, wrong, added, changed = results
    assert (created, added, changed) == (Written.CREATED, Written.CREATED, Written.UPDATED)
    assert isinstance(missing, NoSuchResource)
    assert isinstance(wrong, InvalidParameter)
    assert [one["uid"] for one in (await shown(store, "L1"))["evses"]] == ["A", "B"]
    assert await shown(store, "L3") is None


async def test_a_stale_or_identical_push_takes_no_place(stores, database):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A", at=T2)))
    before = await database.fetch("select x, seq from location union all select x, seq from evse")
    assert await store.push(push("PUT", "L1", whole("L1", "A", at=T2))) is Written.UNCHANGED
    assert await store.push(push("PUT", "L1", whole("L1", at=T1))) is Written.STALE
    after = await database.fetch("select x, seq from location union all select x, seq from evse")
    assert before == after


@pytest.mark.obligation("LOC-055")
async def test_an_evse_left_out_of_a_put_is_still_found(stores):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A", "B")))
    await store.push(push("PUT", "L1", whole("L1", "B", at=T2)))
    assert await shown(store, "L1", "A") == evse("A")
    assert [one["uid"] for one in (await shown(store, "L1"))["evses"]] == ["B"]
    await store.push(push("PUT", "L1/A", evse("A", at=T2)))
    assert [one["uid"] for one in (await shown(store, "L1"))["evses"]] == ["B", "A"]


async def test_a_put_that_only_reorders_evses_shows_the_new_order(stores):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A", "B")))
    await store.push(push("PUT", "L1", whole("L1", "B", "A", at=T2)))
    assert await shown(store, "L1") == whole("L1", "B", "A", at=T2)


async def test_two_processes_do_not_lose_each_others_changes(stores):
    await stores[0].push(push("PUT", "L1", whole("L1", "A")))
    for n in range(30):
        answers = await asyncio.gather(
            *(
                store.push(push("PATCH", "L1/A", {f"{name}{n}": n, "last_updated": T2}))
                for name, store in zip("ab", stores, strict=True)
            )
        )
        assert answers == [Written.UPDATED] * 2
    held = await shown(stores[0], "L1", "A")
    assert {f"{name}{n}" for name in "ab" for n in range(30)} <= set(held)


async def test_two_processes_may_create_the_same_location_and_evses(stores):
    await asyncio.gather(
        *(s.push(push("PUT", "L1", whole("L1", "A"))) for s in stores for _ in range(5))
    )
    await asyncio.gather(
        *(s.push(push("PUT", f"L1/N{n}", evse(f"N{n}"))) for s in stores for n in range(5))
    )
    uids = [one["uid"] for one in (await shown(stores[0], "L1"))["evses"]]
    assert sorted(uids) == ["A", "N0", "N1", "N2", "N3", "N4"]


async def test_a_batch_survives_the_loss_of_its_connections(stores, database, database_url):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A")))
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.close()
    patch = push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2})
    assert await store.push(patch) in {Written.UPDATED, Written.UNCHANGED}
    assert (await shown(store, "L1", "A"))["status"] == "CHARGING"


async def test_of_other_modules_the_hub_keeps_no_copy(stores):
    with pytest.raises(OcpiError, match="no copy of sessions") as refused:
        await stores[0].owners("sessions", "1")
    assert refused.value.code == Status.HUB_ERROR


async def test_a_status_change_writes_no_location_row(stores, database):
    store = stores[0]
    await store.push(push("PUT", "L1", whole("L1", "A")))
    before = await database.value("select xmin::text from location")
    await store.push(push("PATCH", "L1/A", {"status": "CHARGING", "last_updated": T2}))
    assert await database.value("select xmin::text from location") == before
    assert (await PostgresLine(database).after(ORIGIN, 5))[-1].key.part == "A"


async def test_a_status_change_locks_no_location(stores, monkeypatch):
    await stores[0].push(push("PUT", "L1", whole("L1", "E1")))
    monkeypatch.setitem(loading._SQL, "lock", "select 1 / 0 where $1::bigint[] is not null")
    change = {"status": "CHARGING", "last_updated": T2}
    assert await stores[0].push(push("PATCH", "L1/E1", change)) is Written.UPDATED
    with pytest.raises(OcpiError):  # one more EVSE does
        await stores[0].push(push("PUT", "L1/E2", evse("E2")))


async def test_two_processes_that_change_one_object_all_the_time_are_both_heard(stores):
    await stores[0].push(push("PUT", "L1", whole("L1", "A")))

    async def stream(store, name):
        patches = (
            push("PATCH", "L1/A", {name: number, "last_updated": T2}) for number in range(200)
        )
        return {await store.push(patch) for patch in patches}

    streams = zip(stores * 2, "abcd", strict=True)
    heard = await asyncio.gather(*(stream(store, name) for store, name in streams))
    assert heard == [{Written.UPDATED}] * 4
    assert [(await shown(stores[0], "L1", "A"))[name] for name in "abcd"] == [199] * 4


async def test_a_push_waits_for_a_database_that_comes_back(stores):
    attempt, faults = stores[0]._attempt, [ConnectionError("restarting")] * 8

    async def failing(pushes):
        if faults:
            raise faults.pop()
        return await attempt(pushes)

    stores[0]._attempt = failing
    assert await stores[0].push(push("PUT", "L1", whole("L1"))) is Written.CREATED


async def test_a_location_is_read_with_the_evses_of_the_same_moment(stores, monkeypatch):
    slow = loading._SQL["locations"].replace("select g.n,", "select pg_sleep(0.3)::text, g.n,")
    before, after = a_location(evses=2), a_location(evses=1, last_updated=T2)
    await stores[0].push(push("PUT", "LOC1", before))
    monkeypatch.setitem(loading._SQL, "locations", slow)
    putting = asyncio.ensure_future(stores[0].push(push("PUT", "LOC1", after)))
    await asyncio.sleep(0.15)  # the PUT ends while the PATCH is between frame and EVSEs
    patch = {"name": "New", "last_updated": "2026-01-03T00:00:00Z"}
    assert await stores[1].push(push("PATCH", "LOC1", patch)) is Written.UPDATED
    assert await putting is Written.UPDATED
    assert await shown(stores[0], "LOC1") == after | patch


async def test_a_push_that_breaks_the_hub_fails_alone(stores, monkeypatch):
    def broken(held, one):
        if one.ids == ("BAD",):
            raise ZeroDivisionError
        return apply(held, one)

    monkeypatch.setattr(holding, "apply", broken)
    names = ["L1", "L2", "L3", "BAD"]  # two batches of one, and the others together
    *good, bad = await asyncio.gather(
        *(stores[0].push(push("PUT", name, whole(name))) for name in names), return_exceptions=True
    )
    assert good == [Written.CREATED] * 3
    assert isinstance(bad, OcpiError)
    assert bad.code == Status.SERVER_ERROR


# How large a Location may grow, and writers of one Location in two processes


async def test_evses_that_come_one_by_one_fill_a_location_no_further_than_it_may(database):
    line = PostgresLine(database)
    stores = [PostgresStore(database, line, largest=40_000) for _ in range(2)]
    await stores[0].push(push("PUT", "L1", whole("L1")))
    answers = await asyncio.gather(
        *(
            store.push(push("PUT", f"L1/{name}{n}", evse(f"{name}{n}", floor_level="x" * 1500)))
            for n in range(20)
            for name, store in zip("ab", stores, strict=True)
        ),
        return_exceptions=True,
    )
    for store in stores:
        await store.close()
    refused = [one for one in answers if isinstance(one, InvalidParameter)]
    size = await database.value(
        "select octet_length(frame) + (select sum(octet_length(body)) from evse) from location"
    )
    assert len(refused) + answers.count(Written.CREATED) == 40
    assert refused
    assert 35_000 < size <= 40_000


def _told(changes):
    """What a receiver lists of LOC1 once it was told of these changes as they came."""
    uids = []
    for change in changes:
        if not change.key.part:
            uids = [one["uid"] for one in json.loads(change.message.body)["evses"]]
        elif change.message.method == "PUT" and change.key.part not in uids:
            uids.append(change.key.part)
    return uids


class _Paused:
    """Another process that stops between two statements of its transaction."""

    def __init__(self, monkeypatch, name):
        self.there, self.go = asyncio.Event(), asyncio.Event()
        waiting = getattr(loading, name)

        async def paused(*arguments):
            if not self.there.is_set():
                self.there.set()
                await self.go.wait()
            return await waiting(*arguments)

        monkeypatch.setattr(loading, name, paused)


@pytest.mark.parametrize(
    "case",
    [
        (("A", "B"), push("PUT", "LOC1/B", evse("B", at=T2, floor_level="1"))),
        (("A", "B"), push("PATCH", "LOC1/B", {"status": "BLOCKED", "last_updated": T2})),
        (("A",), push("PUT", "LOC1/B", evse("B", at=T2))),
    ],
    ids=["put", "patch", "new"],
)
@pytest.mark.parametrize("later", ["list", "evse"])
async def test_a_new_list_and_an_evse_at_the_same_time_leave_one_truth(
    stores, database, monkeypatch, case, later
):
    before, racing = case
    held = a_location() | {"evses": [evse(uid, connectors=[a_connector()]) for uid in before]}
    await stores[0].push(push("PUT", "LOC1", held))
    pause = _Paused(monkeypatch, "write")
    patch = push("PATCH", "LOC1", {"evses": held["evses"][:1], "name": "n", "last_updated": T2})
    first, second = (patch, racing) if later == "list" else (racing, patch)
    waiting = asyncio.ensure_future(stores[0].push(first))
    await pause.there.wait()
    assert await stores[1].push(second) in {Written.UPDATED, Written.CREATED}
    pause.go.set()
    assert await waiting in {Written.UPDATED, Written.CREATED}
    told = _told(await PostgresLine(database).after(ORIGIN, 10))
    assert [one["uid"] for one in (await shown(stores[0], "LOC1"))["evses"]] == told
