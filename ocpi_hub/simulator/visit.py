"""A car that comes to an outlet: how full it is, and what its driver wants.

How much energy drivers take was seen at 110,366 real sessions at French public stations (Nov 2024
to Jan 2025): p10/50/90 = 11/34.5/55 kWh.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from ocpi_hub.simulator.vehicle import VEHICLES, Vehicle

# Points of the distribution of energy: (share of sessions, kWh at most).
ENERGY = ((0.0, 0.5), (0.1, 11.0), (0.5, 34.5), (0.9, 55.0), (1.0, 90.0))
_LEAST, _MOST = 4.0, 97.0  # percent that a car comes and leaves with


@dataclass(frozen=True, slots=True)
class Visit:
    """`charged` and `wanted` are percent; `lingers_s` is how long it stays after that."""

    vehicle: Vehicle
    charged: float = 20.0
    wanted: float = 80.0
    lingers_s: int = 0


def energy_kwh(share: float) -> float:
    """The inverse distribution: kWh that `share` (0 to 1) of the sessions do not exceed."""
    index = min(bisect_right(ENERGY, (share, float("inf"))), len(ENERGY) - 1)
    (below, low), (above, high) = tuple(pairwise(ENERGY))[index - 1]
    return low + (share - below) / (above - below) * (high - low)


def some_visit(chance: random.Random) -> Visit:
    """A car whose battery has room for what is wanted; one driver in four has a coffee first."""
    kwh = energy_kwh(chance.random())
    fits = [each for each in VEHICLES if each.battery_wh * (_MOST - _LEAST) >= kwh * 100_000]
    vehicle = chance.choice(fits or [max(VEHICLES, key=lambda each: each.battery_wh)])
    needed = min(kwh * 100_000 / vehicle.battery_wh, _MOST - _LEAST)
    wanted = chance.uniform(_LEAST + needed, _MOST)
    return Visit(vehicle, wanted - needed, wanted, chance.choice((0, 0, 0, 900)))
