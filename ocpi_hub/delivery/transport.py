"""The transport: moves one prepared request and says how far it got (ROUT-116).

HTTP/1.1 over kept connections, one request at a time on each. The guard judges the address of
every socket that is made, after all name resolution. No redirects, proxies or cookies; nothing but
a GET is ever sent twice; the answer is counted while it comes, after decompression.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from errno import EACCES
from functools import lru_cache
from typing import Final, Protocol

from aiohappyeyeballs import AddrInfoType, start_connection

from ocpi_hub.delivery import guard
from ocpi_hub.delivery.channel import Channel
from ocpi_hub.delivery.guard import Origin
from ocpi_hub.delivery.kept import Kept
from ocpi_hub.modules.outgoing import Failed, Failure, Outcome

# Of the deadline, what may go into name resolution, connection and TLS: an answer needs time too.
CONNECT_SHARE: Final = 0.5
# A second address is tried beside a first one that is slow (RFC 8305, section 8).
EYEBALLS_S: Final = 0.25
NAMES_S: Final = 10.0  # that long a name's addresses are remembered
LAST_WORDS_S: Final = 1.0
_ALWAYS: Final = "User-Agent: ocpi-hub\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate"

Resolve = Callable[[str, int], Awaitable[Sequence[AddrInfoType]]]


@dataclass(slots=True)
class Prepared:
    """A request with all its headers; `target` is path and query, as they go out.

    `max_answer`: bytes of the answer's body, after decompression.
    """

    method: str
    origin: Origin
    target: str
    headers: dict[str, str]
    body: bytes | None
    max_answer: int


class Transport(Protocol):
    async def send(self, request: Prepared, deadline_s: float) -> Outcome:
        """`deadline_s`: seconds from now to the last byte of the answer."""

    async def close(self) -> None: ...


class _Forbidden(OSError):
    """The guard refused the address of a socket (an OSError, so that other addresses are tried)."""


# First match wins; all of it happens before anything was handed over.
_UNCONNECTED: Final[tuple[tuple[type[Exception], Failure, str], ...]] = (
    (_Forbidden, Failure.FORBIDDEN, "the host leads to an address that may not be called"),
    (socket.gaierror, Failure.NOT_CONNECTED, "the host name is unknown"),
    (ssl.SSLError, Failure.NOT_CONNECTED, "TLS failed"),
    (TimeoutError, Failure.NOT_CONNECTED, "no connection in time"),
    (Exception, Failure.NOT_CONNECTED, "no connection"),
)


class HttpTransport:
    """Everything that leaves the hub goes through one of these. Make it inside the running loop.

    `tls`: how partners' certificates are verified; `resolve`: only for tests.
    """

    def __init__(
        self,
        policy: guard.Policy,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._policy = policy
        self._tls = tls or ssl.create_default_context()
        self._resolve = resolve or _resolve
        self._loop = asyncio.get_running_loop()
        self._names: dict[tuple[str, int], asyncio.Future[Sequence[AddrInfoType]]] = {}
        self._kept = Kept()
        self._channels: set[Channel] = set()
        self._closed = False

    async def send(self, request: Prepared, deadline_s: float) -> Outcome:
        until = self._loop.time() + deadline_s
        written = _written(request)
        if written is None:
            return Failed(Failure.FORBIDDEN, "the request cannot be written as HTTP")
        channel = self._kept.take(request.origin)
        if channel is not None:
            outcome = await self._exchange(channel, request, written, until)
            if request.method != "GET" or not channel.unheard:
                return outcome
        opened = await self._open(request.origin, deadline_s * CONNECT_SHARE)
        if isinstance(opened, Failed):
            return opened
        return await self._exchange(opened, request, written, until)

    async def close(self) -> None:
        """Break what is under way; returns when all connections are gone."""
        self._closed = True
        self._kept.close()
        for lookup in self._names.values():
            lookup.cancel()
        for channel in self._channels:
            channel.close()
        if self._channels:
            await asyncio.wait([one.lost for one in self._channels], timeout=LAST_WORDS_S)

    async def _exchange(
        self, channel: Channel, request: Prepared, written: bytes, until: float
    ) -> Outcome:
        try:
            return await channel.exchange(written, request.max_answer, until)
        finally:
            if channel.ready:
                self._kept.give(request.origin, channel)

    async def _open(self, origin: Origin, budget_s: float) -> Channel | Failed:
        if self._closed:
            return Failed(Failure.NOT_CONNECTED, "the hub is closing")
        try:
            async with asyncio.timeout(budget_s):
                return await self._connect(origin)
        except (OSError, RuntimeError) as error:  # uvloop raises the latter for some addresses
            kind, why = next((f, text) for t, f, text in _UNCONNECTED if isinstance(error, t))
            return Failed(kind, f"{why}: {type(error).__name__}")

    async def _connect(self, origin: Origin) -> Channel:
        addresses = await self._addresses(origin.host, origin.port)
        connected = await start_connection(
            addresses, happy_eyeballs_delay=EYEBALLS_S, interleave=1, socket_factory=self._socket
        )
        secure = origin.scheme == "https"
        try:
            _, channel = await self._loop.create_connection(
                Channel,
                sock=connected,
                ssl=self._tls if secure else None,
                server_hostname=origin.host if secure else None,
            )
        except BaseException:
            connected.close()
            raise
        self._channels.add(channel)
        channel.lost.add_done_callback(lambda _: self._channels.discard(channel))
        return channel

    def _socket(self, address: AddrInfoType) -> socket.socket:
        """Called with the final address, after all name resolution: the one choke point."""
        family, kind, protocol, _, where = address
        if guard.check_address(str(where[0]), self._policy) is not None:
            # One text for all addresses: differing ones would be mixed into another error.
            raise _Forbidden(EACCES, "forbidden address")
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    async def _addresses(self, host: str, port: int) -> Sequence[AddrInfoType]:
        """Where a name leads; one look-up at a time, so that a slow one fills no thread pool."""
        lookup = self._names.get((host, port))
        if lookup is None:
            lookup = asyncio.ensure_future(self._resolve(host, port))
            self._names[host, port] = lookup
            lookup.add_done_callback(lambda done: self._looked_up(host, port, done))
        return await asyncio.shield(lookup)

    def _looked_up(
        self, host: str, port: int, lookup: asyncio.Future[Sequence[AddrInfoType]]
    ) -> None:
        if lookup.cancelled() or lookup.exception() is not None:
            del self._names[host, port]
        else:
            self._loop.call_later(NAMES_S, self._names.pop, (host, port))


async def _resolve(host: str, port: int) -> Sequence[AddrInfoType]:
    return await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )


def _written(request: Prepared) -> bytes | None:
    """The bytes of a request; None when a header holds what would be read as something else."""
    body = request.body or b""
    fields = [f"{name}: {value}" for name, value in request.headers.items()]
    if not "".join(fields).isprintable():
        return None
    if request.method != "GET":
        fields.append(f"Content-Length: {len(body)}")
    opening = f"{request.method} {request.target} HTTP/1.1\r\n{_opening(request.origin)}"
    return b"%b\r\n\r\n%b" % ("\r\n".join((opening, *fields)).encode(), body)


@lru_cache(4096)
def _opening(origin: Origin) -> str:
    """The lines that all requests to an origin begin with."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    port = "" if origin.port == guard.DEFAULT_PORT[origin.scheme] else f":{origin.port}"
    return f"Host: {host}{port}\r\n{_ALWAYS}"
