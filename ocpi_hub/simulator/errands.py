"""Errands: what a simulated platform does after it has answered, such as sending a result."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any


class Errands:
    """Tasks that end with their platform. `failed` keeps the last errors, for nobody waits."""

    def __init__(self) -> None:
        self.failed: deque[BaseException] = deque(maxlen=100)
        self._running: set[asyncio.Task[None]] = set()

    def send(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def settle(self) -> None:
        """Wait until all that were sent are back, and those sent by them."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await self.settle()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed.append(error)
