"""Who is served by which process, and how far each receiver has come on the line.

A receiver is a registered platform. Each is held by exactly one process by a lease in the
database; when that process dies another takes it over within 30 s. The cursor says up to where
everything was delivered or may be skipped; after a crash delivery goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ocpi_hub.modules.line import Place
from ocpi_hub.routing.directory import PlatformId


@dataclass(frozen=True, slots=True)
class Receiver:
    platform: PlatformId
    cursor: Place


class Receivers(Protocol):
    """Leases and cursors of this process."""

    async def claim(self) -> Sequence[Receiver]:
        """Renew this process's leases, take its share of free and expired ones; all now held."""

    async def save(self, cursors: Mapping[PlatformId, Place]) -> None:
        """Move cursors forward, only of receivers still held here; never backwards."""

    async def skip_to_end(self, platform: PlatformId) -> Place:
        """Move a held receiver's cursor to the head of the line (ROUT-227); returns the head."""

    async def release(self) -> None:
        """Give everything back at once (clean shutdown)."""
