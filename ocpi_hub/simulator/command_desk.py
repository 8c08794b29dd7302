"""The Receiver interface of commands: an answer of the CPO at once, a result of the charge point.

The answer says whether the command is understood and handed on. Only then a result follows, once,
at the address that the command named (CMD-010, CMD-011), and after it what it brought about.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError, Status
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator.charge import PENDING, RESERVED, Charge, Grant
from ocpi_hub.simulator.charges import Charges
from ocpi_hub.simulator.order import NotTaken, Order, Outcome, Plan
from ocpi_hub.simulator.outlet import Outlet, pick
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.reader import CardReader
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.visit import some_visit

TIMEOUT_S = 30  # announced; results come long before
_MODULE = "commands"
_KEPT = 5_000  # reservations, the oldest are forgotten
_ACCEPTED, _REJECTED = "ACCEPTED", "REJECTED"
_BROKEN = frozenset({"BLOCKED", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "UNKNOWN"})
_NEEDS_CONNECTOR = "START_SESSION_CONNECTOR_REQUIRED"

Find = Callable[[PartyRef, str], Sequence[Outlet]]


@dataclass(slots=True)
class Reservation:
    """`id` is what the charge point calls it, unlike any other of any eMSP (CMD-034)."""

    id: str
    order: Order
    charge: Charge

    @property
    def open(self) -> bool:
        return self.charge.status == RESERVED and not self.charge.over

    @property
    def until(self) -> datetime:
        return parse_datetime(self.order.body["expiry_date"])


class CommandDesk:
    """`find` gives the outlets of a Location. `delay_s` is how long a charge point takes.

    `reservations` by eMSP and the id that this one gave. `silent` holds uids of EVSEs that never
    answer: the result is TIMEOUT then (CMD-017). `plug_in_s` is how long drivers take until the
    cable is in, after START_SESSION; None: it is in.
    """

    def __init__(
        self, platform: SimulatedPlatform, charges: Charges, reader: CardReader, find: Find
    ) -> None:
        self.reservations: dict[tuple[PartyRef, str], Reservation] = {}
        self.silent: set[str] = set()
        self.delay_s = 0.05
        self.plug_in_s: float | None = None
        self._platform = platform
        self._charges = charges
        self._reader = reader
        self._find = find
        self._plans: Mapping[str, Callable[[Order], Plan]] = {
            "START_SESSION": self._start,
            "STOP_SESSION": self._stop,
            "RESERVE_NOW": self._reserve,
            "CANCEL_RESERVATION": self._cancel,
            "UNLOCK_CONNECTOR": self._unlock,
        }
        rows = {("POST", command): self._take for command in self._plans}
        platform.serve(_MODULE, InterfaceRole.RECEIVER, Routes(_MODULE, rows))

    async def withdraw(self, reservation: Reservation) -> None:
        """The CPO itself cancels: another result at the address of RESERVE_NOW (CMD-018)."""
        if reservation.open:
            await self._report(reservation.order, "CANCELED_RESERVATION")
            await self._charges.finish(reservation.charge)

    async def _take(self, received: Received) -> Reply:
        order = Order.of(received, self._platform)
        try:
            plan = self._plans[received.segments[0]](order)
        except NotTaken as refusal:
            return _response(refusal.result)
        self._platform.errands.send(self._carry_out(order, plan))
        return _response(_ACCEPTED)

    async def _carry_out(self, order: Order, plan: Plan) -> None:
        await asyncio.sleep(self.delay_s)
        if plan.outlet is not None and plan.outlet.evse["uid"] in self.silent:
            await self._report(order, "TIMEOUT")
            return
        outcome = plan.ask()
        try:
            await self._report(order, outcome.result)
        finally:
            if outcome.effect is not None:
                await outcome.effect()

    async def _report(self, order: Order, result: str) -> None:
        """Once, at the address as it was given; nobody tries again (CMD-014)."""
        ids = {message.CORRELATION_ID: order.correlation_id} if order.correlation_id else None
        await self._platform.call(
            "POST", order.body["response_url"], body=codec.encode({"result": result}),
            to=order.sender, sender=order.owner, headers=ids,
        )  # fmt: skip

    # What the CPO checks, and what it asks of the charge point

    def _start(self, order: Order) -> Plan:
        outlet = self._chosen(order, "REMOTE_START_STOP_CAPABLE")
        if outlet.able(_NEEDS_CONNECTOR) and not order.body.get("connector_id"):
            raise InvalidParameter(f"connector_id: the EVSE is {_NEEDS_CONNECTOR} (CMD-038)")
        return Plan(lambda: self._started(order.grant(), outlet), outlet)

    def _started(self, grant: Grant, outlet: Outlet) -> Outcome:
        self._reader.trust(grant, outlet, now())
        held = self._charges.at(outlet.location, outlet.evse)
        if held is not None and held.status == RESERVED and held.grant.same(grant.token):
            return Outcome(_ACCEPTED, lambda: self._charges.occupy(held, grant, outlet=outlet))
        if said := self._busy(outlet):
            return Outcome(said)
        if (wait_s := self.plug_in_s) is not None:
            pending = self._charges.enter(outlet, grant, None, status=PENDING)
            return Outcome(_ACCEPTED, lambda: self._plugged_in(pending, wait_s))
        charge = self._charges.enter(outlet, grant, some_visit(self._charges.chance))
        return Outcome(_ACCEPTED, lambda: self._charges.announce(charge))

    async def _plugged_in(self, charge: Charge, wait_s: float) -> None:
        await self._charges.announce(charge)
        await asyncio.sleep(wait_s)
        if not charge.over:
            await self._charges.occupy(charge, charge.grant)

    def _stop(self, order: Order) -> Plan:
        charge = self._charges.find(order.body["session_id"])
        if charge is None or charge.over:
            raise NotTaken("UNKNOWN_SESSION")
        if charge.grant.provider != order.sender:
            raise NotTaken(_REJECTED)
        return Plan(lambda: Outcome(_ACCEPTED, lambda: self._charges.finish(charge)), charge.place)

    def _reserve(self, order: Order) -> Plan:
        key = order.sender, fold(order.body["reservation_id"])
        known = self.reservations.get(key)
        if parse_datetime(order.body["expiry_date"]) <= now():
            raise NotTaken(_REJECTED)
        if known is not None and known.open:
            if fold(order.body["location_id"]) != fold(known.charge.place.location["id"]):
                raise NotTaken(_REJECTED)
            return Plan(lambda: self._replaced(known, order), known.charge.place)
        outlet = self._chosen(order, "RESERVABLE")
        return Plan(lambda: self._reserved(order, key, outlet), outlet)

    def _replaced(self, known: Reservation, order: Order) -> Outcome:
        """The same reservation under new terms (CMD-024)."""
        known.order = order
        self._platform.errands.send(self._expire(known))
        return Outcome(_ACCEPTED)

    def _reserved(self, order: Order, key: tuple[PartyRef, str], outlet: Outlet) -> Outcome:
        if said := self._busy(outlet):
            return Outcome(said)
        grant = order.grant()
        self._reader.trust(grant, outlet, now())
        charge = self._charges.enter(outlet, grant, None)
        made = self.reservations[key] = Reservation(fresh_id(), order, charge)
        if len(self.reservations) > _KEPT:
            self.reservations.pop(next(iter(self.reservations)))
        self._platform.errands.send(self._expire(made))
        return Outcome(_ACCEPTED, lambda: self._charges.announce(charge))

    async def _expire(self, reservation: Reservation) -> None:
        """Nobody came in time (SES-040); under new terms it is up to those."""
        until = reservation.until
        await asyncio.sleep(max(0.0, (until - now()).total_seconds()))
        if reservation.open and reservation.until <= until:
            await self._charges.finish(reservation.charge)

    def _cancel(self, order: Order) -> Plan:
        known = self.reservations.get((order.sender, fold(order.body["reservation_id"])))
        if known is None or not known.open:
            return Plan(lambda: Outcome("UNKNOWN_RESERVATION"))
        return Plan(
            lambda: Outcome(_ACCEPTED, lambda: self._charges.finish(known.charge)),
            known.charge.place,
        )

    def _unlock(self, order: Order) -> Plan:
        """A connector that is let go ends what was going on there."""
        outlet = self._chosen(order, "UNLOCK_CAPABLE")
        return Plan(lambda: self._unlocked(outlet), outlet)

    def _unlocked(self, outlet: Outlet) -> Outcome:
        charge = self._charges.at(outlet.location, outlet.evse)
        if charge is None or not charge.running:
            return Outcome(_ACCEPTED)
        return Outcome(_ACCEPTED, lambda: self._charges.finish(charge))

    # Which outlet is meant

    def _chosen(self, order: Order, capability: str) -> Outlet:
        """The outlet that is named, or one that is free, or any that could do it (CMD-039)."""
        token = order.body.get("token")
        if token is not None and Grant(token, "COMMAND").provider != order.sender:
            raise NotTaken(_REJECTED)  # no token of the eMSP's own (CMD-033)
        there = self._find(order.owner, order.body["location_id"])
        if not there:
            raise OcpiError("location_id: no such Location here", Status.UNKNOWN_LOCATION)
        named = pick(there, order.body.get("evse_uid"), order.body.get("connector_id"))
        if not named:
            raise NotTaken(_REJECTED)
        able = [outlet for outlet in named if outlet.able(capability)]
        if not able:
            raise NotTaken("NOT_SUPPORTED")
        return next((each for each in able if self._waits_for(each, token)), None) or next(
            (each for each in able if not self._busy(each)), able[0]
        )

    def _waits_for(self, outlet: Outlet, token: object) -> bool:
        held = self._charges.at(outlet.location, outlet.evse)
        return (
            isinstance(token, dict)
            and held is not None
            and held.status == RESERVED
            and held.grant.same(token)
        )

    def _busy(self, outlet: Outlet) -> str | None:
        """Why nothing can begin here, as a CommandResultType."""
        if outlet.evse["status"] in _BROKEN:
            return "EVSE_INOPERATIVE"
        free = (
            outlet.evse["status"] == "AVAILABLE"
            and self._charges.at(outlet.location, outlet.evse) is None
        )
        return None if free else "EVSE_OCCUPIED"


def _response(result: str) -> Reply:
    return Reply(codec.encode({"result": result, "timeout": TIMEOUT_S}))
