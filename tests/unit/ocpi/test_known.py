"""Leaving out what a model does not know."""

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.known import known_only
from ocpi_hub.ocpi.v2_2_1.locations import EvsePatch, Location
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from tests.build import a_location, a_tariff, an_evse, as_bytes


def test_unknown_members_go_at_any_depth_and_all_else_stays_in_its_order() -> None:
    whole = a_location()
    whole["evses"][1]["connectors"][0] |= {"x_cable_m": 5}
    whole["evses"][0] |= {"x_vendor": {"a": [1, 2]}}
    odd = whole | {"x_extra": None, "opening_times": {"twentyfourseven": True, "x": 1}}
    told = codec.decode(known_only(Location, as_bytes(odd)))
    assert told == a_location()
    assert list(told) == [name for name in odd if name != "x_extra"]


def test_unknown_values_of_known_members_stay() -> None:
    location = a_location() | {"parking_type": "MOON", "evses": [an_evse(status="DREAMING")]}
    assert codec.decode(known_only(Location, as_bytes(location | {"x": 1}))) == location


def test_where_all_is_known_the_bytes_stay_as_they_came() -> None:
    body = b'{ "status":"CHARGING" ,"last_updated":"2026-01-01T00:00:00Z"}'
    assert known_only(EvsePatch, body) == body
    odd = b'{"status":"CHARGING","x":{"y":1},"last_updated":"2026-01-01T00:00:00Z"}'
    assert known_only(EvsePatch, odd) == (
        b'{"status":"CHARGING","last_updated":"2026-01-01T00:00:00Z"}'
    )


def test_numbers_keep_every_digit() -> None:
    body = as_bytes(a_tariff()).replace(b"0.45", b"0.450000000000000000001")
    odd = body[:-1] + b',"x":1}'
    assert b"0.450000000000000000001" in known_only(Tariff, odd)


def test_what_is_no_object_where_one_should_be_is_left_alone() -> None:
    assert (
        known_only(Location, b'{"evses":7,"images":[1,null]}') == b'{"evses":7,"images":[1,null]}'
    )
