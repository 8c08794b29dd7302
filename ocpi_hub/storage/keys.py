"""API keys: `modules.keys.Keys` over PostgreSQL. All are kept in memory, by digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Self

from ocpi_hub.modules.keys import Key, Scope
from ocpi_hub.modules.platforms import Unknown
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.security import digest, fresh_api_key
from ocpi_hub.storage.database import Database, Row
from ocpi_hub.storage.following import Following
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

BOOTSTRAP = "bootstrap"


class PostgresKeys:
    """Open it with `PostgresKeys.open`, close it with `close`.

    `bootstrap`: a key from the settings, accepted with all scopes; it is never stored or listed.
    """

    def __init__(self, database: Database, bootstrap: str = "") -> None:
        self._database = database
        self._sql = queries(__file__)
        self._following = Following(database, "keys", self._load)
        self._bootstrap = _bootstrap(bootstrap) if bootstrap else {}
        self._held: Mapping[bytes, tuple[bytes, Key]] = self._bootstrap

    @classmethod
    async def open(cls, database: Database, bootstrap: str = "") -> Self:
        """The keys of this database, loaded and followed."""
        keys = cls(database, bootstrap)
        await keys._following.start()
        return keys

    async def close(self) -> None:
        await self._following.close()

    def lookup(self, secret: str) -> Key | None:
        shown = digest(secret)
        held, key = self._held.get(shown, (b"", None))
        if key is None or not compare_digest(held, shown):
            return None
        return None if key.expires_at is not None and key.expires_at <= now() else key

    async def create(
        self, name: str, scopes: frozenset[Scope], expires_at: datetime | None
    ) -> tuple[Key, str]:
        """A new key and its secret, which is shown this once only."""
        secret = fresh_api_key()
        async with self._database.transaction() as connection:
            await self._following.lock(connection)
            row = await connection.fetchrow(
                self._sql["create"], fresh_id(), name, sorted(scopes), digest(secret), expires_at
            )
            await self._following.changed(connection)
        await self._following.refresh()
        return _key(row), secret

    async def list(self, after: str | None, limit: int) -> Sequence[Key]:
        return [_key(row) for row in await self._database.fetch(self._sql["page"], after, limit)]

    async def one(self, key_id: str) -> Key:
        row = await self._database.row(self._sql["one"], key_id)
        if row is None:
            raise Unknown(f"there is no key {key_id}")
        return _key(row)

    async def delete(self, key_id: str) -> None:
        async with self._database.transaction() as connection:
            await self._following.lock(connection)
            if not await connection.fetchval(self._sql["delete"], key_id):
                raise Unknown(f"there is no key {key_id}")
            await self._following.changed(connection)
        await self._following.refresh()

    async def _load(self, connection: Connection, _: int) -> None:
        rows = await connection.fetch(self._sql["all"])
        stored = {row["digest"]: (row["digest"], _key(row)) for row in rows}
        self._held = {**stored, **self._bootstrap}


def _key(row: Row) -> Key:
    known = frozenset(scope for scope in Scope if scope in row["scopes"])
    return Key(row["id"], row["name"], known, row["created_at"], row["expires_at"])


def _bootstrap(secret: str) -> Mapping[bytes, tuple[bytes, Key]]:
    key = Key(BOOTSTRAP, BOOTSTRAP, frozenset(Scope), now(), None)
    return {digest(secret): (digest(secret), key)}
