"""A charging profile: a limit over time, and what of it is active at an outlet.

Without a start it counts from the begin of charging; without a duration its last period goes on
(CHP-035). A is the current of each phase (CHP-036).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ocpi_hub.ocpi.primitives import format_datetime, parse_datetime
from ocpi_hub.simulator.charge import Charge
from ocpi_hub.simulator.outlet import Outlet

Object = dict[str, Any]
_ONE_DIGIT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Profile:
    """`start` is when its periods count from; `told` is the ChargingProfile object."""

    start: datetime
    told: Object
    outlet: Outlet

    @classmethod
    def of(cls, told: Object, charge: Charge) -> "Profile":
        text = told.get("start_date_time")
        return cls(parse_datetime(text) if text else charge.started, told, charge.outlet)

    def __call__(self, at: datetime) -> int | None:
        """Watts that it allows at a time; None before it begins, after it ends, without periods."""
        seconds = (at - self.start).total_seconds()
        duration = self.told.get("duration")
        if duration is not None and seconds >= duration:
            return None
        begun = [each for each in self._periods if each["start_period"] <= seconds]
        return self._watts(begun[-1]["limit"]) if begun else None

    def turns(self) -> Iterator[datetime]:
        """When the limit may change."""
        offsets = [each["start_period"] for each in self._periods]
        for offset in (*offsets, self.told.get("duration")):
            if offset is not None:
                yield self.start + timedelta(seconds=int(offset))

    @property
    def _periods(self) -> list[Object]:
        periods = self.told.get("charging_profile_period") or ()
        return sorted(periods, key=lambda each: int(each["start_period"]))

    def _watts(self, limit: float | Decimal) -> int:
        if self.told["charging_rate_unit"] == "A":
            return self.outlet.watts_of(float(limit))
        return int(limit)


def active(charge: Charge, duration_s: int) -> Object:
    """The ActiveChargingProfile of the next seconds: what limits, or the maximum of the outlet."""
    start = charge.meter.at
    end = start + timedelta(seconds=duration_s)
    caps = [cap for cap in charge.caps.values() if isinstance(cap, Profile)]
    turns = sorted({start, *(turn for cap in caps for turn in cap.turns() if start < turn < end)})
    periods: list[Object] = []
    for turn in turns:
        limit = Decimal(min(charge.offered_at(turn), charge.outlet.watts))
        if not periods or periods[-1]["limit"] != limit:
            offset = int((turn - start).total_seconds())
            periods.append(
                {"start_period": offset, "limit": limit.quantize(_ONE_DIGIT, ROUND_HALF_UP)}
            )
    return {
        "start_date_time": format_datetime(start),
        "charging_profile": {
            "start_date_time": format_datetime(start),
            "duration": duration_s,
            "charging_rate_unit": "W",
            "charging_profile_period": periods,
        },
    }
