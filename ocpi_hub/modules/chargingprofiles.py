"""Charging profiles: for a session at an operator; what became of one is told later.

When the profile changes on its own, the operator tells who had set one (ROUT-310, CHP-042).
"""

from ocpi_hub.modules.memory import Asked, Clue, Clues, Fact, Kind, Lessons, Relayed, promised
from ocpi_hub.modules.sessions import of_session


def _setter(asked: Asked) -> Clue:
    return Clue(Kind.PROFILE, asked.ids[0], owner=asked.sender)


def _learnt(relayed: Relayed) -> Fact | None:
    if not promised(relayed.answer):
        return None
    return Fact(Kind.PROFILE, relayed.ids[0], relayed.to, relayed.sender)


CLUES: Clues = {
    "chargingprofiles.receiver.get": of_session,
    "chargingprofiles.receiver.put": of_session,
    "chargingprofiles.receiver.delete": of_session,
    "chargingprofiles.sender.put": _setter,
}
LESSONS: Lessons = {"chargingprofiles.receiver.put": _learnt}
