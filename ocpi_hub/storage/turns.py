"""Turns: a few at a time, so that who reads long lists takes no connections from the others.

A page far behind, or of a wide window, takes the database a second where a million objects are
held; one partner may have a hundred such requests in work.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from ocpi_hub.ocpi.status import OcpiError, Status

WAIT_S: Final = 8.0  # less than partners wait for an answer


class Turns:
    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While one reads; OcpiError (SERVER_ERROR) when too many were there before."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                await self._places.acquire()
        except TimeoutError:
            text = "the hub is asked for too many lists at once, try again"
            raise OcpiError(text, Status.SERVER_ERROR) from None
