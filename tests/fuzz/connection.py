"""The door's HTTP over a transport that is none: every byte it is given, every byte it gives."""

import asyncio
import zlib
from datetime import UTC, datetime
from typing import Any

from httptools import HttpResponseParser

from ocpi_hub.inbound import request as bounds
from ocpi_hub.inbound.http import AHEAD, Connection, Server
from ocpi_hub.inbound.incoming import Answer, Incoming
from ocpi_hub.inbound.request import Malformed
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.message import Given
from ocpi_hub.ocpi.status import OcpiError
from tests.fuzz.mutation import pieces

AT = datetime(2026, 11, 24, tzinfo=UTC)
LIMIT = 4096  # bytes of a body
PIECE = 64 * 1024  # bytes that come at once, as a socket reads them
PATIENCE = 10_000  # turns of the loop


class Wire:
    """The transport below a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.protocol: Any = None
        self.sent = bytearray()
        self.open = True
        self.ended = self.paused = False

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return "192.0.2.1", 1

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        assert self.open, "written after the end"
        assert not self.ended, "written after the end"
        self.sent += data

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return not self.open

    def close(self) -> None:
        if self.open:
            self.open = False
            self._loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Elsewhere(asyncio.Protocol):
    """The protocol of the other doors."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def data_received(self, data: bytes) -> None:
        self.taken += data


class Answers:
    """Reads what a client would read; raises when it is no HTTP."""

    def __init__(self, sent: bytes) -> None:
        self.statuses: list[int] = []
        self.whole = 0
        self._parser = HttpResponseParser(self)
        self._parser.feed_data(sent)

    def on_headers_complete(self) -> None:
        self.statuses.append(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        self.whole += 1


class Handler:
    """Answers as the door does: bodies are read unless the path says so, refusals may close."""

    def __init__(self) -> None:
        self.asked = 0
        self.methods: list[str] = []

    async def handle(self, incoming: Incoming) -> Answer:
        self.asked += 1
        self.methods.append(incoming.method)
        assert incoming.path.startswith("/ocpi")
        assert incoming.path.isascii()
        if "skip" in incoming.path:
            return Answer(200, {}, b"unread")
        try:
            body = await incoming.read(LIMIT, 60)
        except OcpiError as error:
            told = message.envelope(AT, code=error.code, message=error.message)
            return Answer(error.http, {}, told, close=error.http != 400)
        assert len(body) <= LIMIT
        return Answer(200, {}, b"read")

    @staticmethod
    def refuse(fault: Malformed, _: Given) -> Answer:
        return Answer(fault.http, {}, message.envelope(AT, code=2000, message=str(fault)))


def talked(data: bytes) -> str:
    """What comes of a connection on which a client sends this, and then no more."""
    with asyncio.Runner() as runner:
        return runner.run(_talk(data))


async def _talk(data: bytes) -> str:
    handler, elsewhere = Handler(), Elsewhere()
    server = Server(handler.handle, handler.refuse, lambda: elsewhere, idle_s=60)
    wire = Wire(asyncio.get_running_loop())
    connection = server()
    wire.protocol = connection
    connection.connection_made(wire)  # type: ignore[arg-type] # all that is used of one
    await _say(data, wire, connection)
    if wire.protocol is elsewhere:
        await server.close(0)
        assert bytes(elsewhere.taken) in data
        assert connection not in server.connections
        return f"elsewhere {_told(bytes(wire.sent), handler)}"
    await _end(wire, connection)
    assert connection not in server.connections
    assert connection.gone.done()
    await server.close(0)
    return _told(bytes(wire.sent), handler)


async def _say(data: bytes, wire: Wire, connection: Connection) -> None:
    for piece in pieces(data, zlib.crc32(data)):
        for start in range(0, len(piece), PIECE):
            await _until(lambda: not (wire.paused and wire.open))
            if not wire.open:
                return
            wire.protocol.data_received(piece[start : start + PIECE])
            assert connection.held <= 2 * (bounds.HELD + PIECE), (
                "more is held than somebody waits for"
            )
            assert connection._head <= 2 * PIECE
            assert len(connection._early) < PIECE
            taking = wire.open and not wire.ended and not wire.paused
            assert not taking or len(connection._waiting) <= AHEAD


async def _end(wire: Wire, connection: Connection) -> None:
    """The client is done: whatever was begun ends, and the connection with it."""
    if wire.open and not connection.eof_received():
        wire.close()
    await _until(lambda: connection._working is None)
    if wire.open:
        assert wire.ended, "a connection is left hanging"
        wire.close()
    await _until(connection.gone.done)


async def _until(condition: Any) -> None:
    """A number of turns, not a time: nothing here waits for anything but the loop."""
    for _ in range(PATIENCE):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing moves any more")


def _told(sent: bytes, handler: Handler) -> str:
    if "HEAD" in handler.methods:
        return "head"  # whose answers only who asked can frame
    answers = Answers(sent)
    final = [status for status in answers.statuses if status >= 200]
    assert answers.whole == len(answers.statuses), "an answer is cut"
    assert len(final) <= handler.asked + 1
    return f"{sorted(set(answers.statuses))} {min(len(final), 3)}"
