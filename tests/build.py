"""Objects for tests: valid by default, changed by what a test is about."""

from typing import Any

from ocpi_hub.ocpi import codec

Object = dict[str, Any]

LONG_AGO = "2026-01-01T00:00:00Z"


def a_connector(id: str = "1", **overrides: Any) -> Object:  # noqa: A002 - the field's name
    """A 150 kW CCS2 cable."""
    return {
        "id": id,
        "standard": "IEC_62196_T2_COMBO",
        "format": "CABLE",
        "power_type": "DC",
        "max_voltage": 920,
        "max_amperage": 400,
        "max_electric_power": 150_000,
        "last_updated": LONG_AGO,
    } | overrides


def an_evse(uid: str = "E1", connectors: int = 1, **overrides: Any) -> Object:
    """An available EVSE; `connectors` is how many it has, ids from "1"."""
    return {
        "uid": uid,
        "evse_id": f"NL*CPO*{uid}",
        "status": "AVAILABLE",
        "connectors": [a_connector(str(number)) for number in range(1, connectors + 1)],
        "last_updated": LONG_AGO,
    } | overrides


def a_location(evses: int = 2, **overrides: Any) -> Object:
    """A published Location LOC1 of NL-CPO with EVSEs E1, E2, ..."""
    return {
        "country_code": "NL",
        "party_id": "CPO",
        "id": "LOC1",
        "publish": True,
        "name": "Stationsplein",
        "address": "Stationsplein 1",
        "city": "Utrecht",
        "postal_code": "3511 ED",
        "country": "NLD",
        "coordinates": {"latitude": "52.089400", "longitude": "5.110000"},
        "evses": [an_evse(f"E{number}") for number in range(1, evses + 1)],
        "time_zone": "Europe/Amsterdam",
        "opening_times": {"twentyfourseven": True},
        "last_updated": LONG_AGO,
    } | overrides


def a_tariff(**overrides: Any) -> Object:
    """45 cents a kWh, tariff T1 of NL-CPO."""
    return {
        "country_code": "NL",
        "party_id": "CPO",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.45, "step_size": 1}]}],
        "last_updated": LONG_AGO,
    } | overrides


def as_bytes(value: Any) -> bytes:
    """JSON as the partners send it."""
    return codec.encode(value)
