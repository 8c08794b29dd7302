"""Envelopes, routing headers and message ids."""

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.message import Routing
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter

AT = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)
BOTH = {
    "OCPI-to-country-code": "NL",
    "OCPI-to-party-id": "HUB",
    "OCPI-from-country-code": "de",
    "OCPI-from-party-id": "em1",
}


def test_an_envelope_has_code_and_utc_timestamp():
    value = codec.decode(message.envelope(AT, data=b"[]", message='say "no"'))
    assert value == {
        "data": [],
        "status_code": 1000,
        "status_message": 'say "no"',
        "timestamp": "2026-03-01T10:00:00.123Z",
    }


def test_an_envelope_without_data_has_no_such_member():
    assert message.envelope(AT) == b'{"status_code":1000,"timestamp":"2026-03-01T10:00:00.123Z"}'


def test_an_envelope_can_repeat_a_header_that_is_no_utf_8():
    shown = b"gzip\xff".decode("utf-8", "surrogateescape")
    value = codec.decode(message.envelope(AT, code=2000, message=f"{shown} is not accepted"))
    assert value["status_message"] == "gzip? is not accepted"


def test_data_stands_in_the_envelope_byte_for_byte():
    assert b'{"data":[ 1.50 ],"status_code":2001' in message.envelope(
        AT, data=b"[ 1.50 ]", code=2001
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"status_code":1000,"timestamp":"x"}', 1000),
        (b'{"data":{"status_code":1},"status_code":2942}', 2942),
        (b'{"status_code":"1000"}', None),
        (b'{"status_code":true}', None),
        (b'{"status_code":99}', None),
        (b'{"status_code":10000}', None),
        (b'{"data":{"status_code":1000}}', None),
        (b'[{"status_code":1000}]', None),
        (b"<html>", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b'{"data":' + b"[" * 100_000, None),
    ],
)
def test_the_status_of_an_answer_is_read_or_none(body, code):
    assert message.status_of(body) == code


def test_both_pairs_are_read_and_compare_without_case():
    routing = message.read_routing(BOTH)
    assert routing == Routing(PartyRef("nl", "hub"), PartyRef("DE", "EM1"))
    assert routing.sender is not None
    assert routing.sender.party_id == "em1"


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_header_names_are_read_in_any_case(spell):
    assert message.read_routing({spell(n): v for n, v in BOTH.items()}).to == PartyRef("NL", "HUB")


def test_absent_pairs_are_none():
    assert message.read_routing({"Accept": "x"}) == Routing(None, None)


@pytest.mark.obligation("ROUT-005")
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("value", [None, "", " ", "N", "NLDX", "N\n", "É1", "N L", "NL "])
def test_half_a_pair_and_impossible_ids_are_invalid_and_named(name, value):
    headers = (
        BOTH | {name: value} if value is not None else {k: v for k, v in BOTH.items() if k != name}
    )
    with pytest.raises(InvalidParameter, match=name) as refusal:
        message.read_routing(headers)
    assert (refusal.value.code, refusal.value.http) == (2001, 200)


def test_a_header_sent_twice_is_no_party():
    headers = CIMultiDict(BOTH)
    headers.add("ocpi-to-party-id", "CP2")
    with pytest.raises(InvalidParameter, match="OCPI-to-party-id"):
        message.read_routing(headers)


def test_pairs_are_written_as_they_are_read():
    routing = message.read_routing(BOTH)
    assert message.routing_headers(routing.to, routing.sender) == BOTH
    assert message.routing_headers(None, None) == {}


def test_ids_are_taken_from_the_request():
    ids, findings = message.read_ids({"x-request-id": "r-1", "X-CORRELATION-ID": "c 1"}, str)
    assert ids == message.Ids("r-1", "c 1")
    assert findings == ()


def test_missing_and_unusable_ids_are_replaced_and_found():
    numbers = iter(["one", "two"])
    ids, findings = message.read_ids({"X-Request-ID": "x" * 65}, lambda: next(numbers))
    assert ids == message.Ids("one", "two")
    assert findings == ("TR-075: X-Request-ID unusable", "TR-075: X-Correlation-ID missing")


@pytest.mark.parametrize("bad", ["", "a\r\nb", "é", "\x00"])
def test_ids_that_could_not_be_a_header_are_unusable(bad):
    ids, _ = message.read_ids({"X-Request-ID": bad, "X-Correlation-ID": "c"}, lambda: "fresh")
    assert ids.request_id == "fresh"
