"""The tariffs of a simulated CPO: one for slow plugs, one for the patient, one for fast plugs.

Each has a price for a reservation that is used, and one for a reservation that is not.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from ocpi_hub.ocpi.primitives import PartyRef, parse_datetime

Object = dict[str, Any]

AC, AC_CHEAP, DC = "AC", "AC-CHEAP", "DC"
_VAT = 19


def price_list(owner: PartyRef, last_updated: str) -> list[Object]:
    """All tariffs of an owner, in euro; the night is cheaper at fast plugs."""
    parking = _component("PARKING_TIME", "3.00", 60)
    night = {"start_time": "22:00", "end_time": "06:00"}
    tariffs = {
        AC: ("REGULAR", [_element(_component("ENERGY", "0.49"), parking)]),
        AC_CHEAP: ("PROFILE_CHEAP", [_element(_component("ENERGY", "0.35"))]),
        DC: (
            "REGULAR",
            [
                _element(_component("FLAT", "0.50")),
                _element(_component("ENERGY", "0.52"), **night),
                _element(_component("ENERGY", "0.64"), parking),
            ],
        ),
    }
    return [
        {
            "country_code": owner.country_code,
            "party_id": owner.party_id,
            "id": id_,
            "currency": "EUR",
            "type": kind,
            "elements": [*elements, *_reservations()],
            "last_updated": last_updated,
        }
        for id_, (kind, elements) in tariffs.items()
    ]


def ids_for(power_type: str) -> list[str]:
    """What a Connector lists: a tariff for each profile that it can do (SES-020)."""
    return [DC] if power_type == "DC" else [AC, AC_CHEAP]


def choose(tariffs: Iterable[Object], at: datetime, profile: str = "REGULAR") -> Object | None:
    """The tariff for a ProfileType: its own, or with REGULAR also one without a type (TAR-025).

    One that begins later or is over does not count, so that a Connector may list an old and a new
    one, and the day parts them (TAR-031, TAR-033).
    """
    fits = {"REGULAR": {"REGULAR", None}}.get(profile, {f"PROFILE_{profile}"})
    return next((each for each in tariffs if each.get("type") in fits and _active(each, at)), None)


def _active(tariff: Object, at: datetime) -> bool:
    begin, end = tariff.get("start_date_time"), tariff.get("end_date_time")
    return (begin is None or parse_datetime(begin) <= at) and (
        end is None or at < parse_datetime(end)
    )


def _reservations() -> list[Object]:
    return [
        _element(_component("TIME", "2.00", 60), reservation="RESERVATION"),
        _element(_component("FLAT", "1.50"), reservation="RESERVATION_EXPIRES"),
    ]


def _element(*components: Object, **restrictions: Any) -> Object:
    element: Object = {"price_components": list(components)}
    return element | ({"restrictions": restrictions} if restrictions else {})


def _component(kind: str, price: str, step: int = 1) -> Object:
    return {"type": kind, "price": Decimal(price), "vat": _VAT, "step_size": step}
