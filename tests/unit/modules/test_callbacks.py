"""Where a response_url stands, how it is replaced, and how long its stand-in lives."""

from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.callbacks import (
    MARGIN,
    announced,
    body_with,
    in_body,
    in_query,
    lifetime,
    query_with,
)
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import InvalidParameter

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HUB = "https://hub.example/ocpi/2.2.1/sender/commands/START_SESSION/u1"
ENCODED = "https%3A%2F%2Fhub.example%2Focpi%2F2.2.1%2Fsender%2Fcommands%2FSTART_SESSION%2Fu1"


@pytest.mark.obligation("ROUT-601")
@pytest.mark.parametrize(
    "body",
    [
        b'{"response_url":"https://m.example/1"}',
        b'{ "a" : {"response_url":"x"},\n"response_url" :  "https:\\/\\/m.example\\/1" ,"n":1.50}',
        b'{"response\\u005furl":"https://m.example/1","z":null}',
    ],
)
def test_only_the_value_changes_in_a_body(body: bytes) -> None:
    spot = in_body(body, codec.decode(body))
    assert spot.url == "https://m.example/1"
    changed = body_with(body, spot, HUB)
    assert changed == body[: spot.start] + b'"' + HUB.encode() + b'"' + body[spot.end :]
    assert codec.decode(changed)["response_url"] == HUB


@pytest.mark.obligation("ROUT-616")
@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"response_url":null}', b'{"response_url":7}'])
def test_a_body_without_response_url_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match="response_url: required"):
        in_body(body, codec.decode(body))


@pytest.mark.obligation("ROUT-612", "CHP-009")
@pytest.mark.parametrize(
    ("query", "url", "sent"),
    [
        ("response_url=https://m.example/1", "https://m.example/1", "response_url={}"),
        (
            "duration=9&response_url=https%3A%2F%2Fm.example%2F1%3Fa%3D1%26b%3D2&c=3",
            "https://m.example/1?a=1&b=2",
            "duration=9&response_url={}&c=3",
        ),
        (
            "duration=9&response_url=https://m.example/1?a%3D1%26b%3D2&c=3",
            "https://m.example/1?a=1&b=2",
            "duration=9&response_url={}&c=3",
        ),
        (
            "response_url=https://m.example/1?a=1&b=x%2Fy&duration=9&c=3",
            "https://m.example/1?a=1&b=x%2Fy",
            "response_url={}&duration=9&c=3",
        ),
        (
            "duration=9&response_url=https://m.example/1?a=1&b=2",
            "https://m.example/1?a=1&b=2",
            "duration=9&response_url={}",
        ),
        ("response%5Furl=https://m.example/1+2", "https://m.example/1+2", "response%5Furl={}"),
    ],
)
def test_a_query_is_understood_encoded_or_not(query: str, url: str, sent: str) -> None:
    spot = in_query(query)
    assert spot.url == url
    assert query_with(query, spot, HUB) == sent.format(ENCODED)


@pytest.mark.obligation("ROUT-616", "CHP-007")
@pytest.mark.parametrize(
    "query", ["", "duration=900", "response_url=a&response_url=b", "xresponse_url=a"]
)
def test_a_query_without_one_response_url_is_refused(query: str) -> None:
    with pytest.raises(InvalidParameter, match="response_url: required"):
        in_query(query)


def test_one_without_value_is_empty() -> None:
    assert in_query("response_url").url == in_query("response_url=&duration=1").url == ""


@pytest.mark.obligation("ROUT-605", "CMD-018", "CMD-049")
def test_a_stand_in_lives_as_long_as_a_result_may_come() -> None:
    assert lifetime({}, NOW) == lifetime([], NOW) == NOW + MARGIN
    for odd in ("soon", 7, "2025-01-01T00:00:00Z"):
        assert lifetime({"expiry_date": odd}, NOW) == NOW + MARGIN
    until = datetime(2026, 3, 1, tzinfo=UTC)
    assert lifetime({"expiry_date": "2026-03-01T00:00:00Z"}, NOW) == until + MARGIN
    assert lifetime({"expiry_date": "9999-01-01T00:00:00Z"}, NOW) < NOW + timedelta(days=500)


@pytest.mark.obligation("CMD-049")
def test_an_announced_time_counts_when_it_is_one() -> None:
    answer = b'{"data":{"result":"ACCEPTED","timeout":864000},"status_code":1000}'
    assert announced(answer, NOW) == NOW + timedelta(days=10) + MARGIN
    for odd in (
        b'{"data":{"timeout":-1}}',
        b'{"data":{"timeout":"9"}}',
        b'{"data":[]}',
        b"[]",
        b"<",
    ):
        assert announced(odd, NOW) == NOW
    assert announced(b'{"data":{"timeout":%d}}' % 10**20, NOW) == NOW
