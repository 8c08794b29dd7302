"""A driver with a card and an app: finds a free plug, charges, pays, and drives on.

The app knows what the eMSP knows: its copy of the stations, sessions as they are pushed, CDRs. What
the driver does at the plug itself, with the card, is done by `swipe`, which is the CPO's.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import aiohttp

from ocpi_hub.ocpi.primitives import fold, format_datetime
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.commands import RESERVE, START, UNLOCK, Improper, capable
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.mailbox import Object, Pending
from ocpi_hub.simulator.platform import NotSent
from ocpi_hub.simulator.profiles import limit
from ocpi_hub.simulator.session_book import ENDED
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.trip import Stage, Trip, Trips
from ocpi_hub.simulator.wish import Way, Wish

_LOOKS = 400  # at random stations, for a free plug
_SOON_S = 10.0  # until a session or a bill has to be there
_NOT_YET = frozenset({"PENDING", "RESERVATION"})
_CHEAP_KWH = Decimal(20)
_RESERVED_FOR = timedelta(minutes=15)

Swipe = Callable[[Object, Object, Object], Awaitable[bool]]
"""The card (a Token) is held to the reader of an EVSE at a Location: does it begin to charge?"""


class Spot(NamedTuple):
    location: Object
    evse: Object


class GaveUp(Exception):
    """The driver drives on; the message says why."""


class Driver:
    """`live` goes from plug to plug until `leaving` is set, and then ends what goes on."""

    def __init__(
        self, name: str, emsp: Emsp, swipe: Swipe, trips: Trips, leaving: asyncio.Event,
        *, card: Object, app: Object, seed: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self._emsp = emsp
        self.swipe = swipe
        self._trips = trips
        self._leaving = leaving
        self.card, self.app = card, app
        self._chance = random.Random(f"{name} {seed}")  # noqa: S311 - seeded, nothing secret

    async def live(self, wishes: Iterator[Wish], pause_s: float) -> None:
        for wish in wishes:
            await self._wait(self._chance.uniform(0.5, 1.5) * pause_s)
            if self._leaving.is_set():
                return
            await self.travel(wish)

    async def travel(self, wish: Wish) -> Trip:
        """One stop, from looking for a plug to the bill; whatever goes wrong ends it."""
        trip = self._trips.begin(Trip(self.name, wish.way))
        try:
            await self._stop_over(trip, wish)
        except (GaveUp, Improper, NotSent, Refused, aiohttp.ClientError, TimeoutError) as error:
            trip.give_up(str(error)[:200] or type(error).__name__)
        self._trips.end(trip)
        return trip

    async def _stop_over(self, trip: Trip, wish: Wish) -> None:
        spot = self._find(wish)
        trip.place = spot.location.get("name") or spot.location["id"]
        reference = fresh_id()
        if wish.way is Way.RESERVE and not await self._reserve(trip, wish, spot, reference):
            return
        trip.go(Stage.STARTING)
        session = await self._begin(wish, spot, reference)
        trip.session = session
        trip.go(Stage.CHARGING)
        await self._charge(trip, wish, session)
        trip.go(Stage.WAITING)
        trip.cdr = await self._emsp.cdrs.until(session, _SOON_S)
        if trip.cdr is None:
            raise GaveUp("no bill came")
        trip.go(Stage.BILLED)

    # Before

    def _find(self, wish: Wish) -> Spot:
        """A free plug that can do what is wished, as the app shows them."""
        keys = list(self._emsp.copy.held)
        needed = (RESERVE, START) if wish.way is Way.RESERVE else (START,)
        for _ in range(_LOOKS if keys else 0):
            location = self._emsp.copy.held[self._chance.choice(keys)]
            for evse in location.get("evses") or ():
                if evse["status"] == "AVAILABLE" and all(capable(each, evse) for each in needed):
                    return Spot(location, evse)
        raise GaveUp("no free plug")

    async def _reserve(self, trip: Trip, wish: Wish, spot: Spot, reference: str) -> bool:
        """Whether the driver comes; the reservation stands in both cases at first."""
        commands, reservation = self._emsp.commands, fresh_id()
        until = now() + _RESERVED_FOR
        await _accepted(
            await commands.reserve(self.app, *spot, reservation, until, reference=reference)
        )
        trip.go(Stage.RESERVED)
        await self._wait(wish.stays_s / 4)
        if wish.cancels or self._leaving.is_set():
            await _accepted(await commands.cancel(owner_of(spot.location), reservation))
            trip.session = await self._end_of(lambda: self._emsp.sessions.referring(reference))
            trip.go(Stage.CANCELLED)
            return False
        return True

    async def _begin(self, wish: Wish, spot: Spot, reference: str) -> Object:
        """The session, as soon as the CPO has told of it."""
        sessions = self._emsp.sessions
        if wish.way is Way.CARD:
            if not await self.swipe(*spot, self.card):
                raise GaveUp("the card was refused")
            session = await sessions.until(lambda: self._running_at(spot), _SOON_S)
        else:
            start = self._emsp.commands.start
            await _accepted(await start(self.app, *spot, reference=reference))
            session = await sessions.until(lambda: self._active(reference), _SOON_S)
        if session is None:
            raise GaveUp("no session came")
        return session

    def _active(self, reference: str) -> Object | None:
        session = self._emsp.sessions.referring(reference)
        return session if session is not None and session["status"] not in _NOT_YET else None

    def _running_at(self, spot: Spot) -> Object | None:
        """The session of the card at this EVSE."""
        wanted = fold(self.card["uid"]), owner_of(spot.location), spot.evse["uid"]
        return next(
            (
                session
                for session in self._emsp.sessions.open.values()
                if (fold(session["cdr_token"]["uid"]), owner_of(session), session["evse_uid"])
                == wanted
            ),
            None,
        )

    # At the plug

    async def _charge(self, trip: Trip, wish: Wish, session: Object) -> None:
        if wish.limit_w is not None:
            await self._slow_down(session, wish.limit_w)
        if wish.cheap:
            await self._be_patient(session)
        await self._look(trip, session, wish.stays_s)
        if wish.stuck:
            await self._call_the_helpdesk(session)
        current = self._current(session)
        if current["status"] not in ENDED:
            trip.go(Stage.STOPPING)
            pending = await self._emsp.commands.stop(session)
            if pending.accepted:
                await _accepted(pending)
        trip.session = await self._end_of(lambda: self._current(session))

    async def _look(self, trip: Trip, session: Object, seconds: float) -> None:
        """The app shows how far it is, until the driver leaves or the car is full."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0 and not self._leaving.is_set():
            trip.session = self._current(session)
            if trip.session["status"] in ENDED:
                return
            await self._wait(min(left, 0.5))

    async def _slow_down(self, session: Object, watts: float) -> None:
        """Where the EVSE cannot be limited it charges as it does."""
        with contextlib.suppress(Improper, Refused):
            await self._emsp.limit(session, limit(watts))

    async def _be_patient(self, session: Object) -> None:
        """Cheap energy by tomorrow; where there is none it charges as it does."""
        tomorrow = format_datetime(now() + timedelta(days=1))
        with contextlib.suppress(Refused):
            await self._emsp.prefer(session, "CHEAP", departure=tomorrow, kwh=_CHEAP_KWH)

    async def _call_the_helpdesk(self, session: Object) -> None:
        """It is the helpdesk who unlocks, not the driver (CMD-044)."""
        location = self._emsp.copy.one(owner_of(session), session["location_id"])
        evse = self._emsp.evse(owner_of(session), session["location_id"], session["evse_uid"])
        if location is not None and evse is not None and capable(UNLOCK, evse):
            await (await self._emsp.commands.unlock(location, evse, evse["connectors"][0])).result()

    def _current(self, session: Object) -> Object:
        return self._emsp.sessions.one(owner_of(session), session["id"]) or session

    async def _end_of(self, find: Callable[[], Object | None]) -> Object:
        def ended() -> Object | None:
            session = find()
            return session if session is not None and session["status"] in ENDED else None

        session = await self._emsp.sessions.until(ended, _SOON_S)
        if session is None:
            raise GaveUp("the session did not end")
        return session

    async def _wait(self, seconds: float) -> None:
        """So long, or until everybody goes home."""
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            return


async def _accepted(pending: Pending) -> None:
    """Raises GaveUp unless the CPO, and then the charge point, did what was asked."""
    if not pending.accepted:
        raise GaveUp(f"{pending.what}: {pending.response['result']}")
    result = await pending.result()
    if result is None or result["result"] != "ACCEPTED":
        raise GaveUp(f"{pending.what}: {'no result' if result is None else result['result']}")
