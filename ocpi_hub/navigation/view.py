"""What cars see of a station: the shapes of `/nav/v1`, made from columns and card.

A station whose state cannot be trusted (quality.py) is shown with `available: null`, and all its
plugs as unknown: what was busy or broken hours ago is no more certain than what was free.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ocpi_hub.navigation import quality
from ocpi_hub.navigation.connectors import CODES, SHOWN
from ocpi_hub.navigation.gate import Warn
from ocpi_hub.navigation.grid import bearing, metres
from ocpi_hub.navigation.hours import is_open
from ocpi_hub.navigation.index import Index
from ocpi_hub.navigation.outfits import Outlet, Wish
from ocpi_hub.navigation.project import UNCOUNTED, Card, PlugStatus
from ocpi_hub.navigation.quality import Link, Quality
from ocpi_hub.ocpi.primitives import format_datetime

encode = msgspec.json.Encoder().encode
_KINDS = ("available", "charging", "reserved", "blocked", "out_of_order", "unknown")
_KIND = {
    PlugStatus.AVAILABLE: 0, PlugStatus.CHARGING: 1, PlugStatus.RESERVED: 2, PlugStatus.BLOCKED: 3,
    PlugStatus.INOPERATIVE: 4, PlugStatus.OUTOFORDER: 4, PlugStatus.UNKNOWN: 5,
}  # fmt: skip
_STANDARDS = (*CODES, "OTHER")


class State(NamedTuple):
    """How well a station is known: its quality, its age in whole seconds, whether it counts."""

    quality: Quality
    age_s: int
    counts: bool


def states(index: Index, rows: Iterable[int], now: float) -> list[State]:
    grades, ages = index.grades(np.fromiter(rows, np.int64), now)
    counted = quality.counted(grades, ages)
    return [
        State(Quality(grade), int(age), counts)
        for grade, age, counts in zip(grades.tolist(), ages.tolist(), counted.tolist(), strict=True)
    ]


def moment(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def station(index: Index, row: int, state: State, wish: Wish, now: float) -> dict[str, Any]:
    """A station in a list; its groups hold the wished outlets only."""
    card, party, owner = index.card(row), index.party(row), index.owners.item(row)
    shown: dict[str, Any] = {
        "id": f"{party.country_code}*{party.party_id}*{card.id}",
        "name": card.name or card.address or card.id,
        "operator": {
            "id": f"{party.country_code}*{party.party_id}",
            "name": card.operator or index.operators.names[owner] or None,
        },
        "lat": index.lat.item(row),
        "lon": index.lon.item(row),
    }
    if (
        card.hours is not None
        and (now_open := is_open(card.hours, card.time_zone, now)) is not None
    ):
        shown["open_now"] = now_open
    shown["groups"] = [_group(outlet, tally, state) for outlet, tally in _groups(index, row, wish)]
    shown["live"] = {
        "quality": state.quality.name,
        "age_s": state.age_s,
        "source": "ocpi-push",
        "cpo_link": Link(index.operators.links.item(owner)).name,
    }
    shown["warnings"] = [str(flag.name).lower() for flag in Warn(card.warnings)]
    return shown


def towards(shown: dict[str, Any], lat: float, lon: float, squared_chord: float) -> dict[str, Any]:
    """Add how far and in which direction the station lies from a position."""
    shown["distance_m"] = round(metres(squared_chord))
    shown["bearing"] = bearing(lat, lon, shown["lat"], shown["lon"])
    return shown


def detail(index: Index, row: int, state: State, now: float) -> dict[str, Any]:
    """A station with all that is kept of it, EVSE by EVSE."""
    card = index.card(row)
    return station(index, row, state, Wish(), now) | {
        "address": card.address,
        "city": card.city,
        "postal_code": card.postal_code,
        "country": card.country,
        "time_zone": card.time_zone or None,
        "evses": _evses(index, row, card, state),
    }


def _evses(index: Index, row: int, card: Card, state: State) -> list[dict[str, Any]]:
    run = index.run(row)
    columns = zip(
        card.faces,
        index.status[run].tolist(),
        index.outfits_of[run].tolist(),
        index.changed[run].tolist(),
        strict=True,
    )
    return [
        {
            "uid": face.uid,
            "evse_id": face.evse_id,
            "physical_reference": face.physical_reference,
            "status": PlugStatus(status if state.counts else 0).name,
            "last_updated": moment(changed) if changed else None,
            "connectors": [_connector(outlet) for outlet in index.outfits.outlets[outfit]],
        }
        for face, status, outfit, changed in columns
        if status not in UNCOUNTED
    ]


def _connector(outlet: Outlet) -> dict[str, Any]:
    return {
        "connector": SHOWN[outlet.code],
        "standard": _STANDARDS[outlet.code],
        "kw": outlet.kw or None,
        "current": "dc" if outlet.dc else "ac",
    }


def _groups(index: Index, row: int, wish: Wish) -> list[tuple[Outlet, list[int]]]:
    """For each kind of outlet how many EVSEs are in which state; the strongest first."""
    run, outfits = index.run(row), index.outfits.outlets
    groups: dict[Outlet, list[int]] = {}
    for status, outfit in zip(
        index.status[run].tolist(), index.outfits_of[run].tolist(), strict=True
    ):
        if status in UNCOUNTED:
            continue
        for outlet in outfits[outfit]:
            if wish.accepts(outlet):
                groups.setdefault(outlet, [0] * len(_KINDS))[_KIND[status]] += 1
    return sorted(groups.items(), key=lambda group: (-group[0].kw, group[0].code))


def _group(outlet: Outlet, tally: list[int], state: State) -> dict[str, Any]:
    total = sum(tally)
    known = tally if state.counts else [0] * (len(_KINDS) - 1) + [total]
    group = {"connector": SHOWN[outlet.code], "kw": outlet.kw or None, "total": total}
    group |= dict(zip(_KINDS, known, strict=True))
    return group if state.counts else group | {"available": None}


def compact(index: Index, row: int, state: State, wish: Wish) -> list[int | None]:
    """`[free, total, out of order, unknown, age_s]` of the EVSEs with a wished outlet."""
    run = index.run(row)
    fits = index.outfits.matching(wish)[index.outfits_of[run]].tolist()
    tally = [0] * len(_KINDS)
    for status, good in zip(index.status[run].tolist(), fits, strict=True):
        if good and status not in UNCOUNTED:
            tally[_KIND[status]] += 1
    total = sum(tally)
    if not state.counts:
        return [None, total, 0, total, state.age_s]
    return [tally[0], total, tally[4], tally[5], state.age_s]


def event(index: Index, row: int, state: State, now: float) -> dict[str, Any]:
    """A station in the stream; `g` holds [connector, kW, free, total, out of order, unknown]."""
    groups: list[list[Any]] = []
    for outlet, tally in _groups(index, row, Wish()):
        total = sum(tally)
        counts = [tally[0], total, tally[4], tally[5]] if state.counts else [None, total, 0, total]
        groups.append([SHOWN[outlet.code], outlet.kw or None, *counts])
    return {
        "id": index.id(row),
        "g": groups,
        "q": state.quality.name,
        "age_s": state.age_s,
        "t": int(now),
    }
