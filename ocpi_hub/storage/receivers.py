"""Leases on receivers and their cursors: `modules.receivers.Receivers` over PostgreSQL.

A lease lives for 15 s by the database's clock; its holder claims every 5 s. A process that dies is
replaced within 20 s.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from ocpi_hub.modules.line import Place
from ocpi_hub.modules.receivers import Receiver
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

LEASE_S = 15.0
_TURN = 0x0C91_4B01  # advisory lock of those who claim


async def free_all(url: str) -> None:
    """End the leases of processes that are known to be gone, so that nobody waits for their end.

    For a database that comes up with its only user: whoever served before the crash is dead.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(queries(__file__)["free"])
    finally:
        await connection.close(timeout=5)


class PostgresReceivers:
    """The receivers of one process; `process` is its unique name."""

    def __init__(self, database: Database, process: str, lease_s: float = LEASE_S) -> None:
        self._database = database
        self._process = process
        self._lease_s = lease_s
        self._sql = queries(__file__)

    async def claim(self) -> Sequence[Receiver]:
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["turn"], _TURN)
            await connection.execute(self._sql["beat"], self._process)
            await connection.execute(self._sql["bury"], self._lease_s)
            await connection.execute(self._sql["admit"])
            await self._balance(connection)
            rows = await connection.fetch(self._sql["held"], self._process)
        return [Receiver(PlatformId(row["platform"]), Place(row["x"], row["seq"])) for row in rows]

    async def _balance(self, connection: Connection) -> None:
        share = await connection.fetchval(self._sql["share"])
        await connection.execute(self._sql["let_go"], self._process, share)
        await connection.execute(self._sql["renew"], self._process, share, self._lease_s)
        await connection.execute(self._sql["take"], self._process, share, self._lease_s)

    async def save(self, cursors: Mapping[PlatformId, Place]) -> None:
        if not cursors:
            return
        places = cursors.values()
        await self._database.execute(
            self._sql["save"],
            self._process,
            list(cursors),
            [place.x for place in places],
            [place.seq for place in places],
        )

    async def skip_to_end(self, platform: PlatformId) -> Place:
        row = await self._database.row(self._sql["head"])
        assert row is not None  # noqa: S101 - the function gives one row
        head = Place(row["x"], row["seq"])
        await self.save({platform: head})
        return head

    async def release(self) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["turn"], _TURN)
            await connection.execute(self._sql["release"], self._process)
            await connection.execute(self._sql["leave"], self._process)
