"""Kept connections: channels that wait for their next request, bounded in number and in time."""

import asyncio
from collections import defaultdict
from typing import Final

from ocpi_hub.delivery.channel import Channel
from ocpi_hub.delivery.guard import Origin

# Shorter than what servers use, so that a kept connection is seldom closed under a request.
KEEP_ALIVE_S: Final = 15.0
SWEEP_S: Final = 1.0
EACH: Final = 32
TOTAL: Final = 512


class Kept:
    """At most `each` idle channels of one origin and `total` in all; the oldest give way."""

    def __init__(
        self, *, keep_alive_s: float = KEEP_ALIVE_S, each: int = EACH, total: int = TOTAL
    ) -> None:
        self._keep_alive_s = keep_alive_s
        self._each = each
        self._total = total
        self._of: defaultdict[Origin, list[Channel]] = defaultdict(list)
        self._idle: dict[Channel, Origin] = {}  # the longest idle first
        self._loop = asyncio.get_running_loop()
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, origin: Origin) -> Channel | None:
        """The channel that was used last, so that those not needed grow old."""
        while channels := self._of.get(origin):
            channel = channels.pop()
            del self._idle[channel]
            if channel.ready and self._loop.time() - channel.used_at < self._keep_alive_s:
                return channel
            channel.close()
        return None

    def give(self, origin: Origin, channel: Channel) -> None:
        if len(self._of[origin]) >= self._each:
            channel.close()
            return
        if len(self._idle) >= self._total:
            self._drop(next(iter(self._idle)))
        channel.used_at = self._loop.time()
        self._of[origin].append(channel)
        self._idle[channel] = origin
        if self._sweeping is None:
            self._sweep()

    def close(self) -> None:
        for channel in list(self._idle):
            self._drop(channel)
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    def _drop(self, channel: Channel) -> None:
        origin = self._idle.pop(channel)
        self._of[origin].remove(channel)
        if not self._of[origin]:
            del self._of[origin]
        channel.close()

    def _sweep(self) -> None:
        """Close what was idle for too long or was closed by the partner."""
        old = self._loop.time() - self._keep_alive_s
        for channel in [one for one in self._idle if not one.ready or one.used_at <= old]:
            self._drop(channel)
        wait_s = min(SWEEP_S, self._keep_alive_s)
        self._sweeping = self._loop.call_later(wait_s, self._sweep) if self._idle else None
