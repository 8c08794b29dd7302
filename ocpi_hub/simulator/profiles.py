"""Charging profiles as an eMSP or an SCSP sets them: requests, results, and what the CPO tells.

A profile is an upper limit, not a target. Sessions are named by the ids of whoever receives the
request (CHP-039).
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.simulator.mailbox import Mailbox, Object, Pending
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply

_SENDER, _RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
_MODULE = "chargingprofiles"
_LOOK_AHEAD_S = 900  # of an active profile; no more than a look at what is next (CHP-044)

SET, ACTIVE, CLEAR = "PUT", "GET", "DELETE"
Heard = Callable[[str, Object], None]


def deaf(_: str, __: Object) -> None:
    """For those who hand on to nobody."""


class Profiles:
    """The Sender of chargingprofiles. `active` are the active profiles by folded session id.

    `heard` is told of each that the CPO sends by itself. `counts`: method and answer.
    """

    def __init__(self, platform: SimulatedPlatform, heard: Heard = deaf) -> None:
        self.mailbox = Mailbox(platform, _MODULE)
        self.active: dict[str, Object] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.heard = heard
        self._platform = platform
        rows = {("POST", "*"): self.mailbox.post, ("PUT", "*"): self._updated}
        platform.serve(_MODULE, _SENDER, Routes(_MODULE, rows))

    async def set(self, to: PartyRef, session_id: str, profile: Object) -> Pending:
        """PUT: create or replace the profile of a session."""
        pending = self.mailbox.open(SET)
        body = {"charging_profile": profile, "response_url": pending.url}
        return await self._send(pending, to, session_id, body=body)

    async def ask(self, to: PartyRef, session_id: str, duration: int = _LOOK_AHEAD_S) -> Pending:
        """GET: the active profile of the next `duration` seconds comes as the result."""
        pending = self.mailbox.open(ACTIVE)
        params = {"duration": str(duration), "response_url": pending.url}
        return await self._send(pending, to, session_id, params=params)

    async def clear(self, to: PartyRef, session_id: str) -> Pending:
        """DELETE: no profile of ours any more."""
        pending = self.mailbox.open(CLEAR)
        return await self._send(pending, to, session_id, params={"response_url": pending.url})

    async def _send(self, pending: Pending, to: PartyRef, session_id: str, **how: Any) -> Pending:
        answer = await self._platform.ask(
            pending.what, _MODULE, _RECEIVER, (session_id,), to=to, **how
        )
        pending.answered(answer)
        self.counts[pending.what, pending.response["result"]] += 1
        return pending

    async def _updated(self, received: Received) -> Reply:
        """The CPO tells of an active profile that changed; the answer has no data (CHP-026)."""
        profile, [session_id] = received.json, received.segments
        if not isinstance(profile, dict) or not {"start_date_time", "charging_profile"} <= set(
            profile
        ):
            raise InvalidParameter("start_date_time, charging_profile: required (CHP-033)")
        self.active[fold(session_id)] = profile
        self.heard(session_id, profile)
        return Reply()


def limit(watts: float) -> Object:
    """A profile that holds from now on: so many watts in total."""
    return {
        "charging_rate_unit": "W",
        "charging_profile_period": [{"start_period": 0, "limit": round(watts, 1)}],
    }
