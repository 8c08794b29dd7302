"""Group commit: many edits share one transaction, each caller is answered after its commit.

An edit on its own starts at once; while batches are in flight others gather and go together.
Edits with the same key keep their order and never are in two batches at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.ops.tasks import Tasks

log = structlog.get_logger("storage")

BATCH = 200
IN_FLIGHT = 2  # 1.7 to 2 times the rate of one; more gain nothing
QUEUE = 10_000
DEADLINE_S = 5.0

E = TypeVar("E")
R = TypeVar("R")


@dataclass(slots=True)
class _Waiting(Generic[E, R]):
    key: Hashable
    edit: E
    answer: "asyncio.Future[R]"


class Writer(Generic[E, R]):
    """`commit` applies a batch durably and gives for each edit its result or its own failure.

    When `commit` itself raises, every edit of the batch fails with SERVER_ERROR.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[E]], Awaitable[Sequence[R | OcpiError]]],
        key: Callable[[E], Hashable],
        *,
        batch: int = BATCH,
        queue: int = QUEUE,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._commit = commit
        self._key = key
        self._batch = batch
        self._queue = queue
        self._deadline_s = deadline_s
        self._waiting: deque[_Waiting[E, R]] = deque()
        self._busy: set[Hashable] = set()
        self._free = IN_FLIGHT
        self._tasks = Tasks()
        self._batches: set[asyncio.Task[None]] = set()
        self._failing = False
        self._closed = False

    async def write(self, edit: E) -> R:
        """Wait until the edit is durable.

        Raises the edit's own OcpiError, or SERVER_ERROR when the queue is full, when the database
        cannot be reached, or when it took too long (then the edit may or may not be stored).
        """
        if self._closed or len(self._waiting) >= self._queue:
            raise OcpiError("the hub's store is overloaded, try again", Status.SERVER_ERROR)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        deadline = loop.call_later(self._deadline_s, _answer, answer, _late())
        self._waiting.append(_Waiting(self._key(edit), edit, answer))
        self._start()
        try:
            return await answer
        finally:
            deadline.cancel()

    async def close(self, grace_s: float = DEADLINE_S) -> None:
        """Take nothing new, let what is in hand finish."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._batches:
                    await asyncio.wait(self._batches)
        await self._tasks.close(grace_s)

    def _start(self) -> None:
        while self._free and (batch := self._take()):
            self._free -= 1
            self._busy.update(one.key for one in batch)
            task = self._tasks.spawn("storage.commit", self._run(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    def _take(self) -> list[_Waiting[E, R]]:
        """The oldest edits whose keys are in no batch; the others stay, in order."""
        batch: list[_Waiting[E, R]] = []
        left: list[_Waiting[E, R]] = []
        while self._waiting and len(batch) < self._batch:
            one = self._waiting.popleft()
            if not one.answer.done():  # its caller gave up otherwise
                (left if one.key in self._busy else batch).append(one)
        self._waiting.extendleft(reversed(left))
        return batch

    async def _run(self, batch: list[_Waiting[E, R]]) -> None:
        try:
            results = await self._commit([one.edit for one in batch])
            self._note(None)
        except Exception as error:  # noqa: BLE001 - whatever happened, every caller gets an answer
            self._note(error)
            failure = OcpiError("the hub could not store this, try again", Status.SERVER_ERROR)
            results = [failure] * len(batch)
        finally:
            self._busy.difference_update(one.key for one in batch)
            self._free += 1
        for one, result in zip(batch, results, strict=True):
            _answer(one.answer, result)
        self._start()

    def _note(self, error: Exception | None) -> None:
        """Log when commits begin to fail and when they work again: an outage has thousands."""
        if error is not None and not self._failing:
            log.warning("storage.commits_fail", error=repr(error))
        elif error is None and self._failing:
            log.info("storage.commits_again")
        self._failing = error is not None


def _late() -> OcpiError:
    return OcpiError("the hub's store did not answer in time", Status.SERVER_ERROR)


def _answer(answer: "asyncio.Future[R]", result: R | OcpiError) -> None:
    if answer.done():
        return
    if isinstance(result, OcpiError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
