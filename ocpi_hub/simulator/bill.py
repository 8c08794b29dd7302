"""What a session costs: a Tariff and periods in, exact amounts out.

For each period and dimension the first element counts that has a component for it and whose
restrictions hold (TAR-035, TAR-036); none is free (TAR-037). FLAT is due once in the reservation
and once in the charging (TAR-066, TAR-068). What was used is rounded up to `step_size` once: all
energy, all parking time or else all charging time (CDR-034 to CDR-037). Amounts are exact; `price`
writes them with 4 places.

Restrictions that the simulated tariffs have are understood: times of day, days of the week, and
those for reservations. An element with another one raises UnknownRestriction.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ocpi_hub.simulator.meter import PARKING, RESERVATION, TIME, Period

Object = dict[str, Any]

ENERGY, FLAT = "ENERGY", "FLAT"
_PLACES = Decimal("0.0001")
_UNITS = {ENERGY: 1000, TIME: 3600, PARKING: 3600, RESERVATION: 3600}  # steps of 1 in a kWh or hour
_UNDERSTOOD = {"start_time", "end_time", "day_of_week", "reservation"}
_TOTALS = {
    FLAT: "total_fixed_cost",
    ENERGY: "total_energy_cost",
    TIME: "total_time_cost",
    PARKING: "total_parking_cost",
    RESERVATION: "total_reservation_cost",
}


class UnknownRestriction(Exception):
    """The message names it."""


class Amount(NamedTuple):
    """Money without and with VAT."""

    excl: Decimal = Decimal(0)
    incl: Decimal = Decimal(0)

    def plus(self, other: "Amount") -> "Amount":
        return Amount(self.excl + other.excl, self.incl + other.incl)

    def price(self) -> Object:
        """As a Price object, 4 places, halves away from zero."""
        return {
            "excl_vat": self.excl.quantize(_PLACES, ROUND_HALF_UP),
            "incl_vat": self.incl.quantize(_PLACES, ROUND_HALF_UP),
        }


class _Line(NamedTuple):
    """A volume that a component prices; FLAT has none."""

    what: str
    component: Object
    volume: Decimal = Decimal(1)

    @property
    def amount(self) -> Amount:
        excl = Decimal(str(self.component["price"])) * self.volume
        vat = Decimal(str(self.component.get("vat") or 0))
        return Amount(excl, excl * (100 + vat) / 100)


@dataclass(frozen=True, slots=True)
class Bill:
    """Amounts by the field of the CDR that they stand in; only what was priced is there."""

    amounts: dict[str, Amount]

    @property
    def total(self) -> Amount:
        return sum_of(self.amounts.values())

    def prices(self) -> dict[str, Object]:
        return {name: amount.price() for name, amount in self.amounts.items()}


def sum_of(amounts: Iterable[Amount]) -> Amount:
    total = Amount()
    for amount in amounts:
        total = total.plus(amount)
    return total


def bill(tariff: Object, periods: Sequence[Period], zone: ZoneInfo, *, expired: bool) -> Bill:
    """`zone` is that of the Location; `expired`: a reservation that never became a session."""
    lines = [line for period in periods for line in _priced(tariff, period, zone, expired)]
    lines = [*_flats(tariff, periods, zone, expired), *_rounded_up(lines)]
    amounts: dict[str, Amount] = {}
    for line in lines:
        name = _TOTALS[line.what]
        amounts[name] = amounts.get(name, Amount()).plus(line.amount)
    return Bill(amounts)


def next_switch(tariff: Object, zone: ZoneInfo, after: datetime) -> datetime | None:
    """When the next element of the tariff begins or ends to hold; None: never (CDR-031)."""
    local = after.astimezone(zone)
    moments = [
        datetime.combine(local.date() + timedelta(days=days), _clock(text), zone)
        for element in tariff["elements"]
        for text in _times(element)
        for days in (0, 1)
    ]
    later = [moment.astimezone(after.tzinfo) for moment in moments]
    return min((moment for moment in later if moment > after), default=None)


def _times(element: Object) -> Iterator[str]:
    restrictions = element.get("restrictions") or {}
    yield from (restrictions[name] for name in ("start_time", "end_time") if name in restrictions)
    if restrictions.get("day_of_week"):
        yield "00:00"


def _priced(tariff: Object, period: Period, zone: ZoneInfo, expired: bool) -> Iterator[_Line]:
    reserved = period.kind == RESERVATION
    for what, volume in period.volumes.items():
        dimension = TIME if what == RESERVATION else what
        component = _component(tariff, dimension, period.start, zone, _phases(reserved, expired))
        if component is not None:
            yield _Line(what, component, volume)


def _flats(
    tariff: Object,
    periods: Sequence[Period],
    zone: ZoneInfo,
    expired: bool,
) -> Iterator[_Line]:
    for reserved, what in ((True, RESERVATION), (False, FLAT)):
        within = [each for each in periods if (each.kind == RESERVATION) == reserved]
        phases = _phases(reserved, expired)
        found = (_component(tariff, FLAT, each.start, zone, phases) for each in within)
        component = next((each for each in found if each is not None), None)
        if component is not None:
            yield _Line(what, component)


def _phases(reserved: bool, expired: bool) -> tuple[str | None, ...]:
    """What `reservation` in an element may say, the first choice first (TAR-064, TAR-065)."""
    if not reserved:
        return (None,)
    return ("RESERVATION_EXPIRES", "RESERVATION") if expired else ("RESERVATION",)


def _component(
    tariff: Object, dimension: str, at: datetime, zone: ZoneInfo, phases: Sequence[str | None]
) -> Object | None:
    for phase in phases:
        for element in tariff["elements"]:
            restrictions = element.get("restrictions") or {}
            if restrictions.get("reservation") == phase and _holds(restrictions, at, zone):
                for component in element["price_components"]:
                    if component["type"] == dimension:
                        return dict(component)
    return None


def _holds(restrictions: Object, at: datetime, zone: ZoneInfo) -> bool:
    if unknown := restrictions.keys() - _UNDERSTOOD:
        raise UnknownRestriction(", ".join(sorted(unknown)))
    local = at.astimezone(zone)
    days = restrictions.get("day_of_week")
    if days and f"{local:%A}".upper() not in days:
        return False
    start = _clock(restrictions.get("start_time", "00:00"))
    end = _clock(restrictions.get("end_time", "00:00"))
    now = local.time()
    if end <= start:  # past midnight; 00:00 is the end of the day (TAR-053)
        return now >= start or now < end
    return start <= now < end


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def _rounded_up(lines: Sequence[_Line]) -> list[_Line]:
    """With what is missing to a full step, put into the last line of its kind."""
    out = list(lines)
    parked = any(line.what == PARKING for line in lines)
    for what in (ENERGY, PARKING if parked else TIME, RESERVATION):
        mine = [index for index, line in enumerate(out) if line.what == what]
        if mine:
            last = out[mine[-1]]
            total = sum((out[index].volume for index in mine), Decimal(0))
            billed = _up(total * _UNITS[what], last.component["step_size"]) / _UNITS[what]
            out[mine[-1]] = last._replace(volume=last.volume + billed - total)
    return out


def _up(count: Decimal, step: int) -> Decimal:
    """To the next multiple; a step of 0 is none (TAR-040, TAR-047)."""
    return count if not step else count + (step - count % step) % step
