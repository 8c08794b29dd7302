"""The connection to PostgreSQL: a bounded pool, transactions, notifications.

Every wait has a limit: for a connection, for a statement, for a lock, inside a transaction.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import asyncpg
import stamina

from ocpi_hub.storage.listening import Listening
from ocpi_hub.storage.pool import Connection, Pool

Row = Any  # asyncpg ships no type information

OLDEST = 15
COMMAND_S = 10.0
CONNECT_S = 5.0
_SESSION = {
    "statement_timeout": "9s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "15s",
}
# The connection broke or the server is (re)starting: a read may simply be asked again.
LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended the session while it was idle
)


class UnusableDatabase(Exception):
    """The database cannot serve this program; the message says what to change."""


class Database:
    """A pool of one process. Open it with `Database.open`, close it with `close`."""

    def __init__(
        self, url: str, size: int, name: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.url = url
        self._settings = dict(settings or {})
        self._name = name
        self._pool = Pool(self._session, size)
        self._listening = Listening(self._connect)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        size: int = 8,
        name: str = "ocpi-hub",
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Connect, with `size` connections at most; `settings` are PostgreSQL's, for each session.

        Raises UnusableDatabase, OSError, or what asyncpg raises when it may not connect.
        """
        database = cls(url, size, name, settings)
        await database._start()
        return database

    async def _start(self) -> None:
        try:
            async with self.acquire() as connection:
                refuse_old(connection)
        except BaseException:
            await self.close()
            raise

    async def close(self, grace_s: float = 5.0) -> None:
        """Wait for work in hand for `grace_s` seconds, then cut it."""
        await self._listening.close()
        await self._pool.close(grace_s)

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for a few statements; nothing of its session state is reset afterwards."""
        return self._pool.acquire()

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back by an exception.

        `options` are asyncpg's: `isolation="repeatable_read"`, `readonly=True`.
        """
        async with self.acquire() as connection, connection.transaction(**options):
            yield connection

    async def fetch(self, query: str, *args: Any) -> Sequence[Row]:
        """Rows of a read, asked again when the connection was lost."""
        try:
            return await self._fetch(query, *args)
        except LOST:
            return await _again(self._fetch, query, *args)

    async def _fetch(self, query: str, *args: Any) -> Sequence[Row]:
        async with self.acquire() as connection:
            rows: Sequence[Row] = await connection.fetch(query, *args)
            return rows

    async def row(self, query: str, *args: Any) -> Row | None:
        """The first row of a read, or None."""
        rows = await self.fetch(query, *args)
        return rows[0] if rows else None

    async def value(self, query: str, *args: Any) -> Any:
        """The first column of the first row of a read, or None."""
        row = await self.row(query, *args)
        return row[0] if row is not None else None

    async def execute(self, query: str, *args: Any) -> str:
        """One write in a transaction of its own, never repeated; returns the command's tag."""
        async with self.acquire() as connection:
            tag: str = await connection.execute(query, *args)
        return tag

    def listen(self, channel: str, every_s: float = 1.0) -> AsyncIterator[None]:
        """Yields soon after a NOTIFY on `channel`, after a reconnect, and every `every_s` seconds.

        A hint, not a promise: notifications are lost while disconnected. All listeners of a
        process share one connection.
        """
        return self._listening.wakes(channel, every_s)

    async def _session(self) -> Connection:
        """A connection for the pool."""
        connection = await asyncpg.connect(
            self.url,
            timeout=CONNECT_S,
            command_timeout=COMMAND_S,
            server_settings={**_SESSION, **self._settings, "application_name": self._name},
        )
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
        return connection

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self.url,
            timeout=CONNECT_S,
            command_timeout=COMMAND_S,
            server_settings={"application_name": f"{self._name} listener"},
        )


def refuse_old(connection: Connection) -> None:
    """Raises UnusableDatabase when the server is older than the oldest supported version."""
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise UnusableDatabase(
            f"PostgreSQL {version.major}.{version.minor} is too old: {OLDEST} or newer is needed"
        )


_again = stamina.AsyncRetryingCaller(
    attempts=8, timeout=8.0, wait_initial=0.05, wait_max=2.0, wait_jitter=0.1
).on(LOST)
