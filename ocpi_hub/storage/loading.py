"""Locations on their way from the database into a batch and back: rows to states, states to columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocpi_hub.modules.holding import Held, HeldEvse, HeldLocation, Writing
from ocpi_hub.modules.line import ObjectKey, Place
from ocpi_hub.modules.store import Push
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.storage.database import Connection, Row
from ocpi_hub.storage.queries import queries

_SQL = queries(__file__.replace("loading", "objects"))


def key_of(push: Push) -> ObjectKey:
    """The Location that a push belongs to."""
    return ObjectKey(push.module, *push.owner.key, fold(push.ids[0]))


@dataclass(slots=True)
class Loaded:
    """A Location in a batch: its state, and where its rows stood when they were read."""

    held: Held
    pk: int | None = None
    place: Place | None = None
    evses: dict[str, HeldEvse] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def add_evse(self, row: Row) -> None:
        evse = HeldEvse(
            row["spelling"], row["body"], row["last_updated"], row["listed"], row["own"], row["ord"]
        )
        self.held.evses[row["uid"]] = self.evses[row["uid"]] = evse
        self.places[row["uid"]] = Place(row["x"], row["seq"])


async def load(connection: Connection, pushes: Sequence[Push]) -> Mapping[ObjectKey, Loaded]:
    """What these pushes need: whole Locations where one is addressed, else single EVSEs."""
    loaded = {key: Loaded(Held(key, known=False)) for key in map(key_of, pushes)}
    whole = {key_of(push) for push in pushes if len(push.ids) == 1}
    parts = {(key_of(push), fold(push.ids[1])) for push in pushes if len(push.ids) > 1}
    parts = {(key, uid) for key, uid in parts if key not in whole}
    if whole:
        await _load_whole(connection, [loaded[key] for key in whole])
    if parts:
        await _load_parts(connection, loaded, list(parts))
    return loaded


async def _load_whole(connection: Connection, wanted: Sequence[Loaded]) -> None:
    keys = [one.held.key for one in wanted]
    by_pk: dict[int, Loaded] = {}
    for row in await connection.fetch(_SQL["locations"], *_columns(keys)):
        one = by_pk[row["pk"]] = wanted[row["n"] - 1]
        one.pk, one.place, one.held.known = row["pk"], Place(row["x"], row["seq"]), True
        one.held.location = HeldLocation(row["frame"], row["last_updated"], row["publish"])
    if by_pk:
        for row in await connection.fetch(_SQL["evses"], list(by_pk)):
            by_pk[row["location"]].add_evse(row)


async def _load_parts(
    connection: Connection,
    loaded: Mapping[ObjectKey, Loaded],
    parts: Sequence[tuple[ObjectKey, str]],
) -> None:
    arguments = [*_columns([key for key, _ in parts]), [uid for _, uid in parts]]
    for row in await connection.fetch(_SQL["parts"], *arguments):
        one = loaded[parts[row["n"] - 1][0]]
        one.pk, one.held.known = row["pk"], True
        if row["uid"] is not None:
            one.add_evse(row)


def _columns(keys: Iterable[ObjectKey]) -> list[list[str]]:
    return _turned([(key.country_code, key.party_id, key.id) for key in keys], 3)


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


class Conflict(Exception):
    """Another process changed a row meanwhile: load again."""


@dataclass(slots=True)
class Rows:
    """What a batch writes, row by row, in the order of the columns in objects.sql."""

    new_locations: list[Loaded] = field(default_factory=list)
    locations: list[Loaded] = field(default_factory=list)
    new_evses: list[tuple[Loaded, str]] = field(default_factory=list)
    evses: list[tuple[Loaded, str]] = field(default_factory=list)
    relisted: list[tuple[Loaded, str]] = field(default_factory=list)

    @classmethod
    def of(cls, loaded: Iterable[Loaded]) -> "Rows":
        rows = cls()
        for one in loaded:
            location = one.held.location
            if location is not None and location.writing is not None:
                (rows.new_locations if one.pk is None else rows.locations).append(one)
            for uid, evse in one.held.evses.items():
                rows._add_evse(one, uid, evse)
        return rows

    def _add_evse(self, one: Loaded, uid: str, evse: HeldEvse) -> None:
        old = one.evses.get(uid)
        if evse.writing is not None:
            (self.new_evses if old is None else self.evses).append((one, uid))
        elif old is not None and (old.order, old.listed) != (evse.order, evse.listed):
            self.relisted.append((one, uid))

    @property
    def statements(self) -> int:
        kinds = (self.new_locations, self.locations, self.new_evses, self.evses, self.relisted)
        return sum(1 for kind in kinds if kind)


async def write(connection: Connection, rows: Rows) -> None:
    """Write a batch; Locations first, so that their EVSEs stand behind them on the line.

    Raises Conflict when not every row could be written.
    """
    if rows.new_locations:
        await _insert_locations(connection, rows.new_locations)
    if rows.locations:
        await _counted(connection, "update_locations", [_location(one) for one in rows.locations])
    if rows.new_evses:
        await _counted(connection, "insert_evses", [_new_evse(*one) for one in rows.new_evses])
    if rows.evses:
        await _counted(connection, "update_evses", [_evse(*one) for one in rows.evses])
    if rows.relisted:
        await _counted(connection, "relist_evses", [_relisted(*one) for one in rows.relisted])


async def _counted(connection: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if await connection.fetchval(_SQL[name], *_turned(rows, 0)) != len(rows):
        raise Conflict(name)


async def _insert_locations(connection: Connection, news: Sequence[Loaded]) -> None:
    columns = _turned([_new_location(one) for one in news], 0)
    made = await connection.fetch(_SQL["insert_locations"], *columns)
    if len(made) != len(news):
        raise Conflict("insert_locations")
    pks = {(row["country"], row["party"], row["id"]): row["pk"] for row in made}
    for one in news:
        key = one.held.key
        one.pk = pks[key.country_code, key.party_id, key.id]


def _new_location(one: Loaded) -> tuple[Any, ...]:
    location, key = one.held.location, one.held.key
    assert location is not None and location.writing is not None
    push = location.writing.push
    owner = push.owner
    return (
        key.country_code, key.party_id, key.id, owner.country_code, owner.party_id, push.ids[0],
        location.frame, location.last_updated, location.publish, *_message(location.writing, 1),
    )  # fmt: skip


def _location(one: Loaded) -> tuple[Any, ...]:
    location = one.held.location
    assert location is not None and location.writing is not None and one.place is not None
    return (
        one.pk, *one.place, location.frame, location.last_updated, location.publish,
        *_message(location.writing, 1),
    )  # fmt: skip


def _new_evse(one: Loaded, uid: str) -> tuple[Any, ...]:
    return (one.pk, uid, *_state(one.held.evses[uid]))


def _evse(one: Loaded, uid: str) -> tuple[Any, ...]:
    return (one.pk, uid, *one.places[uid], *_state(one.held.evses[uid]))


def _state(evse: HeldEvse) -> tuple[Any, ...]:
    assert evse.writing is not None
    return (
        evse.uid, evse.order, evse.listed, evse.own, evse.body, evse.last_updated,
        *_message(evse.writing, 2),
    )  # fmt: skip


def _relisted(one: Loaded, uid: str) -> tuple[Any, ...]:
    evse = one.held.evses[uid]
    return (one.pk, uid, evse.order, evse.listed)


def _message(writing: Writing, depth: int) -> tuple[Any, ...]:
    """method, path, body (None: it is the state), origin, correlation id, times.

    `depth`: how many ids a push has that replaces the whole object; an EVSE that came within its
    Location has no message of its own.
    """
    push = writing.push
    told = push.message.method == "PUT" and len(push.ids) <= depth
    body = None if told else push.message.body
    return (
        push.message.method, push.message.path, body, push.origin, push.correlation_id,
        writing.times,
    )  # fmt: skip
