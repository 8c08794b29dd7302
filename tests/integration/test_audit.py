"""The audit trail on a real PostgreSQL."""

import asyncpg
import pytest

from ocpi_hub.storage.audit import PostgresAudit


async def test_entries_are_listed_newest_first_and_filtered(database):
    audit = PostgresAudit(database)
    for number in range(4):
        actor = "anna" if number % 2 else "ben"
        await audit.record(
            actor,
            "127.0.0.1",
            "platform:token:issued",
            f"p{number}",
            {"number": number, "é": [None]},
        )

    entries = await audit.list(None, 10, {})
    assert [entry.target for entry in entries] == ["p3", "p2", "p1", "p0"]
    assert entries[0].details == {"number": 3, "é": [None]}
    assert entries[0].at.tzinfo is not None
    assert [entry.target for entry in await audit.list(entries[1].id, 1, {})] == ["p1"]
    assert [entry.target for entry in await audit.list(None, 9, {"actor": "ben"})] == ["p2", "p0"]
    found = await audit.list(None, 9, {"action": "platform:token:issued", "target": "p1"})
    assert [entry.actor for entry in found] == ["anna"]
    assert await audit.list(None, 9, {"action": "x' or '1'='1"}) == []


async def test_an_unknown_filter_is_named(database):
    with pytest.raises(ValueError, match="colour"):
        await PostgresAudit(database).list(None, 10, {"colour": "red"})


@pytest.mark.parametrize(
    "attempt", ["update audit set actor = 'nobody'", "delete from audit", "truncate audit"]
)
async def test_the_database_refuses_to_change_the_trail(database, attempt):
    audit = PostgresAudit(database)
    await audit.record("anna", "127.0.0.1", "key:key:created", "k1", {})

    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await database.execute(attempt)

    assert len(await audit.list(None, 10, {})) == 1
