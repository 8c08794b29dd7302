"""Background tasks: started by name, referenced until done, their failure logged."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("ops")


class Tasks:
    """The tasks of one process. `close` cancels what still runs and waits for its end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(
        self, name: str, work: Callable[[], Awaitable[None]], pause_s: float = 1.0
    ) -> asyncio.Task[Any]:
        """Run `work` for ever: an error is logged and after `pause_s` it starts again."""
        return self.spawn(name, _forever(name, work, pause_s))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("ops.task_failed", task=task.get_name(), error=repr(error))

    async def close(self, grace_s: float = 5.0) -> None:
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=grace_s)


async def _forever(name: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a duty must survive every fault of its surroundings
            log.warning("ops.duty_failed", duty=name, error=repr(error))
        if (task := asyncio.current_task()) is not None and task.cancelling():
            return  # some libraries turn a cancellation into an error of theirs
        await asyncio.sleep(pause_s)
