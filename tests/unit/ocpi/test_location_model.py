"""Locations, EVSEs, connectors: what is refused, what is found, what is kept."""

import copy
from decimal import Decimal

import pytest
from ocpi_types import v2_2_1 as theirs_of_2_2_1

from ocpi_hub.ocpi.primitives import ImageCategory
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1 import location_enums
from ocpi_hub.ocpi.v2_2_1.check import read, validate
from ocpi_hub.ocpi.v2_2_1.locations import (
    Connector,
    ConnectorPatch,
    Evse,
    EvsePatch,
    Location,
    LocationPatch,
    Status,
)

GONE = object()


def changed(value, path, new):
    """A copy in which the member at a dotted path is `new`, or gone."""
    value = copy.deepcopy(value)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = value
    for step in way:
        place = place[step]
    if new is GONE:
        del place[last]
    else:
        place[last] = new
    return value


def refused(model, value):
    with pytest.raises(InvalidParameter) as refusal:
        validate(model, value)
    assert (refusal.value.code, refusal.value.http) == (2001, 200)
    return refusal.value.message


@pytest.mark.obligation("LOC-083", "LOC-086", "LOC-094", "LOC-105", "LOC-109", "LOC-115", "LOC-117")
def test_a_location_with_every_field_has_no_findings(location):
    assert validate(Location, location) == ()


REQUIRED = {
    "country_code": "LOC-076",
    "party_id": "LOC-077",
    "id": "LOC-078",
    "publish": "LOC-079",
    "address": "LOC-080",
    "city": "LOC-080",
    "country": "LOC-080",
    "coordinates": "LOC-083",
    "coordinates.latitude": "LOC-107",
    "related_locations.0.longitude": "LOC-108",
    "time_zone": "LOC-085",
    "last_updated": "LOC-089",
    "evses.0.uid": "LOC-090",
    "evses.0.status": "LOC-093",
    "evses.0.connectors": "LOC-093",
    "evses.0.last_updated": "LOC-093",
    "evses.0.connectors.0.id": "LOC-098",
    "evses.0.connectors.0.standard": "LOC-099",
    "evses.0.connectors.0.format": "LOC-099",
    "evses.0.connectors.0.power_type": "LOC-099",
    "evses.0.connectors.0.max_voltage": "LOC-099",
    "evses.0.connectors.0.max_amperage": "LOC-099",
    "evses.0.connectors.0.last_updated": "LOC-099",
    "evses.0.status_schedule.0.period_begin": "LOC-127",
    "evses.0.status_schedule.0.status": "LOC-127",
    "evses.0.directions.0.text": "TYP-021",
    "operator.name": "LOC-109",
    "images.0.url": "LOC-123",
    "images.0.category": "LOC-123",
    "images.0.type": "LOC-123",
    "opening_times.twentyfourseven": "LOC-119",
    "opening_times.regular_hours.0.weekday": "LOC-122",
    "opening_times.exceptional_openings.0.period_end": "LOC-118",
    "energy_mix.is_green_energy": "LOC-115",
    "energy_mix.environ_impact.0.amount": "LOC-117",
}


@pytest.mark.obligation(
    "LOC-076", "LOC-077", "LOC-078", "LOC-079", "LOC-093", "LOC-099", "LOC-118", "LOC-127"
)
@pytest.mark.parametrize(("path", "rule"), REQUIRED.items(), ids=REQUIRED)
def test_each_required_field_is_named_with_its_rule_when_it_is_missing(location, path, rule):
    message = refused(Location, changed(location, path, GONE))
    assert message == f"{path}: required, but absent ({rule})"
    assert f"{path}: " in refused(Location, changed(location, path, None))


OPTIONAL = [
    "name", "postal_code", "state", "related_locations", "parking_type", "evses", "directions",
    "operator", "suboperator", "owner", "facilities", "opening_times", "charging_when_closed",
    "images", "energy_mix", "publish_allowed_to", "evses.0.evse_id", "evses.0.status_schedule",
    "evses.0.capabilities", "evses.0.floor_level", "evses.0.coordinates",
    "evses.0.physical_reference", "evses.0.directions", "evses.0.parking_restrictions",
    "evses.0.images", "evses.0.connectors.0.max_electric_power", "evses.0.connectors.0.tariff_ids",
    "evses.0.connectors.0.terms_and_conditions", "evses.0.status_schedule.0.period_end",
    "operator.website", "operator.logo", "images.0.thumbnail", "images.0.width",
    "related_locations.0.name", "opening_times.exceptional_closings", "energy_mix.energy_sources",
    "energy_mix.supplier_name",
]  # fmt: skip


@pytest.mark.obligation("TYP-016", "TYP-017", "MTYP-013", "LOC-084", "LOC-086", "LOC-094")
@pytest.mark.parametrize("path", OPTIONAL)
def test_optional_fields_may_be_absent_or_null(location, path):
    assert validate(Location, changed(location, path, GONE)) == ()
    assert validate(Location, changed(location, path, None)) == ()


def test_empty_lists_are_lists_but_not_where_one_is_needed(location):
    for path in ("evses", "images", "facilities", "evses.0.capabilities"):
        assert validate(Location, changed(location, path, [])) == ()
    assert (
        refused(Location, changed(location, "evses.0.connectors", []))
        == "evses.0.connectors: at least one entry is required (LOC-093)"
    )


REFUSED = [
    ("country_code", "NLD"), ("country_code", "N"), ("party_id", "CP12"), ("id", ""),
    ("id", "x" * 37), ("id", "é"), ("id", 1), ("publish", "true"), ("publish", 1),
    ("name", "x" * 256), ("address", "x" * 256), ("city", "x" * 46), ("postal_code", "x" * 11),
    ("state", "x" * 46), ("country", "NLDX"), ("time_zone", "x" * 256),
    ("coordinates", []), ("coordinates.latitude", Decimal("52.370216")),
    ("coordinates.latitude", "52.3702"), ("coordinates.latitude", "52.37021612"),
    ("coordinates.latitude", "52,370216"), ("coordinates.latitude", "152.370216"),
    ("coordinates.longitude", "4.8951"), ("coordinates.longitude", "+4.895168"),
    ("coordinates.longitude", "4.895168 "), ("evses", {}), ("evses", "x"), ("evses.0", None),
    ("evses.0.uid", "x" * 37), ("evses.0.evse_id", "x" * 49), ("evses.0.status", 1),
    ("evses.0.floor_level", "12345"), ("evses.0.physical_reference", "x" * 17),
    ("evses.0.physical_reference", 7), ("evses.0.last_updated", "2026-03-01T10:00:00+00:00"),
    ("evses.0.connectors.0.max_voltage", "230"), ("evses.0.connectors.0.max_voltage", True),
    ("evses.0.connectors.0.max_amperage", Decimal("16.5")),
    ("evses.0.connectors.0.tariff_ids", ["x" * 37]), ("evses.0.connectors.0.tariff_ids", "T-1"),
    ("evses.0.connectors.0.terms_and_conditions", "https://h/" + "x" * 250),
    ("operator.name", "x" * 101), ("images.0.type", "jpeg2"), ("images.0.width", 100_000),
    ("images.0.url", "https://h/" + "x" * 250), ("opening_times.twentyfourseven", "no"),
    ("opening_times.regular_hours.0.weekday", 0), ("opening_times.regular_hours.0.weekday", 8),
    ("opening_times.regular_hours.0.period_end", "24:00"),
    ("opening_times.regular_hours.0.period_begin", "7:00"),
    ("energy_mix.energy_sources.0.percentage", "60"), ("energy_mix.supplier_name", "x" * 65),
    ("last_updated", "2026-02-30T10:00:00Z"), ("last_updated", 0),
]  # fmt: skip


@pytest.mark.obligation(
    "LOC-076", "LOC-077", "LOC-078", "LOC-092", "LOC-105", "LOC-107", "LOC-123", "TYP-006"
)
@pytest.mark.parametrize(("path", "new"), REFUSED, ids=[f"{p}={n!r:.30}" for p, n in REFUSED])
def test_wrong_types_and_lengths_are_refused_at_their_path(location, path, new):
    assert refused(Location, changed(location, path, new)).startswith(path)


@pytest.mark.obligation("LOC-080")
def test_texts_may_be_as_long_as_the_text_says(location):
    for path, most in (("name", 255), ("address", 255), ("city", 45), ("postal_code", 10),
                       ("state", 45)):  # fmt: skip
        assert validate(Location, changed(location, path, "ü" * most)) == ()
        assert "(LOC-080)" in refused(Location, changed(location, path, "ü" * (most + 1)))


FOUND = [
    ("evses.0.status", "FOO", "LOC-126: evses.0.status: unknown value 'FOO'"),
    ("evses.0.status", "available", "LOC-126: evses.0.status: unknown value 'available'"),
    ("evses.0.capabilities.1", "FLY", "LOC-110: evses.0.capabilities.1: unknown value 'FLY'"),
    ("evses.0.connectors.0.standard", "iec_62196_t2",
     "LOC-114: evses.0.connectors.0.standard: unknown value 'iec_62196_t2'"),
    ("evses.0.connectors.0.format", "PLUG",
     "LOC-113: evses.0.connectors.0.format: unknown value 'PLUG'"),
    ("parking_type", "ROOF", "LOC-125: parking_type: unknown value 'ROOF'"),
    ("publish_allowed_to.0.type", "X", "LOC-073: publish_allowed_to.0.type: unknown value 'X'"),
    ("images.0.category", "CAT", "LOC-125: images.0.category: unknown value 'CAT'"),
    ("country", "BE", "LOC-082: country: no ISO 3166-1 alpha-3 code: 'BE'"),
    ("time_zone", "Central Time", "LOC-085: time_zone: no IANA time zone: 'Central Time'"),
    ("name", "a\tb", "TYP-004: name: control characters in 'a\\tb'"),
    ("directions.0.text", "<b>x</b>", "MTYP-007: directions.0.text: markup in '<b>x</b>'"),
    ("operator.website", "www.cp1.example",
     "TYP-014: operator.website: no absolute URL: 'www.cp1.example'"),
    ("opening_times.regular_hours.0.period_end", "08:00",
     "LOC-122: opening_times.regular_hours.0.period_end: not later than period_begin"),
    ("energy_mix.energy_sources.0.percentage", 60,
     "LOC-116: energy_mix.energy_sources: percentages do not add up to 100"),
    ("evses.0.last_updated", "2026-03-01T10:00:00.001Z",
     "LOC-089: evses.0.last_updated: later than the Location's"),
    ("evses.0.connectors.0.last_updated", "2026-03-01T10:00:00.001Z",
     "LOC-089: evses.0.connectors: later than the EVSE's last_updated"),
]  # fmt: skip


# A value that an enumeration does not know, or knows in another case, is kept and noted: never a
# reason to lose an object.
@pytest.mark.obligation(
    "LOC-082", "LOC-085", "LOC-089", "LOC-110", "LOC-113", "LOC-114", "LOC-116", "LOC-125",
    "LOC-126", "MTYP-004",
)  # fmt: skip
@pytest.mark.parametrize(("path", "new", "finding"), FOUND, ids=[f"{p}={n!r}" for p, n, _ in FOUND])
def test_what_may_pass_leaves_a_finding(location, path, new, finding):
    assert validate(Location, changed(location, path, new)) == (finding,)


def test_findings_of_one_field_do_not_hide_the_refusal_of_another(location):
    odd = changed(location, "evses.0.status", "FOO")
    assert "publish_allowed_to" in refused(Location, changed(odd, "publish", True))
    assert refused(Location, changed(odd, "evses.0.connectors", [])).startswith("evses.0.conn")


def test_many_refusals_are_told_three_at_a_time():
    message = refused(Location, {})
    assert message.count("required, but absent") == 3
    assert message.endswith("; and 7 more")


@pytest.mark.parametrize("value", [None, [], "x", 1, True, Decimal(1)])
def test_what_is_no_object_is_refused(value):
    assert refused(Location, value).startswith("body: an object is expected")


@pytest.mark.obligation("LOC-066")
def test_a_published_location_cannot_be_limited_to_tokens(location):
    assert refused(Location, changed(location, "publish", True)) == (
        "publish_allowed_to: only when publish is false (LOC-066)"
    )
    open_to_all = changed(location, "publish_allowed_to", [])
    assert validate(Location, changed(open_to_all, "publish", True)) == ()


@pytest.mark.obligation("LOC-070", "LOC-071", "LOC-072", "LOC-073")
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({}, "uid: one of uid, visual_number and group_id is required (LOC-070)"),
        ({"issuer": "x"}, "uid: one of uid, visual_number and group_id is required (LOC-070)"),
        ({"uid": "1"}, "type: required beside uid (LOC-071)"),
        ({"visual_number": "1"}, "issuer: required beside visual_number (LOC-072)"),
        ({"group_id": "x" * 37}, "group_id: String should have at most 36 characters (LOC-073)"),
        ({"visual_number": "x" * 65, "issuer": "x"},
         "visual_number: String should have at most 64 characters (LOC-073)"),
    ],
)  # fmt: skip
def test_an_entry_of_publish_allowed_to_names_a_token(location, entry, told):
    message = refused(Location, changed(location, "publish_allowed_to.0", entry))
    assert message == f"publish_allowed_to.0.{told}"
    for fine in ({"uid": "1", "type": "RFID"}, {"group_id": "g"},
                 {"visual_number": "1", "issuer": "x", "uid": None}):  # fmt: skip
        assert validate(Location, changed(location, "publish_allowed_to.0", fine)) == ()


@pytest.mark.obligation("LOC-122")
def test_regular_hours_are_of_one_weekday_and_end_later_than_they_begin(location):
    place = "opening_times.regular_hours.0"
    for wrong in (("weekday", 0), ("weekday", 8), ("weekday", "1"), ("period_end", "24:00"),
                  ("period_begin", "7:00"), ("period_begin", "07:60")):  # fmt: skip
        path = f"{place}.{wrong[0]}"
        assert refused(Location, changed(location, path, wrong[1])).startswith(path)
    begin = location["opening_times"]["regular_hours"][0]["period_begin"]
    for end in (begin, "00:00"):
        assert validate(Location, changed(location, f"{place}.period_end", end)) == (
            f"LOC-122: {place}.period_end: not later than period_begin",
        )
    for weekday in range(1, 8):
        assert validate(Location, changed(location, f"{place}.weekday", weekday)) == ()


@pytest.mark.obligation("LOC-121")
@pytest.mark.parametrize(
    ("opening", "closing", "told"),
    [
        ((8, 12), (12, 14), False),
        ((8, 12), (6, 8), False),
        ((8, 12), (11, 14), True),
        ((8, 12), (9, 10), True),
        ((9, 10), (8, 12), True),
    ],
)
def test_an_exceptional_closing_does_not_lie_in_an_exceptional_opening(
    location, opening, closing, told
):
    def day(begin, end):
        hours = {"period_begin": f"2026-12-24T{begin:02}:00:00Z"}
        return [hours | {"period_end": f"2026-12-24T{end:02}:00:00Z"}]

    hours = {
        "twentyfourseven": True,
        "exceptional_openings": day(*opening),
        "exceptional_closings": day(*closing),
    }
    expected = "LOC-121: opening_times.exceptional_closings.0: while exceptionally open"
    assert validate(Location, changed(location, "opening_times", hours)) == (
        (expected,) if told else ()
    )


@pytest.mark.obligation("LOC-108")
def test_an_additional_place_is_a_point_with_a_name(location):
    place = "related_locations.0"
    for path, wrong in (("latitude", "52.3702"), ("latitude", "52.37021612"),
                        ("longitude", "4,895168"), ("longitude", Decimal("4.895168")),
                        ("latitude", None), ("name", "by the canal"),
                        ("name", {"language": "nl"})):  # fmt: skip
        message = refused(Location, changed(location, f"{place}.{path}", wrong))
        assert message.startswith(f"{place}.{path}")
    name = {"language": "nl", "text": "Ingang"}
    assert validate(Location, changed(location, f"{place}.name", name)) == ()


@pytest.mark.obligation("LOC-119")
def test_opening_times_are_always_or_by_weekday(location):
    hours = location["opening_times"]["regular_hours"]
    for fine in ({"twentyfourseven": True}, {"twentyfourseven": False, "regular_hours": hours}):
        assert validate(Location, changed(location, "opening_times", fine)) == ()
    for broken in ({"twentyfourseven": True, "regular_hours": hours}, {"twentyfourseven": False},
                   {"twentyfourseven": False, "regular_hours": []}):  # fmt: skip
        message = refused(Location, changed(location, "opening_times", broken))
        assert message.startswith("opening_times.regular_hours: ")
        assert message.endswith("(LOC-119)")


@pytest.mark.obligation("LOC-131", "TYP-020")
def test_unknown_members_are_kept_and_names_are_exact(connector):
    found, findings = read(Connector, connector | {"x_extra": {"a": [Decimal("1.50")]}, "Id": 1})
    assert findings == ()
    assert found.model_extra == {"x_extra": {"a": [Decimal("1.50")]}, "Id": 1}
    without = {name: value for name, value in connector.items() if name != "id"}
    assert "id: required" in refused(Connector, without | {"Id": "1"})


def test_known_values_become_members_and_unknown_ones_stay(evse):
    assert read(Evse, evse)[0].status is Status.AVAILABLE
    odd = read(Evse, evse | {"status": "FOO"})[0].status
    assert odd == "FOO"
    assert not isinstance(odd, Status)


def test_a_model_without_judging_takes_unknown_values(evse):
    assert Evse.model_validate(evse | {"status": "FOO"}).status == "FOO"


def test_an_integer_written_with_a_point_is_an_integer(connector):
    found, _ = read(Connector, connector | {"max_voltage": Decimal("230.0")})
    assert found.max_voltage == 230


def test_dumped_times_are_in_the_form_of_the_text(connector):
    assert read(Connector, connector)[0].model_dump()["last_updated"] == connector["last_updated"]


@pytest.mark.obligation("LOC-098")
def test_two_evses_may_have_connectors_of_the_same_id(location, evse):
    two = changed(location, "evses", [evse, changed(evse, "uid", "E-2")])
    assert validate(Location, two) == ()


@pytest.mark.obligation("LOC-092", "LOC-129")
def test_a_removed_evse_needs_no_evse_id(evse):
    assert validate(Evse, changed(evse, "evse_id", GONE) | {"status": "REMOVED"}) == ()


@pytest.mark.parametrize("model", [LocationPatch, EvsePatch, ConnectorPatch])
def test_a_patch_needs_last_updated_and_nothing_else(model):
    assert validate(model, {"last_updated": "2026-03-01T10:00:00Z"}) == ()
    assert refused(model, {}) == "last_updated: required, but absent (TR-039)"
    assert "TR-039" in refused(model, {"last_updated": None})


def test_a_patch_may_hold_nulls_and_any_member_of_its_object(location, evse, connector):
    whole = {LocationPatch: location, EvsePatch: evse, ConnectorPatch: connector}
    for model, value in whole.items():
        assert validate(model, value) == ()
        nulls = dict.fromkeys(value) | {"last_updated": value["last_updated"], "x_extra": None}
        assert validate(model, nulls) == ()


def test_a_patch_is_held_to_the_types_of_its_object():
    at = {"last_updated": "2026-03-01T10:00:00Z"}
    assert validate(EvsePatch, at | {"status": "FOO"}) == ("LOC-126: status: unknown value 'FOO'",)
    assert refused(EvsePatch, at | {"connectors": []}).startswith("connectors: at least one")
    assert refused(EvsePatch, at | {"connectors": [{}]}).endswith("more")
    assert refused(ConnectorPatch, at | {"max_voltage": "1"}).endswith("(LOC-099)")


@pytest.mark.obligation("LOC-110", "LOC-113", "LOC-114", "LOC-125", "LOC-126")
@pytest.mark.parametrize(
    ("enumeration", "count"),
    [(location_enums.Capability, 13), (location_enums.ConnectorFormat, 2),
     (location_enums.PowerType, 5), (location_enums.ConnectorType, 40),
     (location_enums.EnergySourceCategory, 8), (location_enums.EnvironmentalImpactCategory, 2),
     (location_enums.Facility, 20), (location_enums.ParkingRestriction, 5),
     (location_enums.ParkingType, 6), (location_enums.Status, 9), (location_enums.TokenType, 4),
     (ImageCategory, 7)],
)  # fmt: skip
def test_enumerations_have_all_values_of_the_text(enumeration, count):
    """As others read the text, too."""
    theirs = {each.value for each in getattr(theirs_of_2_2_1, enumeration.__name__)}
    assert (len(theirs), set(enumeration)) == (count, theirs)


@pytest.mark.obligation("LOC-113", "LOC-114")
def test_values_are_written_as_in_the_text_which_is_not_always_in_capitals():
    assert set(location_enums.ConnectorFormat) == {"SOCKET", "CABLE"}
    phases = {"AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"}
    assert set(location_enums.PowerType) == phases
    assert {each for each in location_enums.ConnectorType if not each.isupper()} == {
        "IEC_60309_2_single_16",
        "IEC_60309_2_three_16",
        "IEC_60309_2_three_32",
        "IEC_60309_2_three_64",
    }


def test_a_list_is_refused_at_its_first_broken_entry(location, evse):
    two = changed(location, "evses", [evse, changed(evse, "uid", 1), changed(evse, "uid", 2)])
    assert refused(Location, two) == "evses.1.uid: a string is expected (LOC-090)"


def test_every_entry_of_a_list_is_looked_at_for_findings(location, evse):
    odd = [changed(evse, "status", "FOO"), evse, changed(evse, "capabilities", ["A", "B"])]
    assert validate(Location, changed(location, "evses", odd)) == (
        "LOC-126: evses.0.status: unknown value 'FOO'",
        "LOC-110: evses.2.capabilities.0: unknown value 'A'",
        "LOC-110: evses.2.capabilities.1: unknown value 'B'",
    )


def test_at_most_twenty_findings_and_ten_thousand_entries():
    at = {"last_updated": "2026-03-01T10:00:00Z"}
    assert len(validate(EvsePatch, at | {"capabilities": ["FLY"] * 10_000})) == 20
    assert "more than 10,000" in refused(EvsePatch, at | {"capabilities": ["FLY"] * 10_001})
    assert "more than 10,000" in refused(EvsePatch, at | {"connectors": [{}] * 10_001})
