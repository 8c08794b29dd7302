"""The register in memory: what one load of the database says, ready for the hottest questions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from ocpi_hub.modules.platforms import AgreedRole, Caller, TokenKind
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.routing.agreements import Agreements, InForce, agreements
from ocpi_hub.routing.directory import (
    Directory,
    Endpoint,
    HostedRole,
    Platform,
    PlatformId,
    Quirks,
)
from ocpi_hub.security import digest
from ocpi_hub.storage.database import Row
from ocpi_hub.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class HeldToken:
    digest: bytes
    platform: PlatformId
    kind: TokenKind


@dataclass(frozen=True, slots=True)
class Register:
    """`suspended` platforms keep their tokens, but nobody gets in with them."""

    directory: Directory
    agreed: Mapping[PlatformId, tuple[AgreedRole, ...]]
    tokens: Mapping[bytes, HeldToken]
    suspended: frozenset[PlatformId]
    sealed: Mapping[PlatformId, bytes]

    def caller(self, token: str) -> Caller | None:
        shown = digest(token)
        held = self.tokens.get(shown)
        if held is None or not compare_digest(held.digest, shown):
            return None
        return None if held.platform in self.suspended else Caller(held.platform, held.kind, token)

    def offered(self, platform: PlatformId) -> bool:
        """Whether this platform was offered a token that it did not accept yet."""
        return any(
            held.platform == platform and held.kind is TokenKind.OFFERED
            for held in self.tokens.values()
        )


async def load(
    connection: Connection,
    sql: Mapping[str, str],
    hub: PartyRef,
    number: int,
    in_force: Agreements | None = None,
) -> Register:
    """The register in the snapshot that the connection's transaction sees."""
    platforms = await connection.fetch(sql["platforms"])
    roles = _grouped(await connection.fetch(sql["roles"]))
    endpoints = _grouped(await connection.fetch(sql["endpoints"]))
    tokens = [_token(row) for row in await connection.fetch(sql["tokens"])]
    built = [_platform(row, roles[row["id"]], endpoints[row["id"]]) for row in platforms]
    return Register(
        directory=Directory(hub, {platform.id: platform for platform in built}, number, in_force),
        agreed={PlatformId(key): _agreed(rows) for key, rows in roles.items()},
        tokens={token.digest: token for token in tokens},
        suspended=frozenset(row["id"] for row in platforms if row["suspended"]),
        sealed={row["id"]: row["outgoing_token"] for row in platforms if row["outgoing_token"]},
    )


async def agreements_in_force(connection: Connection, sql: Mapping[str, str]) -> Agreements:
    """The agreements in force, in the same snapshot."""
    in_force = await connection.fetch(sql["in_force"])
    moved = await connection.fetch(sql["moved"])
    return agreements(
        [InForce(parties(row), modules(row)) for row in in_force],
        {frozenset(parties(row)): row["changed_at"] for row in moved},
    )


def parties(row: Row) -> tuple[PartyRef, PartyRef]:
    """The two parties of an agreement."""
    return (
        PartyRef(row["first_country"], row["first_party"]),
        PartyRef(row["second_country"], row["second_party"]),
    )


def modules(row: Row) -> frozenset[str] | None:
    """The modules that an agreement is for, None for all."""
    return None if row["modules"] is None else frozenset(row["modules"])


def _grouped(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row["platform"]].append(row)
    return groups


def _platform(row: Row, roles: Iterable[Row], endpoints: Iterable[Row]) -> Platform:
    return Platform(
        id=PlatformId(row["id"]),
        name=row["name"],
        status=ConnectionStatus(row["status"]),
        registered=row["registered"],
        version=row["version"],
        versions_url=row["versions_url"],
        endpoints=tuple(
            Endpoint(entry["module"], InterfaceRole(entry["role"]), entry["url"])
            for entry in endpoints
        ),
        roles=tuple(_hosted(role) for role in roles),
        quirks=Quirks(**row["quirks"]),
    )


def _hosted(row: Row) -> HostedRole:
    updated: datetime = row["last_updated"]
    return HostedRole(
        party=_party(row),
        role=Role(row["role"]),
        business_details=row["business_details"],
        status=ConnectionStatus(row["status"]),
        last_updated=updated,
        standing=row["standing_since"],
    )


def _agreed(rows: Iterable[Row]) -> tuple[AgreedRole, ...]:
    return tuple(
        AgreedRole(_party(row), Role(row["role"]), row["name"]) for row in rows if row["agreed"]
    )


def _party(row: Row) -> PartyRef:
    return PartyRef(row["country_code"], row["party_id"])


def _token(row: Row) -> HeldToken:
    return HeldToken(row["digest"], PlatformId(row["platform"]), TokenKind(row["kind"]))
