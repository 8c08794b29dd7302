"""What the demo knows at a moment, put together for the screen."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from ocpi_hub.simulator.car import Car
from ocpi_hub.simulator.cast import Cast
from ocpi_hub.simulator.charging import Charging
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.lag import Quantiles
from ocpi_hub.simulator.operator import AdminFailed, Operator
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.receiver import Receiver
from ocpi_hub.simulator.roaming import Roaming
from ocpi_hub.simulator.screen import PartnerLine, Scene
from ocpi_hub.simulator.scsp import Scsp

_STATUS_S = 2.0
_RATE_OVER = 10  # looks that the rate is taken over


@dataclass(slots=True)
class Watch:
    """`scene()` is one look; `keep_statuses` asks the hub for partners' states until cancelled."""

    url: str
    place: str
    cast: Cast
    charging: Charging
    car: Car
    operator: Operator
    for_s: float | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    _start: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _looks: deque[tuple[float, int]] = field(
        default_factory=lambda: deque([(0.0, 0)], maxlen=_RATE_OVER)
    )

    async def keep_statuses(self) -> None:
        while True:
            try:
                self.statuses = await self.operator.statuses()
            except (aiohttp.ClientError, TimeoutError, AdminFailed):
                self.statuses = {}
            await asyncio.sleep(_STATUS_S)

    def scene(self) -> Scene:
        elapsed = asyncio.get_running_loop().time() - self._start
        self._looks.append((elapsed, self.charging.changes))
        return Scene(
            url=self.url,
            elapsed_s=elapsed,
            for_s=self.for_s,
            clock=self.charging.clock,
            changes=self.charging.changes,
            rate=self._rate(),
            answers=self._answers(),
            partners=[self._line(platform) for platform in self.cast.platforms],
            nearest=self.car.nearest,
            place=self.place,
            events=self.car.events,
            car_fault=self.car.fault,
            unsure=sum(len(cpo.unsure) for cpo in self.cast.cpos),
            roaming=Roaming.of(self.cast.fleets),
        )

    def _rate(self) -> float:
        (then, before), (now, after) = self._looks[0], self._looks[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def _answers(self) -> Quantiles:
        return Quantiles.of([each for cpo in self.cast.cpos for each in cpo.answer_times])

    def _line(self, platform: SimulatedPlatform) -> PartnerLine:
        roles = ", ".join(dict.fromkeys(role.role.value for role in platform.roles))
        held, pushes, lag = 0, 0, None
        if isinstance(platform, Receiver):
            held, pushes, lag = len(platform.copy), platform.pushes, platform.lag.quantiles
        elif isinstance(platform, Cpo):
            held, pushes = len(platform.locations), platform.outcomes.total()
        elif isinstance(platform, Scsp):
            pushes = platform.profiles.counts.total()
        status = self.statuses.get(platform.name, "?")
        return PartnerLine(platform.name, roles, status, held, pushes, lag)
