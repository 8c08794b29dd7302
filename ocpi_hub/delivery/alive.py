"""Alive: who can be reached (hubclientinfo: still alive check).

A partner that was silent for the interval is asked for its versions. One failure is not enough:
the probe is repeated once, then the partner is OFFLINE. While OFFLINE it is asked every interval;
the first success makes it CONNECTED. Any message from a partner counts as a sign of life.
"""

import asyncio
import zlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from ocpi_hub.delivery import attempt
from ocpi_hub.modules.outgoing import Call, PartnerClient
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import Platform, PlatformId
from ocpi_hub.settings import Alive as Settings

# Probes are spread over this share of the interval, so that partners who fell silent together
# (a restart of the hub) are not all asked at once. Never later than a second.
SPREAD: Final = 0.1
LATEST_S: Final = 1.0
TICKS: Final = 5
MODE: Final = "configuration"
ROUTE: Final = "versions.sender.get"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Alive:
    """`held`: the platforms that this process looks after (`Spread.held`)."""

    def __init__(
        self,
        *,
        platforms: Platforms,
        client: PartnerClient,
        held: Callable[[], Collection[PlatformId]],
        settings: Settings,
        fresh: Callable[[], str] = fresh_id,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._platforms = platforms
        self._client = client
        self._held = held
        self._settings = settings
        self._fresh = fresh
        self._clock = clock
        self._started = clock()
        self._tasks = Tasks()
        self._probes: dict[PlatformId, asyncio.Task[bool]] = {}
        self._probed: dict[PlatformId, datetime] = {}
        self._duty: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Look after the held platforms until `close`."""
        if self._closed.is_set():
            return
        pause_s = min(self._settings.interval_s / TICKS, LATEST_S)
        self._duty = self._tasks.keep("alive.look", self.look, pause_s)
        await self._closed.wait()

    async def close(self) -> None:
        self._closed.set()
        await self._tasks.close()

    async def look(self) -> None:
        """Start a probe of every held platform that is due."""
        at = self._clock()
        platforms = self._platforms.directory().platforms
        for platform in [platforms[one] for one in self._held() if one in platforms]:
            if self._due(platform, at):
                self._begin(platform.id)

    def suspect(self, platform: PlatformId) -> None:
        """A call could not connect: find out at once (HCI-027). Does not wait."""
        if self._is(platform, ConnectionStatus.CONNECTED) and not self._just_probed(platform):
            self._begin(platform)

    async def probe_now(self, platform: PlatformId) -> bool:
        """Whether the platform lives now; joins a probe under way, trusts one just made."""
        if self._just_probed(platform):
            return self._is(platform, ConnectionStatus.CONNECTED)
        self._begin(platform)
        return await asyncio.shield(self._probes[platform])

    def _due(self, platform: Platform, at: datetime) -> bool:
        """CONNECTED: silent for the interval. OFFLINE: not probed for the interval."""
        if platform.status is ConnectionStatus.CONNECTED:
            seen = self._platforms.last_seen(platform.id)
            since = self._started if seen is None else max(seen, self._started)
        elif platform.status is ConnectionStatus.OFFLINE:
            since = self._probed.get(platform.id, _LONG_AGO)
        else:
            return False
        return (at - since).total_seconds() >= self._settings.interval_s + self._offset(platform.id)

    def _offset(self, platform: PlatformId) -> float:
        """Always the same for one platform, evenly spread over all."""
        share = zlib.crc32(platform.encode()) / 2**32
        return share * min(self._settings.interval_s * SPREAD, LATEST_S)

    def _just_probed(self, platform: PlatformId) -> bool:
        """A probe ended a moment ago: another one would tell nothing new (4003s come in bursts)."""
        ended = self._probed.get(platform, _LONG_AGO)
        return self._is_idle(platform) and (self._clock() - ended).total_seconds() < LATEST_S

    def _is_idle(self, platform: PlatformId) -> bool:
        return platform not in self._probes or self._probes[platform].done()

    def _begin(self, platform: PlatformId) -> None:
        if self._is_idle(platform):
            self._probes[platform] = self._tasks.spawn(
                f"alive.probe.{platform}", self._find_out(platform)
            )

    async def _find_out(self, platform: PlatformId) -> bool:
        """One probe, or two; the platform's status says afterwards what was found."""
        lives = await self._ask(platform)
        if not lives and self._is(platform, ConnectionStatus.CONNECTED):
            await asyncio.sleep(self._settings.retry_s)
            lives = await self._ask(platform)
        self._probed[platform] = self._clock()
        if lives and self._is(platform, ConnectionStatus.OFFLINE):
            await self._platforms.set_status(platform, ConnectionStatus.CONNECTED)
        elif not lives and self._is(platform, ConnectionStatus.CONNECTED):
            await self._platforms.set_status(platform, ConnectionStatus.OFFLINE)
        return lives

    def _is(self, platform: PlatformId, status: ConnectionStatus) -> bool:
        found = self._platforms.directory().platforms.get(platform)
        return found is not None and found.status is status

    async def _ask(self, platform: PlatformId) -> bool:
        found = self._platforms.directory().platforms.get(platform)
        if found is None or found.versions_url is None:
            return False
        call = Call(
            platform=platform,
            method="GET",
            url=found.versions_url,
            headers={
                message.REQUEST_ID: self._fresh(),
                message.CORRELATION_ID: self._fresh(),
            },
            body=None,
            route=ROUTE,
            mode=MODE,
        )
        return attempt.alive(await self._client.call(call))
