"""What reads bytes of others. Each target reads or refuses in its own words; nothing else happens.

A target returns a short word for what came of an input, by which runs tell new inputs from known
ones. It raises when a law is broken.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from multidict import MultiDict

from ocpi_hub.delivery.answer import Reading, Unusable
from ocpi_hub.inbound import body as bodies
from ocpi_hub.inbound.pages import asked
from ocpi_hub.inbound.table import table
from ocpi_hub.ocpi import codec, message, paging, token, v2_2, v2_2_1
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.routing.rewrite import Passage, Signer, judge, origin
from tests.fuzz.connection import talked
from tests.fuzz.mutation import pieces
from tests.routing_world import CPO, EMSP

CORPUS = Path(__file__).parent / "corpus"
LIMIT = 4096  # bytes of a body


@dataclass(frozen=True)
class Target:
    """`longest`: bytes of an input, which is more than the rooms before it let pass."""

    run: Callable[[bytes], str]
    tokens: tuple[bytes, ...]
    longest: int = 8192


def text_of(data: bytes) -> str:
    """How the door's HTTP makes texts of bytes."""
    return data.decode("utf-8", "surrogateescape")


def refusal(error: OcpiError) -> str:
    """A refusal in OCPI: it can be told, and names what is wrong."""
    assert 1000 < error.code < 5000, error
    assert 200 <= error.http < 500, error
    assert error.message, error
    assert len(error.message) < 1000, error.message
    return f"{error.http} {error.code} {_gist(error.message)}"


def _gist(text: str) -> str:
    """The words of a message that are the hub's own, more or less."""
    return " ".join(word for word in text.split()[-3:] if word.isalpha())


def json(data: bytes) -> str:
    """What `decode` takes can be cut, joined and written; what it refuses harms no other reader."""
    for read in (codec.members, codec.elements, codec.spans, _cut, _merged):
        _read(read, data)
    status = message.status_of(data)
    assert status is None or 1000 <= status <= 9999
    judge(200, data)
    try:
        value = codec.decode(data)
    except OcpiError as error:
        return refusal(error)
    assert codec.decode(codec.encode(value)) == value
    if isinstance(value, dict):
        spans = codec.spans(data)
        assert list(spans) == list(codec.members(data)) == list(value)
        assert all(codec.decode(data[a:b]) == value[name] for name, (a, b) in spans.items())
    if isinstance(value, list):
        spans_of = codec.element_spans(data, 0, len(data))
        assert [codec.decode(data[a:b]) for a, b in spans_of] == value
    return f"{type(value).__name__} {status is not None}"


def _read(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        read(data)
    except OcpiError as error:
        refusal(error)


def _cut(data: bytes) -> object:
    return codec.element_spans(data, 0, len(data))


def _merged(data: bytes) -> object:
    return codec.merge(data, data)


def headers(data: bytes) -> str:
    """Routing headers and ids, of lines `Name: value`."""
    given = MultiDict(
        (name, value.strip(" \t"))
        for name, _, value in (line.partition(":") for line in text_of(data).split("\n"))
    )
    known = message.given(given)
    ids, findings = message.read_ids(known, lambda: "fresh")
    for each in (ids.request_id, ids.correlation_id):
        assert each.isascii()
        assert each.isprintable()
        assert 1 <= len(each) <= 64
    try:
        routing = message.read_routing(known)
    except OcpiError as error:
        return f"{len(findings)} {refusal(error)}"
    again = message.read_routing(message.routing_headers(routing.to, routing.sender))
    assert again == routing
    return f"{len(findings)} {routing.to is None} {routing.sender is None}"


def authorization(data: bytes) -> str:
    try:
        found = token.candidates(text_of(data))
    except OcpiError as error:
        return refusal(error)
    assert 1 <= len(found) <= 2
    assert all(map(token.acceptable, found))
    return f"{len(found)}"


def query(data: bytes) -> str:
    try:
        found, params = asked.__wrapped__(text_of(data))
    except OcpiError as error:
        return refusal(error)
    assert found.offset >= 0
    assert found.limit is None or found.limit > 0
    following = paging.next_link("https://h.example/x", params, found.offset, found.limit or 1)
    assert following.isascii()
    assert following.isprintable()
    return f"{found.date_from is None} {found.date_to is None} {found.limit is None}"


_SIGNER = Signer(b"key")
_PASSAGE = Passage(
    requester=EMSP.id,
    sender=PartyRef("DE", "EMP"),
    party=PartyRef("NL", "CPO"),
    platform=CPO,
    endpoint=CPO.endpoints[0],
    hub_url="https://hub.example/ocpi/2.2.1/sender/locations",
    target_url=CPO.endpoints[0].url,
    creating=True,
)


def link(data: bytes) -> str:
    """`Link` and `Location` of a partner, and what a requester shows as a link of the hub."""
    text = text_of(data)
    following = paging.next_url(text)
    assert following is None or following in text
    made, findings = _SIGNER.answer_headers(_PASSAGE, {"link": text, "location": text}, 60, 60)
    for value in made.values():
        assert value.isascii()
        assert value.isprintable()
        assert "https://hub.example/ocpi/" in value
    origin(text)
    try:
        _SIGNER.follow(text, EMSP.id, "locations", InterfaceRole.SENDER, 0)
    except OcpiError as error:
        refusal(error)
    return f"{following is None} {sorted(made)} {len(findings)}"


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "M-SEARCH"}
_TABLE = table("", {v2_2_1.VERSION: v2_2_1.MODULES, v2_2.VERSION: v2_2.MODULES})


def path(data: bytes) -> str:
    """A method that HTTP knows, and a path as it stands in the request."""
    method, _, rest = text_of(data).partition(" ")
    method = method if method in _METHODS else "GET"
    try:
        hit = _TABLE.find(method, rest)
    except OcpiError as error:
        return refusal(error)
    assert hit.row.route.method == method
    assert all(hit.ids)
    assert not {".", ".."} & set(hit.ids)
    assert hit.path.isascii()
    return hit.row.route.name


def unpacked(data: bytes) -> str:
    """A body in its encoding, which the first byte names."""
    encoding = ("gzip", "deflate", "identity", "")[data[0] % 4] if data else "gzip"
    try:
        found = bodies.unpacked(data[1:], encoding, LIMIT)
    except OcpiError as error:
        return refusal(error)
    assert encoding in {"", "identity"} or len(found) <= LIMIT
    return f"{encoding} {bool(found)}"


def framed(data: bytes) -> str:
    """What the head says of a body: length and encoding, of two lines."""
    length, _, encoding = text_of(data).partition("\n")
    given = {"content-length": length, "content-encoding": encoding}
    try:
        return f"takes {bodies.check_size(given, LIMIT)!r}"
    except OcpiError as error:
        return refusal(error)


def answer(data: bytes) -> str:
    """A partner's answer, in whatever pieces it comes."""
    reading = Reading()
    reading.begin(LIMIT)
    try:
        for piece in pieces(data, zlib.crc32(data)):
            reading.feed(piece)
            assert len(reading._body) <= LIMIT
            if reading.whole:
                break
        reading.end()
    except Unusable as error:
        return _gist(str(error))
    if not reading.whole:
        return f"part {reading.begun}"
    found = reading.answered()
    assert found.http >= 200
    assert all(value.isprintable() for value in found.headers.values())
    return f"{found.http // 100} {reading.kept} {bool(found.body)}"


_HTTP = (
    *(b"GET ", b"POST ", b"PUT ", b"HEAD ", b"/ocpi", b"/ocpi/", b"/admin", b" HTTP/1.1\r\n"),
    *(b" HTTP/1.0\r\n", b" HTTP/2\r\n", b"\r\n", b"\r\n\r\n", b": ", b"Host: h\r\n", b"0\r\n\r\n"),
    *(b"Content-Length: 2\r\n", b"Content-Length: 99999999999999999999\r\n", b"{}", b" folded\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"2\r\n{}\r\n", b"\x00"),
    *(
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"ffffffffffffffff\r\n",
    ),
    *(b"Expect: 100-continue\r\n", b"Expect: x\r\n", b"Content-Encoding: gzip\r\n", b"X: \xff\r\n"),
    b"GET /ocpi/x HTTP/1.1\r\nHost: h\r\n\r\n",
)
_JSON = (
    *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00", b"null"),
    *(b"true", b"NaN", b"-Infinity", b"1e999", b"1e-999", b"-0", b"0.10", b"1E5", b"\xed\xa0\x80"),
    *(b"[" * 70, b'{"a":' * 70, b'"a":1,"a":2', b"\xef\xbb\xbf", b'"status_code":1000', b"9" * 65),
)
_LINKS = (
    *(b"<", b">", b";", b",", b'rel="next"', b"rel=next", b"REL = next", b"https://", b"//", b"?"),
    *(
        b"&",
        b"=",
        b"#",
        b"@",
        b"..",
        b"\\",
        b"[::1]",
        b":99999",
        b"hub-route=",
        b"%00",
        b"\xc3\xa9",
    ),
)
_LINES = (
    *(b"OCPI-to-country-code: NL\n", b"OCPI-to-party-id: CPO\n", b"OCPI-from-party-id:\n", b"\n"),
    *(b"ocpi-from-country-code: de\n", b"X-Request-ID: ", b"x-correlation-id: ", b":", b"\xc3\x9f"),
    *(b"\xe2\x80\xae", b"N", b"NL", b"CPO", b", "),
)
_QUERIES = (
    *(b"date_from=", b"date_to=", b"offset=", b"limit=", b"&", b"=", b"%", b"%00", b"+", b";"),
    *(b"2026-01-01T00:00:00Z", b"2026-02-30T00:00:00Z", b"9999-12-31T23:59:60", b"\xd9\xa3"),
)
_PATHS = (
    *(b"/ocpi", b"/2.2.1", b"/2.2", b"/sender", b"/receiver", b"/locations", b"/tokens", b"/cdrs"),
    *(b"/commands", b"/..", b"/.", b"//", b"%2F", b"%2e%2e", b"%252e", b";", b"..;", b"%ff", b"\\"),
    *(b"GET ", b"PUT ", b"/authorize", b"/charging_preferences", b"/NL/CPO", b"/"),
)

TARGETS: Mapping[str, Target] = {
    "json": Target(json, _JSON, 64 * 1024),
    "headers": Target(headers, _LINES),
    "authorization": Target(authorization, (b"Token ", b"token", b"Basic ", b"=", b"dG9rZW4=")),
    "query": Target(query, _QUERIES),
    "link": Target(link, _LINKS),
    "path": Target(path, _PATHS),
    "connection": Target(talked, _HTTP, 256 * 1024),
    "unpacked": Target(unpacked, (b"\x1f\x8b\x08", b"\x78\x9c", b"\x00\x00\xff\xff"), 64 * 1024),
    "framed": Target(framed, (b"gzip", b"deflate", b"br", b"\n", b"-", b"+", b"\xd9\xa3", b" ")),
    "answer": Target(answer, (*_HTTP, b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 x\r\n"), 128 * 1024),
}


def corpus(name: str) -> dict[str, bytes]:
    """The inputs that are known to be interesting."""
    folder = CORPUS / name
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
