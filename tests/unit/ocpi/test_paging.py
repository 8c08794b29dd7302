"""Windows, pages and next links."""

from datetime import UTC, datetime

import pytest
from multidict import MultiDict

from ocpi_hub.ocpi import paging
from ocpi_hub.ocpi.status import InvalidParameter


def test_a_bare_query_starts_at_0_without_a_limit():
    assert paging.read_query({}) == paging.Query(None, None, 0, None)


@pytest.mark.obligation("PAG-019", "TYP-009")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-01-28T12:00:00Z", datetime(2019, 1, 28, 12, tzinfo=UTC)),
        ("2019-01-28T12:00:00", datetime(2019, 1, 28, 12, tzinfo=UTC)),
        ("2019-01-28T12:00:00.5Z", datetime(2019, 1, 28, 12, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_dates_are_read_with_and_without_zone_and_fraction(text, moment):
    assert paging.read_query({"date_from": text, "date_to": text}) == paging.Query(
        moment, moment, 0, None
    )


@pytest.mark.obligation("PAG-017", "TYP-011")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "abc"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1.0"),
        ("limit", ""),
        ("limit", "٣"),
        ("limit", " 1"),
        ("limit", "1" * 13),
        ("offset", "-1"),
        ("offset", "+1"),
        ("offset", "1_0"),
        ("offset", "0x1"),
        ("date_from", "yesterday"),
        ("date_from", "2019-01-28"),
        ("date_from", ""),
        ("date_to", "2019-01-28T12:00:00+01:00"),
        ("date_to", "2019-01-28T12:00:00+00:00"),
        ("date_to", "2019-01-28 12:00:00"),
        ("date_to", "2019-01-28t12:00:00z"),
        ("date_to", "2019-02-30T12:00:00Z"),
        ("date_to", "2019-01-28T25:00:00Z"),
    ],
)
def test_bad_parameters_are_invalid_and_named(name, value):
    with pytest.raises(InvalidParameter, match=name):
        paging.read_query({name: value})


def test_a_parameter_given_twice_is_invalid():
    with pytest.raises(InvalidParameter, match="offset"):
        paging.read_query(MultiDict([("offset", "1"), ("offset", "2")]))


@pytest.mark.obligation("PAG-008")
def test_the_next_link_keeps_filters_and_replaces_the_page():
    link = paging.next_link(
        "https://hub.example/ocpi/2.2.1/sender/locations",
        [("date_from", "2019-01-28T12:00:00Z"), ("offset", "0"), ("limit", "5"), ("x", "a&b")],
        offset=5,
        limit=5,
    )
    assert link == (
        "<https://hub.example/ocpi/2.2.1/sender/locations"
        '?date_from=2019-01-28T12%3A00%3A00Z&x=a%26b&offset=5&limit=5>; rel="next"'
    )


def test_a_url_with_a_query_gets_more_of_it():
    assert (
        paging.next_link("https://h/x?a=1", [], 1, 2)
        == '<https://h/x?a=1&offset=1&limit=2>; rel="next"'
    )


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://a/b?offset=5>; rel="next"', "https://a/b?offset=5"),
        ("<https://a/b>;rel=next", "https://a/b"),
        ('<https://a/b> ; REL = "NEXT"', "https://a/b"),
        ('<https://a/0>; rel="prev", <https://a/1,2;3>; rel="next"', "https://a/1,2;3"),
        ('<https://a/b>; title="x"; rel="last next"', "https://a/b"),
        ('< https://a/b >; rel="next"', "https://a/b"),
        ('<https://a/b>; rel="prev"', None),
        ('<https://a/b>; rel="nextish"', None),
        ("<https://a/b>", None),
        ('<>; rel="next"', None),
        ("https://a/b; rel=next", None),
        ("", None),
        (None, None),
    ],
)
def test_the_next_address_is_found_in_whatever_partners_send(header, url):
    assert paging.next_url(header) == url
