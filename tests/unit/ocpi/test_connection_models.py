"""Credentials, versions and client information."""

import copy

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.check import read, validate
from ocpi_hub.ocpi.v2_2_1.credentials import Credentials
from ocpi_hub.ocpi.v2_2_1.hubclientinfo import ClientInfo
from ocpi_hub.ocpi.v2_2_1.versions import EndpointEntry, Version, VersionDetails

ROLE = {
    "role": "CPO",
    "business_details": {"name": "CP One"},
    "party_id": "CP1",
    "country_code": "NL",
}
CREDENTIALS = {"token": "ebf3b399", "url": "https://cp1.example/ocpi/versions", "roles": [ROLE]}
CLIENT = {
    "party_id": "EM1",
    "country_code": "DE",
    "role": "NSP",
    "status": "CONNECTED",
    "last_updated": "2026-03-01T10:00:00Z",
}


def refused(model, value):
    with pytest.raises(InvalidParameter) as refusal:
        validate(model, value)
    return refusal.value.message


def test_credentials_are_read():
    found, findings = read(Credentials, copy.deepcopy(CREDENTIALS))
    assert findings == ()
    assert found.roles[0].party == PartyRef("nl", "cp1")
    assert found.roles[0].role is Role.CPO


@pytest.mark.obligation("CRED-034", "CRED-038")
@pytest.mark.parametrize("name", CREDENTIALS)
def test_every_member_of_credentials_is_required(name):
    assert refused(Credentials, {k: v for k, v in CREDENTIALS.items() if k != name}).startswith(
        name
    )


@pytest.mark.obligation("CRED-038", "TYP-022")
@pytest.mark.parametrize("name", ROLE)
def test_every_member_of_a_role_is_required(name):
    role = {k: v for k, v in ROLE.items() if k != name}
    assert refused(Credentials, CREDENTIALS | {"roles": [role]}).startswith(f"roles.0.{name}: req")


@pytest.mark.obligation("CRED-035")
@pytest.mark.parametrize("token", ["", "a b", "x" * 65, "é", "a\n", None, 1])
def test_tokens_that_cannot_be_one_are_refused_and_not_repeated(token):
    message = refused(Credentials, CREDENTIALS | {"token": token})
    assert message.startswith("token: ")
    assert "x" * 65 not in message


@pytest.mark.obligation("TYP-003", "TYP-005", "TYP-015", "TYP-023")
@pytest.mark.parametrize(
    ("name", "value"),
    [("role", "cpo"), ("role", "FOO"), ("role", 1), ("country_code", "NLD"), ("country_code", "N"),
     ("party_id", "ABCD"), ("party_id", "AB"), ("party_id", "É1 "), ("business_details", {}),
     ("business_details", {"name": "x" * 101}), ("business_details", {"name": None})],
)  # fmt: skip
def test_roles_that_cannot_be_one_are_refused(name, value):
    message = refused(Credentials, CREDENTIALS | {"roles": [ROLE | {name: value}]})
    assert message.startswith(f"roles.0.{name}")


@pytest.mark.obligation("TYP-004", "TYP-006")
def test_business_names_may_hold_any_printable_text():
    for name in ("Grün 充电", "ü" * 100):
        role = ROLE | {"business_details": {"name": name}}
        assert validate(Credentials, CREDENTIALS | {"roles": [role]}) == ()
    role = ROLE | {"business_details": {"name": "a\nb"}}
    assert refused(Credentials, CREDENTIALS | {"roles": [role]}) == (
        "roles.0.business_details.name: control characters in a text (TYP-004)"
    )


@pytest.mark.obligation("CRED-036", "CRED-037")
def test_a_party_is_listed_once_in_each_role():
    twice = [ROLE, ROLE | {"country_code": "nl", "party_id": "cp1"}]
    assert refused(Credentials, CREDENTIALS | {"roles": twice}).endswith("(CRED-036)")
    many = [ROLE, ROLE | {"party_id": "CP2"}, ROLE | {"role": "EMSP"}]
    assert validate(Credentials, CREDENTIALS | {"roles": many}) == ()


@pytest.mark.obligation("TYP-018")
def test_credentials_without_roles_are_refused():
    assert refused(Credentials, CREDENTIALS | {"roles": []}).startswith("roles: at least one entry")


@pytest.mark.obligation("TYP-014")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "cp1.example",
        "/versions",
        "ftp://x/",
        "https://",
        "https://a b/",
        "https://h/" + "x" * 246,
    ],
)
def test_addresses_that_cannot_be_called_are_refused(url):
    assert refused(Credentials, CREDENTIALS | {"url": url}).startswith("url: ")
    assert refused(Version, {"version": "2.2.1", "url": url}).startswith("url: ")


def test_versions_that_nobody_knows_are_read():
    assert read(Version, {"version": "9.9", "url": "https://x/9.9"})[0].version == "9.9"


def test_details_with_custom_modules_and_roles_are_read():
    entries = [
        {"identifier": "locations", "role": "SENDER", "url": "https://x/locations"},
        {"identifier": "nltnm-tokens", "role": "SENDER", "url": "https://x/tokens"},
        {"identifier": "payments", "role": "BOTH", "url": "https://x/payments"},
    ]
    found, findings = read(VersionDetails, {"version": "2.2.1", "endpoints": entries})
    assert [entry.role for entry in found.endpoints] == [InterfaceRole.SENDER] * 2 + ["BOTH"]
    assert findings == ("VER-009: endpoints.2.role: unknown value 'BOTH'",)


def test_details_without_endpoints_or_with_relative_ones_are_refused():
    assert refused(VersionDetails, {"version": "2.2.1", "endpoints": []}).endswith("(VER-020)")
    relative = {"identifier": "locations", "role": "SENDER", "url": "/locations"}
    message = refused(VersionDetails, {"version": "2.2.1", "endpoints": [relative]})
    assert message.startswith("endpoints.0.url")
    assert refused(EndpointEntry, {"url": "https://x"}).startswith("identifier: required")


@pytest.mark.obligation("HCI-002", "HCI-005", "HCI-036")
def test_client_info_needs_all_its_fields_and_knows_every_role():
    for role in Role:
        assert validate(ClientInfo, CLIENT | {"role": role.value}) == ()
    for status in ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"):
        assert validate(ClientInfo, CLIENT | {"status": status}) == ()
    assert refused(ClientInfo, CLIENT | {"status": "GONE"}).startswith("status: ")
    for name in CLIENT:
        missing = {k: v for k, v in CLIENT.items() if k != name}
        assert refused(ClientInfo, missing).startswith(f"{name}: required")
