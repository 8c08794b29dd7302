"""What an eMSP does for the SCSP that it has hired: sessions one way, charging profiles the other.

The two conversations are independent: towards the CPO the eMSP gives an address of its own and
hands the result on to the SCSP's (CHP-040); the CPO does not know that there is an SCSP.
"""

from collections.abc import Awaitable, Callable

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError, Status
from ocpi_hub.ocpi.v2_2_1.chargingprofiles import SetChargingProfile
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.mailbox import Object, Pending
from ocpi_hub.simulator.owned import Key, key_of
from ocpi_hub.simulator.platform import NotSent, SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.stations import owner_of

_SENDER, _RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
_MODULE = "chargingprofiles"

Request = Callable[[PartyRef, str], Awaitable[Pending]]


class Delegation:
    """`towards` is the eMSP's system that reaches the SCSP: the eMSP itself where a hub does."""

    def __init__(
        self, emsp: Emsp, scsp: PartyRef, towards: SimulatedPlatform | None = None
    ) -> None:
        self._emsp = emsp
        self._scsp = scsp
        self._towards = towards or emsp
        self._due: dict[Key, Object] = {}
        self._forwarding = False
        rows = {("PUT", "*"): self._set, ("GET", "*"): self._ask, ("DELETE", "*"): self._clear}
        self._towards.serve(_MODULE, _RECEIVER, Routes(_MODULE, rows))
        emsp.delegated = True
        emsp.sessions.heard = self._session
        emsp.profiles.heard = self._profile

    # From the CPO to the SCSP

    def _session(self, session: Object) -> None:
        """Each session goes on as it is when its turn comes: the last state counts."""
        self._due[key_of(session)] = session
        if not self._forwarding:
            self._forwarding = True
            self._towards.errands.send(self._forward())

    async def _forward(self) -> None:
        try:
            while self._due:
                session = self._due.pop(next(iter(self._due)))
                ids = (session["country_code"], session["party_id"], session["id"])
                await self._towards.ask("PUT", "sessions", _RECEIVER, ids, session, to=self._scsp)
        finally:
            self._forwarding = False

    def _profile(self, session_id: str, profile: Object) -> None:
        self._towards.errands.send(self._told(session_id, profile))

    async def _told(self, session_id: str, profile: Object) -> None:
        await self._towards.ask("PUT", _MODULE, _SENDER, (session_id,), profile, to=self._scsp)

    # From the SCSP to the CPO

    async def _set(self, received: Received) -> Reply:
        body = received.json
        validate(SetChargingProfile, body)
        profile = body["charging_profile"]
        return await self._passed(
            received,
            body["response_url"],
            lambda cpo, id_: self._emsp.profiles.set(cpo, id_, profile),
        )

    async def _ask(self, received: Received) -> Reply:
        duration = _parameter(received, "duration")
        if not duration.isdecimal():
            raise InvalidParameter("duration: whole seconds are expected (CHP-005)")
        return await self._passed(
            received,
            _parameter(received, "response_url"),
            lambda cpo, id_: self._emsp.profiles.ask(cpo, id_, int(duration)),
        )

    async def _clear(self, received: Received) -> Reply:
        url = _parameter(received, "response_url")
        return await self._passed(received, url, self._emsp.profiles.clear)

    async def _passed(self, received: Received, url: str, request: Request) -> Reply:
        """The CPO's answer is ours; its result follows to `url`."""
        session = self._emsp.sessions.named(received.segments[0])
        if session is None:
            return Reply(codec.encode({"result": "UNKNOWN_SESSION", "timeout": 0}))
        try:
            pending = await request(owner_of(session), session["id"])
        except (Refused, NotSent) as error:
            raise OcpiError(str(error), Status.SERVER_ERROR) from error
        if pending.accepted:
            self._towards.errands.send(self._report(pending, url))
        return Reply(codec.encode(pending.response))

    async def _report(self, pending: Pending, url: str) -> None:
        """A result that never came is not made up (CHP-018)."""
        result = await pending.result()
        if result is not None:
            body = codec.encode(result)
            sender = self._towards.party
            await self._towards.call("POST", url, body=body, to=self._scsp, sender=sender)


def _parameter(received: Received, name: str) -> str:
    value = received.query.get(name)
    if not value:
        raise InvalidParameter(f"{name}: required")
    return value
