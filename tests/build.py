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


def a_token(**overrides: Any) -> Object:
    """The card 04A1 of DE-EMP, which may be whitelisted."""
    return {
        "country_code": "DE",
        "party_id": "EMP",
        "uid": "04A1",
        "type": "RFID",
        "contract_id": "DE-EMP-C00000001",
        "issuer": "Fahrstrom",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": LONG_AGO,
    } | overrides


def a_cdr_token(token: Object | None = None) -> Object:
    """What sessions and CDRs repeat of a token."""
    repeated = ("country_code", "party_id", "uid", "type", "contract_id")
    return {name: (token or a_token())[name] for name in repeated}


def a_period(at: str = LONG_AGO, kwh: float = 1.5) -> Object:
    return {"start_date_time": at, "dimensions": [{"type": "ENERGY", "volume": kwh}]}


def a_session(**overrides: Any) -> Object:
    """Session S1 of NL-CPO: the card 04A1 charges at LOC1."""
    return {
        "country_code": "NL",
        "party_id": "CPO",
        "id": "S1",
        "start_date_time": LONG_AGO,
        "kwh": 1.5,
        "cdr_token": a_cdr_token(),
        "auth_method": "COMMAND",
        "location_id": "LOC1",
        "evse_uid": "E1",
        "connector_id": "1",
        "currency": "EUR",
        "status": "ACTIVE",
        "last_updated": LONG_AGO,
    } | overrides


def a_cdr(**overrides: Any) -> Object:
    """CDR C1 of session S1: 10 kWh in half an hour for 4.50."""
    return {
        "country_code": "NL",
        "party_id": "CPO",
        "id": "C1",
        "start_date_time": LONG_AGO,
        "end_date_time": "2026-01-01T00:30:00Z",
        "session_id": "S1",
        "cdr_token": a_cdr_token(),
        "auth_method": "COMMAND",
        "cdr_location": {
            "id": "LOC1",
            "address": "Stationsplein 1",
            "city": "Utrecht",
            "country": "NLD",
            "coordinates": {"latitude": "52.089400", "longitude": "5.110000"},
            "evse_uid": "E1",
            "evse_id": "NL*CPO*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2_COMBO",
            "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "currency": "EUR",
        "tariffs": [a_tariff()],
        "charging_periods": [a_period(kwh=10) | {"tariff_id": "T1"}],
        "total_cost": {"excl_vat": 4.5, "incl_vat": 5.4},
        "total_energy": 10,
        "total_time": 0.5,
        "last_updated": "2026-01-01T00:31:00Z",
    } | overrides


def as_bytes(value: Any) -> bytes:
    """JSON as the partners send it."""
    return codec.encode(value)
