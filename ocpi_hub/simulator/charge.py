"""One charging session: time goes in, what an eMSP is to be told comes out.

    reserved or pending -> occupied -> charging -> parked -> finished -> a CDR

It reads no clock and sends nothing. Each change is what a Session PATCH says, without last_updated;
a ChargingPeriod is told when it is over, because what a PATCH brings is appended (SES-031).
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ocpi_hub.ocpi.primitives import PartyRef, fold, format_datetime
from ocpi_hub.simulator.bill import Amount, bill, next_switch, sum_of
from ocpi_hub.simulator.meter import PARKING, RESERVATION, TIME, Meter, Period
from ocpi_hub.simulator.outlet import Outlet
from ocpi_hub.simulator.visit import Visit

Object = dict[str, Any]
Cap = Callable[[datetime], int | None]
"""Watts that may flow at a time; None: as many as there are."""

ACTIVE, COMPLETED, INVALID = "ACTIVE", "COMPLETED", "INVALID"
RESERVED, PENDING = "RESERVATION", "PENDING"
_TICK_S = 12  # for which a power holds
_REPORT_S = 360  # a tenth of an hour: feedback for drivers without a flood (SES-054)
_CDR_TOKEN = ("country_code", "party_id", "uid", "type", "contract_id")


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may charge, and how that became known: an AuthMethod, and a reference of the eMSP."""

    token: Object
    method: str
    reference: str | None = None

    @property
    def provider(self) -> PartyRef:
        return PartyRef(self.token["country_code"], self.token["party_id"])

    def same(self, token: Object) -> bool:
        """Whether this is the token, or one of its group (TOK-041)."""
        mine, group = self.token, self.token.get("group_id")
        if PartyRef(token["country_code"], token["party_id"]) != self.provider:
            return False
        names = (fold(each["uid"]) + each["type"] for each in (mine, token))
        return len(set(names)) == 1 or (group is not None and group == token.get("group_id"))

    def told(self) -> Object:
        """As Session and CDR have it."""
        about = {
            "cdr_token": {name: self.token[name] for name in _CDR_TOKEN},
            "auth_method": self.method,
        }
        return about | ({"authorization_reference": self.reference} if self.reference else {})


@dataclass(slots=True)
class _Terms:
    """A tariff, as it was when it began to count, and what it prices."""

    tariff: Object
    periods: list[Period] = field(default_factory=list)


class Charge:
    """A session of a car at an outlet, or of one that is expected there.

    `at` are aware times, seconds count. `caps` limit the power, by name.
    """

    def __init__(
        self, id_: str, outlet: Outlet, grant: Grant, tariff: Object, at: datetime,
        *, status: str = RESERVED,
    ) -> None:  # fmt: skip
        self.id = id_
        self.place = outlet
        self.outlet = outlet.snapshot()
        self.grant = grant
        self.visit: Visit | None = None
        self.charged = 0.0
        self.status = status
        self.caps: dict[str, Cap] = {}
        self.begun = self.started = at.replace(microsecond=0)
        self.ended: datetime | None = None
        self.meter = Meter(self.begun, RESERVATION if status == RESERVED else TIME)
        self._terms = [_Terms(copy.deepcopy(tariff))]
        self._switch: datetime | None = None  # when the price changes next

    # What happens to it

    def occupy(self, grant: Grant, visit: Visit, at: datetime, outlet: Outlet) -> Object:
        """The car is there and connected: from now on it is ACTIVE, and the same session (SES-039).

        What was PENDING begins only now (SES-047); charging that was neither is occupied at the
        moment it is made.
        """
        if self.status == PENDING:
            self.begun = max(at.replace(microsecond=0), self.begun)
            self.meter = Meter(self.begun, TIME)
        self._pass(at)
        told = {"charging_periods": [self._close(TIME)]} if self.meter.open_s else {}
        self.place, self.outlet = outlet, outlet.snapshot()
        self.grant, self.visit, self.charged = grant, visit, visit.charged
        self.meter.kind, self.status, self.started = TIME, ACTIVE, self.meter.at
        self._look_ahead()
        start = format_datetime(self.started)
        change = {"status": ACTIVE, "start_date_time": start, "kwh": self.meter.kwh}
        return change | grant.told() | outlet.of_session() | told

    def advance(self, to: datetime) -> list[Object]:
        """Let time pass until `to`; a change for each period that is over."""
        changes = []
        while (seconds := self._step(to)) > 0:
            watts = self.watts
            self.meter.run(seconds, watts)
            if self.visit is not None:
                self.charged += seconds * watts / self.visit.vehicle.battery_wh / 36
            if self._turns():
                changes.append(self._told({"charging_periods": [self._close(self._next_kind())]}))
                self._look_ahead()
        return changes

    def finish(self, at: datetime, status: str = COMPLETED) -> list[Object]:
        """The session is over, or void (INVALID); the last change is final (SES-043)."""
        changes = self.advance(at)
        last = {"charging_periods": [self._close()]} if self._unfinished else {}
        self.status, self.ended = status, self.meter.at
        end = {"status": status, "end_date_time": format_datetime(self.ended)}
        return [*changes, self._told(end | last)]

    def reprice(self, tariff: Object) -> list[Object]:
        """Another tariff counts from now on (a preference of the driver)."""
        last = [self._told({"charging_periods": [self._close()]})] if self.meter.open_s else []
        self._terms.append(_Terms(copy.deepcopy(tariff)))
        self._look_ahead()
        return last

    # What it is

    @property
    def running(self) -> bool:
        return self.status == ACTIVE

    @property
    def over(self) -> bool:
        return self.ended is not None

    def stopped_by(self, uid: str, kind: str, shown: Object | None) -> bool:
        """Whether this token ends it: the one that began it, or one of its group."""
        mine = self.grant.token
        same = (fold(mine["uid"]), mine["type"]) == (fold(uid), kind)
        return same or (shown is not None and self.grant.same(shown))

    @property
    def unused(self) -> bool:
        """A reservation that nobody came for."""
        return self.visit is None

    @property
    def leaves(self) -> bool:
        """Whether the driver has what was wanted, and stayed as long as was planned after that."""
        parked = self.meter.seconds.get(PARKING, 0)
        return self.visit is not None and self._full and parked >= self.visit.lingers_s

    @property
    def offered(self) -> int:
        """Watts that the outlet gives now, what limits it considered."""
        return self.offered_at(self.meter.at)

    def offered_at(self, at: datetime) -> int:
        limits = (cap(at) for cap in self.caps.values())
        return min((limit for limit in limits if limit is not None), default=self.outlet.watts)

    @property
    def watts(self) -> int:
        if self.visit is None or self.meter.kind != TIME:
            return 0
        offered = min(self.offered, self.outlet.watts)
        return self.visit.vehicle.watts(self.charged, offered, direct=self.outlet.direct)

    @property
    def tariff(self) -> Object:
        return self._terms[-1].tariff

    @property
    def cost(self) -> Amount:
        """Of the periods that are over."""
        return sum_of(amount for name, amount in self._amounts())

    def session(self) -> Object:
        """The Session object, last_updated left out."""
        end = {} if self.ended is None else {"end_date_time": format_datetime(self.ended)}
        return {
            **self._owner,
            "id": self.id,
            "start_date_time": format_datetime(self.started),
            **end,
            "kwh": self.meter.kwh,
            **self.grant.told(),
            **self.outlet.of_session(),
            "currency": self.tariff["currency"],
            "charging_periods": [
                period.of_session(terms.tariff["id"])
                for terms in self._terms
                for period in terms.periods
            ],
            "total_cost": self.cost.price(),
            "status": self.status,
        }

    def cdr(self, id_: str) -> Object:
        """The CDR object, last_updated left out; of a session that is over."""
        if self.ended is None:
            raise ValueError(f"session {self.id} goes on")
        parts: dict[str, Amount] = {}
        for name, amount in self._amounts():
            parts[name] = parts.get(name, Amount()).plus(amount)
        return {
            **self._owner,
            "id": id_,
            "start_date_time": format_datetime(self.begun),
            "end_date_time": format_datetime(self.ended),
            "session_id": self.id,
            **self.grant.told(),
            "cdr_location": self.outlet.of_cdr(),
            "currency": self.tariff["currency"],
            "tariffs": [terms.tariff for terms in self._terms if terms.periods],
            "charging_periods": [
                period.of_cdr(terms.tariff["id"])
                for terms in self._terms
                for period in terms.periods
            ],
            "total_cost": self.cost.price(),
            **{name: amount.price() for name, amount in parts.items()},
            "total_energy": self.meter.kwh,
            "total_time": self.meter.hours(TIME, PARKING),
            "total_parking_time": self.meter.hours(PARKING),
        }

    # Inside

    @property
    def _owner(self) -> Object:
        owner = self.outlet.owner
        return {"country_code": owner.country_code, "party_id": owner.party_id}

    @property
    def _full(self) -> bool:
        return self.visit is not None and self.charged >= self.visit.wanted

    @property
    def _unfinished(self) -> bool:
        """A CDR has at least one period (CDR-046); what is PENDING has neither."""
        return self.status != PENDING and (self.meter.open_s > 0 or not self.meter.periods)

    def _step(self, to: datetime) -> int:
        """Whole seconds until something may change: the power, the price, or what is told."""
        if self.over:
            return 0
        ends = [to, self.meter.at + timedelta(seconds=_REPORT_S - self.meter.open_s)]
        if self.meter.kind == TIME:
            ends.append(self.meter.at + timedelta(seconds=_TICK_S))
        if self._switch is not None:
            ends.append(self._switch)
        if self.unused:
            ends = [to]
        return int((min(ends) - self.meter.at).total_seconds())

    def _pass(self, to: datetime) -> None:
        seconds = int((to - self.meter.at).total_seconds())
        if seconds > 0:
            self.meter.run(seconds, 0)

    def _look_ahead(self) -> None:
        self._switch = next_switch(self.tariff, self.outlet.zone, self.meter.at)

    def _turns(self) -> bool:
        """Whether a period ends here: at a price change, when the battery is full, or for news."""
        return not self.unused and (
            self.meter.open_s >= _REPORT_S
            or self.meter.at == self._switch
            or (self.meter.kind == TIME and self._full)
        )

    def _next_kind(self) -> str:
        return PARKING if self._full else self.meter.kind

    def _close(self, kind: str | None = None) -> Object:
        period = self.meter.close(round(min(self.charged, 100)), kind)
        self._terms[-1].periods.append(period)
        return period.of_session(self.tariff["id"])

    def _told(self, change: Object) -> Object:
        return change | {"kwh": self.meter.kwh, "total_cost": self.cost.price()}

    def _amounts(self) -> list[tuple[str, Amount]]:
        expired = self.unused and self.over
        return [
            item
            for terms in self._terms
            for item in bill(
                terms.tariff, terms.periods, self.outlet.zone, expired=expired
            ).amounts.items()
        ]


def credit(cdr: Object) -> Object:
    """The Credit CDR: the original under another id, its total negated (CDR-007 to CDR-009)."""
    total = {name: -Decimal(str(value)) for name, value in cdr["total_cost"].items()}
    return cdr | {
        "id": f"{cdr['id']}-C",
        "credit": True,
        "credit_reference_id": cdr["id"],
        "total_cost": total,
    }
