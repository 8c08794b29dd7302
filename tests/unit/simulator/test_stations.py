"""Generated and loaded stations, and the sessions at them."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.v2_2_1.locations import Location
from ocpi_hub.simulator.cities import CITIES
from ocpi_hub.simulator.price_list import choose, price_list
from ocpi_hub.simulator.sessions import Crowd, duration_minutes
from ocpi_hub.simulator.stations import BadFile, evses, generate, load_file, owners

CPO = PartyRef("DE", "VWK")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)


def test_generated_stations_are_valid_and_the_same_for_the_same_seed():
    stations = generate(300, CPO, "Voltwerk", seed=7)
    for station in stations:
        Location.model_validate(station)
    assert stations == generate(300, CPO, "Voltwerk", seed=7)
    assert stations != generate(300, CPO, "Voltwerk", seed=8)


@pytest.mark.obligation("LOC-009", "LOC-010", "LOC-011", "LOC-081")
def test_every_generated_station_is_public_and_has_an_address():
    for station in generate(1000, CPO, "Voltwerk"):
        assert station["publish"] is True
        assert "publish_allowed_to" not in station
        assert station["parking_type"] in {
            "ON_STREET", "PARKING_GARAGE", "PARKING_LOT", "ALONG_MOTORWAY",
        }  # fmt: skip
        assert station["postal_code"]


@pytest.mark.obligation("LOC-100", "LOC-101")
def test_plugs_give_no_more_than_voltage_and_current_allow():
    phases = {"AC_3_PHASE": 3, "DC": 1}
    seen = set()
    for _, evse in evses(generate(1000, CPO, "Voltwerk")):
        for plug in evse["connectors"]:
            most = plug["max_voltage"] * plug["max_amperage"] * phases[plug["power_type"]]
            assert 0.25 * most < plug["max_electric_power"] <= most  # watts, not kilowatts
            assert plug["power_type"] == "DC" or plug["max_voltage"] == 230  # line to neutral
            seen.add(plug["power_type"])
    assert seen == {"AC_3_PHASE", "DC"}


@pytest.mark.obligation("LOC-102", "LOC-103")
def test_a_connector_lists_one_tariff_for_each_wish_that_it_can_do():
    tariffs = {each["id"]: each for each in price_list(CPO, "2026-01-01T00:00:00Z")}
    wishes = {True: ["REGULAR", "CHEAP"], False: ["REGULAR"]}
    seen = set()
    for _, evse in evses(generate(300, CPO, "Voltwerk")):
        able = "CHARGING_PREFERENCES_CAPABLE" in evse["capabilities"]
        for connector in evse["connectors"]:
            listed = [tariffs[id_] for id_ in connector["tariff_ids"]]
            found = [choose(listed, NOON, wish) for wish in wishes[able]]
            assert found == listed
            assert len({tariff["type"] for tariff in listed}) == len(listed)
            seen.add(able)
    assert seen == {True, False}


@pytest.mark.obligation("LOC-111")
def test_who_may_pay_by_card_reads_how():
    kinds = {frozenset(evse["capabilities"]) for _, evse in evses(generate(300, CPO, "Voltwerk"))}
    readers = {"CHIP_CARD_SUPPORT", "CONTACTLESS_CARD_SUPPORT"}
    payable = [kind for kind in kinds if kind & {"CREDIT_CARD_PAYABLE", "DEBIT_CARD_PAYABLE"}]
    assert payable
    assert all(kind & readers for kind in payable)


@pytest.mark.obligation("LOC-013")
def test_a_site_is_one_location_with_many_evses():
    stations = generate(1000, CPO, "Voltwerk")
    places = {tuple(station["coordinates"].values()) for station in stations}
    assert len(places) == len(stations)


@pytest.mark.obligation("TR-081")
def test_nothing_is_said_to_be_not_available():
    assert "#NA" not in json.dumps(generate(1000, CPO, "Voltwerk"))


def test_ids_are_unique_and_sizes_are_those_of_real_sites():
    stations = generate(500, CPO, "Voltwerk")
    assert len({station["id"] for station in stations}) == 500
    uids = [evse["uid"] for _, evse in evses(stations)]
    assert len(set(uids)) == len(uids)
    assert all(2 <= len(station["evses"]) <= 12 for station in stations)


def test_larger_cities_have_more_stations():
    counts = Counter(station["city"] for station in generate(3000, CPO, "Voltwerk"))
    assert counts["Berlin"] > 5 * counts["Innsbruck"] > 0
    assert set(counts) <= {city.name for city in CITIES}


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_a_file_gives_its_locations_and_their_owners(tmp_path, name):
    stations = generate(3, CPO, "Voltwerk") + generate(2, PartyRef("NL", "LNT"), "Laadnet")
    text = "\n".join(json.dumps(station) for station in stations).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert load_file(path) == stations
    assert owners(load_file(path)) == {CPO: "Voltwerk", PartyRef("NL", "LNT"): "Laadnet"}


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"country_code": 1}'])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "some.jsonl"
    path.write_bytes(json.dumps(generate(1, CPO, "V")[0]).encode() + b"\n" + line)
    with pytest.raises(BadFile, match="line 2"):
        load_file(path)


def test_a_missing_or_broken_file_is_named(tmp_path):
    broken = tmp_path / "some.jsonl.gz"
    broken.write_bytes(gzip.compress(b"{}" * 1000)[:20])
    for path in (tmp_path / "none.jsonl", broken):
        with pytest.raises(BadFile, match=path.name):
            load_file(path)


def test_durations_follow_the_real_distribution():
    assert duration_minutes(0.1) == pytest.approx(10.5)
    assert duration_minutes(0.5) == pytest.approx(28.5)
    assert duration_minutes(0.9) == pytest.approx(56.8)
    shares = [number / 100 for number in range(101)]
    durations = [duration_minutes(share) for share in shares]
    assert durations == sorted(durations)


@pytest.mark.obligation("LOC-095")
def test_changes_come_in_order_and_each_changes_something():
    crowd = Crowd(500, NOON)
    status = dict.fromkeys(range(500), "AVAILABLE")
    status |= dict.fromkeys(crowd.already_charging(), "CHARGING")
    last = NOON
    for change in islice(crowd.changes(), 20_000):
        assert change.at >= last
        assert status[change.evse] != change.status
        status[change.evse], last = change.status, change.at
    assert {"AVAILABLE", "CHARGING", "OUTOFORDER"} == set(status.values())


def test_noon_is_busier_than_night():
    def starts_in_an_hour(start: datetime) -> int:
        crowd, count = Crowd(5000, start), 0
        for change in crowd.changes():
            if change.at >= start + timedelta(hours=1):
                return count
            count += change.status == "CHARGING"
        return count

    assert starts_in_an_hour(NOON) > 5 * starts_in_an_hour(NIGHT) > 0


def test_a_day_begins_with_cars_at_the_plugs():
    assert 0.1 < len(Crowd(10_000, NOON).already_charging()) / 10_000 < 0.5
    assert len(Crowd(10_000, NIGHT).already_charging()) < 300


def test_no_plugs_no_changes():
    assert list(Crowd(0, NOON).changes()) == []
