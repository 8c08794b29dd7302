"""A request that the door's own HTTP reads: its body grows while it is being answered."""

import asyncio
from typing import Final, Protocol

from ocpi_hub.inbound.body import check_size, too_large, unpacked, within
from ocpi_hub.ocpi.message import Given
from ocpi_hub.ocpi.status import NotJson

HELD: Final = 64 * 1024  # bytes of a body that is not read yet


class Malformed(Exception):
    """What came is no HTTP request; the message says why."""

    def __init__(self, text: str, http: int = 400) -> None:
        super().__init__(text)
        self.http = http


class Channel(Protocol):
    """The connection, as a request asks it."""

    @property
    def remote(self) -> str: ...

    def go_on(self) -> None:
        """Tell the client that its body is wanted."""

    def flow(self) -> None:
        """Take more from the client, or no more for now."""


class Request:
    """One request as it comes in: its head is whole, its body may still grow."""

    __slots__ = (
        *("_connection", "_parts", "_waiter", "_wanted", "broken", "headers", "keep"),
        *("method", "path", "query", "remote", "size", "whole"),
    )

    def __init__(self, connection: Channel, method: str, url: str, headers: Given) -> None:
        self.method = method
        self.path, _, self.query = url.partition("#")[0].partition("?")
        self.headers = headers
        self.remote = connection.remote
        self.keep = True
        self.whole = self.broken = False
        self._connection = connection
        self._parts: list[bytes] = []
        self.size = 0
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """See `Incoming.read`. Sizes count before and after unpacking."""
        encoding = check_size(self.headers, limit)
        if not self.whole:
            self._wanted = limit
            async with within(timeout_s):
                await self._grown(limit)
        if self.size > limit:
            raise too_large(limit)
        return unpacked(b"".join(self._parts), encoding, limit)

    async def _grown(self, limit: int) -> None:
        if self.headers.get("expect", "").lower() == "100-continue" and not self.size:
            self._connection.go_on()
        while not self.whole and self.size <= limit:
            if self.broken:
                raise NotJson("body: the connection broke")
            self._waiter = asyncio.get_running_loop().create_future()
            self._connection.flow()
            await self._waiter

    @property
    def full(self) -> bool:
        """Whether nobody asked yet for more than there is."""
        return self.size > max(HELD, self._wanted)

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self.size += len(part)
        self._wake()

    def end(self, *, broken: bool = False) -> None:
        self.whole, self.broken = not broken, broken
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
