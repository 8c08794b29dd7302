"""A play around a hub that runs: partners register and push everything, then cars charge.

`demo` starts a hub for it, `simulate` plays at the hub of somebody else. In the end it is compared
what receivers hold with what its owners hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rich.progress import Progress, TaskID

from ocpi_hub.simulator import screen
from ocpi_hub.simulator.car import Car
from ocpi_hub.simulator.cast import Cast, busiest_place, this_noon
from ocpi_hub.simulator.charging import Charging, Pace
from ocpi_hub.simulator.compare import Difference, everything, settled
from ocpi_hub.simulator.ending import Ending
from ocpi_hub.simulator.introduction import Fact, introduction
from ocpi_hub.simulator.operator import Operator
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.voice import LOOK_S, Voice
from ocpi_hub.simulator.watch import Watch

_ARRIVAL_S = 60.0  # until the first push has reached every receiver
_SETTLE_S = 20.0  # until the last change has
_HURRY_S = 3.0  # the same after Ctrl-C
_REPAIR_S = 5.0
_TOLD = 5  # refusals
_NAMED = 3  # parties of a platform that are named


async def forever() -> None:
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Play:
    """One play; its platforms are open already. `perform` gives the exit code.

    `own`: the hub was started for this play, so its parties are ours whoever hosts them there, and
    its admin key may be shown. `hub_ended` raises when the hub is gone for good, and `facts` are
    told of it besides.
    """

    script: Script
    players: Cast
    operator: Operator
    voice: Voice
    ending: Ending
    own: bool = False
    hub_ended: Callable[[], Awaitable[None]] = forever
    facts: tuple[Fact, ...] = ()

    async def perform(self) -> int:
        """0 when all went well, or when it was asked to end; 1 when something did not arrive."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_awaited(self.hub_ended()))
            code = await self._performed()
            watching.cancel()
        return code

    async def _performed(self) -> int:
        script, players, operator = self.script, self.players, self.operator
        charging = Charging(players.cpos, this_noon(), Pace(script.rate, script.speed), script.seed)
        charging.plug_in_early_birds()
        await self._fill()
        place, lat, lon = busiest_place(players.locations)
        async with AsyncExitStack() as stack:
            key = await operator.issue_key("simulated car", ["nav:read", "nav:stream"])
            car = await stack.enter_async_context(Car(operator.url, key, lat, lon))
            admin_key = operator.admin_key if self.own else None
            self.voice.say(introduction(players, car, place, admin_key, self.facts))
            watch = Watch(operator.url, place, players, charging, car, operator, script.for_s)
            await self._charge(watch)
            return await self._conclude(watch)

    # Before: everybody registers, everything is pushed

    async def _fill(self) -> None:
        players = self.players
        for platform in (*players.emsps, *players.balancers, *players.cpos):
            await self._invite(platform)
        await self._push()
        await self._agree()
        await self._invite(players.late)
        count, tariffs = await players.late.crawl(), await players.late.crawl_tariffs()
        self.voice.say(
            f"{players.late.name} fetched {count} locations and {tariffs} tariffs by GET"
        )
        for receiver in players.receivers:
            receiver.lag.clear()
        for cpo in players.cpos:
            cpo.answer_times.clear()

    async def _invite(self, platform: SimulatedPlatform) -> None:
        await self.operator.invite(platform, take_over=self.own)
        await platform.refresh_clients()
        roles = ", ".join(f"{role.party} {role.role}" for role in platform.roles[:_NAMED])
        left = len(platform.roles) - _NAMED
        self.voice.say(f"{platform.name} registered ({roles}{f' and {left} more' * (left > 0)})")

    async def _push(self) -> None:
        players, total = self.players, len(self.players.locations)
        with self.voice.bars() as bars:
            pushing = bars.add_task("stations pushed to the hub", total=total)
            arrived = {
                emsp.name: bars.add_task(f"arrived at {emsp.name}", total=total)
                for emsp in players.emsps
            }
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow(bars, arrived))
                await asyncio.gather(
                    *(cpo.push_all(lambda: bars.advance(pushing)) for cpo in players.cpos)
                )
                found = await settled(players.cpos, players.emsps, _ARRIVAL_S)
                following.cancel()
            self._count(bars, arrived)
        self.voice.say(f"{total} locations pushed by {', '.join(cpo.name for cpo in players.cpos)}")
        for name, difference in found.items():
            if not difference.none:
                self.voice.say(f"{name} does not hold everything yet: {difference}")
        self._tell_refusals()

    def _tell_refusals(self) -> None:
        for cpo in self.players.cpos:
            for location_id, reason in list(cpo.refusals.items())[:_TOLD]:
                self.voice.say(f"The hub refused {location_id} of {cpo.name}: {reason}")
            if (more := len(cpo.refusals) - _TOLD) > 0:
                self.voice.say(f"... and {more} more of {cpo.name}")

    async def _agree(self) -> None:
        """Prices and cards, before anybody charges."""
        for cpo in self.players.cpos:
            await cpo.tariffs.put_all()
        for emsp in self.players.emsps:
            await emsp.issuer.push_all()
        tariffs = sum(len(cpo.tariffs.held) for cpo in self.players.cpos)
        tokens = sum(len(emsp.issuer.book) for emsp in self.players.emsps)
        self.voice.say(f"{tariffs} tariffs and {tokens} tokens pushed")

    async def _follow(self, bars: Progress, arrived: dict[str, TaskID]) -> None:
        while True:
            self._count(bars, arrived)
            await asyncio.sleep(LOOK_S / 2)

    def _count(self, bars: Progress, arrived: dict[str, TaskID]) -> None:
        for emsp in self.players.emsps:
            bars.update(arrived[emsp.name], completed=len(emsp.copy))

    # The play itself

    async def _charge(self, watch: Watch) -> None:
        works = (
            watch.charging.run(),
            watch.car.drive(),
            watch.car.follow(),
            watch.keep_statuses(),
            self.voice.show(watch.scene),
            self._keep_repairing(),
        )
        self.ending.open = True
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(work) for work in works]
            driving = [group.create_task(fleet.run()) for fleet in self.players.fleets]
            await self._until_the_end()
            await self._call_home(driving)
            for task in (*running, *driving):
                task.cancel()

    async def _until_the_end(self) -> None:
        try:
            async with asyncio.timeout(self.script.for_s):
                await self.ending.asked.wait()
        except TimeoutError:
            return

    async def _call_home(self, driving: Collection[asyncio.Task[None]]) -> None:
        """Drivers stop charging and wait for their bills; on Ctrl-C not for long."""
        for fleet in self.players.fleets:
            fleet.call_home()
        if driving:
            await asyncio.wait(driving, timeout=self._patience)

    async def _keep_repairing(self) -> None:
        while True:
            await asyncio.sleep(_REPAIR_S)
            await self._repair()

    async def _repair(self) -> None:
        for cpo in self.players.cpos:
            await cpo.repair()
            await cpo.charges.repair()
            await cpo.ledger.send_missing()

    @property
    def _patience(self) -> float:
        return _HURRY_S if self.ending.asked.is_set() else _SETTLE_S

    # After: did everything arrive?

    async def _conclude(self, watch: Watch) -> int:
        """The summary; on Ctrl-C nobody waits long for the last changes, nor is judged by them."""
        asked = self.ending.asked.is_set()
        self.ending.open = False
        try:
            async with asyncio.timeout(self._patience):
                await self._repair()
        except TimeoutError:
            self.voice.say("Some changes could not be pushed.")
        players = self.players
        found = await settled(players.cpos, players.receivers, self._patience, everything)
        self.voice.console.print(screen.summary(watch.scene(), found))
        return 0 if asked else self._judged(found)

    def _judged(self, found: dict[str, Difference]) -> int:
        wrong = {name: difference for name, difference in found.items() if not difference.none}
        for name, difference in wrong.items():
            self.voice.say(f"{name}: {difference}")
        self._tell_refusals()
        told = "Not everything arrived." if wrong else "Everything arrived everywhere."
        self.voice.say(told)
        return 1 if wrong else 0


async def _awaited(work: Awaitable[None]) -> None:
    await work
