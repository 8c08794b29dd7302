"""How a play ends: on Ctrl-C and its kin, by a failure told plainly, or by itself."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.hub_process import HubFailed
from ocpi_hub.simulator.operator import AdminFailed, NoWayBack
from ocpi_hub.simulator.stations import BadFile

_FAILURES = (
    HubFailed,
    AdminFailed,
    NoWayBack,
    Refused,
    BadFile,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Ending:
    """`asked` is set when somebody wants the end; `open` while there is a summary to end with."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    open: bool = False

    def ask(self) -> bool:
        """Whether the play now ends in its own way; else it has to be cut short."""
        first = self.open and not self.asked.is_set()
        self.asked.set()
        return first


def run(work: Callable[[Ending], Coroutine[Any, Any, int]], console: Console) -> int:
    """The work's exit code; 0 when a signal cut it short, 1 when it failed, with the reason.

    A second signal does not wait for what the first one began.
    """
    return asyncio.run(_watched(work, console))


async def _watched(work: Callable[[Ending], Coroutine[Any, Any, int]], console: Console) -> int:
    ending, working = Ending(), asyncio.current_task()

    def stop(number: int) -> None:
        if number == signal.SIGHUP:
            _fall_silent()
        if not ending.ask() and working is not None:
            console.print("Cut short; cleaning up ...")
            working.cancel()

    with _on_signals(stop):
        try:
            return await work(ending)
        except asyncio.CancelledError:
            return 0
        except (*_FAILURES, ExceptionGroup) as error:
            return _told(error, console)


def _fall_silent() -> None:
    """The terminal is gone: whatever is written from here on must not fail."""
    with Path(os.devnull).open("w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)


def _told(error: Exception, console: Console) -> int:
    """Print what went wrong; what is no failure of the hub or a partner is raised again."""
    causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    if not all(isinstance(cause, _FAILURES) for cause in causes):
        raise error
    for cause in causes:
        console.print(str(cause) or repr(cause), style="red", markup=False, soft_wrap=True)
    return 1


@contextmanager
def _on_signals(act: Callable[[int], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, act, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
