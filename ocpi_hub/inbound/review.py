"""Relayed objects, looked at after their answer went out: what is odd stands in the journal.

It takes a twentieth of the time at most, and what comes meanwhile is not looked at: the relay
never waits for it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final

import structlog

from ocpi_hub.modules.journal import Hop, Journal
from ocpi_hub.modules.remarks import model_of, remarks
from ocpi_hub.ocpi.status import OcpiError

log = structlog.get_logger("inbound")

_MOST: Final = 64  # hops waiting
_LARGEST: Final = 16 * 1024  # bytes of a body; a CDR of this size takes 2 ms
_SLICE_S: Final = 0.0005  # several at once: to wake for each cost more than to look at it
_PAUSE_S: Final = 0.01
_REST: Final = 19  # times as long as the look took


@dataclass(frozen=True, slots=True)
class _Waiting:
    hop: Hop
    version: str
    ids: Sequence[str]
    value: Any


class Review:
    """`run` it as a task; `close` records what still waits, without a look."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(_MOST)

    def takes(self, hop: Hop, version: str, ids: Sequence[str], value: Any) -> bool:
        """Whether this hop will be looked at and recorded here, soon; false when busy."""
        if (
            len(hop.request_body) > _LARGEST
            or self._waiting.full()
            or model_of(version, hop.route, ids) is None
        ):
            return False
        self._waiting.put_nowait(_Waiting(hop, version, ids, value))
        return True

    async def run(self) -> None:
        while True:
            waiting = await self._waiting.get()
            started = perf_counter()
            self._look(waiting)
            while not self._waiting.empty() and perf_counter() - started < _SLICE_S:
                self._look(self._waiting.get_nowait())
            await asyncio.sleep(max(_PAUSE_S, (perf_counter() - started) * _REST))

    async def close(self) -> None:
        while not self._waiting.empty():
            self._journal.record(self._waiting.get_nowait().hop)

    def _look(self, waiting: _Waiting) -> None:
        hop = waiting.hop
        found: tuple[str, ...] = ()
        try:
            found = remarks(waiting.version, hop.route, waiting.ids, waiting.value)
        except (OcpiError, ValueError, TypeError) as error:
            log.error("inbound.review_failed", route=hop.route, error=repr(error)[:200])  # noqa: TRY400 - a traceback with its locals would show the object
        self._journal.record(replace(hop, findings=(*hop.findings, *found)) if found else hop)
