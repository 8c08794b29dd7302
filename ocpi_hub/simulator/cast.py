"""Who plays in the demo: CPOs with stations, eMSPs with drivers, an SCSP, an NSP, a car's place."""

import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from statistics import fmean

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.delegation import Delegation
from ocpi_hub.simulator.driver import Swipe
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.fleet import Fleet
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.nsp import Nsp
from ocpi_hub.simulator.outlet import pick
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.receiver import Receiver
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.scsp import Scsp
from ocpi_hub.simulator.stations import Object, generate, load_file, owner_of

_OPERATORS = (
    "Voltwerk DE VWK",
    "Laadnet NL LNT",
    "Bornéo FR BRN",
    "Colonnine IT CLN",
    "Strömma SE STM",
)
_PROVIDERS = (
    "Fahrstrom DE FST",
    "Rijdgroen NL RDG",
    "Roulélec FR RLC",
    "Guidaverde IT GDV",
    "Elbil NO ELB",
)
_NAVIGATORS = ("Wegweiser AT WGW", "Routard BE RTD", "Vägvisa SE VGV")

_BALANCERS = ("Lastwerk DE LWK", "Netbalans NL NTB", "Effekt SE EFF")
_LIMIT_W = 7_400.0  # of the SCSP, for each session that it hears of
_SPEED = 300.0  # times as fast as the clock are sessions: eight seconds at a plug are 40 minutes

Called = tuple[str, PartyRef]


@dataclass(frozen=True, slots=True)
class Cast:
    """`late` registers when everything was pushed, and starts with a crawl.

    The first eMSP has hired `scsp`. `fleets` are the drivers.
    """

    cpos: tuple[Cpo, ...]
    emsps: tuple[Emsp, ...]
    late: Nsp
    scsp: Scsp | None = None
    fleets: tuple[Fleet, ...] = ()

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        return (*self.emsps, self.late)

    @property
    def platforms(self) -> tuple[SimulatedPlatform, ...]:
        return (*self.cpos, *self.receivers, *self.balancers)

    @property
    def balancers(self) -> tuple[Scsp, ...]:
        return (self.scsp,) if self.scsp else ()

    @property
    def locations(self) -> list[Object]:
        return [location for cpo in self.cpos for location in cpo.locations.values()]


def cast(script: Script, taken: Collection[PartyRef] = ()) -> Cast:
    """Nobody plays a party of those `taken`.

    With a file, one CPO platform hosts every owner in it; else `cpos` of them share the stations.
    Raises BadFile.
    """
    meter = LagMeter()
    providers = _free(_PROVIDERS, "E", script.emsps, taken)
    [navigator] = _free(_NAVIGATORS, "N", 1, taken)
    [balancer] = _free(_BALANCERS, "S", 1, taken)
    cpos = _operators(script, taken, meter)
    emsps = tuple(Emsp(*each, meter, customers=script.drivers) for each in providers)
    scsp = Scsp(*balancer, _LIMIT_W)
    Delegation(emsps[0], scsp.party)
    swipe = _readers(cpos)
    fleets = tuple(Fleet(emsp, swipe, seed=script.seed) for emsp in emsps)
    return Cast(cpos, emsps, Nsp(*navigator, meter), scsp, fleets)


def _readers(cpos: Sequence[Cpo]) -> Swipe:
    """The card readers at all plugs."""
    hosts = {role.party: cpo for cpo in cpos for role in cpo.roles}

    async def swipe(location: Object, evse: Object, token: Object) -> bool:
        owner = owner_of(location)
        cpo = hosts.get(owner)
        there = pick(cpo.outlets(owner, location["id"]), evse["uid"]) if cpo else []
        if cpo is None or not there:  # the hub has stations of more than this play
            return False
        return await cpo.swipe(token["uid"], there[0], token["type"]) is not None

    return swipe


def _operators(script: Script, taken: Collection[PartyRef], meter: LagMeter) -> tuple[Cpo, ...]:
    """The first ones have one more where stations do not divide evenly; none is without any."""
    if path := script.locations:
        return (Cpo(path.name.partition(".")[0][:100], load_file(path), meter=meter, speed=_SPEED),)
    share, left = divmod(script.stations, script.cpos)
    return tuple(
        Cpo(name, generate(count, party, name, script.seed), meter=meter, speed=_SPEED)
        for number, (name, party) in enumerate(_free(_OPERATORS, "C", script.cpos, taken))
        if (count := share + (number < left))
    )


def _free(
    known: Sequence[str], letter: str, count: int, taken: Collection[PartyRef]
) -> list[Called]:
    """The first `count` of the known names, and of numbered ones behind them, that are free."""
    numbered = (f"Simulated-{letter}{number:02d} DE {letter}{number:02d}" for number in range(100))
    called = (_called(text) for text in itertools.chain(known, numbered))
    return list(itertools.islice((each for each in called if each[1] not in taken), count))


def _called(text: str) -> Called:
    name, country, party = text.split()
    return name, PartyRef(country, party)


def busiest_place(locations: Sequence[Object]) -> tuple[str, float, float]:
    """The town with the most fast chargers, and the middle of them (latitude, longitude)."""
    fast = [location for location in locations if _fast(location)] or list(locations)
    town = Counter(location["city"] for location in fast).most_common(1)[0][0]
    there = [location["coordinates"] for location in fast if location["city"] == town]
    lat = fmean(float(point["latitude"]) for point in there)
    lon = fmean(float(point["longitude"]) for point in there)
    named = any(sign.isalpha() for sign in town)  # some files have the number of a commune there
    return town if named else f"{lat:.3f}, {lon:.3f}", lat, lon


def _fast(location: Object) -> bool:
    return any(
        connector["standard"] == "IEC_62196_T2_COMBO"
        for evse in location.get("evses") or ()
        for connector in evse["connectors"]
    )


def this_noon() -> datetime:
    """A busy hour of today, so that there is something to see at any time of day."""
    return datetime.combine(now().date(), time(12), UTC)
