"""The demo as a newcomer starts it: the real command in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from ocpi_hub.simulator.demo import Options, run
from ocpi_hub.simulator.script import Script

COMMAND = [sys.executable, "-m", "ocpi_hub", "demo"]
SMALL = ["--stations", "60", "--rate", "50"]

pytestmark = pytest.mark.timeout(180)


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *SMALL, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def line_with(process: subprocess.Popen[str], text: str) -> str:
    told = []
    for line in process.stdout:
        told.append(line)
        if text in line:
            return line
    raise AssertionError(f"never said {text!r}: {''.join(told)}")


def hub_of(line: str) -> int:
    return int(line.rpartition("(process ")[2].split(")")[0])


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_everything_arrives_everywhere_within_its_time():
    with started("--for", "5", "--plain") as process:
        hub = hub_of(line_with(process, "(process "))
        line_with(process, "Everything arrived everywhere.")
        assert process.wait(timeout=60) == 0
    assert not lives(hub)


def test_ctrl_c_ends_it_cleanly_and_the_hub_with_it():
    with started() as process:
        hub = hub_of(line_with(process, "(process "))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
    assert "What arrived" in rest
    assert "Traceback" not in rest
    assert not lives(hub)


def test_a_terminal_that_is_closed_ends_it_cleanly_too():
    with started() as process:
        hub = hub_of(line_with(process, "(process "))
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 0
    assert not lives(hub)


def test_a_hub_that_ends_by_itself_ends_it_with_the_reason():
    with started() as process:
        os.kill(hub_of(line_with(process, "(process ")), signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    assert "the hub ended with exit code 0" in rest


def test_a_hub_that_cannot_start_says_why():
    console = Console(width=200)
    with console.capture() as told:
        code = run(Options(Script(stations=2), hub_settings={"ALIVE__INTERVAL_S": "0"}), console)
    assert code == 1
    assert "OCPI_HUB__ALIVE__INTERVAL_S" in told.get()


def test_a_bad_file_is_named_before_anything_starts(tmp_path):
    console = Console(width=200)
    with console.capture() as told:
        code = run(Options(Script(locations=tmp_path / "none.jsonl")), console)
    assert code == 1
    assert "none.jsonl" in told.get()
    assert "Starting" not in told.get()
