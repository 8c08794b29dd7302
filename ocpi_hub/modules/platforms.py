"""The register of platforms as duties and doors see it: tokens, registrations, connection states.

Storage implements `Platforms`. Reads come from a snapshot in memory and never wait; writes are
one transaction each and return after the new snapshot is in force in this process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.routing.directory import Directory, Endpoint, Platform, PlatformId, Quirks


class TokenKind(StrEnum):
    """What a token that a partner shows may open.

    REGISTRATION is token A (TR-010). OFFERED is a token the hub sent in its own POST or PUT that
    is not answered yet: it opens versions and details (CRED-026, CRED-027), in a renewal all but
    credentials. CURRENT opens all.
    """

    REGISTRATION = "REGISTRATION"
    OFFERED = "OFFERED"
    CURRENT = "CURRENT"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who showed a token. `token` is the plain text just received (GET credentials echoes it)."""

    platform: PlatformId
    kind: TokenKind
    token: str


@dataclass(frozen=True, slots=True)
class AgreedRole:
    """A party that the operator agreed to on a platform; `name` is its business name."""

    party: PartyRef
    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class AnnouncedRole:
    """A role from a partner's credentials object; `business_details` is its JSON object as sent."""

    party: PartyRef
    role: Role
    business_details: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """All that one successful credentials exchange changes, stored in one transaction.

    `outgoing_token`: what the hub shows to the partner from now on.
    `incoming_token`: what the partner shows to the hub from now on; everything the platform could
    show before is void afterwards, an OFFERED token that equals it becomes CURRENT.
    `spent`: the token with which the partner authenticated this exchange (None when the hub
    started it); the transaction fails with `Conflict` when it is void by then (CRED-047).
    """

    version: str
    versions_url: str
    endpoints: tuple[Endpoint, ...]
    roles: tuple[AnnouncedRole, ...]
    outgoing_token: str
    incoming_token: str
    spent: str | None


class Conflict(Exception):
    """Another exchange or another holder was first; the message says of what."""


class Unknown(Exception):
    """There is no such platform, key or message."""


@dataclass(frozen=True, slots=True)
class PlatformReport:
    """What the operator sees beside the directory entry: times UTC, counters since creation."""

    agreed: tuple[AgreedRole, ...]
    created_at: datetime
    last_seen: datetime | None
    has_registration_token: bool


class Platforms(Protocol):
    """The register. Times come from the database's clock."""

    def directory(self) -> Directory: ...

    def caller(self, token: str) -> Caller | None:
        """Who holds this token, found by its SHA-256 digest; None for void and unknown ones."""

    async def latest(self) -> None:
        """What other processes stored until now is in force here, if the database answers soon."""

    def outgoing_token(self, platform: PlatformId) -> str | None:
        """The token to show to this partner (opened from its seal), or None."""

    def renewing(self, platform: PlatformId) -> bool:
        """Whether an exchange that the hub started with this partner is not answered yet."""

    def agreed(self, platform: PlatformId) -> tuple[AgreedRole, ...]: ...

    def seen(self, platform: PlatformId) -> None:
        """Note a sign of life now; kept in memory and written in batches. Never waits."""

    def last_seen(self, platform: PlatformId) -> datetime | None: ...

    def clock(self) -> datetime:
        """The time by which `last_seen` is told, whatever this machine's clock says."""

    async def report(self, platform: PlatformId) -> PlatformReport: ...

    async def create(
        self, name: str, roles: Sequence[AgreedRole], quirks: Quirks
    ) -> tuple[Platform, str]:
        """A new PLANNED platform and its token A.

        Raises Conflict when a (country, party, role) is held by another platform or is the hub's.
        """

    async def change(
        self,
        platform: PlatformId,
        *,
        name: str | None = None,
        roles: Sequence[AgreedRole] | None = None,
        quirks: Mapping[str, Any] | None = None,
    ) -> Platform:
        """`quirks`: those that change, by the names of `Quirks`; all else stays as it is."""

    async def issue_registration_token(self, platform: PlatformId) -> str:
        """A fresh token A; an older one dies. A registered platform works on until it is used."""

    async def offer_token(self, platform: PlatformId) -> str:
        """A fresh OFFERED token for an exchange that the hub starts; replaces an older offer."""

    async def withdraw_offer(self, platform: PlatformId) -> None: ...

    async def complete(self, platform: PlatformId, registration: Registration) -> Platform:
        """Store a finished exchange; roles become CONNECTED, dropped ones SUSPENDED (CRED-044)."""

    async def end(self, platform: PlatformId) -> Platform:
        """Unregister: every token forgotten, endpoints gone, roles SUSPENDED; objects stay."""

    async def set_status(self, platform: PlatformId, status: ConnectionStatus) -> bool:
        """Move a platform and its roles; False when it was there already or is not registered."""

    async def suspend(self, platform: PlatformId) -> Platform:
        """The operator stops a partner: its tokens are refused (401) but kept, roles SUSPENDED."""

    async def resume(self, platform: PlatformId) -> Platform:
        """Undo `suspend`: CONNECTED when registered, PLANNED otherwise."""
