"""The meter of a charging session: watts and seconds in, periods of kWh and hours out.

It counts in joules and whole seconds, and tells Decimals of 3 (kWh) and 4 places (hours), cut so
that what is told of the periods adds up to what is told of the session, and that a step_size of a
second finds the whole seconds again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from ocpi_hub.ocpi.primitives import format_datetime

TIME, PARKING, RESERVATION = "TIME", "PARKING_TIME", "RESERVATION_TIME"
_KWH, _HOURS, _KW = Decimal("0.001"), Decimal("0.0001"), Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Period:
    """A ChargingPeriod that is over. `kind` is the dimension of its time, powers are kW.

    `charged` is the state of charge at its end, in percent.
    """

    start: datetime
    kind: str
    hours: Decimal
    kwh: Decimal
    least_kw: Decimal
    most_kw: Decimal
    charged: int

    @property
    def volumes(self) -> dict[str, Decimal]:
        """What it costs by: its time, and the energy of one that is no reservation."""
        energy = {} if self.kind == RESERVATION else {"ENERGY": self.kwh}
        return energy | {self.kind: self.hours}

    def of_session(self, tariff_id: str) -> dict[str, Any]:
        """As a Session tells it: with the state of charge, which no CDR has (SES-055)."""
        more = {} if self.kind == RESERVATION else {"STATE_OF_CHARGE": Decimal(self.charged)}
        return self._told(tariff_id, self.volumes | more)

    def of_cdr(self, tariff_id: str) -> dict[str, Any]:
        powers = {"MIN_POWER": self.least_kw, "MAX_POWER": self.most_kw}
        return self._told(tariff_id, self.volumes | (powers if self.kind == TIME else {}))

    def _told(self, tariff_id: str, volumes: dict[str, Decimal]) -> dict[str, Any]:
        return {
            "start_date_time": format_datetime(self.start),
            "dimensions": [{"type": kind, "volume": volume} for kind, volume in volumes.items()],
            "tariff_id": tariff_id,
        }


@dataclass(slots=True)
class Meter:
    """`at` is the time it shows, `kind` what time is now, `periods` are those that are over."""

    at: datetime
    kind: str
    joules: int = 0
    seconds: dict[str, int] = field(default_factory=dict)
    periods: list[Period] = field(default_factory=list)
    _start: datetime = field(init=False)
    _powers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._start = self.at

    @property
    def open_s(self) -> int:
        """How long the period is that goes on."""
        return int((self.at - self._start).total_seconds())

    @property
    def kwh(self) -> Decimal:
        return (Decimal(self.joules // 3600) / 1000).quantize(_KWH)

    def hours(self, *kinds: str) -> Decimal:
        """How long it was one of these kinds of time."""
        return sum((_hours(self.seconds.get(kind, 0)) for kind in kinds), Decimal(0))

    def run(self, seconds: int, watts: int) -> None:
        self.at += timedelta(seconds=seconds)
        self.joules += seconds * watts
        self.seconds[self.kind] = self.seconds.get(self.kind, 0) + seconds
        self._powers.append(watts)

    def close(self, charged: int, kind: str | None = None) -> Period:
        """End the period that goes on; the next one starts now, with time of that kind."""
        told = [each for each in self.periods if each.kind == self.kind]
        powers = self._powers or [0]
        period = Period(
            start=self._start,
            kind=self.kind,
            hours=self.hours(self.kind) - sum(each.hours for each in told),
            kwh=self.kwh - sum(each.kwh for each in self.periods),
            least_kw=_kilo(min(powers)),
            most_kw=_kilo(max(powers)),
            charged=charged,
        )
        self.periods.append(period)
        self._start, self._powers, self.kind = self.at, [], kind or self.kind
        return period


def _hours(seconds: int) -> Decimal:
    return (Decimal(seconds) / 3600).quantize(_HOURS, ROUND_DOWN)


def _kilo(watts: int) -> Decimal:
    return (Decimal(watts) / 1000).quantize(_KW, ROUND_HALF_UP)
