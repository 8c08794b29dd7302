"""Objects that use every field of OCPI 2.2.1 once, as a decoder gives them."""

from decimal import Decimal

import pytest

AT = "2026-03-01T10:00:00Z"


@pytest.fixture
def connector():
    return {
        "id": "1",
        "standard": "IEC_62196_T2_COMBO",
        "format": "CABLE",
        "power_type": "DC",
        "max_voltage": 920,
        "max_amperage": 500,
        "max_electric_power": 350_000,
        "tariff_ids": ["T-1"],
        "terms_and_conditions": "https://cp1.example/terms",
        "last_updated": AT,
    }


@pytest.fixture
def image():
    return {
        "url": "https://cp1.example/a.png",
        "thumbnail": "https://cp1.example/a-small.png",
        "category": "CHARGER",
        "type": "png",
        "width": 800,
        "height": 600,
    }


@pytest.fixture
def evse(connector, image):
    return {
        "uid": "E-1",
        "evse_id": "NL*CP1*E1",
        "status": "AVAILABLE",
        "status_schedule": [{"period_begin": AT, "period_end": None, "status": "REMOVED"}],
        "capabilities": ["RESERVABLE", "RFID_READER"],
        "connectors": [connector],
        "floor_level": "-1",
        "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
        "physical_reference": "7",
        "directions": [{"language": "nl", "text": "Links achterin"}],
        "parking_restrictions": ["EV_ONLY"],
        "images": [dict(image)],
        "last_updated": AT,
    }


@pytest.fixture
def location(evse, image):
    return {
        "country_code": "NL",
        "party_id": "CP1",
        "id": "L-1",
        "publish": False,
        "publish_allowed_to": [{"uid": "0102", "type": "RFID"}],
        "name": "Gare du Grün",
        "address": "Stationsplein 1",
        "city": "Amsterdam",
        "postal_code": "1012 AB",
        "state": "Noord-Holland",
        "country": "NLD",
        "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
        "related_locations": [
            {
                "latitude": "52.370000",
                "longitude": "-4.895000",
                "name": {"language": "nl", "text": "Ingang"},
            }
        ],
        "parking_type": "PARKING_GARAGE",
        "evses": [evse],
        "directions": [{"language": "en", "text": "Second left"}],
        "operator": {"name": "CP1", "website": "https://cp1.example", "logo": dict(image)},
        "suboperator": {"name": "Sub"},
        "owner": {"name": "Owner"},
        "facilities": ["CAFE"],
        "time_zone": "Europe/Amsterdam",
        "opening_times": {
            "twentyfourseven": False,
            "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
            "exceptional_openings": [{"period_begin": AT, "period_end": "2026-03-01T12:00:00Z"}],
            "exceptional_closings": [
                {"period_begin": "2026-03-01T12:00:00", "period_end": "2026-03-01T14:00:00"}
            ],
        },
        "charging_when_closed": True,
        "images": [dict(image)],
        "energy_mix": {
            "is_green_energy": False,
            "energy_sources": [
                {"source": "WIND", "percentage": Decimal("60.5")},
                {"source": "GAS", "percentage": Decimal("39.5")},
            ],
            "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 120}],
            "supplier_name": "Stroom",
            "energy_product_name": "Mix",
        },
        "last_updated": AT,
    }
