"""What roaming has brought at a moment: sessions, commands and bills of all drivers together."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ocpi_hub.simulator.fleet import Fleet
from ocpi_hub.simulator.lag import Quantiles
from ocpi_hub.simulator.trip import OVER, Stage, Trip


@dataclass(frozen=True, slots=True)
class Roaming:
    """Counts are of what arrived at the eMSPs. `owed` is by currency, without VAT.

    `answers` are the times until a CPO answered a command, `results` those until its charge point
    did. `going` and `billed` are the last trips, newest first.
    """

    running: int
    ended: int
    commands: int
    answers: Quantiles
    results: Quantiles
    cdrs: int
    owed: Mapping[str, Decimal]
    gave_up: int
    going: Sequence[Trip]
    billed: Sequence[Trip]

    @property
    def started(self) -> int:
        return self.running + self.ended

    @classmethod
    def of(cls, fleets: Sequence[Fleet]) -> "Roaming":
        emsps = [fleet.emsp for fleet in fleets]
        running = sum(len(emsp.sessions.open) for emsp in emsps)
        trips = list(_in_turn(reversed(fleet.trips.last) for fleet in fleets))
        return cls(
            running=running,
            ended=sum(len(emsp.sessions) for emsp in emsps) - running,
            commands=sum(emsp.commands.answered for emsp in emsps),
            answers=Quantiles.of([each for emsp in emsps for each in emsp.commands.answers]),
            results=Quantiles.of([each for emsp in emsps for each in emsp.commands.results]),
            cdrs=sum(len(emsp.cdrs) for emsp in emsps),
            owed=_together(emsp.cdrs.totals() for emsp in emsps),
            gave_up=sum(fleet.trips.ended[Stage.GAVE_UP] for fleet in fleets),
            going=[trip for trip in trips if trip.stage not in OVER],
            billed=[trip for trip in trips if trip.stage is Stage.BILLED],
        )


def _in_turn(trips: Iterable[Iterable[Trip]]) -> Iterator[Trip]:
    """The newest of each fleet, then the next of each."""
    for several in itertools.zip_longest(*trips):
        yield from (trip for trip in several if trip is not None)


def _together(totals: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in totals:
        for currency, amount in each.items():
            found[currency] += amount
    return dict(found)
