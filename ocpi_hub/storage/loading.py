"""A batch of pushes and the database: rows become states, changed states become columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocpi_hub.modules.holding import Held, HeldEvse, HeldLocation, Writing
from ocpi_hub.modules.line import ORIGIN, ObjectKey, Place
from ocpi_hub.modules.store import Push
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.storage.database import Row
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries

_SQL = queries(__file__.replace("loading", "objects"))
FREE = 1024  # bytes that a Location may grow without a lock on its row


def key_of(push: Push) -> ObjectKey:
    """The Location that a push belongs to."""
    return ObjectKey(push.module, *push.owner.key, fold(push.ids[0]))


@dataclass(slots=True)
class Loaded:
    """A Location in a batch: its state, and where its rows stood when they were read."""

    held: Held
    pk: int | None = None
    place: Place = ORIGIN
    size: int = 0
    evses: dict[str, HeldEvse] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def add_evse(self, row: Row) -> None:
        evse = HeldEvse(
            row["spelling"], row["body"], row["last_updated"], row["listed"], row["own"], row["ord"]
        )
        self.held.evses[row["uid"]] = self.evses[row["uid"]] = evse
        self.places[row["uid"]] = Place(row["x"], row["seq"])

    @property
    def loaded_bytes(self) -> int:
        return sum(len(evse.body) for evse in self.evses.values())

    @property
    def claimed(self) -> bool:
        """Whether its row must be locked first: who adds to a Location takes turns with others.

        A status change never is: one that grows by little may pass `most` by as little.
        """
        if self.pk is None:
            return False
        location, evses = self.held.location, self.held.evses
        if location is not None and location.writing is not None:
            return True
        if evses.keys() != self.evses.keys():
            return True
        return sum(len(evse.body) for evse in evses.values()) > self.loaded_bytes + FREE


async def load(
    connection: Connection, pushes: Sequence[Push], most: int
) -> Mapping[ObjectKey, Loaded]:
    """What these pushes need: whole Locations where one is addressed, else single EVSEs.

    `most`: bytes that a Location may have.
    """
    named = [(key_of(push), push.ids) for push in pushes]
    loaded = {key: Loaded(Held(key, known=False, most=most)) for key, _ in named}
    whole = {key for key, ids in named if len(ids) == 1}
    parts = {(key, fold(ids[1])) for key, ids in named if key not in whole}
    if whole:  # a frame and its EVSEs belong to one moment
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await _load_whole(connection, [loaded[key] for key in whole])
    if parts:
        await _load_parts(connection, loaded, list(parts))
    return loaded


async def _load_whole(connection: Connection, wanted: Sequence[Loaded]) -> None:
    keys = [one.held.key for one in wanted]
    by_pk: dict[int, Loaded] = {}
    for row in await connection.fetch(_SQL["locations"], [_ids(key) for key in keys]):
        one = by_pk[row["pk"]] = wanted[row["n"] - 1]
        one.pk, one.place, one.held.known = row["pk"], Place(row["x"], row["seq"]), True
        one.held.location = HeldLocation(row["frame"], row["last_updated"], row["publish"])
    if by_pk:
        for row in await connection.fetch(_SQL["evses"], list(by_pk)):
            by_pk[row["location"]].add_evse(row)
    for row_of in by_pk.values():
        frame = row_of.held.location.frame if row_of.held.location else b""
        row_of.size = len(frame) + row_of.loaded_bytes


async def _load_parts(
    connection: Connection,
    loaded: Mapping[ObjectKey, Loaded],
    parts: Sequence[tuple[ObjectKey, str]],
) -> None:
    keys = [_ids(key, uid) for key, uid in parts]
    for row in await connection.fetch(_SQL["parts"], keys):
        one = loaded[parts[row["n"] - 1][0]]
        one.pk, one.held.known, one.size = row["pk"], True, row["size"]
        one.place = Place(row["location_x"], row["location_seq"])
        if row["uid"] is not None:
            one.add_evse(row)
    for one in loaded.values():
        if one.held.location is None:
            one.held.rest = one.size - one.loaded_bytes


def _ids(key: ObjectKey, uid: str = "") -> tuple[str, str, str, str]:
    return key.country_code, key.party_id, key.id, uid


class Conflict(Exception):
    """Another process changed a row meanwhile: load again."""


@dataclass(frozen=True, slots=True)
class _Location:
    of: Loaded
    state: HeldLocation
    writing: Writing


@dataclass(frozen=True, slots=True)
class _Evse:
    of: Loaded
    uid: str
    state: HeldEvse


@dataclass(slots=True)
class Rows:
    """What a batch writes."""

    new_locations: list[_Location] = field(default_factory=list)
    locations: list[_Location] = field(default_factory=list)
    new_evses: list[_Evse] = field(default_factory=list)
    evses: list[_Evse] = field(default_factory=list)
    relisted: list[_Evse] = field(default_factory=list)
    claimed: list[Loaded] = field(default_factory=list)

    @classmethod
    def of(cls, loaded: Iterable[Loaded]) -> "Rows":
        rows = cls()
        for one in loaded:
            if one.claimed:
                rows.claimed.append(one)
            location = one.held.location
            if location is not None and location.writing is not None:
                kind = rows.new_locations if one.pk is None else rows.locations
                kind.append(_Location(one, location, location.writing))
            for uid, evse in one.held.evses.items():
                rows._add_evse(_Evse(one, uid, evse), one.evses.get(uid))
        return rows

    def _add_evse(self, row: _Evse, old: HeldEvse | None) -> None:
        if row.state.writing is not None:
            (self.new_evses if old is None else self.evses).append(row)
        elif old is not None and (old.order, old.listed) != (row.state.order, row.state.listed):
            self.relisted.append(row)

    @property
    def statements(self) -> int:
        kinds = (self.new_locations, self.locations, self.new_evses, self.evses, self.relisted)
        return sum(1 for kind in (*kinds, self.claimed) if kind)

    @property
    def keys(self) -> set[ObjectKey]:
        """The Locations whose EVSEs are written."""
        return {row.of.held.key for row in (*self.new_evses, *self.evses)}


async def write(connection: Connection, rows: Rows) -> None:
    """Write a batch; Locations first, so that their EVSEs stand behind them on the line.

    Raises Conflict when not every row could be written.
    """
    if rows.claimed:
        await _claim(connection, rows.claimed)
    if rows.new_locations:
        await _insert_locations(connection, rows.new_locations)
    if rows.locations:
        await _counted(connection, "update_locations", [_location(row) for row in rows.locations])
    if rows.new_evses:
        await _counted(connection, "insert_evses", [_new_evse(row) for row in rows.new_evses])
    if rows.evses:
        await _counted(connection, "update_evses", [_evse(row) for row in rows.evses])
    if rows.relisted:
        await _counted(connection, "relist_evses", [_relisted(row) for row in rows.relisted])


async def _claim(connection: Connection, claimed: Sequence[Loaded]) -> None:
    """Lock the rows of Locations; Conflict where one is not as it was loaded any more."""
    by_pk = {one.pk: (*one.place, one.size) for one in claimed}
    _ = await connection.fetch(_SQL["lock"], list(by_pk))
    for row in await connection.fetch(_SQL["measured"], list(by_pk)):
        if by_pk[row["pk"]] != (row["x"], row["seq"], row["size"]):
            raise Conflict("claim")


async def _counted(connection: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if await connection.fetchval(_SQL[name], rows) != len(rows):
        raise Conflict(name)


async def _insert_locations(connection: Connection, news: Sequence[_Location]) -> None:
    rows = [_new_location(row) for row in news]
    made = await connection.fetch(_SQL["insert_locations"], rows)
    if len(made) != len(news):
        raise Conflict("insert_locations")
    pks = {(row["country"], row["party"], row["id"]): row["pk"] for row in made}
    for row in news:
        key = row.of.held.key
        row.of.pk = pks[key.country_code, key.party_id, key.id]


# Rows in the order of their types in 0026_written_rows.sql.


def _new_location(row: _Location) -> tuple[Any, ...]:
    _, country, party, location_id, _ = row.of.held.key
    push = row.writing.push
    owner = push.owner
    spelling = (owner.country_code, owner.party_id, push.ids[0])
    return (country, party, location_id, *spelling, *_location_state(row))


def _location(row: _Location) -> tuple[Any, ...]:
    return (row.of.pk, *row.of.place, *_location_state(row))


def _location_state(row: _Location) -> tuple[Any, ...]:
    state = row.state
    return (state.frame, state.last_updated, state.publish, *_message(row.writing, 1))


def _new_evse(row: _Evse) -> tuple[Any, ...]:
    return (row.of.pk, row.uid, *_evse_state(row.state))


def _evse(row: _Evse) -> tuple[Any, ...]:
    old = row.of.evses[row.uid]
    was = (*row.of.places[row.uid], old.order, old.listed)
    return (row.of.pk, row.uid, *was, *_evse_state(row.state))


def _evse_state(evse: HeldEvse) -> tuple[Any, ...]:
    listing = (evse.uid, evse.order, evse.listed, evse.own)
    return (*listing, evse.body, evse.last_updated, *_message(evse.writing, 2))


def _relisted(row: _Evse) -> tuple[Any, ...]:
    return (row.of.pk, row.uid, *row.of.places[row.uid], row.state.order, row.state.listed)


def _message(writing: Writing | None, depth: int) -> tuple[Any, ...]:
    """method, path, body (None: it is the state), origin, correlation id, times.

    `depth`: how many ids a push has that replaces the whole object; an EVSE that came within its
    Location has no message of its own.
    """
    if writing is None:
        raise ValueError("only rows that a push changed are written")
    push, message = writing.push, writing.push.message
    body = None if message.method == "PUT" and len(push.ids) <= depth else message.body
    return (message.method, message.path, body, push.origin, push.correlation_id, writing.times)
