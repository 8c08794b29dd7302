"""Agreements: `modules.agreements.Agreements` over PostgreSQL.

They belong to the directory: whoever changes them raises its number, so that all processes follow.
Their validity is looked at when one is changed and whenever one begins or ends, by the database's
clock; the parties concerned then take new places on the number line, and so are announced.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

from ocpi_hub.modules.agreements import Agreement, Terms
from ocpi_hub.modules.platforms import Conflict, Unknown
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.storage.database import Database, Row
from ocpi_hub.storage.platforms import PostgresPlatforms
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.register import modules, parties

_SQL = queries(__file__)
EVERY_S = 1.0  # another process may have made one that begins soon
SOON_S = 0.01


class PostgresAgreements:
    """Open it with `PostgresAgreements.open`, close it with `close`.

    `required`: whether the hub asks for agreements; else they are only kept.
    """

    def __init__(self, database: Database, platforms: PostgresPlatforms, *, required: bool) -> None:
        self._database = database
        self._platforms = platforms
        self._required = required
        self._tasks = Tasks()

    @classmethod
    async def open(
        cls, database: Database, platforms: PostgresPlatforms, *, required: bool
    ) -> Self:
        """The agreements of this database, each begun and ended at its time."""
        opened = cls(database, platforms, required=required)
        async with platforms.writing() as connection:
            await opened._settle(connection)
            if await connection.fetchval(_SQL["mode"], required) is not None:
                await connection.execute(_SQL["tell_all"], await connection.fetchval(_SQL["now"]))
        if required:
            _ = opened._tasks.keep("storage.agreements", opened._keep_time, SOON_S)
        return opened

    async def close(self) -> None:
        await self._tasks.close()

    async def create(self, terms: Terms) -> Agreement:
        agreement_id = fresh_id()
        async with self._platforms.writing() as connection:
            await _refuse_second(connection, agreement_id, terms)
            (a, b), (c, d) = _codes(terms)
            await connection.execute(_SQL["create"], agreement_id, a, b, c, d, *_columns(terms))
            await self._settle(connection)
        return await self.one(agreement_id)

    async def list(
        self, after: str | None, limit: int, party: PartyRef | None = None
    ) -> Sequence[Agreement]:
        key = (None, None) if party is None else party.key
        return [
            self._agreement(row)
            for row in await self._database.fetch(_SQL["page"], after, limit, *key)
        ]

    async def one(self, agreement_id: str) -> Agreement:
        return self._known(agreement_id, await self._database.row(_SQL["one"], agreement_id))

    async def change(self, agreement_id: str, revise: Callable[[Terms], Terms]) -> Agreement:
        async with self._platforms.writing() as connection:
            row = await connection.fetchrow(_SQL["one"], agreement_id)
            terms = revise(self._known(agreement_id, row).terms)
            await _refuse_second(connection, agreement_id, terms)
            await connection.execute(_SQL["change"], agreement_id, *_columns(terms))
            await self._settle(connection)
        return await self.one(agreement_id)

    async def delete(self, agreement_id: str) -> Agreement:
        async with self._platforms.writing() as connection:
            row = await connection.fetchrow(_SQL["one"], agreement_id)
            found = self._known(agreement_id, row)
            await connection.execute(_SQL["delete"], agreement_id)
            await self._settle(connection)
        return found

    async def _settle(self, connection: Connection) -> None:
        """Who has an agreement from now on; where none are asked for, nobody is told."""
        if self._required:
            await connection.execute(_SQL["settle"])
            await connection.execute(_SQL["changed"])
            await connection.execute(_SQL["pair"], await connection.fetchval(_SQL["now"]))

    async def _keep_time(self) -> None:
        """Wait for the next beginning or end, but not for long, and see to it."""
        due_s = await self._database.value(_SQL["due"])
        if due_s is None or due_s > 0:
            await asyncio.sleep(EVERY_S if due_s is None else min(EVERY_S, due_s))
            return
        async with self._platforms.writing() as connection:
            await self._settle(connection)

    def _known(self, agreement_id: str, row: Row | None) -> Agreement:
        if row is None:
            raise Unknown(f"there is no agreement {agreement_id}")
        return self._agreement(row)

    def _agreement(self, row: Row) -> Agreement:
        terms = Terms(
            parties=parties(row),
            modules=modules(row),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            settlement=row["settlement"],
        )
        return Agreement(row["id"], terms, self._required and row["in_force"], row["created_at"])


async def _refuse_second(connection: Connection, agreement_id: str, terms: Terms) -> None:
    first, second = (party.key for party in terms.parties)
    *scope, _ = _columns(terms)
    other = await connection.fetchval(_SQL["overlapping"], agreement_id, *first, *second, *scope)
    if other is not None:
        raise Conflict(
            "modules, valid_from, valid_to: these parties have another agreement for some of"
            f" this, {other}"
        )


def _codes(terms: Terms) -> list[tuple[str, str]]:
    return [(party.country_code, party.party_id) for party in terms.parties]


def _columns(terms: Terms) -> tuple[Any, ...]:
    scope = None if terms.modules is None else sorted(terms.modules)
    return (scope, terms.valid_from, terms.valid_to, terms.settlement)
