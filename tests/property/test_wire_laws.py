"""Laws of the wire: what is written is read, what is cut can be joined, nothing else is raised."""

import contextlib
import json
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.ocpi import codec, message, paging, token
from ocpi_hub.ocpi.primitives import (
    InterfaceRole,
    PartyRef,
    fold,
    format_datetime,
    parse_datetime,
)
from ocpi_hub.ocpi.spec import match
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.credentials import Credentials
from ocpi_hub.ocpi.v2_2_1.locations import EvsePatch, Location

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
decimals = st.decimals(-(10**12), 10**12, places=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**60), 10**60) | decimals | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=5)
blanks = st.text(" \t\r\n", max_size=3)
moments = st.datetimes(timezones=st.just(parse_datetime("2026-01-01T00:00:00Z").tzinfo))
tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
countries = st.from_regex("[A-Za-z]{2}", fullmatch=True)
party_ids = st.from_regex("[A-Za-z0-9]{3}", fullmatch=True)
parties = st.builds(PartyRef, countries, party_ids)


def same(left, right):
    """Equal in value and in every digit."""
    return left == right and repr(left) == repr(right)


def spread(draw, value):
    """JSON of a value with blanks wherever they may stand, some texts escaped."""
    gap = draw(blanks)
    if isinstance(value, dict):
        members = (
            f"{draw(blanks)}{json.dumps(k, ensure_ascii=draw(st.booleans()))}{gap}:"
            f"{spread(draw, v)}"
            for k, v in value.items()
        )
        return f"{gap}{{{','.join(members)}{draw(blanks)}}}{gap}"
    if isinstance(value, list):
        return f"{gap}[{','.join(spread(draw, v) for v in value)}{draw(blanks)}]{gap}"
    if isinstance(value, Decimal):
        return f"{gap}{value}{gap}"
    return f"{gap}{json.dumps(value, ensure_ascii=draw(st.booleans()))}{gap}"


@st.composite
def spread_objects(draw):
    value = draw(objects)
    return value, spread(draw, value).encode()


@st.composite
def spread_lists(draw):
    value = draw(st.lists(values, max_size=5))
    return value, spread(draw, value).encode()


@given(values)
def test_decoding_undoes_encoding_to_the_last_digit(value):
    assert same(codec.decode(codec.encode(value)), value)


@given(spread_objects())
def test_members_are_the_bytes_that_stand_in_the_body(pair):
    value, body = pair
    assert same(codec.decode(body), value)
    parts = codec.members(body)
    spans = codec.spans(body)
    assert list(parts) == list(spans) == list(value)
    assert all(body[start:end] == parts[name] for name, (start, end) in spans.items())
    assert all(same(codec.decode(raw), value[name]) for name, raw in parts.items())
    assert same(codec.decode(codec.join_object(parts)), value)


@given(spread_objects())
def test_cutting_every_member_out_leaves_only_names_and_signs(pair):
    value, body = pair
    skeleton, last = b"", 0
    for start, end in codec.spans(body).values():
        assert last <= start < end
        skeleton, last = skeleton + body[last:start] + b"0", end
    assert codec.decode(skeleton + body[last:]) == dict.fromkeys(value, 0)


@given(spread_lists(), blanks)
def test_elements_are_the_bytes_that_stand_in_the_body(pair, gap):
    value, array = pair
    body = b'{"evses"' + gap.encode() + b":" + array + b"}"
    start, end = codec.spans(body)["evses"]
    parts = codec.elements(body[start:end])
    spans = codec.element_spans(body, start, end)
    assert [body[a:b] for a, b in spans] == parts
    assert all(a < b <= end for a, b in spans)
    assert same([codec.decode(part) for part in parts], value)
    assert same(codec.decode(codec.join_array(parts)), value)


@given(objects, objects)
def test_a_merge_is_the_merge_of_the_values_without_nulls(body, patch):
    merged = codec.decode(codec.merge(codec.encode(body), codec.encode(patch)))
    assert same(merged, body | {k: v for k, v in patch.items() if v is not None})


@given(values, st.integers(1000, 4999), st.none() | texts, moments)
def test_an_envelope_holds_what_was_put_in(data, code, text, at):
    body = message.envelope(at, data=codec.encode(data), code=code, message=text)
    value = codec.decode(body)
    assert same(value.pop("data"), data)
    assert value.pop("status_code") == message.status_of(body) == code
    assert value.pop("status_message", None) == text
    assert value == {"timestamp": format_datetime(at)}


@given(moments)
def test_times_are_read_as_they_are_written(at):
    text = format_datetime(at)
    assert text.endswith("Z")
    assert len(text) <= 25
    assert parse_datetime(text) == parse_datetime(text[:-1])
    assert 0 <= (at - parse_datetime(text)).total_seconds() < 0.001


@given(tokens)
def test_a_token_comes_back_from_its_header(text):
    assert token.acceptable(text)
    assert token.candidates(token.authorization(text))[0] == text
    assert text in token.candidates(token.authorization(text, raw=True))


@given(st.none() | parties, st.none() | parties, st.sampled_from([str, str.lower, str.upper]))
def test_pairs_come_back_from_their_headers(to, sender, spell):
    headers = {spell(n): v for n, v in message.routing_headers(to, sender).items()}
    assert message.read_routing(headers) == message.Routing(to, sender)


@given(parties)
def test_a_party_is_the_same_in_any_case(party):
    other = PartyRef(party.country_code.swapcase(), party.party_id.swapcase())
    assert party == other
    assert hash(party) == hash(other)
    assert fold(party.party_id) == fold(other.party_id)


@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4),
    st.integers(0, 10**9),
    st.integers(1, 10**6),
)
def test_the_next_page_is_asked_for_with_the_same_filters(params, offset, limit):
    with_page = [*params, ("offset", "3"), ("limit", "4")]
    url = paging.next_url(paging.next_link("https://h.example/a/b", with_page, offset, limit))
    assert url is not None
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    kept = [pair for pair in params if pair[0] not in ("offset", "limit")]
    assert query == [*kept, ("offset", str(offset)), ("limit", str(limit))]


@given(st.binary(max_size=200) | st.text('[]{}":,0eE.-\\u \n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body):
    for read in (codec.decode, codec.members, codec.elements, codec.spans):
        with contextlib.suppress(OcpiError):
            read(body)
    with contextlib.suppress(OcpiError):
        codec.element_spans(body, 0, len(body))
    with contextlib.suppress(OcpiError):
        codec.merge(body, body)
    assert message.status_of(body) is None or message.status_of(body) in range(1000, 10000)


@given(st.binary(max_size=100) | spread_objects().map(lambda pair: pair[1]))
def test_what_was_decoded_as_an_object_can_be_cut(body):
    try:
        value = codec.decode(body)
    except OcpiError:
        return
    if isinstance(value, dict):
        assert list(codec.members(body)) == list(codec.spans(body)) == list(value)


names = st.sampled_from([
    "OCPI-to-country-code", "ocpi-to-party-id", "OCPI-FROM-COUNTRY-CODE", "OCPI-from-party-id",
    "X-Request-ID", "X-Correlation-ID",
])  # fmt: skip


@given(st.dictionaries(names, st.text(max_size=70) | countries | party_ids, max_size=6))
def test_any_headers_are_read_or_refused(headers):
    with contextlib.suppress(OcpiError):
        message.read_routing(headers)
    ids, findings = message.read_ids(headers, lambda: "fresh")
    assert all(0 < len(text) <= 64 for text in (ids.request_id, ids.correlation_id))
    assert len(findings) <= 2


@given(st.text(max_size=120) | st.text(max_size=90).map("Token {}".format))
def test_any_authorization_is_read_or_refused(header):
    with contextlib.suppress(OcpiError):
        assert all(map(token.acceptable, token.candidates(header)))


params = st.sampled_from(["date_from", "date_to", "offset", "limit", "x"])


@given(st.dictionaries(params, st.text(max_size=30) | st.text("0123456789-:.TZ+", max_size=25)))
def test_any_query_is_read_or_refused(query):
    with contextlib.suppress(OcpiError):
        found = paging.read_query(query)
        assert found.offset >= 0
        assert found.limit is None or found.limit >= 1


@given(st.text(max_size=80) | st.text('<>;,="relnxt hps:/', max_size=80))
def test_any_link_is_read(header):
    url = paging.next_url(header)
    assert url is None or url in header


@given(
    st.sampled_from(sorted(MODULES)),
    st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "X"]),
    st.lists(st.text(max_size=6) | st.just("authorize"), max_size=6),
)
def test_any_path_is_matched_or_refused(module, method, segments):
    for role in InterfaceRole:
        side = MODULES[module].interface(role)
        if side is not None:
            with contextlib.suppress(OcpiError):
                found = match(side, method, segments)
                assert found.route.method == method
                assert [part.raw for part in found.parameters.values()] == [
                    raw
                    for raw, name in zip(segments, found.route.path, strict=False)
                    if raw and name.startswith("{")
                ]


@given(values | st.dictionaries(st.sampled_from(sorted(Location.model_fields)), values))
def test_any_value_is_validated_or_refused(value):
    for model in (Location, EvsePatch, Credentials):
        with contextlib.suppress(OcpiError):
            validate(model, value)
