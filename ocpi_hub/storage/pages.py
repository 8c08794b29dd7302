"""Lists of Locations as joined bytes, and the pages that were asked for lately.

A page stays in memory until something in it changes: the store tells of its own commits, the line
of everybody else's. Pages are kept only while the line is followed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ocpi_hub.modules.frame import EVSE, assemble, assemble_all
from ocpi_hub.modules.line import ORIGIN, Change, ObjectKey, Place
from ocpi_hub.modules.stamp import EARLIEST, LATEST, bound, spelled
from ocpi_hub.modules.store import Page, Viewer, Window
from ocpi_hub.storage.database import Database, Row
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.steady import Steady
from ocpi_hub.storage.turns import Turns

_SQL = queries(__file__)
BYTES = 64 * 1024 * 1024
ENDS = 10_000
PAGE_BYTES = 8 * 1024 * 1024  # a page ends behind the object that passes this, however few
VIEWERS = 1000

Question = tuple[Window, Viewer]


@dataclass(slots=True)
class _Kept:
    """A page with the names of the Locations in it, and what changed while it was read."""

    page: Page
    names: frozenset[str]


@dataclass(slots=True, eq=False)  # each is itself: others may be read with the same to tell
class _Reading:
    """What changed while a page was being read: it may show less and is not kept then."""

    touched: set[str] = field(default_factory=set)
    members: bool = False


def location_body(row: Row) -> bytes:
    """A Location from its frame, its EVSEs (joined by a mark) and the stamp of a younger child."""
    evses = row["evses"].split(EVSE) if row["evses"] is not None else ()
    moved = row["moved"]
    return assemble(row["frame"], evses, None if moved is None else spelled(moved))


def name_of(key: ObjectKey) -> str:
    """A Location in one word: country has two characters and party three."""
    return key.country_code + key.party_id + key.id


class Pages:
    """Answers lists; `followed` says whether other processes' changes reach `seen` in time."""

    def __init__(
        self,
        database: Database,
        steady: Steady,
        turns: Turns,
        followed: Callable[[], bool],
        size: int = BYTES,
    ) -> None:
        self._database = database
        self._steady = steady
        self._turns = turns
        self._followed = followed
        self._size = size
        self._held = 0
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        self._totals: dict[Viewer, int] = {}
        self._ends: dict[tuple[Viewer, int], int] = {}
        self._readings: list[_Reading] = []

    async def page(self, window: Window, viewer: Viewer) -> Page:
        """See `Store.page`. The page shows at least what the line held up to its place."""
        question = (window, viewer)
        if not self._followed():
            self.forget()
        elif (kept := self._kept.get(question)) is not None:
            self._kept.move_to_end(question)
            return kept.page
        reading = _Reading()
        self._readings.append(reading)
        try:
            async with self._turns.turn():
                page, names = await self._read(window, viewer, reading)
        finally:
            self._readings.remove(reading)
        if self._followed() and not self._spoiled(reading, window, names):
            self._keep(question, _Kept(page, names))
        return page

    def seen(self, changes: Iterable[Change]) -> None:
        """Changes on the line: a Location's may change who is listed, an EVSE's only its page."""
        keys = [change.key for change in changes if change.key.module == "locations"]
        if any(not key.part for key in keys):
            self.forget()
        elif keys:
            self.touched({name_of(key.whole) for key in keys})

    def touched(self, names: set[str]) -> None:
        """These Locations changed, but not which are listed in what order."""
        for reading in self._readings:
            reading.touched |= names
        for question, kept in list(self._kept.items()):
            if _windowed(question[0]) or not names.isdisjoint(kept.names):
                self._drop(question)

    def forget(self) -> None:
        """Who is listed may have changed, and everything else."""
        for reading in self._readings:
            reading.members = True
        self._kept.clear()
        self._totals.clear()
        self._ends.clear()
        self._held = 0

    async def _read(
        self, window: Window, viewer: Viewer, reading: _Reading
    ) -> tuple[Page, frozenset[str]]:
        who = [viewer.public_only, [country + party for country, party in viewer.hidden]]
        if _windowed(window):
            span, bounds = (window.offset, window.limit), _bounds(window)
            rows = await self._database.fetch(_SQL["window_page"], *who, *span, *bounds, PAGE_BYTES)
            total = await self._database.value(_SQL["window_total"], *who, *bounds)
        else:
            rows = await self._slice(window, viewer, who, reading)
            total = await self._total(viewer, who, reading)
        return _page(rows, total)

    async def _slice(
        self, window: Window, viewer: Viewer, who: Sequence[object], reading: _Reading
    ) -> Sequence[Row]:
        """A page of all; who crawls goes on where the page before ended, and skips nothing."""
        start = self._ends.get((viewer, window.offset))
        span = (window.offset, window.limit, 0) if start is None else (0, window.limit, start)
        steady = await self._steady.database()
        rows = await steady.fetch(_SQL["page"], *who, *span, PAGE_BYTES)
        if not reading.members and rows[-1]["pk"] is not None:
            if len(self._ends) >= ENDS:
                self._ends.clear()
            self._ends[viewer, window.offset + len(rows)] = rows[-1]["pk"]
        return rows

    async def _total(self, viewer: Viewer, who: Sequence[object], reading: _Reading) -> int:
        total = self._totals.get(viewer)
        if total is None:
            total = int(await self._database.value(_SQL["total"], *who))
            if not reading.members:
                if len(self._totals) >= VIEWERS:
                    self._totals.clear()
                self._totals[viewer] = total
        return total

    @staticmethod
    def _spoiled(reading: _Reading, window: Window, names: frozenset[str]) -> bool:
        inside = (
            bool(reading.touched) if _windowed(window) else not names.isdisjoint(reading.touched)
        )
        return reading.members or inside

    def _keep(self, question: Question, kept: _Kept) -> None:
        self._drop(question)
        self._kept[question] = kept
        self._held += _weight(kept)
        while self._held > self._size:
            self._drop(next(iter(self._kept)))

    def _drop(self, question: Question) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._held -= _weight(kept)


def _page(rows: Sequence[Row], total: int) -> tuple[Page, frozenset[str]]:
    place = ORIGIN if rows[0]["x"] is None else Place(rows[0]["x"], rows[0]["seq"])
    members = [row for row in rows if row["pk"] is not None]
    body = _body(members)
    names = frozenset(row["name"] for row in members)
    return Page(body, len(members), max(total, len(members)), place), names


def _body(members: Sequence[Row]) -> bytes:
    """The array of these Locations; most are as they were pushed and are put together at once."""
    frames, evses = [], []
    for row in members:
        frame, own = row["frame"], row["evses"]
        if row["moved"] is not None or frame.count(EVSE) != row["listed"]:
            frames.append(location_body(row))
            continue
        frames.append(frame)
        if own is not None:
            evses.append(own)
    return assemble_all(frames, evses)


def _weight(kept: _Kept) -> int:
    return len(kept.page.body) + 100 * len(kept.names) + 500


def _windowed(window: Window) -> bool:
    return window.date_from is not None or window.date_to is not None


def _bounds(window: Window) -> tuple[str, str]:
    """`date_from` inclusive, `date_to` exclusive, as stamps (PAG-002, PAG-003)."""
    return (
        EARLIEST if window.date_from is None else bound(window.date_from),
        LATEST if window.date_to is None else bound(window.date_to),
    )
