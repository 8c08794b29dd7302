"""What the hub admits when a Tariff or a Token is pushed to it."""

import pytest

from ocpi_hub.modules import tariffs, tokens
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter
from tests.build import a_tariff, a_token, as_bytes

CPO, EMP = PartyRef("nl", "cpo"), PartyRef("de", "emp")
CARD = ("04a1", "rfid")


def read(value):
    return codec.decode(as_bytes(value))


@pytest.mark.obligation("TR-054", "TR-055", "TAR-013", "TAR-014", "TOK-018", "TOK-019")
def test_owner_and_ids_are_those_of_the_url_in_any_case():
    assert tariffs.admit(CPO, ("t1",), "PUT", read(a_tariff())) == ()
    assert tokens.admit(EMP, CARD, "PUT", read(a_token())) == ()
    for member in ("country_code", "party_id", "id"):
        with pytest.raises(InvalidParameter, match=member):
            tariffs.admit(CPO, ("T1",), "PUT", read(a_tariff(**{member: "XX"})))
    for member in ("country_code", "party_id", "uid", "type"):
        for method in ("PUT", "PATCH"):
            with pytest.raises(InvalidParameter, match=member):
                tokens.admit(EMP, CARD, method, read(a_token(**{member: "XX"})))


def test_what_is_no_object_is_no_tariff_and_no_token():
    for value in (None, [], "T1", 1):
        with pytest.raises(InvalidParameter, match="object"):
            tariffs.admit(CPO, ("T1",), "PUT", value)
        with pytest.raises(InvalidParameter, match="object"):
            tokens.admit(EMP, CARD, "PATCH", value)


@pytest.mark.obligation("TOK-021", "TR-039")
def test_a_patch_says_when_and_may_leave_out_all_else():
    assert tokens.admit(EMP, CARD, "PATCH", {"last_updated": "2026-01-01T00:00:00Z"}) == ()
    with pytest.raises(InvalidParameter, match="last_updated"):
        tokens.admit(EMP, CARD, "PATCH", {"valid": False})


@pytest.mark.obligation("TOK-013")
@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ([], "RFID"),
        ([("offset", "1")], "RFID"),
        ([("type", "APP_USER")], "APP_USER"),
        ([("type", "EMAID")], "EMAID"),
    ],
)
def test_the_type_in_the_query_is_taken_as_it_is_and_rfid_if_there_is_none(params, kind):
    assert tokens.token_type(params) == kind


@pytest.mark.parametrize("given", [[""], ["A", "A"], ["A" * 37], ["A\x00"], ["Ä"]])
def test_what_can_be_no_type_is_refused(given):
    with pytest.raises(InvalidParameter, match="type"):
        tokens.token_type([("type", each) for each in given])
