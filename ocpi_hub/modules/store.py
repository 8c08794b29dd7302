"""The hub's own copy of what is broadcast, as duties and doors see it.

`storage` implements `Store`. A write is accepted when it is durable: many writes share one
commit, each caller is answered after it (performance: group commit).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

from ocpi_hub.modules.line import Message, ObjectKey, Place
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.routing.directory import PlatformId

LATEST: Final = datetime.max.replace(tzinfo=UTC)


class Written(StrEnum):
    """What a push did to the store. STALE and UNCHANGED are still accepted (1000, ROUT-222)."""

    CREATED = "created"
    UPDATED = "updated"
    STALE = "stale"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class Push:
    """A broadcast push that passed its duty's checks; not frozen, since that is dear for so many.

    `ids` are the object's ids as received: (location,), (location, evse), (location, evse,
    connector), (tariff,), or (token, type). `last_updated` was read from the body, which a DELETE
    has not. `origin` pushed it. `horizon`, which the store sets: a stamp beyond it, which no clock
    explains, does not make a push with one before it stale.
    """

    module: str
    owner: PartyRef
    ids: tuple[str, ...]
    message: Message
    last_updated: datetime | None
    origin: PlatformId
    correlation_id: str
    horizon: datetime = LATEST


@dataclass(frozen=True, slots=True)
class Window:
    """What a list asks for: `date_from` inclusive, `date_to` exclusive, both aware UTC or None."""

    date_from: datetime | None
    date_to: datetime | None
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page, in order of creation.

    `body` is the JSON array as bytes, ready for the envelope; `count` objects in it; `total`
    objects match the filters. `place` is where the line stood: the same question at the same
    place gives the same page.
    """

    body: bytes
    count: int
    total: int
    place: Place


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a list may show: `public_only` for navigation roles (LOC-075), never `hidden` owners."""

    public_only: bool
    hidden: frozenset[tuple[str, str]]


class Store(Protocol):
    async def push(self, push: Push) -> Written:
        """Apply one push durably.

        Raises NoSuchResource with code 2003 for a PATCH of something unknown or a part of an
        unknown Location (TR-040, LOC-054), InvalidParameter when the merged object breaks a rule.
        """

    async def page(self, module: str, window: Window, viewer: Viewer) -> Page: ...

    async def one(self, key: ObjectKey) -> bytes | None:
        """One stored object in full; a connector is to be cut out of its EVSE."""

    async def owners(self, module: str, object_id: str, part: str = "") -> Sequence[PartyRef]:
        """Who owns an object with this id, in order of creation: for what names no owner (LOC-034).

        `part` is the EVSE that a Location must have, or the type of a Token.
        """
