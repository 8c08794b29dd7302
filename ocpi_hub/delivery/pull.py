"""Pulls: reads the lists of the partners that this process serves, each when it is due.

One list of a partner at a time, a few partners at once; its pages take no lane of the relays.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from ocpi_hub.delivery.reading import Ground, Reading
from ocpi_hub.modules import pull
from ocpi_hub.modules.pull import Kind, Rhythm, State
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import Platform, PlatformId
from ocpi_hub.settings import Pull as Settings

LOOK_S: Final = 1.0
_GONE: Final = frozenset({ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED})


class Pulls:
    """`held`: the platforms that this process serves (`Spread.held`), and nobody else does."""

    def __init__(self, ground: Ground, held: Callable[[], Collection[PlatformId]]) -> None:
        self._ground = ground
        self._held = held
        self._usual = rhythm(ground.settings)
        self._tasks = Tasks()
        self._running: dict[PlatformId, asyncio.Task[None]] = {}
        self._parties: dict[PlatformId, frozenset[PartyRef]] = {}
        self._places = asyncio.Semaphore(ground.settings.at_once)
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Look after the held platforms until `close`."""
        if self._closed.is_set():
            return
        _ = self._tasks.keep("pull.look", self.look, LOOK_S)
        await self._closed.wait()

    async def close(self) -> None:
        """Break off what runs; the next start begins it anew."""
        self._closed.set()
        await self._tasks.close()

    async def look(self) -> None:
        """Begin what is due; leave what another process took over."""
        held = frozenset(self._held())
        for platform in self._running.keys() - held:
            self._running.pop(platform).cancel()
        wanted = self._wanted(held)
        if wanted:
            states = await self._ground.book.states(wanted)
            for platform, modules in wanted.items():
                known = {
                    module: states[platform, module]
                    for module in modules
                    if (platform, module) in states
                }
                await self._look_at(platform, modules, known)

    def _wanted(self, held: Collection[PlatformId]) -> dict[PlatformId, tuple[str, ...]]:
        """The lists of held platforms that are not being read at the moment."""
        platforms = self._ground.platforms.directory().platforms
        kept = tuple(self._ground.duties)
        idle = (one for one in held if one in platforms and self._is_idle(one))
        lists = {one: pull.pulled(platforms[one], kept) for one in idle}
        return {one: modules for one, modules in lists.items() if modules}

    def _is_idle(self, platform: PlatformId) -> bool:
        return platform not in self._running or self._running[platform].done()

    async def _look_at(
        self, platform_id: PlatformId, modules: Collection[str], known: Mapping[str, State]
    ) -> None:
        ground, at = self._ground, self._ground.clock()
        platform = ground.platforms.directory().platforms.get(platform_id)
        if platform is None:
            return
        settled = at + timedelta(seconds=ground.settings.settle_s)
        for module in modules:
            if module not in known:
                await ground.book.admit(platform.id, module, settled)
        if known and self._has_grown(platform):
            await ground.book.owe(platform.id, known.keys(), Kind.ALL, at)
        if away := [name for name, one in known.items() if pull.missed(one, platform.status, at)]:
            await ground.book.owe(platform.id, away, Kind.CHANGES, at)
        if platform.connected:
            self._begin(platform, known, at)

    def _has_grown(self, platform: Platform) -> bool:
        """Whether parties came since the last look: what they own is older than any window."""
        parties = frozenset(hosted.party for hosted in platform.roles if hosted.status not in _GONE)
        before = self._parties.get(platform.id, parties)
        self._parties[platform.id] = parties
        return not parties <= before

    def _begin(self, platform: Platform, known: Mapping[str, State], at: datetime) -> None:
        own = pull.rhythm_of(self._usual, platform.quirks)
        due = [module for module, state in known.items() if pull.due(state, own, at)]
        if due:
            self._running[platform.id] = self._tasks.spawn(
                f"pull.{platform.id}", self._turn(platform.id, due)
            )

    async def _turn(self, platform: PlatformId, due: Collection[str]) -> None:
        """The due lists of one platform, one after the other."""
        async with self._places:
            for module in due:
                await self._pull(platform, module)

    async def _pull(self, platform_id: PlatformId, module: str) -> None:
        """Read one list, as it is due by now: much may have changed while others ran."""
        ground = self._ground
        began = ground.clock()
        state = (await ground.book.states([platform_id])).get((platform_id, module))
        platform = ground.platforms.directory().platforms.get(platform_id)
        if state is None or platform is None or not platform.connected:
            return
        own = pull.rhythm_of(self._usual, platform.quirks)
        plan = pull.due(state, own, began)
        if plan is None or module not in pull.pulled(platform, (module,)):
            return
        await ground.book.begun(platform.id, module, began)
        tally = await Reading(ground, platform, module, plan, began).run()
        behind = pull.after(state, tally, own, ground.clock(), ground.dice())
        await ground.book.ended(platform.id, module, behind, tally)


def rhythm(settings: Settings) -> Rhythm:
    return Rhythm(
        interval=timedelta(hours=settings.interval_h),
        full=timedelta(hours=settings.full_h),
        overlap=timedelta(seconds=settings.overlap_s),
    )
