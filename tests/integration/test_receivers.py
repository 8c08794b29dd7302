"""Leases and cursors on a real PostgreSQL."""

import asyncio

import pytest

from ocpi_hub.modules.line import Place
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.receivers import PostgresReceivers, free_all

SHORT_S = 0.5  # of the database's clock
A, B = PlatformId("a"), PlatformId("b")


@pytest.fixture
async def connect(database: Database):
    """Make registered platforms."""

    async def make(*names: str) -> None:
        for name in names:
            await database.execute(
                "insert into platform (id, name, registered, outgoing_token)"
                " values ($1, $1, true, '')",
                name,
            )

    return make


def names(held) -> list[str]:
    return [receiver.platform for receiver in held]


async def expire(database: Database, process: str) -> None:
    """Let time pass for one process, without waiting."""
    await database.execute(
        "update receiver set until = now() - interval '1 second' where process = $1", process
    )
    await database.execute(
        "update process set seen_at = now() - interval '1 minute' where id = $1", process
    )


async def test_one_process_holds_all_registered_platforms_from_the_head_on(database, connect):
    await connect("a", "b")
    await database.execute("insert into platform (id, name) values ('c', 'not registered')")
    receivers = PostgresReceivers(database, "p1")

    held = await receivers.claim()

    assert names(held) == ["a", "b"]
    head = await receivers.skip_to_end(A)
    assert all(receiver.cursor <= head for receiver in held)
    assert await receivers.claim() == [
        type(held[0])(A, head),
        held[1],
    ]


async def test_two_processes_share_fairly_and_never_hold_the_same(database, connect):
    await connect("a", "b", "c", "d", "e")
    first, second = PostgresReceivers(database, "p1"), PostgresReceivers(database, "p2")
    assert len(await first.claim()) == 5
    assert await second.claim() == []

    mine = names(await first.claim())
    theirs = names(await second.claim())

    assert len(mine) == 3
    assert sorted(mine + theirs) == ["a", "b", "c", "d", "e"]
    assert names(await first.claim()) == mine


async def test_many_processes_claiming_at_once_hold_everything_exactly_once(database, connect):
    await connect(*"abcdefgh")
    processes = [PostgresReceivers(database, f"p{number}") for number in range(4)]
    for _ in range(3):
        held = await asyncio.gather(*(process.claim() for process in processes))
    everything = [name for share in held for name in names(share)]
    assert sorted(everything) == list("abcdefgh")
    assert {len(share) for share in held} == {2}


async def test_the_receivers_of_a_dead_process_are_taken_over_where_it_stopped(database, connect):
    await connect("a", "b")
    dead, alive = PostgresReceivers(database, "dead"), PostgresReceivers(database, "alive")
    await dead.claim()
    place = await dead.skip_to_end(A)
    assert await alive.claim() == []

    await expire(database, "dead")
    held = await alive.claim()

    assert names(held) == ["a", "b"]
    assert held[0].cursor == place
    assert await database.value("select count(*) from process") == 1


async def test_a_process_that_lost_its_lease_cannot_move_the_cursor(database, connect):
    await connect("a")
    late, quick = PostgresReceivers(database, "late"), PostgresReceivers(database, "quick")
    await late.claim()
    await expire(database, "late")
    far = Place(2**60, 1)

    await late.save({A: far})
    [held] = await quick.claim()
    await late.save({A: far})

    assert held.cursor < far
    assert await quick.claim() == [held]
    assert await late.claim() == []


async def test_a_cursor_never_goes_backwards(database, connect):
    await connect("a", "b")
    receivers = PostgresReceivers(database, "p1")
    await receivers.claim()
    await receivers.save({A: Place(2**60, 7), B: Place(2**60, 7)})

    await receivers.save({A: Place(2**60, 6), B: Place(2**60 + 1, 1)})
    await receivers.save({})

    cursors = [receiver.cursor for receiver in await receivers.claim()]
    assert cursors == [Place(2**60, 7), Place(2**60 + 1, 1)]


@pytest.mark.obligation("ROUT-227")
async def test_the_end_of_the_line_is_before_every_running_writer(database, connect):
    await connect("a")
    receivers = PostgresReceivers(database, "p1")
    await receivers.claim()
    async with database.transaction() as writer:
        x = await writer.fetchval("select pg_current_xact_id()::text::bigint")
        during = await receivers.skip_to_end(A)
        assert during < Place(x, 0)
    after = await receivers.skip_to_end(A)
    assert after > Place(x, 2**62)


async def test_what_is_released_is_free_at_once(database, connect):
    await connect("a", "b")
    first, second = PostgresReceivers(database, "p1"), PostgresReceivers(database, "p2")
    await first.claim()

    await first.release()

    assert names(await second.claim()) == ["a", "b"]


async def test_a_lease_runs_out_by_the_databases_clock(database, connect):
    await connect("a")
    dead = PostgresReceivers(database, "dead", lease_s=SHORT_S)
    alive = PostgresReceivers(database, "alive", lease_s=SHORT_S)
    await dead.claim()
    assert await alive.claim() == []
    await database.value("select pg_sleep(0.6)")
    assert names(await alive.claim()) == ["a"]


async def test_after_a_crash_of_all_nobody_waits_for_the_leases_of_the_dead(database, connect):
    await connect("a", "b")
    await PostgresReceivers(database, "dead").claim()
    alone = PostgresReceivers(database, "alone")
    assert names(await alone.claim()) == []
    await free_all(database.url)
    assert names(await alone.claim()) == ["a", "b"]
