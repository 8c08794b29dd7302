"""Sessions: each concerns one provider, the owner of its token, and is never spread (SES-058).

The hub relays them and keeps none; it remembers whose they are (ROUT-306, ROUT-309).
"""

from typing import Any

from ocpi_hub.modules.memory import Asked, Clue, Clues, Fact, Kind, Lessons, Relayed, party_in
from ocpi_hub.ocpi.primitives import PartyRef


def token_owner(value: Any) -> PartyRef | None:
    """The provider whose token a Session or CDR shows (SES-059)."""
    return party_in(value.get("cdr_token")) if isinstance(value, dict) else None


def of_session(asked: Asked) -> Clue:
    """The operator of the session that a URL begins with; a provider means its own."""
    return Clue(Kind.SESSION, asked.ids[0], partner=asked.sender)


def _pushed(asked: Asked) -> Clue | PartyRef:
    country, party, session_id = asked.ids
    return token_owner(asked.value) or Clue(
        Kind.SESSION, session_id, owner=PartyRef(country, party)
    )


def _learnt(relayed: Relayed) -> Fact | None:
    """Of its owner only, and with its token: a Session may also go to others (ROUT-803)."""
    country, party, session_id = relayed.ids
    partner = token_owner(relayed.value)
    if partner is None or PartyRef(country, party) != relayed.sender:
        return None
    return Fact(Kind.SESSION, session_id, relayed.sender, partner)


CLUES: Clues = {
    "sessions.receiver.put": _pushed,
    "sessions.receiver.patch": _pushed,
    "sessions.receiver.get": _pushed,
    "sessions.sender.charging_preferences": of_session,
}
LESSONS: Lessons = {"sessions.receiver.put": _learnt, "sessions.receiver.patch": _learnt}
