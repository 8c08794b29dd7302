"""The benchmarks as one table: `python -m tests.bench.run [NAME...] [--quick]`.

Figures move with the machine, ratios hardly: both sides of a ratio run in turn in the same minutes.
"""

import argparse
import importlib
import os
import platform
import sys
import sysconfig
import traceback

import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench.row import Row

NAMES = ("pages", "relay", "patch", "delivery", "pull", "stream", "memory", "soak", "chaos")
WIDTH = 118  # where the output is no terminal


def main() -> int:
    """0 when everything could be measured, whatever came out."""
    asked = _asked()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    rows: list[Row] = []
    failed: list[str] = []
    with console.status("") as status:
        for name in asked.names or NAMES:

            def say(what: str, name: str = name) -> None:
                status.update(f"{name}: {what}")
                if not console.is_terminal:
                    console.print(f"{name}: {what}")

            try:
                module = importlib.import_module(f"tests.bench.{name}")
                rows += uvloop.run(module.main(say, quick=asked.quick))
            except Exception:  # noqa: BLE001 - the others are measured all the same
                failed.append(name)
                traceback.print_exc()
    console.print(_table(rows, quick=asked.quick))
    for name in failed:
        console.print(f"{name}: could not be measured")
    return 1 if failed else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="shorter and smaller: a first look")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"{min(unknown)}: no such benchmark (there are {', '.join(NAMES)})")
    return asked


def _table(rows: list[Row], *, quick: bool) -> Table:
    table = Table(
        title="OCPI Hub: benchmarks" + (" (quick)" if quick else ""),
        caption=f"Python {platform.python_version()} ({_build()}), {os.cpu_count()} cores. "
        "Medians of rounds in turn. By CPU: the same ratio by the processor time that the two "
        "server processes spent on a request.",
    )
    for name in ("what", "ours", "floor", "ratio", "by CPU", "goal", "verdict"):
        table.add_column(
            name,
            justify="left" if name in {"what", "verdict"} else "right",
            no_wrap=name != "what",
        )
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _build() -> str:
    optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return f"{platform.python_compiler()}, {'with' if optimised else 'without'} PGO"


def _cells(row: Row) -> tuple[str, ...]:
    ratio = row.ratio
    return (
        f"{row.what}\n[dim]{row.note}[/dim]" if row.note else row.what,
        _figure(row.ours, row.unit),
        "" if row.floor is None else _figure(row.floor, row.unit),
        "" if ratio is None else f"{ratio:.2f}",
        "" if row.cpu is None else f"{row.cpu:.2f}",
        f"<= {row.goal:g} {row.unit}" if ratio is None else f">= {row.goal:g}",
        "[green]reached[/green]" if row.reached else "[red]not reached[/red]",
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f}{unit}" if unit.startswith("/") else f"{value:,.0f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
