"""A request as the door takes it, however it came over the wire, and the answer it gives back."""

from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Final, Protocol

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ocpi_hub.inbound.body import check_size, too_large, within
from ocpi_hub.ocpi.message import Given, given
from ocpi_hub.ocpi.status import NotJson

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


class Incoming(Protocol):
    """`path` and `query` are as received, still percent-encoded; `remote` is who connected."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def query(self) -> str: ...

    @property
    def headers(self) -> Given: ...

    @property
    def remote(self) -> str: ...

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """The whole body; raises CutShort (408, 413, 415), NotJson when it breaks on the way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` hold no framing; `close` ends the connection behind it."""

    http: int
    headers: dict[str, str]
    body: bytes
    close: bool = False


class Handed:
    """A request on a connection that aiohttp serves, since it was opened for another door."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.method = request.method
        self.path = request.rel_url.raw_path
        self.query = request.rel_url.raw_query_string
        self.headers = given(request.headers)
        self.remote = request.remote or ""

    async def read(self, limit: int, timeout_s: float) -> bytes:
        check_size(self.headers, limit)
        try:
            async with within(timeout_s):
                return await _all(self._request.content, limit)
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
            raise NotJson(f"body: cannot be read ({type(error).__name__})") from None


async def _all(content: StreamReader, limit: int) -> bytes:
    """Read what aiohttp unpacks piece by piece."""
    parts: list[bytes] = []
    size = 0
    while part := await content.readany():
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
    return b"".join(parts)


def response(answer: Answer) -> web.Response:
    """The answer for aiohttp."""
    made = web.Response(body=answer.body, status=answer.http, headers=answer.headers)
    if answer.close:
        made.force_close()
    return made


def head(answer: Answer, *, keep: bool) -> bytes:
    """All that goes before the body over the wire; ValueError for a header that cannot be one."""
    lines = [_status_line(answer.http)]
    for name, value in answer.headers.items():
        if not value.isprintable():
            raise ValueError(f"{name}: control characters cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    tail = "" if keep else "Connection: close\r\n"
    lines.append(f"Content-Length: {len(answer.body)}\r\nDate: {_date(int(time()))}\r\n{tail}\r\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


@lru_cache(128)
def _status_line(http: int) -> str:
    return f"HTTP/1.1 {http} {_PHRASES.get(http, 'Unknown')}\r\n"


@lru_cache(2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
