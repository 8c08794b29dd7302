"""The Receiver interface of chargingprofiles: limits that others set on sessions that go on.

Each request is answered at once, and one result follows when the answer is ACCEPTED (CHP-010 to
CHP-012). Whoever set a profile is told of each change of what is active from then on, and nobody
else (CHP-021, CHP-022).
"""

import asyncio
from collections.abc import Callable

from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.chargingprofiles import SetChargingProfile
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.simulator.charge import Charge
from ocpi_hub.simulator.charges import Charges
from ocpi_hub.simulator.outlet import Object
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.profile import Profile, active
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes, asker
from ocpi_hub.simulator.server import Reply

TIMEOUT_S = 30
AHEAD_S = 1800  # of what is told unasked; 5 to 60 minutes are useful (CHP-024)
_MODULE = "chargingprofiles"
_KEPT = 5_000  # setters, the oldest are forgotten
_CAPABLE = "CHARGING_PROFILE_CAPABLE"
_PROFILE, _GRID = "profile", "grid"  # names of caps


class ProfileDesk:
    """`setters` says who set a profile, by session id. `delay_s` is how long an EVSE takes."""

    def __init__(self, platform: SimulatedPlatform, charges: Charges) -> None:
        self.setters: dict[str, PartyRef] = {}
        self.delay_s = 0.05
        self._platform = platform
        self._charges = charges
        self._pending: set[str] = set()
        rows = {("PUT", "*"): self._set, ("GET", "*"): self._ask, ("DELETE", "*"): self._clear}
        platform.serve(_MODULE, InterfaceRole.RECEIVER, Routes(_MODULE, rows))

    async def limit(self, charge: Charge, watts: int | None) -> None:
        """The grid gives no more than that from now on (None: as much as there is)."""
        if watts is None:
            charge.caps.pop(_GRID, None)
        else:
            charge.caps[_GRID] = lambda _: watts
        await self._tell(charge)

    async def drop(self, charge: Charge) -> None:
        """The CPO takes a profile away by itself (CHP-027)."""
        charge.caps.pop(_PROFILE, None)
        await self._tell(charge)

    # The three requests

    async def _set(self, received: Received) -> Reply:
        body = received.json
        validate(SetChargingProfile, body)

        def work(charge: Charge, sender: PartyRef) -> Object:
            charge.caps[_PROFILE] = Profile.of(body["charging_profile"], charge)
            self.setters[charge.id] = sender
            if len(self.setters) > _KEPT:
                self.setters.pop(next(iter(self.setters)))
            return {"result": "ACCEPTED"}

        return self._handed_on(received, body["response_url"], work, changes=True)

    async def _ask(self, received: Received) -> Reply:
        text = _parameter(received, "duration")
        if not text.isdecimal():
            raise InvalidParameter("duration: whole seconds are expected (CHP-005)")
        duration = int(text)
        return self._handed_on(
            received,
            _parameter(received, "response_url"),
            lambda charge, _: {"result": "ACCEPTED", "profile": active(charge, duration)},
        )

    async def _clear(self, received: Received) -> Reply:
        def work(charge: Charge, sender: PartyRef) -> Object:
            mine = self.setters.get(charge.id) == sender
            found = charge.caps.pop(_PROFILE, None) if mine else None
            return {"result": "UNKNOWN" if found is None else "ACCEPTED"}

        url = _parameter(received, "response_url")
        return self._handed_on(received, url, work, changes=True)

    def _handed_on(
        self, received: Received, url: str, work: Callable[[Charge, PartyRef], Object],
        *, changes: bool = False,
    ) -> Reply:  # fmt: skip
        """The CPO's answer; what it accepts is worked on, and the result goes to `url`."""
        sender = asker(received) or self._platform.known_peer.party
        charge = self._charges.find(received.segments[0])
        refusal = self._refusal(charge, sender)
        if charge is None or refusal is not None:
            return _response(refusal or "UNKNOWN_SESSION")
        self._pending.add(charge.id)
        ids = received.headers.get(message.CORRELATION_ID)
        headers = {message.CORRELATION_ID: ids} if ids else {}

        async def carry_out() -> None:
            await asyncio.sleep(self.delay_s)
            self._pending.discard(charge.id)
            result = work(charge, sender)
            await self._platform.call(
                "POST", url, body=codec.encode(result),
                to=sender, sender=charge.outlet.owner, headers=headers,
            )  # fmt: skip
            if changes and result["result"] == "ACCEPTED":
                await self._tell(charge)

        self._platform.errands.send(carry_out())
        return _response("ACCEPTED")

    def _refusal(self, charge: Charge | None, sender: PartyRef) -> str | None:
        """Why the CPO hands nothing on, as a ChargingProfileResponseType."""
        if charge is None or charge.over:
            return "UNKNOWN_SESSION"
        if charge.grant.provider != sender and not self._steers(sender):
            return "REJECTED"
        if not charge.place.able(_CAPABLE):
            return "NOT_SUPPORTED"
        return "TOO_OFTEN" if charge.id in self._pending else None

    def _steers(self, sender: PartyRef) -> bool:
        """Whether it is a smart charging provider, as the hub or the peer itself says."""
        peer = {
            PartyRef(role["country_code"], role["party_id"])
            for role in self._platform.known_peer.roles
            if role["role"] == Role.SCSP.value
        }
        return sender in peer or self._platform.clients.status(sender, Role.SCSP) is not None

    async def _tell(self, charge: Charge) -> None:
        """What is active now, to whoever set a profile once (CHP-021, CHP-025)."""
        setter = self.setters.get(charge.id)
        if setter is not None and not charge.over:
            await self._platform.ask(
                "PUT", _MODULE, InterfaceRole.SENDER, (charge.id,), active(charge, AHEAD_S),
                to=setter, sender=charge.outlet.owner,
            )  # fmt: skip


def _parameter(received: Received, name: str) -> str:
    value = received.query.get(name)
    if not value:
        raise InvalidParameter(f"{name}: required (CHP-005, CHP-007)")
    return value


def _response(result: str) -> Reply:
    return Reply(codec.encode({"result": result, "timeout": TIMEOUT_S}))
