"""Which parties agreed to roam with each other, at one moment.

Only a hub that asks for agreements has these; the validity of each was looked at when the snapshot
was built, so nobody here needs a clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ocpi_hub.ocpi.primitives import PartyRef

Modules = frozenset[str] | None
"""The modules that an agreement is for; None: all of them."""

Pair = frozenset[PartyRef]

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class InForce:
    """An agreement that is in force."""

    parties: tuple[PartyRef, PartyRef]
    modules: Modules


@dataclass(frozen=True, slots=True)
class Agreements:
    """`modules`: what each pair agreed on. `since`: when a pair last came to have, or lost, all."""

    modules: Mapping[Pair, Modules]
    since: Mapping[Pair, datetime]

    def allow(self, party: PartyRef, other: PartyRef, module: str) -> bool:
        """Whether these two may exchange objects of a module; a party has no need of itself."""
        agreed = self.modules.get(frozenset((party, other)), _NOTHING)
        return agreed is None or module in agreed or party == other

    def link(self, party: PartyRef, other: PartyRef) -> bool:
        """Whether these two agreed on anything."""
        return frozenset((party, other)) in self.modules

    def moved(self, party: PartyRef, other: PartyRef) -> datetime | None:
        """When `link` last changed for these two; None when it never did."""
        return self.since.get(frozenset((party, other)))


def agreements(in_force: Iterable[InForce], since: Mapping[Pair, datetime]) -> Agreements:
    """All that is in force; several agreements of one pair add up."""
    found: dict[Pair, Modules] = {}
    for one in in_force:
        pair = frozenset(one.parties)
        before = found.get(pair, _NOTHING)
        both = before is not None and one.modules is not None
        found[pair] = before | one.modules if both else None  # type: ignore[operator]  # both are sets
    return Agreements(found, since)
