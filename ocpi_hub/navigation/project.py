"""From the bytes of an OCPI Location or EVSE to what the index keeps: nothing else is decoded.

Decoding is typed and reads only the members needed (msgspec); texts, ids and opening times of a
station go into one `Card` of some hundred bytes, its moving parts into `Plug`s.
"""

from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

from ocpi_hub.navigation import connectors
from ocpi_hub.navigation.gate import Reject, Warn, position, power
from ocpi_hub.navigation.hours import Hours, minutes
from ocpi_hub.navigation.outfits import Outlet


class PlugStatus(IntEnum):
    """OCPI's EVSE Status as one byte (LOC-126); a name not known here is UNKNOWN."""

    UNKNOWN = 0
    AVAILABLE = 1
    BLOCKED = 2
    CHARGING = 3
    INOPERATIVE = 4
    OUTOFORDER = 5
    PLANNED = 6
    REMOVED = 7
    RESERVED = 8


# A REMOVED EVSE is never shown (LOC-006), a PLANNED one is no plug yet.
UNCOUNTED = frozenset({int(PlugStatus.PLANNED), int(PlugStatus.REMOVED)})
_STATUS = {status.name: int(status) for status in PlugStatus}


class Face(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How an EVSE is named: technical uid, printed EVSE id, marking on the housing."""

    uid: str
    evse_id: str | None = None
    physical_reference: str | None = None


class Card(msgspec.Struct, array_like=True, frozen=True):
    """What is shown of a station beside its moving parts; kept as MessagePack."""

    id: str
    name: str | None
    operator: str | None
    address: str | None
    city: str | None
    postal_code: str | None
    country: str | None
    time_zone: str
    hours: Hours | None
    warnings: int
    faces: tuple[Face, ...]


class Plug(NamedTuple):
    """One EVSE; `outlets` sorted and each once, `changed` in UTC seconds (0: not stated)."""

    face: Face
    status: int
    outlets: tuple[Outlet, ...]
    changed: float
    warnings: int


class Site(NamedTuple):
    """One Location, ready for the index; positions in degrees."""

    lat: float
    lon: float
    card: Card
    plugs: tuple[Plug, ...]


class _Lenient(msgspec.Struct, gc=False):
    """Members of an OCPI object that are read here; others are skipped without decoding."""


class _Coordinates(_Lenient):
    latitude: str | None = None
    longitude: str | None = None


class _Named(_Lenient):
    name: str | None = None


class _Connector(_Lenient):
    standard: str | None = None
    power_type: str | None = None
    max_voltage: float | None = None
    max_amperage: float | None = None
    max_electric_power: float | None = None


class _Evse(_Lenient):
    uid: str
    evse_id: str | None = None
    status: str | None = None
    physical_reference: str | None = None
    connectors: list[_Connector] | None = None
    last_updated: str | None = None


class _Regular(_Lenient):
    weekday: int | None = None
    period_begin: str | None = None
    period_end: str | None = None


class _Period(_Lenient):
    period_begin: str | None = None
    period_end: str | None = None


class _Hours(_Lenient):
    twentyfourseven: bool | None = None
    regular_hours: list[_Regular] | None = None
    exceptional_openings: list[_Period] | None = None
    exceptional_closings: list[_Period] | None = None


class _Location(_Lenient):
    id: str
    publish: bool | None = None
    name: str | None = None
    address: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    coordinates: _Coordinates | None = None
    evses: list[_Evse] | None = None
    operator: _Named | None = None
    time_zone: str | None = None
    opening_times: _Hours | None = None


# strict=False reads "230" where a number is meant and 52.1 where a string is.
_LOCATION = msgspec.json.Decoder(_Location, strict=False)
_BUSINESS = msgspec.json.Decoder(_Named)
_EVSE = msgspec.json.Decoder(_Evse, strict=False)


def site(state: bytes) -> Site:
    """A Location; raises Reject with the reason when it is not for the map."""
    try:
        location = _LOCATION.decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Reject("unreadable") from None
    if location.publish is False:
        raise Reject("not_published")  # LOC-065
    at = location.coordinates or _Coordinates()
    lat, lon, warnings = position(at.latitude, at.longitude, (location.country or "").upper())
    plugs = tuple({evse.uid.upper(): _plug(evse) for evse in location.evses or ()}.values())
    for each in plugs:
        warnings |= each.warnings
    if not location.time_zone:
        warnings |= Warn.TIME_ZONE_MISSING
    return Site(lat, lon, _card(location, plugs, int(warnings)), plugs)


def plug(state: bytes) -> Plug:
    """A single EVSE; raises Reject when it cannot be read."""
    try:
        return _plug(_EVSE.decode(state))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Reject("unreadable") from None


def business_name(details: bytes) -> str:
    """The name in a BusinessDetails object; empty when there is none."""
    try:
        return _BUSINESS.decode(details).name or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _card(location: _Location, plugs: tuple[Plug, ...], warnings: int) -> Card:
    return Card(
        id=location.id,
        name=location.name,
        operator=location.operator.name if location.operator else None,
        address=location.address,
        city=location.city,
        postal_code=location.postal_code,
        country=location.country,
        time_zone=location.time_zone or "",
        hours=_hours(location.opening_times) if location.opening_times else None,
        warnings=warnings,
        faces=tuple(each.face for each in plugs),
    )


def _plug(evse: _Evse) -> Plug:
    outlets: set[Outlet] = set()
    warnings = 0
    for each in evse.connectors or ():
        outlet, remark = _outlet(
            each.standard or "",
            each.power_type or "",
            each.max_electric_power,
            each.max_voltage,
            each.max_amperage,
        )
        outlets.add(outlet)
        warnings |= remark
    return Plug(
        face=Face(evse.uid, evse.evse_id, evse.physical_reference),
        status=_STATUS.get((evse.status or "").upper(), 0),
        outlets=tuple(sorted(outlets)),
        changed=epoch_seconds(evse.last_updated),
        warnings=warnings,
    )


@lru_cache(maxsize=4096)  # the same few connectors come again and again
def _outlet(
    standard: str, kind: str, watts: float | None, volts: float | None, amperes: float | None
) -> tuple[Outlet, int]:
    """A connector as an outlet, and the remarks on its power."""
    kw, remark = power(watts, volts, amperes, kind)
    return Outlet(connectors.code(standard), kw, connectors.is_dc(standard, kind)), int(remark)


def _hours(times: _Hours) -> Hours:
    regular = (
        (each.weekday, minutes(each.period_begin or ""), minutes(each.period_end or ""))
        for each in times.regular_hours or ()
    )
    return Hours(
        always=bool(times.twentyfourseven),
        regular=tuple((d, b, e) for d, b, e in regular if d and b is not None and e is not None),
        openings=_periods(times.exceptional_openings),
        closings=_periods(times.exceptional_closings),
    )


def _periods(periods: list[_Period] | None) -> tuple[tuple[float, float], ...]:
    spans = (
        (epoch_seconds(each.period_begin), epoch_seconds(each.period_end)) for each in periods or ()
    )
    return tuple((begin, end) for begin, end in spans if begin and end)


def epoch_seconds(text: str | None) -> float:
    """UTC seconds of an OCPI DateTime (no zone means UTC); 0 when it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
