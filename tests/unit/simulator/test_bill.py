"""Prices, by the worked examples of the OCPI text (tariffs, cdrs: step_size)."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from ocpi_hub.simulator.bill import UnknownRestriction, bill, next_switch
from ocpi_hub.simulator.meter import PARKING, RESERVATION, TIME, Period
from ocpi_hub.simulator.price_list import choose, price_list

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY_NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)


def part(type_, price, vat=None, step=1):
    component = {"type": type_, "price": Decimal(price), "step_size": step}
    return component if vat is None else component | {"vat": Decimal(vat)}


def element(*parts, **restrictions):
    return {"price_components": list(parts)} | (
        {"restrictions": restrictions} if restrictions else {}
    )


def spent(*what, start=MONDAY_NOON):
    """Periods one after the other: (kind, minutes, kWh)."""
    periods = []
    for kind, minutes, kwh in what:
        hours = (Decimal(minutes) / 60).quantize(Decimal("0.0001"), ROUND_DOWN)
        periods.append(Period(start, kind, hours, Decimal(str(kwh)), Decimal(0), Decimal(0), 50))
        start += timedelta(minutes=minutes)
    return periods


def cost(elements, periods, *, expired=False):
    total = bill({"elements": elements}, periods, AMSTERDAM, expired=expired).total
    return [f"{round(value, 6).normalize():f}" for value in (total.excl, total.incl)]


ENERGY = part("ENERGY", "0.25", "10")
START = part("FLAT", "0.50", "20")
RESERVED = element(part("TIME", "5.00", "20", 60), reservation="RESERVATION")
FEE = element(
    part("FLAT", "2.00", "20"), part("TIME", "5.00", "20", 300), reservation="RESERVATION"
)
EXPIRES = element(part("FLAT", "4.00", "20"), reservation="RESERVATION_EXPIRES")
EXPIRES_BY_TIME = element(part("TIME", "6.00", "20", 600), reservation="RESERVATION_EXPIRES")
WITH_TIME = element(part("TIME", "3.00", "20", 600), reservation="RESERVATION")
SLOW = element(part("TIME", "2.00", "20", 600), reservation="RESERVATION")
BOTH = element(START, ENERGY)


@pytest.mark.obligation(
    "TAR-039", "TAR-043", "TAR-050", "TAR-064", "TAR-065", "TAR-066", "TAR-067", "TAR-068",
    "TAR-040",
)  # fmt: skip
@pytest.mark.parametrize(
    ("elements", "periods", "expired", "expected"),
    [
        ([element(ENERGY)], [(TIME, 60, 20)], False, ("5", "5.5")),
        ([BOTH], [(TIME, 60, 20)], False, ("5.5", "6.1")),
        (
            [element(START, ENERGY, part("PARKING_TIME", "2.00", "20", 900))],
            [(TIME, 60, 20), (PARKING, 40, 0)], False, ("7", "7.9"),
        ),
        ([element(part("TIME", "2.00", "10", 60))], [(TIME, 150, 9), (PARKING, 30, 0)], False,
         ("5", "5.5")),
        (
            [element(part("TIME", "3.00", "10", 60), part("PARKING_TIME", "5.00", "20", 900))],
            [(TIME, 150, 9), (PARKING, 42, 0)], False, ("11.25", "12.75"),
        ),
        ([RESERVED, BOTH], [(RESERVATION, 15, 0), (TIME, 60, 20)], False, ("6.75", "7.6")),
        ([FEE, BOTH], [(RESERVATION, 13, 0), (TIME, 60, 20)], False, ("8.75", "10")),
        ([EXPIRES, SLOW, BOTH], [(RESERVATION, 22, 0), (TIME, 60, 20)], False, ("6.5", "7.3")),
        ([EXPIRES, SLOW, BOTH], [(RESERVATION, 60, 0)], True, ("6", "7.2")),
        ([EXPIRES_BY_TIME, WITH_TIME, BOTH], [(RESERVATION, 22, 0), (TIME, 60, 20)], False,
         ("7", "7.9")),
        ([WITH_TIME, EXPIRES_BY_TIME, BOTH], [(RESERVATION, 90, 0)], True, ("9", "10.8")),
        ([element(part("FLAT", "0.00", None, 0))], [(TIME, 60, 20)], False, ("0", "0")),
    ],
    ids=["V01", "V02", "V04", "V06", "V07", "V13", "V14", "V15a", "V15b", "V16a", "V16b", "V12"],
)  # fmt: skip
def test_the_examples_of_the_text_cost_what_it_says(elements, periods, expired, expected):
    assert cost(elements, spent(*periods), expired=expired) == list(expected)


def around_17(*parts_before, after):
    """16:54 in Amsterdam, prices change at 17:00."""
    return [
        element(*parts_before, start_time="08:00", end_time="17:00"),
        element(*after, start_time="17:00", end_time="08:00"),
    ]


@pytest.mark.obligation("CDR-034", "CDR-035", "CDR-036", "CDR-037", "TAR-053")
@pytest.mark.parametrize(
    ("elements", "periods", "expected"),
    [
        (
            around_17(part("ENERGY", "0.20", None, 500), after=[part("ENERGY", "0.27", None, 500)]),
            [(TIME, 6, "4.3"), (TIME, 20, "1.1")], "1.184",
        ),
        (
            around_17(part("TIME", "5", None, 600), after=[part("TIME", "7", None, 600)]),
            [(TIME, 6, 1), (TIME, 22, 1)], "3.3",
        ),
        (
            [element(part("TIME", "6", None, 300), part("PARKING_TIME", "6", None, 300))],
            [(TIME, 21, 1), (PARKING, 7, 0)], "3.1",
        ),
        (
            [element(part("TIME", "3", None, 600), part("PARKING_TIME", "3", None, 600))],
            [(TIME, 21, 1), (PARKING, 16, 0)], "2.05",
        ),
    ],
    ids=["V20", "V21", "V22", "V23"],
)  # fmt: skip
def test_what_was_used_is_rounded_up_once(elements, periods, expected):
    start = datetime(2026, 3, 2, 15, 54, tzinfo=UTC)
    assert cost(elements, spent(*periods, start=start))[0] == expected


@pytest.mark.obligation("TAR-046", "TAR-047")
@pytest.mark.parametrize(
    ("kwh", "step", "expected"),
    [("0.1152", 1, "0.029"), ("0.1152", 25, "0.03125"), ("0.1152", 500, "0.125"),
     ("0.125", 25, "0.03125")],
)  # fmt: skip
def test_energy_is_billed_in_steps_of_watt_hours(kwh, step, expected):
    elements = [element(part("ENERGY", "0.25", None, step))]
    assert cost(elements, spent((TIME, 1, kwh)))[0] == expected


@pytest.mark.obligation("CDR-051")
def test_each_cost_stands_in_its_own_total():
    elements = [FEE, element(START, ENERGY, part("TIME", "1"), part("PARKING_TIME", "2"))]
    periods = spent((RESERVATION, 60, 0), (TIME, 60, 10), (PARKING, 30, 0))
    found = bill({"elements": elements}, periods, AMSTERDAM, expired=False)
    assert {name: float(amount.excl) for name, amount in found.amounts.items()} == {
        "total_reservation_cost": 7.0,
        "total_fixed_cost": 0.5,
        "total_energy_cost": 2.5,
        "total_time_cost": 1.0,
        "total_parking_cost": 1.0,
    }


def test_a_restriction_that_is_not_understood_is_named():
    with pytest.raises(UnknownRestriction, match="max_power"):
        cost([element(ENERGY, max_power=16)], spent((TIME, 1, 1)))


@pytest.mark.obligation("TAR-059")
def test_the_days_of_the_week_are_those_of_the_place():
    sunday_only = [element(ENERGY, day_of_week=["SUNDAY"])]
    late = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 23:30 on Sunday in Amsterdam
    assert cost(sunday_only, spent((TIME, 20, 1), start=late))[0] == "0.25"
    assert cost(sunday_only, spent((TIME, 20, 1), start=late + timedelta(hours=1)))[0] == "0"


def test_the_next_switch_of_the_price_is_found_in_local_time():
    [_, _, night] = price_list(PartyRef("NL", "CPO"), "2026-01-01T00:00:00Z")
    assert next_switch(night, AMSTERDAM, MONDAY_NOON) == datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    evening = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    assert next_switch(night, AMSTERDAM, evening) == datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    assert next_switch({"elements": [element(ENERGY)]}, AMSTERDAM, evening) is None


@pytest.mark.obligation("TAR-025")
def test_the_price_list_is_valid_and_has_one_for_each_wish():
    tariffs = price_list(PartyRef("NL", "CPO"), "2026-01-01T00:00:00Z")
    assert [validate(Tariff, tariff) for tariff in tariffs] == [()] * 3
    slow, cheap, _ = tariffs
    assert choose([slow, cheap], MONDAY_NOON) is slow
    assert choose([slow, cheap], MONDAY_NOON, "CHEAP") is cheap
    assert choose([slow, cheap], MONDAY_NOON, "GREEN") is None
    untyped = {name: value for name, value in slow.items() if name != "type"}
    assert choose([cheap, untyped], MONDAY_NOON) is untyped


@pytest.mark.obligation("TAR-031", "TAR-033")
def test_of_an_old_and_a_new_tariff_the_one_counts_whose_time_it_is():
    turn = "2026-03-02T11:00:00Z"
    old, new = {"id": "OLD", "end_date_time": turn}, {"id": "NEW", "start_date_time": turn}
    for both in ([old, new], [new, old]):
        assert choose(both, MONDAY_NOON - timedelta(seconds=1)) is old
        assert choose(both, MONDAY_NOON) is new
    brief = {"start_date_time": turn, "end_date_time": "2026-03-02T12:00:00Z"}
    hours = [choose([brief], MONDAY_NOON + timedelta(hours=hours)) for hours in (-1, 0, 1)]
    assert hours == [None, brief, None]


@pytest.mark.obligation("TAR-035", "TAR-036", "TAR-037", "TAR-052")
def test_each_dimension_has_the_first_element_that_fits_it():
    elements = [
        element(part("ENERGY", "0.10"), start_time="20:00", end_time="22:00"),
        element(part("TIME", "1")),
        element(part("ENERGY", "0.30"), part("TIME", "5")),
        element(part("ENERGY", "0.90")),
    ]
    hour = [(TIME, 60, 10), (PARKING, 60, 0)]
    assert cost(elements, spent(*hour))[0] == "4"  # 3.00 and 1.00; nothing prices the parking
    evening = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    assert cost(elements, spent((TIME, 60, 10), *hour, start=evening))[0] == "6"


@pytest.mark.obligation("TAR-051", "TAR-060")
def test_all_restrictions_hold_together():
    night = element(ENERGY, start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"])
    friday = datetime(2026, 3, 6, 1, 0, tzinfo=UTC)  # 2:00 in Amsterdam
    assert cost([night], spent((TIME, 60, 1), start=friday))[0] == "0.25"
    assert cost([night], spent((TIME, 60, 1), start=friday + timedelta(hours=21)))[0] == "0.25"
    assert cost([night], spent((TIME, 60, 1), start=friday + timedelta(hours=12)))[0] == "0"
    assert cost([night], spent((TIME, 60, 1), start=friday + timedelta(days=1)))[0] == "0"


@pytest.mark.obligation("TAR-053")
def test_midnight_as_an_end_is_the_end_of_the_day():
    for start_time, hours in (("17:00", (0, 1)), ("00:00", (1, 1))):
        elements = [element(ENERGY, start_time=start_time, end_time="00:00")]
        found = [
            cost(elements, spent((TIME, 60, 1), start=MONDAY_NOON + timedelta(hours=later)))[0]
            for later in (2, 10)
        ]
        assert found == ["0.25" if here else "0" for here in hours]
