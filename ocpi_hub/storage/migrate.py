"""The schema, step by step: `migrations/NNNN_name.sql`, each applied once, in order.

Two processes may start at once: an advisory lock lets one work while the other waits.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from ocpi_hub.storage.database import UnusableDatabase, refuse_old
from ocpi_hub.storage.pool import Connection

log = structlog.get_logger("storage")

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x0C91_4B00  # any number, as long as all processes use the same
LOCK_WAIT = "5min"
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TABLE = """
create table if not exists migration (
    number int primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations in a folder, by number; raises ValueError for an impossible name."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: must be named NNNN_name.sql")
        number = int(match[1])
        if number in found:
            raise ValueError(f"{path.name}: number {number:04d} is used twice")
        found[number] = Migration(number, match[2], path.read_text("utf-8"))
    if not found:
        raise ValueError(f"no migrations in {folder}: the installation is incomplete")
    return tuple(found.values())


async def migrate(url: str, known: Sequence[Migration] | None = None) -> Sequence[Migration]:
    """Bring the database up to date; returns what was applied.

    Raises UnusableDatabase when the database is newer than this program, when an applied file
    was changed since, or when the server is too old.
    """
    known = migrations() if known is None else known
    connection = await asyncpg.connect(
        url, timeout=10, server_settings={"application_name": "ocpi-hub migrate"}
    )
    try:
        refuse_old(connection)
        await connection.execute(f"set lock_timeout = '{LOCK_WAIT}'")
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        return await _apply(connection, known)
    finally:
        await connection.close(timeout=5)  # gives the lock back


async def pending(connection: Connection, known: Sequence[Migration]) -> Sequence[Migration]:
    """What `known` has and the database has not; raises UnusableDatabase as `migrate` does."""
    if await connection.fetchval("select to_regclass('migration')") is None:
        return tuple(known)
    rows = await connection.fetch("select number, name, sha256 from migration order by number")
    by_number = {migration.number: migration for migration in known}
    for row in rows:
        _compare(row["number"], row["name"], row["sha256"], by_number.get(row["number"]))
    applied = {row["number"] for row in rows}
    return tuple(migration for migration in known if migration.number not in applied)


def _compare(number: int, name: str, sha256: str, ours: Migration | None) -> None:
    if ours is None:
        raise UnusableDatabase(
            f"the database is newer than this program: it has migration {number:04d}_{name}; "
            "start the version that made it, or a later one"
        )
    if ours.sha256 != sha256:
        raise UnusableDatabase(
            f"migration {number:04d}_{name} was changed after it was applied to this database; "
            "restore the file and put the change into a new migration"
        )


async def _apply(connection: Connection, known: Sequence[Migration]) -> Sequence[Migration]:
    await connection.execute(_TABLE)
    todo = await pending(connection, known)
    for migration in todo:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into migration (number, name, sha256) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
        log.info("storage.migrated", number=migration.number, name=migration.name)
    return todo
