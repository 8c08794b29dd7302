"""Who plays in the demo: CPOs with their stations, two eMSPs, an NSP, a place for a car."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from statistics import fmean

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.nsp import Nsp
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.receiver import Receiver
from ocpi_hub.simulator.stations import Object, generate, load_file

_OPERATORS = (("Voltwerk", PartyRef("DE", "VWK")), ("Laadnet", PartyRef("NL", "LNT")))
_PROVIDERS = (("Fahrstrom", PartyRef("DE", "FST")), ("Rijdgroen", PartyRef("NL", "RDG")))
_NAVIGATOR = ("Wegweiser", PartyRef("AT", "WGW"))


@dataclass(frozen=True, slots=True)
class Cast:
    """`late` registers when everything was pushed, and starts with a crawl."""

    cpos: tuple[Cpo, ...]
    emsps: tuple[Emsp, ...]
    late: Nsp

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        return (*self.emsps, self.late)

    @property
    def platforms(self) -> tuple[SimulatedPlatform, ...]:
        return (*self.cpos, *self.receivers)

    @property
    def locations(self) -> list[Object]:
        return [location for cpo in self.cpos for location in cpo.locations.values()]


def cast(stations: int, path: Path | None, seed: int = 1) -> Cast:
    """With a file, one CPO platform hosts every owner in it; else two CPOs share `stations`.

    Raises BadFile.
    """
    meter = LagMeter()
    return Cast(
        cpos=_from_file(path, meter) if path else _made_up(stations, meter, seed),
        emsps=tuple(Emsp(name, party, meter) for name, party in _PROVIDERS),
        late=Nsp(*_NAVIGATOR, meter),
    )


def _from_file(path: Path, meter: LagMeter) -> tuple[Cpo, ...]:
    return (Cpo(path.name.partition(".")[0][:100], load_file(path), meter=meter),)


def _made_up(stations: int, meter: LagMeter, seed: int) -> tuple[Cpo, ...]:
    half = stations // 2
    return tuple(
        Cpo(name, generate(count, party, name, seed), meter=meter)
        for (name, party), count in zip(_OPERATORS, (stations - half, half), strict=True)
        if count
    )


def busiest_place(locations: Sequence[Object]) -> tuple[str, float, float]:
    """The town with the most fast chargers, and the middle of them (latitude, longitude)."""
    fast = [location for location in locations if _fast(location)] or list(locations)
    town = Counter(location["city"] for location in fast).most_common(1)[0][0]
    there = [location["coordinates"] for location in fast if location["city"] == town]
    return (
        town,
        fmean(float(point["latitude"]) for point in there),
        fmean(float(point["longitude"]) for point in there),
    )


def _fast(location: Object) -> bool:
    return any(
        connector["standard"] == "IEC_62196_T2_COMBO"
        for evse in location.get("evses") or ()
        for connector in evse["connectors"]
    )


def this_noon() -> datetime:
    """A busy hour of today, so that there is something to see at any time of day."""
    return datetime.combine(now().date(), time(12), UTC)
