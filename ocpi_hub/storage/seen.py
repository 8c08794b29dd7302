"""Signs of life: noted in memory at no cost, written together every few seconds."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import LOST, Database

log = structlog.get_logger("storage")

FLUSH_S = 5.0


class Seen:
    """When each platform was last heard of, by the database's clock.

    All processes share that one; this machine's may be off, or jump.
    """

    def __init__(self, database: Database, sql: Mapping[str, str]) -> None:
        self._database = database
        self._sql = sql
        self._tasks = Tasks()
        self._looked: tuple[datetime, float] = (datetime.min.replace(tzinfo=UTC), 0.0)
        self._known: dict[PlatformId, datetime] = {}
        self._noted: dict[PlatformId, float] = {}

    async def start(self) -> None:
        await self._read()
        self._task = self._tasks.keep("storage.seen", self.flush, FLUSH_S)

    async def close(self) -> None:
        """Write what is noted; when the database is gone that is lost, which does no harm."""
        await self._tasks.close()
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._write()
        except LOST as error:
            log.warning("storage.seen_lost", platforms=len(self._noted), error=repr(error))

    def note(self, platform: PlatformId) -> None:
        self._noted[platform] = time.monotonic()
        self._known[platform] = self.clock()

    def last(self, platform: PlatformId) -> datetime | None:
        return self._known.get(platform)

    def clock(self) -> datetime:
        """The database's time, as this process reckons it since it last asked."""
        then, moment = self._looked
        return then + timedelta(seconds=time.monotonic() - moment)

    async def flush(self) -> None:
        """Write what was noted here, learn what was noted elsewhere."""
        await self._write()
        await self._read()

    async def _write(self) -> None:
        if not self._noted:
            return
        noted, self._noted = self._noted, {}
        ago = [time.monotonic() - moment for moment in noted.values()]
        try:
            await self._database.execute(self._sql["note_seen"], list(noted), ago)
        except BaseException:
            self._noted = noted | self._noted
            raise

    async def _read(self) -> None:
        self._looked = await self._database.value(self._sql["now"]), time.monotonic()
        for row in await self._database.fetch(self._sql["last_seen"]):
            platform = PlatformId(row["id"])
            known = self._known.get(platform)
            if known is None or known < row["last_seen"]:
                self._known[platform] = row["last_seen"]
