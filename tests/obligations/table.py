"""Which duties of OCPI 2.2.1 are proven, and by which test.

    make obligations                       the summary, module by module
    make obligations ARGS="locations"      every row of one module, with its tests
    make obligations ARGS="--missing"      the rows of the hub that no test proves yet, MAY left out

A row is proven when a test that carries its id passed in the last run of that test. Rows that do
not bind this hub are waived (`waived.py`).
"""

import argparse
import csv
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.obligations.plugin import CACHE_KEY, collected
from tests.obligations.waived import WAIVED

HERE = Path(__file__).parent
OURS = frozenset({"HUB-server", "HUB-client", "HUB"})
_IMPORTED = "ignore::pytest.PytestAssertRewriteWarning"  # the plugin, by this file


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    module: str
    who: str
    level: str
    requirement: str


class Collection:
    """Collects the tests without running them, and reads the cached outcomes."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tests = dict(collected(session.config))
        cached = session.config.cache.get(CACHE_KEY, {}) if session.config.cache else {}
        self.outcomes = {nodeid: entry["outcome"] for nodeid, entry in cached.items()}


def catalogue() -> list[Row]:
    with (HERE / "catalogue-2.2.1.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(r["id"], r["module"], r["who"], r["level"], r["requirement"])
            for r in csv.DictReader(file)
        ]


def collect() -> Collection:
    found = Collection()
    with redirect_stdout(StringIO()) as said:
        code = pytest.main(["--collect-only", "-W", _IMPORTED], plugins=[found])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        sys.exit(f"{said.getvalue()}\nthe tests could not be collected (pytest ended with {code})")
    return found


def proofs(found: Collection) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Obligation id -> tests that passed, and -> tests that carry it but did not (yet)."""
    proven, waiting = defaultdict(list), defaultdict(list)
    for nodeid, ids in found.tests.items():
        passed = found.outcomes.get(nodeid) == "passed"
        for id_ in ids:
            (proven if passed else waiting)[id_].append(nodeid)
    return proven, waiting


def missing(rows: list[Row], proven: dict[str, list[str]], but: frozenset[str]) -> list[Row]:
    """The rows that bind the hub and are not proven, but for those of some level."""
    return [
        row
        for row in rows
        if row.who in OURS
        and row.level not in but
        and row.id not in proven
        and row.id not in WAIVED
    ]


def summary(rows: list[Row], proven: dict[str, list[str]], waiting: dict[str, list[str]]) -> Table:
    table = Table(title="Obligations of OCPI 2.2.1", caption="hub = rows that bind the hub itself")
    table.add_column("module")
    for name in (
        "rows",
        "proven",
        "hub rows",
        "hub proven",
        "hub MUST/IMPLIED not yet",
        "waived",
        "test not passed",
    ):
        table.add_column(name, justify="right")
    modules = list(dict.fromkeys(row.module for row in rows))
    for module in [*modules, None]:
        mine = [row for row in rows if module in {row.module, None}]
        hub = [row for row in mine if row.who in OURS]
        table.add_row(
            module or "all",
            str(len(mine)),
            str(sum(r.id in proven for r in mine)),
            str(len(hub)),
            str(sum(r.id in proven for r in hub)),
            str(len(missing(mine, proven, frozenset({"SHOULD", "MAY"})))),
            str(sum(r.id in WAIVED for r in mine)),
            str(sum(r.id in waiting and r.id not in proven for r in mine)),
            end_section=module == modules[-1],
        )
    return table


def details(rows: list[Row], proven: dict[str, list[str]], waiting: dict[str, list[str]]) -> Table:
    table = Table(show_lines=False)
    for name in ("id", "who", "level", "state", "test or requirement"):
        table.add_column(name, overflow="fold")
    for row in rows:
        tests = proven.get(row.id) or waiting.get(row.id) or []
        state = "proven" if row.id in proven else "not passed" if tests else "not yet"
        names = dict.fromkeys(test.removeprefix("tests/").partition("[")[0] for test in tests)
        shown = "\n".join(list(names)[:3]) or row.requirement[:120]
        if row.id in WAIVED and not tests:
            state, shown = "waived", f"waived: {WAIVED[row.id]}"
        table.add_row(row.id, row.who, row.level, state, shown)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("module", nargs="?", help="a module of the catalogue, such as locations")
    parser.add_argument("--missing", action="store_true", help="the hub's rows that are not proven")
    options = parser.parse_args()
    rows, found = catalogue(), collect()
    proven, waiting = proofs(found)
    marked = proven.keys() | waiting.keys()
    unknown = sorted((marked | WAIVED.keys()) - {row.id for row in rows})
    console = Console()
    if not found.outcomes:
        console.print("[yellow]No test has run here yet: make test, then ask again.[/yellow]")
    if options.missing:
        rows = missing(rows, proven, frozenset({"MAY"}))
        console.print(details(rows, proven, waiting))
    elif options.module:
        console.print(details([r for r in rows if r.module == options.module], proven, waiting))
    else:
        console.print(summary(rows, proven, waiting))
    if unknown:
        console.print(f"[red]ids that the catalogue does not know: {', '.join(unknown)}[/red]")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
