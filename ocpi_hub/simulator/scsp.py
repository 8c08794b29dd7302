"""A simulated provider of smart charging: hears of sessions, and says how fast they may charge.

It works for an eMSP: that one tells it of sessions, and takes its profiles to the CPO.
"""

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role, fold
from ocpi_hub.simulator.mailbox import Object
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.profiles import Profiles, limit
from ocpi_hub.simulator.session_book import ENDED, SessionBook


class Scsp(SimulatedPlatform):
    """Each session that becomes ACTIVE gets a limit of `watts`, unless that is None."""

    def __init__(self, name: str, party: PartyRef, watts: float | None = None) -> None:
        super().__init__(name, [PlatformRole(party, Role.SCSP, name)])
        self.watts = watts
        self.sessions = SessionBook(self._heard)
        self.profiles = Profiles(self)
        self._steered: set[str] = set()
        self.serve("sessions", InterfaceRole.RECEIVER, self.sessions)

    def _heard(self, session: Object) -> None:
        name = fold(session["id"])
        if session["status"] in ENDED:
            self._steered.discard(name)
        elif session["status"] == "ACTIVE" and self.watts and name not in self._steered:
            self._steered.add(name)
            self.errands.send(self._steer(session, self.watts))

    async def _steer(self, session: Object, watts: float) -> None:
        await self.profiles.set(employer(session), session["id"], limit(watts))


def employer(session: Object) -> PartyRef:
    """The eMSP whose driver charges, and who takes our profiles on."""
    return PartyRef(session["cdr_token"]["country_code"], session["cdr_token"]["party_id"])
