from datetime import datetime

import pytest

from ocpi_hub.navigation.hours import Hours, is_open, minutes

WEEKDAYS = Hours(always=False, regular=tuple((day, 480, 1080) for day in range(1, 6)))


def at(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T08:00:00+01:00", True),  # a Monday
        ("2026-11-23T07:59:59+01:00", False),
        ("2026-11-23T17:59:59+01:00", True),
        ("2026-11-23T18:00:00+01:00", False),
        ("2026-11-22T12:00:00+01:00", False),
        ("2026-07-06T06:30:00+00:00", True),  # summer time
    ],
)
def test_regular_hours_are_read_in_local_time(moment, expected):
    assert is_open(WEEKDAYS, "Europe/Amsterdam", at(moment)) is expected


def test_a_period_past_midnight_reaches_into_the_next_day():
    night = Hours(always=False, regular=((7, 1200, 120),))
    assert is_open(night, "Europe/Amsterdam", at("2026-11-23T01:00:00+01:00")) is True
    assert is_open(night, "Europe/Amsterdam", at("2026-11-24T01:00:00+01:00")) is False


@pytest.mark.obligation("LOC-120")
@pytest.mark.obligation("LOC-120")
def test_exceptions_win_over_regular_hours_and_closings_over_all():
    hours = Hours(always=False, regular=WEEKDAYS.regular, openings=((0.0, 100.0),))
    assert is_open(hours, "Europe/Amsterdam", 50.0) is True
    assert is_open(hours, "Europe/Amsterdam", at("2026-11-23T12:00:00+01:00")) is True
    both = Hours(always=False, regular=WEEKDAYS.regular, closings=((0.0, 4e9),))
    assert is_open(both, "Europe/Amsterdam", at("2026-11-23T12:00:00+01:00")) is False
    closed = Hours(always=True, openings=((0.0, 100.0),), closings=((0.0, 100.0),))
    assert is_open(closed, "", 50.0) is False
    assert is_open(closed, "", 150.0) is True


@pytest.mark.parametrize("zone", ["", "Europe/Atlantis", "../../etc/passwd", "\0", "Europe"])
def test_without_a_usable_time_zone_nothing_is_claimed(zone):
    assert is_open(WEEKDAYS, zone, at("2026-11-23T12:00:00+01:00")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:00", 0), ("18:15", 1095), ("24:00", 1440), ("24:01", None), ("7", None), ("aa:bb", None),
     ("12:60", None), ("", None), ("-1:00", None)],
)  # fmt: skip
def test_times_of_day_are_minutes_or_nothing(text, expected):
    assert minutes(text) == expected
