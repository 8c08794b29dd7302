"""Lanes bound what is in flight, and are always given back."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ocpi_hub.delivery.lanes import Full, Lanes


@asynccontextmanager
async def taken(lanes, platform, wait_s):
    await lanes.take(platform, wait_s)
    try:
        yield
    finally:
        lanes.give(platform)


async def hold(lanes, platform, wait_s, free):
    async with taken(lanes, platform, wait_s):
        await free.wait()


async def started(*work):
    tasks = [asyncio.ensure_future(one) for one in work]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_one_platform_cannot_take_more_than_its_own():
    lanes, free = Lanes(each=2, total=10), asyncio.Event()
    tasks = await started(*(hold(lanes, "a", 5, free) for _ in range(2)))
    with pytest.raises(Full):
        async with taken(lanes, "a", 0.01):
            pass
    async with taken(lanes, "b", 0.01):
        free.set()
    await asyncio.gather(*tasks)
    async with taken(lanes, "a", 0.01), taken(lanes, "a", 0.01):
        pass


async def test_the_total_holds_for_all_and_a_failed_wait_takes_nothing():
    lanes, free = Lanes(each=2, total=3), asyncio.Event()
    tasks = await started(
        hold(lanes, "a", 5, free), hold(lanes, "b", 5, free), hold(lanes, None, 5, free)
    )
    for platform in ("a", "c", None):
        with pytest.raises(Full):
            async with taken(lanes, platform, 0.01):
                pass
    free.set()
    await asyncio.gather(*tasks)
    async with taken(lanes, "a", 0.01), taken(lanes, "a", 0.01), taken(lanes, None, 0.01):
        pass


async def test_a_waiter_gets_the_lane_that_comes_free():
    lanes, free = Lanes(each=1, total=1), asyncio.Event()
    tasks = await started(hold(lanes, "a", 5, free), hold(lanes, "a", 5, free))
    assert not tasks[1].done()
    free.set()
    await asyncio.gather(*tasks)


async def test_a_cancelled_waiter_leaves_nothing_behind():
    lanes, free = Lanes(each=1, total=1), asyncio.Event()
    tasks = await started(hold(lanes, "a", 5, free), hold(lanes, "a", 5, free))
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    free.set()
    await tasks[0]
    async with taken(lanes, "a", 0.01):
        pass


async def test_an_error_inside_gives_the_lane_back():
    lanes = Lanes(each=1, total=1)
    with pytest.raises(ZeroDivisionError):
        async with taken(lanes, "a", 1):
            raise ZeroDivisionError
    async with taken(lanes, "a", 0.01):
        pass


async def test_a_time_out_of_the_work_itself_is_not_a_full_lane():
    lanes = Lanes(each=1, total=1)
    with pytest.raises(TimeoutError):
        async with taken(lanes, "a", 1):
            raise TimeoutError
