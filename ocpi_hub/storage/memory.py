"""Who had to do with what: `modules.memory.Memory` over PostgreSQL.

Facts wait in memory and are written together, four times a second. What was written a short while
ago is not written again: a session says a hundred times whose it is. Questions go to the database,
since other processes learn too, and one candidate must never pass for the only one.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Self

import structlog

from ocpi_hub.modules.memory import Fact, Kind
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.storage.database import LOST, Database, Row
from ocpi_hub.storage.expiring import expire
from ocpi_hub.storage.queries import queries

log = structlog.get_logger("storage")

WRITE_S = 0.25
BATCH = 500
QUEUE = 10_000  # facts waiting; more are forgotten
WRITTEN = 20_000  # facts of which this process knows that they are written
AGAIN_S = 24 * 3600.0
KEEP_DAYS = 90
MOST = 5_000_000
LONGEST = 1024  # bytes of an id: an index takes no row of more than 2704, and OCPI's have 36
FORGET_S = 3600.0
_SQL = queries(__file__)

_Key = tuple[str, ...]


class PostgresMemory:
    """Open it with `PostgresMemory.open`; `close` writes what is left."""

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        self._database = database
        self._most = most
        self._tasks = Tasks()
        self._waiting: dict[_Key, Fact] = {}
        self._written: OrderedDict[_Key, tuple[Fact, float]] = OrderedDict()
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, database: Database) -> Self:
        memory = cls(database)
        _ = memory._tasks.keep("storage.memory", memory.flush, WRITE_S)
        _ = memory._tasks.keep("storage.memory_expiry", memory.forget, FORGET_S)
        return memory

    async def close(self, grace_s: float = 5.0) -> None:
        await self._tasks.close()
        try:
            async with asyncio.timeout(grace_s):
                await self.flush()
        except LOST as error:
            log.warning("storage.memory_lost", facts=len(self._waiting), error=repr(error))

    def learn(self, fact: Fact) -> None:
        if len(fact.id.encode()) > LONGEST:
            return
        key = fact.key
        known, at = self._written.get(key, (None, 0.0))
        if known == fact and time.monotonic() - at < AGAIN_S:
            return
        if key in self._waiting or len(self._waiting) < QUEUE:
            self._waiting[key] = fact

    async def recall(self, kind: Kind, object_id: str) -> Sequence[Fact]:
        folded = fold(object_id)
        # First what waits: what is written meanwhile is in one of both.
        fresh = {key: fact for key, fact in self._waiting.items() if key[:2] == (kind, folded)}
        rows = await self._database.fetch(_SQL["recall"], kind, folded)
        stored = [_fact(kind, object_id, row) for row in rows]
        return list(({fact.key: fact for fact in stored} | fresh).values())

    async def flush(self) -> None:
        """Write all that waits; when the database is away it goes on waiting."""
        async with self._writing:
            while self._waiting:
                batch = dict(islice(self._waiting.items(), BATCH))
                failpoint("memory.writing")
                await self._write(batch)
                for key, fact in batch.items():
                    self._note(key, fact)

    async def forget(self) -> None:
        await expire(self._database, _SQL["forget"], KEEP_DAYS)
        await expire(self._database, _SQL["shrink"], self._most)

    async def _write(self, batch: Mapping[_Key, Fact]) -> None:
        columns = zip(*(_columns(key, fact) for key, fact in batch.items()), strict=True)
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["loose"])
            await connection.execute(_SQL["learn"], *map(list, columns))

    def _note(self, key: _Key, fact: Fact) -> None:
        """Written; unless a newer fact came meanwhile it waits no longer."""
        if self._waiting.get(key) == fact:
            del self._waiting[key]
        self._written[key] = (fact, time.monotonic())
        self._written.move_to_end(key)
        if len(self._written) > WRITTEN:
            self._written.popitem(last=False)


def _columns(key: _Key, fact: Fact) -> tuple[Any, ...]:
    partner = fact.partner
    return (
        *key,
        fact.owner.country_code,
        fact.owner.party_id,
        partner.country_code if partner else None,
        partner.party_id if partner else None,
    )


def _fact(kind: Kind, object_id: str, row: Row) -> Fact:
    partner = row["partner_country"] and PartyRef(row["partner_country"], row["partner_party"])
    return Fact(kind, object_id, PartyRef(row["owner_country"], row["owner_party"]), partner)
