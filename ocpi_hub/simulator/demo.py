"""The demo: a hub in its own process, simulated partners around it, and a table to watch them.

`run` starts the hub, registers everybody, pushes all stations, and lets cars charge until Ctrl-C
or until the time is over; then it compares what receivers hold with what their owners hold.
"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ocpi_hub.ocpi import token
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import screen
from ocpi_hub.simulator.car import Car
from ocpi_hub.simulator.cast import Cast, busiest_place, cast, this_noon
from ocpi_hub.simulator.charging import Charging, Pace
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.compare import Difference, settled
from ocpi_hub.simulator.hub_process import HubFailed, HubProcess
from ocpi_hub.simulator.operator import AdminFailed, Operator
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.stations import BadFile
from ocpi_hub.simulator.watch import Watch

_ARRIVAL_S = 60.0  # until the first push has reached every receiver
_SETTLE_S = 20.0  # until the last change has
_HURRY_S = 3.0  # the same after Ctrl-C
_REPAIR_S = 5.0
_LOOK_S = 0.5
_PLAIN_LOOK_S = 5.0
_FAILURES = (HubFailed, AdminFailed, Refused, BadFile, aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo can be told.

    `for_s` ends it by itself. `rate` is status changes a second, unless `speed` (simulated seconds
    a second) is given. `locations`: a .jsonl or .jsonl.gz file instead of `stations` made-up ones.
    `data_dir` keeps the hub's data; without it they are forgotten. `plain`: lines, no live table.
    """

    stations: int = 3000
    locations: Path | None = None
    rate: float = 40.0
    speed: float | None = None
    for_s: float | None = None
    plain: bool = False
    data_dir: Path | None = None
    seed: int = 1
    hub_settings: Mapping[str, str] = field(default_factory=dict)


def run(options: Options, console: Console | None = None) -> int:
    """Play until the end: 0 when all went well, 1 when the hub failed or something did not arrive.

    Ctrl-C and SIGTERM end it at any time with 0.
    """
    return asyncio.run(_played(options, console or Console()))


async def _played(options: Options, console: Console) -> int:
    demo = Demo(options, console)
    playing = asyncio.current_task()
    with _on_signals(lambda: demo.end() or (playing and playing.cancel())):
        try:
            return await demo.play()
        except asyncio.CancelledError:
            return 0
        except (*_FAILURES, ExceptionGroup) as error:
            return _told(error, console)


def _told(error: Exception, console: Console) -> int:
    """Print what went wrong; what is no failure of the hub or a partner is raised again."""
    causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    if not all(isinstance(cause, _FAILURES) for cause in causes):
        raise error
    for cause in causes:
        console.print(f"The demo failed: {cause or repr(cause)}", style="red", markup=False)
    return 1


class Demo:
    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._console = console
        self._plain = options.plain or not console.is_terminal
        self._end = asyncio.Event()
        self._charging_now = False

    def end(self) -> bool:
        """End while cars charge; False when it is not that far yet, or was asked for before."""
        first = not self._end.is_set()
        self._end.set()
        return first and self._charging_now

    async def play(self) -> int:
        options = self._options
        players = cast(options.stations, options.locations, options.seed)
        pace = Pace(options.rate, options.speed)
        charging = Charging(players.cpos, this_noon(), pace, options.seed)
        charging.plug_in_early_birds()
        async with AsyncExitStack() as stack:
            for platform in players.platforms:  # they outlive the hub, as partners do
                await stack.enter_async_context(platform)
            folder = options.data_dir or stack.enter_context(_scratch())
            self._say(f"Starting the hub (its log: {folder / 'hub.log'}) ...")
            hub = await stack.enter_async_context(HubProcess(folder, options.hub_settings))
            operator = await stack.enter_async_context(Operator(hub.url, hub.admin_key))
            await self._fill(players, operator)
            place, lat, lon = busiest_place(players.locations)
            key = await operator.key("demo car", ["nav:read", "nav:stream"])
            car = await stack.enter_async_context(Car(hub.url, key, lat, lon))
            self._introduce(hub, players, car)
            watch = Watch(hub.url, place, players, charging, car, operator)
            await self._charge(hub, watch)
            return await self._conclude(watch)

    # Before: everybody registers, everything is pushed

    async def _fill(self, players: Cast, operator: Operator) -> None:
        for platform in (*players.emsps, *players.cpos):
            await self._invite(operator, platform)
        await self._push(players)
        await self._invite(operator, players.late)
        count = await players.late.crawl()
        self._say(f"{players.late.name} fetched {count} locations by GET")
        for receiver in players.receivers:
            receiver.lag.clear()
        for cpo in players.cpos:
            cpo.answer_times.clear()

    async def _invite(self, operator: Operator, platform: SimulatedPlatform) -> None:
        await operator.invite(platform)
        await platform.refresh_clients()
        roles = ", ".join(f"{role.party} {role.role}" for role in platform.roles[:3])
        more = f" and {len(platform.roles) - 3} more" if len(platform.roles) > 3 else ""  # noqa: PLR2004 - as many as shown
        self._say(f"{platform.name} registered ({roles}{more})")

    async def _push(self, players: Cast) -> None:
        total = len(players.locations)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeElapsedColumn(), console=self._console, disable=self._plain
        ) as progress:
            pushing = progress.add_task("pushing stations", total=total)
            for cpo in players.cpos:
                await cpo.push_all(lambda: progress.advance(pushing))
            await self._arrive(players, progress, total)
        self._say(f"{total} locations pushed by {len(players.cpos)} CPO platforms")

    async def _arrive(self, players: Cast, progress: Progress, total: int) -> None:
        """Wait until the eMSPs hold everything; what is missing then is told, and not the end."""
        bars = {
            emsp: progress.add_task(f"arrived at {emsp.name}", total=total)
            for emsp in players.emsps
        }

        async def follow() -> None:
            while True:
                for emsp, bar in bars.items():
                    progress.update(bar, completed=len(emsp.copy))
                await asyncio.sleep(_LOOK_S / 2)

        async with asyncio.TaskGroup() as group:
            following = group.create_task(follow())
            found = await settled(players.cpos, players.emsps, _ARRIVAL_S)
            following.cancel()
        for name, difference in found.items():
            if not difference.none:
                self._say(f"{name} does not hold everything yet: {difference}")

    def _introduce(self, hub: HubProcess, players: Cast, car: Car) -> None:
        emsp = players.emsps[0].known_peer
        infos = emsp.url("hubclientinfo", InterfaceRole.SENDER)
        around = f"lat={car.lat:.4f}&lon={car.lon:.4f}&radius_m=5000&connector=CCS2&available=now"
        circle = f"{car.lat:.4f},{car.lon:.4f},5000"
        driver, admin = f"Bearer {car.key}", f"Bearer {hub.admin_key}"
        self._say(f"\nHub        {hub.url}   (process {hub.pid})")
        self._say(f"Admin key  {hub.admin_key}\nCar key    {car.key}\n")
        self._say("Try it: free chargers, the live stream, the partners, and what an eMSP is told.")
        for authorization, url in (
            (driver, f"{hub.url}/nav/v1/stations/nearby?{around}"),
            (driver, f"{hub.url}/nav/v1/stream?circle={circle}"),
            (admin, f"{hub.url}/admin/v1/platforms"),
            (token.authorization(emsp.token), infos),
        ):
            self._say(f"  curl -N -H 'Authorization: {authorization}' '{url}'")
        self._say("")

    # The play itself

    async def _charge(self, hub: HubProcess, watch: Watch) -> None:
        self._charging_now = True
        async with asyncio.TaskGroup() as group:
            works = (
                watch.charging.run(),
                watch.car.drive(),
                watch.car.follow(),
                watch.keep_statuses(),
                self._show(watch),
                _repair(watch.cast),
                hub.ended(),
            )
            running = [group.create_task(work) for work in works]
            await self._until_the_end()
            for task in running:
                task.cancel()

    async def _until_the_end(self) -> None:
        try:
            async with asyncio.timeout(self._options.for_s):
                await self._end.wait()
        except TimeoutError:
            return

    async def _show(self, watch: Watch) -> None:
        if self._plain:
            while True:
                await asyncio.sleep(_PLAIN_LOOK_S)
                self._say(screen.line(watch.scene()))
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                live.update(screen.tables(watch.scene()), refresh=True)
                await asyncio.sleep(_LOOK_S)

    # After: did everything arrive?

    async def _conclude(self, watch: Watch) -> int:
        """The summary; on Ctrl-C nobody waits long for the last changes, nor is judged by them."""
        for cpo in watch.cast.cpos:
            await cpo.repair()
        asked = self._end.is_set()
        receivers = watch.cast.receivers
        found = await settled(watch.cast.cpos, receivers, _HURRY_S if asked else _SETTLE_S)
        self._console.print(screen.summary(watch.scene(), found))
        if asked:
            return 0
        return self._judged(found)

    def _judged(self, found: dict[str, Difference]) -> int:
        wrong = {name: difference for name, difference in found.items() if not difference.none}
        for name, difference in wrong.items():
            self._say(
                f"{name}: {difference.missing} locations missing, {difference.unequal} not equal,"
                f" such as {difference.example}"
            )
        self._say("Not everything arrived." if wrong else "Everything arrived everywhere.")
        return 1 if wrong else 0

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


async def _repair(players: Cast) -> None:
    while True:
        await asyncio.sleep(_REPAIR_S)
        for cpo in players.cpos:
            await cpo.repair()


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one run; an embedded PostgreSQL under another account may pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="ocpi-hub-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _on_signals(act: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
