"""In-memory stand-ins for storage, registrar and delivery, with the rules of their Protocols."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from ocpi_hub.modules.agreements import Agreement, Terms
from ocpi_hub.modules.findings import Finding
from ocpi_hub.modules.journal import StoredHop
from ocpi_hub.modules.keys import AuditEntry, Key, Scope
from ocpi_hub.modules.platforms import (
    AgreedRole,
    Caller,
    Conflict,
    PlatformReport,
    Registration,
    TokenKind,
    Unknown,
)
from ocpi_hub.modules.registrar import RegistrationFailed
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef
from ocpi_hub.routing.directory import (
    Directory,
    Endpoint,
    HostedRole,
    Platform,
    PlatformId,
    Quirks,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
ENDPOINT = Endpoint("locations", InterfaceRole.SENDER, "https://cpo.example/ocpi/2.2.1/locations")


def _hosted(role: AgreedRole) -> HostedRole:
    name = b'{"name": "%s"}' % role.name.encode()
    return HostedRole(role.party, role.role, name, ConnectionStatus.PLANNED, START)


class MemoryPlatforms:
    def __init__(self) -> None:
        self.held: dict[PlatformId, Platform] = {}
        self.roles: dict[PlatformId, tuple[AgreedRole, ...]] = {}
        self.tokens: dict[PlatformId, str] = {}
        self._numbers = count(1)

    def directory(self) -> Directory:
        return Directory(PartyRef("NL", "HUB"), dict(self.held))

    def caller(self, token: str) -> Caller | None:
        found = [platform for platform, held in self.tokens.items() if held == token]
        return Caller(found[0], TokenKind.REGISTRATION, token) if found else None

    def outgoing_token(self, platform: PlatformId) -> str | None:
        return f"shown-to-{platform}" if self.held[platform].registered else None

    def agreed(self, platform: PlatformId) -> tuple[AgreedRole, ...]:
        return self.roles[platform]

    def seen(self, platform: PlatformId) -> None:
        pass

    def last_seen(self, platform: PlatformId) -> datetime | None:
        return START if self.held[platform].registered else None

    async def report(self, platform: PlatformId) -> PlatformReport:
        return PlatformReport(self.roles[platform], START, None, platform in self.tokens)

    async def create(
        self, name: str, roles: Sequence[AgreedRole], quirks: Quirks
    ) -> tuple[Platform, str]:
        self._refuse_held(roles, None)
        platform_id = PlatformId(str(uuid4()))
        self.roles[platform_id] = tuple(roles)
        self.held[platform_id] = Platform(
            platform_id,
            name,
            ConnectionStatus.PLANNED,
            False,
            None,
            None,
            (),
            tuple(_hosted(role) for role in roles),
            quirks,
        )
        return self.held[platform_id], await self.issue_registration_token(platform_id)

    def _refuse_held(self, roles: Sequence[AgreedRole], own: PlatformId | None) -> None:
        for platform_id, held in self.roles.items():
            for role in roles:
                if platform_id != own and (role.party, role.role) in [
                    (h.party, h.role) for h in held
                ]:
                    raise Conflict(f"{role.party} {role.role} is held by another platform")

    async def change(
        self,
        platform: PlatformId,
        *,
        name: str | None = None,
        roles: Sequence[AgreedRole] | None = None,
        quirks: Mapping[str, Any] | None = None,
    ) -> Platform:
        if roles is not None:
            self._refuse_held(roles, platform)
            self.roles[platform] = tuple(roles)
        held = self.held[platform]
        changed = replace(held.quirks, **(quirks or {}))
        return self._put(replace(held, name=name or held.name, quirks=changed))

    def _put(self, platform: Platform) -> Platform:
        self.held[platform.id] = platform
        return platform

    async def issue_registration_token(self, platform: PlatformId) -> str:
        self.tokens[platform] = f"token-a-{next(self._numbers):036d}"
        return self.tokens[platform]

    async def offer_token(self, platform: PlatformId) -> str:
        return f"offered-to-{platform}"

    async def withdraw_offer(self, platform: PlatformId) -> None:
        pass

    async def complete(self, platform: PlatformId, registration: Registration) -> Platform:
        self.tokens.pop(platform, None)
        return self._put(
            replace(
                self.held[platform],
                status=ConnectionStatus.CONNECTED,
                registered=True,
                version=registration.version,
                versions_url=registration.versions_url,
                endpoints=registration.endpoints,
            )
        )

    async def end(self, platform: PlatformId) -> Platform:
        self.tokens.pop(platform, None)
        held = self.held[platform]
        return self._put(
            replace(held, status=ConnectionStatus.SUSPENDED, registered=False, endpoints=())
        )

    async def set_status(self, platform: PlatformId, status: ConnectionStatus) -> bool:
        self._put(replace(self.held[platform], status=status))
        return True

    async def suspend(self, platform: PlatformId) -> Platform:
        return self._put(replace(self.held[platform], status=ConnectionStatus.SUSPENDED))

    async def resume(self, platform: PlatformId) -> Platform:
        held = self.held[platform]
        status = ConnectionStatus.CONNECTED if held.registered else ConnectionStatus.PLANNED
        return self._put(replace(held, status=status))


class MemoryRegistrar:
    """A partner whose versions URL says how its registration ends."""

    def __init__(self, platforms: MemoryPlatforms) -> None:
        self._platforms = platforms

    async def register(self, platform: PlatformId, versions_url: str, token: str) -> Platform:
        if "broken" in versions_url:
            raise RegistrationFailed("details", "the partner answered 500")
        done = Registration("2.2.1", versions_url, (ENDPOINT,), (), token, "incoming", None)
        return await self._platforms.complete(platform, done)

    async def rotate(self, platform: PlatformId) -> Platform:
        return self._platforms.held[platform]

    async def unregister(self, platform: PlatformId) -> Platform:
        return await self._platforms.end(platform)


class MemoryKeys:
    def __init__(self, bootstrap: str) -> None:
        self.held: dict[str, Key] = {}
        self._bootstrap = bootstrap
        self._secrets: dict[str, str] = {}
        self._numbers = count(1)

    def lookup(self, secret: str) -> Key | None:
        if secret == self._bootstrap:
            return Key("bootstrap", "bootstrap", frozenset({Scope.ADMIN}), START, None)
        return self.held.get(self._secrets.get(secret, ""))

    async def create(
        self, name: str, scopes: frozenset[Scope], expires_at: datetime | None
    ) -> tuple[Key, str]:
        number = next(self._numbers)
        made = Key(str(uuid4()), name, scopes, START + timedelta(seconds=number), expires_at)
        secret = f"secret-of-key-{number:032d}"
        self.held[made.id] = made
        self._secrets[secret] = made.id
        return made, secret

    async def list(self, after: str | None, limit: int) -> Sequence[Key]:
        ids = list(self.held)
        start = ids.index(after) + 1 if after else 0
        return [self.held[key_id] for key_id in ids[start : start + limit]]

    async def one(self, key_id: str) -> Key:
        if key_id not in self.held:
            raise Unknown("there is no key with this id")
        return self.held[key_id]

    async def delete(self, key_id: str) -> None:
        await self.one(key_id)
        del self.held[key_id]


class MemoryAudit:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(
        self, actor: str, address: str, action: str, target: str, details: Mapping[str, object]
    ) -> None:
        number = len(self.entries) + 1
        self.entries.append(AuditEntry(number, START, actor, address, action, target, details))

    async def list(
        self, before: int | None, limit: int, filters: Mapping[str, str]
    ) -> Sequence[AuditEntry]:
        matching = [
            entry
            for entry in reversed(self.entries)
            if all(getattr(entry, name) == value for name, value in filters.items())
        ]
        return [entry for entry in matching if before is None or entry.id < before][:limit]


class MemoryMessages:
    """Keeps what it was asked, and refuses the filter route=refused as storage might."""

    def __init__(self, hops: Sequence[StoredHop] = ()) -> None:
        self.hops = hops
        self.asked: Mapping[str, str] = {}

    async def search(
        self, filters: Mapping[str, str], before: int | None, limit: int
    ) -> Sequence[StoredHop]:
        self.asked = filters
        if filters.get("route") == "refused":
            raise ValueError("route: cannot be one")
        newest = sorted(self.hops, key=lambda hop: -hop.id)
        return [hop for hop in newest if before is None or hop.id < before][:limit]

    async def one(self, message_id: int) -> StoredHop:
        for stored in self.hops:
            if stored.id == message_id:
                return stored
        raise Unknown("there is no message with this id")


class SteadyHealth:
    """Delivery that went on for a while; `failed` differs from one platform to another."""

    def __init__(self, failed: Mapping[PlatformId, int] | None = None) -> None:
        self._failed = failed or {}

    def health(self, platform: PlatformId) -> Mapping[str, object]:
        failed = self._failed.get(platform, 1)
        deliveries = {"delivered": 7, "failed": failed}
        return {"breaker": "closed", "lag_s": 0.5, "pending": 2, "deliveries": deliveries}


class MemoryLists:
    """Every platform that is registered offers locations."""

    async def ask(self, platform: Platform) -> Sequence[str]:
        return ["locations"] if platform.registered else []

    async def shown(self, platform: Platform) -> Sequence[Mapping[str, Any]]:
        known = {
            "running_since": None,
            "synced_at": None,
            "full_at": None,
            "failures": 1,
            "next_at": START,
        }
        counts = ("pages", "objects", "changed", "stale", "bad", "foreign", "vanished", "removed")
        last = dict.fromkeys(counts, 0) | {
            "kind": "all",
            "began_at": "2026-11-01T00:00:00+00:00",
            "ended_at": "2026-11-01T00:00:09+00:00",
            "fault": "HTTP 502",
            "objects": 7,
            "bad": 2,
        }
        if not platform.registered:
            return []
        return [
            {"module": "locations", "last": last} | known,
            {"module": "tariffs", "last": None} | known,
        ]


class MemoryFindings:
    """Every platform broke the same three rules."""

    async def of(
        self, platform: PlatformId, since: datetime | None, until: datetime | None
    ) -> Sequence[Finding]:
        if platform and since is not None and until is not None:
            return []
        return [
            Finding(rule, count, START, START + timedelta(days=1), f"about {rule}", 70 + count)
            for count, rule in enumerate(("LOC-126", "TR-032", "TR-075"), 1)
        ]


class MemoryAgreements:
    """In force by their ids alone: every agreement is valid now."""

    def __init__(self) -> None:
        self.held: dict[str, Agreement] = {}

    async def create(self, terms: Terms) -> Agreement:
        for other in self.held.values():
            if other.terms.parties == terms.parties:
                raise Conflict(f"modules: these parties have another agreement, {other.id}")
        made = Agreement(str(uuid4()), terms, True, START)
        self.held[made.id] = made
        return made

    async def list(
        self, after: str | None, limit: int, party: PartyRef | None = None
    ) -> Sequence[Agreement]:
        ids = list(self.held)
        start = ids.index(after) + 1 if after else 0
        found = [self.held[one] for one in ids[start:]]
        return [one for one in found if party is None or party in one.terms.parties][:limit]

    async def one(self, agreement_id: str) -> Agreement:
        if agreement_id not in self.held:
            raise Unknown("there is no agreement with this id")
        return self.held[agreement_id]

    async def change(self, agreement_id: str, revise: Callable[[Terms], Terms]) -> Agreement:
        found = await self.one(agreement_id)
        self.held[agreement_id] = replace(found, terms=revise(found.terms))
        return self.held[agreement_id]

    async def delete(self, agreement_id: str) -> Agreement:
        found = await self.one(agreement_id)
        del self.held[agreement_id]
        return found
