"""The Locations that are measured with: the real ones when they lie beside the checkout."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.data import REAL_LOCATIONS

MADE_UP = 8_230
_AT = "2025-01-01T00:00:00Z"


def locations(most: int = MADE_UP) -> list[dict[str, Any]]:
    """Real public charging locations of France, or as many of the same size."""
    if REAL_LOCATIONS.exists():
        with gzip.open(REAL_LOCATIONS, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line, _ in zip(lines, range(most), strict=False)]
    return list(_made_up(most))


def source() -> str:
    return "real locations" if REAL_LOCATIONS.exists() else "made-up locations of the real size"


def _made_up(count: int) -> Iterator[dict[str, Any]]:
    """About 1.6 kB with three EVSEs, as the real ones have in the mean."""
    for number in range(count):
        evses = [_evse(f"FRCPOE{number:06d}{at}") for at in range(3)]
        yield {
            "country_code": "FR", "party_id": f"P{number % 84:02d}", "id": f"FRCPOP{number:06d}",
            "publish": True, "name": f"Parking {number}", "address": f"{number % 90} rue Haute",
            "city": "Bailly", "postal_code": "77700", "country": "FRA",
            "coordinates": {
                "latitude": f"{43 + number % 700 / 100:.6f}",
                "longitude": f"{number % 600 / 100:.6f}",
            },
            "evses": evses, "operator": {"name": "Recharge"}, "owner": {"name": "Commune"},
            "time_zone": "Europe/Paris", "opening_times": {"twentyfourseven": True},
            "last_updated": _AT,
        }  # fmt: skip


def _evse(uid: str) -> dict[str, Any]:
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE",
        "max_voltage": 230, "max_amperage": 32, "max_electric_power": 22_000, "last_updated": _AT,
    }  # fmt: skip
    return {
        "uid": uid, "evse_id": uid, "status": "AVAILABLE", "capabilities": ["RFID_READER"],
        "connectors": [connector], "last_updated": _AT,
    }  # fmt: skip
