"""Objects of the functional modules that use every field of OCPI 2.2.1 once, as a decoder gives
them, and how tests change them.
"""

import copy
from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.check import validate

AT = "2026-03-01T10:00:00Z"
LATER = "2026-03-01T12:00:00Z"
GONE = object()


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy in which the member at a dotted path is `new`, or gone."""
    value = copy.deepcopy(value)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = value
    for step in way:
        place = place[step]
    if new is GONE:
        del place[last]
    else:
        place[last] = new
    return value


def price(excl: str, incl: str | None = None) -> dict[str, Decimal]:
    return {"excl_vat": Decimal(excl)} | ({"incl_vat": Decimal(incl)} if incl else {})


TEXT = {"language": "en", "text": "Parking included"}

TARIFF = {
    "country_code": "NL",
    "party_id": "CP1",
    "id": "T-1",
    "currency": "EUR",
    "type": "PROFILE_GREEN",
    "tariff_alt_text": [TEXT],
    "tariff_alt_url": "https://cp1.example/tariffs/1",
    "min_price": price("0.50", "0.55"),
    "max_price": price("50"),
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": Decimal("0.2500"), "vat": 20, "step_size": 1}
            ],
            "restrictions": {
                "start_time": "22:00",
                "end_time": "06:00",
                "start_date": "2026-01-01",
                "end_date": "2027-01-01",
                "min_kwh": Decimal("1.0"),
                "max_kwh": 50,
                "min_current": 5,
                "max_current": 20,
                "min_power": 5,
                "max_power": 20,
                "min_duration": 60,
                "max_duration": 3600,
                "day_of_week": ["MONDAY", "FRIDAY"],
            },
        },
        {
            "price_components": [
                {"type": "FLAT", "price": 2, "step_size": 0},
                {"type": "TIME", "price": 5, "vat": Decimal("0.0"), "step_size": 60},
            ],
            "restrictions": {"reservation": "RESERVATION"},
        },
        {"price_components": [{"type": "ENERGY", "price": Decimal("0.30"), "step_size": 1}]},
    ],
    "start_date_time": AT,
    "end_date_time": LATER,
    "energy_mix": {"is_green_energy": True},
    "last_updated": AT,
}

CDR_TOKEN = {
    "country_code": "NL",
    "party_id": "EM1",
    "uid": "012345678",
    "type": "RFID",
    "contract_id": "NL8ACC12E46L89",
}

SESSION = {
    "country_code": "NL",
    "party_id": "CP1",
    "id": "S-1",
    "start_date_time": AT,
    "end_date_time": LATER,
    "kwh": Decimal("41.12"),
    "cdr_token": CDR_TOKEN,
    "auth_method": "WHITELIST",
    "authorization_reference": "A-1",
    "location_id": "L-1",
    "evse_uid": "E-1",
    "connector_id": "1",
    "meter_id": "M-1",
    "currency": "EUR",
    "charging_periods": [
        {
            "start_date_time": AT,
            "dimensions": [
                {"type": "ENERGY", "volume": Decimal("41.12")},
                {"type": "CURRENT", "volume": 16},
                {"type": "STATE_OF_CHARGE", "volume": 80},
            ],
            "tariff_id": "T-1",
        }
    ],
    "total_cost": price("8.50", "9.35"),
    "status": "ACTIVE",
    "last_updated": LATER,
}

CDR = {
    "country_code": "NL",
    "party_id": "CP1",
    "id": "C-1",
    "start_date_time": AT,
    "end_date_time": LATER,
    "session_id": "S-1",
    "cdr_token": CDR_TOKEN,
    "auth_method": "AUTH_REQUEST",
    "authorization_reference": "A-1",
    "cdr_location": {
        "id": "L-1",
        "name": "Gare du Grün",
        "address": "Stationsplein 1",
        "city": "Amsterdam",
        "postal_code": "1012 AB",
        "state": "Noord-Holland",
        "country": "NLD",
        "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
        "evse_uid": "E-1",
        "evse_id": "NL*CP1*E1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "CABLE",
        "connector_power_type": "AC_3_PHASE",
    },
    "meter_id": "M-1",
    "currency": "EUR",
    "tariffs": [changed(changed(TARIFF, "min_price", None), "max_price", None)],
    "charging_periods": [
        {
            "start_date_time": AT,
            "dimensions": [
                {"type": "ENERGY", "volume": 20},
                {"type": "TIME", "volume": Decimal("1.5")},
            ],
            "tariff_id": "t-1",
        },
        {
            "start_date_time": "2026-03-01T11:30:00Z",
            "dimensions": [{"type": "PARKING_TIME", "volume": Decimal("0.5")}],
        },
    ],
    "signed_data": {
        "encoding_method": "OCMF",
        "encoding_method_version": 1,
        "public_key": "a" * 512,
        "signed_values": [
            {"nature": "Start", "plain_data": "p" * 5000, "signed_data": "s" * 5000},
            {"nature": "Whatever", "plain_data": "a\nb", "signed_data": "="},
        ],
        "url": "https://cp1.example/check",
    },
    "total_cost": price("10.00", "12.00"),
    "total_fixed_cost": price("1.00"),
    "total_energy": Decimal("20.000"),
    "total_energy_cost": price("5.00"),
    "total_time": 2,
    "total_time_cost": price("2.00"),
    "total_parking_time": Decimal("0.5"),
    "total_parking_cost": price("1.50"),
    "total_reservation_cost": price("0.50"),
    "remark": "Stopped by the driver",
    "invoice_reference_id": "I-1",
    "credit": False,
    "credit_reference_id": None,
    "home_charging_compensation": True,
    "last_updated": LATER,
}

CREDIT = CDR | {
    "id": "x" * 37 + "-C",
    "credit": True,
    "credit_reference_id": "x" * 37,
    "total_cost": price("-10.00", "-12.00"),
}

TOKEN = {
    "country_code": "NL",
    "party_id": "EM1",
    "uid": "012345678",
    "type": "RFID",
    "contract_id": "NL8ACC12E46L89",
    "visual_number": "NL-8ACC-12E4-6L89",
    "issuer": "Emsp One",
    "group_id": "NL8ACC12E46L89",
    "valid": True,
    "whitelist": "ALLOWED_OFFLINE",
    "language": "nl",
    "default_profile_type": "GREEN",
    "energy_contract": {"supplier_name": "Stroom", "contract_id": "0123456789"},
    "last_updated": AT,
}

AUTHORIZATION = {
    "allowed": "ALLOWED",
    "token": TOKEN,
    "location": {"location_id": "L-1", "evse_uids": ["E-1", "E-2"]},
    "authorization_reference": "A-1",
    "info": TEXT,
}

PREFERENCES = {
    "profile_type": "CHEAP",
    "departure_time": LATER,
    "energy_need": Decimal("12.5"),
    "discharge_allowed": True,
}

_URL = {"response_url": "https://em1.example/results/1"}
CANCEL_RESERVATION = _URL | {"reservation_id": "R-1"}
RESERVE_NOW = _URL | {
    "token": TOKEN,
    "expiry_date": LATER,
    "reservation_id": "R-1",
    "location_id": "L-1",
    "evse_uid": "E-1",
    "authorization_reference": "A-1",
}
START_SESSION = _URL | {
    "token": TOKEN,
    "location_id": "L-1",
    "evse_uid": "E-1",
    "connector_id": "1",
    "authorization_reference": "A-1",
}
STOP_SESSION = _URL | {"session_id": "S-1"}
UNLOCK_CONNECTOR = _URL | {"location_id": "L-1", "evse_uid": "E-1", "connector_id": "1"}
COMMAND_RESPONSE = {"result": "ACCEPTED", "timeout": 30, "message": [TEXT]}
COMMAND_RESULT = {"result": "CANCELED_RESERVATION", "message": [TEXT]}

PROFILE = {
    "start_date_time": AT,
    "duration": 3600,
    "charging_rate_unit": "A",
    "min_charging_rate": Decimal("6.5"),
    "charging_profile_period": [
        {"start_period": 0, "limit": 16},
        {"start_period": 1800, "limit": Decimal("8.10")},
    ],
}
ACTIVE_PROFILE = {"start_date_time": AT, "charging_profile": PROFILE}
SET_PROFILE = _URL | {"charging_profile": PROFILE}
PROFILE_RESPONSE = {"result": "TOO_OFTEN", "timeout": 30}
PROFILE_RESULT = {"result": "UNKNOWN"}
ACTIVE_RESULT = {"result": "ACCEPTED", "profile": ACTIVE_PROFILE}


def without(value: Any, path: str) -> Any:
    return changed(value, path, GONE)


def refused(model: type[OcpiModel], value: Any) -> str:
    """The message of the refusal, which is 2001 under HTTP 200."""
    with pytest.raises(InvalidParameter) as refusal:
        validate(model, value)
    assert (refusal.value.code, refusal.value.http) == (2001, 200)
    return refusal.value.message


def case(model: type[OcpiModel], value: Any, path: str, *rest: Any, proves: str = "") -> Any:
    """A row of a table of tests, with the obligations that it proves."""
    marks = [pytest.mark.obligation(*proves.split())] if proves else []
    told = f"={rest[0]!r:.30}" if len(rest) > 1 else ""
    return pytest.param(model, value, path, *rest, marks=marks, id=f"{model.__name__}.{path}{told}")
