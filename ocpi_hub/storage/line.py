"""The number line in PostgreSQL.

The place of a change is (transaction id, sequence number) of its writer, and a reader stops at the
oldest running writer, so that what commits late is never skipped. One reader per process keeps the
recent part in memory; partners that are far behind read the tables.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from ocpi_hub.modules.line import ORIGIN, Change, Place
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.storage.changes import change_of
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.ring import Ring
from ocpi_hub.storage.steady import Steady

_SQL = queries(__file__)
CHANNEL = "line"
EVERY_S = 1.0
BATCH = 500
FOLLOWED_S = 3.0  # the reader looks once a second; silence for longer means that it cannot
PACE_S = 0.01  # between two looks, so that a thousand commits a second do not cause as many
SETTLE_S = 1800.0  # for a million rows and more
SOON_S = (0.002, 0.01, 0.05, 0.2)  # looks again while an older writer runs

Seen = Callable[[Sequence[Change]], None]


class PostgresLine:
    """Implements `Line`. `start` makes the line fit, then starts the reader of this process."""

    def __init__(self, database: Database) -> None:
        self.epoch = 0
        self._database = database
        self._steady = Steady(database.url, 1)
        self._tasks = Tasks()
        self._ring: Ring | None = None
        self._head = ORIGIN
        self._looked = 0.0
        self._whole_at = 0.0  # when the reader last saw that nothing more was visible
        self._asked = 0.0  # when the tables last told somebody more
        self._seen: list[Seen] = []
        self._waiting: set[asyncio.Event] = set()

    async def start(self) -> None:
        self.epoch = await settle(self._database)
        self._ring = Ring(await self.head())
        _ = self._tasks.keep("storage.line", self._follow)

    async def close(self) -> None:
        await self._tasks.close()
        await self._steady.close()

    @property
    def followed(self) -> bool:
        """Whether the reader of this process is up to date, give or take a second."""
        return self._ring is not None and time.monotonic() - self._looked < FOLLOWED_S

    def on_change(self, seen: Seen) -> None:
        """`seen` is called with all that the reader of this process reads, in order."""
        self._seen.append(seen)

    async def head(self) -> Place:
        row = await self._database.row(_SQL["head"])
        if row is not None:
            self._head = max(self._head, Place(row["x"], row["seq"]))
        return self._head

    async def after(self, cursor: Place, limit: int) -> Sequence[Change] | None:
        """See `Line.after`. A Location read from memory is the one it was at its place."""
        if self._ring is not None and self._ring.covers(cursor):
            changes = self._ring.after(cursor, limit)
            if changes or self._whole_at > self._asked:  # what the tables show, the ring may not
                return changes
        return await self.anew(cursor, limit)

    async def anew(self, cursor: Place, limit: int) -> Sequence[Change] | None:
        for pause in (*SOON_S, 0.0):
            changes, more = await _read(self._database, cursor, limit)
            if changes:
                self._asked = time.monotonic()
            if changes or not more:
                return changes if self._ring is None else [_several(one) for one in changes]
            await asyncio.sleep(pause)
        return None

    async def wakes(self) -> AsyncIterator[None]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while True:
                try:
                    async with asyncio.timeout(EVERY_S):
                        await event.wait()
                except TimeoutError:
                    pass
                event.clear()
                yield
        finally:
            self._waiting.discard(event)

    async def _follow(self) -> None:
        async for _ in self._database.listen(CHANNEL, EVERY_S):
            for pause in SOON_S:
                settled = self._ring is None or await self._advance(self._ring)
                await asyncio.sleep(PACE_S if settled else pause)
                if settled:
                    break

    async def _advance(self, ring: Ring) -> bool:
        """Read what is new; false when an older writer still hides some of it."""
        while True:
            started = time.monotonic()
            changes, more = await _read(await self._steady.database(), ring.head, BATCH)
            if changes:
                failpoint("line.read")
                ring.extend(changes)
                self._tell(changes)
            self._looked = started
            if len(changes) < BATCH:
                if not more:
                    self._whole_at = started
                    ring.settle()
                return not more

    def _tell(self, changes: Sequence[Change]) -> None:
        for seen in self._seen:
            seen(changes)
        for event in self._waiting:
            event.set()


async def _read(database: Database, cursor: Place, limit: int) -> tuple[Sequence[Change], bool]:
    """Changes behind a place, and whether there are more behind an older writer."""
    rows = await database.fetch(_SQL["changes"], cursor.x, cursor.seq, limit)
    changes = [change_of(row) for row in rows if row["settled"]]
    return changes, len(changes) < len(rows)


def _several(change: Change) -> Change:
    """A change for who fell behind the memory: it stands for several, unless it was the first.

    Only the reader in memory knows which changes moved on before anybody saw them.
    """
    return change if change.previous == ORIGIN else replace(change, previous=change.place)


async def settle(database: Database) -> int:
    """Make the line fit the cluster it is in; returns the epoch.

    After a restore into another cluster transaction ids may begin below those that are stored.
    Then all places become (0, n) in their order, the cursors of receivers with them, and a new
    epoch begins: places that others keep mean nothing from then on.
    """
    async with database.transaction() as connection:
        await connection.execute(_SQL["patience"])
        await connection.execute(_SQL["turn"], timeout=SETTLE_S)
        if await connection.fetchval(_SQL["ahead"]):
            await connection.execute(_SQL["lock"], timeout=SETTLE_S)
            await connection.execute(_SQL["renumber"], timeout=SETTLE_S)
        epoch: int = await connection.fetchval(_SQL["epoch"])
        return epoch
