"""Lanes: how many calls are in flight, to one partner and in all, so that nobody starves others."""

import asyncio

from ocpi_hub.routing.directory import PlatformId


class Full(Exception):
    """No lane came free in time."""


class Lanes:
    """`each`: lanes of one platform; `total`: lanes in all. Who took one gives it back."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = asyncio.Semaphore(total)
        self._own: dict[PlatformId, asyncio.Semaphore] = {}

    async def take(self, platform: PlatformId | None, wait_s: float) -> None:
        """Take a lane of the platform (None: only one of the total), waiting at most `wait_s`.

        Raises Full. A free lane costs no timer.
        """
        if not self._total.locked() and (platform is None or not self._lanes_of(platform).locked()):
            await self._acquire(platform)
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._acquire(platform)
        except TimeoutError:
            raise Full from None

    def give(self, platform: PlatformId | None) -> None:
        """Give back what `take` took for the same platform."""
        self._total.release()
        if platform is not None:
            self._lanes_of(platform).release()

    async def _acquire(self, platform: PlatformId | None) -> None:
        if platform is None:
            await self._total.acquire()
            return
        own = self._lanes_of(platform)
        await own.acquire()
        try:
            await self._total.acquire()
        except asyncio.CancelledError:
            own.release()
            raise

    def _lanes_of(self, platform: PlatformId) -> asyncio.Semaphore:
        if platform not in self._own:
            self._own[platform] = asyncio.Semaphore(self._each)
        return self._own[platform]
