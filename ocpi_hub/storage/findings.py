"""Findings: `modules.findings.Findings` over PostgreSQL.

They are counted by the hour, in the transaction that writes the journal's rows; so a summary costs
the same whether a partner sent ten messages or a million.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from ocpi_hub.modules.findings import Finding
from ocpi_hub.modules.journal import Hop
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

_SQL = queries(__file__)
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@asynccontextmanager
async def counted(connection: Connection, batch: Sequence[Hop]) -> AsyncIterator[None]:
    """Around the writing of hops, inside its transaction; free when nothing was found."""
    if not any(hop.findings for hop in batch):
        yield
        return
    place = await connection.fetchval(_SQL["place"])
    yield
    await connection.execute(_SQL["count"], place)


class PostgresFindings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self, platform: PlatformId, since: datetime | None, until: datetime | None
    ) -> Sequence[Finding]:
        start, end = _EVER
        rows = await self._database.fetch(_SQL["summary"], platform, since or start, until or end)
        return [Finding(**row) for row in rows]
