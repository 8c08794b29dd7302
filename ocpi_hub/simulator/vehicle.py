"""Electric cars: how much power their batteries take, by how full they are.

The numbers of a few cars are those of Open EV Data as of 2022 (chargeprice/open-ev-data, MIT):
usable battery, power at a wallbox, points of the curve at a fast charger.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

_AC_FULL = ((0, 1.0), (95, 1.0), (100, 0.2))  # share of the AC power, by state of charge


@dataclass(frozen=True, slots=True)
class Vehicle:
    """`battery_wh` is usable, `ac_w` the most its own charger takes, `curve` holds (%, kW)."""

    name: str
    battery_wh: int
    ac_w: int
    curve: tuple[tuple[int, float], ...]

    def watts(self, charged: float, offered: int, *, direct: bool) -> int:
        """The power it takes of `offered` watts when `charged` percent full; none when full.

        `direct`: DC, past the charger in the car.
        """
        if charged >= 100:  # noqa: PLR2004 - percent
            return 0
        wanted = _at(self.curve, charged) * 1000 if direct else _at(_AC_FULL, charged) * self.ac_w
        return min(offered, int(wanted))


def _at(curve: tuple[tuple[int, float], ...], charged: float) -> float:
    """Linear between the points."""
    index = min(bisect_right(curve, (charged, float("inf"))), len(curve) - 1)
    (left, low), (right, high) = tuple(pairwise(curve))[index - 1]
    return low + (high - low) * (charged - left) / (right - left)


VEHICLES = (
    Vehicle("Renault Zoe ZE50", 52_000, 22_000, ((0, 41), (52, 46), (80, 27), (100, 22))),
    Vehicle("VW ID.3 58 kWh", 58_000, 11_000, ((0, 100), (30, 100), (70, 50), (80, 50), (100, 20))),
    Vehicle("Tesla Model 3 LR", 74_000, 11_000, ((0, 180), (40, 195), (60, 110), (100, 12))),
    Vehicle(
        "Peugeot e-208", 45_000, 11_000,
        ((0, 97), (16, 97), (17, 78), (46, 78), (47, 52), (68, 52), (69, 27), (83, 27), (84, 11),
         (100, 11)),
    ),
    Vehicle(
        "Hyundai Kona 64 kWh", 64_000, 11_000,
        ((0, 70), (40, 77), (42, 70), (55, 57), (71, 58), (72, 38), (76, 38), (78, 25), (88, 25),
         (100, 8)),
    ),
    Vehicle(
        "Hyundai Ioniq 5", 72_600, 11_000,
        ((0, 200), (10, 210), (22, 232), (23, 185), (37, 185), (38, 175), (47, 175), (48, 155),
         (55, 155), (56, 130), (70, 130), (80, 100), (100, 11)),
    ),
    Vehicle(
        "Mercedes EQA 250", 66_600, 11_000, ((0, 99), (35, 98), (65, 70), (85, 36), (100, 1)),
    ),
    Vehicle("BMW i3 94 Ah", 27_200, 11_000, ((0, 49), (45, 46), (60, 40), (80, 27), (100, 14))),
)  # fmt: skip
