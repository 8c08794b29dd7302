"""The pool, transactions and notifications on a real PostgreSQL."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest

from ocpi_hub.storage.database import LOST, Database


async def kill(psql, name: str) -> None:
    """End every session of one application, as a restart of the server would."""
    query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like "
    await asyncio.to_thread(psql, f"{query} '{name}'")


async def test_a_transaction_is_committed_or_rolled_back_as_a_whole(database):
    await database.execute("create table kept (id int)")
    async with database.transaction() as connection:
        await connection.execute("insert into kept values (1)")
    with pytest.raises(asyncpg.DivisionByZeroError):  # noqa: PT012 - the transaction is the point
        async with database.transaction() as connection:
            await connection.execute("insert into kept values (2)")
            await connection.execute("select 1 / 0")

    assert [row["id"] for row in await database.fetch("select id from kept")] == [1]
    assert await database.row("select id from kept where id = 2") is None
    assert await database.value("select id from kept where id = 2") is None


async def test_more_callers_than_connections_are_all_served(database):
    answers = await asyncio.gather(
        *(database.value("select $1::int + 1", number) for number in range(100))
    )
    assert answers == list(range(1, 101))


async def test_a_cancelled_transaction_leaves_a_usable_connection(database_url):
    database = await Database.open(database_url, size=1)
    begun = asyncio.Event()

    async def work() -> None:
        async with database.transaction() as connection:
            await connection.execute("create table half (id int)")
            begun.set()
            await connection.execute("select pg_sleep(30)")

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await database.value("select to_regclass('half')") is None
    await database.close()


async def test_every_session_has_limits_and_a_name(database):
    limits = {
        name: await database.value(f"show {name}")
        for name in (
            "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
            "application_name",
        )
    }  # fmt: skip
    assert limits == {
        "statement_timeout": "9s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "15s",
        "application_name": "ocpi-hub",
    }


async def test_documents_come_back_as_they_went_in(database):
    value = {"name": "é", "list": [1, None, True]}
    assert await database.value("select $1::jsonb", value) == value
    assert await database.value("select $1::jsonb ->> 'name'", value) == "é"


async def test_reads_survive_the_loss_of_every_connection(database_url, psql):
    database = await Database.open(database_url, size=2, name="victim")
    assert await database.value("select 1") == 1
    await kill(psql, "victim%")
    assert await database.value("select 1") == 1
    await database.close()


async def test_a_write_on_a_lost_connection_is_never_repeated(database_url, psql):
    database = await Database.open(database_url, size=1, name="writer")
    await database.execute("create table written (id int)")
    async with database.acquire() as connection:
        await kill(psql, "writer")
        with pytest.raises(LOST):
            await connection.execute("insert into written values (1)")
    assert await database.value("select count(*) from written") == 0
    await database.close()


async def test_listeners_hear_of_commits_and_only_of_their_channel(database, until):
    heard: list[str] = []

    async def listen(channel: str) -> None:
        async for _ in database.listen(channel, every_s=60):
            heard.extend([channel])

    tasks = [asyncio.ensure_future(listen(channel)) for channel in ("one", "two")]
    await until(lambda: len(heard) == 2)  # each is woken once when it is connected
    heard.clear()
    await database.execute("notify one")
    await until(lambda: len(heard) == 1)
    await database.execute("notify two")
    await until(lambda: len(heard) == 2)
    assert heard == ["one", "two"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_listener_is_woken_now_and_then_without_any_notification(database):
    wakes = database.listen("silence", every_s=0.05)
    async with asyncio.timeout(10):
        for _ in range(4):
            await anext(wakes)
    await wakes.aclose()


async def test_a_listener_connects_again_and_is_told_that_it_may_have_missed_something(
    database_url, psql
):
    database = await Database.open(database_url, name="hearer")
    wakes = database.listen("news", every_s=60)
    async with asyncio.timeout(20):
        await anext(wakes)
        await kill(psql, "hearer listener")
        await anext(wakes)
        await database.execute("notify news")
        await anext(wakes)
    await wakes.aclose()
    await database.close()


async def test_nobody_waits_for_a_connection_for_ever(database, monkeypatch):
    monkeypatch.setattr("ocpi_hub.storage.pool.ACQUIRE_S", 0.05)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(database.acquire())
        waiting = [asyncio.ensure_future(database.execute("select 1")) for _ in range(3)]
        done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in done] == [TimeoutError] * 3
    assert await database.value("select 1") == 1
