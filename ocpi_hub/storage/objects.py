"""The hub's copy of broadcast objects in PostgreSQL: pushes go in by group commit, lists come out.

Only Locations are kept for now.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

import asyncpg
import structlog

from ocpi_hub.modules.holding import apply
from ocpi_hub.modules.line import ObjectKey
from ocpi_hub.modules.store import Page, Push, Viewer, Window, Written
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.storage.database import LOST, Database
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.loading import Conflict, Loaded, Rows, key_of, load, write
from ocpi_hub.storage.pages import Pages, location_body, name_of
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.steady import Steady
from ocpi_hub.storage.writer import IN_FLIGHT, Writer

log = structlog.get_logger("storage")

_SQL = queries(__file__)
LOCATIONS = "locations"
PATIENCE_S = 2.0  # PostgreSQL finds a deadlock after one second, and is back after a fall
READERS = 2
_AGAIN = (
    *LOST,
    Conflict,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)


class PostgresStore:
    """Implements `Store`. `line` tells what other processes changed."""

    def __init__(self, database: Database, line: PostgresLine) -> None:
        self._database = database
        self._steady = Steady(database.url, IN_FLIGHT + READERS)
        self._pages = Pages(database, self._steady, lambda: line.followed)
        line.on_change(self._pages.seen)
        self._writer: Writer[Push, Written] = Writer(self._commit, key_of)

    async def close(self) -> None:
        await self._writer.close()
        await self._steady.close()

    async def push(self, push: Push) -> Written:
        """See `Store.push`.

        A stale push is answered STALE and an identical one UNCHANGED: neither changes the store nor
        takes a place on the line, so neither is passed on.
        """
        _kept(push.module)
        return await self._writer.write(push)

    async def page(self, module: str, window: Window, viewer: Viewer) -> Page:
        _kept(module)
        return await self._pages.page(window, viewer)

    async def one(self, key: ObjectKey) -> bytes | None:
        _kept(key.module)
        _, *ids, part = key
        if part:
            body: bytes | None = await self._database.value(_SQL["one_evse"], *ids, part)
            return body
        row = await self._database.row(_SQL["one_location"], *ids)
        return None if row is None else location_body(row)

    async def owners(self, module: str, object_id: str) -> Sequence[PartyRef]:
        _kept(module)
        rows = await self._database.fetch(_SQL["owners"], fold(object_id))
        return [PartyRef(row["country_code"], row["party_id"]) for row in rows]

    async def _commit(self, pushes: Sequence[Push]) -> Sequence[Written | OcpiError]:
        """One batch. Repeating it is safe: what was stored already is found UNCHANGED."""
        until, pause = time.monotonic() + PATIENCE_S, 0.0
        while True:
            try:
                return await self._attempt(pushes)
            except _AGAIN:
                self._pages.forget()  # some of it may be stored
                if time.monotonic() > until:
                    raise
            pause += random.uniform(0.01, 0.02)  # noqa: S311 - so that two processes part
            await asyncio.sleep(pause)

    async def _attempt(self, pushes: Sequence[Push]) -> Sequence[Written | OcpiError]:
        database = await self._steady.database()
        async with database.acquire() as connection:
            loaded = await load(connection, pushes)
            results = [_applied(loaded, push) for push in pushes]
            rows = Rows.of(loaded.values())
            if rows.statements:
                await _write(connection, rows)
        self._tell(rows)
        return results

    def _tell(self, rows: Rows) -> None:
        """Own writes show in the next page."""
        if rows.new_locations or rows.locations:
            self._pages.forget()
        elif rows.statements:
            self._pages.touched(set(map(name_of, rows.keys)))


def _applied(loaded: Mapping[ObjectKey, Loaded], push: Push) -> Written | OcpiError:
    """The push applied to what was loaded; its failure is its own."""
    try:
        return apply(loaded[key_of(push)].held, push)
    except OcpiError as error:
        return error
    except Exception as error:  # noqa: BLE001 - nobody else in the batch is to blame
        log.error(  # noqa: TRY400 - a traceback with its locals would show the push
            "storage.push_broken", path=push.message.path, error=repr(error)
        )
        return OcpiError("internal error", Status.SERVER_ERROR)


async def _write(connection: Connection, rows: Rows) -> None:
    if rows.statements == 1:  # a transaction by itself, without two more round trips
        await write(connection, rows)
        return
    async with connection.transaction():
        await write(connection, rows)


def _kept(module: str) -> None:
    if module != LOCATIONS:
        raise OcpiError(f"the hub keeps no copy of {module}", Status.HUB_ERROR)
