"""CDRs: from the operator to the one provider that pays, unchanged (CDR-004, CDR-028, CDR-029)."""

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
)
from ocpi_hub.modules.sessions import token_owner
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter


def check(asked: Asked) -> None:
    """InvalidParameter for a CDR of somebody else: its URL names no owner, so its body counts."""
    owner = party_in(asked.value)
    if owner is not None and owner != asked.sender:
        raise InvalidParameter(
            f"country_code, party_id: {owner} is not the requesting party {asked.sender}"
        )


def _payer(asked: Asked) -> PartyRef | None:
    return token_owner(asked.value)


def _stored(asked: Asked) -> Clue:
    return Clue(Kind.CDR, asked.ids[0], owner=asked.sender)


def _learnt(relayed: Relayed) -> Fact | None:
    cdr_id = identifier(relayed.value, "id")
    return Fact(Kind.CDR, cdr_id, relayed.sender, relayed.to) if cdr_id else None


CLUES: Clues = {"cdrs.receiver.post": _payer, "cdrs.receiver.get": _stored}
LESSONS: Lessons = {"cdrs.receiver.post": _learnt}
