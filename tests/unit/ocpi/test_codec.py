"""The codec: what is refused, what stays exact, where the bytes of members stand."""

from decimal import Decimal

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import InvalidParameter, NotJson

NOT_JSON = {
    "nothing": b"",
    "blank": b"  ",
    "half an object": b"{",
    "two values": b"{} {}",
    "a trailing comma": b'{"a":1,}',
    "a comment": b"{}//",
    "single quotes": b"{'a':1}",
    "a leading zero": b"01",
    "a bare point": b"1.",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-16 without a mark": "{}".encode("utf-16-le"),
    "latin-1": b'{"a":"\xfc"}',
    "an encoded surrogate": b'"\xed\xa0\x80"',
    "an escaped lone surrogate": b'"\\ud800"',
    "a low surrogate alone": b'"\\udc00"',
    "a NUL byte": b'"\x00"',
    "an escaped NUL": b'{"a":["\\u0000"]}',
    "an escaped NUL in a name": b'{"\\u0000":1}',
    "a line feed in a text": b'"a\nb"',
    "a member twice": b'{"a":1,"a":1}',
    "a member twice, once escaped": b'{"a":1,"\\u0061":2}',
    "a member twice, deep down": b'[{"x":{"a":1,"a":2}}]',
    "65 levels": b"[" * 65 + b"]" * 65,
    "65 levels of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "150,000 levels": b"[" * 150_000,
    "66 levels behind brackets in texts": b"[" * 40 + b'"]]]]]]]]",' + b"[" * 26 + b"]" * 66,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_json_is_refused_with_400(body):
    with pytest.raises(NotJson) as refusal:
        codec.decode(body)
    assert (refusal.value.http, refusal.value.code) == (400, 2000)


TOO_MUCH = {
    "an integer of 65 digits": b"1" * 65,
    "a decimal of 65 digits": b"0." + b"1" * 65,
    "5,000 digits": b"1" * 5000,
    "a negative one": b"-" + b"9" * 65,
    "a huge exponent": b"1e99999999",
    "a tiny one": b"[1.5E-65]",
    "an exponent beyond all decimals": b'{"a":1e99999999999999999999}',
    "a text of more than 64 KiB": b'"' + b"x" * (64 * 1024 + 1) + b'"',
    "the same with quotes in it": b'"' + b'\\"' * (64 * 1024 + 1) + b'"',
    "the same behind a backslash": b'["\\\\","' + b"x" * (64 * 1024 + 1) + b'"]',
    "the same in wide characters": b'"' + "é".encode() * (32 * 1024 + 1) + b'"',
    "the same behind an escaped backslash": b'["\\\\\\"","' + b"x" * (64 * 1024 + 1) + b'"]',
    "200,001 numbers": b"[1" + b",1" * 200_000 + b"]",
    "200,001 arrays": b"[" + b"[]," * 100_000 + b"[]]",
}


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_numbers_and_texts_beyond_reason_are_invalid_parameters(body):
    with pytest.raises(InvalidParameter) as refusal:
        codec.decode(body)
    assert (refusal.value.http, refusal.value.code) == (200, 2001)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"1" * 64, int("1" * 64)),
        (b"0." + b"1" * 63, Decimal("0." + "1" * 63)),
        (b"1E+10", Decimal("1E+10")),
        (b'"' + b"x" * 64 * 1024 + b'"', "x" * 64 * 1024),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"7e10 e+10 0000"', "7e10 e+10 0000"),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"' + b"[" * 100 + b'"', "[" * 100),
        (
            b'["' + b"x" * 40_000 + b'\\"","' + b"y" * 40_000 + b'"]',
            ["x" * 40_000 + '"', "y" * 40_000],
        ),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
        (b"[1" + b",1" * 199_999 + b"]", [1] * 200_000),
        (b" null ", None),
    ],
)
def test_what_only_looks_like_too_much_is_read(body, value):
    assert codec.decode(body) == value


def test_long_runs_without_quotes_are_not_taken_for_a_text(monkeypatch):
    walked = []
    monkeypatch.setattr(codec, "_atoms", lambda value: walked.append(value) or ())
    codec.decode(b'["\\\\","\\"",1' + b",1" * 50_000 + b"]")
    assert not walked


def test_64_levels_are_read():
    assert codec.decode(b"[" * 64 + b"]" * 64)


@pytest.mark.obligation("TYP-013", "MTYP-009")
@pytest.mark.parametrize(
    "number", ["0.2500", "12345678.1234", "0.1", "1.10", "12345678901234567890.123456789", "-0.0"]
)
def test_numbers_keep_every_digit(number):
    value = codec.decode(number.encode())
    assert isinstance(value, Decimal)
    assert codec.encode(value) == number.encode()


def test_decimals_add_up_as_people_expect():
    assert sum(codec.decode(b"[0.1,0.2]")) == codec.decode(b"0.3")


def test_members_and_elements_are_the_received_bytes():
    body = b' { "a" : 1.50 , "b\\u0061" : [ 1 , {"x" : null} ] ,"c":"}"} '
    assert codec.members(body) == {"a": b"1.50", "ba": b'[ 1 , {"x" : null} ]', "c": b'"}"'}
    assert codec.elements(b'[ 1.0 , {"x" : null},"," ]') == [b"1.0", b'{"x" : null}', b'","']


def test_spans_point_at_the_value_even_when_its_text_occurs_before():
    body = b'{"1":"1", "\\"b\\":2" :2,"x":[ ]}'
    found = {name: body[start:end] for name, (start, end) in codec.spans(body).items()}
    assert found == {"1": b'"1"', '"b":2': b"2", "x": b"[ ]"}
    assert codec.spans(body)["1"] == (5, 8)


def test_element_spans_point_into_the_whole_body():
    body = b'{"evses" : [ {"uid":"1"} ,{"uid":"1"}, 1 ] }'
    start, end = codec.spans(body)["evses"]
    found = codec.element_spans(body, start, end)
    assert [body[a:b] for a, b in found] == [b'{"uid":"1"}', b'{"uid":"1"}', b"1"]
    assert found[0][1] <= found[1][0]
    assert codec.element_spans(b"[ ]", 0, 3) == []


@pytest.mark.parametrize("body", [b'{"a":1,"a":1}', b'{"a":1,"b":2,"a":1}', b'{"a":2,"a":1}'])
def test_spans_refuse_members_that_occur_twice(body):
    with pytest.raises(NotJson):
        codec.spans(body)


@pytest.mark.parametrize("cut", [codec.members, codec.spans, codec.elements])
@pytest.mark.parametrize("body", [b"", b"1", b'"x"', b'{"a":', b"[1", b"\xff", b"[" * 100_000])
def test_cutting_what_is_neither_object_nor_array_is_refused(cut, body):
    with pytest.raises(NotJson):
        cut(body)


def test_a_merge_replaces_what_the_patch_has_and_null_changes_nothing():
    body = b'{"a":1.50,"name":"x","list":[1, 2]}'
    patch = b'{ "name" : null, "list":[3], "new" : 1.0 }'
    assert codec.merge(body, patch) == b'{"a":1.50,"name":"x","list":[3],"new":1.0}'


def test_names_of_members_are_escaped_when_joined():
    assert codec.join_object({'a"b': b"1", "é": b"[]"}) == '{"a\\"b":1,"é":[]}'.encode()
    assert codec.join_array([b"1", b"{}"]) == b"[1,{}]"
    assert codec.join_array([]) == b"[]"
