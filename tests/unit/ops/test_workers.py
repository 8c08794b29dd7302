"""Workers are started again whatever ended them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocpi_hub.ops import workers
from ocpi_hub.ops.workers import NotReady, Worker


def program(path: Path, ready: str) -> str:
    """A program in place of Python that says something and waits to be ended."""
    path.write_text(f"#!/bin/sh\necho {ready}\nexec sleep 60\n")
    path.chmod(0o755)
    return str(path)


async def test_a_worker_that_cannot_be_started_now_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "AGAIN_S", 0.01)
    monkeypatch.setattr(sys, "executable", program(tmp_path / "good", "ready http://x"))
    worker = Worker(0, [], {})
    await worker.start()
    first = worker._process
    assert first is not None
    watching = asyncio.ensure_future(worker.run())
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    first.kill()
    await first.wait()
    await asyncio.sleep(0.1)  # it is tried in vain meanwhile
    monkeypatch.setattr(sys, "executable", str(tmp_path / "good"))
    async with asyncio.timeout(10):
        while worker._process is first:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
    await worker.stop()
    await watching


async def test_a_worker_that_does_not_become_ready_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path / "odd", "hello"))
    worker = Worker(0, [], {})
    with pytest.raises(NotReady):
        await worker.start()
    assert worker._process is not None
    assert worker._process.returncode is not None


def test_a_worker_dies_with_its_supervisor_however_early_that_is_killed(tmp_path: Path) -> None:
    worker = program(tmp_path / "slow", "nothing")
    supervisor = (
        "import asyncio, os, sys; from ocpi_hub.ops.workers import Worker;"
        f"sys.executable = {worker!r}; worker = Worker(0, [], {{}});"
        "\nasync def main():"
        "\n    asyncio.ensure_future(worker.start())"
        "\n    while worker._process is None: await asyncio.sleep(0.001)"
        "\n    print(worker._process.pid, flush=True); os.kill(os.getpid(), 9)"
        "\nasyncio.run(main())"
    )
    done = subprocess.run(  # noqa: S603 - a program of this test
        [sys.executable, "-c", supervisor], capture_output=True, text=True, check=False, timeout=30
    )
    pid = int(done.stdout)
    for _ in range(200):
        if not Path(f"/proc/{pid}/stat").exists() or _state(pid) == "Z":
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the worker was left behind")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
