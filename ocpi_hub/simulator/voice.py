"""What a play says in the terminal: lines, bars for what takes time, the live table."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ocpi_hub.simulator import screen
from ocpi_hub.simulator.screen import Scene

LOOK_S = 0.5
_PLAIN_LOOK_S = 5.0


class _Doing(ProgressColumn):
    max_refresh = 0.5

    def __init__(self, doing: Callable[[], str]) -> None:
        super().__init__()
        self._doing = doing

    def render(self, _: object) -> Text:
        return Text(self._doing())


@dataclass(frozen=True, slots=True)
class Voice:
    """`plain`: lines only, as where the output is no terminal."""

    console: Console
    plain: bool

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def bars(self) -> Progress:
        """Bars with counts, for what has an end that is known."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        return Progress(*columns, TimeElapsedColumn(), console=self.console, disable=self.plain)

    @contextmanager
    def waiting(self, doing: Callable[[], str]) -> Iterator[None]:
        """A sign of life with what is done and a clock, for what nobody can foretell."""
        columns = (SpinnerColumn(), _Doing(doing), TimeElapsedColumn())
        with Progress(
            *columns, console=self.console, disable=self.plain, transient=True
        ) as progress:
            progress.add_task("", total=None)
            yield

    async def show(self, look: Callable[[], Scene]) -> None:
        """The live table, or a line now and then, until cancelled."""
        if self.plain:
            while True:
                await asyncio.sleep(_PLAIN_LOOK_S)
                self.say(screen.line(look()))
        with Live(console=self.console, auto_refresh=False) as live:
            try:
                while True:
                    tables = screen.tables(look(), height=self.console.height)
                    live.update(tables, refresh=True)
                    await asyncio.sleep(LOOK_S)
            finally:
                last = screen.tables(look(), running=False, height=self.console.height)
                live.update(last, refresh=True)
