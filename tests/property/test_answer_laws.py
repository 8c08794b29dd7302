"""Laws of reading an answer: whatever comes, in whatever pieces, is an answer or unusable."""

import asyncio
import gzip
import itertools
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from ocpi_hub.delivery.answer import Reading, Unusable
from ocpi_hub.delivery.channel import Channel
from ocpi_hub.modules.outgoing import Answered, Failed, Failure

LIMIT = 1000
SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: 1\r\n\r\n",
    b"HTTP/1.0 500 Oops\r\n\r\n<html>",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
    + gzip.compress(b"{}"),
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
)  # fmt: skip
TOKENS = st.sampled_from(
    [
        b"HTTP/1.1 ", b"HTTP/1.0 ", b"200", b"204", b"100", b"304", b" OK", b"\r\n", b"\n", b"\r",
        b"\r\n\r\n", b": ", b"Content-Length: 2\r\n", b"Content-Length: -1\r\n", b"{}",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n",
        b"Content-Encoding: gzip\r\n", b"Content-Encoding: \xff\r\n", b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"X: \x00\r\n", b" folded\r\n", b"2\r\n{}\r\n",
    ]
)  # fmt: skip


@st.composite
def spoilt(draw):
    """A known answer with something cut out, put in or turned over."""
    seed = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(seed)))
        until = draw(st.integers(at, min(len(seed), at + 8)))
        seed[at:until] = draw(st.binary(max_size=4) | TOKENS)
    return bytes(seed)


ANYTHING = st.binary(max_size=200) | spoilt() | st.lists(TOKENS, max_size=12).map(b"".join)


@st.composite
def pieces(draw, whole=ANYTHING):
    """Bytes, cut somewhere."""
    text = draw(whole) if isinstance(whole, st.SearchStrategy) else whole
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    return [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)]) if a < b]


def read(parts):
    """The answer, None when it broke off; raises Unusable."""
    reading = Reading()
    reading.begin(LIMIT)
    for part in parts:
        reading.feed(part)
        assert len(reading._body) <= LIMIT
        if reading.whole:
            return reading.answered()
    reading.end()
    return reading.answered() if reading.whole else None


def told(parts):
    try:
        return read(parts)
    except Unusable as error:
        return str(error)


@given(pieces())
def test_any_bytes_are_an_answer_or_part_of_one_or_unusable(parts):
    found = told(parts)
    assert found is None or isinstance(found, Answered | str)
    if isinstance(found, Answered):
        assert found.http >= 200
        assert not 300 <= found.http < 400
        assert all(
            value.isprintable() and name == name.lower() for name, value in found.headers.items()
        )


class Wire:
    """The transport below a channel, which drops what is sent."""

    def __init__(self):
        self.open = True

    def write(self, _):
        pass

    def abort(self):
        self.open = False

    def get_write_buffer_size(self):
        return 0

    def get_extra_info(self, _):
        return None


async def exchanged(parts):
    """What a channel makes of the parts, followed by the end of the connection."""
    channel, wire = Channel(), Wire()
    channel.connection_made(wire)
    outcome = asyncio.ensure_future(
        channel.exchange(b"GET", LIMIT, asyncio.get_running_loop().time() + 60)
    )
    await asyncio.sleep(0)
    for part in parts:
        if wire.open:
            channel.data_received(part)
    channel.eof_received()
    channel.connection_lost(None)
    assert not channel.ready
    return await outcome


@given(pieces())
@example(list(SEEDS))
def test_a_channel_never_hangs_and_never_raises(parts):
    outcome = asyncio.run(exchanged(parts))
    assert isinstance(outcome, Answered | Failed)
    if isinstance(outcome, Failed):
        assert outcome.failure in {Failure.TIMEOUT, Failure.GARBAGE}


BODY = st.binary(max_size=LIMIT)
FIELD = st.tuples(
    st.from_regex(r"X-[A-Za-z0-9-]{1,10}", fullmatch=True),
    st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
)


def _head(status, fields):
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n").encode()


def _chunked(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@given(st.data())
def test_however_an_answer_is_framed_packed_and_cut_it_reads_the_same(data):
    body = data.draw(BODY)
    fields = data.draw(st.lists(FIELD, max_size=5, unique_by=lambda field: field[0].lower()))
    status = data.draw(st.sampled_from([200, 201, 400, 404, 500]))
    packing = data.draw(st.sampled_from(["identity", "gzip", "deflate"]))
    packed = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[packing](body)
    head = _head(status, [*fields, ("Content-Encoding", packing)])
    framing = data.draw(st.sampled_from(["length", "chunks", "end"]))
    text = {
        "length": lambda: head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed,
        "chunks": lambda: (
            head
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + _chunked(packed, data.draw(st.integers(1, 50)))
        ),
        "end": lambda: head + b"\r\n" + packed,
    }[framing]()
    found = told(data.draw(pieces(text)))
    assert found == Answered(status, {name.lower(): value for name, value in fields}, body)


@given(st.integers(LIMIT + 1, LIMIT * 50), st.sampled_from(["identity", "gzip"]), st.data())
def test_a_body_above_the_limit_is_refused_however_it_comes(size, packing, data):
    packed = gzip.compress(bytes(size)) if packing == "gzip" else bytes(size)
    head = _head(200, [("Content-Encoding", packing)])
    framed = data.draw(
        st.sampled_from(
            [
                head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed,
                head + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(packed, 400),
                head + b"\r\n" + packed,
            ]
        )
    )
    assert "more than" in told(data.draw(pieces(framed)))


@given(st.sampled_from([b"X-Filler: " + b"y" * 500 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]))
def test_a_head_without_an_end_is_refused(line):
    start = b"" if line.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    assert "too many bytes" in told([start, *[line] * 4000])


def test_chunks_that_are_nearly_all_framing_are_refused():
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert "too many bytes" in told([start, *[b"1;" + b"e" * 200 + b"\r\nx\r\n"] * 900])
