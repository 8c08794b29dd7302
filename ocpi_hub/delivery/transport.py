"""The transport: moves one prepared request and says how far it got (ROUT-116).

A small seam, so that a faster one can take the place of aiohttp. What every transport owes: the
guard judges the final address; no redirects, proxies or cookies; nothing but a GET is ever sent
twice; the answer is counted while it streams, after decompression.
"""

import asyncio
import socket
import ssl
import zlib
from dataclasses import dataclass
from errno import EACCES
from typing import Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from ocpi_hub.delivery import guard
from ocpi_hub.modules.outgoing import Answered, Failed, Failure, Outcome

# Shorter than what servers use, so that a kept connection is seldom closed under a request.
KEEP_ALIVE_S: Final = 15
# Of the deadline, what may go into name resolution, connection and TLS: an answer needs time too.
CONNECT_SHARE: Final = 0.5
_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
_AUTO_DETECT: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, by its header
_REDIRECTS: Final = range(300, 400)
_STALE_HEADERS: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with all its headers; `deadline_s` from now to the last byte of the answer."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    deadline_s: float
    max_answer: int


class Transport(Protocol):
    async def send(self, request: Prepared) -> Outcome: ...

    async def close(self) -> None: ...


class _Forbidden(OSError):
    """The guard refused the address of a socket (an OSError, so that other addresses are tried)."""


class _Once(aiohttp.ClientError):
    """Stands for an error after which aiohttp would silently send the request again."""


class _Garbage(Exception):
    """The answer cannot be used; the message says why."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: what failed after the connection stood is not tried again (TR-090)."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Once(str(error)) from error


# First match wins. Whatever is raised before the connection stands is a ClientConnectorError or a
# ConnectionTimeoutError; everything else came after something may have been handed over.
_MEANING: Final[tuple[tuple[type[Exception], Failure, str], ...]] = (
    (aiohttp.ConnectionTimeoutError, Failure.NOT_CONNECTED, "no connection in time"),
    (aiohttp.ClientConnectorDNSError, Failure.NOT_CONNECTED, "the host name is unknown"),
    (aiohttp.ClientSSLError, Failure.NOT_CONNECTED, "TLS failed"),
    (aiohttp.ClientConnectorError, Failure.NOT_CONNECTED, "no connection"),
    (aiohttp.InvalidURL, Failure.FORBIDDEN, "no usable URL"),
    (aiohttp.ClientResponseError, Failure.GARBAGE, "the answer is no HTTP"),
    (_Garbage, Failure.GARBAGE, "unusable answer"),
    (aiohttp.ClientPayloadError, Failure.TIMEOUT, "the answer broke off"),
    (aiohttp.ClientError, Failure.TIMEOUT, "the connection broke before the answer"),
    (TimeoutError, Failure.TIMEOUT, "no complete answer in time"),
    (OSError, Failure.TIMEOUT, "the connection broke before the answer"),
    (ValueError, Failure.FORBIDDEN, "the request cannot be written as HTTP"),
)


class AiohttpTransport:
    """The only `ClientSession` of the project. Make it inside the running loop.

    `tls`: how partners' certificates are verified; `resolver`: only for tests.
    """

    def __init__(
        self,
        policy: guard.Policy,
        *,
        tls: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._policy = policy
        connector = aiohttp.TCPConnector(
            limit=0,  # lanes do that
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=self._socket,
            ssl=tls or ssl.create_default_context(),
            resolver=resolver,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": "ocpi-hub", "Accept-Encoding": "gzip, deflate"},
            skip_auto_headers=("Content-Type",),
        )

    async def send(self, request: Prepared) -> Outcome:
        try:
            async with asyncio.timeout(request.deadline_s):
                return await self._exchange(request)
        except (aiohttp.ClientError, OSError, ValueError, _Garbage) as error:
            return _failed(error)

    async def close(self) -> None:
        await self._session.close()

    async def _exchange(self, request: Prepared) -> Answered:
        response = await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=request.deadline_s * CONNECT_SHARE, ceil_threshold=request.deadline_s
            ),
            middlewares=() if request.method == "GET" else (_once,),
        )
        try:
            return Answered(
                response.status, _headers(response), await _read(response, request.max_answer)
            )
        finally:
            response.close()  # of no effect on a connection that is done and kept

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """Called with the final address, after all name resolution: the one choke point."""
        family, kind, protocol, _, where = address
        if guard.check_address(str(where[0]), self._policy) is not None:
            # One text for all addresses: aiohttp mixes differing ones into another error.
            raise _Forbidden(EACCES, "the host leads to an address that may not be called")
        return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if response.status in _REDIRECTS:
        raise _Garbage(f"redirect ({response.status})")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return await _plain(response, limit)
    if encoding in _ENCODINGS:
        return await _inflated(response, limit)
    raise _Garbage("encoding that was not asked for")


async def _plain(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if (response.content_length or 0) > limit:
        raise _Garbage(f"more than {limit} bytes")
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > limit:
            raise _Garbage(f"more than {limit} bytes")
    return bytes(body)


async def _inflated(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The answer decompressed, never more than `limit` + 1 bytes of it at any time."""
    inflate, body = zlib.decompressobj(_AUTO_DETECT), bytearray()
    try:
        while chunk := await response.content.readany():
            body += inflate.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise _Garbage(f"more than {limit} bytes after decompression")
    except zlib.error:
        raise _Garbage("broken compression") from None
    if not inflate.eof or inflate.unused_data:
        raise _Garbage("broken compression")
    return bytes(body)


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Headers that can be passed on, names in lower case, several of one name joined."""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        if key not in _STALE_HEADERS and value.isprintable():
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _failed(error: Exception) -> Failed:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _Forbidden):
        return Failed(Failure.FORBIDDEN, str(error.os_error.strerror))
    kind, meaning = next((f, text) for type_, f, text in _MEANING if isinstance(error, type_))
    reason = str(error) if isinstance(error, _Garbage) else type(error).__name__
    return Failed(kind, f"{meaning}: {reason}")
