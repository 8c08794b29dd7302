"""The sessions of a CPO: what happens at its outlets, told to the eMSP of each driver.

A new session is PUT, each change PATCHed (SES-002); where one did not arrive, the next news is a
PUT of the whole (SES-033). When a session is over, its CDR goes out. Time comes from outside, or
runs by itself `speed` times as fast as the clock.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp

from ocpi_hub.ocpi.primitives import (
    InterfaceRole,
    PartyRef,
    fold,
    format_datetime,
    parse_datetime,
)
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator.charge import ACTIVE, PENDING, RESERVED, Charge, Grant
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.ledger import Ledger
from ocpi_hub.simulator.outlet import Object, Outlet
from ocpi_hub.simulator.platform import NotSent, SimulatedPlatform
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.tariff_desk import TariffDesk
from ocpi_hub.simulator.visit import Visit, some_visit

_MODULE = "sessions"
_EVSE = {ACTIVE: "CHARGING", RESERVED: "RESERVED", PENDING: "BLOCKED"}
_KEPT = 5_000  # sessions
_STEP_S = 60  # simulated, between two looks at a session that runs by itself
_UNREACHED = (NotSent, aiohttp.ClientError, TimeoutError)

Turn = Callable[[Outlet, str], Awaitable[None]]
"""Sets the status of an EVSE."""


@dataclass(slots=True)
class Case:
    """A session, and what its eMSP was told of it; `sure`: everything arrived."""

    charge: Charge
    told: Object
    sure: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Charges:
    """`cases` by folded session id. `news` counts what became of pushes: accepted, refused, lost.

    Without `speed` nobody but `advance` and `finish` lets time pass.
    """

    def __init__(
        self, platform: SimulatedPlatform, tariffs: TariffDesk, ledger: Ledger, turn: Turn,
        speed: float | None = None,
    ) -> None:  # fmt: skip
        self.cases: dict[str, Case] = {}
        self.news: Counter[str] = Counter()
        self.speed = speed
        self.chance = random.Random(1)  # noqa: S311 - which car comes is no secret
        self._open: dict[tuple[PartyRef, str], Charge] = {}
        self._platform = platform
        self._tariffs = tariffs
        self._ledger = ledger
        self._turn = turn

    # Looking

    def __iter__(self) -> Iterator[Charge]:
        return (case.charge for case in self.cases.values())

    def find(self, session_id: str) -> Charge | None:
        case = self.cases.get(fold(session_id))
        return None if case is None else case.charge

    def at(self, location: Object, evse: Object) -> Charge | None:
        """Who charges at an EVSE, or has reserved it."""
        found = self._open.get(_key(location, evse))
        here = found is not None and not found.over and found.place.evse["uid"] == evse["uid"]
        return found if here else None

    # What happens

    async def begin(
        self, outlet: Outlet, grant: Grant, visit: Visit | None = None, at: datetime | None = None
    ) -> Charge:
        """A car is connected and may charge; some car, unless told which."""
        charge = self.enter(outlet, grant, visit or some_visit(self.chance), at)
        await self.announce(charge)
        return charge

    async def reserve(self, outlet: Outlet, grant: Grant, at: datetime | None = None) -> Charge:
        """The EVSE is kept free for somebody: a session too (SES-037)."""
        charge = self.enter(outlet, grant, None, at)
        await self.announce(charge)
        return charge

    def enter(
        self, outlet: Outlet, grant: Grant, visit: Visit | None, at: datetime | None = None,
        *, status: str = RESERVED,
    ) -> Charge:  # fmt: skip
        """The EVSE is taken from now on, by a car or (None) for one to come; nobody knows yet."""
        tariff = self._tariffs.of(outlet, _profile(outlet, grant)) or self._tariffs.of(outlet)
        if tariff is None:
            raise LookupError(f"no tariff at {outlet.evse['uid']}")
        charge = Charge(fresh_id(), outlet, grant, tariff, at or now(), status=status)
        if visit is not None:
            charge.occupy(grant, visit, charge.begun, outlet)
        self._open[_key(outlet.location, outlet.evse)] = charge
        self.cases[fold(charge.id)] = Case(charge, {})
        self._forget()
        return charge

    async def announce(self, charge: Charge) -> None:
        """Its eMSP hears of a new session, everybody of the state of the EVSE."""
        case = self._case(charge)
        async with case.lock:
            if charge.over:
                return
            await self._tell(case, {})
        await self._turn(charge.place, _EVSE[charge.status])
        self._drive(charge)

    async def occupy(
        self, charge: Charge, grant: Grant, visit: Visit | None = None,
        at: datetime | None = None, outlet: Outlet | None = None,
    ) -> None:  # fmt: skip
        """Who is expected is there, and the same session goes on (SES-039)."""
        case = self._case(charge)
        async with case.lock:
            if not charge.running and not charge.over:
                car = visit or some_visit(self.chance)
                change = charge.occupy(grant, car, at or now(), outlet or charge.place)
                self._open[_key(charge.place.location, charge.place.evse)] = charge
                await self._tell(case, change)
        await self._turn(charge.place, "CHARGING")
        self._drive(charge)

    async def advance(self, charge: Charge, to: datetime) -> None:
        """Time passes for a session; its eMSP hears of what changed."""
        case = self._case(charge)
        async with case.lock:
            for change in charge.advance(to):
                await self._tell(case, change)

    async def finish(self, charge: Charge, at: datetime | None = None) -> None:
        """The session is over: one last change, the EVSE is free, the CDR goes out.

        A reservation that cost nothing has no CDR.
        """
        case = self._case(charge)
        async with case.lock:
            if charge.over:
                return
            for change in charge.finish(self._moment(charge, at)):
                await self._tell(case, change)
        await self._turn(charge.place, "AVAILABLE")
        if not charge.unused or charge.cost.excl:
            await self._ledger.post(charge.cdr(fresh_id()))

    async def void(self, charge: Charge) -> None:
        """The session is INVALID and is not billed (SES-044)."""
        case = self._case(charge)
        async with case.lock:
            for change in charge.finish(self._moment(charge, None), "INVALID"):
                await self._tell(case, change)
        await self._turn(charge.place, "AVAILABLE")

    async def reprice(self, charge: Charge, tariff: Object) -> None:
        case = self._case(charge)
        async with case.lock:
            for change in charge.reprice(tariff):
                await self._tell(case, change)

    async def repair(self) -> None:
        """PUT each session whose last news did not arrive."""
        for case in tuple(self.cases.values()):
            if not case.sure:
                async with case.lock:
                    await self._tell(case, {})

    async def fetch(self, charge: Charge) -> Answer:
        """The Session as its eMSP holds it (SES-004)."""
        return await self._send("GET", charge, None)

    # Inside

    def _forget(self) -> None:
        """The oldest one that is over."""
        if len(self.cases) > _KEPT:
            over = (id_ for id_, case in self.cases.items() if case.charge.over)
            self.cases.pop(next(over, next(iter(self.cases))))

    def _case(self, charge: Charge) -> Case:
        return self.cases[fold(charge.id)]

    def _moment(self, charge: Charge, at: datetime | None) -> datetime:
        """Where time runs faster, a session ends at its own time."""
        return at or (charge.meter.at if self.speed and charge.running else now())

    async def _tell(self, case: Case, change: Object) -> None:
        """By a PATCH, when all that was before it arrived."""
        moment = {"last_updated": _newer(case.told.get("last_updated"))}
        case.told = case.charge.session() | moment
        method, body = ("PATCH", change | moment) if case.sure else ("PUT", case.told)
        try:
            answer = await self._send(method, case.charge, body)
        except _UNREACHED:
            case.sure = False
            self.news["lost"] += 1
            return
        case.sure = answer.ok
        self.news["accepted" if answer.ok else "refused"] += 1

    async def _send(self, method: str, charge: Charge, body: Object | None) -> Answer:
        owner = charge.outlet.owner
        ids = (owner.country_code, owner.party_id, charge.id)
        return await self._platform.ask(
            method, _MODULE, InterfaceRole.RECEIVER, ids, body,
            to=charge.grant.provider, sender=owner,
        )  # fmt: skip

    def _drive(self, charge: Charge) -> None:
        if self.speed and charge.running:
            self._platform.errands.send(self._driven(charge, self.speed))

    async def _driven(self, charge: Charge, speed: float) -> None:
        """Until the driver leaves; time stands still while the hub is slow."""
        while charge.running and not charge.leaves:
            await asyncio.sleep(_STEP_S / speed)
            await self.advance(charge, charge.meter.at + timedelta(seconds=_STEP_S))
        await self.finish(charge, charge.meter.at)


def _profile(outlet: Outlet, grant: Grant) -> str:
    """What the driver prefers from the start, where the EVSE can do it (TOK-042)."""
    able = outlet.able("CHARGING_PREFERENCES_CAPABLE")
    return str((able and grant.token.get("default_profile_type")) or "REGULAR")


def _key(location: Object, evse: Object) -> tuple[PartyRef, str]:
    return owner_of(location), fold(evse["uid"])


def _newer(last_updated: str | None) -> str:
    """Now, but later than before."""
    if last_updated is None:
        return format_datetime(now())
    return format_datetime(max(now(), parse_datetime(last_updated) + timedelta(milliseconds=1)))
