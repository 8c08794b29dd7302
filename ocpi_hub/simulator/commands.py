"""The commands of an eMSP: start, stop, reserve, cancel, unlock, and the results that follow.

What an honest eMSP never sends is refused before it leaves the house: a token that is not its own
or that it would not let charge (CMD-027, CMD-033), a command that the EVSE does not know (CMD-045).
"""

from collections import Counter
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, format_datetime
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.simulator.lag import Samples
from ocpi_hub.simulator.mailbox import Mailbox, Object, Pending
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.token_book import TokenBook

_SENDER, _RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER

START, STOP, RESERVE = "START_SESSION", "STOP_SESSION", "RESERVE_NOW"
CANCEL, UNLOCK = "CANCEL_RESERVATION", "UNLOCK_CONNECTOR"
_ALL = (START, STOP, RESERVE, CANCEL, UNLOCK)
_NEEDS = {
    START: "REMOTE_START_STOP_CAPABLE",
    STOP: "REMOTE_START_STOP_CAPABLE",
    RESERVE: "RESERVABLE",
    UNLOCK: "UNLOCK_CAPABLE",
}
_NEEDS_CONNECTOR = "START_SESSION_CONNECTOR_REQUIRED"


class Improper(Exception):
    """An eMSP does not send this; the message says why."""


class Commands:
    """Each command gives a Pending whose answer is there; Refused is raised where none came.

    `answers` are the times until the CPO answered, `results` those until the charge point did, and
    `counts` how many of each command and outcome there were.
    """

    def __init__(self, platform: SimulatedPlatform, book: TokenBook) -> None:
        self.mailbox = Mailbox(platform, "commands")
        self.answers = Samples()
        self.results = Samples()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._platform = platform
        self._book = book
        rows = {("POST", f"{command}/*"): self._result for command in _ALL}
        platform.serve("commands", _SENDER, Routes("commands", rows))

    async def start(
        self, token: Object, location: Object, evse: Object, connector: Object | None = None,
        *, reference: str | None = None,
    ) -> Pending:  # fmt: skip
        """START_SESSION at an EVSE; the Connector is named where asked for (CMD-037, CMD-038)."""
        self._check_token(token)
        check_capable(START, evse)
        if connector is None and _NEEDS_CONNECTOR in (evse.get("capabilities") or ()):
            connector = evse["connectors"][0]
        return await self._send(
            START,
            owner_of(location),
            token=token,
            location_id=location["id"],
            evse_uid=evse["uid"],
            connector_id=connector and connector["id"],
            authorization_reference=reference,
        )

    async def stop(self, session: Object) -> Pending:
        return await self._send(STOP, owner_of(session), session_id=session["id"])

    async def reserve(
        self, token: Object, location: Object, evse: Object | None, reservation: str,
        until: datetime, *, reference: str | None = None,
    ) -> Pending:  # fmt: skip
        """RESERVE_NOW; the same `reservation` at the same Location again changes it."""
        self._check_token(token)
        if evse is not None:
            check_capable(RESERVE, evse)
        return await self._send(
            RESERVE,
            owner_of(location),
            token=token,
            expiry_date=format_datetime(until),
            reservation_id=reservation,
            location_id=location["id"],
            evse_uid=evse and evse["uid"],
            authorization_reference=reference,
        )

    async def cancel(self, cpo: PartyRef, reservation: str) -> Pending:
        return await self._send(CANCEL, cpo, reservation_id=reservation)

    async def unlock(self, location: Object, evse: Object, connector: Object) -> Pending:
        """For the helpdesk; no driver triggers this (CMD-044)."""
        check_capable(UNLOCK, evse)
        return await self._send(
            UNLOCK,
            owner_of(location),
            location_id=location["id"],
            evse_uid=evse["uid"],
            connector_id=connector["id"],
        )

    @property
    def answered(self) -> int:
        """How many commands got an answer of a CPO, yes or no."""
        return sum(self.counts.values())

    def _check_token(self, token: Object) -> None:
        if owner_of(token) != self._platform.party:
            raise Improper(f"a token of {owner_of(token)} is not ours (CMD-033)")
        try:
            info = self._book.authorize(token["uid"], token["type"], None, "")
        except OcpiError as error:
            raise Improper(error.message) from error
        if info["allowed"] != "ALLOWED":
            raise Improper(f"token {token['uid']}: {info['allowed']} (CMD-027)")

    async def _send(self, command: str, cpo: PartyRef, **members: Any) -> Pending:
        pending = self.mailbox.open(command, command)
        told = {name: value for name, value in members.items() if value is not None}
        body = {"response_url": pending.url} | told
        answer = await self._platform.ask("POST", "commands", _RECEIVER, (command,), body, to=cpo)
        pending.answered(answer)
        self.answers.add(answer.seconds)
        self.counts[command, pending.response["result"]] += 1
        return pending

    async def _result(self, received: Received) -> Reply:
        reply = await self.mailbox.post(received)
        pending = self.mailbox.at(received)
        if len(pending.results) == 1 and pending.resulted_s is not None:
            self.results.add(pending.resulted_s)
        return reply


def capable(command: str, evse: Object) -> bool:
    """Whether an EVSE says that it knows a command (CMD-045)."""
    return command not in _NEEDS or _NEEDS[command] in (evse.get("capabilities") or ())


def check_capable(command: str, evse: Object) -> None:
    if not capable(command, evse):
        raise Improper(f"{evse['uid']} is not {_NEEDS[command]} (CMD-045)")
