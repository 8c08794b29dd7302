"""Agreements between parties, as the operators keep them.

An agreement says which modules two parties may exchange and when; a hub that asks for agreements
lets nobody roam without one. `settlement` holds the terms of billing, kept as they were given.
Storage implements `Agreements`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ocpi_hub.ocpi.primitives import PartyRef


@dataclass(frozen=True, slots=True)
class Terms:
    """`modules`: None for all. `valid_from` is inclusive, `valid_to` not; None: without end."""

    parties: tuple[PartyRef, PartyRef]
    modules: frozenset[str] | None
    valid_from: datetime | None
    valid_to: datetime | None
    settlement: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`in_force`: agreements are asked for, and this one is valid now."""

    id: str
    terms: Terms
    in_force: bool
    created_at: datetime


class Agreements(Protocol):
    """Changes take effect here before they return, and soon in other processes."""

    async def create(self, terms: Terms) -> Agreement:
        """Raises Conflict when the pair has another agreement for such a module and time."""

    async def list(
        self, after: str | None, limit: int, party: PartyRef | None = None
    ) -> Sequence[Agreement]:
        """In order of creation, behind the one with id `after`; of one party or of all."""

    async def one(self, agreement_id: str) -> Agreement:
        """Raises Unknown."""

    async def change(self, agreement_id: str, revise: Callable[[Terms], Terms]) -> Agreement:
        """Replace the terms by what `revise` makes of them. Raises Unknown or Conflict."""

    async def delete(self, agreement_id: str) -> Agreement:
        """The agreement as it was. Raises Unknown."""
