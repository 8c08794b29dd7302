"""API keys of operators and navigation clients: scopes, expiry, and who changed what.

A key is shown once, when it is made; only its hash is kept. `Keys` and `Audit` are implemented
by storage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Scope(StrEnum):
    """What a key may do; `admin:*` includes all."""

    ADMIN = "admin:*"
    PLATFORMS_READ = "platforms:read"
    PLATFORMS_WRITE = "platforms:write"
    AGREEMENTS_READ = "agreements:read"
    AGREEMENTS_WRITE = "agreements:write"
    KEYS_WRITE = "keys:write"
    MESSAGES_READ = "messages:read"
    AUDIT_READ = "audit:read"
    SETTLEMENT_READ = "settlement:read"
    SETTLEMENT_WRITE = "settlement:write"
    SETTLEMENT_APPROVE = "settlement:approve"
    NAV_READ = "nav:read"
    NAV_STREAM = "nav:stream"
    NAV_PRICE = "nav:price"
    NAV_EXPORT = "nav:export"
    ENERGY_WRITE = "energy:write"
    METRICS_READ = "metrics:read"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as operators see it; never its secret."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        return Scope.ADMIN in self.scopes or scope in self.scopes


class Keys(Protocol):
    def lookup(self, secret: str) -> Key | None:
        """The key with this secret, unless it expired; from memory, by digest. Never waits."""

    async def create(
        self, name: str, scopes: frozenset[Scope], expires_at: datetime | None
    ) -> tuple[Key, str]: ...

    async def list(self, after: str | None, limit: int) -> Sequence[Key]:
        """Keys in order of creation, behind the key with id `after`."""

    async def one(self, key_id: str) -> Key:
        """Raises Unknown."""

    async def delete(self, key_id: str) -> None:
        """Raises Unknown."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action` is subject:thing:verb such as `platform:token:issued`; `details` hold no secret."""

    id: int
    at: datetime
    actor: str
    address: str
    action: str
    target: str
    details: Mapping[str, Any]


class Audit(Protocol):
    async def record(
        self, actor: str, address: str, action: str, target: str, details: Mapping[str, Any]
    ) -> None:
        """Append one entry; the database refuses changes and deletions."""

    async def list(
        self, before: int | None, limit: int, filters: Mapping[str, str]
    ) -> Sequence[AuditEntry]:
        """Newest first, older than entry `before`; filters by actor, action, target."""
