"""Which duties of OCPI 2.2.1 are proven, and by which test.

    make obligations                       the summary, module by module
    make obligations ARGS="locations"      every row of one module, with its tests
    make obligations ARGS="--missing"      the rows of the hub that no test proves yet, MAY left out

A row is proven when a test that carries its id passed in the last run of that test. Rows that do
not bind this hub, or that no message can show, are waived (`waived.py`).
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from textwrap import wrap

import pytest
from rich.console import Console
from rich.table import Table

from tests.obligations.plugin import CACHE_KEY, collected
from tests.obligations.waived import WAIVED

HERE = Path(__file__).parent
OURS = frozenset({"HUB-server", "HUB-client", "HUB"})
BINDING = frozenset({"MUST", "IMPLIED"})
WIDTH = 74
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


def missing(rows: list[Row], proven: dict[str, list[str]], levels: frozenset[str]) -> list[Row]:
    """The rows of these levels that bind the hub and are neither proven nor waived."""
    return [
        row
        for row in rows
        if row.who in OURS and row.level in levels and row.id not in proven and row.id not in WAIVED
    ]


def summary(rows: list[Row], proven: dict[str, list[str]], waiting: dict[str, list[str]]) -> Table:
    table = Table(
        title="Obligations of OCPI 2.2.1",
        caption="hub: rows that bind the hub itself; open: MUST and IMPLIED rows of the hub "
        "without a proof; not run: their test did not pass, or did not run yet",
    )
    table.add_column("module", no_wrap=True)
    for name in ("rows", "proven", "waived", "not run", "hub rows", "hub proven", "hub open"):
        table.add_column(name, justify="right", min_width=4)
    modules = list(dict.fromkeys(row.module for row in rows))
    for module in [*modules, None]:
        mine = [row for row in rows if module in {row.module, None}]
        hub = [row for row in mine if row.who in OURS]
        table.add_row(
            module or "all",
            str(len(mine)),
            str(sum(r.id in proven for r in mine)),
            str(sum(r.id in WAIVED for r in mine)),
            str(sum(r.id in waiting and r.id not in proven for r in mine)),
            str(len(hub)),
            str(sum(r.id in proven for r in hub)),
            str(len(missing(mine, proven, BINDING))),
            end_section=module == modules[-1],
        )
    return table


def verdict(rows: list[Row], proven: dict[str, list[str]]) -> str:
    """The last line: what the hub must do and nobody has shown."""
    still = [row.id for row in missing(rows, proven, BINDING)]
    named = f": {', '.join(still)}" if still else ""
    return f"{len(still)} MUST and IMPLIED rows of the hub are open{named}"


def details(
    rows: list[Row], proven: dict[str, list[str]], waiting: dict[str, list[str]]
) -> Iterator[str]:
    """A line for each row, and below it its tests, or what it asks for."""
    for row in rows:
        tests = proven.get(row.id) or waiting.get(row.id) or []
        state = "proven" if row.id in proven else "not run" if tests else "not yet"
        names = dict.fromkeys(test.removeprefix("tests/").partition("[")[0] for test in tests)
        told = list(names)[:3] or fill(row.requirement)
        if row.id in WAIVED and not tests:
            state, told = "waived", fill(WAIVED[row.id])
        yield f"{row.id:9} {state:8} {row.level:8} {row.who}"
        yield from (f"    {line}" for line in told)


def fill(text: str) -> list[str]:
    return wrap(text, WIDTH)[:3]


def say(console: Console, lines: Iterable[str]) -> None:
    """Each as it is, however long."""
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("module", nargs="?", help="a module of the catalogue, such as locations")
    parser.add_argument("--missing", action="store_true", help="the hub's rows that are not proven")
    options = parser.parse_args()
    rows, found = catalogue(), collect()
    modules = {row.module for row in rows}
    if options.module and options.module not in modules:
        parser.error(f"{options.module}: no such module (there are {', '.join(sorted(modules))})")
    proven, waiting = proofs(found)
    marked = proven.keys() | waiting.keys()
    unknown = sorted((marked | WAIVED.keys()) - {row.id for row in rows})
    console = Console()
    if not found.outcomes:
        console.print("[yellow]No test has run here yet: make test, then ask again.[/yellow]")
        return 0
    if options.missing:
        say(console, details(missing(rows, proven, BINDING | {"SHOULD"}), proven, waiting))
    elif options.module:
        mine = [row for row in rows if row.module == options.module]
        say(console, details(mine, proven, waiting))
    else:
        console.print(summary(rows, proven, waiting))
    say(console, [verdict(rows, proven)])
    if unknown:
        console.print(f"[red]ids that the catalogue does not know: {', '.join(unknown)}[/red]")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
