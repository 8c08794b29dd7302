"""Lanes: how many calls are in flight, to one partner and in all, so that nobody starves others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from ocpi_hub.routing.directory import PlatformId

_FREE: Final = nullcontext()


class Full(Exception):
    """No lane came free in time."""


class Lanes:
    """`each`: lanes of one platform; `total`: lanes in all."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = asyncio.Semaphore(total)
        self._own: dict[PlatformId, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def hold(self, platform: PlatformId | None, wait_s: float) -> AsyncIterator[None]:
        """Hold a lane of the platform (None: only one of the total), waiting at most `wait_s`.

        Raises Full.
        """
        wanted = [self._total] if platform is None else [self._lanes_of(platform), self._total]
        taken: list[asyncio.Semaphore] = []
        try:
            await _take(wanted, taken, wait_s)
            yield
        finally:
            for lane in taken:
                lane.release()

    def _lanes_of(self, platform: PlatformId) -> asyncio.Semaphore:
        return self._own.setdefault(platform, asyncio.Semaphore(self._each))


async def _take(
    wanted: list[asyncio.Semaphore], taken: list[asyncio.Semaphore], wait_s: float
) -> None:
    """Take all of them; a free lane costs no timer."""
    try:
        async with asyncio.timeout(wait_s) if any(lane.locked() for lane in wanted) else _FREE:
            for lane in wanted:
                await lane.acquire()
                taken.append(lane)
    except TimeoutError:
        raise Full from None
