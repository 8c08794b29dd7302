"""An eMSP's tokens without any HTTP: identity, changes, verdicts."""

import re
from datetime import UTC, datetime

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tokens import AuthorizationInfo, Token, TokenPatch
from ocpi_hub.simulator.token_book import Terms, TokenBook, issue
from tests.build import LONG_AGO, a_token

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HERE = {"location_id": "LOC1", "evse_uids": ["E1", "E2", "E3"]}


@pytest.fixture
def book() -> TokenBook:
    held = TokenBook()
    held.add(a_token())
    held.add(a_token(uid="PICKY"), Terms(not_at=frozenset({"E2", "LOC9"})))
    held.add(a_token(uid="BROKE"), Terms(refused="NO_CREDIT"))
    held.add(a_token(uid="GONE", valid=False))
    return held


@pytest.mark.obligation("TOK-038")
def test_a_token_is_known_by_its_uid_and_type(book):
    app = book.add(a_token(type="APP_USER", whitelist="NEVER"))
    assert book.find("04a1") == a_token()
    assert book.find("04A1", "APP_USER") == app
    assert book.find("04A1", "OTHER") is None


@pytest.mark.parametrize(
    ("uid", "place", "allowed", "location"),
    [
        ("04A1", None, "ALLOWED", None),
        ("04A1", HERE, "ALLOWED", HERE),
        ("04A1", {"location_id": "NEVER-HEARD-OF"}, "ALLOWED", {"location_id": "NEVER-HEARD-OF"}),
        ("PICKY", HERE, "ALLOWED", {"location_id": "LOC1", "evse_uids": ["E1", "E3"]}),
        ("PICKY", {"location_id": "LOC1", "evse_uids": ["e2"]}, "NOT_ALLOWED", None),
        ("PICKY", {"location_id": "LOC9"}, "NOT_ALLOWED", None),
        ("BROKE", HERE, "NO_CREDIT", None),
        ("GONE", None, "BLOCKED", None),
    ],
)
@pytest.mark.obligation("TOK-011", "TOK-029", "TOK-030", "TOK-032")
def test_a_known_token_gets_a_verdict_and_the_evses_where_it_may_charge(
    book, uid, place, allowed, location
):
    info = book.authorize(uid, "RFID", place, "REF")
    assert (info["allowed"], info.get("location")) == (allowed, location)
    assert info["token"]["uid"] == uid
    assert ("authorization_reference" in info) is (allowed == "ALLOWED")
    assert validate(AuthorizationInfo, info) == ()


@pytest.mark.parametrize(("uid", "code", "http"), [("X", 2004, 404), ("PICKY", 2002, 200)])
def test_no_verdict_without_a_token_or_without_a_place_that_is_needed(book, uid, code, http):
    with pytest.raises(OcpiError) as refused:
        book.authorize(uid, "RFID", None, "REF")
    assert (refused.value.code, refused.value.http) == (code, http)


@pytest.mark.obligation("TOK-021")
def test_a_change_has_its_time_and_is_later_than_what_it_changes(book):
    old = book.find("04A1")
    patch = book.change(old, NOW, valid=False)
    assert patch == {"valid": False, "last_updated": "2026-06-01T00:00:00Z"}
    again = book.change(book.find("04A1"), NOW, language="de")
    assert again["last_updated"] == "2026-06-01T00:00:00.001Z"
    assert book.find("04A1") == a_token(valid=False) | again
    assert old == a_token(last_updated=LONG_AGO)
    for each in (patch, again):
        assert validate(TokenPatch, each) == ()


@pytest.mark.obligation("TOK-045", "TOK-039", "TOK-040", "TOK-041")
def test_issued_tokens_are_valid_pairs_of_card_and_app():
    book = issue(PartyRef("DE", "EMP"), "Fahrstrom", 5, NOW)
    assert len(book) == 10
    for token in book:
        assert validate(Token, token) == ()
        assert re.fullmatch("DE-EMP-C[A-Z0-9]{8}", token["contract_id"])
        assert token["type"] == "RFID" or token["whitelist"] == "NEVER"
    groups = [token["group_id"] for token in book]
    assert all(groups.count(group) == 2 for group in groups)
    assert {"ALLOWED", "NEVER"} < {token["whitelist"] for token in book}
    assert list(issue(PartyRef("DE", "EMP"), "Fahrstrom", 5, NOW)) == list(book)


def test_only_tokens_that_may_charge_anywhere_are_usable(book):
    assert [token["uid"] for token in book.usable("RFID")] == ["04A1"]
