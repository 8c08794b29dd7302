"""A simulated charge point operator: locations, tariffs, sessions, CDRs, and what others command.

This file has its locations and what happens at its outlets; each other module has a desk.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp

from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import (
    InterfaceRole,
    PartyRef,
    Role,
    fold,
    format_datetime,
    parse_datetime,
)
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource, Status
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.charge import Charge
from ocpi_hub.simulator.charges import Charges
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.command_desk import CommandDesk
from ocpi_hub.simulator.lag import LagMeter, Samples
from ocpi_hub.simulator.ledger import Ledger
from ocpi_hub.simulator.outlet import Outlet, outlets
from ocpi_hub.simulator.pages import page
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform, To
from ocpi_hub.simulator.profile_desk import ProfileDesk
from ocpi_hub.simulator.reader import CardReader
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.session_desk import SessionDesk
from ocpi_hub.simulator.stations import Object, owner_of, owners
from ocpi_hub.simulator.tariff_desk import TariffDesk
from ocpi_hub.simulator.visit import Visit
from ocpi_hub.simulator.whitelist import RFID, Whitelist

_UNREACHED = (aiohttp.ClientError, TimeoutError)


class Cpo(SimulatedPlatform):
    """One platform that hosts every owner of its locations as a CPO.

    `to` of a push: `"hub"` (a broadcast), a party, or None (no TO headers: open routing); NotSent
    is raised for a party that is not connected.
    `unsure` holds locations whose last push got no usable answer; `repair` pushes them again.

    `speed` is how many times as fast as the clock sessions run by themselves; without it nothing
    moves unless told. `whitelist` are the tokens it was told of, `charges` its sessions, `ledger`
    its CDRs.
    """

    def __init__(
        self,
        name: str,
        locations: Sequence[Object],
        *,
        roles: Sequence[PlatformRole] = (),
        meter: LagMeter | None = None,
        speed: float | None = None,
    ) -> None:
        found = [PlatformRole(party, Role.CPO, text) for party, text in owners(locations).items()]
        super().__init__(name, tuple(roles) or found)
        self.locations = {(owner_of(each), fold(each["id"])): each for each in locations}
        self.meter = meter or LagMeter()
        self.answer_times = Samples()
        self.outcomes: Counter[str] = Counter()
        self.refusals: dict[str, str] = {}  # of Locations that the peer does not take, by id
        self.unsure: set[tuple[PartyRef, str]] = set()
        self.serve("locations", InterfaceRole.SENDER, self._serve_locations)
        self.tariffs = TariffDesk(self, owners(locations), self._lists)
        self.ledger = Ledger(self)
        self.whitelist = Whitelist(self)
        self.reader = CardReader(self, self.whitelist)
        self.charges = Charges(self, self.tariffs, self.ledger, self._turn, speed)
        self.sessions = SessionDesk(self, self.charges, self.tariffs)
        self.commands = CommandDesk(self, self.charges, self.reader, self.outlets)
        self.profiles = ProfileDesk(self, self.charges)

    def renew(self) -> None:
        """Its objects are as of now: a hub that met it before may hold newer ones than these."""
        for location in self.locations.values():
            _stamp(location)

    # Pushing

    async def push(self, location: Object, *, to: To = "hub") -> Answer:
        """PUT a whole Location, and own it from now on."""
        owner = owner_of(location)
        self.locations[owner, fold(location["id"])] = location
        self.meter.sent((owner, location["last_updated"], fold(location["id"])))
        return await self._send("PUT", owner, (location["id"],), location, to)

    async def push_all(self, done: Callable[[], None] = lambda: None, lanes: int = 8) -> None:
        """PUT everything it owns, `lanes` at a time; `done` is called after each."""
        await _in_lanes(self.locations.values(), self._pushed_or_unsure, done, lanes)

    async def repair(self, lanes: int = 8) -> None:
        """Reconcile what the peer may not have got."""
        again = [self.locations[key] for key in self.unsure]
        self.unsure.clear()
        await _in_lanes(again, self._reconciled_or_unsure, lambda: None, lanes)

    async def set_status(
        self, location: Object, evse: Object, status: str, *, to: To = "hub"
    ) -> Answer:
        """Change an EVSE and PATCH it; where that fails, see what the peer holds (LOC-061)."""
        evse["status"] = status
        _stamp(evse, location)
        body = {"status": status, "last_updated": evse["last_updated"]}
        owner = owner_of(location)
        self.meter.sent((owner, evse["last_updated"], fold(evse["uid"])))
        answer = await self._send("PATCH", owner, (location["id"], evse["uid"]), body, to)
        return answer if answer.ok else await self.reconcile(location, to=to)

    async def replace(
        self, location: Object, evse: Object, connector: Object | None = None, *, to: To = "hub"
    ) -> Answer:
        """PUT an EVSE, or one of its Connectors, as of now (LOC-004); those above it move along."""
        parts = [evse] if connector is None else [evse, connector]
        _stamp(*reversed(parts), location)
        ids = (evse["uid"],) if connector is None else (evse["uid"], connector["id"])
        return await self._send("PUT", owner_of(location), (location["id"], *ids), parts[-1], to)

    async def reconcile(self, location: Object, *, to: To = "hub") -> Answer:
        """GET the peer's copy of a Location, and PUT it where that lacks or differs (LOC-012)."""
        held = await self._send("GET", owner_of(location), (location["id"],), None, to)
        if _unknown(held) or (held.ok and held.data != location):
            return await self.push(location, to=to)
        return held

    async def try_status(self, location: Object, evse: Object, status: str) -> None:
        """`set_status` for those who do not wait for the outcome: failures go to `unsure`."""
        await self._certain(location, self.set_status(location, evse, status))

    async def _pushed_or_unsure(self, location: Object) -> None:
        await self._certain(location, self.push(location))

    async def _reconciled_or_unsure(self, location: Object) -> None:
        await self._certain(location, self.reconcile(location))

    async def _certain(self, location: Object, pushing: Awaitable[Answer]) -> None:
        ok = False
        try:
            answer = await pushing
            ok = answer.ok
            self.outcomes["accepted" if ok else "refused"] += 1
            self.refusals.pop(location["id"], None)
            if not ok:
                self.refusals[location["id"]] = answer.reason
        except _UNREACHED:
            self.outcomes["no answer"] += 1
        finally:  # a push that was cut short may have arrived or not
            if not ok:
                self.unsure.add((owner_of(location), fold(location["id"])))

    async def _send(
        self, method: str, owner: PartyRef, ids: tuple[str, ...], body: Any, to: To
    ) -> Answer:
        segments = (owner.country_code, owner.party_id, *ids)
        answer = await self.ask(
            method, "locations", InterfaceRole.RECEIVER, segments, body, to=to, sender=owner
        )
        self.answer_times.add(answer.seconds)
        return answer

    # At the outlets

    def outlets(self, owner: PartyRef, location_id: str) -> list[Outlet]:
        """Those of a Location; none where there is no such Location."""
        location = self.locations.get((owner, fold(location_id)))
        return [] if location is None else list(outlets(location))

    async def swipe(
        self, uid: str, outlet: Outlet, kind: str = RFID, *, at: datetime | None = None,
        visit: Visit | None = None, provider: PartyRef | None = None,
    ) -> Charge | None:  # fmt: skip
        """A driver shows a token: the session that begins, goes on or ends; None: not allowed.

        `visit` is the car, some car unless given. `provider` is asked about a token that is not on
        the whitelist; without it the hub has to know whose it is.
        """
        there = self.charges.at(outlet.location, outlet.evse)
        shown = self.whitelist.find(uid, kind, provider)
        if there is not None and there.running and there.stopped_by(uid, kind, shown):
            await self.charges.finish(there, at)
            return there
        verdict = await self.reader.read(uid, outlet, at or now(), kind, provider)
        if verdict.grant is None:
            return None
        if there is None:
            return await self.charges.begin(outlet, verdict.grant, visit, at)
        if there.running or not there.grant.same(verdict.grant.token):
            return None
        await self.charges.occupy(there, verdict.grant, visit, at, outlet)
        return there

    async def fetch_tokens(self) -> int:
        """Pull all tokens that the peer shows to this platform (TOK-005); how many there were."""
        count = 0
        url = self.known_peer.url("tokens", InterfaceRole.SENDER)
        async for found in self.client.crawl(
            url, self.known_peer.token, to=self.known_peer.party, sender=self.party
        ):
            self.whitelist.add(found.data)
            count += len(found.data)
        return count

    async def _turn(self, outlet: Outlet, status: str) -> None:
        if outlet.evse["status"] != status:
            await self.try_status(outlet.location, outlet.evse, status)

    def _lists(self, owner: PartyRef, tariff_id: str) -> bool:
        """Whether a Connector of that owner lists the tariff."""
        return any(
            fold(tariff_id) in map(fold, outlet.connector.get("tariff_ids") or ())
            for location in self.locations.values()
            if owner_of(location) == owner
            for outlet in outlets(location)
        )

    # Being asked

    async def _serve_locations(self, received: Received) -> Reply:
        if received.method != "GET":
            raise MethodNotAllowed(f"{received.method}: only GET")
        if received.segments:
            return Reply(codec.encode(self._find(received)))
        return page(self.locations.values(), received, self.url("locations", InterfaceRole.SENDER))

    def _find(self, received: Received) -> Object:
        """An object by its ids; the owner is the receiver asked for, else whoever has it."""
        asked = message.read_routing(received.headers).to
        wanted, *parts = map(fold, received.segments)
        found: Any = next(
            (
                location
                for (owner, id_), location in self.locations.items()
                if id_ == wanted and asked in {None, owner}
            ),
            None,
        )
        for children, name in zip(("evses", "connectors"), ("uid", "id"), strict=True):
            if found is not None and parts:
                part = parts.pop(0)
                found = next((e for e in found.get(children, ()) if fold(e[name]) == part), None)
        if found is None or parts:
            raise NoSuchResource("locations: no such object", Status.UNKNOWN_LOCATION)
        return dict(found)


async def _in_lanes(
    items: Iterable[Object],
    work: Callable[[Object], Awaitable[None]],
    done: Callable[[], None],
    lanes: int,
) -> None:
    waiting = iter(list(items))

    async def lane() -> None:
        for item in waiting:
            await work(item)
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(lane())


def _unknown(answer: Answer) -> bool:
    return answer.http == HTTPStatus.NOT_FOUND or answer.code == Status.UNKNOWN_LOCATION


def _stamp(changed: Object, *others: Object) -> None:
    """`changed` is as of now, and what it stands in or brings along is too (LOC-018)."""
    changed["last_updated"] = _newer(
        max((each["last_updated"] for each in (changed, *others)), key=parse_datetime)
    )
    for each in others:
        each["last_updated"] = changed["last_updated"]


def _newer(last_updated: str) -> str:
    """Now, but always later than before: two changes within a millisecond are two changes."""
    return format_datetime(max(now(), parse_datetime(last_updated) + timedelta(milliseconds=1)))
