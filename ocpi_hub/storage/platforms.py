"""The register of platforms: `modules.platforms.Platforms` over PostgreSQL.

Writers take turns, for they are few: each locks the directory's number, changes what it must, and
raises the number. It returns when the new snapshot is in force here; other processes follow within
a second.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

import asyncpg
import structlog

from ocpi_hub.modules.platforms import (
    AgreedRole,
    AnnouncedRole,
    Caller,
    Conflict,
    PlatformReport,
    Registration,
    TokenKind,
    Unknown,
)
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.routing.agreements import Agreements
from ocpi_hub.routing.directory import Directory, Platform, PlatformId, Quirks
from ocpi_hub.security import CannotOpen, KeyRing, digest, fresh_token
from ocpi_hub.storage.database import LOST, Database, Row
from ocpi_hub.storage.following import Following
from ocpi_hub.storage.pool import Connection
from ocpi_hub.storage.queries import queries
from ocpi_hub.storage.register import Register, agreements_in_force, load
from ocpi_hub.storage.seen import Seen

log = structlog.get_logger("storage")

_MOVES = frozenset({ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE})


class PostgresPlatforms:
    """Open it with `PostgresPlatforms.open`, close it with `close`.

    `agreements`: whether nobody roams without one.
    """

    def __init__(
        self, database: Database, ring: KeyRing, hub: PartyRef, *, agreements: bool = False
    ) -> None:
        self._database = database
        self._ring = ring
        self._hub = hub
        self._agreements = agreements
        self._in_force: tuple[int, Agreements] | None = None
        self._sql = queries(__file__)
        self._following = Following(database, "directory", self._load)
        self._seen = Seen(database, self._sql)
        self._register = Register(Directory(hub, {}), {}, {}, frozenset(), {})
        self._opened: dict[tuple[PlatformId, bytes], str | None] = {}

    @classmethod
    async def open(
        cls, database: Database, ring: KeyRing, hub: PartyRef, *, agreements: bool = False
    ) -> Self:
        """The register of this database, loaded and followed."""
        platforms = cls(database, ring, hub, agreements=agreements)
        await platforms._reseal()
        await platforms._following.start()
        await platforms._seen.start()
        return platforms

    async def close(self) -> None:
        await self._following.close()
        await self._seen.close()

    def directory(self) -> Directory:
        return self._register.directory

    def caller(self, token: str) -> Caller | None:
        return self._register.caller(token)

    async def latest(self) -> None:
        await self._following.latest()

    def outgoing_token(self, platform: PlatformId) -> str | None:
        sealed = self._register.sealed.get(platform)
        return None if sealed is None else self._opened[platform, sealed]

    def renewing(self, platform: PlatformId) -> bool:
        return self._register.offered(platform)

    def agreed(self, platform: PlatformId) -> tuple[AgreedRole, ...]:
        return self._register.agreed.get(platform, ())

    def seen(self, platform: PlatformId) -> None:
        self._seen.note(platform)

    def last_seen(self, platform: PlatformId) -> datetime | None:
        return self._seen.last(platform)

    def clock(self) -> datetime:
        return self._seen.clock()

    async def report(self, platform: PlatformId) -> PlatformReport:
        row = await self._database.row(self._sql["report"], platform)
        if row is None:
            raise Unknown(f"there is no platform {platform}")
        return PlatformReport(
            agreed=self.agreed(platform),
            created_at=row["created_at"],
            last_seen=self.last_seen(platform) or row["last_seen"],
            has_registration_token=row["has_token"],
        )

    async def create(
        self, name: str, roles: Sequence[AgreedRole], quirks: Quirks
    ) -> tuple[Platform, str]:
        platform, token = PlatformId(fresh_id()), fresh_token()
        async with self.writing() as connection:
            await connection.execute(self._sql["create"], platform, name, asdict(quirks))
            await self._agree(connection, platform, roles)
            await self._put_token(connection, platform, token, TokenKind.REGISTRATION)
        return self._platform(platform), token

    async def change(
        self,
        platform: PlatformId,
        *,
        name: str | None = None,
        roles: Sequence[AgreedRole] | None = None,
        quirks: Mapping[str, Any] | None = None,
    ) -> Platform:
        async with self._changing(platform) as (connection, _):
            await connection.execute(self._sql["change"], platform, name, dict(quirks or {}))
            if roles is not None:
                await connection.execute(self._sql["disagree"], platform, *_columns(roles))
                await self._agree(connection, platform, roles)
        return self._platform(platform)

    async def issue_registration_token(self, platform: PlatformId) -> str:
        return await self._issue(platform, TokenKind.REGISTRATION)

    async def offer_token(self, platform: PlatformId) -> str:
        return await self._issue(platform, TokenKind.OFFERED)

    async def withdraw_offer(self, platform: PlatformId) -> None:
        async with self._changing(platform) as (connection, _):
            await connection.execute(self._sql["withdraw"], platform)

    async def complete(self, platform: PlatformId, registration: Registration) -> Platform:
        async with self._changing(platform) as (connection, held):
            await self._spend(connection, held, registration.spent)
            await self._replace_tokens(connection, platform, registration)
            await self._replace_endpoints(connection, platform, registration)
            await self._announce(connection, platform, registration.roles)
            await connection.execute(self._sql["receive"], platform)
        self._seen.note(platform)
        return self._told("platform.registered", platform)

    async def end(self, platform: PlatformId) -> Platform:
        async with self._changing(platform) as (connection, _):
            for step in (
                "forget_tokens",
                "forget_endpoints",
                "forget_receiver",
                "forget_pulls",
                "end",
            ):
                await connection.execute(self._sql[step], platform)
            await connection.execute(self._sql["drop"], platform, *_columns(()))
        return self._told("platform.ended", platform)

    async def set_status(self, platform: PlatformId, status: ConnectionStatus) -> bool:
        if status not in _MOVES:
            raise ValueError(f"a platform moves between CONNECTED and OFFLINE, not to {status}")
        async with self._database.transaction() as connection:
            await self._following.lock(connection)
            moved = await connection.fetchval(self._sql["set_status"], platform, status)
            if moved:
                await connection.execute(self._sql["settle"], platform)
                await self._following.changed(connection)
        await self._following.refresh()
        if moved:
            _ = self._told("platform.moved", platform)
        return bool(moved)

    async def suspend(self, platform: PlatformId) -> Platform:
        async with self._changing(platform) as (connection, _):
            await connection.execute(self._sql["suspend"], platform)
        return self._told("platform.suspended", platform)

    async def resume(self, platform: PlatformId) -> Platform:
        async with self._changing(platform) as (connection, _):
            await connection.execute(self._sql["resume"], platform)
        return self._told("platform.resumed", platform)

    def _told(self, event: str, platform: PlatformId) -> Platform:
        """The platform as it is now; the operator reads of it in the log."""
        found = self._platform(platform)
        log.info(event, platform=platform, name=found.name, status=found.status.value)
        return found

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A transaction that raises the directory's number; the snapshot is fresh afterwards.

        When the database is lost right behind the commit, what was stored stands all the same.
        """
        async with self._database.transaction() as connection:
            await self._following.lock(connection)
            yield connection
            await self._following.changed(connection)
        try:
            await self._following.refresh()
        except LOST as error:
            log.warning("storage.directory_behind", error=repr(error))

    @asynccontextmanager
    async def _changing(self, platform: PlatformId) -> AsyncIterator[tuple[Connection, Row]]:
        """As `writing`, on one locked platform; its parties' states follow in the end."""
        async with self.writing() as connection:
            held = await connection.fetchrow(self._sql["held"], platform)
            if held is None:
                raise Unknown(f"there is no platform {platform}")
            yield connection, held
            await connection.execute(self._sql["settle"], platform)

    async def _issue(self, platform: PlatformId, kind: TokenKind) -> str:
        token = fresh_token()
        async with self._changing(platform) as (connection, _):
            await self._put_token(connection, platform, token, kind)
        return token

    async def _put_token(
        self, connection: Connection, platform: PlatformId, token: str, kind: TokenKind
    ) -> None:
        try:
            await connection.execute(self._sql["put_token"], digest(token), platform, kind)
        except asyncpg.UniqueViolationError:
            raise Conflict("token: another platform has the same") from None

    async def _agree(
        self, connection: Connection, platform: PlatformId, roles: Sequence[AgreedRole]
    ) -> None:
        _refuse_twice(roles)
        for agreed in roles:
            if agreed.party == self._hub or agreed.role is Role.HUB:
                raise Conflict(f"{agreed.party} {agreed.role}: that is the hub's own")
            details = json.dumps({"name": agreed.name}, ensure_ascii=False).encode()
            party = agreed.party
            if not await connection.fetchval(
                self._sql["agree"],
                platform,
                party.country_code,
                party.party_id,
                agreed.role,
                agreed.name,
                details,
            ):
                raise Conflict(f"{party} {agreed.role}: another platform holds this role")

    async def _spend(self, connection: Connection, held: Row, spent: str | None) -> None:
        """The exchange still stands: nobody suspended it, nobody was first (CRED-047)."""
        if held["suspended"]:
            raise Conflict("the platform was suspended meanwhile")
        if spent is not None and not await connection.fetchval(
            self._sql["spendable"], digest(spent), held["id"]
        ):
            raise Conflict("the token of this exchange is void: another exchange was first")

    async def _replace_tokens(
        self, connection: Connection, platform: PlatformId, registration: Registration
    ) -> None:
        await connection.execute(self._sql["forget_tokens"], platform)
        await self._put_token(connection, platform, registration.incoming_token, TokenKind.CURRENT)
        sealed = self._ring.seal(registration.outgoing_token, _context(platform))
        await connection.execute(
            self._sql["register"], platform, registration.version, registration.versions_url, sealed
        )

    async def _replace_endpoints(
        self, connection: Connection, platform: PlatformId, registration: Registration
    ) -> None:
        await connection.execute(self._sql["forget_endpoints"], platform)
        await connection.executemany(
            self._sql["put_endpoint"],
            [
                (platform, position, endpoint.module, endpoint.role, endpoint.url)
                for position, endpoint in enumerate(registration.endpoints)
            ],
        )

    async def _announce(
        self, connection: Connection, platform: PlatformId, roles: Sequence[AnnouncedRole]
    ) -> None:
        _refuse_twice(roles)
        await connection.execute(self._sql["drop"], platform, *_columns(roles))
        for role in roles:
            party = role.party
            if not await connection.fetchval(
                self._sql["announce"],
                platform,
                party.country_code,
                party.party_id,
                role.role,
                role.business_details,
            ):
                raise Conflict(f"{party} {role.role}: the operator did not agree to this role here")

    async def _reseal(self) -> None:
        """Seal with the newest key what an older one sealed."""
        for row in await self._database.fetch(self._sql["sealed"]):
            sealed, platform = row["outgoing_token"], PlatformId(row["id"])
            if (
                not self._ring.is_stale(sealed)
                or (token := self._unsealed(platform, sealed)) is None
            ):
                continue
            fresh = self._ring.seal(token, _context(platform))
            async with self.writing() as connection:
                await connection.execute(self._sql["reseal"], platform, fresh, sealed)

    async def _load(self, connection: Connection, number: int) -> None:
        in_force = await self._agreed(connection) if self._agreements else None
        register = await load(connection, self._sql, self._hub, number, in_force)
        self._opened = {
            held: self._opened.get(held) or self._unsealed(*held)
            for held in register.sealed.items()
        }
        self._register = register

    async def _agreed(self, connection: Connection) -> Agreements:
        """The agreements; they are many, and platforms come and go much more often."""
        number = await connection.fetchval(self._sql["agreed_number"])
        if self._in_force is None or self._in_force[0] != number:
            self._in_force = (number, await agreements_in_force(connection, self._sql))
        return self._in_force[1]

    def _unsealed(self, platform: PlatformId, sealed: bytes) -> str | None:
        try:
            return self._ring.open(sealed, _context(platform))
        except CannotOpen as error:
            reason = str(error)
            log.warning("storage.token_unreadable", platform=platform, reason=reason)
            return None

    def _platform(self, platform: PlatformId) -> Platform:
        return self._register.directory.platforms[platform]


def _context(platform: PlatformId) -> str:
    return f"platform/{platform}/outgoing_token"


def _key(role: AgreedRole | AnnouncedRole) -> tuple[str, str, str]:
    return (*role.party.key, role.role)


def _columns(roles: Iterable[AgreedRole | AnnouncedRole]) -> tuple[list[str], list[str], list[str]]:
    keys = [_key(role) for role in roles]
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


def _refuse_twice(roles: Sequence[AgreedRole | AnnouncedRole]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for role in roles:
        if _key(role) in seen:
            raise Conflict(f"{role.party} {role.role}: named twice")
        seen.add(_key(role))
