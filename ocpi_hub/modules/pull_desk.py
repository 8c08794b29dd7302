"""Pulling as operators see it: how far each list was read, and the wish to read it now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpi_hub.modules import pull
from ocpi_hub.modules.platforms import Conflict
from ocpi_hub.modules.pull import Kind, PullBook
from ocpi_hub.routing.directory import Platform


@dataclass(frozen=True, slots=True)
class PullDesk:
    """`kept`: the modules of which the hub keeps copies."""

    book: PullBook
    kept: Sequence[str]
    now: Callable[[], datetime]

    async def ask(self, platform: Platform) -> Sequence[str]:
        """Have all lists of a platform read in full, now or as soon as it is back; their modules.

        Raises Conflict when there is nothing to read.
        """
        modules = pull.pulled(platform, self.kept)
        if not modules:
            raise Conflict(
                "the platform offers no list that the hub reads, or the quirk pull leaves it out"
            )
        await self.book.owe(platform.id, modules, Kind.ALL, self.now())
        return modules

    async def shown(self, platform: Platform) -> Sequence[Mapping[str, Any]]:
        """One entry for each list that is or was read; times are None for what did not happen."""
        states = await self.book.states([platform.id])
        reads = pull.pulled(platform, self.kept)
        return [
            {
                "module": module,
                "next_at": state.next_at if module in reads else None,
                "running_since": state.begun_at,
                "synced_at": state.synced_at,
                "full_at": state.full_at,
                "failures": state.failures,
                "last": state.last,
            }
            for (_, module), state in sorted(states.items())
        ]
