"""HTTP/1.1 for the partners' door, on httptools: one connection, one request after the other.

aiohttp's request and response objects cost a third of a status change, so `/ocpi` is read and
answered here. A connection that asks for anything else is handed to aiohttp as it stands, and
stays there. What is no HTTP is answered in OCPI as well (STAT-018), then the connection closes.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Final, cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from ocpi_hub.inbound.incoming import Answer, Incoming, head
from ocpi_hub.inbound.request import HELD, Malformed, Request
from ocpi_hub.ocpi.message import Given
from ocpi_hub.ops.tasks import Tasks

log = structlog.get_logger("inbound")

LONGEST_LINE: Final = 8190  # bytes of a URL, or of one header
LONGEST_HEAD: Final = 64 * 1024
MOST_HEADERS: Final = 128
AHEAD: Final = 8  # requests that a client may send before the first one is answered
LINGER_S: Final = 1.0  # a closed connection still takes what was on its way, so that no reset
_SWEEP_S: Final = 1.0  # overtakes the answer
_SNIFF: Final = 32  # bytes in which a method and the begin of a path fit
_DOOR: Final = b"/ocpi"
_BEHIND: Final = frozenset(b"/? ")
_HEAD_ENDS: Final = re.compile(rb"\n\r?\n")
# httptools skips the body of a request that offers another protocol; aiohttp ignores the offer.
_UPGRADE: Final = (b"\nUpgrade:", b"\nupgrade:")

Handle = Callable[[Incoming], Awaitable[Answer]]


@lru_cache(1024)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _half(data: bytes) -> bool:
    """Whether this can be the begin of a head, and no more."""
    head = data.lstrip(b"\r\n")
    return _HEAD_ENDS.search(head) is None and (not head or head[:1].isalpha())


class Connection(asyncio.Protocol):
    """`since`: when it began to wait for the rest of a head, or became idle; None while at work."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._working: asyncio.Task[None] | None = None
        self._growing: Request | None = None
        self._early = b""
        self._url = b""
        self._headers = Given()
        self._head = self._count = self._news = 0
        self._in_head = False
        self._fault: Malformed | None = None
        self._deaf = self._ended = self._ending = self._paused = False
        self._held_up: asyncio.Future[None] | None = None
        self.remote = ""
        self.since: float | None = self._loop.time()
        self.gone = self._loop.create_future()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not derived from it
        self.remote = (transport.get_extra_info("peername") or ("",))[0]
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._ending or self._deaf:
            return
        if self._working is None and not self._in_head:
            data, self._early = self._early + data, b""
            if self._elsewhere(data):
                return
        self._feed(data)
        if self._working is None and (self._waiting or self._fault):
            self.since = None
            self._working = self._loop.create_task(self._answer_all())
        self.flow()

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for an answer."""
        self._ended = True
        self._broken()
        return self._working is not None

    def connection_lost(self, _: Exception | None) -> None:
        self._ending = True
        self._leave()
        self._broken()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._held_up = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._held_up is not None and not self._held_up.done():
            self._held_up.set_result(None)
        self._held_up = None

    # What the parser tells.

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", Given()
        self._head = self._count = 0
        self._news += 1
        self._in_head = True
        if self._working is None:
            self.since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > LONGEST_LINE:
            raise Malformed("the address is too long", 414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer says nothing of who asks, and for whom (RFC 9110, section 6.5.1)
        self._count += 1
        if len(name) + len(value) > LONGEST_LINE or self._count > MOST_HEADERS:
            raise Malformed("too many headers, or too long", 431)
        key, text = _lower(name), value.decode("utf-8", "surrogateescape").strip(" \t")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        self._in_head = False
        if not self._url.isascii():
            raise Malformed("the address is not ASCII")
        if not (self._url.startswith(_DOOR) and self._url[5:6] in {b"", b"/", b"?", b"#"}):
            raise Malformed("another door does not answer on this connection", 421)
        if self._headers.get("expect", "100-continue").lower() != "100-continue":
            raise Malformed("Expect: cannot be met", 417)
        method = self._parser.get_method().decode("ascii")
        request = Request(self, method, self._url.decode("ascii"), self._headers)
        request.keep = self._parser.should_keep_alive()
        self._growing = request
        self._waiting.append(request)

    def on_body(self, part: bytes) -> None:
        self._head = 0
        self._news += 1
        if self._growing is not None:
            self._growing.add(part)

    def on_message_complete(self) -> None:
        self._news += 1
        if self._growing is not None:
            self._growing.end()
            self._growing = None

    # What the requests ask.

    def go_on(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def flow(self) -> None:
        """Take no more from the client than somebody waits for."""
        growing = self._growing
        full = growing is not None and growing.full
        paused = full or len(self._waiting) > AHEAD or self._behind > HELD
        if paused == self._paused or self._ending:
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    @property
    def held(self) -> int:
        """Bytes of bodies that wait to be read."""
        return sum(request.size for request in self._waiting)

    @property
    def _behind(self) -> int:
        """Those of them that wait while another request is answered."""
        return self.held - self._waiting[0].size if len(self._waiting) > 1 else 0

    # What the server asks.

    def stop(self) -> None:
        """Close now, or behind the answers that are being made."""
        if self._working is None:
            self._end()

    def abort(self) -> None:
        self._transport.abort()

    # From here on by itself.

    def _elsewhere(self, data: bytes) -> bool:
        """Whether aiohttp took over, or too little came to tell or to give it."""
        at = data.find(b" ", 0, _SNIFF - len(_DOOR) - 1) + 1
        path = data[at : at + len(_DOOR) + 1]
        ours = at and path.startswith(_DOOR) and len(path) > len(_DOOR) and path[-1] in _BEHIND
        if ours and not any(name in data for name in _UPGRADE):
            return False
        if _half(data):  # aiohttp would wait for the rest for ever
            if len(data) < LONGEST_HEAD:
                self._early = data
            else:
                self._end()
            return True
        self._server.hand_over(self._transport, data)
        self._leave()
        self._ending = True
        return True

    def _leave(self) -> None:
        self._server.connections.discard(self)
        if not self.gone.done():
            self.gone.set_result(None)

    def _feed(self, data: bytes) -> None:
        try:
            self._news = 0
            self._parser.feed_data(data)
            if self._news <= self._in_head and (self._in_head or self._growing is not None):
                self._count_head(len(data))
        except HttpParserUpgrade:  # what follows speaks another protocol
            self._deaf, self._waiting[-1].keep = True, False
        except Malformed as error:
            self._refuse(error)
        except HttpParserError as error:
            fault = error.__context__
            self._refuse(fault if isinstance(fault, Malformed) else Malformed(f"no HTTP: {error}"))

    def _count_head(self, size: int) -> None:
        """Neither a head nor trailers may grow for ever: their parts are told when whole."""
        self._head += size
        if self._head > LONGEST_HEAD:
            raise Malformed("the head is too long", 431)

    def _refuse(self, fault: Malformed) -> None:
        """Told behind the answers to what came before; a body that broke off is told as such."""
        self._deaf = True
        if self._growing is None:
            self._fault = fault
        self._broken()

    async def _answer_all(self) -> None:
        try:
            while self._waiting and not self._ending:
                request = self._waiting[0]
                answer = await self._server.handle(request)
                self._send(request, answer)
                if self._held_up is not None:
                    await self._drained()
                self._waiting.popleft()
            if self._fault is not None and not self._ending:
                answer = self._server.refuse(self._fault, self._headers)
                self._transport.writelines([head(answer, keep=False), answer.body])
            if self._fault is not None or self._ended:
                self._end()
        except Exception as error:  # noqa: BLE001 - nobody must wait for an answer that never comes
            log.error("inbound.no_answer", error=repr(error)[:200])  # noqa: TRY400 - tokens in locals
            self.abort()
        finally:
            self._working = None
            self.since = self._loop.time()
        self.flow()

    def _send(self, request: Request, answer: Answer) -> None:
        keep = request.keep and request.whole and not answer.close and not self._server.stopping
        if not self._transport.is_closing():
            self._transport.writelines(
                [head(answer, keep=keep), b"" if request.method == "HEAD" else answer.body]
            )
        if not keep:
            self._end()

    async def _drained(self) -> None:
        """A client that takes no answers is not kept."""
        try:
            async with asyncio.timeout(self._server.idle_s):
                while self._held_up is not None:
                    await self._held_up
        except TimeoutError:
            self.abort()

    def _end(self) -> None:
        """No more answers: take what is on its way for a moment, then close."""
        if self._ending:
            return
        self._ending = True
        if self._transport.is_closing():
            return
        if self._growing is None and not self._deaf:
            self._transport.close()
            return
        self._transport.write_eof()
        if self._paused:
            self._transport.resume_reading()
        self._loop.call_later(LINGER_S, self._transport.abort)

    def _broken(self) -> None:
        if self._growing is not None:
            self._growing.end(broken=True)
            self._growing = None


class Server:
    """The connections of one process. `handle` answers requests and never raises.

    `refuse` makes the answer to what is no HTTP, with the headers that could be read;
    `elsewhere` makes aiohttp's protocol.
    """

    def __init__(
        self,
        handle: Handle,
        refuse: Callable[[Malformed, Given], Answer],
        elsewhere: Callable[[], asyncio.Protocol],
        idle_s: float,
    ) -> None:
        self.handle = handle
        self.refuse = refuse
        self.idle_s = idle_s
        self.stopping = False
        self.connections: set[Connection] = set()
        self._elsewhere = elsewhere
        self._tasks = Tasks()
        _ = self._tasks.keep("inbound.idle", self._sweep)

    def __call__(self) -> Connection:
        return Connection(self)

    def hand_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Let aiohttp go on with this connection, as if it had come there."""
        protocol = self._elsewhere()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    async def close(self, grace_s: float) -> None:
        """Requests in work are answered for as long as `grace_s`; then all is cut."""
        self.stopping = True
        for connection in list(self.connections):
            connection.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._all_gone()
        for connection in list(self.connections):
            connection.abort()
        await self._tasks.close()

    async def _all_gone(self) -> None:
        while self.connections:
            await next(iter(self.connections)).gone

    async def _sweep(self) -> None:
        """Close what is idle, and what sends half a head, for too long."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            oldest = asyncio.get_running_loop().time() - self.idle_s
            for connection in list(self.connections):
                if connection.since is not None and connection.since < oldest:
                    connection.stop()
