"""Duties go on whatever happens, until they are cancelled."""

import asyncio

from ocpi_hub.ops.tasks import Tasks


async def test_a_duty_that_fails_is_begun_again() -> None:
    begun = asyncio.Queue[int]()

    async def duty() -> None:
        begun.put_nowait(1)
        raise ConnectionError

    tasks = Tasks()
    _ = tasks.keep("duty", duty, pause_s=0)
    async with asyncio.timeout(5):
        for _ in range(3):
            await begun.get()
    await tasks.close()


async def test_a_duty_whose_library_hides_its_cancellation_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def duty() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise TimeoutError from None

    tasks = Tasks()
    kept = tasks.keep("duty", duty, pause_s=0)
    await begun.wait()
    await tasks.close(grace_s=5)
    assert kept.done()
