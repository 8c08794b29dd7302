"""Tariffs and Tokens in a batch of pushes: rows become states, changed states become columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_hub.modules.line import ObjectKey, Place
from ocpi_hub.modules.plain import Plain
from ocpi_hub.modules.store import Push
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.loading import Conflict
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

_SQL = queries(__file__)
_TYPED = 2  # ids of a Token: its uid and its type


def key_of(push: Push) -> ObjectKey:
    """The object that a push is for."""
    part = fold(push.ids[1]) if len(push.ids) == _TYPED else ""
    return ObjectKey(push.module, *push.owner.key, fold(push.ids[0]), part)


@dataclass(slots=True)
class LoadedPlain:
    """An object in a batch: its state, and where its row stood, None while it has none."""

    held: Plain
    place: Place | None = None


async def load(
    connection: Connection, keys: Iterable[ObjectKey]
) -> Mapping[ObjectKey, LoadedPlain]:
    loaded = {key: LoadedPlain(Plain(key)) for key in keys}
    if loaded:
        known = list(loaded.values())
        for row in await connection.fetch(_SQL["load"], *_turned(loaded)):
            one = known[row["n"] - 1]
            one.held.body, one.held.last_updated = row["body"], row["last_updated"]
            one.place = Place(row["x"], row["seq"])
    return loaded


@dataclass(frozen=True, slots=True)
class PlainRows:
    """What a batch writes."""

    new: tuple[LoadedPlain, ...]
    known: tuple[LoadedPlain, ...]

    @classmethod
    def of(cls, loaded: Iterable[LoadedPlain]) -> "PlainRows":
        changed = [one for one in loaded if one.held.writing is not None]
        return cls(
            # made and deleted within one batch: nobody saw it
            new=tuple(one for one in changed if one.place is None and one.held.body is not None),
            known=tuple(one for one in changed if one.place is not None),
        )

    @property
    def statements(self) -> int:
        return bool(self.new) + bool(self.known)

    @property
    def modules(self) -> set[str]:
        return {one.held.key.module for one in (*self.new, *self.known)}


async def write(connection: Connection, rows: PlainRows) -> None:
    """Write a batch; raises Conflict when not every row could be written."""
    if rows.new:
        await _counted(connection, "insert", [_new(one) for one in rows.new])
    if rows.known:
        await _counted(connection, "update", [_known(one) for one in rows.known])


async def one(database: Database, key: ObjectKey) -> bytes | None:
    body: bytes | None = await database.value(_SQL["one"], *key)
    return body


async def owners(database: Database, module: str, *ids: str) -> Sequence[PartyRef]:
    rows = await database.fetch(_SQL["owners"], module, *map(fold, ids))
    return [PartyRef(row["country_code"], row["party_id"]) for row in rows]


async def _counted(connection: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if await connection.fetchval(_SQL[name], *_turned(rows)) != len(rows):
        raise Conflict(name)


def _turned(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


# Rows in the order of the columns in plain.sql.


def _new(one: LoadedPlain) -> tuple[Any, ...]:
    push = _writing(one)[0]
    object_id, spelling = (*push.ids, "")[:2]
    owner = push.owner
    return (
        *one.held.key, owner.country_code, owner.party_id, object_id, spelling, *_state(one)
    )  # fmt: skip


def _known(one: LoadedPlain) -> tuple[Any, ...]:
    return (*one.held.key, *(one.place or ()), *_state(one))


def _state(one: LoadedPlain) -> tuple[Any, ...]:
    """Body, stamp, method, path, message (None: it is the state), origin, correlation id, times."""
    push, times = _writing(one)
    message = push.message
    body = message.body if message.method == "PATCH" else None
    return (
        one.held.body, one.held.last_updated, message.method, message.path, body, push.origin,
        push.correlation_id, times,
    )  # fmt: skip


def _writing(one: LoadedPlain) -> tuple[Push, int]:
    if one.held.writing is None:
        raise ValueError("only rows that a push changed are written")
    return one.held.writing.push, one.held.writing.times
