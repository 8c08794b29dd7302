"""The hub in a process of its own, as an operator would start it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.security import fresh_token
from ocpi_hub.settings import PREFIX

_SERVE = ("-m", "ocpi_hub", "serve")
_READY_S = 120.0  # the embedded database is made on the first start
_STOP_S = 40.0  # the hub has 30 s to finish its work
_TAIL_LINES = 20
_AWAKENING = "loading the program"
_DOING = (  # events in the log, the last one first
    (b"navigation.loaded", "opening its doors"),
    (b"storage.migrated", "making the tables"),
    (b"storage.postgres_starting", "starting PostgreSQL"),
    (b"storage.postgres_creating", "making an empty database, 2 to 20 s, as the disk is"),
)


class HubFailed(Exception):
    """The hub did not become ready, or ended; the message has the end of its log."""


class HubProcess:
    """`async with HubProcess(folder) as hub:` has a hub that answers at `hub.url`."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.admin_key = f"demo-{fresh_token()}"
        self.log = data_dir / "hub.log"
        self.url = ""
        self._settings = dict(settings or {})
        self._tasks = Tasks()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *_SERVE,
                stdout=asyncio.subprocess.PIPE, stderr=log, stdin=asyncio.subprocess.DEVNULL,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        try:
            self.url = await self._ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def doing(self) -> str:
        """What the hub is at until it is ready, as its log tells."""
        log = self.log.read_bytes() if self.log.exists() else b""
        return next((told for sign, told in _DOING if sign in log), _AWAKENING)

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the hub was not started")
        return self._process

    async def ended(self) -> None:
        """Wait until the process is gone; raises HubFailed."""
        code = await self._started.wait()
        raise HubFailed(f"the hub ended with exit code {code}; the end of its log:\n{self.tail()}")

    def tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _environment(self) -> dict[str, str]:
        """What is set around the demo stays, but for what would touch another hub's data."""
        own = {
            "DATA_DIR": str(self.data_dir),
            "DATABASE__URL": "",
            "SECURITY__KEY": "",
            "SERVER__LISTEN": f"127.0.0.1:{_free_port()}",
            "SERVER__PUBLIC_URL": "",
            "ADMIN__BOOTSTRAP_KEY": self.admin_key,
            "DELIVERY__ALLOW_PRIVATE": "true",
            "DELIVERY__REQUIRE_HTTPS": "false",
            "LOGGING__LEVEL": "info",
        } | self._settings
        return dict(os.environ) | {PREFIX + name: value for name, value in own.items()}

    async def _ready(self) -> str:
        stdout = self._started.stdout
        if stdout is None:
            raise RuntimeError("stdout is a pipe")
        try:
            async with asyncio.timeout(_READY_S):
                async for line in stdout:
                    word, _, url = line.decode().strip().partition(" ")
                    if word == "ready":
                        self._draining = self._tasks.spawn("hub-stdout", _drain(stdout))
                        return url
        except TimeoutError:
            raise HubFailed(f"not ready within {_READY_S:.0f} s:\n{self.tail()}") from None
        await self.ended()
        raise AssertionError("ended always raises")

    async def _stop(self) -> None:
        process = self._started
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await self._tasks.close()


async def _drain(stdout: asyncio.StreamReader) -> None:
    """Read on, so that the hub never waits for a full pipe."""
    while await stdout.read(4096):
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
