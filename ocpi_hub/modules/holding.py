"""What a push does to a Location that the hub holds. Pure: states go in, states come out.

    Held           one Location as loaded: its own row, its EVSEs (all, or those that are needed)
    HeldLocation   its frame and flags
    HeldEvse       one EVSE: its bytes, whether the Location's list shows it

PUT replaces and PATCH merges at the depth of the path (LOC-045, LOC-056); the timestamps of
children move their parents (LOC-050, LOC-051, LOC-058). A push older than what is held changes
nothing and takes no place on the line (ROUT-222); neither does one that says what is held already.
A stamp that lies far in the future holds nobody up: the next push with a sane one replaces it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ocpi_hub.modules.frame import assemble, split, weight
from ocpi_hub.modules.line import ObjectKey
from ocpi_hub.modules.stamp import moment, spelled, stamp
from ocpi_hub.modules.store import Push, Written
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, Status
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.locations import Location


@dataclass(frozen=True, slots=True)
class Writing:
    """The pushes that changed a row since it was loaded: the last one, and how many."""

    push: Push
    times: int


@dataclass(frozen=True, slots=True)
class HeldLocation:
    """`last_updated` is the stamp of the Location's own last push."""

    frame: bytes
    last_updated: str
    publish: bool
    writing: Writing | None = None


@dataclass(slots=True)
class HeldEvse:
    """Never changed once it is made, and not frozen: that is dear for so many.

    `order` is None for one that goes behind all others; `own`: last written by its own push.

    `writing` is set when the content changed, by whichever push.
    """

    uid: str
    body: bytes
    last_updated: str
    listed: bool
    own: bool
    order: int | None = None
    writing: Writing | None = None


@dataclass(slots=True)
class Held:
    """A Location as far as it was loaded. `location` is None when it is unknown or not loaded.

    `rest`: bytes of it that were not loaded; `most`: bytes that it may have with all its EVSEs.
    """

    key: ObjectKey
    known: bool
    location: HeldLocation | None = None
    evses: dict[str, HeldEvse] = field(default_factory=dict)
    rest: int = 0
    most: int = sys.maxsize

    @property
    def size(self) -> int:
        """Bytes of the Location with all its EVSEs, listed or not."""
        frame = weight(self.location.frame) if self.location else 0
        return self.rest + frame + sum(len(evse.body) for evse in self.evses.values())

    @property
    def moved(self) -> HeldEvse | None:
        """The EVSE that makes the Location younger than its own last push, if there is one."""
        if self.location is None:
            return None
        youngest = max(
            (evse for evse in self.evses.values() if evse.own),
            key=lambda evse: evse.last_updated,
            default=None,
        )
        if youngest is None or youngest.last_updated <= self.location.last_updated:
            return None
        return youngest

    @property
    def last_updated(self) -> str:
        """The stamp that the Location shows."""
        location = _loaded(self)
        return self.moved.last_updated if self.moved else location.last_updated

    def body(self) -> bytes:
        listed = [evse for evse in self.evses.values() if evse.listed]
        listed.sort(key=_order)
        moved = self.moved
        return assemble(
            _loaded(self).frame,
            [evse.body for evse in listed],
            spelled(moved.last_updated) if moved else None,
        )


def _loaded(held: Held) -> HeldLocation:
    if held.location is None:
        raise _unknown_location(held.key.id)
    return held.location


def _order(evse: HeldEvse) -> int:
    return 2**63 if evse.order is None else evse.order  # new ones keep the order of their arrival


def apply(held: Held, push: Push) -> Written:
    """Change `held` as the push says; on an error it stays as it was.

    The push passed its duty's checks; a Location is checked again once a PATCH is merged, since
    some rules bind members to each other (LOC-066): InvalidParameter. Raises NoSuchResource with
    code 2003 for a PATCH of something unknown and a part of something unknown (TR-040, LOC-054),
    InvalidParameter when the Location would grow beyond `most`.
    """
    known, location, evses, size = held.known, held.location, dict(held.evses), held.size
    written = _ACTIONS[push.message.method, len(push.ids)](held, push)
    if held.size > max(size, held.most):
        grown = held.size
        held.known, held.location, held.evses = known, location, evses
        raise InvalidParameter(
            f"evses: the location would have {grown} bytes with all its EVSEs, also those that a "
            f"PUT left out; the hub holds at most {held.most}"
        )
    return written


def _put_location(held: Held, push: Push) -> Written:
    return _replace_location(held, push, push.message.body)


def _patch_location(held: Held, push: Push) -> Written:
    if not held.known:
        raise _unknown_location(push.ids[0])
    if older(push, held.last_updated):
        return Written.STALE
    body = held.body()
    merged = codec.merge(body, push.message.body)
    if merged == body:
        return Written.UNCHANGED
    validate(Location, codec.decode(merged))
    return _replace_location(held, push, merged)


def _replace_location(held: Held, push: Push, body: bytes) -> Written:
    if held.known and older(push, held.last_updated):
        return Written.STALE
    if held.known and says_the_same(held.body(), held.last_updated, push, body):
        return Written.UNCHANGED
    parts = split(body)
    members = codec.members(body)
    evses = _left_out(held.evses) | _listed(held.evses, parts.evses, push)
    written = Written.UPDATED if held.known else Written.CREATED
    held.location = HeldLocation(
        frame=parts.frame,
        last_updated=stamp(text_of(members, "last_updated")),
        publish=members.get("publish") != b"false",
        writing=_again(held.location, push),
    )
    held.evses = evses
    held.known = True
    return written


def says_the_same(known: bytes, since: str, push: Push, body: bytes) -> bool:
    """Whether a push leaves what is `known` since a stamp as it is, be it spelled otherwise.

    A partner's list and what its PATCHes made of an earlier one differ in blanks and order.
    """
    if known == body:
        return True
    same_moment = push.last_updated == moment(since)
    return same_moment and codec.decode(known) == codec.decode(body)


def _left_out(evses: Mapping[str, HeldEvse]) -> dict[str, HeldEvse]:
    """A PUT that leaves EVSEs out does not delete them; the list no longer shows them (LOC-055)."""
    return {uid: replace(evse, listed=False) for uid, evse in evses.items()}


def _listed(
    old: Mapping[str, HeldEvse], bodies: tuple[bytes, ...], push: Push
) -> dict[str, HeldEvse]:
    """The EVSEs of a new Location; those that did not change keep their place on the line."""
    evses: dict[str, HeldEvse] = {}
    for order, body in enumerate(bodies):
        members = codec.members(body)
        uid = text_of(members, "uid")
        if (key := fold(uid)) in evses:
            raise InvalidParameter(f"evses[{order}].uid: {uid} occurs twice")
        known = old.get(key)
        if known is not None and known.body == body:
            evses[key] = replace(known, listed=True, order=order)
        else:
            updated = stamp(text_of(members, "last_updated"))
            evses[key] = HeldEvse(uid, body, updated, True, False, order, _again(known, push))
    return evses


def _put_evse(held: Held, push: Push) -> Written:
    if not held.known:
        raise _unknown_location(push.ids[0])
    uid, body = push.ids[1], push.message.body
    old = held.evses.get(fold(uid))
    if old is not None and older(push, old.last_updated):
        return Written.STALE
    if old is not None and old.listed and old.body == body:
        return Written.UNCHANGED
    order = old.order if old is not None and old.listed else None
    updated = stamp(text_of(codec.members(body), "last_updated"))
    if order is None:
        held.evses.pop(fold(uid), None)  # to the end of the list
    held.evses[fold(uid)] = HeldEvse(uid, body, updated, True, True, order, _again(old, push))
    return Written.UPDATED if old is not None else Written.CREATED


def _patch_evse(held: Held, push: Push) -> Written:
    old = _evse(held, push)
    if older(push, old.last_updated):
        return Written.STALE
    merged = codec.merge(old.body, push.message.body)
    if merged == old.body:
        return Written.UNCHANGED
    updated = stamp(text_of(codec.members(push.message.body), "last_updated"))
    held.evses[fold(old.uid)] = _rewritten(old, push, merged, updated)
    return Written.UPDATED


def _put_connector(held: Held, push: Push) -> Written:
    evse = _evse(held, push)
    connectors = _connectors(evse)
    index = _index(connectors, push.ids[2])
    if index is None:
        _replace_connectors(held, push, evse, [*connectors, push.message.body])
        return Written.CREATED
    return _replace_connector(held, push, index, push.message.body)


def _patch_connector(held: Held, push: Push) -> Written:
    connectors = _connectors(_evse(held, push))
    index = _index(connectors, push.ids[2])
    if index is None:
        raise _unknown(f"the hub holds no connector {push.ids[2]} of EVSE {push.ids[1]}")
    merged = codec.merge(connectors[index], push.message.body)
    if merged == connectors[index]:
        return Written.UNCHANGED
    return _replace_connector(held, push, index, merged)


def _replace_connector(held: Held, push: Push, index: int, body: bytes) -> Written:
    evse = _evse(held, push)
    connectors = _connectors(evse)
    if older(push, stamp(text_of(codec.members(connectors[index]), "last_updated"))):
        return Written.STALE
    if connectors[index] == body:
        return Written.UNCHANGED
    connectors[index] = body
    _replace_connectors(held, push, evse, connectors)
    return Written.UPDATED


def _replace_connectors(
    held: Held, push: Push, evse: HeldEvse, connectors: Sequence[bytes]
) -> None:
    """The EVSE with these connectors, its `last_updated` never older than the push (LOC-051)."""
    members = codec.members(evse.body)
    members["connectors"] = codec.join_array(connectors)
    updated = evse.last_updated
    if not older(push, updated):
        sent = codec.members(push.message.body)
        members["last_updated"] = sent["last_updated"]
        updated = stamp(text_of(sent, "last_updated"))
    held.evses[fold(evse.uid)] = _rewritten(evse, push, codec.join_object(members), updated)


def _rewritten(evse: HeldEvse, push: Push, body: bytes, updated: str) -> HeldEvse:
    writing = _again(evse, push)
    return HeldEvse(evse.uid, body, updated, evse.listed, True, evse.order, writing)


def _evse(held: Held, push: Push) -> HeldEvse:
    if not held.known:
        raise _unknown_location(push.ids[0])
    evse = held.evses.get(fold(push.ids[1]))
    if evse is None:
        raise _unknown(f"the hub holds no EVSE {push.ids[1]} of location {push.ids[0]}")
    return evse


def _connectors(evse: HeldEvse) -> list[bytes]:
    return codec.elements(codec.members(evse.body)["connectors"])


def _index(connectors: Sequence[bytes], connector_id: str) -> int | None:
    wanted = fold(connector_id)
    for index, connector in enumerate(connectors):
        if fold(text_of(codec.members(connector), "id")) == wanted:
            return index
    return None


def _again(old: HeldLocation | HeldEvse | None, push: Push) -> Writing:
    before = old.writing.times if old is not None and old.writing is not None else 0
    return Writing(push, before + 1)


def older(push: Push, held_since: str) -> bool:
    """Whether what is held was updated after the push; both may be of the same moment.

    Not when only what is held bears a stamp beyond the horizon: it would stay for ever.
    """
    if push.last_updated is None:
        return False
    since = moment(held_since)
    return push.last_updated < since and not push.last_updated <= push.horizon < since


def text_of(members: Mapping[str, bytes], name: str) -> str:
    """A text member of an object that was checked to have it."""
    raw = members.get(name, b"null")
    if raw[:1] == b'"' and b"\\" not in raw:
        return raw[1:-1].decode()
    value = codec.decode(raw)
    if not isinstance(value, str):
        raise InvalidParameter(f"{name}: is required and must be a string")
    return value


def _unknown_location(location_id: str) -> NoSuchResource:
    return _unknown(f"the hub holds no location {location_id} of this party")


def _unknown(message: str) -> NoSuchResource:
    return NoSuchResource(message, Status.UNKNOWN_LOCATION)


_ACTIONS: Mapping[tuple[str, int], Callable[[Held, Push], Written]] = {
    ("PUT", 1): _put_location,
    ("PATCH", 1): _patch_location,
    ("PUT", 2): _put_evse,
    ("PATCH", 2): _patch_evse,
    ("PUT", 3): _put_connector,
    ("PATCH", 3): _patch_connector,
}
