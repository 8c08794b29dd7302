"""What cars ask: query parameters and bodies, read strictly.

A typo in a filter is dangerous while driving, so every parameter that is not known is refused by
name, and one that belongs to a later version says so. All faults of one question come together.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ocpi_hub.navigation import connectors
from ocpi_hub.navigation.grid import Area, Box, Circle
from ocpi_hub.navigation.outfits import Wish
from ocpi_hub.navigation.search import Available, Filters
from ocpi_hub.ocpi.primitives import PartyRef

MAX_RADIUS_M = 100_000
MAX_BOX_DEGREES = 5.0
MAX_LIMIT = 200
MAX_IDS = 500
_DEFAULT_LIMIT = 25
_MAX_KW = 10_000
_MAX_AGE_S = 30 * 86_400
_MAX_ID = 64  # country, party, location id of 36, and room for odd ones
_LATER = frozenset({
    "heading", "cone", "speed_kmh", "open_at", "payment", "emsp", "amenity", "parking",
    "vehicle_height_cm", "truck", "accessible", "green", "max_price_kwh", "fields", "include",
    "f", "route", "max_hz", "t", "kinds", "since",
})  # fmt: skip
_FILTERS = frozenset({
    "connector", "min_kw", "max_kw", "current", "available", "operator", "not_operator",
    "min_count", "max_age_s",
})  # fmt: skip
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,18})?")
_PARTY = re.compile(r"([A-Za-z]{2})[*-]([A-Za-z0-9]{3})")


class Refused(Exception):
    """A question that cannot be answered: what is wrong with which parameter."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = dict(faults)


class Nearby(NamedTuple):
    area: Area
    filters: Filters
    limit: int


class Watch(NamedTuple):
    """What a stream shows: the stations named, or those in a circle."""

    ids: tuple[str, ...]
    circle: Circle | None
    filters: Filters


class Batch(NamedTuple):
    ids: tuple[str, ...]
    wish: Wish


T = TypeVar("T")


class _Reader:
    """Reads the parameters of one question and gathers their faults."""

    def __init__(self, params: Iterable[tuple[str, str]], known: frozenset[str]) -> None:
        self.faults: dict[str, str] = {}
        self._given: dict[str, str] = {}
        for name, value in params:
            if name in self._given:
                self.faults[name] = "given more than once"
            elif name not in known:
                self.faults[name] = "not in this version" if name in _LATER else "unknown parameter"
            self._given[name] = value

    def has(self, name: str) -> bool:
        return name in self._given

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed value, or the default when it is absent or wrong (then with a fault)."""
        if name not in self._given:
            return default
        try:
            return parse(self._given[name])
        except ValueError as error:
            self.faults.setdefault(name, str(error))
            return default

    def required(self, name: str, parse: Callable[[str], float]) -> float:
        if not self.has(name):
            self.faults[name] = "required"
        return self.read(name, parse, 0.0)

    def contradiction(self, name: str, fault: str) -> None:
        self.faults.setdefault(name, fault)

    def done(self) -> None:
        if self.faults:
            raise Refused(self.faults)


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return float(text)

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


_LAT, _LON = _number(-90, 90), _number(-180, 180)
_RADIUS = _number(1, MAX_RADIUS_M)


def _connectors(text: str) -> frozenset[int]:
    try:
        return connectors.codes(text.split(","))
    except ValueError as error:
        raise ValueError(f"no such connector: {str(error)[:40]!r} (see /nav/v1/meta)") from None


def _parties(text: str) -> frozenset[PartyRef]:
    found = [_PARTY.fullmatch(each.strip()) for each in text.split(",")]
    if len(found) > MAX_LIMIT or not all(found):
        raise ValueError(
            f"must be operators such as NL*ABC, separated by commas, at most {MAX_LIMIT}"
        )
    return frozenset(PartyRef(match[1], match[2]) for match in found if match)


def _choice(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"must be one of: {', '.join(values)}")
        return text

    return parse


def _available(text: str) -> Available:
    return Available(_choice(*Available)(text))


def _box(text: str) -> Box:
    parts = text.split(",")
    if len(parts) != 4:  # noqa: PLR2004 - four edges
        raise ValueError("must be west,south,east,north in degrees")
    west, south, east, north = (
        limit(part) for limit, part in zip((_LON, _LAT, _LON, _LAT), parts, strict=True)
    )
    box = Box(west, south, east, north)
    if south > north:
        raise ValueError("south must not lie north of north")
    if box.width > MAX_BOX_DEGREES or north - south > MAX_BOX_DEGREES:
        raise ValueError(f"must be at most {MAX_BOX_DEGREES:g} degrees wide and high")
    return box


def _circle(text: str) -> Circle:
    parts = text.split(",")
    if len(parts) != 3:  # noqa: PLR2004 - centre and radius
        raise ValueError("must be lat,lon,radius in degrees and metres")
    return Circle(_LAT(parts[0]), _LON(parts[1]), _RADIUS(parts[2]))


def _ids(names: Sequence[str]) -> tuple[str, ...]:
    if len(names) > MAX_IDS:
        raise ValueError(f"at most {MAX_IDS}")
    if not all(name and len(name) <= _MAX_ID for name in names):
        raise ValueError("must be station ids such as NL*ABC*LOC1")
    return tuple(dict.fromkeys(names))


def _filters(reader: _Reader) -> Filters:
    current = reader.read("current", _choice("ac", "dc"), "")
    wish = Wish(
        connectors=reader.read("connector", _connectors, frozenset()),
        min_kw=reader.read("min_kw", _number(0, _MAX_KW), 0.0),
        max_kw=reader.read("max_kw", _number(0, _MAX_KW), None),
        dc=current == "dc" if current else None,
    )
    filters = Filters(
        wish=wish,
        available=reader.read("available", _available, Available.ANY),
        operators=reader.read("operator", _parties, frozenset()),
        not_operators=reader.read("not_operator", _parties, frozenset()),
        min_count=reader.read("min_count", _whole(1, 1000), 1),
        max_age_s=reader.read("max_age_s", _number(0, _MAX_AGE_S), None),
    )
    if wish.max_kw is not None and wish.max_kw < wish.min_kw:
        reader.contradiction("max_kw", "must not be less than min_kw")
    if filters.operators & filters.not_operators:
        reader.contradiction("not_operator", "excludes what operator asks for")
    return filters


def nearby(params: Iterable[tuple[str, str]]) -> Nearby:
    """`lat`, `lon` and `radius_m` (5,000 m when absent), or `bbox`; raises Refused."""
    known = _FILTERS | {"lat", "lon", "radius_m", "bbox", "limit", "sort"}
    reader = _Reader(params, known)
    area: Area | None = reader.read("bbox", _box, None)
    if reader.has("bbox"):
        for name in ("lat", "lon", "radius_m"):
            if reader.has(name):
                reader.contradiction(name, "either lat, lon and radius_m, or bbox")
    else:
        lat, lon = reader.required("lat", _LAT), reader.required("lon", _LON)
        area = Circle(lat, lon, reader.read("radius_m", _RADIUS, 5000.0))
    reader.read("sort", _sort, "distance")
    asked = Nearby(
        area or Box(0, 0, 0, 0),
        _filters(reader),
        reader.read("limit", _whole(1, MAX_LIMIT), _DEFAULT_LIMIT),
    )
    reader.done()
    return asked


def _sort(text: str) -> str:
    if text in {"detour", "price", "power", "total_time"}:
        raise ValueError(f"{text}: not in this version")
    return _choice("distance")(text)


def watch(params: Iterable[tuple[str, str]]) -> Watch:
    """`ids` or `circle`, and filters; raises Refused."""
    reader = _Reader(params, _FILTERS | {"ids", "circle"})
    ids: tuple[str, ...] = reader.read("ids", lambda text: _ids(text.split(",")), ())
    circle: Circle | None = reader.read("circle", _circle, None)
    if reader.has("ids") == reader.has("circle"):
        reader.contradiction("ids" if reader.has("ids") else "circle", "give either ids or circle")
    asked = Watch(ids, circle, _filters(reader))
    reader.done()
    return asked


def nothing(params: Iterable[tuple[str, str]]) -> None:
    """For questions without parameters; raises Refused."""
    _Reader(params, frozenset()).done()


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[str]
    connector: list[str] | str = []
    min_kw: float | str = 0.0
    max_kw: float | str | None = None
    current: str = ""


_BODY = msgspec.json.Decoder(_Body)


def batch(body: bytes) -> Batch:
    """The body of POST /availability; raises Refused."""
    try:
        asked = _BODY.decode(body)
        ids = _ids(asked.ids)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused({"body": str(error)}) from None
    except ValueError as error:
        raise Refused({"ids": str(error)}) from None
    names = asked.connector if isinstance(asked.connector, str) else ",".join(asked.connector)
    given: dict[str, Any] = {
        "connector": names,
        "min_kw": asked.min_kw,
        "max_kw": asked.max_kw,
        "current": asked.current,
    }
    params = ((name, _plain(value)) for name, value in given.items() if value not in {"", None})
    reader = _Reader(params, _FILTERS)
    wish = _filters(reader).wish
    reader.done()
    return Batch(ids, wish)


def _plain(value: object) -> str:
    """A number of a JSON body as the text that a query parameter would be."""
    return f"{value:f}" if isinstance(value, float) else str(value)
