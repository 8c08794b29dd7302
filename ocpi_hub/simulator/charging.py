"""Cars at the plugs of several CPOs: the changes of a crowd, in real time, pushed.

The crowd is nobody's customer: it only makes EVSEs busy. Where a driver of an eMSP has a session,
the EVSE is left to that one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.sessions import Crowd
from ocpi_hub.simulator.stations import Object, evses

_QUEUE = 1000  # changes waiting for a slow hub; then simulated time waits too
_LANES = 16


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes: `rate` changes a second, or `speed` simulated seconds a second."""

    rate: float | None
    speed: float | None = None

    def due(self, number: int, elapsed: float) -> float:
        """Real seconds after the start at which the change is due.

        It is the `number`th change, at `elapsed` simulated seconds after the start.
        """
        return elapsed / self.speed if self.speed else number / (self.rate or 1.0)


@dataclass(slots=True)
class Charging:
    """Runs until cancelled. `changes` counts what was handed to the hub, `clock` is simulated."""

    cpos: Sequence[Cpo]
    start: datetime
    pace: Pace
    seed: int = 1
    changes: int = 0
    clock: datetime = field(init=False)
    _plugs: list[tuple[Cpo, Object, Object]] = field(init=False)
    _crowd: Crowd = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.start
        self._plugs = [
            (cpo, location, evse)
            for cpo in self.cpos
            for location, evse in evses(list(cpo.locations.values()))
            if evse["status"] == "AVAILABLE"
        ]
        self._crowd = Crowd(len(self._plugs), self.start, self.seed)

    def plug_in_early_birds(self) -> None:
        """Sessions that run at the start; to be called before the first push."""
        for number in self._crowd.already_charging():
            self._plugs[number][2]["status"] = "CHARGING"

    async def run(self) -> None:
        waiting: asyncio.Queue[tuple[int, str]] = asyncio.Queue(_QUEUE)
        async with asyncio.TaskGroup() as group:
            for _ in range(_LANES):
                group.create_task(self._push(waiting))
            group.create_task(self._play(waiting))

    async def _play(self, waiting: asyncio.Queue[tuple[int, str]]) -> None:
        now = asyncio.get_running_loop().time
        start = now()
        for number, change in enumerate(self._crowd.changes()):
            due = self.pace.due(number, (change.at - self.start).total_seconds())
            await asyncio.sleep(max(0.0, start + due - now()))
            await waiting.put((change.evse, change.status))
            self.clock = change.at

    async def _push(self, waiting: asyncio.Queue[tuple[int, str]]) -> None:
        while True:
            number, status = await waiting.get()
            cpo, location, evse = self._plugs[number]
            if cpo.charges.at(location, evse) is None:
                self.changes += 1
                await cpo.try_status(location, evse, status)
