"""Messages of 2.2 as 2.2.1 has them, and back."""

import re
from decimal import Decimal

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.dialect import Kind, answered, kind, token, told
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.spec import match
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2 import cdrs as older_cdrs
from ocpi_hub.ocpi.v2_2 import locations as older_locations
from ocpi_hub.ocpi.v2_2 import sessions as older_sessions
from ocpi_hub.ocpi.v2_2.location_enums import CAPABILITY, CONNECTOR_TYPE, POWER_TYPE
from ocpi_hub.ocpi.v2_2_1 import MODULES, cdrs, locations, sessions
from ocpi_hub.ocpi.v2_2_1.check import validate
from tests.data import EXAMPLES, OLDER_EXAMPLES
from tests.ocpi_objects import (
    CDR,
    SESSION,
    START_SESSION,
    changed,
    refused,
    without,
)

EMSP = PartyRef("NL", "TST")
KINDS = {"cdr_": Kind.CDR, "session_": Kind.SESSION, "location_put": Kind.EVSE,
         "location_patch_example_remove": Kind.EVSE, "location_patch_example_status": Kind.EVSE,
         "location_patch_example_tariff": Kind.CONNECTOR,
         "location_patch_example_location": Kind.LOCATION,
         "location_example": Kind.LOCATION}  # fmt: skip
MODELS = {
    "2.2": {Kind.CDR: older_cdrs.Cdr, Kind.SESSION: older_sessions.Session,
            Kind.LOCATION: older_locations.Location},
    "2.2.1": {Kind.CDR: cdrs.Cdr, Kind.SESSION: sessions.Session,
              Kind.LOCATION: locations.Location},
}  # fmt: skip
SIGNED = [{"nature": "End", "plain_data": "p" * 512, "signed_data": "s" * 512}]
SHORT = changed(CDR, "signed_data.signed_values", SIGNED)
CHARGED = SHORT | {"home_charging_compensation": False}

needs_examples = pytest.mark.skipif(not OLDER_EXAMPLES.is_dir(), reason="the test data is not here")


def examples(folder):
    return [
        pytest.param(path, next(KINDS[start] for start in KINDS if path.stem.startswith(start)),
                     id=path.stem)
        for path in sorted(folder.glob("*.json"))
        if any(path.stem.startswith(start) for start in KINDS)
    ]  # fmt: skip


def older(value, what):
    return codec.decode(told(codec.encode(value), what, "2.2"))


def cannot_be_told(value, what):
    with pytest.raises(InvalidParameter) as refusal:
        older(value, what)
    return refusal.value.message


@needs_examples
@pytest.mark.parametrize(("path", "what"), examples(OLDER_EXAMPLES))
def test_printed_examples_of_2_2_come_back_to_the_byte(path, what):
    body = path.read_bytes()
    inner = told(body, what, "2.2.1", EMSP)
    assert told(inner, what, "2.2") == body
    if b"cdr_token" not in body:
        assert inner is body


@needs_examples
@pytest.mark.parametrize(("path", "what"), examples(OLDER_EXAMPLES))
def test_printed_examples_of_2_2_are_valid_in_2_2_1_with_their_owner(path, what):
    model = MODELS["2.2.1"].get(what)
    if model and "patch" not in path.stem:
        validate(model, codec.decode(told(path.read_bytes(), what, "2.2.1", EMSP)))


@needs_examples
@pytest.mark.parametrize(("path", "what"), examples(EXAMPLES))
def test_printed_examples_of_2_2_1_are_valid_in_2_2(path, what):
    body = path.read_bytes()
    result = told(body, what, "2.2")
    model = MODELS["2.2"].get(what)
    if model and "patch" not in path.stem:
        rules = {found.partition(":")[0] for found in validate(model, codec.decode(result))}
        assert rules <= {"SES-056"}
    assert (result is body) is (b"cdr_token" not in body)


@pytest.mark.parametrize(("value", "what"), [(SESSION, Kind.SESSION), (CDR, Kind.CDR)])
def test_the_owner_of_a_token_is_added_and_taken_away(value, what):
    bare = without(without(value, "cdr_token.country_code"), "cdr_token.party_id")
    body = codec.encode(bare)
    filled = codec.decode(told(body, what, "2.2.1", PartyRef("nl", "Em1")))
    owner = {"country_code": "nl", "party_id": "Em1"}
    assert filled == value | {"cdr_token": value["cdr_token"] | owner}
    if what is Kind.SESSION:
        assert older(filled, what) == bare
        assert refused(sessions.Session, bare)
        assert validate(older_sessions.Session, bare) == ()


def test_without_an_owner_nobody_is_made_up():
    with pytest.raises(InvalidParameter, match="needs the token's owner, who is unknown"):
        told(b'{"cdr_token":{"uid":"1"}}', Kind.SESSION, "2.2.1")
    body = codec.encode(SESSION)
    assert told(body, Kind.SESSION, "2.2.1") is body
    assert token(body) is None
    assert token(b'{"cdr_token":{"uid":"1"}}') == {"uid": "1"}
    assert token(b'{"kwh":1}') is None


def test_an_owner_of_null_is_filled_too():
    body = b'{"cdr_token": {"uid": "1", "country_code" : null}}'
    assert told(body, Kind.SESSION, "2.2.1", EMSP) == (
        b'{"cdr_token": {"party_id":"TST","uid": "1", "country_code" : "NL"}}'
    )
    assert told(b'{"cdr_token":{ }}', Kind.SESSION, "2.2.1", EMSP) == (
        b'{"cdr_token":{"country_code":"NL","party_id":"TST" }}'
    )


def test_a_cdr_of_2_2_1_is_one_of_2_2():
    found = older(CHARGED, Kind.CDR)
    assert validate(older_cdrs.Cdr, found) == ()
    assert "home_charging_compensation" not in found
    assert "state" not in found["cdr_location"]
    assert set(found["cdr_token"]) == {"uid", "type", "contract_id"}
    kept = CHARGED.keys() - {"home_charging_compensation", "cdr_location", "cdr_token"}
    assert {name: found[name] for name in kept} == {name: CHARGED[name] for name in kept}


@pytest.mark.parametrize("absent", [None, "missing"])
def test_no_postal_code_is_not_available_in_2_2(absent):
    cdr = changed(CHARGED, "cdr_location.postal_code", absent)
    cdr = without(cdr, "cdr_location.postal_code") if absent else cdr
    assert older(cdr, Kind.CDR)["cdr_location"]["postal_code"] == "#NA"


def test_two_phases_are_one_in_2_2():
    for name in ("AC_2_PHASE", "AC_2_PHASE_SPLIT"):
        cdr = changed(CHARGED, "cdr_location.connector_power_type", name)
        assert older(cdr, Kind.CDR)["cdr_location"]["connector_power_type"] == "AC_1_PHASE"
        assert older({"power_type": name}, Kind.CONNECTOR) == {"power_type": "AC_1_PHASE"}


def test_a_cdr_keeps_a_connector_type_that_2_2_does_not_know():
    cdr = changed(CHARGED, "cdr_location.connector_standard", "CHAOJI")
    assert older(cdr, Kind.CDR)["cdr_location"]["connector_standard"] == "CHAOJI"


def test_the_cdr_of_a_home_charger_is_not_made_a_charge():
    assert cannot_be_told(SHORT, Kind.CDR) == ("home_charging_compensation: OCPI 2.2 cannot say it")


@pytest.mark.obligation("CDR-075")
def test_signed_data_is_passed_to_the_byte_or_not_at_all():
    body = codec.encode(CHARGED | {"x": Decimal("1.10")})
    signed = codec.members(body)["signed_data"]
    assert codec.members(told(body, Kind.CDR, "2.2"))["signed_data"] == signed
    for name in ("plain_data", "signed_data"):
        path = f"signed_data.signed_values.0.{name}"
        assert older(changed(CHARGED, path, "ü" * 512), Kind.CDR)
        assert "room for 512 characters" in cannot_be_told(
            changed(CHARGED, path, "x" * 513), Kind.CDR
        )


def test_2_2_names_no_connector_to_start():
    assert older(START_SESSION, Kind.START_SESSION) == without(START_SESSION, "connector_id")


def test_long_addresses_and_states_are_cut(location):
    long = location | {"address": "ü" * 46, "state": "s" * 21}
    found = older(long, Kind.LOCATION)
    assert (found["address"], found["state"]) == ("ü" * 45, "s" * 20)
    assert validate(older_locations.Location, found) == ()
    assert refused(older_locations.Location, long)


def test_what_2_2_does_not_know_is_left_out_of_a_location(location, evse, connector):
    odd = evse | {
        "capabilities": ["START_SESSION_CONNECTOR_REQUIRED", "RFID_READER", "X_OWN"],
        "connectors": [
            connector | {"standard": "CHAOJI"},
            connector | {"standard": "NEMA_5_20"},
            connector | {"id": "2", "power_type": "AC_2_PHASE"},
            connector | {"standard": "GBT_AC"},
        ],
    }
    none = evse | {"connectors": [connector | {"standard": "DOMESTIC_M"}]}
    found = older(location | {"evses": [none, odd, none, evse, none]}, Kind.LOCATION)
    left = odd | {
        "capabilities": ["RFID_READER", "X_OWN"],
        "connectors": [connector | {"id": "2", "power_type": "AC_1_PHASE"}],
    }
    assert found == location | {"evses": [left, evse]}
    assert older(odd, Kind.EVSE) == left
    assert older(location | {"evses": [none]}, Kind.LOCATION)["evses"] == []


def test_an_evse_or_connector_that_2_2_cannot_name_is_refused(evse, connector):
    strange = connector | {"standard": "CHAOJI"}
    assert "has the type of none" in cannot_be_told(evse | {"connectors": [strange]}, Kind.EVSE)
    assert "no such connector type" in cannot_be_told(strange, Kind.CONNECTOR)


def test_lists_lose_what_cannot_be_told_with_a_finding():
    body = b'{"data": [%s ,%s, %s], "status_code": 1000}' % (
        codec.encode(CDR | {"home_charging_compensation": None}), codec.encode(CHARGED),
        codec.encode(SHORT),
    )  # fmt: skip
    result, findings = answered(body, Kind.CDR, "2.2")
    assert codec.decode(result) == {"data": [older(CHARGED, Kind.CDR)], "status_code": 1000}
    assert [finding.partition(": data: one was left out: ")[2][:11] for finding in findings] == [
        "signed_data", "home_chargi"
    ]  # fmt: skip


def test_answers_with_one_object_and_with_none():
    body = codec.encode({"data": SESSION, "status_code": 1000})
    result, findings = answered(body, Kind.SESSION, "2.2")
    assert codec.decode(result)["data"] == older(SESSION, Kind.SESSION)
    assert findings == ()
    for none in (b'{"status_code":2000}', b'{"data":null}', b'{"data":[]}', b'{"data":"x"}', b"1"):
        assert answered(none, Kind.SESSION, "2.2") == (none, ())
    with pytest.raises(InvalidParameter):
        answered(codec.encode({"data": CDR}), Kind.CDR, "2.2")


def test_a_list_without_end_is_not_walked():
    with pytest.raises(InvalidParameter, match="data: more than 10000 objects"):
        answered(b'{"data":[' + b",".join([b"{}"] * 10_001) + b"]}", Kind.SESSION, "2.2")


def test_what_is_left_out_of_a_list_is_told_so_often_and_then_counted():
    odd = codec.encode({"data": [{"cdr_token": {}}] * 50})
    result, findings = answered(odd, Kind.SESSION, "2.2.1")
    assert codec.decode(result)["data"] == []
    assert len(findings) == 21
    assert findings[-1] == "OCPI 2.2.1: data: 30 more"


@pytest.mark.parametrize("what", Kind)
@pytest.mark.parametrize("body", [
    b"{}", b"[]", b"1", b'"x"', b"null", b'{"cdr_token":[],"evses":{},"connectors":null}',
    b'{"evses":[1,null,"x",[],{"connectors":[1,null]}],"address":1,"state":null}',
    b'{"signed_data":[],"cdr_location":1,"connectors":[],"standard":1,"capabilities":[1,null]}',
])  # fmt: skip
def test_what_has_another_shape_stays_as_it_is(what, body):
    for version in ("2.2", "2.2.1"):
        assert told(body, what, version, EMSP) is body


ROUTES = [
    ("locations", "SENDER", "GET", "", Kind.LOCATION),
    ("locations", "SENDER", "GET", "L/E", Kind.EVSE),
    ("locations", "RECEIVER", "PUT", "NL/CP1/L", Kind.LOCATION),
    ("locations", "RECEIVER", "PATCH", "NL/CP1/L/E", Kind.EVSE),
    ("locations", "RECEIVER", "GET", "NL/CP1/L/E/1", Kind.CONNECTOR),
    ("sessions", "SENDER", "GET", "", Kind.SESSION),
    ("sessions", "SENDER", "PUT", "S/charging_preferences", None),
    ("sessions", "RECEIVER", "PATCH", "NL/CP1/S", Kind.SESSION),
    ("cdrs", "SENDER", "GET", "", Kind.CDR),
    ("cdrs", "RECEIVER", "POST", "", Kind.CDR),
    ("commands", "RECEIVER", "POST", "START_SESSION", Kind.START_SESSION),
    ("commands", "RECEIVER", "POST", "STOP_SESSION", None),
    ("commands", "SENDER", "POST", "START_SESSION/1", None),
    ("tokens", "RECEIVER", "PUT", "NL/EM1/T", None),
    ("tariffs", "SENDER", "GET", "", None),
    ("chargingprofiles", "RECEIVER", "PUT", "S", None),
]


@pytest.mark.parametrize(("module", "role", "method", "path", "what"), ROUTES)
def test_each_route_says_what_its_messages_carry(module, role, method, path, what):
    side = MODULES[module].interface(InterfaceRole(role))
    segments = path.split("/") if path else []
    assert kind(match(side, method, segments).route, tuple(segments)) is what


def test_2_2_has_fewer_values():
    assert (len(list(CAPABILITY)), len(list(CONNECTOR_TYPE)), len(list(POWER_TYPE))) == (12, 27, 3)
    assert not [name for name in CONNECTOR_TYPE if re.match("CHAOJI|GBT|NEMA", name)]
