"""Tokens, commands and charging profiles: what is refused, what is found, what is kept."""

from decimal import Decimal

import pytest

from ocpi_hub.ocpi.v2_2_1.chargingprofiles import (
    ActiveChargingProfile,
    ActiveChargingProfileResult,
    ChargingProfile,
    ChargingProfileResponse,
    ChargingProfileResponseType,
    ChargingProfileResult,
    ChargingProfileResultType,
    ChargingRateUnit,
    ClearProfileResult,
    SetChargingProfile,
)
from ocpi_hub.ocpi.v2_2_1.check import read, validate
from ocpi_hub.ocpi.v2_2_1.commands import (
    COMMANDS,
    CancelReservation,
    CommandResponse,
    CommandResponseType,
    CommandResult,
    CommandResultType,
    CommandType,
    ReserveNow,
    StartSession,
    StopSession,
    UnlockConnector,
)
from ocpi_hub.ocpi.v2_2_1.location_enums import TokenType
from ocpi_hub.ocpi.v2_2_1.tokens import (
    AllowedType,
    AuthorizationInfo,
    LocationReferences,
    Token,
    TokenPatch,
    WhitelistType,
)
from tests.ocpi_objects import (
    ACTIVE_PROFILE,
    ACTIVE_RESULT,
    AT,
    AUTHORIZATION,
    CANCEL_RESERVATION,
    COMMAND_RESPONSE,
    COMMAND_RESULT,
    PROFILE,
    PROFILE_RESPONSE,
    PROFILE_RESULT,
    RESERVE_NOW,
    SET_PROFILE,
    START_SESSION,
    STOP_SESSION,
    TOKEN,
    UNLOCK_CONNECTOR,
    case,
    changed,
    refused,
    without,
)

WHERE = AUTHORIZATION["location"]


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (Token, TOKEN),
        (TokenPatch, TOKEN),
        (AuthorizationInfo, AUTHORIZATION),
        (LocationReferences, WHERE),
        (CancelReservation, CANCEL_RESERVATION),
        (ReserveNow, RESERVE_NOW),
        (StartSession, START_SESSION),
        (StopSession, STOP_SESSION),
        (UnlockConnector, UNLOCK_CONNECTOR),
        (CommandResponse, COMMAND_RESPONSE),
        (CommandResult, COMMAND_RESULT),
        (ChargingProfile, PROFILE),
        (ActiveChargingProfile, ACTIVE_PROFILE),
        (SetChargingProfile, SET_PROFILE),
        (ChargingProfileResponse, PROFILE_RESPONSE),
        (ChargingProfileResult, PROFILE_RESULT),
        (ClearProfileResult, PROFILE_RESULT),
        (ActiveChargingProfileResult, ACTIVE_RESULT),
    ],
)
def test_an_object_with_every_field_has_no_findings_and_loses_nothing(model, value):
    found, findings = read(model, value | {"x_extra": [Decimal("1.50")]})
    assert findings == ()
    assert found.model_extra == {"x_extra": [Decimal("1.50")]}


REQUIRED = [
    *(case(Token, TOKEN, path, "TOK-036", proves="TOK-036")
      for path in ("country_code", "party_id", "uid", "type", "contract_id", "issuer", "valid",
                   "whitelist", "last_updated")),
    case(Token, TOKEN, "energy_contract.supplier_name", "TOK-043", proves="TOK-043"),
    case(TokenPatch, TOKEN, "last_updated", "TR-039"),
    case(AuthorizationInfo, AUTHORIZATION, "allowed", "TOK-031", proves="TOK-031"),
    case(AuthorizationInfo, AUTHORIZATION, "token", "TOK-031", proves="TOK-031"),
    case(AuthorizationInfo, AUTHORIZATION, "token.issuer", "TOK-036", proves="TOK-031"),
    case(LocationReferences, WHERE, "location_id", "TOK-035", proves="TOK-035"),
    case(CancelReservation, CANCEL_RESERVATION, "response_url", "CMD-046", proves="CMD-020"),
    case(CancelReservation, CANCEL_RESERVATION, "reservation_id", "CMD-020", proves="CMD-020"),
    case(ReserveNow, RESERVE_NOW, "response_url", "CMD-046", proves="CMD-022"),
    *(case(ReserveNow, RESERVE_NOW, path, "CMD-022", proves="CMD-022")
      for path in ("token", "expiry_date", "reservation_id", "location_id")),
    case(ReserveNow, RESERVE_NOW, "token.issuer", "TOK-036", proves="CMD-022"),
    case(StartSession, START_SESSION, "response_url", "CMD-046", proves="CMD-036"),
    case(StartSession, START_SESSION, "token", "CMD-036", proves="CMD-036"),
    case(StartSession, START_SESSION, "location_id", "CMD-036", proves="CMD-036"),
    case(StopSession, STOP_SESSION, "response_url", "CMD-046", proves="CMD-041"),
    case(StopSession, STOP_SESSION, "session_id", "CMD-041", proves="CMD-041"),
    case(UnlockConnector, UNLOCK_CONNECTOR, "response_url", "CMD-046", proves="CMD-043"),
    *(case(UnlockConnector, UNLOCK_CONNECTOR, path, "CMD-043", proves="CMD-043")
      for path in ("location_id", "evse_uid", "connector_id")),
    *(case(CommandResponse, COMMAND_RESPONSE, path, "CMD-008", proves="CMD-008")
      for path in ("result", "timeout")),
    case(CommandResult, COMMAND_RESULT, "result", "CMD-015", proves="CMD-015"),
    *(case(ChargingProfileResponse, PROFILE_RESPONSE, path, "CHP-015", proves="CHP-015")
      for path in ("result", "timeout")),
    case(SetChargingProfile, SET_PROFILE, "charging_profile", "CHP-029", proves="CHP-029"),
    case(SetChargingProfile, SET_PROFILE, "response_url", "CHP-029", proves="CHP-029"),
    case(ActiveChargingProfileResult, ACTIVE_RESULT, "result", "CHP-030", proves="CHP-030"),
    case(ChargingProfileResult, PROFILE_RESULT, "result", "CHP-031", proves="CHP-031"),
    case(ClearProfileResult, PROFILE_RESULT, "result", "CHP-031", proves="CHP-031"),
    *(case(ActiveChargingProfile, ACTIVE_PROFILE, path, "CHP-033", proves="CHP-033")
      for path in ("start_date_time", "charging_profile")),
    case(ChargingProfile, PROFILE, "charging_rate_unit", "CHP-034", proves="CHP-034"),
    *(case(ChargingProfile, PROFILE, f"charging_profile_period.0.{name}", "CHP-038",
           proves="CHP-038") for name in ("start_period", "limit")),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "rule"), REQUIRED)
def test_each_required_field_is_named_with_its_rule_when_it_is_missing(model, value, path, rule):
    assert refused(model, without(value, path)) == f"{path}: required, but absent ({rule})"
    assert f"{path}: " in refused(model, changed(value, path, None))


OPTIONAL = [
    *(case(Token, TOKEN, path, proves="TOK-037")
      for path in ("visual_number", "group_id", "language", "default_profile_type",
                   "energy_contract")),
    case(Token, TOKEN, "energy_contract.contract_id", proves="TOK-043"),
    *(case(AuthorizationInfo, AUTHORIZATION, path, proves="TOK-031")
      for path in ("location", "authorization_reference", "info")),
    case(LocationReferences, WHERE, "evse_uids", proves="TOK-035"),
    *(case(ReserveNow, RESERVE_NOW, path, proves="CMD-022")
      for path in ("evse_uid", "authorization_reference")),
    *(case(StartSession, START_SESSION, path, proves="CMD-036")
      for path in ("connector_id", "authorization_reference")),
    case(CommandResponse, COMMAND_RESPONSE, "message", proves="CMD-008"),
    case(CommandResult, COMMAND_RESULT, "message", proves="CMD-015"),
    *(case(ChargingProfile, PROFILE, path, proves="CHP-034")
      for path in ("duration", "min_charging_rate", "charging_profile_period")),
    case(ChargingProfile, PROFILE, "start_date_time", proves="CHP-034"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path"), OPTIONAL)
def test_optional_fields_may_be_absent_or_null(model, value, path):
    assert validate(model, without(value, path)) == ()
    assert validate(model, changed(value, path, None)) == ()


LONG_URL = "https://em1.example/" + "x" * 236
REFUSED = [
    case(Token, TOKEN, "uid", "x" * 37, proves="TOK-036"),
    case(Token, TOKEN, "contract_id", "x" * 37, proves="TOK-036"),
    case(Token, TOKEN, "issuer", "x" * 65, proves="TOK-036"),
    case(Token, TOKEN, "valid", "true", proves="TOK-036"),
    case(Token, TOKEN, "visual_number", "x" * 65, proves="TOK-037"),
    case(Token, TOKEN, "group_id", "x" * 37, proves="TOK-037"),
    case(Token, TOKEN, "language", "dut", proves="TOK-037"),
    case(Token, TOKEN, "energy_contract.supplier_name", "x" * 65, proves="TOK-043"),
    case(Token, TOKEN, "energy_contract.contract_id", "x" * 65, proves="TOK-043"),
    case(TokenPatch, TOKEN, "valid", 1),
    case(AuthorizationInfo, AUTHORIZATION, "token", "012345678", proves="TOK-031"),
    case(AuthorizationInfo, AUTHORIZATION, "authorization_reference", "x" * 37, proves="TOK-031"),
    case(AuthorizationInfo, AUTHORIZATION, "info", [], proves="TOK-031"),
    case(LocationReferences, WHERE, "location_id", "x" * 37, proves="TOK-035"),
    case(LocationReferences, WHERE, "evse_uids.1", "x" * 37, proves="TOK-035"),
    case(CancelReservation, CANCEL_RESERVATION, "reservation_id", "x" * 37, proves="CMD-020"),
    case(ReserveNow, RESERVE_NOW, "expiry_date", "soon", proves="CMD-022"),
    case(ReserveNow, RESERVE_NOW, "token", "012345678", proves="CMD-022"),
    case(ReserveNow, RESERVE_NOW, "reservation_id", "x" * 37, proves="CMD-022"),
    case(ReserveNow, RESERVE_NOW, "authorization_reference", "x" * 37, proves="CMD-022"),
    case(StartSession, START_SESSION, "location_id", "x" * 37, proves="CMD-036"),
    case(StopSession, STOP_SESSION, "session_id", "x" * 37, proves="CMD-041"),
    *(case(model, value, "response_url", LONG_URL, proves="CMD-046") for model, value in (
        (CancelReservation, CANCEL_RESERVATION), (ReserveNow, RESERVE_NOW),
        (StartSession, START_SESSION), (StopSession, STOP_SESSION),
        (UnlockConnector, UNLOCK_CONNECTOR))),
    case(StopSession, STOP_SESSION, "response_url", "em1.example/results", proves="CMD-046"),
    case(CommandResponse, COMMAND_RESPONSE, "timeout", "30", proves="CMD-008"),
    case(CommandResponse, COMMAND_RESPONSE, "timeout", Decimal("0.5"), proves="CMD-008"),
    case(CommandResponse, COMMAND_RESPONSE, "message", "no", proves="CMD-008"),
    case(CommandResult, COMMAND_RESULT, "message.0.text", 1, proves="CMD-015"),
    case(ChargingProfileResponse, PROFILE_RESPONSE, "timeout", "30", proves="CHP-015"),
    case(SetChargingProfile, SET_PROFILE, "response_url", LONG_URL, proves="CHP-029"),
    case(SetChargingProfile, SET_PROFILE, "charging_profile", [], proves="CHP-029"),
    case(ActiveChargingProfile, ACTIVE_PROFILE, "start_date_time", 0, proves="CHP-033"),
    case(ChargingProfile, PROFILE, "duration", Decimal("0.5"), proves="CHP-034"),
    case(ChargingProfile, PROFILE, "min_charging_rate", "6", proves="CHP-034"),
    case(ChargingProfile, PROFILE, "charging_profile_period.0.start_period", Decimal("0.5"),
         proves="CHP-038"),
    case(ChargingProfile, PROFILE, "charging_profile_period.0.limit", "16", proves="CHP-038"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new"), [
    pytest.param(*row.values, marks=row.marks, id=f"{row.id}={row.values[3]!r:.20}")
    for row in REFUSED
])  # fmt: skip
def test_wrong_types_lengths_and_values_are_refused_at_their_path(model, value, path, new):
    assert refused(model, changed(value, path, new)).startswith(path)


@pytest.mark.obligation("CMD-046")
def test_a_response_url_may_have_255_characters():
    assert validate(StopSession, STOP_SESSION | {"response_url": LONG_URL[:255]}) == ()


@pytest.mark.obligation("CMD-036", "CMD-037")
def test_a_connector_is_named_with_its_evse():
    alone = without(START_SESSION, "evse_uid")
    assert refused(StartSession, alone) == "evse_uid: required beside connector_id (CMD-037)"
    assert validate(StartSession, without(alone, "connector_id")) == ()


FOUND = [
    case(Token, TOKEN, "type", "rfid", "TOK-044: type: unknown value 'rfid'", proves="TOK-044"),
    case(Token, TOKEN, "whitelist", "MAYBE", "TOK-046: whitelist: unknown value 'MAYBE'",
         proves="TOK-046"),
    case(Token, TOKEN, "default_profile_type", "SLOW",
         "SES-021: default_profile_type: unknown value 'SLOW'"),
    case(Token, TOKEN, "language", "NL", "TOK-037: language: no ISO 639-1 code: 'NL'",
         proves="TOK-037"),
    case(Token, TOKEN, "group_id", "x" * 21,
         "TOK-040: group_id: longer than the 20 characters of OCPP 1.6", proves="TOK-040"),
    case(AuthorizationInfo, without(AUTHORIZATION, "location"), "allowed", "PERHAPS",
         "TOK-034: allowed: unknown value 'PERHAPS'", proves="TOK-034"),
    case(AuthorizationInfo, AUTHORIZATION, "allowed", "NOT_ALLOWED",
         "TOK-032: location: only where charging is allowed", proves="TOK-032"),
    case(CommandResponse, COMMAND_RESPONSE, "result", "TIMEOUT",
         "CMD-009: result: unknown value 'TIMEOUT'", proves="CMD-009"),
    case(CommandResult, COMMAND_RESULT, "result", "CANCELLED_RESERVATION",
         "CMD-016: result: unknown value 'CANCELLED_RESERVATION'", proves="CMD-016"),
    case(ChargingProfileResponse, PROFILE_RESPONSE, "result", "UNKNOWN",
         "CHP-016: result: unknown value 'UNKNOWN'", proves="CHP-016"),
    case(ClearProfileResult, PROFILE_RESULT, "result", "TOO_OFTEN",
         "CHP-032: result: unknown value 'TOO_OFTEN'", proves="CHP-032"),
    case(ActiveChargingProfileResult, ACTIVE_RESULT, "profile", None,
         "CHP-030: profile: absent, but the result is ACCEPTED", proves="CHP-030"),
    case(ChargingProfile, PROFILE, "charging_rate_unit", "kW",
         "CHP-036: charging_rate_unit: unknown value 'kW'"),
    case(ChargingProfile, PROFILE, "min_charging_rate", Decimal("8.15"),
         "CHP-037: min_charging_rate: more than one decimal digit", proves="CHP-037"),
    case(ChargingProfile, PROFILE, "charging_profile_period.1.limit", Decimal("8.15"),
         "CHP-037: charging_profile_period.1.limit: more than one decimal digit", proves="CHP-037"),
    case(ChargingProfile, PROFILE, "charging_profile_period.0.start_period", 1800,
         "CHP-038: charging_profile_period: start_period does not ascend", proves="CHP-038"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new", "finding"), FOUND)
def test_what_may_pass_leaves_a_finding(model, value, path, new, finding):
    assert validate(model, changed(value, path, new)) == (finding,)


FINE = [
    case(LocationReferences, WHERE, "evse_uids", [], proves="TOK-035"),
    case(AuthorizationInfo, without(AUTHORIZATION, "location"), "allowed", "NOT_ALLOWED",
         proves="TOK-032"),
    case(ActiveChargingProfileResult, {"result": "ACCEPTED"} | {"result": "REJECTED"}, "profile",
         None, proves="CHP-030"),
    case(ChargingProfile, PROFILE, "charging_profile_period.1.limit", Decimal("8.1"),
         proves="CHP-037"),
    case(ChargingProfile, PROFILE, "charging_profile_period", [], proves="CHP-034"),
    case(TokenPatch, {"last_updated": AT}, "valid", False),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "path", "new"), FINE)
def test_what_the_text_allows_leaves_none(model, value, path, new):
    assert validate(model, changed(value, path, new)) == ()


ENUMS = [
    (TokenType, "AD_HOC_USER APP_USER OTHER RFID", "TOK-044"),
    (AllowedType, "ALLOWED BLOCKED EXPIRED NO_CREDIT NOT_ALLOWED", "TOK-034"),
    (WhitelistType, "ALWAYS ALLOWED ALLOWED_OFFLINE NEVER", "TOK-046"),
    (CommandResponseType, "NOT_SUPPORTED REJECTED ACCEPTED UNKNOWN_SESSION", "CMD-009"),
    (
        CommandResultType,
        """ACCEPTED CANCELED_RESERVATION EVSE_OCCUPIED EVSE_INOPERATIVE FAILED NOT_SUPPORTED
        REJECTED TIMEOUT UNKNOWN_RESERVATION""",
        "CMD-016",
    ),
    (
        ChargingProfileResponseType,
        "ACCEPTED NOT_SUPPORTED REJECTED TOO_OFTEN UNKNOWN_SESSION",
        "CHP-016",
    ),
    (ChargingProfileResultType, "ACCEPTED REJECTED UNKNOWN", "CHP-032"),
]


@pytest.mark.parametrize(
    ("enumeration", "values"),
    [
        pytest.param(enumeration, values.split(), marks=pytest.mark.obligation(rule))
        for enumeration, values, rule in ENUMS
    ],
)
def test_enumerations_have_the_values_of_the_text(enumeration, values):
    assert sorted(enumeration) == sorted(values)


def test_every_command_has_its_object_and_profiles_come_in_two_units():
    assert set(COMMANDS) == set(CommandType)
    assert set(ChargingRateUnit) == {"W", "A"}
