"""Workers are started again whatever ended them."""

import asyncio
import sys
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
