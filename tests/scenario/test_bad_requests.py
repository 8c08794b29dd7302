"""What partners should never send: each gets its answer, nothing is stored, the hub goes on.

Requests are written by hand, byte for byte, as no client library would send most of them.
"""

import asyncio
import gzip
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from tests.build import a_location, an_evse, as_bytes
from tests.fake_partner import FakePartner
from tests.hub import Hub, running_house

PATH = b"/ocpi/2.2.1/receiver/locations/NL/CPO/LOC1"
ROUTING = {
    "OCPI-from-country-code": "NL",
    "OCPI-from-party-id": "CPO",
    "OCPI-to-country-code": "NL",
    "OCPI-to-party-id": "HUB",
}
IDS = {"X-Request-ID": "r1", "X-Correlation-ID": "c1"}
UNREAD = (b"no HTTP: ", b"the address is too long")  # the headers were not
NO_ENVELOPE = None  # the HTTP server refuses what is no HTTP before anybody reads it as OCPI
LARGEST = 64 * 1024


@dataclass(frozen=True)
class Told:
    """An answer off the wire."""

    http: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> int | None:
        if self.headers.get("content-type") != "application/json":
            return NO_ENVELOPE
        return int(codec.decode(self.body)["status_code"])  # type: ignore[index] # an object


class Wire:
    """Speaks to the hub over sockets of its own, as NL-CPO."""

    def __init__(self, hub: Hub, cpo: FakePartner) -> None:
        self.port = int(hub.url.rpartition(":")[2])
        self.headers = {
            "Host": "hub",
            "Authorization": f"Token {b64encode(cpo.known_peer.token.encode()).decode()}",
            **ROUTING,
            **IDS,
        }

    def put(
        self,
        body: bytes = b"",
        *more: bytes,
        method: bytes = b"PUT",
        path: bytes = PATH,
        length: bool = True,
        **changed: str | None,
    ) -> bytes:
        """A request; `more` are header lines as they are, `changed` replaces or removes headers."""
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        headers = {name: value for name, value in (self.headers | named).items() if value}
        if length:
            headers["Content-Length"] = str(len(body))
        lines = [f"{name}: {value}".encode() for name, value in headers.items()] + list(more)
        return b"\r\n".join([method + b" " + path + b" HTTP/1.1", *lines, b"", body])

    async def say(self, *parts: bytes, pause_s: float = 0) -> Told:
        """Send the parts; the answer. Raises TimeoutError when the hub leaves us without one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(10):
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(pause_s)
                return await _answer(reader)
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> Told:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(headers.get("content-length", "0"))
    types = headers.get("content-type", "").partition(";")[0]
    body = await reader.readexactly(length)
    return Told(int(status.split()[1]), headers | {"content-type": types}, body)


@pytest.fixture
async def hub(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr("ocpi_hub.bootstrap.IDLE_S", 1.0)
    limits = {"body_timeout_s": 0.5, "max_body": LARGEST, "failed_tokens_per_min": 0}
    async with running_house(database_url, server=limits) as running:
        yield running


@pytest.fixture
def wire(hub: Hub, cpo: FakePartner) -> Wire:
    return Wire(hub, cpo)


Table = dict[str, tuple[bytes, int, int | None]]


async def check(wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner, table: Table) -> None:
    """Each row gets its answer with its ids; the hub is well after each; nobody heard of any."""
    told = {name: await _one(wire, hub, cpo, request) for name, (request, _, _) in table.items()}
    answered = {name: (answer.http, answer.code) for name, answer in told.items()}
    assert answered == {name: (http, code) for name, (_, http, code) in table.items()}
    for name, answer in told.items():
        if answer.code is not NO_ENVELOPE:
            repeated = [answer.headers[each] for each in ("x-request-id", "x-correlation-id")]
            unread = any(each in answer.body for each in UNREAD)
            assert repeated == ["r1", "c1"] or unread, name
            assert codec.decode(answer.body)["timestamp"], name  # type: ignore[index] # an object
    await nothing_came_of_it(cpo, emsp)


async def _one(wire: Wire, hub: Hub, cpo: FakePartner, request: bytes) -> Told:
    answer = await wire.say(request)
    assert (await cpo.call("GET", hub.versions_url)).code == 1000
    return answer


async def nothing_came_of_it(cpo: FakePartner, emsp: FakePartner) -> None:
    """What is pushed now is the first that anybody hears of, and all that is in the store."""
    await cpo.put(a_location(id="AFTER"))
    await emsp.received("locations.receiver")
    assert [each.segments for each in emsp.record.of("locations")] == [("NL", "CPO", "AFTER")]
    listed = await emsp.get("locations")
    assert [each["id"] for each in listed.data] == ["AFTER"]


@pytest.mark.obligation(
    "STAT-001", "STAT-002", "STAT-007", "STAT-013", "STAT-014", "TR-036", "TR-055", "TR-060",
    "TR-064", "TR-071", "TR-072", "ROUT-216",
)  # fmt: skip
async def test_bodies_that_are_none(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    good = as_bytes(a_location())
    bodies: dict[str, tuple[bytes, int, int]] = {
        "empty": (b"", 400, 2000),
        "blank": (b" \r\n", 400, 2000),
        "half": (good[:-10], 400, 2000),
        "two": (good + good, 400, 2000),
        "a list": (b"[]", 200, 2001),
        "null": (b"null", 200, 2001),
        "text": (b'"LOC1"', 200, 2001),
        "a number": (b"1", 200, 2001),
        "no UTF-8": (good.replace(b"Utrecht", b"Utr\xe9cht"), 400, 2000),
        "UTF-16": (good.decode().encode("utf-16"), 400, 2000),
        "a byte order mark": (b"\xef\xbb\xbf" + good, 400, 2000),
        "a NUL": (good.replace(b"Utrecht", b"Utr\\u0000cht"), 400, 2000),
        "a lone surrogate": (good.replace(b"Utrecht", b"Utr\\ud800cht"), 400, 2000),
        "a key twice": (good.replace(b'"city"', b'"name"'), 400, 2000),
        "NaN": (good.replace(b"920", b"NaN"), 400, 2000),
        "infinity": (good.replace(b"920", b"-Infinity"), 400, 2000),
        "deep": (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", 400, 2000),
        "very deep": (b"[" * 60_000, 400, 2000),
        "a long number": (good.replace(b"920", b"9" * 65), 200, 2001),
        "a tiny long number": (good.replace(b"920", b"1e999999999"), 200, 2001),
        "too large": (good + b" " * LARGEST, 413, 2000),
        "XML": (b"<location/>", 400, 2000),
        "a form": (b"id=LOC1", 400, 2000),
    }
    table: Table = {name: (wire.put(body), *told) for name, (body, *told) in bodies.items()}  # type: ignore[misc] # two numbers
    table["none at all"] = (wire.put(length=False), 400, 2000)
    await check(wire, hub, cpo, emsp, table)


@pytest.mark.obligation("TR-036", "TR-039", "TR-054", "STAT-002", "STAT-014", "ROUT-216")
async def test_objects_that_break_the_rules(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    members: dict[str, dict[str, Any]] = {
        "an id of another kind": {"id": 5},
        "a long id": {"id": "x" * 37},
        "an id beyond ASCII": {"id": "Straße"},
        "no time": {"last_updated": None},
        "a time in words": {"last_updated": "yesterday"},
        "no such month": {"last_updated": "2026-13-01T00:00:00Z"},
        "no such day": {"last_updated": "2026-02-30T00:00:00Z"},
        "a day alone": {"last_updated": "2026-02-01"},
        "a number for a time": {"last_updated": 1769904000},
        "a time zone": {"last_updated": "2026-02-01T00:00:00+02:00"},
        "no publish": {"publish": None},
        "publish in words": {"publish": "yes"},
        "no coordinates": {"coordinates": None},
        "coordinates as numbers": {"coordinates": {"latitude": 52.1, "longitude": 5.1}},
        "coordinates in words": {"coordinates": {"latitude": "north", "longitude": "east"}},
        "EVSEs as an object": {"evses": {}},
        "an EVSE of nothing": {"evses": [{}]},
        "an EVSE twice": {"evses": [an_evse("E1"), an_evse("e1")]},
        "an EVSE without connectors": {"evses": [an_evse("E1", connectors=0)]},
        "a long city": {"city": "x" * 46},
        "another owner": {"party_id": "CP2"},
    }
    table: Table = {}
    for name, these in members.items():
        path = PATH.replace(b"LOC1", quote(str(these.get("id", "LOC1"))).encode())
        table[name] = (wire.put(as_bytes(a_location() | these), path=path), 200, 2001)
    for name, body in {"of nothing": b"{}", "without a time": b'{"name":"x"}'}.items():
        table[f"a PATCH {name}"] = (wire.put(body, method=b"PATCH"), 200, 2001)
    await check(wire, hub, cpo, emsp, table)


@pytest.mark.obligation("TR-064")
async def test_bodies_that_are_packed(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    good = as_bytes(a_location())
    packed, bomb = gzip.compress(good), gzip.compress(b" " * 50_000_000)
    assert len(bomb) < LARGEST
    rows: dict[str, tuple[bytes, str, int, int | None]] = {
        "a bomb": (bomb, "gzip", 413, 2000),
        "not packed at all": (good, "gzip", 400, 2000),
        "packed but cut": (packed[:-40], "gzip", 400, 2000),
        "packed and more": (packed + b"more", "gzip", 400, 2000),
        "packed twice": (gzip.compress(packed), "gzip, gzip", 415, 2000),
        "an unknown way": (good, "lzw", 415, 2000),
        "a way that the server knows but cannot": (good, "br", 415, 2000),
    }
    table: Table = {
        name: (wire.put(body, Content_Encoding=encoding), http, code)
        for name, (body, encoding, http, code) in rows.items()
    }
    table["no UTF-8"] = wire.put(good, b"Content-Encoding: gzip\xff"), 415, 2000
    await check(wire, hub, cpo, emsp, table)
    told = await wire.say(wire.put(packed, Content_Encoding="gzip"))
    assert (told.http, told.code) == (201, 1000)
    (push,) = await emsp.received("locations.receiver", where=lambda got: got.segments[2] == "LOC1")
    assert push.body == good


@pytest.mark.obligation("TR-003", "TR-012", "TR-064", "TR-071", "ROUT-005", "ROUT-303")
async def test_headers_that_are_wrong_odd_doubled_or_too_many(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    good = as_bytes(a_location())

    def put(*lines: bytes, **changes: str | None) -> bytes:
        return wire.put(good, *lines, **changes)

    table: Table = {
        "no token": (put(Authorization=None), 401, 2000),
        "an unknown token": (put(Authorization="Token bm9wZQ=="), 401, 2000),
        "half a token": (put(Authorization=wire.headers["Authorization"][:-6]), 401, 2000),
        "another scheme": (put(Authorization="Basic bm9wZQ=="), 401, 2000),
        "a token of no text": (put(Authorization="Token /w=="), 401, 2000),
        "a wrong token first": (put(Authorization="Token eA==, " + "x" * 100), 401, 2000),
        "half a pair": (put(OCPI_to_party_id=None), 200, 2001),
        "the other half": (put(OCPI_from_country_code=None), 200, 2001),
        "a blank": (put(b"OCPI-to-party-id: ", OCPI_to_party_id=None), 200, 2001),
        "a long party": (put(OCPI_to_party_id="HUBB"), 200, 2001),
        "a country of three": (put(OCPI_from_country_code="NLD"), 200, 2001),
        "a party twice": (put(b"OCPI-to-party-id: EM1"), 200, 2001),
        "two parties in one": (put(OCPI_to_party_id="HUB, EM1"), 200, 2001),
        "a party beyond ASCII": (
            put(b"OCPI-to-party-id: H\xfcB", OCPI_to_party_id=None), 200, 2001,
        ),
        "somebody else": (put(OCPI_from_party_id="EM1"), 200, 2001),
        "too many headers": (put(*(b"X-%d: x" % n for n in range(200))), 431, 2000),
        "a long header": (put(b"X-Long: " + b"x" * 9000), 431, 2000),
        "a NUL": (put(b"X-Odd: a\0b"), 400, 2000),
        "no colon": (put(b"odd"), 400, 2000),
        "a space before the colon": (put(b"X-Odd : a"), 400, 2000),
        "a folded line": (put(b"X-Odd: a\r\n b"), 400, 2000),
        "two lengths": (put(b"Content-Length: 5"), 400, 2000),
        "a length and chunks": (put(b"Transfer-Encoding: chunked"), 400, 2000),
        "an odd coding": (
            wire.put(b"", b"Transfer-Encoding: chunked, x", length=False), 400, 2000,
        ),
        "a negative length": (
            wire.put(b"", b"Content-Length: -5", length=False), 400, 2000,
        ),
        "a huge length": (
            wire.put(b"{", b"Content-Length: 99999999999", length=False), 413, 2000,
        ),
        "broken chunks": (
            wire.put(b"ZZ\r\n{}\r\n", b"Transfer-Encoding: chunked", length=False),
            400, 2000,
        ),
        "an odd expectation": (put(b"Expect: a-miracle"), 417, 2000),
    }  # fmt: skip
    await check(wire, hub, cpo, emsp, table)


@pytest.mark.obligation("TR-013", "TR-031", "TR-032", "TR-075", "TR-088")
async def test_headers_that_are_odd_but_say_what_is_meant(
    wire: Wire, cpo: FakePartner, emsp: FakePartner
) -> None:
    odd = {
        "in capitals": wire.put(b"{}", OCPI_TO_PARTY_ID="hub", OCPI_to_party_id=None),
        "an unusable id": wire.put(b"{}", X_Request_ID="r" * 65),
        "an id beyond ASCII": wire.put(b"{}", b"X-Request-ID: \xff", X_Request_ID=None),
        "no ids": wire.put(b"{}", X_Request_ID=None, X_Correlation_ID=None),
        "another type": wire.put(b"{}", Content_Type="text/plain"),
        "a cookie": wire.put(b"{}", Cookie="a=b"),
        "a hundred": wire.put(b"{}", *(b"X-%d: x" % n for n in range(100))),
        "a slash behind": wire.put(b"{}", path=PATH + b"/"),
        "an address in full": wire.put(b"{}", path=b"http://elsewhere.example" + PATH),
        "an upgrade": wire.put(b"{}", Connection="Upgrade", Upgrade="h2c"),
    }
    for name, request in odd.items():
        told = await wire.say(request.replace(b"{}", as_bytes(a_location())).replace(
            b"Content-Length: 2\r\n", b"Content-Length: %d\r\n" % len(as_bytes(a_location()))
        ))  # fmt: skip
        assert told.code == 1000, name
        assert told.headers["x-request-id"], name
    await emsp.received("locations.receiver")
    assert len(emsp.record.of("locations")) == 1  # the others said nothing new


@pytest.mark.obligation("STAT-030", "TR-033", "TR-051", "TR-064", "ROUT-803")
async def test_addresses_that_lead_nowhere(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    good = as_bytes(a_location())
    receiver = b"/ocpi/2.2.1/receiver/locations"
    rows: dict[bytes, tuple[int, int | None]] = {
        b"/ocpi": (404, 2000),
        b"/ocpi/2.2.1/receiver": (404, 2000),
        b"/ocpi/2.2.1/receiver/nosuch": (404, 2000),
        b"/ocpi/9.9/receiver/locations/NL/CPO/LOC1": (404, 2000),
        receiver: (404, 2000),
        receiver + b"/NL/CPO": (404, 2000),
        receiver + b"/NL/CPO/LOC1/E1/1/x": (404, 2000),
        receiver + b"/NL/CPO//E1": (404, 2000),
        receiver + b"/NL/CPO/%2e%2e": (404, 2000),
        receiver + b"/NL/CPO/LOC1%00": (404, 2000),
        receiver + b"/NL/CPO/LOC1%ff": (404, 2000),
        receiver + b"/NL/CPO/LOC1\xff": (400, 2000),
        receiver + b"/NL/CP2/LOC1": (404, 2000),
        receiver + b"/NL/CPO/" + b"x" * 7000: (200, 2001),
        receiver + b"/NL/CPO/" + b"x" * 9000: (414, 2000),
        b"/ocpi/2.2.1/../2.2.1/versions": (404, 2000),
        b"/ocpi/2.2.1/sender/hubclientinfo": (405, 2000),
        b"/ocpi/versions": (405, 2000),
    }
    table: Table = {
        f"PUT {path[:60]!r} {len(path)}": (wire.put(good, path=path), *told)  # type: ignore[misc] # two numbers
        for path, told in rows.items()
    }
    for method in (b"POST", b"DELETE", b"OPTIONS", b"TRACE"):
        table[method.decode()] = (wire.put(good, method=method), 405, 2000)
    for method in (b"BREW", b"put"):
        table[method.decode()] = (wire.put(good, method=method), 400, 2000)
    table["TLS"] = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, NO_ENVELOPE)
    await check(wire, hub, cpo, emsp, table)


PAGES = [
    "offset=-1", "offset=abc", "offset=1.5", "offset=", "offset", "offset=%D9%A3", "offset=+1",
    "offset=99999999999999999999", "limit=0", "limit=-5", "limit=abc", "limit=1e3",
    "limit=99999999999999999999", "date_from=yesterday", "date_from=", "date_from=2026-02-01",
    "date_from=2026-13-01T00:00:00Z", "date_from=2026-02-30T00:00:00Z",
    "date_from=2026-02-01T24:00:00Z", "date_from=2026-02-01T00:00:60Z",
    "date_from=0000-01-01T00:00:00Z", "date_to=2026-02-01T00:00:00%2B25:00", "date_to=%ff",
]  # fmt: skip


@pytest.mark.obligation("PAG-017", "STAT-014", "STAT-002")
async def test_pages_that_cannot_be(emsp: FakePartner, cpo: FakePartner) -> None:
    wanted = dict.fromkeys(PAGES, (200, 2001))
    for module in ("locations", "hubclientinfo"):
        url = emsp.known_peer.url(module, InterfaceRole.SENDER)
        told = {}
        for query in PAGES:
            answer = await emsp.call(
                "GET", f"{url}?{query}", to=emsp.known_peer.party, sender=emsp.party
            )
            told[query] = (answer.http, answer.code)
            assert answer.json["status_message"].startswith(query.partition("=")[0])
        assert told == wanted


@pytest.mark.obligation("PAG-018", "PAG-019")
async def test_pages_that_are_odd_but_can_be(emsp: FakePartner, cpo: FakePartner) -> None:
    await cpo.put(a_location())
    url = emsp.known_peer.url("locations", InterfaceRole.SENDER)
    counts = {
        "offset=2000000": 0,
        "limit=1000000": 1,
        "date_from=9999-12-31T23:59:59Z": 0,
        "date_from=2027-01-01T00:00:00Z&date_to=2026-01-01T00:00:00Z": 0,
        "date_from=2026-01-01T00:00:00": 1,
        "date_from=2026-01-01T00:00:00.000Z": 1,
        "date_from=2026-01-01T00%3A00%3A00Z": 1,
        "unknown=1&%ff=1": 1,
        "x=" + "x" * 7000: 1,
    }
    for query, count in counts.items():
        answer = await emsp.call(
            "GET", f"{url}?{query}", to=emsp.known_peer.party, sender=emsp.party
        )
        assert (answer.http, answer.code, len(answer.data)) == (200, 1000, count), query


async def test_bodies_that_do_not_come(
    wire: Wire, hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    good = as_bytes(a_location())
    head = wire.put(b"", b"Content-Length: %d" % len(good), length=False)
    chunked = wire.put(b"", b"Transfer-Encoding: chunked", length=False)
    late = {
        "none of it": await wire.say(head),
        "half of it": await wire.say(head, good[:100]),
        "byte by byte": await wire.say(head, *(bytes([each]) for each in good[:20]), pause_s=0.05),
        "chunk by chunk": await wire.say(chunked, *[b"1\r\n \r\n"] * 20, pause_s=0.05),
    }
    assert {name: (told.http, told.code) for name, told in late.items()} == dict.fromkeys(
        late, (408, 2000)
    )
    await gone_in_the_middle(wire, head, good[:100])
    await gone_in_the_middle(wire, chunked, b"5\r\n{")
    await nothing_came_of_it(cpo, emsp)


async def gone_in_the_middle(wire: Wire, *parts: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.02)
    writer.transport.abort()


async def test_a_head_that_does_not_end_is_cut_off(wire: Wire) -> None:
    head = wire.put(b"{}")
    for parts in ([head[:50]], [bytes([each]) for each in head[:40]]):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await wire.say(*parts, pause_s=0.05)


async def test_a_crowd_of_slow_clients_leaves_room_for_the_others(
    wire: Wire, cpo: FakePartner, emsp: FakePartner
) -> None:
    head = wire.put(b"", b"Content-Length: 100", length=False)
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(100):  # a platform may have more in work: a quarter of 512
            reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
            stack.callback(writer.close)
            writer.write(head)
            readers.append(reader)
        assert (await cpo.put(a_location())).code == 1000
        await emsp.received("locations.receiver")
        async with asyncio.timeout(20):
            assert {(await _answer(reader)).http for reader in readers} == {408}
