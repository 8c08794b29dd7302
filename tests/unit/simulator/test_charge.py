"""A charging session as a state machine: time in, changes out."""

import copy
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, parse_datetime
from ocpi_hub.ocpi.v2_2_1.cdrs import Cdr
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.sessions import Session
from ocpi_hub.simulator.bill import bill
from ocpi_hub.simulator.charge import Charge, Grant, credit
from ocpi_hub.simulator.meter import PARKING, TIME, Period
from ocpi_hub.simulator.outlet import outlets
from ocpi_hub.simulator.price_list import price_list
from ocpi_hub.simulator.vehicle import VEHICLES, Vehicle
from ocpi_hub.simulator.visit import Visit, energy_kwh, some_visit
from tests.build import LONG_AGO, a_connector, a_location, an_evse

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOKEN = {
    "country_code": "DE",
    "party_id": "EMP",
    "uid": "04AABB",
    "type": "RFID",
    "contract_id": "DEEMPC1",
    "issuer": "EMP",
    "valid": True,
    "whitelist": "ALLOWED",
    "last_updated": LONG_AGO,
}
WALLBOX = a_connector(
    standard="IEC_62196_T2", power_type="AC_3_PHASE", max_voltage=230, max_amperage=16,
    max_electric_power=11_000,
)  # fmt: skip
SLOW, CHEAP, FAST = price_list(PartyRef("NL", "CPO"), LONG_AGO)
TESTER = Vehicle("Flat curve", 50_000, 11_000, ((0, 100), (100, 100)))
GRANT = Grant(TOKEN, "WHITELIST")


def after(**how):
    return NOON + timedelta(**how)


def fast_charge(visit, at=NOON):
    [outlet] = outlets(a_location(evses=1))
    charge = Charge("S1", outlet, GRANT, FAST, at)
    charge.occupy(GRANT, visit, at, outlet)
    return charge


def slow_charge(visit=None, at=NOON, tariff=SLOW):
    location = a_location(evses=0) | {"evses": [an_evse() | {"connectors": [WALLBOX]}]}
    [outlet] = outlets(location)
    charge = Charge("S1", outlet, Grant(TOKEN, "COMMAND", "REF-1"), tariff, at)
    if visit is not None:
        charge.occupy(GRANT, visit, at, outlet)
    return charge


def volumes(periods, kind):
    return [
        each["volume"]
        for period in periods
        for each in period["dimensions"]
        if each["type"] == kind
    ]


def as_sent(told):
    return codec.decode(codec.encode(told))


@pytest.mark.parametrize("vehicle", VEHICLES, ids=lambda vehicle: vehicle.name)
def test_power_falls_when_the_battery_fills(vehicle):
    fast = [vehicle.watts(percent, 400_000, direct=True) for percent in range(101)]
    assert max(fast) == max(kw for _, kw in vehicle.curve) * 1000
    assert fast[95] < fast[20]
    assert fast[100] == 0
    assert vehicle.watts(20, 400_000, direct=False) == vehicle.ac_w
    assert vehicle.watts(99, 400_000, direct=False) < vehicle.ac_w
    assert vehicle.watts(20, 3_700, direct=True) == 3_700


def test_energy_is_power_times_time():
    charge = fast_charge(Visit(TESTER, charged=10, wanted=100))
    charge.advance(after(minutes=12))
    assert charge.meter.kwh == Decimal("20.000")
    assert round(charge.charged) == 50


def test_visits_are_like_those_of_real_stations():
    assert [energy_kwh(share) for share in (0.1, 0.5, 0.9)] == [11.0, 34.5, 55.0]
    chance = random.Random(7)  # noqa: S311 - the same visits again
    kwh, minutes = [], []
    for _ in range(120):
        charge = fast_charge(some_visit(chance))
        while charge.watts:
            charge.advance(charge.meter.at + timedelta(minutes=1))
        kwh.append(charge.meter.kwh)
        minutes.append(charge.meter.hours("TIME") * 60)
    assert 30 < median(kwh) < 40
    assert 20 < median(minutes) < 40
    assert max(kwh) < 75


@pytest.mark.obligation("CDR-032", "CDR-053")
def test_what_periods_tell_adds_up_to_what_the_session_tells():
    charge = fast_charge(Visit(VEHICLES[5], charged=7.3, wanted=93.1, lingers_s=600))
    changes = []
    for minutes in (1, 7.3, 8, 19.55, 70):
        changes += charge.advance(after(minutes=minutes))
    changes += charge.finish(after(minutes=71))
    told = [period for change in changes for period in change["charging_periods"]]
    assert told == charge.session()["charging_periods"]
    cdr = charge.cdr("C1")
    assert sum(volumes(cdr["charging_periods"], "ENERGY")) == cdr["total_energy"]
    assert sum(volumes(cdr["charging_periods"], "PARKING_TIME")) == cdr["total_parking_time"]
    assert (
        sum(volumes(cdr["charging_periods"], "TIME")) + cdr["total_parking_time"]
        == cdr["total_time"]
    )
    assert abs(cdr["total_time"] - Decimal(71) / 60) < Decimal("0.001")
    parts = [
        price for name, price in cdr.items() if name.endswith("_cost") and name != "total_cost"
    ]
    for vat in ("excl_vat", "incl_vat"):
        assert abs(sum(part[vat] for part in parts) - cdr["total_cost"][vat]) < Decimal("0.001")
    assert cdr["total_cost"]["excl_vat"] > cdr["total_energy"] * Decimal("0.64")


@pytest.mark.obligation("SES-054")
def test_news_come_every_tenth_of_an_hour_and_not_more_often():
    charge = slow_charge(Visit(TESTER, charged=10, wanted=100))
    changes = []
    for seconds in range(0, 3601, 20):
        changes += charge.advance(after(seconds=seconds))
    assert len(changes) == 10
    assert (
        volumes([change["charging_periods"][0] for change in changes], "TIME")
        == [Decimal("0.1000")] * 10
    )
    assert [change["kwh"] for change in changes][:2] == [Decimal("1.100"), Decimal("2.200")]


def test_time_cannot_go_back():
    charge = fast_charge(Visit(TESTER))
    charge.advance(after(minutes=10))
    before = as_sent(charge.session())
    assert charge.advance(after(minutes=5)) == []
    assert as_sent(charge.session()) == before


def test_a_full_car_parks_and_leaves_when_its_driver_is_back():
    charge = fast_charge(Visit(TESTER, charged=70, wanted=80, lingers_s=300))
    charge.advance(after(minutes=4))
    assert charge.meter.kind == "PARKING_TIME"
    assert not charge.leaves
    charge.advance(after(minutes=10))
    assert charge.leaves
    assert charge.watts == 0
    assert Decimal(5) <= charge.meter.kwh < Decimal("5.4")


@pytest.mark.obligation("CDR-031", "CDR-032", "CDR-033", "SES-054")
def test_a_period_ends_where_the_price_changes():
    evening = datetime(2026, 3, 2, 20, 50, 30, tzinfo=UTC)  # 21:50:30 in Utrecht
    charge = fast_charge(Visit(VEHICLES[4], charged=10, wanted=95), evening)
    charge.advance(evening + timedelta(minutes=20))
    charge.finish(evening + timedelta(minutes=20))
    cdr = charge.cdr("C1")
    starts = [period["start_date_time"] for period in cdr["charging_periods"]]
    assert "2026-03-02T21:00:00Z" in starts
    by_day, by_night = (
        sum(
            volumes(
                [
                    p
                    for p in cdr["charging_periods"]
                    if (p["start_date_time"] >= "2026-03-02T21") == night
                ],
                "ENERGY",
            )
        )
        for night in (False, True)
    )
    assert by_day + by_night == cdr["total_energy"]
    expected = by_day * Decimal("0.64") + by_night * Decimal("0.52")
    assert cdr["total_energy_cost"]["excl_vat"] == round(expected, 4)


def repriced(cdr):
    """The total by nothing but what the CDR itself says, and the zone of its Location."""
    [tariff] = cdr["tariffs"]
    periods = []
    for period in cdr["charging_periods"]:
        volumes = {each["type"]: each["volume"] for each in period["dimensions"]}
        [kind] = volumes.keys() & {TIME, PARKING}
        start = parse_datetime(period["start_date_time"])
        periods.append(Period(start, kind, volumes[kind], volumes["ENERGY"], 0, 0, 0))
    return bill(tariff, periods, ZoneInfo("Europe/Amsterdam"), expired=False).total.price()


@pytest.mark.obligation("CDR-014")
def test_sessions_and_cdrs_are_valid_and_complete():
    charge = fast_charge(Visit(VEHICLES[0], charged=10, wanted=50, lingers_s=900))
    moment = {"last_updated": "2026-03-02T13:00:00Z"}
    charge.advance(after(minutes=14))
    assert validate(Session, as_sent(charge.session() | moment)) == ()
    charge.finish(after(minutes=60))
    assert validate(Session, as_sent(charge.session() | moment)) == ()
    assert validate(Cdr, as_sent(charge.cdr("C1") | moment)) == ()
    cdr = charge.cdr("C1")
    assert repriced(cdr) == cdr["total_cost"]
    for period in cdr["charging_periods"]:
        kinds = {each["type"] for each in period["dimensions"]}
        assert kinds in ({"ENERGY", "TIME", "MIN_POWER", "MAX_POWER"}, {"ENERGY", "PARKING_TIME"})
        assert period["tariff_id"] in [tariff["id"] for tariff in cdr["tariffs"]]


@pytest.mark.obligation("CDR-030")
def test_a_cdr_is_of_the_moment_the_session_began():
    charge = fast_charge(Visit(TESTER))
    charge.place.location["name"] = "Renamed"
    charge.place.connector["standard"] = "CHADEMO"
    tariff = copy.deepcopy(FAST)
    FAST["elements"].pop()
    charge.finish(after(minutes=5))
    FAST["elements"] = tariff["elements"]
    assert charge.cdr("C1")["tariffs"] == [tariff]
    there = charge.cdr("C1")["cdr_location"]
    assert (there["name"], there["connector_standard"]) == ("Stationsplein", "IEC_62196_T2_COMBO")


@pytest.mark.obligation("TAR-032")
def test_a_session_keeps_its_tariff_when_the_time_of_that_is_over():
    ending = FAST | {"end_date_time": "2026-03-02T12:05:00Z"}
    [outlet] = outlets(a_location(evses=1))
    charge = Charge("S1", outlet, GRANT, ending, NOON)
    charge.occupy(GRANT, Visit(TESTER), NOON, outlet)
    charge.finish(after(minutes=30))
    cdr = charge.cdr("C1")
    assert cdr["tariffs"] == [ending]
    assert {period["tariff_id"] for period in cdr["charging_periods"]} == {ending["id"]}
    assert repriced(cdr) == cdr["total_cost"]


@pytest.mark.obligation("CDR-048")
def test_a_session_that_costs_nothing_names_the_tariff_that_says_so():
    component = {"type": "FLAT", "price": Decimal("0.00"), "step_size": 0}
    free = SLOW | {"id": "FREE", "elements": [{"price_components": [component]}]}
    charge = slow_charge(Visit(TESTER), tariff=free)
    charge.finish(after(minutes=30))
    cdr = charge.cdr("C1") | {"last_updated": LONG_AGO}
    assert cdr["tariffs"] == [free]
    assert set(cdr["total_cost"].values()) == {0}
    assert validate(Cdr, as_sent(cdr)) == ()


@pytest.mark.obligation("CDR-042")
def test_a_cdr_names_its_session_be_it_of_a_reservation_that_nobody_used():
    used, unused = slow_charge(Visit(TESTER)), slow_charge()
    for charge in (used, unused):
        charge.finish(after(minutes=30))
        assert charge.cdr("C1")["session_id"] == charge.session()["id"] == "S1"


def test_a_session_that_was_over_at_once_has_a_period_too():
    charge = fast_charge(Visit(TESTER))
    [change] = charge.finish(NOON)
    cdr = charge.cdr("C1")
    assert len(cdr["charging_periods"]) == len(change["charging_periods"]) == 1
    assert validate(Cdr, as_sent(cdr | {"last_updated": LONG_AGO})) == ()


@pytest.mark.obligation("SES-039", "SES-050", "CDR-044", "CDR-045", "CDR-063", "TAR-063")
def test_a_reservation_becomes_a_session_and_pays_for_its_time():
    charge = slow_charge()
    charge.advance(after(minutes=15))
    assert charge.session()["status"] == "RESERVATION"
    assert charge.session()["authorization_reference"] == "REF-1"
    again = Grant(TOKEN, "AUTH_REQUEST", "REF-2")
    change = charge.occupy(again, Visit(TESTER), after(minutes=15), charge.place)
    assert change["status"] == "ACTIVE"
    assert change["start_date_time"] == "2026-03-02T12:15:00Z"
    assert charge.session()["id"] == "S1"
    charge.finish(after(minutes=45))
    cdr = charge.cdr("C1")
    assert cdr["start_date_time"] == "2026-03-02T12:00:00Z"
    assert (cdr["auth_method"], cdr["authorization_reference"]) == ("AUTH_REQUEST", "REF-2")
    assert cdr["total_reservation_cost"]["excl_vat"] == Decimal("0.5000")
    assert cdr["total_time"] == Decimal("0.5000")
    assert validate(Cdr, as_sent(cdr | {"last_updated": LONG_AGO})) == ()


@pytest.mark.obligation("SES-040", "SES-041")
def test_a_reservation_that_nobody_came_for_ends_and_may_cost():
    charge = slow_charge()
    [change] = charge.finish(after(minutes=30))
    assert (change["status"], change["kwh"]) == ("COMPLETED", 0)
    assert charge.unused
    cdr = charge.cdr("C1")
    assert cdr["total_energy"] == 0
    assert cdr["total_cost"] == cdr["total_reservation_cost"]
    assert cdr["total_cost"]["excl_vat"] == Decimal("2.5000")  # 1.50 and half an hour at 2.00
    assert validate(Cdr, as_sent(cdr | {"last_updated": LONG_AGO})) == ()


@pytest.mark.obligation("CDR-062", "CHP-002")
def test_a_limit_lowers_the_power_and_not_the_kind_of_time():
    charge = fast_charge(Visit(TESTER, charged=10))
    charge.caps["grid"] = lambda at: 20_000 if at < after(minutes=6) else None
    charge.advance(after(minutes=12))
    assert charge.meter.kwh == Decimal("12.000")
    assert charge.meter.kind == "TIME"
    charge.caps["grid"] = lambda _: 0
    charge.advance(after(minutes=18))
    assert (charge.meter.kwh, charge.meter.kind) == (Decimal("12.000"), "TIME")


@pytest.mark.obligation("TAR-025")
def test_a_wish_of_the_driver_changes_the_tariff_from_then_on():
    charge = slow_charge(Visit(TESTER, charged=10, wanted=100))
    charge.advance(after(minutes=9))
    [change] = charge.reprice(CHEAP)
    assert volumes(change["charging_periods"], "TIME") == [Decimal("0.0500")]
    charge.finish(after(minutes=15))
    cdr = charge.cdr("C1")
    assert [period["tariff_id"] for period in cdr["charging_periods"]] == ["AC", "AC", "AC-CHEAP"]
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["AC", "AC-CHEAP"]
    expected = Decimal("1.65") * Decimal("0.49") + Decimal("1.1") * Decimal("0.35")
    assert cdr["total_cost"]["excl_vat"] == round(expected, 4)


@pytest.mark.obligation("CDR-006", "CDR-012", "CDR-009", "CDR-011")
def test_a_credit_takes_the_total_back_and_nothing_else():
    charge = fast_charge(Visit(TESTER))
    charge.finish(after(minutes=6))
    cdr = charge.cdr("C1") | {"last_updated": LONG_AGO}
    back = credit(cdr)
    assert {name for name in back if back[name] != cdr.get(name)} == {
        "id", "credit", "credit_reference_id", "total_cost",
    }  # fmt: skip
    assert (back["id"], back["credit_reference_id"]) == ("C1-C", "C1")
    assert back["total_cost"]["incl_vat"] == -cdr["total_cost"]["incl_vat"]
    assert validate(Cdr, as_sent(back)) == ()


def test_a_session_that_goes_on_has_no_cdr():
    with pytest.raises(ValueError, match="goes on"):
        fast_charge(Visit(TESTER)).cdr("C1")


def test_an_invalid_session_is_over():
    charge = fast_charge(Visit(TESTER))
    assert charge.finish(after(minutes=3), "INVALID")[-1]["status"] == "INVALID"
    assert charge.over
    assert charge.advance(after(minutes=30)) == []
