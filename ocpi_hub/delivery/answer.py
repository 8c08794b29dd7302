"""The answer: read from a connection as its bytes come, counted while it grows.

Pure. llhttp does the grammar; here stand the limits and what is no answer for the hub.
"""

import zlib
from functools import lru_cache
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ocpi_hub.modules.outgoing import Answered

LONGEST_HEAD: Final = 32 * 1024
# Chunks of one byte each take six bytes more: what frames a body is bounded by its limit.
FRAMING: Final = 8
_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
_AUTO_DETECT: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, by its header
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_INTERIM: Final = range(100, 200)
_REDIRECTS: Final = range(300, 400)
# How the body comes; means nothing once it is read.
_FRAME: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@lru_cache(1024)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Unusable(Exception):
    """What came is no answer that the hub can use; the message says why."""


class Reading:
    """The answers of one connection, one after the other; `begin` before each of them.

    `begun`: a first byte came; `whole`: all of it came; `kept`: the connection may be used again.
    """

    def __init__(self) -> None:
        self.begin(0)
        self._fault: Unusable | None = None
        self._parser = HttpResponseParser(self)
        # Met in the wild, and of no danger where one answer at a time is awaited.
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    def begin(self, limit: int) -> None:
        """Expect an answer with a body of at most `limit` bytes after decompression."""
        self.begun = self.whole = self.kept = False
        self._limit = limit
        self._count = self._status = 0
        self._headers: dict[str, str] = {}
        self._frame: dict[str, str] = {}
        self._body = bytearray()
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises Unusable, after which nothing more may be fed."""
        self.begun = True
        self._count += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise self._fault or Unusable(f"no HTTP ({error})") from None
        if not self.whole and self._count > self._longest():
            raise Unusable("too many bytes around too little")

    def end(self) -> None:
        """The partner closes: the end of an answer that tells no length. Raises Unusable."""
        if self._status and not self._frame.keys() & {"content-length", "transfer-encoding"}:
            self._finish()

    def answered(self) -> Answered:
        """The whole answer."""
        return Answered(self._status, self._headers, bytes(self._body))

    def _longest(self) -> int:
        return LONGEST_HEAD + (FRAMING * self._limit if self._status else 0)

    # What the parser calls. It hides what is raised, so that is kept aside.

    def on_message_begin(self) -> None:
        if self.whole:
            self._refuse("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status:
            return  # a trailer
        key, text = _lower(name), value.decode("utf-8", "surrogateescape")
        into = self._frame if key in _FRAME else self._headers
        if text.isprintable() or into is self._frame:
            into[key] = f"{into[key]}, {text}" if key in into else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._parser.get_http_version() not in _VERSIONS or status < _INTERIM.start:
            self._refuse("no HTTP/1.1")
        if status in _INTERIM:
            return
        if status in _REDIRECTS:
            self._refuse(f"redirect ({status})")
        self._status = status
        self.kept = self._parser.should_keep_alive()
        self._prepare()

    def on_body(self, data: bytes) -> None:
        if self._inflate is None:
            self._body += data
        else:
            try:
                self._body += self._inflate.decompress(data, self._limit + 1 - len(self._body))
            except zlib.error:
                self._refuse("broken compression")
        if len(self._body) > self._limit:
            self._refuse(f"more than {self._limit} bytes")

    def on_message_complete(self) -> None:
        if self._status:
            self._finish()
        else:
            self._headers, self._frame = {}, {}  # an interim answer: the real one follows

    def _prepare(self) -> None:
        """Whether and how the body can be read."""
        if self._frame.get("transfer-encoding", "chunked").lower() != "chunked":
            self._refuse("transfer encoding that was not asked for")
        if int(self._frame.get("content-length", 0)) > self._limit:
            self._refuse(f"more than {self._limit} bytes")
        encoding = self._frame.get("content-encoding", "identity").strip().lower()
        if encoding in _ENCODINGS:
            self._inflate = zlib.decompressobj(_AUTO_DETECT)
        elif encoding != "identity":
            self._refuse("encoding that was not asked for")

    def _finish(self) -> None:
        inflate = self._inflate
        if inflate is not None and (not inflate.eof or inflate.unused_data):
            self._refuse("broken compression")
        self.whole = True

    def _refuse(self, why: str) -> None:
        self._fault = Unusable(why)
        raise self._fault
