"""The partners' own HTTP: one connection after the other, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from ocpi_hub.inbound import request as bounds
from ocpi_hub.inbound.http import AHEAD, LONGEST_HEAD, Server
from ocpi_hub.inbound.incoming import Answer, Incoming
from ocpi_hub.inbound.request import Malformed
from ocpi_hub.ocpi.message import Given
from ocpi_hub.ocpi.status import OcpiError

GET = b"GET /ocpi/%d HTTP/1.1\r\nHost: hub\r\n\r\n"


class Talk:
    """A client's connection: what it says, and the answers it gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(10):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = text.strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(status.split()[1]), {name.lower(): value for name, value in pairs}

    async def answer(self) -> tuple[int, bytes]:
        http, headers = await self.head()
        async with asyncio.timeout(10):
            return http, await self.reader.readexactly(int(headers["content-length"]))

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


class Place:
    """A server whose handler can be told to wait; `seen` are the requests in their order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.limit = 1000

    async def handle(self, incoming: Incoming) -> Answer:
        self.seen.append(f"{incoming.method} {incoming.path}")
        if incoming.path == "/ocpi/odd":
            return Answer(200, {"X-Odd": "a\r\nb"}, b"")
        self.begun.set()
        await self.gate.wait()
        if incoming.path == "/ocpi/ignored":
            return Answer(200, {}, b"unread")
        try:
            body = await incoming.read(self.limit, 5)
        except OcpiError as error:
            return Answer(error.http, {}, str(error).encode(), close=True)
        told = f"{incoming.path}?{incoming.query} {incoming.headers.get('x-said', '')} ".encode()
        return Answer(200, {"X-One": "1"}, told + body)

    @staticmethod
    def refuse(fault: Malformed, headers: Given) -> Answer:
        return Answer(fault.http, {"X-Known": headers.get("x-said", "")}, str(fault).encode())


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
async def server(place: Place) -> AsyncIterator[Server]:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="aiohttp")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    made = Server(place.handle, place.refuse, runner.server, idle_s=30)
    yield made
    await made.close(1)
    await runner.cleanup()


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Callable[[], Awaitable[Talk]]]:
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    talks: list[Talk] = []

    async def opened() -> Talk:
        talks.append(Talk(*await asyncio.open_connection("127.0.0.1", port, limit=2**20)))
        return talks[-1]

    yield opened
    listening.close()
    for talk in talks:
        talk.writer.close()


@pytest.fixture
async def talk(connect: Callable[[], Awaitable[Talk]]) -> Talk:
    return await connect()


async def test_requests_on_one_connection_are_answered_in_turn(talk, place):
    for number in range(3):
        await talk.say(GET % number)
        assert await talk.answer() == (200, b"/ocpi/%d?  " % number)
    assert place.seen == [f"GET /ocpi/{number}" for number in range(3)]


async def test_a_request_may_come_byte_by_byte(talk):
    text = (
        b"PUT /ocpi/a%2Fb?c=%20d HTTP/1.1\r\nHost: hub\r\nX-Said:  it \r\n"
        b"Content-Length: 4\r\n\r\nbody"
    )
    for at in range(len(text)):
        await talk.say(text[at : at + 1])
        await asyncio.sleep(0)
    assert await talk.answer() == (200, b"/ocpi/a%2Fb?c=%20d it body")


async def test_what_was_sent_ahead_is_answered_in_its_order_and_not_worked_on_at_once(talk, place):
    place.gate.clear()
    count = 3 * AHEAD
    await talk.say(b"".join(GET % number for number in range(count)))
    await place.begun.wait()
    assert place.seen == ["GET /ocpi/0"]
    place.gate.set()
    for number in range(count):
        assert await talk.answer() == (200, b"/ocpi/%d?  " % number)


async def test_chunks_are_one_body(talk):
    await talk.say(
        b"POST /ocpi/x HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" + GET % 1
    )
    assert await talk.answer() == (200, b"/ocpi/x?  onetwo")
    assert await talk.answer() == (200, b"/ocpi/1?  ")


async def test_a_trailer_is_no_header(talk):
    await talk.say(
        b"POST /ocpi/x HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\none\r\n0\r\nX-Said: late\r\n\r\n" + GET % 1
    )
    assert await talk.answer() == (200, b"/ocpi/x?  one")
    assert await talk.answer() == (200, b"/ocpi/1?  ")


async def test_trailers_do_not_grow_for_ever(talk, place):
    await talk.say(
        b"POST /ocpi/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\na: "
    )
    await place.begun.wait()
    await talk.say(b"b" * 2 * LONGEST_HEAD)
    assert await talk.answer() == (400, b"body: the connection broke")
    assert await talk.ended()


async def test_half_a_head_may_follow_a_large_body(talk, place):
    body = b"x" * (LONGEST_HEAD + 4096)
    place.limit = len(body)
    head = b"PUT /ocpi/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    await talk.say(head + body + (GET % 1)[:-2])
    assert await talk.answer() == (200, b"/ocpi/x?  " + body)
    await talk.say(b"\r\n")
    assert await talk.answer() == (200, b"/ocpi/1?  ")


async def test_a_client_that_asks_first_is_told_to_go_on(talk):
    await talk.say(b"PUT /ocpi/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await talk.head())[0] == 100
    await talk.say(b"ok")
    assert await talk.answer() == (200, b"/ocpi/x?  ok")


async def test_a_head_request_gets_no_body(talk):
    await talk.say(b"HEAD /ocpi/x HTTP/1.1\r\nHost: hub\r\n\r\n")
    http, headers = await talk.head()
    assert (http, headers["content-length"]) == (200, "10")
    await talk.say(GET % 1)
    assert await talk.answer() == (200, b"/ocpi/1?  ")


@pytest.mark.parametrize(
    "text",
    [
        b"GET /ocpi/x HTTP/1.0\r\n\r\n",
        b"GET /ocpi/x HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"PUT /ocpi/ignored HTTP/1.1\r\nContent-Length: 10\r\n\r\nfive.",
    ],
)
async def test_the_connection_ends_when_it_cannot_be_used_again(talk, text):
    await talk.say(text)
    assert (await talk.answer())[0] == 200
    assert await talk.ended()


async def test_an_answer_that_cannot_be_sent_ends_the_connection(talk):
    await talk.say(b"GET /ocpi/odd HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert await talk.ended()


async def test_a_body_that_is_too_large_is_not_taken(talk, place):
    await talk.say(b"PUT /ocpi/x HTTP/1.1\r\nContent-Length: 2000\r\n\r\n")
    assert (await talk.answer())[0] == 413
    assert await talk.ended()


async def test_a_large_body_is_not_kept_before_it_is_wanted(talk, place, server):
    place.gate.clear()
    place.limit = 50_000_000
    size = 20_000_000
    await talk.say(b"PUT /ocpi/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
    sending = asyncio.ensure_future(talk.say(b"x" * size))
    await place.begun.wait()
    await asyncio.sleep(0.2)
    (connection,) = server.connections
    assert connection.held <= bounds.HELD + 2**20
    place.gate.set()
    assert (await talk.answer())[1].endswith(b"x")
    await sending


@pytest.mark.parametrize(
    ("text", "http"),
    [
        (b"GET /ocpi/x HTTP/1.1\r\nodd\r\n\r\n", 400),
        (b"GET /ocpi/\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET /ocpi/%s HTTP/1.1\r\n\r\n" % (b"x" * 9000), 414),
        (b"GET /ocpi/x HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /ocpi/x HTTP/1.1\r\na: " + b"b" * LONGEST_HEAD + b"bbbb", 431),
        (b"GET /ocpi/x HTTP/1.1\r\nExpect: a-miracle\r\n\r\n", 417),
        (b"PUT /ocpi/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
async def test_what_is_no_http_is_refused_and_nothing_behind_it_is_done(talk, place, text, http):
    await talk.say(text + GET % 2)
    assert (await talk.answer())[0] == http
    assert await talk.ended()
    assert place.seen == []


async def test_a_fault_is_told_behind_the_answers_to_what_came_before(talk, place):
    await talk.say(GET % 1 + b"GET /ocpi/2 HTTP/1.1\r\nX-Said: 2\r\nX-Other: 3\r\nodd\r\n\r\n")
    assert await talk.answer() == (200, b"/ocpi/1?  ")
    http, headers = await talk.head()
    assert (http, headers["x-known"]) == (400, "2")
    assert place.seen == ["GET /ocpi/1"]


async def test_a_body_that_breaks_off_is_told(talk):
    await talk.say(b"PUT /ocpi/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")
    assert await talk.answer() == (400, b"body: the connection broke")
    assert await talk.ended()


async def test_who_sends_no_more_still_gets_the_answer(talk, place):
    place.gate.clear()
    await talk.say(GET % 1)
    talk.writer.write_eof()
    await place.begun.wait()
    place.gate.set()
    assert await talk.answer() == (200, b"/ocpi/1?  ")
    assert await talk.ended()


@pytest.mark.parametrize("path", [b"/", b"/ocpix", b"/nav/v1/meta", b"http://hub/ocpi/x", b"*"])
async def test_other_doors_are_aiohttps(talk, place, path):
    await talk.say(b"OPTIONS " + path + b" HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert (await talk.answer())[1] == b"aiohttp" or path == b"*"
    assert place.seen == []


async def test_a_connection_goes_over_to_another_door_between_two_requests(talk):
    await talk.say(GET % 1)
    assert await talk.answer() == (200, b"/ocpi/1?  ")
    await talk.say(b"GET /docs HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert await talk.answer() == (200, b"aiohttp")
    await talk.say(GET % 2)
    assert await talk.answer() == (200, b"aiohttp")


async def test_another_door_gets_whole_heads_that_have_an_end(connect):
    slow, endless = await connect(), await connect()
    await slow.say(b"GET /docs HTTP/1.1\r\nHost: hub.example.com\r\n")
    await asyncio.sleep(0.05)
    await slow.say(b"X-Said: it\r\n\r\n")
    assert await slow.answer() == (200, b"aiohttp")
    await endless.say(b"GET /docs HTTP/1.1\r\n" + b"a: b\r\n" * LONGEST_HEAD)
    assert await endless.ended()


async def test_who_speaks_no_http_at_all_is_told_at_once(talk):
    await talk.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 60)  # TLS
    assert (await talk.head())[0] == 400


async def test_an_offer_of_another_protocol_is_no_hindrance(talk):
    await talk.say(
        b"GET /ocpi/x HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    )
    assert await talk.answer() == (200, b"aiohttp")


async def test_a_late_offer_of_another_protocol_gets_one_answer(talk):
    await talk.say(b"GET /ocpi/x HTTP/1.1\r\nHost: hub.example.com\r\n")
    await asyncio.sleep(0.05)
    await talk.say(b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert await talk.answer() == (200, b"/ocpi/x?  ")
    assert await talk.ended()


async def test_idle_connections_and_half_heads_are_closed(place, server, connect):
    server.idle_s = 0.1
    idle, half, sniffed, blank, elsewhere = [await connect() for _ in range(5)]
    await blank.say(b"\r\n\r\n")
    await half.say(b"GET /ocpi/x HTTP/1.1\r\nX-Said")
    await sniffed.say(b"GE")
    await elsewhere.say(b"GET /docs HTTP/1.1\r\nHost: hub.example.com\r\nX-Said")
    assert await idle.ended()
    assert await half.ended()
    assert await sniffed.ended()
    assert await blank.ended()
    assert await elsewhere.ended()
    assert not server.connections


async def test_a_client_that_takes_no_answers_is_cut(place, server, connect):
    server.idle_s = 0.1
    place.limit = 100_000_000
    talk = await connect()
    talk.reader._transport.pause_reading()  # type: ignore[attr-defined] # as a client that hangs
    body = b"x" * 30_000_000
    sending = asyncio.ensure_future(
        talk.say(b"PUT /ocpi/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    await place.begun.wait()
    (connection,) = server.connections
    async with asyncio.timeout(10):
        await connection.gone
    sending.cancel()


async def test_stopping_answers_what_is_in_work_and_takes_nothing_new(talk, place, server, connect):
    idle = await connect()
    place.gate.clear()
    await talk.say(GET % 1)
    await place.begun.wait()
    closing = asyncio.ensure_future(server.close(10))
    assert await idle.ended()
    place.gate.set()
    http, headers = await talk.head()
    assert (http, headers["connection"]) == (200, "close")
    await closing
    assert not server.connections


async def test_stopping_does_not_wait_for_ever(talk, place, server):
    place.gate.clear()
    await talk.say(GET % 1)
    await place.begun.wait()
    await server.close(0.1)
    assert await talk.ended()
    assert not server.connections
    place.gate.set()
