"""Whether receivers hold what the operators of the stations hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.receiver import Receiver

_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts of locations, and one example of those that are missing or not equal."""

    missing: int
    unequal: int
    example: str | None

    @property
    def none(self) -> bool:
        return not self.missing and not self.unequal


def difference(cpos: Sequence[Cpo], receiver: Receiver) -> Difference:
    missing, unequal = [], []
    for cpo in cpos:
        for key, location in cpo.locations.items():
            held = receiver.copy.held.get(key)
            if held is None:
                missing.append(location["id"])
            elif held != location:
                unequal.append(location["id"])
    return Difference(len(missing), len(unequal), next(iter([*missing, *unequal]), None))


async def settled(
    cpos: Sequence[Cpo], receivers: Sequence[Receiver], deadline_s: float
) -> dict[str, Difference]:
    """The differences by receiver, once there are none or the deadline is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        found = {receiver.name: difference(cpos, receiver) for receiver in receivers}
        if all(each.none for each in found.values()) or loop.time() > end:
            return found
        await asyncio.sleep(_PAUSE_S)
