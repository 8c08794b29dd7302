"""Stand-ins for response_urls: `modules.callbacks.Callbacks` over PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

import asyncpg
import structlog

from ocpi_hub.modules.callbacks import Callback
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import LOST, Database, Row
from ocpi_hub.storage.expiring import expire
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.writer import Writer

log = structlog.get_logger("storage")

EXPIRE_S = 600.0
_SQL = queries(__file__)


class PostgresCallbacks:
    """Open it with `PostgresCallbacks.open`, close it with `close`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks = Tasks()
        self._writer: Writer[Callback, None] = Writer(self._commit, lambda callback: callback.uid)

    @classmethod
    async def open(cls, database: Database) -> Self:
        """Also begins to delete what expired."""
        callbacks = cls(database)
        _ = callbacks._tasks.keep("storage.callbacks", callbacks.expire, EXPIRE_S)
        return callbacks

    async def close(self) -> None:
        await self._tasks.close()
        await self._writer.close()

    async def keep(self, callback: Callback) -> None:
        await self._writer.write(callback)

    async def find(self, uid: str) -> Callback | None:
        row = await self._database.row(_SQL["find"], uid)
        return None if row is None else _callback(row)

    async def prolong(self, uid: str, until: datetime) -> None:
        try:
            await self._database.execute(_SQL["prolong"], uid, until)
        except (*LOST, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("storage.callback_not_prolonged", error=repr(error))

    async def expire(self) -> None:
        await expire(self._database, _SQL["expire"])

    async def _commit(self, callbacks: Sequence[Callback]) -> Sequence[OcpiError | None]:
        columns = zip(*map(_columns, callbacks), strict=True)
        await self._database.execute(_SQL["keep"], *map(list, columns))
        return [None] * len(callbacks)


def _columns(callback: Callback) -> tuple[Any, ...]:
    requester, target = callback.requester, callback.target
    return (
        callback.uid,
        callback.response_url,
        callback.module,
        callback.command,
        requester.country_code,
        requester.party_id,
        callback.requester_platform,
        target.country_code,
        target.party_id,
        callback.target_platform,
        callback.correlation_id,
        callback.expires,
    )


def _callback(row: Row) -> Callback:
    return Callback(
        uid=row["uid"],
        response_url=row["response_url"],
        module=row["module"],
        command=row["command"],
        requester=PartyRef(row["requester_country"], row["requester_party"]),
        requester_platform=PlatformId(row["requester_platform"]),
        target=PartyRef(row["target_country"], row["target_party"]),
        target_platform=PlatformId(row["target_platform"]),
        correlation_id=row["correlation_id"],
        expires=row["expires_at"],
    )
