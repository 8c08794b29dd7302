"""Migrations on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from ocpi_hub.storage.database import Database, UnusableDatabase, refuse_old
from ocpi_hub.storage.migrate import Migration, migrate, migrations, pending

ONE = Migration(1, "one", "create table one (id int)")
TWO = Migration(2, "two", "create table two (id int); insert into two values (1)")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {row[0] for row in rows}
    finally:
        await connection.close()


async def test_migrations_are_applied_once_in_order(empty_database_url):
    assert list(await migrate(empty_database_url, [ONE])) == [ONE]
    assert list(await migrate(empty_database_url, [ONE, TWO])) == [TWO]
    assert list(await migrate(empty_database_url, [ONE, TWO])) == []

    connection = await asyncpg.connect(empty_database_url)
    rows = await connection.fetch("select number, name, sha256 from migration order by number")
    assert [tuple(row) for row in rows] == [(1, "one", ONE.sha256), (2, "two", TWO.sha256)]
    assert await pending(connection, [ONE, TWO, replace(TWO, number=3)]) != []
    await connection.close()


async def test_all_of_the_programs_migrations_apply_to_an_empty_database(empty_database_url):
    ours = migrations()
    assert list(await migrate(empty_database_url)) == list(ours)
    assert {"platform", "hosted_role", "token", "receiver", "api_key", "audit", "hop"} <= (
        await tables(empty_database_url)
    )


async def test_several_processes_may_start_at_once(empty_database_url):
    applied = await asyncio.gather(*(migrate(empty_database_url, [ONE, TWO]) for _ in range(4)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, 2]


async def test_a_migration_that_fails_leaves_no_trace(empty_database_url):
    broken = Migration(2, "broken", "create table half (id int); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, [ONE, broken])

    assert await tables(empty_database_url) == {"migration", "one"}
    assert list(await migrate(empty_database_url, [ONE, TWO])) == [TWO]


async def test_a_database_that_is_newer_than_the_program_is_refused(empty_database_url):
    await migrate(empty_database_url, [ONE, TWO])
    with pytest.raises(UnusableDatabase, match=r"newer than this program.*0002_two"):
        await migrate(empty_database_url, [ONE])


async def test_a_migration_that_was_changed_afterwards_is_refused(empty_database_url):
    await migrate(empty_database_url, [ONE])
    changed = replace(ONE, sql="create table one (id bigint)")
    with pytest.raises(UnusableDatabase, match="0001_one was changed"):
        await migrate(empty_database_url, [changed, TWO])
    assert "two" not in await tables(empty_database_url)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["1_short.sql"], "NNNN_name"),
        (["0001_Big.sql"], "NNNN_name"),
        (["0001_a.sql", "0001_b.sql"], "used twice"),
        ([], "installation is incomplete"),
    ],
)
def test_a_folder_that_cannot_be_one_of_migrations_is_refused(tmp_path: Path, names, complaint):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=complaint):
        migrations(tmp_path)


class Old:
    """A connection to an old server, as far as it is asked."""

    def get_server_version(self):
        return asyncpg.types.ServerVersion(14, 11, 0, "final", 0)


def test_an_old_server_is_refused_with_its_version():
    with pytest.raises(UnusableDatabase, match=r"PostgreSQL 14\.11 is too old: 15 or newer"):
        refuse_old(Old())


async def test_the_database_opened_by_tests_is_migrated(database: Database):
    async with database.acquire() as connection:
        assert await pending(connection, migrations()) == ()
