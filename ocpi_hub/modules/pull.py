"""Pulling: when which list of a partner is read, from where on, and what its end means. Pure.

A partner that offers the Sender interface of a module of which the hub keeps a copy is read once
in full after its registration, then in windows of `date_from` every few hours, each partner at
moments of its own (TR-022), and as soon as it is back after being OFFLINE (TR-092). Only a full
list that was read to its end proves that something is gone (LOC-025).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import quote

from ocpi_hub.modules.line import Message, ObjectKey, Place
from ocpi_hub.modules.taken import Taken
from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, fold
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError
from ocpi_hub.routing.audience import may_push
from ocpi_hub.routing.directory import Platform, PlatformId, Quirks

SPLAY: Final = 0.2  # of an interval, to either side
RETRY_S: Final = 60.0  # after a first failure; twice as long after each further one
DOUBLINGS: Final = 12
_SUCCESS: Final = range(1000, 2000)
_LONGEST_ID: Final = 255  # of the types that name an object; all that are listed are remembered


class Kind(StrEnum):
    """What a pull asks for. CHANGES: what was updated since the last one that came to its end."""

    CHANGES = "changes"
    ALL = "all"


class Vanished(StrEnum):
    """What becomes of objects that a complete list does not hold any more."""

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`interval`: between two pulls; `full`: between two full ones; `overlap`: of two windows."""

    interval: timedelta
    full: timedelta
    overlap: timedelta


@dataclass(slots=True)
class Tally:
    """What a pull came to; not frozen, since it is counted while it runs.

    `objects` were read, `changed` of them told the store something new, `stale` were older than
    what it holds, `bad` broke a rule and `foreign` belong to a party that is not the platform's;
    the last two were left out. `removed`: what vanished, and was marked so. `fault`: why it broke
    off, empty when the list was read to its end.
    """

    kind: Kind
    began_at: datetime
    ended_at: datetime | None = None
    fault: str = ""
    pages: int = 0
    objects: int = 0
    changed: int = 0
    stale: int = 0
    bad: int = 0
    foreign: int = 0
    vanished: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """How far one list of one platform was read; see the table `pull`."""

    next_at: datetime
    synced_at: datetime | None = None
    full_at: datetime | None = None
    owed: Kind | None = None
    failures: int = 0
    begun_at: datetime | None = None
    last: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A pull that is due; `date_from` is None for a full one."""

    kind: Kind
    date_from: datetime | None


def pulled(platform: Platform, kept: Collection[str]) -> tuple[str, ...]:
    """The modules whose lists are read at a platform: kept here, offered there, not switched off.

    By itself the hub reads all of them; the quirk `pull` names those that the operator wants.
    """
    if not platform.registered:
        return ()
    wanted = kept if platform.quirks.pull is None else set(kept) & set(platform.quirks.pull)
    return tuple(
        module
        for module in kept
        if module in wanted and platform.endpoint(module, InterfaceRole.SENDER) is not None
    )


def owners(platform: Platform, spec: ModuleSpec) -> tuple[PartyRef, ...]:
    """The parties of a platform whose objects of this module it may list."""
    return tuple(party for party in platform.parties if may_push(spec, platform, party))


def rhythm_of(usual: Rhythm, quirks: Quirks) -> Rhythm:
    """The hub's rhythm, with the interval that the operator set for a partner."""
    if quirks.pull_hours is None:
        return usual
    interval = timedelta(hours=quirks.pull_hours)
    return replace(usual, interval=interval, full=max(usual.full, interval))


def due(state: State, rhythm: Rhythm, at: datetime) -> Plan | None:
    """What is to be pulled now, if anything."""
    if state.next_at > at:
        return None
    full_due = state.full_at is None or state.full_at + rhythm.full <= at
    if state.synced_at is None or state.owed is Kind.ALL or full_due:
        return Plan(Kind.ALL, None)
    return Plan(Kind.CHANGES, state.synced_at - rhythm.overlap)


def missed(state: State, status: ConnectionStatus, at: datetime) -> bool:
    """Whether a partner is away, so that its list has to be read as soon as it is back (TR-092).

    A reading that broke off waits for its own time: who pushes but cannot be called would be back
    with each push, and away again with each attempt.
    """
    return status is ConnectionStatus.OFFLINE and state.next_at > at and not state.failures


def after(state: State, tally: Tally, rhythm: Rhythm, at: datetime, dice: float) -> State:
    """The state behind a pull; `dice` in [0, 1) parts the partners and the days (TR-022).

    What broke off is tried again soon, then less and less often; the window stays as it was.
    """
    if tally.fault:
        failures = state.failures + 1
        wait = timedelta(seconds=RETRY_S * 2 ** min(failures - 1, DOUBLINGS))
        soon = min(wait, rhythm.interval)
        return replace(state, failures=failures, next_at=at + splayed(soon, dice))
    return replace(
        state,
        synced_at=tally.began_at,
        full_at=tally.began_at if tally.kind is Kind.ALL else state.full_at,
        owed=None,
        failures=0,
        next_at=at + splayed(rhythm.interval, dice),
    )


def splayed(interval: timedelta, dice: float) -> timedelta:
    """An interval, up to a fifth shorter or longer."""
    return interval * (1 - SPLAY + 2 * SPLAY * dice)


# Pages


class Unusable(Exception):
    """An answer that is no page of a list; the message says why."""


def objects(http: int, body: bytes) -> list[bytes]:
    """The objects of a page, each as its bytes were received; raises Unusable."""
    if not 200 <= http < 300:  # noqa: PLR2004 - success, as HTTP has it
        raise Unusable(f"HTTP {http}")
    code = message.status_of(body)
    if code not in _SUCCESS:
        raise Unusable("no OCPI answer" if code is None else f"status code {code}")
    try:
        return _entries(codec.members(body), "data")
    except OcpiError:
        raise Unusable("data: an array is expected") from None


def _entries(raw: Mapping[str, bytes], name: str) -> list[bytes]:
    """Those of a list, which may be null or absent where it has none (TYP-019)."""
    entries = raw.get(name, b"null")
    return [] if entries == b"null" else codec.elements(entries)


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a list: whose it is, and the push that it amounts to."""

    owner: PartyRef
    ids: tuple[str, ...]
    message: Message
    value: Any

    def key(self, module: str) -> ObjectKey:
        part = fold(self.ids[1]) if len(self.ids) > 1 else ""
        return ObjectKey(module, *self.owner.key, fold(self.ids[0]), part)


# The members that name an object; a Token is known by its uid and type.
_IDS: Final[Mapping[str, tuple[str, ...]]] = {
    "locations": ("id",),
    "tariffs": ("id",),
    "tokens": ("uid", "type"),
}


def identify(module: str, raw: bytes, largest: int) -> Found:
    """Read an object of a list as far as its identity; InvalidParameter when it has none.

    Raises NotJson for what cannot be read at all. `largest`: bytes of an object.
    """
    if len(raw) > largest:
        raise InvalidParameter(f"larger than {largest} bytes")
    value = codec.decode(raw)
    if not isinstance(value, dict):
        raise InvalidParameter("an object is expected")
    owner = PartyRef(_text(value, "country_code"), _text(value, "party_id"))
    ids = tuple(_text(value, name) for name in _IDS[module])
    return Found(owner, ids, Message("PUT", path_of(ids), raw), value)


def path_of(ids: Sequence[str]) -> str:
    """The path of an object below its owner; a Token's type is told in the query."""
    path = quote(ids[0], safe="")
    return f"{path}?type={quote(ids[1], safe='')}" if len(ids) > 1 else path


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID:
        raise InvalidParameter(f"{name}: a string of 1 to {_LONGEST_ID} characters is required")
    return found


# What is gone


@dataclass(slots=True)
class Seen:
    """What a full list held. `nameless`: objects that could not be told from others.

    `total`: what the partner said at last how many there are, if it did. `shrank`: it said less
    than before, so that an object may have slipped from a page to come to one that was read.
    """

    keys: set[ObjectKey] = field(default_factory=set)
    nameless: int = 0
    total: int | None = None
    shrank: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """An object of an owner in the hub's copy; `ids` as received, `place` of its last change."""

    key: ObjectKey
    owner: PartyRef
    ids: tuple[str, ...]
    place: Place


def unlisted(before: Sequence[Held], now: Sequence[Held], seen: Seen) -> list[Held]:
    """What a full list did not hold; what changed while it was read may have come by a push."""
    places = {one.key: one.place for one in now}
    return [one for one in before if one.key not in seen.keys and places.get(one.key) == one.place]


def doubt(seen: Seen) -> str:
    """Why a full list that was read to its end proves nothing about absence; empty: it does."""
    if not seen.keys:
        return "the list is empty"
    if seen.nameless:
        return f"{seen.nameless} objects of the list have no identity"
    if seen.shrank:
        return "objects left the list while it was read"
    if seen.total is not None and len(seen.keys) < seen.total:
        return f"{len(seen.keys)} different objects of {seen.total} were listed"
    return ""


def gone(
    module: str, ids: Sequence[str], body: bytes, at: str
) -> list[tuple[tuple[str, ...], Message]]:
    """The pushes that tell of an object which its owner does not list any more.

    Locations are never deleted, their EVSEs become REMOVED (LOC-006, LOC-007); a Tariff is deleted
    (TAR-004, TAR-015), a Token becomes invalid (TOK-003). `at`: the time of the change.
    """
    path = path_of(ids)
    if module == "tariffs":
        return [(tuple(ids), Message("DELETE", path, b""))]
    if module == "tokens":
        if codec.members(body).get("valid") == b"false":
            return []
        change = codec.encode({"valid": False, "last_updated": at})
        return [(tuple(ids), Message("PATCH", path, change))]
    change = codec.encode({"status": "REMOVED", "last_updated": at})
    standing = [codec.members(evse) for evse in _entries(codec.members(body), "evses")]
    uids = [codec.decode(each["uid"]) for each in standing if each.get("status") != b'"REMOVED"']
    return [
        ((*ids, uid), Message("PATCH", f"{path}/{quote(uid, safe='')}", change)) for uid in uids
    ]


# Seams


class Duty(Protocol):
    """What takes a pulled object as if its owner had pushed it; see `modules.locations`."""

    async def push(
        self,
        owner: PartyRef,
        ids: tuple[str, ...],
        message: Message,
        value: Any,
        *,
        origin: PlatformId,
        correlation_id: str,
    ) -> Taken: ...


class PullBook(Protocol):
    """How far every list was read, kept for all processes."""

    async def states(
        self, platforms: Collection[PlatformId]
    ) -> Mapping[tuple[PlatformId, str], State]: ...

    async def admit(self, platform: PlatformId, module: str, next_at: datetime) -> None:
        """A list that is to be read for the first time."""

    async def owe(
        self, platform: PlatformId, modules: Collection[str], kind: Kind, at: datetime
    ) -> None:
        """These lists are to be read now, whatever their turn; a full one is not forgotten."""

    async def begun(self, platform: PlatformId, module: str, at: datetime) -> None: ...

    async def ended(self, platform: PlatformId, module: str, state: State, tally: Tally) -> None:
        """Keep what `after` made of it; what was asked for meanwhile still stands."""

    async def held(self, module: str, owners: Collection[PartyRef]) -> Sequence[Held]:
        """The objects of these owners in the hub's copy."""


Dice = Callable[[], float]
