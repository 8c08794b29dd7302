"""A request's body: read whole, within its size and its time.

A body that drips in is cut by the deadline. Sizes count after decompression.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ocpi_hub.ocpi.spec import RouteSpec
from ocpi_hub.ocpi.status import NotJson, OcpiError, Status

_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_ZLIB, _GZIP_OR_ZLIB = 8, 32  # the low four bits of a zlib stream's first byte; added to wbits


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


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """The time for a whole body; CutShort with 408 when it is over."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CutShort(f"the body did not arrive within {seconds:g} s", http=408) from None


def check_size(headers: Mapping[str, str], limit: int) -> str:
    """What the head says of the body: its encoding; raises CutShort (413, 415) at once."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise CutShort(f"Content-Encoding: {encoding[:40]} is not accepted, gzip is", http=415)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large(limit)
    return encoding


def unpacked(packed: bytes, encoding: str, limit: int) -> bytes:
    """A whole body without its encoding; raises NotJson when it is broken, CutShort with 413."""
    if encoding in {"", "identity"} or not packed:
        return packed
    raw = encoding == "deflate" and packed[0] & 0xF != _ZLIB  # some send it without its frame
    stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else _GZIP_OR_ZLIB + zlib.MAX_WBITS)
    try:
        body = stream.decompress(packed, limit + 1)
    except zlib.error:
        raise NotJson(f"body: is not {encoding}") from None
    if len(body) > limit:
        raise too_large(limit)
    if not stream.eof or stream.unused_data:
        raise NotJson(f"body: its {encoding} is cut, or more follows behind it")
    return body


def too_large(limit: int) -> CutShort:
    return CutShort(f"the body is larger than {limit} bytes", Status.CLIENT_ERROR, 413)
