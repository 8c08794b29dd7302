"""The journal: `modules.journal.Journal` and `Messages` over PostgreSQL.

Rows wait in memory and are written together, four times a second; the queue is bounded in rows
and in bytes. What is written is masked first.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Self

import asyncpg
import structlog

from ocpi_hub.modules.journal import Direction, Hop, StoredHop
from ocpi_hub.modules.platforms import Unknown
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.settings import Journal as JournalSettings
from ocpi_hub.storage.database import LOST, Database, Row
from ocpi_hub.storage.findings import counted
from ocpi_hub.storage.masking import COLUMNS, KEPT, columns
from ocpi_hub.storage.queries import queries

log = structlog.get_logger("storage")

WRITE_S = 0.25
BATCH = 500
# Lists are large, asked for often, and known from their owners' pushes: masking and storing 64 KiB
# of each took four times as long as answering, and 4 KiB of the hub's own still a quarter of it.
KEPT_ANSWER = 4 * 1024
KEPT_LIST = 256
QUEUE_BYTES = 64 * 1024**2  # of bodies waiting
SLICE_BYTES = 64 * 1024  # prepared without a pause: up to 2 ms where something is to be masked
ROW_BYTES = 1024  # what a row without bodies counts for
EXPIRE_S = 600.0
EXPIRE_ROWS = 5000


class PostgresJournal:
    """Open it with `PostgresJournal.open`; `close` writes what is left."""

    def __init__(self, database: Database, settings: JournalSettings, metrics: Metrics) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics
        self._sql = queries(__file__)
        self._tasks = Tasks()
        self._queue: deque[Hop] = deque()
        self._bytes = 0
        self._writing = asyncio.Lock()
        self._duties: tuple[asyncio.Task[Any], ...] = ()

    @classmethod
    async def open(cls, database: Database, settings: JournalSettings, metrics: Metrics) -> Self:
        journal = cls(database, settings, metrics)
        journal._duties = (
            journal._tasks.keep("storage.journal", journal.flush, WRITE_S),
            journal._tasks.keep("storage.journal_expiry", journal.expire, EXPIRE_S),
        )
        return journal

    async def close(self, grace_s: float = 5.0) -> None:
        """Write what waits; what cannot be written within `grace_s` seconds is lost and counted."""
        await self._tasks.close()
        try:
            async with asyncio.timeout(grace_s):
                await self.flush()
        except LOST as error:
            self._metrics.journal_dropped.inc(len(self._queue))
            log.warning("storage.journal_lost", rows=len(self._queue), error=repr(error))

    def record(self, hop: Hop) -> None:
        """Keep a hop for the next batch; never waits, never fails."""
        self._cut(hop)
        if len(self._queue) >= self._settings.queue or self._bytes > QUEUE_BYTES:
            self._metrics.journal_dropped.inc()
            return
        self._queue.append(hop)
        self._bytes += _size(hop)

    def _cut(self, hop: Hop) -> None:
        if not self._settings.bodies:
            hop.request_body = hop.response_body = b""
        hop.request_body = hop.request_body[:KEPT]
        kept = KEPT_LIST if hop.mode == "get-all" else KEPT_ANSWER
        hop.response_body = hop.response_body[:kept]

    async def flush(self) -> None:
        """Write all that waits; when the database is away it goes on waiting."""
        async with self._writing:
            while self._queue:
                batch = list(islice(self._queue, BATCH))
                await self._write(batch)
                for hop in batch:
                    self._queue.popleft()
                    self._bytes -= _size(hop)

    async def _write(self, batch: Sequence[Hop]) -> None:
        """A row that cannot be stored never can be, and must not stop the others."""
        try:
            await self._copy(batch)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError) as error:
            if len(batch) == 1:
                self._metrics.journal_dropped.inc()
                log.warning("storage.journal_refused", route=batch[0].route, error=repr(error))
                return
            half = len(batch) // 2
            await self._write(batch[:half])
            await self._write(batch[half:])

    async def _copy(self, batch: Sequence[Hop]) -> None:
        rows, size = [], 0
        for hop in batch:
            rows.append(columns(hop))
            size += ROW_BYTES + _size(hop)
            if size > SLICE_BYTES:
                size = 0
                await asyncio.sleep(0)
        async with self._database.transaction() as connection, counted(connection, batch):
            await connection.execute(self._sql["loose"])
            await connection.copy_records_to_table("hop", records=rows, columns=COLUMNS)

    async def expire(self) -> None:
        """Delete what is older than it is kept, a few thousand rows at a time."""
        tag = f"DELETE {EXPIRE_ROWS}"
        while tag == f"DELETE {EXPIRE_ROWS}":
            tag = await self._database.execute(
                self._sql["expire"], self._settings.keep_days, EXPIRE_ROWS
            )

    async def search(
        self, filters: Mapping[str, str], before: int | None, limit: int
    ) -> Sequence[StoredHop]:
        wanted = read_filters(filters)
        async with self._database.transaction(readonly=True) as connection:
            await connection.execute(self._sql["custom"])
            rows = await connection.fetch(self._sql["search"], before, limit, *wanted)
        return [_stored(row) for row in rows]

    async def one(self, message_id: int) -> StoredHop:
        row = await self._database.row(self._sql["one"], message_id)
        if row is None:
            raise Unknown(f"there is no message {message_id}")
        return _stored(row)


def _size(hop: Hop) -> int:
    return len(hop.request_body) + len(hop.response_body)


def _number(value: str) -> int:
    number = int(value)
    if not 0 <= number < 2**31:
        raise ValueError
    return number


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _party(value: str) -> str:
    country, dash, party = value.partition("-")
    if not (dash and country and party):
        raise ValueError
    return value.upper()


# In the order of the parameters of `search`: how the text of a filter is read.
_FILTERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "correlation_id": (str, "text"),
    "request_id": (str, "text"),
    "route": (str, "text"),
    "mode": (str, "text"),
    "direction": (lambda value: Direction(value.upper()).value, "IN or OUT"),
    "platform": (str, "text"),
    "sender": (_party, "a party such as NL-ABC"),
    "receiver": (_party, "a party such as NL-ABC"),
    "http": (_number, "a number"),
    "code": (_number, "a number"),
    "outcome": (str, "text"),
    "since": (_moment, "a time with zone such as 2026-01-31T12:00:00Z"),
    "until": (_moment, "a time with zone such as 2026-01-31T12:00:00Z"),
}


def read_filters(filters: Mapping[str, str]) -> list[Any]:
    """Values for `search`, None where nothing is filtered; raises ValueError naming the filter."""
    if unknown := set(filters) - set(_FILTERS):
        raise ValueError(f"{min(unknown)}: no such filter (there are {', '.join(_FILTERS)})")
    return [_read(name, filters.get(name)) for name in _FILTERS]


def _read(name: str, value: str | None) -> Any:
    read, what = _FILTERS[name]
    try:
        return None if value is None else read(value)
    except ValueError:
        raise ValueError(f"{name}: must be {what}") from None


def _stored(row: Row) -> StoredHop:
    fields = dict(row)
    number = fields.pop("id")
    fields["direction"] = Direction(fields["direction"])
    fields["sender"] = _ref(fields["sender"])
    fields["receiver"] = _ref(fields["receiver"])
    fields["findings"] = tuple(fields["findings"])
    return StoredHop(number, Hop(**fields))


def _ref(party: str | None) -> PartyRef | None:
    return None if party is None else PartyRef(*party.split("-", 1))
