"""The small words: times, numbers, texts, parties."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from ocpi_hub.ocpi.primitives import (
    CiString,
    CountryCode,
    DateTime,
    DisplayText,
    Flag,
    Many,
    Number,
    PartyId,
    PartyRef,
    Price,
    Role,
    Some,
    String,
    Url,
    Whole,
    fold,
    format_datetime,
    parse_datetime,
)
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1 import check


def reads(kind, value):
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.obligation("MTYP-005", "TYP-009", "TYP-010")
@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2015-06-29T20:39:09Z", 0),
        ("2015-06-29T20:39:09", 0),
        ("2015-06-29T20:39:09.2Z", 200_000),
        ("2015-06-29T20:39:09.2", 200_000),
        ("2015-06-29T20:39:09.123Z", 123_000),
        ("2015-06-29T20:39:09.123", 123_000),
        ("2015-06-29T20:39:09.123456789Z", 123_456),
    ],
)
def test_every_printed_form_of_a_time_is_read_as_utc(text, micros):
    moment = datetime(2015, 6, 29, 20, 39, 9, micros, tzinfo=UTC)
    assert parse_datetime(text) == moment
    assert TypeAdapter(DateTime).validate_python(text) == moment


@pytest.mark.obligation("MTYP-005", "TYP-011")
@pytest.mark.parametrize(
    "text",
    [
        "2015-06-29T20:39:09+00:00",
        "2015-06-29T20:39:09+02:00",
        "2015-06-29T20:39:09-00",
        "2015-06-29",
        "2015-06-29 20:39:09Z",
        "2015-06-29t20:39:09Z",
        "2015-06-29T20:39:09z",
        "2015-06-29T20:39Z",
        "20150629T203909Z",
        "2015-W27-1T20:39:09Z",
        "2015-06-29T20:39:09.Z",
        "2015-06-29T20:39:09,5Z",
        "2015-06-31T20:39:09Z",
        "2015-06-29T24:00:00Z",
        "",
        "2015-06-29T20:39:09Z\n",
        "٢٠١٥-06-29T20:39:09Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_no_other_form_of_a_time_is_read(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_datetime(text)
    assert not reads(DateTime, text)


@pytest.mark.parametrize("value", [0, 1.5, None, True, datetime.now(UTC), b"2015-06-29T20:39:09Z"])
def test_a_time_is_a_text(value):
    assert not reads(DateTime, value)


@pytest.mark.obligation("TYP-007", "TYP-008", "MTYP-006")
@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
        (datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC), "2026-03-01T00:00:00.999Z"),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-02-28T23:00:00Z"),
    ],
)
def test_times_are_written_in_utc_with_z_and_at_most_milliseconds(moment, text):
    assert format_datetime(moment) == text
    assert len(text) <= 25


@pytest.mark.obligation("TYP-003", "MTYP-001")
@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("abc", True),
        ("A B*~", True),
        ("", True),
        ("abcd", False),
        ("é", False),
        ("a\tb", False),
        ("a\n", False),
        ("\x7f", False),
        (1, False),
        (None, False),
        (b"a", False),
    ],
)
def test_a_cistring_is_short_printable_ascii(text, fine):
    assert reads(Annotated[str, CiString(3 if text != "A B*~" else 5)], text) is fine


@pytest.mark.obligation("MTYP-001", "TYP-001")
def test_cistrings_and_parties_compare_without_case_and_keep_their_spelling():
    assert fold("Loc1") == fold("LOC1")
    for lookalike in ("\u017fS", "\xdf", "\u1e9e"):
        assert fold(lookalike) != fold("ss")
    assert PartyRef("nl", "cp1") == PartyRef("NL", "CP1")
    assert {PartyRef("nl", "cp1")} == {PartyRef("NL", "CP1")}
    assert PartyRef("nl", "cp1") != PartyRef("nl", "cp2")
    assert PartyRef("nl", "cp1") != "nl-cp1"
    assert str(PartyRef("nl", "Cp1")) == "nl-Cp1"


@pytest.mark.obligation("TYP-006", "MTYP-003")
def test_lengths_count_characters_and_not_bytes():
    assert reads(Annotated[str, String(4)], "Grün")
    assert reads(Annotated[str, String(2)], "充电")
    assert not reads(Annotated[str, String(3)], "Grün")


@pytest.mark.obligation("MTYP-008")
@pytest.mark.parametrize(
    ("value", "fine"),
    [
        (1, True),
        (Decimal("0.25"), True),
        (-3, True),
        ("1", False),
        (True, False),
        (None, False),
        (0.5, False),
        ([], False),
    ],
)
def test_a_number_is_a_json_number(value, fine):
    assert reads(Number, value) is fine
    assert reads(Price, {"excl_vat": value}) is fine


def test_a_number_becomes_a_decimal_with_all_digits():
    price = Price.model_validate({"excl_vat": Decimal("12.3400"), "incl_vat": 15})
    assert str(price.excl_vat) == "12.3400"
    assert price.incl_vat == Decimal(15)
    assert isinstance(price.incl_vat, Decimal)


@pytest.mark.obligation("MTYP-010")
def test_a_price_without_excl_vat_is_refused():
    with pytest.raises(InvalidParameter, match=r"^excl_vat: required, but absent \(MTYP-010\)$"):
        check.validate(Price, {"incl_vat": 1})


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        (1, True),
        (7, True),
        (Decimal("2.0"), True),
        (0, False),
        (8, False),
        (Decimal("1.5"), False),
        (Decimal("8.0"), False),
        ("1", False),
        (True, False),
        (None, False),
    ],
)
def test_a_whole_number_may_be_written_with_a_point(value, fine):
    assert reads(Annotated[int, Whole(1, 7)], value) is fine


@pytest.mark.parametrize(
    ("value", "fine"), [(True, True), (1, False), ("true", False), (None, False)]
)
def test_a_flag_is_true_or_false(value, fine):
    assert reads(Flag, value) is fine


@pytest.mark.obligation("TYP-017", "TYP-018", "MTYP-013")
def test_lists_of_many_may_be_null_and_lists_of_some_may_not_be_empty():
    assert TypeAdapter(Many[int]).validate_python(None) == ()
    assert TypeAdapter(Many[int]).validate_python([1]) == (1,)
    assert not reads(Many[int], "ab")
    assert reads(Some[int], [1])
    assert not reads(Some[int], [])
    assert not reads(Some[int], None)


@pytest.mark.obligation("TYP-023")
@pytest.mark.parametrize(
    ("country", "party", "fine"),
    [
        ("NL", "CP1", True),
        ("nl", "073", True),
        ("NLD", "CP1", False),
        ("N", "CP1", False),
        ("NL", "CP", False),
        ("NL", "CP12", False),
        ("N1", "CP1", False),
        ("NL", "É1 ", False),
    ],
)
def test_country_codes_have_two_letters_and_party_ids_three_characters(country, party, fine):
    assert (reads(CountryCode, country) and reads(PartyId, party)) is fine


@pytest.mark.obligation("TYP-014", "MTYP-012")
def test_a_url_has_at_most_255_characters():
    assert reads(Url, "https://h/" + "x" * 245)
    assert not reads(Url, "https://h/" + "x" * 246)


@pytest.mark.obligation("TYP-021", "MTYP-007")
def test_a_display_text_has_a_language_of_two_letters_and_512_characters():
    assert check.validate(DisplayText, {"language": "nl", "text": "ü" * 512}) == ()
    for broken in (
        {"language": "eng", "text": "x"},
        {"language": "nl", "text": "x" * 513},
        {"language": "nl"},
        {"text": "x"},
    ):
        with pytest.raises(InvalidParameter, match="TYP-021"):
            check.validate(DisplayText, broken)
    assert check.validate(DisplayText, {"language": "nl", "text": "<b>x"}) == (
        "MTYP-007: text: markup in '<b>x'",
    )


@pytest.mark.obligation("TYP-015", "MTYP-011")
def test_the_roles_are_the_seven_of_the_text():
    assert {role.value for role in Role} == {"CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP"}
