"""The hub's copy of broadcast objects in PostgreSQL: pushes go in by group commit, lists come out.

Locations are kept in parts (`loading`, `pages`), Tariffs and Tokens as they are (`plain`, `lists`).
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import asyncpg
import structlog

from ocpi_hub.modules import holding
from ocpi_hub.modules import plain as holding_plain
from ocpi_hub.modules.line import Change, ObjectKey
from ocpi_hub.modules.stamp import AHEAD
from ocpi_hub.modules.store import Page, Push, Viewer, Window, Written
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.storage import loading, plain
from ocpi_hub.storage.database import LOST, Database
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.lists import Lists
from ocpi_hub.storage.loading import Conflict, Loaded, Rows
from ocpi_hub.storage.pages import Pages, location_body, name_of
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.steady import Steady
from ocpi_hub.storage.turns import Turns
from ocpi_hub.storage.writer import IN_FLIGHT, Writer

log = structlog.get_logger("storage")

_SQL = queries(__file__)
LOCATIONS = "locations"
KEPT = frozenset({LOCATIONS, "tariffs", "tokens"})
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
    """Implements `Store`. `line` tells what other processes changed.

    `largest`: bytes that one object may have.
    """

    def __init__(self, database: Database, line: PostgresLine, *, largest: int = 1024**2) -> None:
        self._database = database
        self._largest = largest
        self._steady = Steady(database.url, IN_FLIGHT + READERS)
        turns = Turns(READERS)
        self._pages = Pages(database, self._steady, turns, lambda: line.followed)
        self._lists = Lists(database, turns, lambda: line.followed)
        line.on_change(self._seen)
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
        push.horizon = datetime.now(UTC) + AHEAD
        return await self._writer.write(push)

    async def page(self, module: str, window: Window, viewer: Viewer) -> Page:
        _kept(module)
        if module == LOCATIONS:
            return await self._pages.page(window, viewer)
        return await self._lists.page(module, window, viewer)

    async def one(self, key: ObjectKey) -> bytes | None:
        _kept(key.module)
        if key.module != LOCATIONS:
            return await plain.one(self._database, key)
        _, *ids, part = key
        if part:
            body: bytes | None = await self._database.value(_SQL["one_evse"], *ids, part)
            return body
        row = await self._database.row(_SQL["one_location"], *ids)
        return None if row is None else location_body(row)

    async def owners(self, module: str, object_id: str, part: str = "") -> Sequence[PartyRef]:
        _kept(module)
        if module != LOCATIONS:
            return await plain.owners(self._database, module, object_id, part)
        rows = await self._database.fetch(_SQL["owners"], fold(object_id), fold(part))
        return [PartyRef(row["country_code"], row["party_id"]) for row in rows]

    def _seen(self, changes: Sequence[Change]) -> None:
        self._pages.seen(changes)
        self._lists.seen(changes)

    async def _commit(self, pushes: Sequence[Push]) -> Sequence[Written | OcpiError]:
        """One batch. Repeating it is safe: what was stored already is found UNCHANGED."""
        until, pause = time.monotonic() + PATIENCE_S, 0.0
        while True:
            try:
                return await self._attempt(pushes)
            except _AGAIN:
                self._pages.forget()  # some of it may be stored
                self._lists.forget(KEPT)
                if time.monotonic() > until:
                    raise
            pause += random.uniform(0.01, 0.02)  # noqa: S311 - so that two processes part
            await asyncio.sleep(pause)

    async def _attempt(self, pushes: Sequence[Push]) -> Sequence[Written | OcpiError]:
        database = await self._steady.database()
        async with database.acquire() as connection:
            batch = await _Batch.load(connection, pushes, self._largest)
            results = [_applied(batch.of(push), push) for push in pushes]
            rows, plain_rows = batch.changed()
            failpoint("store.loaded")
            await _write(connection, rows, plain_rows)
        failpoint("store.written")
        self._tell(rows)
        self._lists.forget(plain_rows.modules)
        return results

    def _tell(self, rows: Rows) -> None:
        """Own writes show in the next page."""
        if rows.new_locations or rows.locations:
            self._pages.forget()
        elif rows.statements:
            self._pages.touched(set(map(name_of, rows.keys)))


def key_of(push: Push) -> ObjectKey:
    """The object that a push belongs to: the whole Location, the Tariff, the Token."""
    return loading.key_of(push) if push.module == LOCATIONS else plain.key_of(push)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a batch of pushes was loaded for: Locations, and all others."""

    locations: Mapping[ObjectKey, Loaded]
    others: Mapping[ObjectKey, plain.LoadedPlain]

    @classmethod
    async def load(cls, connection: Connection, pushes: Sequence[Push], most: int) -> "_Batch":
        locations = [push for push in pushes if push.module == LOCATIONS]
        others = dict.fromkeys(key_of(push) for push in pushes if push.module != LOCATIONS)
        return cls(
            await loading.load(connection, locations, most) if locations else {},
            await plain.load(connection, others) if others else {},
        )

    def of(self, push: Push) -> Callable[[Push], Written]:
        """What applies a push to its object."""
        key = key_of(push)
        if key in self.others:
            return partial(holding_plain.apply, self.others[key].held)
        return partial(holding.apply, self.locations[key].held)

    def changed(self) -> tuple[Rows, plain.PlainRows]:
        return Rows.of(self.locations.values()), plain.PlainRows.of(self.others.values())


def _applied(apply: Callable[[Push], Written], push: Push) -> Written | OcpiError:
    """The push applied to what was loaded; its failure is its own."""
    try:
        return apply(push)
    except OcpiError as error:
        return error
    except Exception as error:  # noqa: BLE001 - nobody else in the batch is to blame
        log.error(  # noqa: TRY400 - a traceback with its locals would show the push
            "storage.push_broken", path=push.message.path, error=repr(error)
        )
        return OcpiError("internal error", Status.SERVER_ERROR)


async def _write(connection: Connection, rows: Rows, plain_rows: plain.PlainRows) -> None:
    if rows.statements + plain_rows.statements <= 1:  # is a transaction by itself
        await _all(connection, rows, plain_rows)
        return
    async with connection.transaction():
        await _all(connection, rows, plain_rows)


async def _all(connection: Connection, rows: Rows, plain_rows: plain.PlainRows) -> None:
    await loading.write(connection, rows)
    await plain.write(connection, plain_rows)


def _kept(module: str) -> None:
    if module not in KEPT:
        raise OcpiError(f"the hub keeps no copy of {module}", Status.HUB_ERROR)
