import json

import pytest

from ocpi_hub.navigation.connectors import CODES, OTHER, codes
from ocpi_hub.navigation.gate import Reject, Warn
from ocpi_hub.navigation.hours import Hours
from ocpi_hub.navigation.outfits import Outlet
from ocpi_hub.navigation.project import PlugStatus, epoch_seconds, plug, site

CCS2 = CODES["IEC_62196_T2_COMBO"]


def location(**changes):
    whole = {
        "id": "LOC1",
        "publish": True,
        "country": "NLD",
        "coordinates": {"latitude": "52.0907", "longitude": "5.1214"},
        "time_zone": "Europe/Amsterdam",
        "evses": [{"uid": "E1", "status": "AVAILABLE", "connectors": []}],
    }
    return json.dumps(whole | changes).encode()


@pytest.mark.obligation("LOC-126")
@pytest.mark.parametrize(
    "status",
    ["AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED",
     "RESERVED", "UNKNOWN"],
)  # fmt: skip
def test_each_of_the_nine_statuses_is_told_apart(status):
    state = json.dumps({"uid": "E1", "status": status}).encode()
    assert PlugStatus(plug(state).status).name == status


@pytest.mark.parametrize("status", ["MELTED", "", None])
def test_a_status_that_is_not_known_is_unknown(status):
    assert plug(json.dumps({"uid": "E1", "status": status}).encode()).status == PlugStatus.UNKNOWN


def test_a_connector_is_read_with_its_power_and_an_unknown_one_is_kept():
    connectors = [
        {"standard": "IEC_62196_T2_COMBO", "power_type": "DC", "max_voltage": 920,
         "max_amperage": "400", "max_electric_power": 150_000.0},
        {"standard": "FLUX", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16},
        {},
    ]  # fmt: skip
    read = plug(json.dumps({"uid": "E1", "connectors": connectors}).encode())
    assert set(read.outlets) == {
        Outlet(CCS2, 150, True), Outlet(OTHER, 11, False), Outlet(OTHER, 0, False),
    }  # fmt: skip
    assert read.warnings == Warn.POWER_MISSING


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"", "unreadable"),
        (b"[]", "unreadable"),
        (b'{"id": 5}', "unreadable"),
        (b'{"id": "\xff"}', "unreadable"),
        (location(evses=[{"uid": None}]), "unreadable"),
        (location(evses="none"), "unreadable"),
        (location(publish=False), "not_published"),
        (location(coordinates=None), "no_coordinates"),
        (location(coordinates={}), "no_coordinates"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_reason(state, reason):
    with pytest.raises(Reject, match=rf"^{reason}$"):
        site(state)


def test_an_evse_that_cannot_be_read_is_refused():
    with pytest.raises(Reject, match=r"^unreadable$"):
        plug(b'{"status": "AVAILABLE"}')


def test_missing_and_null_members_are_no_reason_to_refuse():
    read = site(location(evses=None, name=None, opening_times=None, time_zone=None, operator=None))
    assert read.plugs == ()
    assert read.card.warnings == Warn.TIME_ZONE_MISSING


def test_an_evse_named_twice_counts_once():
    twice = [{"uid": "e1", "status": "CHARGING"}, {"uid": "E1", "status": "AVAILABLE"}]
    (only,) = site(location(evses=twice)).plugs
    assert only.status == PlugStatus.AVAILABLE


def test_opening_times_are_kept_and_broken_ones_left_out():
    times = {
        "twentyfourseven": False,
        "regular_hours": [
            {"weekday": 1, "period_begin": "08:00", "period_end": "18:00"},
            {"weekday": 2, "period_begin": "8 o'clock", "period_end": "18:00"},
            {"weekday": None, "period_begin": "08:00", "period_end": "18:00"},
        ],
        "exceptional_closings": [
            {"period_begin": "1970-01-01T00:01:40Z", "period_end": "1970-01-01T00:03:20Z"},
            {"period_begin": "tomorrow", "period_end": None},
        ],
    }
    assert site(location(opening_times=times)).card.hours == Hours(
        always=False, regular=((1, 480, 1080),), closings=((100.0, 200.0),)
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:01:40Z", 100.0), ("1970-01-01T00:01:40", 100.0), ("soon", 0.0), (None, 0.0),
     ("", 0.0)],
)  # fmt: skip
def test_times_are_utc_seconds(text, seconds):
    assert epoch_seconds(text) == seconds


def test_drivers_names_and_ocpi_names_mean_the_same():
    assert codes(["ccs2"]) == codes(["IEC_62196_T2_COMBO"]) == {CCS2}
    assert codes(["NACS", "TYPE2"]) == {
        CODES["SAE_J3400"], CODES["TESLA_S"], CODES["IEC_62196_T2"],
    }  # fmt: skip
    assert codes(["iec_60309_2_single_16"]) == codes(["CEE_BLUE"])
    with pytest.raises(ValueError, match=r"^CSS2$"):
        codes(["CCS2", "CSS2"])
