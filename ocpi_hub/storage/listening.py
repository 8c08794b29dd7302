"""LISTEN on one connection of its own, for all who want to be woken."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ocpi_hub.ops.tasks import Tasks

RECONNECT_S = 0.5
CHECK_S = 10.0  # a silent connection is asked whether it still lives


class Listening:
    """Wakes subscribers of channels; reconnects for ever. `connect` opens one connection."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._tasks = Tasks()
        self._holding: asyncio.Task[None] | None = None
        self._subscribers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._news = asyncio.Event()

    async def wakes(self, channel: str, every_s: float) -> AsyncIterator[None]:
        """See `Database.listen`."""
        event = asyncio.Event()
        self._subscribers[channel].add(event)
        self._hold()
        try:
            while True:
                try:
                    async with asyncio.timeout(every_s):
                        await event.wait()
                except TimeoutError:
                    pass
                event.clear()
                yield
        finally:
            self._subscribers[channel].discard(event)

    async def close(self) -> None:
        await self._tasks.close()

    def _hold(self) -> None:
        """Start the connection with the first subscriber; tell it of later ones."""
        self._news.set()
        if self._holding is None:
            self._holding = self._tasks.keep("storage.listen", self._listen, RECONNECT_S)

    async def _listen(self) -> None:
        """One life of the connection: returns or raises when it is lost."""
        connection = await self._connect()
        connection.add_termination_listener(lambda _: self._news.set())
        heard: set[str] = set()
        try:
            while not connection.is_closed():
                self._news.clear()
                for channel in set(self._subscribers) - heard:
                    await connection.add_listener(channel, self._notified)
                    heard.add(channel)
                    self._wake(channel)  # what came before was missed
                await self._quiet(connection)
        finally:
            connection.terminate()

    async def _quiet(self, connection: Any) -> None:
        try:
            async with asyncio.timeout(CHECK_S):
                await self._news.wait()
        except TimeoutError:
            await connection.execute("select 1")

    def _notified(self, _: Any, __: int, channel: str, ___: str) -> None:
        self._wake(channel)

    def _wake(self, channel: str) -> None:
        for event in self._subscribers[channel]:
            event.set()
