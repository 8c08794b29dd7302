"""A server in a process of its own: it prints its port, serves until its input ends."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
from aiohttp import web

READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """`ports`: all of a process that serves on several."""

    pid: int
    port: int
    ports: tuple[int, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def served(
    module: str, *arguments: str, python: str = sys.executable, quiet: bool = False
) -> AsyncIterator[Served]:
    """`module` run by `python` with `arguments`; ends with the block. `quiet`: its log is lost."""
    process = await asyncio.create_subprocess_exec(
        python, "-m", module, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if quiet else None,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        told = json.loads(line)
        yield Served(process.pid, told["port"], tuple(told.get("ports", ())))
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def serve(app: web.Application) -> None:
    """The other side: serve an application as `served` expects it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def spent(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
