"""Fail points kill where they stand, when they are told to, and never in production."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocpi_hub.ops.failpoint import POINTS, VARIABLE, armed, failpoint

HOUSE = Path(__file__).parents[3] / "ocpi_hub"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    armed.cache_clear()
    yield
    armed.cache_clear()


def test_every_point_stands_in_the_code_once() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in HOUSE.rglob("*.py"))
    assert sorted(re.findall(r'failpoint\("([\w.]+)"\)', code)) == sorted(POINTS)


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint("store.written")
    assert armed() is None


def test_the_process_is_killed_at_the_passage_that_was_asked_for() -> None:
    program = (
        "from ocpi_hub.ops.failpoint import failpoint\n"
        "for number in range(9):\n"
        "    failpoint('store.loaded')\n"
        "    failpoint('store.written')\n"
        "    print(number, flush=True)"
    )
    died = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        env={VARIABLE: "store.written:3"},
        capture_output=True,
        check=False,
    )
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, b"0\n1\n")


@pytest.mark.parametrize("text", ["store.writen", "store.written:x", ":3"])
def test_what_is_no_point_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=r"must be one of .*store\.written"):
        armed()


def test_a_hub_that_calls_by_https_only_refuses_to_start_with_one(tmp_path: Path) -> None:
    told = {VARIABLE: "store.written", "OCPI_HUB__DATA_DIR": str(tmp_path / "none")}
    refused = subprocess.run(
        [sys.executable, "-m", "ocpi_hub", "serve"],
        cwd=HOUSE.parent,
        env=told,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 1
    assert f"{VARIABLE}: is set, which kills the hub" in refused.stderr
    assert not (tmp_path / "none").exists()
