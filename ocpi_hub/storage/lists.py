"""Lists of Tariffs and Tokens.

Who crawls a list goes on behind the last object of the page before; where that was, and how many
there are, is remembered until the list's members change.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ocpi_hub.modules.line import ORIGIN, Change, Place
from ocpi_hub.modules.stamp import EARLIEST, LATEST, bound
from ocpi_hub.modules.store import Page, Viewer, Window
from ocpi_hub.ocpi import codec
from ocpi_hub.storage.database import Database, Row
from ocpi_hub.storage.pages import PAGE_BYTES
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.turns import Turns

_SQL = queries(__file__)
ENDS = 10_000

Hidden = frozenset[tuple[str, str]]


@dataclass(slots=True)
class _Known:
    """What is remembered of a module's list since its members changed last."""

    totals: dict[Hidden, int] = field(default_factory=dict)
    ends: dict[tuple[Hidden, int], int] = field(default_factory=dict)


class Lists:
    """Answers lists; `followed` says whether other processes' changes reach `seen` in time."""

    def __init__(self, database: Database, turns: Turns, followed: Callable[[], bool]) -> None:
        self._database = database
        self._turns = turns
        self._followed = followed
        self._known: dict[str, _Known] = {}

    async def page(self, module: str, window: Window, viewer: Viewer) -> Page:
        """See `Store.page`."""
        async with self._turns.turn():
            return await self._read(module, window, viewer)

    async def _read(self, module: str, window: Window, viewer: Viewer) -> Page:
        who = (module, [country + party for country, party in viewer.hidden])
        if window.date_from is not None or window.date_to is not None:
            bounds = _bounds(window)
            rows = await self._database.fetch(
                _SQL["window_page"], *who, window.offset, window.limit, *bounds, PAGE_BYTES
            )
            return _page(rows, await self._database.value(_SQL["window_total"], *who, *bounds))
        if not self._followed():
            self.forget({module})
        known = self._known.setdefault(module, _Known())
        rows = await self._slice(known, window, viewer.hidden, who)
        return _page(rows, await self._total(known, viewer.hidden, who))

    def seen(self, changes: Iterable[Change]) -> None:
        """Changes on the line: all but a PATCH may change who is listed."""
        self.forget({one.key.module for one in changes if one.message.method != "PATCH"})

    def forget(self, modules: Iterable[str]) -> None:
        """The members changed. Who is reading now fills what nobody asks any more."""
        for module in modules:
            self._known.pop(module, None)

    async def _slice(
        self, known: _Known, window: Window, hidden: Hidden, who: tuple[str, list[str]]
    ) -> Sequence[Row]:
        start = known.ends.get((hidden, window.offset))
        span = (window.offset, window.limit, 0) if start is None else (0, window.limit, start)
        rows = await self._database.fetch(_SQL["page"], *who, *span, PAGE_BYTES)
        if rows[-1]["born"] is not None:
            if len(known.ends) >= ENDS:
                known.ends.clear()
            known.ends[hidden, window.offset + len(rows)] = rows[-1]["born"]
        return rows

    async def _total(self, known: _Known, hidden: Hidden, who: tuple[str, list[str]]) -> int:
        total = known.totals.get(hidden)
        if total is None:
            total = known.totals[hidden] = int(await self._database.value(_SQL["total"], *who))
        return total


def _page(rows: Sequence[Row], total: int) -> Page:
    place = ORIGIN if rows[0]["x"] is None else Place(rows[0]["x"], rows[0]["seq"])
    bodies = [row["body"] for row in rows if row["born"] is not None]
    return Page(codec.join_array(bodies), len(bodies), max(total, len(bodies)), place)


def _bounds(window: Window) -> tuple[str, str]:
    """`date_from` inclusive, `date_to` exclusive, as stamps (PAG-002, PAG-003)."""
    return (
        EARLIEST if window.date_from is None else bound(window.date_from),
        LATEST if window.date_to is None else bound(window.date_to),
    )
