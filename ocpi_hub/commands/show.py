"""Answers on the terminal: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 160  # columns when nobody looks: nothing is cut, ids stay whole


def as_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    _console().print(drawn)


def facts(title: str, pairs: Iterable[tuple[str, object]]) -> None:
    """One thing with its properties, a line each."""
    drawn = Table(title=title, title_justify="left", show_header=False)
    drawn.add_column(style="bold")
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        drawn.add_row(name, _cell(value))
    _console().print(drawn)


def line(text: str) -> None:
    sys.stdout.write(f"{_plain(text)}\n")


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def _cell(value: object) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, list):
        return Text("\n").join(_cell(item) for item in value)
    return Text(_plain(str(value)))


def _plain(text: str) -> str:
    """Without control characters: names come from partners, and a terminal obeys them."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
