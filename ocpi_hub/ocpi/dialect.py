"""OCPI 2.2 and 2.2.1 say a few things differently: a table of rows turns one into the other.

Bytes in, bytes out: only the places of a row change, and what needs no change comes back as the
very same object. Whatever has not the shape that the text gives it stays as it is. From 2.2 only
the owner of a CdrToken is added; towards 2.2 goes what it does not know, and what cannot be told
without it is refused, never falsified.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.spec import RouteSpec
from ocpi_hub.ocpi.splice import EACH, Change, Edits, changed, members, opens
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError
from ocpi_hub.ocpi.v2_2 import VERSION as V2_2
from ocpi_hub.ocpi.v2_2.location_enums import NEW_CAPABILITIES, NEW_CONNECTOR_TYPES, NEW_POWER_TYPES
from ocpi_hub.ocpi.v2_2_1.commands import CommandType

_ABSENT = (None, b"null")
_SIGNED: Final = 512  # characters of a signed value in 2.2
_ADDRESS: Final = 45
_STATE: Final = 20
_MOST: Final = 10_000  # objects of one answer: they take half a second
_NAMED: Final = 20  # findings of one answer


class Kind(StrEnum):
    """The objects that are not the same in both versions, or hold one that is not."""

    LOCATION = "location"
    EVSE = "evse"
    CONNECTOR = "connector"
    SESSION = "session"
    CDR = "cdr"
    START_SESSION = "start_session"


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of the value at a path, in objects of these kinds."""

    kinds: tuple[Kind, ...]
    path: tuple[str, ...]
    change: Change


_DEPTHS: Mapping[int, Kind] = {
    0: Kind.LOCATION,
    1: Kind.LOCATION,
    2: Kind.EVSE,
    3: Kind.CONNECTOR,
}


def kind(route: RouteSpec, ids: Sequence[str]) -> Kind | None:
    """What the messages of a route carry; None for what is the same in both versions.

    `ids` are the segments below the endpoint, the owner's included.
    """
    module, _, action = route.name.split(".")
    match module:
        case "locations":
            return location_kind(len(ids) - 2 * route.owned)
        case "sessions" if action != "charging_preferences":
            return Kind.SESSION
        case "cdrs":
            return Kind.CDR
        case "commands" if tuple(ids) == (CommandType.START_SESSION,):
            return Kind.START_SESSION
    return None


def location_kind(depth: int) -> Kind | None:
    """By the number of ids that name it: a location, an EVSE of it, a connector of that."""
    return _DEPTHS.get(depth)


def told(body: bytes, kind: Kind, to: str, owner: PartyRef | None = None) -> bytes:
    """An object of the other version as the version `to` has it.

    `owner` of the token in a Session or CDR, for 2.2.1 alone. InvalidParameter (2001) when 2.2 has
    no words for it, or 2.2.1 needs an owner that is not known.
    """
    node = _TO_2_2[kind] if to == V2_2 else _tree(_from_2_2(owner), kind)
    return changed(body, node)


def answered(
    envelope: bytes, kind: Kind, to: str, owner: PartyRef | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """An answer whose `data` is such an object, or a list of them, and the findings on it.

    What cannot be told is left out of a list with a finding: the rest of the page is worth having.
    InvalidParameter for a list of more than 10,000.
    """
    span = members(envelope).get("data")
    if span is None:
        return envelope, ()
    if not opens(envelope, span, b"["):
        whole = Edits().at(["data"], lambda raw: raw and told(raw, kind, to, owner))
        return changed(envelope, whole), ()
    if len(codec.elements(envelope[slice(*span)])) > _MOST:
        raise InvalidParameter(f"data: more than {_MOST} objects, too many to tell in OCPI {to}")
    findings: list[str] = []

    def element(raw: bytes | None) -> bytes | None:
        try:
            return raw and told(raw, kind, to, owner)
        except OcpiError as error:
            findings.append(f"OCPI {to}: data: one was left out: {error.message}")
            return None

    body = changed(envelope, Edits().at(["data", EACH], element))
    more = len(findings) - _NAMED
    return body, (*findings[:_NAMED], *([f"OCPI {to}: data: {more} more"] if more > 0 else ()))


def token(body: bytes) -> Mapping[str, Any] | None:
    """The CdrToken of a Session or CDR that lacks its owner, None when there is none to find."""
    span = members(body).get("cdr_token")
    found = codec.decode(body[slice(*span)]) if span and opens(body, span, b"{") else None
    return None if found is None or found.get("party_id") is not None else found


def started(body: bytes, connector_id: str) -> bytes:
    """A START_SESSION with the connector that 2.2 could not name."""
    return changed(body, Edits().at(["connector_id"], _filled(connector_id)))


def _removed(_: bytes | None) -> None:
    return None


def _not_available(raw: bytes | None) -> bytes | None:
    return b'"#NA"' if raw in _ABSENT else raw


def _cut(most: int) -> Change:
    def cut(raw: bytes | None) -> bytes | None:
        text = _text(raw)
        return raw if text is None or len(text) <= most else codec.encode(text[:most])

    return cut


def _one_phase(raw: bytes | None) -> bytes | None:
    return b'"AC_1_PHASE"' if _text(raw) in NEW_POWER_TYPES else raw


def _short(raw: bytes | None) -> bytes | None:
    """Cut, a signed text is worth nothing."""
    if len(_text(raw) or "") > _SIGNED:
        raise InvalidParameter(f"signed_data: OCPI 2.2 has room for {_SIGNED} characters only")
    return raw


def _no_home(raw: bytes | None) -> None:
    """Without its mark the CDR of a home charger would be taken for a charge."""
    if raw == b"true":
        raise InvalidParameter("home_charging_compensation: OCPI 2.2 cannot say it")


def _known_capability(raw: bytes | None) -> bytes | None:
    return None if _text(raw) in NEW_CAPABILITIES else raw


def _known_type(raw: bytes | None) -> bytes | None:
    if _text(raw) in NEW_CONNECTOR_TYPES:
        raise InvalidParameter("standard: OCPI 2.2 has no such connector type")
    return raw


def _known_connector(raw: bytes | None) -> bytes | None:
    return None if raw and _strange(codec.decode(raw)) else raw


def _some_connectors(raw: bytes | None) -> bytes | None:
    if raw and _all_strange(codec.decode(raw)):
        raise InvalidParameter("connectors: OCPI 2.2 has the type of none of them")
    return raw


def _usable_evse(raw: bytes | None) -> bytes | None:
    value = codec.decode(raw) if raw else None
    gone = isinstance(value, dict) and _all_strange(value.get("connectors"))
    return None if gone else raw


def _all_strange(connectors: Any) -> bool:
    return isinstance(connectors, list) and bool(connectors) and all(map(_strange, connectors))


def _strange(connector: Any) -> bool:
    return isinstance(connector, dict) and connector.get("standard") in NEW_CONNECTOR_TYPES


def _text(raw: bytes | None) -> str | None:
    value = codec.decode(raw) if raw and raw.startswith(b'"') else None
    return value if isinstance(value, str) else None


_BILLED = (Kind.SESSION, Kind.CDR)
_CDR = (Kind.CDR,)
_LOCATION = (Kind.LOCATION,)
_EVSE = (Kind.EVSE,)
_CONNECTOR = (Kind.CONNECTOR,)

_ROWS_TO_2_2: Final = (
    Row(_BILLED, ("cdr_token", "country_code"), _removed),
    Row(_BILLED, ("cdr_token", "party_id"), _removed),
    Row(_CDR, ("cdr_location", "postal_code"), _not_available),
    Row(_CDR, ("cdr_location", "state"), _removed),
    Row(_CDR, ("cdr_location", "connector_power_type"), _one_phase),
    Row(_CDR, ("home_charging_compensation",), _no_home),
    Row(_CDR, ("signed_data", "signed_values", EACH, "plain_data"), _short),
    Row(_CDR, ("signed_data", "signed_values", EACH, "signed_data"), _short),
    Row((Kind.START_SESSION,), ("connector_id",), _removed),
    Row(_LOCATION, ("address",), _cut(_ADDRESS)),
    Row(_LOCATION, ("state",), _cut(_STATE)),
    Row(_LOCATION, ("evses", EACH), _usable_evse),
    Row(_LOCATION, ("evses", EACH, "capabilities", EACH), _known_capability),
    Row(_LOCATION, ("evses", EACH, "connectors", EACH), _known_connector),
    Row(_LOCATION, ("evses", EACH, "connectors", EACH, "power_type"), _one_phase),
    Row(_EVSE, ("capabilities", EACH), _known_capability),
    Row(_EVSE, ("connectors",), _some_connectors),
    Row(_EVSE, ("connectors", EACH), _known_connector),
    Row(_EVSE, ("connectors", EACH, "power_type"), _one_phase),
    Row(_CONNECTOR, ("standard",), _known_type),
    Row(_CONNECTOR, ("power_type",), _one_phase),
)


def _from_2_2(owner: PartyRef | None) -> tuple[Row, ...]:
    return (
        Row(_BILLED, ("cdr_token", "country_code"), _filled(owner.country_code if owner else None)),
        Row(_BILLED, ("cdr_token", "party_id"), _filled(owner.party_id if owner else None)),
    )


def _filled(text: str | None) -> Change:
    def fill(raw: bytes | None) -> bytes | None:
        if raw not in _ABSENT:
            return raw
        if text is None:
            raise InvalidParameter("cdr_token: OCPI 2.2.1 needs the token's owner, who is unknown")
        return codec.encode(text)

    return fill


def _tree(rows: Iterable[Row], kind: Kind) -> Edits:
    """All rows of a kind at once, so that a body is walked once."""
    node = Edits()
    for row in rows:
        if kind in row.kinds:
            node = node.at(row.path, row.change)
    return node


_TO_2_2: Final = {kind: _tree(_ROWS_TO_2_2, kind) for kind in Kind}
