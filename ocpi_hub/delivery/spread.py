"""Spread: follows the number line for every receiver that this process holds."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from ocpi_hub.delivery.courier import Courier, Road
from ocpi_hub.modules.line import ORIGIN, Line, Place
from ocpi_hub.modules.outgoing import PartnerClient
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.receivers import Receivers
from ocpi_hub.modules.store import Store
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import Directory, PlatformId
from ocpi_hub.settings import Delivery

CLAIM_S: Final = 5.0
LOOK_S: Final = 0.1
SAVE_S: Final = 1.0
MARK_S: Final = 0.25
MARKS: Final = 1024
GRACE_S: Final = 3.0  # for requests in hand; what is cut off then is told again after the start
LAST_S: Final = 5.0
PAUSE_S: Final = 1.0

log = structlog.get_logger("delivery")


@dataclass(frozen=True, slots=True)
class SpreadStatus:
    """`lag_s`: age of the oldest change not yet delivered, 0 when there is none.

    `pending`: numbers on the line ahead of the receiver, at least as many as changes for it.
    `counts`: outcomes of deliveries by this process.
    """

    lag_s: float
    pending: int
    counts: Mapping[str, int]


class Spread:
    """Runs from `run` to `close`; `probe` tells whether a platform lives (`Alive.probe_now`)."""

    def __init__(
        self,
        *,
        line: Line,
        store: Store,
        receivers: Receivers,
        platforms: Platforms,
        client: PartnerClient,
        modules: Mapping[str, Mapping[str, ModuleSpec]],
        probe: Callable[[PlatformId], Awaitable[bool]],
        settings: Delivery,
        metrics: Metrics,
        fresh: Callable[[], str] = fresh_id,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._receivers = receivers
        self._metrics = metrics
        self._clock = clock
        self._tasks = Tasks()
        self._couriers: dict[PlatformId, tuple[Courier, asyncio.Task[None]]] = {}
        self._saved: dict[PlatformId, Place] = {}
        self._marks: list[tuple[float, Place]] = []
        self._looked = -MARK_S
        self._duties: list[asyncio.Task[None]] = []
        self._known: Directory | None = None
        self._registered: frozenset[PlatformId] = frozenset()
        self._newcomers = asyncio.Event()
        self._closing = False
        self._closed = asyncio.Event()
        self._road = Road(
            line=line,
            head=self._head,
            store=store,
            platforms=platforms,
            client=client,
            modules=modules,
            probe=probe,
            fresh=fresh,
            lanes=settings.spread_lanes,
            metrics=metrics,
        )

    async def run(self) -> None:
        """Claim receivers, follow the line, save cursors; returns after `close`."""
        if self._closing:
            return
        self._duties = [
            self._tasks.keep("spread.claim", self._claim_in_turn, PAUSE_S),
            self._tasks.keep("spread.newcomers", self._look_for_newcomers, LOOK_S),
            self._tasks.keep("spread.watch", self._watch, SAVE_S),
            self._tasks.keep("spread.save", self.save, SAVE_S),
        ]
        await self._closed.wait()

    async def close(self) -> None:
        """Finish the requests in hand, save the cursors, give the receivers back."""
        self._closing = True
        for duty in self._duties:
            duty.cancel()
        for courier, _ in self._couriers.values():
            courier.stop()
        if working := [task for _, task in self._couriers.values()]:
            await asyncio.wait(working, timeout=GRACE_S)
        await self._tasks.close()
        await self._hand_back()
        self._couriers.clear()
        self._closed.set()

    async def _hand_back(self) -> None:
        """Without a database the leases run out, and what was not saved is sent again."""
        try:
            async with asyncio.timeout(LAST_S):
                await self.save()
                await self._receivers.release()
        except Exception as error:  # noqa: BLE001 - closing goes on
            log.warning("delivery.not_handed_back", error=repr(error))

    def held(self) -> Collection[PlatformId]:
        """The platforms that this process serves."""
        return self._couriers.keys()

    def status(self, platform: PlatformId) -> SpreadStatus | None:
        """How far a receiver is behind; None when another process serves it."""
        if platform not in self._couriers:
            return None
        courier, _ = self._couriers[platform]
        pending = max(0, self._head().seq - courier.cursor.seq)
        return SpreadStatus(self._lag(courier.cursor), pending, dict(courier.counts))

    async def claim(self) -> None:
        """Serve what is held now; leave at once what another process took over."""
        held = {receiver.platform: receiver for receiver in await self._receivers.claim()}
        for platform in self._couriers.keys() - held.keys():
            _, task = self._couriers.pop(platform)
            task.cancel()
            self._metrics.lag.remove(platform)
        for platform in held.keys() - self._couriers.keys():
            courier = Courier(held[platform], self._road)
            self._saved[platform] = courier.cursor
            self._metrics.lag.labels(platform)
            task = self._tasks.spawn(f"spread.courier.{platform}", _keep(courier))
            self._couriers[platform] = (courier, task)

    async def _claim_in_turn(self) -> None:
        """Claim every few seconds, and at once when a platform came or went."""
        while True:
            self._newcomers.clear()
            await self.save()  # what goes to another process now goes on where it is
            await self.claim()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLAIM_S):
                    await self._newcomers.wait()

    async def save(self) -> None:
        """Make durable how far the couriers have come, and show the lag."""
        cursors = {platform: courier.cursor for platform, (courier, _) in self._couriers.items()}
        for platform, cursor in cursors.items():
            self._metrics.lag.labels(platform).set(self._lag(cursor))
        moved = {
            platform: cursor
            for platform, cursor in cursors.items()
            if cursor > self._saved[platform]
        }
        if moved:
            await self._receivers.save(moved)
            failpoint("spread.saved")
            self._saved |= moved  # and nothing else: receivers may have come meanwhile
        self._forget_marks(min(cursors.values(), default=self._head()))

    async def _watch(self) -> None:
        async for _ in self._line.wakes():
            await self._mark()
            for courier, _task in self._couriers.values():
                courier.wake.set()

    async def _look_for_newcomers(self) -> None:
        directory = self._road.platforms.directory()
        if directory is self._known:
            return
        self._known = directory
        registered = frozenset(p.id for p in directory.platforms.values() if p.registered)
        if registered != self._registered:
            self._registered = registered
            self._newcomers.set()

    async def _mark(self) -> None:
        """Remember when the line was seen to reach where; the lag is read off these marks."""
        at = self._clock()
        if at - self._looked < MARK_S:
            return
        self._looked = at
        head = await self._line.head()
        if head > self._head():
            if len(self._marks) >= MARKS:
                self._marks = self._marks[::2]
            self._marks.append((at, head))

    def _head(self) -> Place:
        return self._marks[-1][1] if self._marks else ORIGIN

    def _lag(self, cursor: Place) -> float:
        ahead = bisect_right(self._marks, cursor, key=_place)
        return self._clock() - self._marks[ahead][0] if ahead < len(self._marks) else 0.0

    def _forget_marks(self, reached: Place) -> None:
        passed = bisect_right(self._marks, reached, key=_place)
        self._marks = self._marks[min(passed, len(self._marks) - 1) :] if self._marks else []


def _place(mark: tuple[float, Place]) -> Place:
    return mark[1]


async def _keep(courier: Courier) -> None:
    while not courier.stopped:
        try:
            await courier.run()
        except Exception as error:  # noqa: BLE001 - a courier must survive every fault of its surroundings
            log.warning("delivery.courier_failed", platform=courier.platform, error=repr(error))
            await asyncio.sleep(PAUSE_S)
