"""The number line: every visible change of a stored object, in the order in which all see it.

A place on the line is the pair (transaction id, sequence number) of the writer. A reader never
passes the oldest running writer, so a late commit is never skipped. Broadcast, the cars' index
and paging read the same line; PostgreSQL implements it, and the Protocols here are all that the
readers know.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.routing.directory import PlatformId


class Place(NamedTuple):
    """A place on the line; compares in the order in which changes became visible."""

    x: int
    seq: int

    def __str__(self) -> str:
        return f"{self.x}-{self.seq}"


ORIGIN = Place(0, 0)


class ObjectKey(NamedTuple):
    """Identity of a stored object, folded: module, owner, ids.

    `part` is the uid of an EVSE, the type of a Token, a role, or empty.
    """

    module: str
    country_code: str
    party_id: str
    id: str
    part: str = ""

    @property
    def whole(self) -> "ObjectKey":
        """The Location to which an EVSE belongs, the party to which a role belongs, else itself."""
        if not self.part or self.module == "tokens":
            return self
        return ObjectKey(self.module, self.country_code, self.party_id, self.id)


@dataclass(frozen=True, slots=True)
class Message:
    """A push as it was received: enough to send it on byte for byte.

    `path` is the sub-path below `{module endpoint}/{country}/{party}/`, percent-encoded as
    received, such as `LOC1/3256/1`, and for a Token its query too, such as `0102?type=APP_USER`.
    """

    method: str
    path: str
    body: bytes


@dataclass(slots=True)
class Change:
    """The latest state of one object, at the place of its last change.

    Nobody changes one; it is not frozen, since that is dear for so many.

    `previous` is the place of the change before the last one (ORIGIN when there was none): for a
    reader that was up to date at or behind `previous` the object changed once since, and `message`
    may go out as it came; otherwise `state` goes out as one PUT to `state_path`.
    `state` is the full object: a Location with its EVSEs, or a single EVSE when `key.part` is set;
    empty when the object was deleted, and then `message` is the DELETE.
    `public` is false for a Location (and its EVSEs) with publish=false (LOC-065, LOC-075);
    `turned` is where that changed last, ORIGIN when it never did. `listed` is false for an EVSE
    that a PUT of its Location left out (LOC-055).
    """

    place: Place
    previous: Place
    key: ObjectKey
    owner: PartyRef
    message: Message
    state_path: str
    state: bytes
    last_updated: datetime
    public: bool
    origin: PlatformId
    correlation_id: str
    turned: Place = ORIGIN
    listed: bool = True

    @property
    def full(self) -> Message:
        """The state as one message. A PUT would bring back an EVSE that is not listed any more."""
        return Message("PUT" if self.listed else "PATCH", self.state_path, self.state)

    def outgoing(self, whole: Place) -> Message:
        """What a reader has to be told that was last up to date at `whole`.

        Its cursor is not enough: a row shows only its latest state, so a cursor may have passed
        the place of a change that had moved on already. What is published again was not told to
        everybody in between.
        """
        published = self.public and self.place == self.turned != ORIGIN
        return self.message if whole >= self.previous and not published else self.full


class Line(Protocol):
    """What readers of the line rely on."""

    async def head(self) -> Place:
        """The place up to which everything is visible now."""

    async def after(self, cursor: Place, limit: int) -> Sequence[Change] | None:
        """Changes behind `cursor`, oldest first, never past a running writer.

        Each object occurs once, at its latest place. Empty means that the reader is up to date;
        None that there is nothing for now, and more behind a running writer.
        """

    async def anew(self, cursor: Place, limit: int) -> Sequence[Change] | None:
        """As `after`, and with each object as it is now, with all its parts.

        For who does not know what was told from the cursor on: nothing older follows it.
        """

    def wakes(self) -> AsyncIterator[None]:
        """Yields soon after the line grew, and about once a second anyway: a hint, no promise."""
