"""Rotation: a partner's token is renewed before a month is over, without anybody asking (CRED-025).

One partner after the other, and each at a moment of its own in the last fifth of the period, so
that those who registered together are not all asked together. Only who is CONNECTED is asked; who
refuses is left in peace for a day.
"""

import asyncio
import zlib
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from ocpi_hub.modules.journal import Direction, Hop, Journal
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.registrar import Registrar, TokenAges
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import Platform, PlatformId

LOOK_S: Final = 60.0
AGAIN: Final = timedelta(days=1)
SPLAY: Final = 0.2  # of the period, before its end

log = structlog.get_logger("credentials")


class Rotations:
    """`held`: the platforms that this process looks after; a `period` of zero: none is renewed."""

    def __init__(
        self,
        *,
        ages: TokenAges,
        platforms: Platforms,
        registrar: Registrar,
        journal: Journal,
        held: Callable[[], Collection[PlatformId]],
        period: timedelta,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._ages = ages
        self._platforms = platforms
        self._registrar = registrar
        self._journal = journal
        self._held = held
        self._period = period
        self._clock = clock
        self._again = min(AGAIN, period)
        self._failed: dict[PlatformId, datetime] = {}
        self._tasks = Tasks()
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Renew what is due until `close`."""
        if self._period and not self._closed.is_set():
            pause_s = min(LOOK_S, self._period.total_seconds() * SPLAY)
            _ = self._tasks.keep("rotation.look", self.look, pause_s)
        await self._closed.wait()

    async def close(self) -> None:
        """Break off what runs: an exchange that is not answered leaves the old tokens."""
        self._closed.set()
        await self._tasks.close()

    async def look(self) -> None:
        """Renew the tokens that are due by now."""
        ages = await self._ages.of([one for one in self._held() if self._free(one)])
        for one, age_s in ages.items():
            if age_s >= self._due_s(one) and self._free(one):
                await self._renew(one)

    def _free(self, one: PlatformId) -> bool:
        """Whether it may be asked at all; much can happen while others are."""
        platform = self._platforms.directory().platforms.get(one)
        failed = self._failed.get(one)
        return (
            platform is not None
            and platform.status is ConnectionStatus.CONNECTED
            and one in self._held()
            and (failed is None or self._clock() - failed >= self._again)
        )

    def _due_s(self, one: PlatformId) -> float:
        """The age at which a token is renewed: always the same for one platform."""
        share = zlib.crc32(one.encode()) / 2**32
        return self._period.total_seconds() * (1 - SPLAY * share)

    async def _renew(self, one: PlatformId) -> None:
        began = self._clock()
        try:
            platform = await self._registrar.rotate(one)
        except Exception as error:  # noqa: BLE001 - whatever happened, the others have their turn
            self._failed[one] = self._clock()
            self._tell(one, began, str(error) or repr(error))
        else:
            _ = self._failed.pop(one, None)
            log.info("credentials.renewed", platform=one, name=platform.name)

    def _tell(self, one: PlatformId, began: datetime, why: str) -> None:
        """In the log, and among the partner's findings."""
        log.warning("credentials.not_renewed", platform=one, reason=why)
        platform = self._platforms.directory().platforms.get(one)
        if platform is None:
            return
        self._journal.record(
            Hop(
                at=began,
                direction=Direction.OUT,
                platform=one,
                route="credentials.put",
                mode="configuration",
                method="PUT",
                url=_address(platform),
                request_id="",
                correlation_id=fresh_id(),
                sender=None,
                receiver=None,
                http=None,
                code=None,
                outcome="findings",
                duration_ms=(self._clock() - began).total_seconds() * 1000,
                findings=(f"CRED-025: the token could not be renewed ({why})",),
            )
        )


def _address(platform: Platform) -> str:
    return next((each.url for each in platform.endpoints if each.module == "credentials"), "")
