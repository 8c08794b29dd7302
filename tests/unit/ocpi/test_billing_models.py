"""Tariffs, sessions and CDRs: what is refused, what is found, what is kept."""

from decimal import Decimal

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.spec import match
from ocpi_hub.ocpi.status import MethodNotAllowed
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.ocpi.v2_2_1.cdr_enums import AuthMethod, CdrDimensionType
from ocpi_hub.ocpi.v2_2_1.cdrs import Cdr
from ocpi_hub.ocpi.v2_2_1.check import read, validate
from ocpi_hub.ocpi.v2_2_1.session_enums import (
    ChargingPreferencesResponse,
    ProfileType,
    SessionStatus,
)
from ocpi_hub.ocpi.v2_2_1.sessions import ChargingPreferences, Session, SessionPatch
from ocpi_hub.ocpi.v2_2_1.tariff_enums import (
    DayOfWeek,
    ReservationRestrictionType,
    TariffDimensionType,
    TariffType,
)
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from tests.ocpi_objects import (
    AT,
    CDR,
    CREDIT,
    PREFERENCES,
    SESSION,
    TARIFF,
    case,
    changed,
    price,
    refused,
    without,
)


@pytest.mark.obligation("TAR-026", "TAR-034", "SES-055", "CDR-049", "CDR-054", "CDR-074")
@pytest.mark.parametrize(
    ("model", "value"),
    [
        (Tariff, TARIFF),
        (Session, SESSION),
        (SessionPatch, SESSION),
        (ChargingPreferences, PREFERENCES),
        (Cdr, CDR),
        (Cdr, CREDIT),
    ],
)
def test_an_object_with_every_field_has_no_findings_and_loses_nothing(model, value):
    found, findings = read(model, value | {"x_extra": {"a": [Decimal("1.50")]}})
    assert findings == ()
    assert found.model_extra == {"x_extra": {"a": [Decimal("1.50")]}}


REQUIRED = [
    *(case(Tariff, TARIFF, path, "TAR-021", proves="TAR-021")
      for path in ("country_code", "party_id", "id", "currency", "last_updated")),
    case(Tariff, TARIFF, "elements", "TAR-022", proves="TAR-022"),
    case(Tariff, TARIFF, "elements.0.price_components", "TAR-022", proves="TAR-022"),
    *(case(Tariff, TARIFF, f"elements.0.price_components.0.{name}", "TAR-042", proves="TAR-042")
      for name in ("type", "price", "step_size")),
    case(Tariff, TARIFF, "min_price.excl_vat", "MTYP-010", proves="MTYP-010"),
    *(case(Session, SESSION, path, "SES-046", proves="SES-046")
      for path in ("country_code", "party_id", "id")),
    case(Session, SESSION, "start_date_time", "SES-047"),
    *(case(Session, SESSION, path, "SES-048", proves="SES-048")
      for path in ("kwh", "cdr_token", "auth_method", "currency", "status", "last_updated")),
    *(case(Session, SESSION, path, "SES-051") for path in
      ("location_id", "evse_uid", "connector_id")),
    *(case(Session, SESSION, f"cdr_token.{name}", "CDR-072", proves="CDR-072")
      for name in ("country_code", "party_id", "uid", "type", "contract_id")),
    case(SessionPatch, SESSION, "last_updated", "TR-039"),
    case(ChargingPreferences, PREFERENCES, "profile_type", "SES-019", proves="SES-019"),
    *(case(Cdr, CDR, path, "CDR-038", proves="CDR-038")
      for path in ("country_code", "party_id", "id")),
    *(case(Cdr, CDR, path, "CDR-040", proves="CDR-040")
      for path in ("start_date_time", "end_date_time")),
    *(case(Cdr, CDR, path, "CDR-043", proves="CDR-043")
      for path in ("cdr_token", "auth_method", "cdr_location", "currency", "total_cost",
                   "total_energy", "total_time", "last_updated")),
    case(Cdr, CDR, "charging_periods", "CDR-046", proves="CDR-046"),
    case(Cdr, CDR, "charging_periods.0.dimensions", "CDR-046", proves="CDR-046"),
    case(Cdr, CDR, "charging_periods.0.start_date_time", "CDR-064", proves="CDR-064"),
    *(case(Cdr, CDR, f"charging_periods.0.dimensions.0.{name}", "CDR-058", proves="CDR-058")
      for name in ("type", "volume")),
    *(case(Cdr, CDR, f"cdr_location.{name}", "CDR-067", proves="CDR-067")
      for name in ("id", "address", "city", "country", "coordinates", "evse_uid", "connector_id",
                   "connector_standard", "connector_format", "connector_power_type")),
    case(Cdr, CDR, "cdr_location.evse_id", "CDR-069", proves="CDR-067"),
    *(case(Cdr, CDR, f"signed_data.{name}", "CDR-073", proves="CDR-073")
      for name in ("encoding_method", "signed_values")),
    *(case(Cdr, CDR, f"signed_data.signed_values.1.{name}", "CDR-074", proves="CDR-074")
      for name in ("nature", "plain_data", "signed_data")),
    case(Cdr, CDR, "total_cost.excl_vat", "MTYP-010"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "rule"), REQUIRED)
def test_each_required_field_is_named_with_its_rule_when_it_is_missing(model, value, path, rule):
    assert refused(model, without(value, path)) == f"{path}: required, but absent ({rule})"
    assert f"{path}: " in refused(model, changed(value, path, None))


OPTIONAL = [
    *(case(Tariff, TARIFF, path) for path in ("min_price", "max_price", "tariff_alt_text")),
    case(Tariff, TARIFF, "type", proves="TAR-023"),
    case(Tariff, TARIFF, "tariff_alt_url", proves="TAR-026"),
    case(Tariff, TARIFF, "start_date_time", proves="TAR-031"),
    case(Tariff, TARIFF, "end_date_time", proves="TAR-031"),
    case(Tariff, TARIFF, "energy_mix", proves="TAR-034"),
    case(Tariff, TARIFF, "elements.0.restrictions.day_of_week"),
    case(Tariff, TARIFF, "elements.0.price_components.0.vat", proves="TAR-042"),
    case(Tariff, TARIFF, "min_price.incl_vat", proves="MTYP-010"),
    *(case(Session, SESSION, path, proves="SES-048") for path in ("end_date_time",)),
    *(case(Session, SESSION, path, proves="SES-052")
      for path in ("meter_id", "charging_periods", "total_cost")),
    case(Session, SESSION, "authorization_reference"),
    *(case(ChargingPreferences, PREFERENCES, path, proves="SES-019")
      for path in ("departure_time", "energy_need", "discharge_allowed")),
    *(case(Cdr, CDR, path, proves="CDR-049")
      for path in ("meter_id", "signed_data", "total_parking_time", "remark",
                   "invoice_reference_id", "credit", "credit_reference_id",
                   "home_charging_compensation")),
    *(case(Cdr, CDR, path) for path in ("session_id", "authorization_reference")),
    case(Cdr, CDR, "charging_periods.0.tariff_id", proves="CDR-065"),
    *(case(Cdr, CDR, f"cdr_location.{name}", proves="CDR-067")
      for name in ("name", "postal_code", "state")),
    *(case(Cdr, CDR, f"signed_data.{name}", proves="CDR-073")
      for name in ("encoding_method_version", "public_key", "url")),
    case(Cdr, CDR, "total_cost.incl_vat", proves="CDR-077"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path"), OPTIONAL)
def test_optional_fields_may_be_absent_or_null(model, value, path):
    assert validate(model, without(value, path)) == ()
    assert validate(model, changed(value, path, None)) == ()


# Money without its parts: nothing to add up, nothing to find.
COSTS = ("total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost",
         "total_reservation_cost")  # fmt: skip


@pytest.mark.obligation("CDR-049")
def test_the_parts_of_the_total_cost_may_all_be_absent():
    bare = {name: value for name, value in CDR.items() if name not in COSTS}
    assert validate(Cdr, bare) == ()
    for name in COSTS:
        assert refused(Cdr, CDR | {name: 1}).startswith(f"{name}: an object is expected")


REFUSED = [
    case(Tariff, TARIFF, "elements", [], proves="TAR-022"),
    case(Tariff, TARIFF, "elements.0.price_components", [], proves="TAR-022"),
    case(Tariff, TARIFF, "elements.0.price_components.0.price", "0.25", proves="TAR-042 MTYP-008"),
    case(Tariff, TARIFF, "elements.0.price_components.0.step_size", Decimal("1.5")),
    case(Tariff, TARIFF, "elements.0.price_components.0.step_size", -1),
    case(Tariff, TARIFF, "elements.0.restrictions.min_duration", Decimal("0.5")),
    case(Tariff, TARIFF, "tariff_alt_url", "https://x/" + "a" * 246, proves="TAR-026"),
    case(Tariff, TARIFF, "tariff_alt_text.0.text", 1, proves="TAR-026"),
    case(Tariff, TARIFF, "country_code", "NLD", proves="TAR-021"),
    case(Tariff, TARIFF, "party_id", "CP12", proves="TAR-021"),
    case(Tariff, TARIFF, "id", "x" * 37, proves="TAR-021"),
    case(Tariff, TARIFF, "currency", "EURO", proves="TAR-021"),
    case(Tariff, TARIFF, "energy_mix", "green", proves="TAR-034"),
    case(Session, SESSION, "id", "x" * 37, proves="SES-046"),
    case(Session, SESSION, "party_id", "CP12", proves="SES-046"),
    case(Session, SESSION, "kwh", "41", proves="SES-048"),
    case(Session, SESSION, "currency", "EURO", proves="SES-048"),
    case(Session, SESSION, "authorization_reference", "x" * 37),
    case(Session, SESSION, "location_id", "x" * 37),
    case(Session, SESSION, "meter_id", "x" * 256, proves="SES-052"),
    case(Session, SESSION, "total_cost", 8, proves="SES-052"),
    case(Session, SESSION, "last_updated", "yesterday", proves="SES-048"),
    case(SessionPatch, SESSION, "kwh", "41"),
    case(ChargingPreferences, PREFERENCES, "energy_need", "12", proves="SES-019"),
    case(ChargingPreferences, PREFERENCES, "discharge_allowed", "yes", proves="SES-019"),
    case(Cdr, CDR, "charging_periods", [], proves="CDR-046"),
    case(Cdr, CDR, "charging_periods.1.dimensions", [], proves="CDR-046"),
    case(Cdr, CDR, "charging_periods.0.tariff_id", "x" * 37, proves="CDR-065"),
    case(Cdr, CDR, "charging_periods.0.dimensions.0.volume", "20", proves="CDR-058"),
    case(Cdr, CDR, "tariffs.0", "T-1", proves="CDR-047"),
    case(Cdr, CDR, "id", "x" * 37, proves="CDR-039"),
    case(Cdr, CREDIT, "id", "x" * 40, proves="CDR-038"),
    case(Cdr, CREDIT, "id", "X" * 37, proves="CDR-007"),
    case(Cdr, CDR, "remark", "x" * 256, proves="CDR-049"),
    case(Cdr, CDR, "invoice_reference_id", "x" * 40, proves="CDR-049"),
    case(Cdr, CDR, "total_cost", 10, proves="CDR-050"),
    case(Cdr, CDR, "cdr_location.evse_id", "x" * 49, proves="CDR-067"),
    case(Cdr, CDR, "cdr_location.city", "x" * 46, proves="CDR-067"),
    case(Cdr, CDR, "cdr_location.postal_code", "x" * 11, proves="CDR-067"),
    case(Cdr, CDR, "cdr_token.uid", "x" * 37, proves="CDR-072"),
    case(Cdr, CDR, "signed_data.encoding_method", "x" * 37, proves="CDR-073"),
    case(Cdr, CDR, "signed_data.encoding_method_version", "1", proves="CDR-073"),
    case(Cdr, CDR, "signed_data.public_key", "x" * 513, proves="CDR-073"),
    case(Cdr, CDR, "signed_data.url", "x" * 513, proves="CDR-073"),
    case(Cdr, CDR, "signed_data.signed_values", [], proves="CDR-073"),
    case(Cdr, CDR, "signed_data.signed_values.0.nature", "x" * 33, proves="CDR-074"),
    case(Cdr, CDR, "signed_data.signed_values.0.plain_data", "x" * 5001, proves="CDR-074"),
    case(Cdr, CDR, "signed_data.signed_values.0.signed_data", "x" * 5001, proves="CDR-074"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new"), [
    pytest.param(*row.values, marks=row.marks, id=f"{row.id}={row.values[3]!r:.20}")
    for row in REFUSED
])  # fmt: skip
def test_wrong_types_lengths_and_values_are_refused_at_their_path(model, value, path, new):
    assert refused(model, changed(value, path, new)).startswith(path)


@pytest.mark.obligation("CDR-008")
def test_a_credit_names_the_cdr_that_it_credits():
    for none in (None, ""):
        assert refused(Cdr, CREDIT | {"credit_reference_id": none}) == (
            "credit_reference_id: required beside credit (CDR-008)"
        )
    assert validate(Cdr, CREDIT | {"id": "C-1-C", "credit_reference_id": "C-1"}) == ()


FOUND = [
    case(Tariff, TARIFF, "type", "NIGHT", "TAR-024: type: unknown value 'NIGHT'", proves="TAR-024"),
    case(Tariff, TARIFF, "currency", "eur", "TAR-021: currency: no ISO 4217 code: 'eur'"),
    case(Tariff, TARIFF, "elements.0.restrictions.day_of_week.1", "friday",
         "TAR-059: elements.0.restrictions.day_of_week.1: unknown value 'friday'"),
    case(Tariff, TARIFF, "elements.1.restrictions.reservation", "NOW",
         "TAR-061: elements.1.restrictions.reservation: unknown value 'NOW'"),
    case(Tariff, TARIFF, "elements.0.price_components.0.type", "PARKING",
         "TAR-049: elements.0.price_components.0.type: unknown value 'PARKING'", proves="TAR-049"),
    case(Tariff, TARIFF, "elements.0.restrictions.end_time", "24:00",
         "TAR-053: elements.0.restrictions.end_time: no time of day HH:MM: '24:00'"),
    case(Tariff, TARIFF, "elements.0.restrictions.end_date", "1-1-2027",
         "TAR-054: elements.0.restrictions.end_date: no date: '1-1-2027'"),
    case(Tariff, TARIFF, "end_date_time", AT,
         "TAR-031: end_date_time: not later than start_date_time", proves="TAR-031"),
    case(Tariff, TARIFF, "elements.1.price_components.0.type", "ENERGY",
         "TAR-062: elements.1.price_components: a reservation costs FLAT or TIME only",
         proves="TAR-061 TAR-062"),
    case(Tariff, TARIFF, "elements.1.price_components.0.type", "TIME",
         "TAR-069: elements.1.price_components: a dimension is priced twice", proves="TAR-069"),
    case(Tariff, TARIFF, "elements.2.restrictions", {"max_kwh": 5},
         "TAR-038: elements: ENERGY is priced under restrictions only", proves="TAR-038"),
    case(Session, SESSION, "status", "RESERVED", "SES-042: status: unknown value 'RESERVED'",
         proves="SES-038 SES-042"),
    case(Session, SESSION, "auth_method", "RFID", "CDR-057: auth_method: unknown value 'RFID'",
         proves="CDR-057"),
    case(Session, SESSION, "evse_uid", "#NA", "SES-051: evse_uid: #NA, but this is no reservation",
         proves="SES-051"),
    case(Session, SESSION, "connector_id", "#NA",
         "SES-051: connector_id: #NA, but this is no reservation", proves="SES-051"),
    case(Session, SESSION, "location_id", "#NA",
         "MTYP-014: location_id: #NA, but every session has one"),
    case(Session, SESSION, "charging_periods.0.dimensions.0.volume", 41_120,
         "SES-056: charging_periods: ENERGY is far more than kwh; is it in Wh?", proves="SES-056"),
    case(ChargingPreferences, PREFERENCES, "profile_type", "SLOW",
         "SES-021: profile_type: unknown value 'SLOW'", proves="SES-021"),
    case(Cdr, CDR, "credit_reference_id", "C-0",
         "CDR-056: credit_reference_id: set, but credit is not", proves="CDR-056"),
    case(Cdr, CDR, "total_cost", price("-10"),
         "CDR-010: total_cost: negative, but this is no credit", proves="CDR-010"),
    case(Cdr, CDR, "start_date_time", "1970-01-01T00:00:00Z",
         "CDR-041: start_date_time: 1970 stands for an unknown time", proves="CDR-041"),
    case(Cdr, CDR, "total_time", Decimal("1.9"),
         "CDR-052: total_time: not the hours from start to end", proves="CDR-052"),
    case(Cdr, CDR, "total_parking_time", 3,
         "CDR-053: total_parking_time: longer than total_time"),
    case(Cdr, CDR, "cdr_location.evse_uid", "#NA",
         "CDR-069: cdr_location: #NA, but energy was charged", proves="CDR-069"),
    case(Cdr, CDR, "cdr_location.address", "ü" * 60,
         f"CDR-068: cdr_location.address: not within 45 characters: '{'ü' * 40}'",
         proves="CDR-068"),
    case(Cdr, CDR, "cdr_location.state", "s" * 21,
         f"CDR-068: cdr_location.state: not within 20 characters: '{'s' * 21}'", proves="CDR-068"),
    case(Cdr, CDR, "charging_periods.0.dimensions.0.type", "FLAT",
         "CDR-059: charging_periods.0.dimensions.0.type: unknown value 'FLAT'", proves="CDR-059"),
    case(Cdr, CDR, "charging_periods.0.dimensions.1.type", "POWER",
         "CDR-059: charging_periods.0.dimensions: one is for Sessions only", proves="CDR-059"),
    case(Cdr, CDR, "charging_periods.0.dimensions.1.volume", -1,
         "CDR-061: charging_periods.0.dimensions.1.volume: TIME cannot be negative"),
    case(Session, SESSION, "charging_periods.0.dimensions.2.volume", 101,
         "CDR-060: charging_periods.0.dimensions.2.volume: STATE_OF_CHARGE is a percentage",
         proves="CDR-060"),
    case(Cdr, CDR, "charging_periods.0.dimensions.0.volume", 20_000,
         "CDR-060: charging_periods: ENERGY is far more than total_energy; in Wh?",
         proves="CDR-060"),
    case(Cdr, CDR, "charging_periods.0.start_date_time", "2026-03-01T09:59:59Z",
         "CDR-066: charging_periods: not in the order of time", proves="CDR-066"),
    case(Cdr, CDR, "charging_periods.1.start_date_time", "2026-03-01T09:30:00Z",
         "CDR-066: charging_periods: not in the order of time", proves="CDR-066"),
    case(Cdr, CDR, "charging_periods.1.tariff_id", "T-2",
         "CDR-047: charging_periods.1.tariff_id: not among tariffs", proves="CDR-047"),
    case(Cdr, CDR, "tariffs.0.currency", "DKK", "CDR-076: currency: not that of tariffs",
         proves="CDR-076"),
    case(Cdr, CDR, "total_cost", price("11"), "CDR-050: total_cost: not the sum of the costs",
         proves="CDR-050"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new", "finding"), FOUND)
def test_what_may_pass_leaves_a_finding(model, value, path, new, finding):
    assert validate(model, changed(value, path, new)) == (finding,)


FINE = [
    case(Tariff, TARIFF, "elements.0.restrictions.day_of_week", []),
    case(Tariff, TARIFF, "elements.0.price_components.0.step_size", 0, proves="TAR-040"),
    case(Session, SESSION | {"status": "RESERVATION"}, "evse_uid", "#NA",
         proves="SES-051 SES-038"),
    case(Session, SESSION | {"status": "RESERVATION"}, "connector_id", "#NA",
         proves="SES-051"),
    *(case(Session, SESSION | {"charging_periods": []} | {"status": status}, "kwh", Decimal("0.0"),
           proves="SES-057") for status in SessionStatus),
    case(SessionPatch, {"last_updated": AT}, "auth_method", "WHITELIST", proves="SES-049"),
    case(Cdr, CDR, "charging_periods.0.dimensions.0.volume", -20, proves="CDR-061"),
    *(case(Cdr, CDR, "charging_periods.0.dimensions.0", {"type": name, "volume": -20},
           proves="CDR-061") for name in ("MIN_CURRENT", "MIN_POWER")),
    case(Session, SESSION, "charging_periods.0.dimensions.1.volume", -16, proves="CDR-061"),
    case(Cdr, CDR | {"total_cost": price("11")}, "tariffs.0.min_price", price("11"),
         proves="CDR-050"),
    case(Cdr, CDR, "id", "x" * 36, proves="CDR-039"),
    case(Cdr, CDR, "signed_data.signed_values.0.nature", "Never heard of", proves="CDR-074"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new"), [
    pytest.param(*row.values, marks=row.marks, id=f"{row.id}={row.values[3]!r:.20}") for row in FINE
])  # fmt: skip
def test_what_the_text_allows_leaves_none(model, value, path, new):
    assert validate(model, changed(value, path, new)) == ()


@pytest.mark.obligation("CDR-008", "CDR-010", "CDR-039")
def test_a_credit_may_be_negative_and_have_a_longer_id():
    assert validate(Cdr, CREDIT) == ()
    assert len(CREDIT["id"]) == 39


@pytest.mark.obligation("CDR-038")
def test_two_operators_may_have_cdrs_of_the_same_id():
    ours, theirs = read(Cdr, CDR)[0], read(Cdr, CDR | {"party_id": "CP2"})[0]
    assert (ours.id, ours.party_id) != (theirs.id, theirs.party_id)
    assert ours.id == theirs.id


@pytest.mark.obligation("CDR-055")
def test_several_cdrs_may_name_one_invoice():
    assert {read(Cdr, CDR | {"id": id_})[0].invoice_reference_id for id_ in "AB"} == {"I-1"}


@pytest.mark.obligation("CDR-069")
def test_a_reservation_that_never_became_a_session_needs_no_evse():
    time = {"start_date_time": AT, "dimensions": [{"type": "RESERVATION_TIME", "volume": 2}]}
    unused = CDR | {"total_energy": 0, "total_time": 0, "total_parking_time": 0}
    unused |= {"session_id": None, "charging_periods": [time]}
    for name in ("evse_uid", "evse_id", "connector_id"):
        unused = changed(unused, f"cdr_location.{name}", "#NA")
    assert validate(Cdr, unused) == ()


@pytest.mark.obligation("CDR-052")
def test_a_reservation_before_the_session_is_not_in_its_total_time():
    earlier = CDR | {"start_date_time": "2026-03-01T09:00:00Z"}
    assert validate(Cdr, earlier) == ("CDR-052: total_time: not the hours from start to end",)
    reserved = {
        "start_date_time": "2026-03-01T09:00:00Z",
        "dimensions": [{"type": "RESERVATION_TIME", "volume": 1}],
    }
    earlier["charging_periods"] = [reserved, *CDR["charging_periods"]]
    assert validate(Cdr, earlier) == ()


@pytest.mark.obligation("TAR-044", "TAR-045")
def test_no_vat_is_not_a_vat_of_nothing():
    energy, fixed = read(Tariff, TARIFF)[0].elements[:2]
    assert energy.price_components[0].vat == 20
    assert [component.vat for component in fixed.price_components] == [None, Decimal("0.0")]


@pytest.mark.obligation("SES-053")
def test_no_total_cost_is_not_free_of_charge():
    free = read(Session, SESSION | {"total_cost": price("0.00")})[0]
    unknown = read(Session, without(SESSION, "total_cost"))[0]
    assert free.total_cost.excl_vat == 0
    assert unknown.total_cost is None


def test_restrictions_are_optional_and_any_may_be_given_beside_any():
    restrictions = TARIFF["elements"][0]["restrictions"]
    for name in restrictions:
        assert validate(Tariff, without(TARIFF, f"elements.0.restrictions.{name}")) == ()
        alone = changed(TARIFF, "elements.0.restrictions", {name: restrictions[name]})
        assert validate(Tariff, alone) == ()
    assert validate(Tariff, without(TARIFF, "elements.0.restrictions")) == ()


@pytest.mark.obligation("TAR-061")
def test_reservation_prices_are_no_default_for_charging():
    only = changed(TARIFF, "elements", TARIFF["elements"][1:2])
    assert validate(Tariff, only) == ()
    timed = {"price_components": [{"type": "TIME", "price": 1, "step_size": 1}],
             "restrictions": {"x_unknown": {"a": 1}}}  # fmt: skip
    assert validate(Tariff, changed(only, "elements", [*only["elements"], timed])) == (
        "TAR-038: elements: TIME is priced under restrictions only",
    )


@pytest.mark.obligation("TAR-040")
def test_a_free_tariff_is_one_fixed_price_of_nothing_and_may_stand_in_a_cdr():
    component = {"type": "FLAT", "price": Decimal("0.00"), "step_size": 0}
    free = changed(CDR["tariffs"][0], "elements", [{"price_components": [component]}])
    assert validate(Tariff, free) == ()
    assert validate(Cdr, changed(CDR, "tariffs", [free])) == ()


ENUMS = [
    (TariffType, "AD_HOC_PAYMENT PROFILE_CHEAP PROFILE_FAST PROFILE_GREEN REGULAR", "TAR-024"),
    (TariffDimensionType, "ENERGY FLAT PARKING_TIME TIME", "TAR-049"),
    (DayOfWeek, "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY", ""),
    (ReservationRestrictionType, "RESERVATION RESERVATION_EXPIRES", "TAR-061"),
    (SessionStatus, "ACTIVE COMPLETED INVALID PENDING RESERVATION", "SES-042"),
    (ProfileType, "CHEAP FAST GREEN REGULAR", "SES-021"),
    (AuthMethod, "AUTH_REQUEST COMMAND WHITELIST", "CDR-057"),
    (
        CdrDimensionType,
        """CURRENT ENERGY ENERGY_EXPORT ENERGY_IMPORT MAX_CURRENT MIN_CURRENT MAX_POWER MIN_POWER
        PARKING_TIME POWER RESERVATION_TIME STATE_OF_CHARGE TIME""",
        "CDR-059",
    ),
    (
        ChargingPreferencesResponse,
        "ACCEPTED DEPARTURE_REQUIRED ENERGY_NEED_REQUIRED NOT_POSSIBLE PROFILE_TYPE_NOT_SUPPORTED",
        "SES-015",
    ),
]


@pytest.mark.parametrize(
    ("enumeration", "values"),
    [
        pytest.param(
            enumeration, values.split(), marks=[pytest.mark.obligation(rule)] if rule else []
        )
        for enumeration, values, rule in ENUMS
    ],
)
def test_enumerations_have_the_values_of_the_text(enumeration, values):
    assert sorted(enumeration) == sorted(values)


FORBIDDEN = [
    pytest.param("sessions", ("NL", "CP1", "S-1"), ("POST", "DELETE"),
                 marks=pytest.mark.obligation("SES-003")),
    pytest.param("cdrs", ("C-1",), ("PUT", "PATCH", "DELETE")),
    pytest.param("tokens", ("NL", "EM1", "T-1"), ("POST", "DELETE"),
                 marks=pytest.mark.obligation("TOK-003")),
]  # fmt: skip


@pytest.mark.parametrize(("module", "path", "methods"), FORBIDDEN)
def test_what_is_not_to_be_deleted_has_no_method_for_it(module, path, methods):
    side = MODULES[module].interface(InterfaceRole.RECEIVER)
    for method in methods:
        with pytest.raises(MethodNotAllowed) as refusal:
            match(side, method, path)
        assert refusal.value.http == 405
