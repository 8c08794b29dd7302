"""What changes when a message crosses the hub, and what an answer becomes."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from ocpi_hub.ocpi.message import Ids
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.routing.rewrite import (
    PARAMETER,
    Passage,
    Relayable,
    Signer,
    Unusable,
    join,
    judge,
    origin,
    request_headers,
)
from tests.routing_world import CPO, EMSP, RECEIVER, SENDER, party

SIGNER = Signer(b"key")
ENDPOINT = CPO.endpoints[0]
HUB_URL = "https://hub.example/ocpi/2.2.1/sender/locations"
ENVELOPE = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'


def passage(*, creating: bool = False) -> Passage:
    return Passage(
        requester=EMSP.id,
        sender=party("DE-EMP"),
        party=party("NL-CPO"),
        platform=CPO,
        endpoint=ENDPOINT,
        hub_url=HUB_URL,
        target_url=ENDPOINT.url,
        creating=creating,
    )


def link(address: str) -> str | None:
    headers, _ = SIGNER.answer_headers(passage(), {"link": f'<{address}>; rel="next"'}, 6000, 6000)
    found = re.match(r'<(.*)>; rel="next"$', headers.get("Link", ""))
    return found[1] if found else None


def sealed(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))[PARAMETER]


@pytest.mark.obligation("TR-087", "ROUT-103")
@pytest.mark.parametrize(
    ("endpoint", "path", "query", "url"),
    [
        ("https://x/a/b", "NL/CPO/L%201", "", "https://x/a/b/NL/CPO/L%201"),
        ("https://x/a/b/", "START", "q=%2F&r", "https://x/a/b/START?q=%2F&r"),
        ("https://x/a", "", "", "https://x/a"),
        ("https://x/a/", "", "", "https://x/a/"),
        ("https://x/a?k=1", "L1", "q=2", "https://x/a/L1?k=1&q=2"),
        ("https://x/a?k=1", "", "", "https://x/a?k=1"),
    ],
)
def test_addresses_are_joined_by_one_slash(endpoint: str, path: str, query: str, url: str) -> None:
    assert join(endpoint, path, query) == url


def test_a_forwarded_request_shows_only_what_ocpi_defines() -> None:
    headers = request_headers("application/json", Ids("r", "c"), party("NL-CPO"), party("DE-EMP"))
    assert headers == {
        "OCPI-to-country-code": "NL",
        "OCPI-to-party-id": "CPO",
        "OCPI-from-country-code": "DE",
        "OCPI-from-party-id": "EMP",
        "X-Request-ID": "r",
        "X-Correlation-ID": "c",
        "Content-Type": "application/json",
    }


@pytest.mark.obligation("STAT-026", "STAT-028", "STAT-029", "STAT-009")
@pytest.mark.parametrize(
    ("http", "body", "code", "seen"),
    [
        (200, ENVELOPE, 1000, 200),
        (201, ENVELOPE.replace(b"1000", b"2942"), 2942, 201),
        (404, ENVELOPE.replace(b"1000", b"2004"), 2004, 404),
        (400, ENVELOPE.replace(b"1000", b"2000"), 2000, 400),
        (405, ENVELOPE.replace(b"1000", b"2000"), 2000, 405),
        (404, b"", 2000, 404),
        (404, b"<html>", 2000, 404),
        (400, b"", 4000, 200),
        (200, b"<html>", 4000, 200),
        (200, b"", 4000, 200),
        (200, b"[]", 4000, 200),
        (204, b"", 4000, 200),
        (302, ENVELOPE, 4000, 200),
        (500, ENVELOPE, 4000, 200),
        (502, b"bad gateway", 4000, 200),
        (429, ENVELOPE, 4000, 200),
        (401, ENVELOPE, 4003, 200),
        (403, b"", 4003, 200),
    ],
)
def test_every_answer_of_a_receiver_becomes_one_of_the_hub(
    http: int, body: bytes, code: int, seen: int
) -> None:
    verdict = judge(http, body)
    assert verdict.code == code
    if isinstance(verdict, Unusable):
        assert verdict.error.http == seen
        assert verdict.alert == (http in {401, 403})
    else:
        assert isinstance(verdict, Relayable)
        assert http == seen


@pytest.mark.obligation("ROUT-502", "ROUT-505", "ROUT-507")
@pytest.mark.parametrize(
    ("given", "reached"),
    [
        (ENDPOINT.url + "?cursor=a%2Fb&offset=10", ENDPOINT.url + "?cursor=a%2Fb&offset=10"),
        ("?offset=2", ENDPOINT.url + "?offset=2"),
        ("/elsewhere;v=1?x=%C3%A9#part", "https://cpo.example/elsewhere;v=1?x=%C3%A9"),
        ("https://CPO.example:443/up", "https://CPO.example:443/up"),
    ],
)
def test_a_link_reaches_what_the_partner_meant(given: str, reached: str) -> None:
    url = link(given)
    assert url is not None
    assert url.startswith(HUB_URL + "?")
    led = SIGNER.follow(sealed(url), EMSP.id, "locations", SENDER, 0)
    assert (led.sender, led.party) == (party("DE-EMP"), party("NL-CPO"))
    assert led.url(CPO, ENDPOINT) == reached


def test_paging_stays_readable_in_a_link() -> None:
    url = link(ENDPOINT.url + "?offset=5&limit=5&date_from=2026-01-01T00:00:00Z&cursor=x")
    assert dict(parse_qsl(urlsplit(url or "").query)).keys() == {
        "offset", "limit", "date_from", PARAMETER,
    }  # fmt: skip


@pytest.mark.obligation("ROUT-508", "ROUT-507")
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "http://cpo.example/x",
        "https://cpo.example:8443/x",
        "https://user@cpo.example/x",
        "https://cpo.example@evil.example/x",
        "//evil.example/x",
        "javascript:alert(1)",
        "https://[::1/x",
        "https://cpo.example:99999/x",
        "/with blank",
        "/umläut",
        "/" + "x" * 5000,
    ],
)
def test_links_that_lead_elsewhere_are_dropped_and_noted(address: str) -> None:
    headers, findings = SIGNER.answer_headers(
        passage(), {"link": f'<{address}>; rel="next"', "x-limit": "5"}, 6000, 6000
    )
    assert headers == {"X-Limit": "5"}
    assert findings


@pytest.mark.obligation("ROUT-503", "ROUT-505", "ROUT-508")
def test_a_link_is_good_for_its_reader_its_interface_and_its_time() -> None:
    seal = sealed(link("?offset=2") or "")
    for reader, module, role in (
        (CPO.id, "locations", SENDER),
        (EMSP.id, "tariffs", SENDER),
        (EMSP.id, "locations", RECEIVER),
    ):
        with pytest.raises(NoSuchResource):
            SIGNER.follow(seal, reader, module, role, 0)
    with pytest.raises(NoSuchResource):
        Signer(b"other").follow(seal, EMSP.id, "locations", SENDER, 0)
    for broken in ("", "x", "%%%", seal[:-2], seal + "AA", "é"):
        with pytest.raises(NoSuchResource):
            SIGNER.follow(broken, EMSP.id, "locations", SENDER, 0)
    with pytest.raises(InvalidParameter):
        SIGNER.follow(seal, EMSP.id, "locations", SENDER, 6001)
    moved = SIGNER.follow(
        sealed(link("https://cpo.example/other") or ""), EMSP.id, "locations", SENDER, 0
    )
    with pytest.raises(NoSuchResource):
        moved.url(EMSP, EMSP.endpoints[0])


@pytest.mark.obligation("ROUT-506", "CDR-027")
def test_a_location_is_rewritten_only_where_something_was_created() -> None:
    answered = {"location": "/cdrs/77?x=1", "x-total-count": "3"}
    headers, _ = SIGNER.answer_headers(passage(creating=True), answered, 6000, 6000)
    assert headers["Location"].startswith(f"{HUB_URL}/77?{PARAMETER}=")
    assert headers["X-Total-Count"] == "3"
    led = SIGNER.follow(sealed(headers["Location"]), EMSP.id, "locations", SENDER, 0)
    assert led.url(CPO, ENDPOINT) == "https://cpo.example/cdrs/77?x=1"
    assert "Location" not in SIGNER.answer_headers(passage(), answered, 6000, 6000)[0]


@pytest.mark.obligation("TYP-014")
def test_an_ordinary_stand_in_is_a_short_address() -> None:
    long_id = PlatformId("f66d9c5e-0f6c-4f4a-9b8a-2f6f1d9a3c11")
    assert long_id not in (link("?offset=2") or "")
    assert len(link(ENDPOINT.url + "?offset=200&limit=100") or "") <= 255


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://A.example/x") == ("https", "a.example", 443)
    assert origin("http://a.example:81") == ("http", "a.example", 81)
    assert origin("ftp://a.example") is None
