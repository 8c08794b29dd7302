"""Charging stations to play with: made up but plausible, or read from a file of real ones."""

import gzip
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, format_datetime, parse_datetime
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.simulator.cities import CITIES, City
from ocpi_hub.simulator.price_list import ids_for

Object = dict[str, Any]

_BUILT = datetime(2024, 1, 1, tzinfo=UTC)
_METRES_PER_DEGREE = 111_320


class Plug(NamedTuple):
    """A connector as it is sold; `watts` is what it gives at most."""

    standard: str
    format: str
    power_type: str
    volts: int
    amperes: int
    watts: int


_T2_11 = Plug("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 16, 11_000)
_T2_22 = Plug("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, 22_000)
_CCS_50 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 500, 125, 50_000)
_CCS_150 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 400, 150_000)
_CCS_300 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 500, 300_000)
_CCS_400 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 1000, 600, 400_000)
_CHADEMO_50 = Plug("CHADEMO", "CABLE", "DC", 500, 125, 50_000)


class Kind(NamedTuple):
    """A kind of site: how common, how many EVSEs, what hangs on each of them."""

    weight: int
    name: str
    smallest: int
    largest: int
    parking: str
    evse: tuple[Plug, ...]


_KINDS = (
    Kind(34, "Straße", 2, 4, "ON_STREET", (_T2_22,)),
    Kind(18, "Parkhaus", 4, 12, "PARKING_GARAGE", (_T2_11,)),
    Kind(16, "Markt", 2, 4, "PARKING_LOT", (_CCS_50, _CHADEMO_50)),
    Kind(18, "Hub", 4, 8, "PARKING_LOT", (_CCS_150,)),
    Kind(10, "Ladepark", 4, 12, "PARKING_LOT", (_CCS_300,)),
    Kind(4, "Autobahn", 6, 12, "ALONG_MOTORWAY", (_CCS_400,)),
)
_STREETS = ("Bahnhof", "Hafen", "Park", "Schul", "Markt", "Garten", "Brücken", "Mühlen", "Kirch")
_AC = (
    "RFID_READER",
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "UNLOCK_CAPABLE",
    "TOKEN_GROUP_CAPABLE",
    "CHARGING_PREFERENCES_CAPABLE",
    "CHARGING_PROFILE_CAPABLE",
)
_DC = (
    "RFID_READER",
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "TOKEN_GROUP_CAPABLE",
    "CONTACTLESS_CARD_SUPPORT",
    "CREDIT_CARD_PAYABLE",
    "CHARGING_PROFILE_CAPABLE",
)


def generate(count: int, owner: PartyRef, operator: str, seed: int = 1) -> list[Object]:
    """`count` valid Location objects of one owner, the same for the same seed."""
    # Seeded on purpose: the same stations again.
    chance = random.Random(f"{seed}/{owner}")  # noqa: S311 - nothing secret is drawn
    cities = chance.choices(CITIES, [city.thousands for city in CITIES], k=count)
    return [
        _location(chance, owner, operator, number, city) for number, city in enumerate(cities, 1)
    ]


def _location(
    chance: random.Random, owner: PartyRef, operator: str, number: int, city: City
) -> Object:
    kind = chance.choices(_KINDS, [each.weight for each in _KINDS])[0]
    built = format_datetime(_BUILT + timedelta(minutes=chance.randrange(1_000_000)))
    size = chance.randint(kind.smallest, kind.largest)
    street = f"{chance.choice(_STREETS)}straße {chance.randint(1, 180)}"
    return {
        "country_code": owner.country_code,
        "party_id": owner.party_id,
        "id": f"{owner.party_id}{number:05d}",
        "publish": True,
        "name": f"{operator} {kind.name} {city.name} {number}",
        "address": street,
        "city": city.name,
        "postal_code": city.postal_code,
        "country": city.country,
        "coordinates": _somewhere_in(chance, city),
        "parking_type": kind.parking,
        "evses": [_evse(owner, number, index, kind, built) for index in range(1, size + 1)],
        "operator": {"name": operator},
        "time_zone": city.time_zone,
        "opening_times": {"twentyfourseven": True},
        "last_updated": built,
    }


def _evse(owner: PartyRef, number: int, index: int, kind: Kind, built: str) -> Object:
    return {
        "uid": f"{owner.party_id}{number:05d}-{index}",
        "evse_id": f"{owner.country_code}*{owner.party_id}*E{number:05d}*{index}",
        "status": "AVAILABLE",
        "capabilities": list(_DC if kind.evse[0].power_type == "DC" else _AC),
        "connectors": [_connector(str(id_), plug, built) for id_, plug in enumerate(kind.evse, 1)],
        "physical_reference": str(index),
        "last_updated": built,
    }


def _connector(id_: str, plug: Plug, built: str) -> Object:
    return {
        "id": id_,
        "standard": plug.standard,
        "format": plug.format,
        "power_type": plug.power_type,
        "max_voltage": plug.volts,
        "max_amperage": plug.amperes,
        "max_electric_power": plug.watts,
        "tariff_ids": ids_for(plug.power_type),
        "last_updated": built,
    }


def _somewhere_in(chance: random.Random, city: City) -> dict[str, str]:
    """A point around the centre; larger cities are wider (a circle for every person)."""
    spread = 55 * city.thousands**0.5 * 1.8 / _METRES_PER_DEGREE
    lat = city.lat + chance.gauss(0, spread)
    lon = city.lon + chance.gauss(0, spread * 1.5)
    return {"latitude": f"{lat:.6f}", "longitude": f"{lon:.6f}"}


class BadFile(Exception):
    """The message names the line and what is wrong with it."""


def load_file(path: Path) -> list[Object]:
    """Location objects of a .jsonl or .jsonl.gz file, one a line; raises BadFile."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines:
            return [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, EOFError) as error:
        raise BadFile(f"{path}: {error}") from error


def _read(number: int, line: bytes) -> Object:
    try:
        location = codec.decode(line)
        texts = [location[name] for name in ("country_code", "party_id", "id", "last_updated")]
    except (OcpiError, TypeError) as error:
        raise BadFile(f"line {number}: no Location object: {error}") from error
    except LookupError as error:
        raise BadFile(f"line {number}: no Location object: {error} is missing") from error
    if not all(isinstance(text, str) for text in texts):
        raise BadFile(f"line {number}: country_code, party_id, id and last_updated are texts")
    try:
        parse_datetime(location["last_updated"])
    except ValueError as error:
        raise BadFile(f"line {number}: last_updated: {error}") from error
    return dict(location)


def owner_of(location: Object) -> PartyRef:
    return PartyRef(location["country_code"], location["party_id"])


def owners(locations: Sequence[Object]) -> dict[PartyRef, str]:
    """Each owner with a name for it: that of its first location's operator, or its ids."""
    found: dict[PartyRef, str] = {}
    for location in locations:
        operator = location.get("operator") or {}
        found.setdefault(owner_of(location), operator.get("name") or str(owner_of(location)))
    return found


def evses(locations: Sequence[Object]) -> Iterator[tuple[Object, Object]]:
    """Every EVSE with its Location."""
    return itertools.chain.from_iterable(
        ((location, evse) for evse in location.get("evses") or ()) for location in locations
    )
