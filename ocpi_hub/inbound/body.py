"""A request's body: read whole, within its size and its time.

A body that drips in is cut by the deadline: the HTTP server itself waits for ever. Sizes count
after decompression, which the server does piece by piece as this file reads.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ocpi_hub.ocpi.spec import RouteSpec
from ocpi_hub.ocpi.status import NotJson, OcpiError, Status

_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """The largest bodies in bytes: of requests, of those with CDRs, of partners' lists."""

    usual: int
    cdrs: int
    lists: int

    def request(self, module: str) -> int:
        return self.cdrs if module == "cdrs" else self.usual

    def answer(self, module: str, route: RouteSpec) -> int:
        return self.lists if route.listing else self.request(module)


class CutShort(OcpiError):
    """The rest of the body was not read: the connection must close behind the answer."""


async def read_body(request: web.Request, limit: int, timeout_s: float) -> bytes:
    """The body; raises CutShort (408, 413, 415) or NotJson when it breaks on the way."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise CutShort(f"Content-Encoding: {encoding[:40]} is not accepted, gzip is", http=415)
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    try:
        if content.is_eof():  # the usual case: the body came with the head
            body = content.read_nowait()
            if len(body) <= limit:
                return body
            raise _too_large(limit)
        async with asyncio.timeout(timeout_s):
            return await _all(content, limit)
    except TimeoutError:
        raise CutShort(f"the body did not arrive within {timeout_s:g} s", http=408) from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise NotJson(f"body: cannot be read ({type(error).__name__})") from None


async def _all(content: StreamReader, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await content.readany():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> CutShort:
    return CutShort(f"the body is larger than {limit} bytes", Status.CLIENT_ERROR, 413)
