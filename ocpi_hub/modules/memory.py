"""Who had to do with what: learnt from relayed messages, for requests that name no receiver.

No object is kept, only whose it is (ROUT-110). Ids are unique at one owner only, so a question may
have several answers; nobody guesses between them (ROUT-309). `storage` implements `Memory`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.ocpi.status import OcpiError

_LONGEST_ID: Final = 255


class Kind(StrEnum):
    """Of what the hub knows the parties: the owner, and the partner for whom it is."""

    SESSION = "session"  # a CPO's, for the eMSP of its token
    CDR = "cdr"  # a CPO's, at the eMSP that got it
    LOCATION = "location"  # a CPO's, sent to somebody directly
    RESERVATION = "reservation"  # at a CPO, of the eMSP that chose the id
    PROFILE = "profile"  # a CPO's session, and who set a charging profile for it
    TOKEN = "token"  # noqa: S105 - an eMSP's, by type and uid, sent to somebody directly

    @property
    def shared(self) -> bool:
        """Whether several partners may have the same id at one owner."""
        return self in {Kind.RESERVATION, Kind.PROFILE}


@dataclass(frozen=True, slots=True)
class Fact:
    kind: Kind
    id: str
    owner: PartyRef
    partner: PartyRef | None

    @property
    def key(self) -> tuple[str, ...]:
        """What a newer fact replaces."""
        apart = "-".join(self.partner.key) if self.partner and self.kind.shared else ""
        return (self.kind, fold(self.id), *self.owner.key, apart)


class Memory(Protocol):
    """Bounded in number and age: what is not remembered has to be addressed."""

    def learn(self, fact: Fact) -> None:
        """Keep it soon; never waits, never fails."""

    async def recall(self, kind: Kind, object_id: str) -> Sequence[Fact]: ...


@dataclass(frozen=True, slots=True)
class Clue:
    """What the content of a request says about its receiver.

    Looked for are partners of `owner`, or owners. Then facts with `partner` come first, since a
    requester means its own; where ids are chosen by partners, only those count (CMD-035).
    `part` is the EVSE of a location.
    """

    kind: Kind
    id: str
    owner: PartyRef | None = None
    partner: PartyRef | None = None
    part: str = ""

    def receivers(self, facts: Sequence[Fact]) -> tuple[PartyRef, ...]:
        """All who may be meant, each once."""
        if self.owner is not None:
            found = [fact.partner for fact in facts if fact.owner == self.owner and fact.partner]
        else:
            own = [fact for fact in facts if fact.partner == self.partner]
            found = [fact.owner for fact in (own if own or self.kind.shared else facts)]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that names no receiver: who asks, the ids in its URL, its body."""

    sender: PartyRef
    ids: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Relayed:
    """A request that its receiver accepted, and the whole answer."""

    sender: PartyRef
    to: PartyRef
    ids: tuple[str, ...]
    value: Any
    answer: bytes


Clues = Mapping[str, Callable[[Asked], Clue | PartyRef | None]]
"""By route: the receiver itself when the content names it, or what to look for."""

Lessons = Mapping[str, Callable[[Relayed], Fact | None]]
"""By route: what a relayed request teaches."""


def identifier(value: Any, member: str) -> str | None:
    """An id in a body, if there is a usable one."""
    found = value.get(member) if isinstance(value, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID else None


def party_in(value: Any) -> PartyRef | None:
    """The party that an object names by country_code and party_id."""
    country, party = identifier(value, "country_code"), identifier(value, "party_id")
    return PartyRef(country, party) if country and party else None


def promised(answer: bytes) -> bool:
    """Whether an answer says that the receiver will do what it was asked for."""
    try:
        data = codec.decode(answer).get("data")
    except (OcpiError, AttributeError):
        return False
    return isinstance(data, dict) and data.get("result") == "ACCEPTED"
