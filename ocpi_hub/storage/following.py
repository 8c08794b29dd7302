"""What is kept in memory and follows the database.

Each subject has a version number in the database that grows with every change, in the same
transaction. A follower reloads when the number moved: on a notification, or at the next look a
second later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.storage.database import LOST, Database
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

LATEST_S = 1.0

Load = Callable[[Connection, int], Awaitable[None]]


class Following:
    """Calls `load(connection, number)` in a read-only snapshot whenever `subject` changed."""

    def __init__(self, database: Database, subject: str, load: Load) -> None:
        self._database = database
        self._subject = subject
        self._load = load
        self._sql = queries(__file__)
        self._one = asyncio.Lock()
        self._tasks = Tasks()
        self._number = -1
        self._looking = asyncio.Lock()
        self._asked = self._answered = 0

    async def start(self) -> None:
        """Load once, then follow until `close`."""
        await self.refresh()
        self._task = self._tasks.keep(f"storage.follow_{self._subject}", self._follow)

    async def close(self) -> None:
        await self._tasks.close()

    async def lock(self, connection: Connection) -> None:
        """First step of a transaction that changes the subject: writers take turns."""
        await connection.execute(self._sql["lock"], self._subject)

    async def changed(self, connection: Connection) -> None:
        """Last step of every transaction that changes the subject."""
        await connection.execute(self._sql["changed"], self._subject)

    async def refresh(self) -> None:
        """Load when the number moved; what was committed before is in memory afterwards."""
        async with (
            self._one,
            self._database.transaction(isolation="repeatable_read", readonly=True) as connection,
        ):
            number = await connection.fetchval(self._sql["number"], self._subject)
            if number != self._number:
                await self._load(connection, number)
                self._number = number

    async def latest(self) -> None:
        """As `refresh`, for those who found something missing; many share one look.

        Nothing happens when the database does not answer within a second.
        """
        self._asked += 1
        mine = self._asked
        with suppress(*LOST):
            async with asyncio.timeout(LATEST_S), self._looking:
                if self._answered < mine:
                    self._answered = self._asked
                    await self._look()

    async def _follow(self) -> None:
        async for _ in self._database.listen(self._subject):
            await self._look()

    async def _look(self) -> None:
        if await self._database.value(self._sql["number"], self._subject) != self._number:
            await self.refresh()
