"""The ages of tokens: `modules.registrar.TokenAges` over PostgreSQL."""

from collections.abc import Collection, Mapping

from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.queries import queries


class PostgresTokenAges:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = queries(__file__)

    async def of(self, platforms: Collection[PlatformId]) -> Mapping[PlatformId, float]:
        if not platforms:
            return {}
        rows = await self._database.fetch(self._sql["ages"], list(platforms))
        return {PlatformId(row["platform"]): float(row["age_s"]) for row in rows}
