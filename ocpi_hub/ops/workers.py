"""Worker processes of one hub: started, watched, started again, stopped together.

Each worker is `python -m ocpi_hub serve` on the same port (SO_REUSEPORT) and the same database.
It prints its `ready` line to a pipe; the supervisor prints one when all are ready.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

log = structlog.get_logger("ops")

START_S = 120.0  # a worker that is not ready by then has failed
STOP_S = 30.0
AGAIN_S = 1.0  # pause before a dead worker is started again
_PR_SET_PDEATHSIG = 1


class NotReady(Exception):
    """A worker ended or hung before it was ready; its own log says why."""


def die_with(parent: int) -> None:
    """Ask Linux for a SIGTERM when the supervisor is killed, so that no worker is left behind.

    Ends at once where it was killed before this could be asked.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


class Worker:
    """One child process. `run` keeps it alive until `stop`."""

    def __init__(
        self, number: int, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._number = number
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start the child and wait for its `ready` line; raises NotReady."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ocpi_hub",
            "serve",
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            preexec_fn=partial(die_with, os.getpid()),
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            async with asyncio.timeout(START_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line.startswith(b"ready "):
            await self._end()
            raise NotReady(f"worker {self._number} did not become ready")

    async def run(self) -> None:
        """Watch the child; start it again when it ends by itself."""
        while self._process is not None:
            code = await self._process.wait()
            if self._stopping:
                return
            log.warning("ops.worker_ended", worker=self._number, code=code)
            await asyncio.sleep(AGAIN_S)
            try:
                await self.start()
            except (NotReady, OSError) as error:  # such as no memory left: it may be there soon
                log.warning("ops.worker_not_started", worker=self._number, error=repr(error))

    async def stop(self) -> None:
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self._end()

    async def _end(self) -> None:
        if self._process is None:
            return
        try:
            async with asyncio.timeout(STOP_S if self._stopping else 1):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
