"""Commands: a provider asks an operator to do something, and hears later how it went.

The hub checks that the token is the requester's own (ROUT-805) and knows where a command belongs
(ROUT-309); it makes up neither commands nor results (ROUT-609). Commands that it does not know
pass as they are (ROUT-618).
"""

from ocpi_hub.modules.memory import (
    Asked,
    Clue,
    Clues,
    Fact,
    Kind,
    Lessons,
    Relayed,
    identifier,
    party_in,
    promised,
)
from ocpi_hub.ocpi.status import InvalidParameter

_AT_LOCATION = frozenset({"START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"})
_WITH_TOKEN = frozenset({"START_SESSION", "RESERVE_NOW"})


def check(asked: Asked) -> None:
    """InvalidParameter for a token of somebody else (ROUT-805, CMD-033)."""
    if asked.ids[0] not in _WITH_TOKEN or not isinstance(asked.value, dict):
        return
    owner = party_in(asked.value.get("token"))
    if owner is not None and owner != asked.sender:
        raise InvalidParameter(
            f"token.country_code, token.party_id: {owner} is not the requesting party "
            f"{asked.sender}"
        )


def _place(asked: Asked) -> Clue | None:
    """Where the command belongs: at a location, a session, or one's own reservation."""
    (command,) = asked.ids
    if command in _AT_LOCATION:
        return _clue(asked, Kind.LOCATION, "location_id")
    if command == "STOP_SESSION":
        return _clue(asked, Kind.SESSION, "session_id")
    if command == "CANCEL_RESERVATION":
        return _clue(asked, Kind.RESERVATION, "reservation_id")
    return None


def _clue(asked: Asked, kind: Kind, member: str) -> Clue | None:
    object_id = identifier(asked.value, member)
    if object_id is None:
        return None
    evse = identifier(asked.value, "evse_uid") if kind is Kind.LOCATION else None
    return Clue(kind, object_id, partner=asked.sender, part=evse or "")


def _learnt(relayed: Relayed) -> Fact | None:
    reservation = identifier(relayed.value, "reservation_id")
    if relayed.ids != ("RESERVE_NOW",) or not reservation or not promised(relayed.answer):
        return None
    return Fact(Kind.RESERVATION, reservation, relayed.to, relayed.sender)


CLUES: Clues = {"commands.receiver.post": _place}
LESSONS: Lessons = {"commands.receiver.post": _learnt}
