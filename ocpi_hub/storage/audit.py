"""The audit trail: `modules.keys.Audit` over PostgreSQL, append-only by a trigger."""

from collections.abc import Mapping, Sequence
from typing import Any

from ocpi_hub.modules.keys import AuditEntry
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.queries import queries

_FILTERS = ("actor", "action", "target")


class PostgresAudit:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = queries(__file__)

    async def record(
        self, actor: str, address: str, action: str, target: str, details: Mapping[str, Any]
    ) -> None:
        await self._database.execute(
            self._sql["record"], actor, address, action, target, dict(details)
        )

    async def list(
        self, before: int | None, limit: int, filters: Mapping[str, str]
    ) -> Sequence[AuditEntry]:
        """As the Protocol says; raises ValueError for a filter that does not exist."""
        if unknown := set(filters) - set(_FILTERS):
            raise ValueError(f"{min(unknown)}: no such filter (there are {', '.join(_FILTERS)})")
        wanted = [filters.get(name) for name in _FILTERS]
        rows = await self._database.fetch(self._sql["page"], before, limit, *wanted)
        return [AuditEntry(**row) for row in rows]
