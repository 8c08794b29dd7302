"""What may enter the map: checks of coordinates and power, each fault with a name.

A Location whose coordinates cannot be true is not indexed, since a driver would be led astray; it
is counted by reason in `/meta`. Doubtful power is replaced by the plausible value, and the station
carries a warning: nothing is corrected silently.
"""

import math
from enum import IntFlag


class Reject(Exception):
    """A Location that is not indexed; the message is the reason's name."""


class Warn(IntFlag):
    """Remarks that travel with a station."""

    OUTSIDE_COUNTRY = 1
    POWER_DOUBTFUL = 2
    POWER_MISSING = 4
    TIME_ZONE_MISSING = 8


# Boxes around the mainland of each country in degrees: south, west, north, east. Overseas parts
# lie outside, so leaving the box is a remark only, unless swapping the two numbers leads back in.
_BOXES = {
    "AUT": (46.3, 9.5, 49.1, 17.2), "BEL": (49.4, 2.5, 51.6, 6.5),
    "BGR": (41.2, 22.3, 44.3, 28.7), "CHE": (45.8, 5.9, 47.9, 10.6),
    "CYP": (34.5, 32.2, 35.8, 34.7), "CZE": (48.5, 12.0, 51.1, 18.9),
    "DEU": (47.2, 5.8, 55.1, 15.1), "DNK": (54.5, 8.0, 57.8, 15.3),
    "ESP": (27.6, -18.2, 43.9, 4.4), "EST": (57.5, 21.7, 59.7, 28.3),
    "FIN": (59.7, 19.0, 70.1, 31.6), "FRA": (41.3, -5.2, 51.1, 9.7),
    "GBR": (49.8, -8.7, 60.9, 1.8), "GRC": (34.7, 19.3, 41.8, 29.7),
    "HRV": (42.3, 13.4, 46.6, 19.5), "HUN": (45.7, 16.1, 48.6, 22.9),
    "IRL": (51.4, -10.7, 55.5, -5.9), "ISL": (63.2, -24.6, 66.6, -13.4),
    "ITA": (35.4, 6.6, 47.1, 18.6), "LTU": (53.8, 20.9, 56.5, 26.9),
    "LUX": (49.4, 5.7, 50.2, 6.6), "LVA": (55.6, 20.9, 58.1, 28.3),
    "MLT": (35.7, 14.1, 36.1, 14.6), "NLD": (50.7, 3.3, 53.6, 7.3),
    "NOR": (57.9, 4.5, 71.2, 31.2), "POL": (49.0, 14.1, 54.9, 24.2),
    "PRT": (32.4, -31.3, 42.2, -6.2), "ROU": (43.6, 20.2, 48.3, 29.8),
    "SRB": (42.2, 18.8, 46.2, 23.0), "SVK": (47.7, 16.8, 49.7, 22.6),
    "SVN": (45.4, 13.3, 46.9, 16.6), "SWE": (55.3, 10.9, 69.1, 24.2),
    "TUR": (35.8, 25.6, 42.2, 44.9), "UKR": (44.3, 22.1, 52.4, 40.3),
}  # fmt: skip
_MARGIN = 0.5  # degrees, about 50 km
_MAX_KW = 4_000  # megawatt charging ends at 3,750 kW
_DISAGREE = 3  # stated power over volts x amperes beyond which volts x amperes win


def _inside(country: str, lat: float, lon: float) -> bool:
    box = _BOXES.get(country)
    if box is None:
        return True
    south, west, north, east = box
    return south - _MARGIN <= lat <= north + _MARGIN and west - _MARGIN <= lon <= east + _MARGIN


def position(latitude: object, longitude: object, country: str) -> tuple[float, float, Warn]:
    """A position in degrees from what a Location says (`country` in ISO 3166-1 alpha-3).

    Raises Reject: no_coordinates, null_island, swapped, out_of_range.
    """
    lat, lon = _degrees(latitude), _degrees(longitude)
    if lat is None or lon is None:
        raise Reject("no_coordinates")
    if abs(lat) > 90 or abs(lon) > 180:  # noqa: PLR2004 - the range of degrees
        swapped = abs(lon) <= 90 and abs(lat) <= 180  # noqa: PLR2004 - the same
        raise Reject("swapped" if swapped else "out_of_range")
    if abs(lat) < 1e-4 and abs(lon) < 1e-4:  # noqa: PLR2004 - ten metres around 0, 0
        raise Reject("null_island")
    if _inside(country, lat, lon):
        return lat, lon, Warn(0)
    if abs(lon) <= 90 and _inside(country, lon, lat):  # noqa: PLR2004 - a latitude
        raise Reject("swapped")
    return lat, lon, Warn.OUTSIDE_COUNTRY


def _degrees(value: object) -> float | None:
    try:
        degrees = float(value)  # type: ignore[arg-type] # whatever is no number raises
    except (TypeError, ValueError):
        return None
    return degrees if math.isfinite(degrees) else None


_PHASES = {"AC_3_PHASE": 3, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2}


def power(
    stated_w: float | None, volts: float | None, amperes: float | None, power_type: str
) -> tuple[int, Warn]:
    """Power of a connector in whole kW, 0 when unknown.

    What is stated counts, unless it exceeds volts x amperes x phases threefold (power in the wrong
    unit) or is below 1 kW (kW where watts are meant); then the product counts.
    """
    product = _positive(volts) * _positive(amperes) * _PHASES.get(power_type.upper(), 1) / 1000
    stated = _positive(stated_w) / 1000
    if product > _MAX_KW:
        product = 0.0
    if not stated:
        return round(product), Warn(0) if product else Warn.POWER_MISSING
    if stated < 1 or stated > _MAX_KW or (product and stated > _DISAGREE * product):
        return round(product), Warn.POWER_DOUBTFUL
    return round(stated), Warn(0)


def _positive(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) and value > 0 else 0.0
