"""The channel: one connection to a partner, on which one request at a time is answered."""

import asyncio
import socket
import struct
from typing import Final, cast

from ocpi_hub.delivery.answer import Reading, Unusable
from ocpi_hub.modules.outgoing import Failed, Failure, Outcome

LATE: Final = Failed(Failure.TIMEOUT, "no complete answer in time")
BROKEN: Final = Failed(Failure.TIMEOUT, "the connection broke before the answer")
CUT: Final = Failed(Failure.TIMEOUT, "the answer broke off")
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # to linger for no second: a reset, and all is forgotten


class Channel(asyncio.Protocol):
    """`ready`: it can carry a request now; `unheard`: it closed before any byte of the answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reading = Reading()
        self._outcome: asyncio.Future[Outcome] | None = None
        self._transport: asyncio.Transport | None = None
        self.lost = self._loop.create_future()
        self.ready = self.unheard = False
        self.used_at = 0.0
        self._until = self._rings_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def exchange(self, request: bytes, limit: int, until: float) -> Outcome:
        """Send `request` and wait for its answer, until that time of the loop's clock.

        The connection is gone afterwards unless `ready` says otherwise.
        """
        assert self._transport is not None  # noqa: S101 - only a ready channel is asked
        self.ready = False
        self._reading.begin(limit)
        self._outcome = self._loop.create_future()
        self._watch(until)
        self._transport.write(request)
        try:
            return await self._outcome
        finally:
            self._outcome = None
            if not self.ready:
                self._give_up()

    def _watch(self, until: float) -> None:
        """One timer serves many requests, since timers are dear: it is set again when it rings."""
        self._until = until
        if self._timer is None or until < self._rings_at:
            self._unwatch()
            self._rings_at, self._timer = until, self._loop.call_at(until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._outcome is None:
            return
        if self._loop.time() < self._until:
            self._watch(self._until)
        else:
            self._end(LATE)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self.ready = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not derived from it
        self.ready = True

    def data_received(self, data: bytes) -> None:
        if self._outcome is None or self._outcome.done():
            self.close()  # nobody asked for it
            return
        try:
            self._reading.feed(data)
        except Unusable as error:
            self._end(Failed(Failure.GARBAGE, f"unusable answer: {error}"))
            return
        if self._reading.whole:
            self._answered(kept=self._reading.kept)

    def eof_received(self) -> None:
        self.ready = False
        if self._outcome is None or self._outcome.done():
            return
        try:
            self._reading.end()
        except Unusable as error:
            self._end(Failed(Failure.GARBAGE, f"unusable answer: {error}"))
            return
        if self._reading.whole:
            self._answered(kept=False)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - it is broken anyway
        self.ready = False
        self._unwatch()
        if self._outcome is not None and not self._outcome.done():
            self.unheard = not self._reading.begun
            self._end(BROKEN if self.unheard else CUT)
        if not self.lost.done():
            self.lost.set_result(None)

    def _give_up(self) -> None:
        """Whatever was not sent or confirmed yet is never sent again later (TR-090).

        The system would go on sending it for minutes, until the partner is back.
        """
        assert self._transport is not None  # noqa: S101 - it just carried a request
        sock = self._transport.get_extra_info("socket")
        if not self._reading.whole and sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()

    def _answered(self, *, kept: bool) -> None:
        """A connection whose request is not all sent yet cannot be used for another one."""
        assert self._transport is not None  # noqa: S101 - it just received
        self.ready = kept and not self._transport.get_write_buffer_size()
        self._end(self._reading.answered())

    def _end(self, outcome: Outcome) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)
