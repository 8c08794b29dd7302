"""The answering side of a simulated platform: an HTTP server of its own on a loopback port.

It records each request, plays armed faults, answers a wrong token by 401, and asks the handler
of the interface for the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from aiohttp import web

from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError, Status, Unauthorized
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator.fault import Faults
from ocpi_hub.simulator.record import Received, Record

VERSION = "2.2.1"
_SPOKEN = frozenset({VERSION, "2.2"})  # a platform speaks one of them


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it gets its envelope; `data` is JSON. `raw` goes out as it is instead."""

    data: bytes | None = None
    code: int = Status.SUCCESS
    text: str | None = None
    http: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Handler = Callable[[Received], Awaitable[Reply]]


async def accept(_: Received) -> Reply:
    """Take whatever comes (an interface that a scenario needs but does not look into)."""
    return Reply()


class Desk(Protocol):
    """Who the server works for."""

    async def admit(self, received: Received) -> None:
        """Raises Unauthorized when the token shown does not open this interface."""

    def handler(self, received: Received) -> Handler | None: ...


class Server:
    """`start` takes a free port the first time and the same one again after `stop`."""

    def __init__(self, desk: Desk) -> None:
        self.record = Record()
        self.faults = Faults()
        self.port = 0
        self._desk = desk
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ocpi"

    async def start(self) -> None:
        server = web.Server(self._serve, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and every open connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        received = await _read(request)
        self.record.add(received)

        async def go_on() -> web.Response:
            return _written(received, await self._reply(received))

        fault = self.faults.take(received)
        return await (go_on() if fault is None else fault(request, go_on))

    async def _reply(self, received: Received) -> Reply:
        try:
            await self._desk.admit(received)
            handler = self._desk.handler(received)
            if handler is None:
                return Reply(code=Status.CLIENT_ERROR, text="unknown path", http=404)
            return await handler(received)
        except Unauthorized as refusal:
            return Reply(code=refusal.code, text=refusal.message, http=401)
        except OcpiError as error:
            return Reply(code=error.code, text=error.message, http=error.http)


async def _read(request: web.BaseRequest) -> Received:
    path = request.rel_url.raw_path
    segments = tuple(unquote(each) for each in path.strip("/").split("/"))
    interface, rest = _interface(segments)
    return Received(
        at=asyncio.get_running_loop().time(),
        method=request.method,
        path=path,
        query=request.query,
        headers=request.headers,
        body=await request.read(),
        interface=interface,
        segments=rest,
    )


def _interface(segments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    match segments:
        case ("ocpi", "versions"):
            return "versions", ()
        case ("ocpi", version) if version in _SPOKEN:
            return "details", ()
        case ("ocpi", version, "credentials") if version in _SPOKEN:
            return "credentials", ()
        case ("ocpi", version, "sender" | "receiver" as side, module, *rest) if version in _SPOKEN:
            return f"{module}.{side}", tuple(rest)
    return "unknown", segments


def _written(received: Received, reply: Reply) -> web.Response:
    body = reply.raw
    if body is None:
        body = message.envelope(now(), data=reply.data, code=reply.code, message=reply.text)
    ids = {
        name: received.headers.get(name) or fresh_id()
        for name in ("X-Request-ID", "X-Correlation-ID")
    }
    headers = {**ids, **_swapped(received), **reply.headers}
    return web.Response(
        status=reply.http, body=body, content_type="application/json", headers=headers
    )


def _swapped(received: Received) -> dict[str, str]:
    """Routing headers of an answer: from whom the request was for, to whom it came from."""
    try:
        routing = message.read_routing(received.headers)
    except OcpiError:
        return {}
    return message.routing_headers(to=routing.sender, sender=routing.to)


def party_of(received: Received) -> PartyRef:
    """The owner in the first two path segments of a client owned object."""
    return PartyRef(received.segments[0], received.segments[1])
