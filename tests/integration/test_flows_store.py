"""Stand-ins and the memory in the database: durable, bounded, and gone after their time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest

from ocpi_hub.modules.callbacks import Callback
from ocpi_hub.modules.memory import Fact, Kind
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage import memory as memory_room
from ocpi_hub.storage.callbacks import PostgresCallbacks
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.memory import PostgresMemory

CPO, EMSP = PartyRef("NL", "CPO"), PartyRef("de", "eM1")
LATER = datetime.now(UTC) + timedelta(hours=1)
ONE = Callback(
    "u1", "https://m.example/1?a=b%2Fc", "commands", "START_SESSION", EMSP, PlatformId("e"), CPO,
    PlatformId("c"), "c1", LATER,
)  # fmt: skip
SESSION = Fact(Kind.SESSION, "S1", CPO, EMSP)


@pytest.fixture
async def callbacks(database: Database) -> AsyncIterator[PostgresCallbacks]:
    opened = await PostgresCallbacks.open(database)
    yield opened
    await opened.close()


@pytest.fixture
async def memory(database: Database) -> AsyncIterator[PostgresMemory]:
    opened = PostgresMemory(database)
    yield opened
    await opened.close()


@pytest.mark.obligation("ROUT-606")
async def test_what_is_kept_is_found_as_it_was(callbacks: PostgresCallbacks) -> None:
    many = [replace(ONE, uid=f"u{number}") for number in range(50)]
    await asyncio.gather(*map(callbacks.keep, many))
    assert await callbacks.find("u1") == ONE
    assert str((await callbacks.find("u49") or ONE).requester) == "de-eM1"
    assert await callbacks.find("U1") is None


async def test_a_life_grows_and_never_shrinks(callbacks: PostgresCallbacks) -> None:
    await callbacks.keep(ONE)
    for until in (LATER + timedelta(days=9), LATER):
        await callbacks.prolong("u1", until)
        found = await callbacks.find("u1")
        assert found is not None
        assert found.expires == LATER + timedelta(days=9)


async def test_what_expired_a_day_ago_is_deleted_and_nothing_else(
    callbacks: PostgresCallbacks, database: Database
) -> None:
    for uid, hours in (("old", -25), ("late", -23), ("fresh", 1)):
        await callbacks.keep(replace(ONE, uid=uid, expires=LATER + timedelta(hours=hours - 1)))
    await callbacks.expire()
    rows = await database.fetch("select uid from callback order by uid")
    assert [row["uid"] for row in rows] == ["fresh", "late"]


async def test_without_database_nothing_is_promised(database: Database) -> None:
    callbacks = PostgresCallbacks(database)
    await database.execute("alter table callback rename to gone")
    with pytest.raises(OcpiError, match="try again"):
        await callbacks.keep(ONE)
    await callbacks.prolong("u1", LATER)  # what was promised meanwhile stays as it was
    await callbacks.close()


@pytest.mark.obligation("ROUT-110")
async def test_a_fact_is_known_at_once_and_stored_soon(
    memory: PostgresMemory, database: Database
) -> None:
    memory.learn(SESSION)
    assert await memory.recall(Kind.SESSION, "s1") == [SESSION]
    assert await memory.recall(Kind.RESERVATION, "S1") == []
    await memory.flush()
    (found,) = await PostgresMemory(database).recall(Kind.SESSION, "s1")
    assert (found.owner, found.partner, str(found.partner)) == (CPO, EMSP, "de-eM1")


async def test_a_newer_fact_replaces_an_older_one_unless_partners_share_the_id(
    memory: PostgresMemory,
) -> None:
    other = PartyRef("FR", "EM2")
    for kind, partners in ((Kind.SESSION, {other}), (Kind.RESERVATION, {EMSP, other})):
        for partner in (EMSP, other):
            memory.learn(Fact(kind, "X", CPO, partner))
            await memory.flush()
        assert {fact.partner for fact in await memory.recall(kind, "X")} == partners


async def test_candidates_of_other_processes_count(
    memory: PostgresMemory, database: Database
) -> None:
    elsewhere = PostgresMemory(database)
    elsewhere.learn(replace(SESSION, owner=PartyRef("BE", "CP2")))
    await elsewhere.flush()
    memory.learn(SESSION)
    assert len(await memory.recall(Kind.SESSION, "S1")) == 2


async def test_what_is_written_while_somebody_asks_is_not_missed(
    memory: PostgresMemory, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    ask = database.fetch

    async def ask_slowly(*question: Any) -> Any:
        rows = await ask(*question)
        await memory.flush()
        return rows

    memory.learn(SESSION)
    monkeypatch.setattr(database, "fetch", ask_slowly)
    assert await memory.recall(Kind.SESSION, "S1") == [SESSION]


async def test_an_id_that_no_index_takes_keeps_nothing_else_from_being_written(
    memory: PostgresMemory, database: Database
) -> None:
    odd = "".join(sha256(b"%d" % part).hexdigest() for part in range(100))
    memory.learn(replace(SESSION, id=odd))
    memory.learn(SESSION)
    await memory.flush()
    assert await database.value("select array_agg(id) from memory") == ["S1"]


async def test_what_was_written_a_moment_ago_is_not_written_again(
    memory: PostgresMemory, database: Database
) -> None:
    memory.learn(SESSION)
    await memory.flush()
    await database.execute("update memory set seen_at = now() - interval '1 hour'")
    memory.learn(SESSION)
    await memory.flush()
    assert await database.value("select now() - seen_at > interval '30 minutes' from memory")


async def test_facts_wait_for_the_database_in_a_bounded_number(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_room, "QUEUE", 3)
    memory = PostgresMemory(database)
    await database.execute("alter table memory rename to gone")
    for number in range(9):
        memory.learn(replace(SESSION, id=f"S{number}"))
    with pytest.raises(asyncpg.UndefinedTableError):
        await memory.flush()
    await database.execute("alter table gone rename to memory")
    await memory.flush()
    assert await database.value("select count(*) from memory") == 3


async def test_the_memory_is_bounded_in_age_and_number(database: Database) -> None:
    memory = PostgresMemory(database, most=4)
    for number in range(8):
        memory.learn(replace(SESSION, id=f"S{number}"))
    await memory.flush()
    await database.execute(
        "update memory set seen_at = now() - make_interval(days => 13 * substr(id, 2)::int)"
    )
    await database.execute("analyze memory")
    await memory.forget()
    rows = await database.fetch("select id from memory order by id")
    assert [row["id"] for row in rows] == ["S0", "S1", "S2", "S3"]
