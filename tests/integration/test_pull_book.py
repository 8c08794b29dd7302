"""How far lists were read, on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.pull import Kind, State, Tally
from ocpi_hub.modules.store import Push
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, parse_datetime
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.objects import PostgresStore
from ocpi_hub.storage.pull import PostgresPulls
from tests.build import a_location, a_tariff, a_token

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
A, B = PlatformId("a"), PlatformId("b")
CPO, EMP = PartyRef("NL", "CPO"), PartyRef("DE", "EMP")


@pytest.fixture
async def book(database):
    for name in (A, B):
        await database.execute("insert into platform (id, name) values ($1, $1)", name)
    return PostgresPulls(database)


@pytest.fixture
async def store(database):
    line = PostgresLine(database)
    await line.start()
    store = PostgresStore(database, line)
    yield store
    await store.close()
    await line.close()


async def put(store, module, owner, value, *ids, method="PUT", path=""):
    body = codec.encode(value)
    at = parse_datetime(value["last_updated"])
    message = Message(method, path or "/".join(ids), body)
    return await store.push(Push(module, owner, ids, message, at, A, "c"))


async def test_a_list_is_admitted_once(book):
    await book.admit(A, "locations", AT)
    await book.admit(A, "locations", AT + HOUR)
    await book.admit(B, "tariffs", AT)
    assert await book.states([A]) == {(A, "locations"): State(next_at=AT)}


async def test_what_a_reading_came_to_is_kept(book):
    await book.admit(A, "locations", AT)
    await book.begun(A, "locations", AT)
    assert (await book.states([A]))[A, "locations"].begun_at == AT
    tally = Tally(Kind.ALL, AT, AT + HOUR, objects=7, bad=1)
    behind = State(next_at=AT + 6 * HOUR, synced_at=AT, full_at=AT)
    await book.ended(A, "locations", behind, tally)
    kept = (await book.states([A]))[A, "locations"]
    assert (kept.next_at, kept.synced_at, kept.full_at) == (AT + 6 * HOUR, AT, AT)
    assert (kept.owed, kept.failures, kept.begun_at) == (None, 0, None)
    assert kept.last["objects"] == 7
    assert kept.last["began_at"] == "2026-11-01T12:00:00+00:00"


async def test_who_asked_for_everything_gets_everything(book):
    await book.owe(A, ["locations", "tariffs"], Kind.ALL, AT)
    await book.owe(A, ["locations"], Kind.CHANGES, AT + HOUR)
    states = await book.states([A])
    assert states[A, "locations"] == State(next_at=AT + HOUR, owed=Kind.ALL)
    assert states[A, "tariffs"] == State(next_at=AT, owed=Kind.ALL)


async def test_what_is_asked_for_while_a_reading_runs_comes_after_it(book):
    await book.admit(A, "locations", AT)
    await book.begun(A, "locations", AT)
    await book.owe(A, ["locations"], Kind.ALL, AT + HOUR)
    behind = State(next_at=AT + 9 * HOUR, synced_at=AT)
    await book.ended(A, "locations", behind, Tally(Kind.CHANGES, AT))
    kept = (await book.states([A]))[A, "locations"]
    assert (kept.owed, kept.next_at, kept.synced_at) == (Kind.ALL, AT + HOUR, AT)


async def test_locations_are_held_at_the_place_of_their_last_change(book, store):
    await put(store, "locations", CPO, a_location(id="Loc1"), "Loc1")
    await put(store, "locations", EMP, a_location(id="Loc1"), "Loc1")
    [before] = await book.held("locations", [CPO])
    assert before.key == ObjectKey("locations", "NL", "CPO", "LOC1")
    assert (before.owner, before.ids) == (CPO, ("Loc1",))
    change = {"status": "CHARGING", "last_updated": "2026-02-01T00:00:00Z"}
    await put(store, "locations", CPO, change, "Loc1", "E1", method="PATCH")
    [behind] = await book.held("locations", [CPO])
    assert behind.place > before.place
    assert len(await book.held("locations", [CPO, EMP])) == 2
    assert await book.held("locations", []) == []


async def test_tariffs_and_tokens_are_held_by_their_ids_until_they_are_deleted(book, store):
    await put(store, "tariffs", CPO, a_tariff(id="T1"), "T1")
    token = a_token(uid="u1", type="APP_USER")
    await put(store, "tokens", EMP, token, "u1", "APP_USER", path="u1?type=APP_USER")
    [tariff] = await book.held("tariffs", [CPO])
    assert (tariff.key, tariff.ids) == (ObjectKey("tariffs", "NL", "CPO", "T1"), ("T1",))
    [held] = await book.held("tokens", [EMP, CPO])
    assert held.key == ObjectKey("tokens", "DE", "EMP", "U1", "APP_USER")
    assert held.ids == ("u1", "APP_USER")
    gone = Push("tariffs", CPO, ("T1",), Message("DELETE", "T1", b""), None, A, "c")
    await store.push(gone)
    assert await book.held("tariffs", [CPO]) == []
