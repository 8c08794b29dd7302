"""Credentials: how a partner registers at the hub, renews its token, and leaves.

Checks come in the order of CRED-013; a failed exchange stores nothing, and the token with which
it was tried stays as good as it was (CRED-014, CRED-021). The hub shows itself as one party in the
role HUB; who is connected to it, only hubclientinfo tells (CRED-039).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ocpi_hub.modules.handshake import (
    Conversation,
    Found,
    Introduction,
    NoCommonVersion,
    PartnerUnusable,
    introduction,
)
from ocpi_hub.modules.outgoing import PartnerClient
from ocpi_hub.modules.platforms import (
    AnnouncedRole,
    Caller,
    Conflict,
    Platforms,
    Registration,
    TokenKind,
)
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import (
    InvalidParameter,
    MethodNotAllowed,
    OcpiError,
    Status,
    Unauthorized,
)
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.routing.rewrite import origin

Expected = Mapping[Role, frozenset[tuple[str, InterfaceRole]]]
"""The interfaces that the operator insists on for partners in a role (CRED-016)."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub as partners see it."""

    party: PartyRef
    name: str
    versions_url: str

    def credentials(self, token: str) -> bytes:
        """The hub's credentials object with the token that opens the hub for this partner."""
        return codec.encode(
            {
                "token": token,
                "url": self.versions_url,
                "roles": [
                    {
                        "role": Role.HUB,
                        "business_details": {"name": self.name},
                        "party_id": self.party.party_id,
                        "country_code": self.party.country_code,
                    }
                ],
            }
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """The duty behind `/ocpi/{version}/credentials`. Every method answers the envelope's `data`."""

    hub: Hub
    platforms: Platforms
    client: PartnerClient
    deadline_s: float
    fresh_token: Callable[[], str]
    fresh_id: Callable[[], str]
    expected: Expected = field(default_factory=dict)

    def admit(self, caller: Caller, method: str) -> None:
        """Whether this method fits the state of the registration (CRED-010 to CRED-012)."""
        registered = caller.kind is TokenKind.CURRENT
        if method == "POST" and registered:
            raise MethodNotAllowed("credentials: already registered, use PUT")
        if method in {"PUT", "DELETE"} and not registered:
            raise MethodNotAllowed("credentials: not registered yet, use POST")

    def shown(self, caller: Caller) -> bytes:
        """GET: the hub, with the token that the caller uses itself (CRED-031, CRED-032)."""
        return self.hub.credentials(caller.token)

    async def exchange(
        self, caller: Caller, version: str, value: object, body: bytes, correlation_id: str
    ) -> bytes:
        """POST and PUT: get to know the partner anew, then trade tokens (CRED-005, CRED-019)."""
        offered = introduction(value, body)
        check_roles(self.hub.party, self.platforms, caller.platform, offered.roles)
        found = await self._discovered(caller.platform, version, offered, correlation_id)
        missing = missing_endpoints(found, (r.role for r in offered.roles), self.expected)
        if missing:
            raise OcpiError(f"endpoints: {missing} missing", Status.MISSING_ENDPOINTS)
        incoming = self.fresh_token()
        registration = Registration(
            version=found.version,
            versions_url=offered.url,
            endpoints=found.endpoints,
            roles=offered.roles,
            outgoing_token=offered.token,
            incoming_token=incoming,
            spent=caller.token,
        )
        try:
            await self.platforms.complete(caller.platform, registration)
        except Conflict as conflict:  # CRED-047: somebody was first since the checks above
            raise Unauthorized(f"credentials: {conflict}") from None
        return self.hub.credentials(incoming)

    async def leave(self, caller: Caller) -> None:
        """DELETE: the partner's connection ends here and now (CRED-028)."""
        await self.platforms.end(caller.platform)

    async def _discovered(
        self, platform: PlatformId, version: str, offered: Introduction, correlation_id: str
    ) -> Found:
        until = asyncio.get_running_loop().time() + self.deadline_s
        conversation = Conversation(
            self.client, platform, offered.token, correlation_id, self.fresh_id, until
        )
        try:
            found = await conversation.discover(offered.url, (version,))
            check_elsewhere(self.hub, found)
        except NoCommonVersion as error:
            raise OcpiError(str(error), Status.UNSUPPORTED_VERSION) from None
        except PartnerUnusable as error:
            raise OcpiError(str(error), Status.CLIENT_API_UNUSABLE) from None
        return found


def check_elsewhere(hub: Hub, found: Found) -> None:
    """PartnerUnusable for endpoints of the hub itself: what it sends there comes back for ever."""
    own, home = origin(hub.versions_url), urlsplit(hub.versions_url).path.removesuffix("versions")
    for endpoint in found.endpoints:
        if origin(endpoint.url) == own and urlsplit(endpoint.url).path.startswith(home):
            raise PartnerUnusable("details", f"endpoints: {endpoint.module} leads back to this hub")


def check_roles(
    hub: PartyRef,
    platforms: Platforms,
    platform: PlatformId,
    roles: tuple[AnnouncedRole, ...],
) -> None:
    """InvalidParameter unless the operator agreed to every role and nobody else has it."""
    agreed = {(role.party, role.role) for role in platforms.agreed(platform)}
    held = {
        (hosted.party, hosted.role)
        for other, hosted in platforms.directory().hosted_roles()
        if other.id != platform
        and other.registered
        and hosted.status is not ConnectionStatus.SUSPENDED
    }
    for role in roles:
        triple = (role.party, role.role)
        if role.role is Role.HUB or role.party == hub:  # CRED-043
            raise InvalidParameter(f"roles: {role.party} as {role.role} is this hub's own")
        if triple in held:  # CRED-041
            raise InvalidParameter(f"roles: {role.party} as {role.role} is held by somebody else")
        if triple not in agreed:  # CRED-042
            raise InvalidParameter(f"roles: {role.party} as {role.role} is not agreed")


def missing_endpoints(found: Found, roles: Iterable[Role], expected: Expected) -> str:
    """What a partner in these roles lacks, as text; empty when nothing is (CRED-016, CRED-017)."""
    have = {(endpoint.module, endpoint.role) for endpoint in found.endpoints}
    wanted = {pair for role in roles for pair in expected.get(role, ())}
    lacking = [f"{module} {role}" for module, role in sorted(wanted - have)]
    return ", ".join(lacking if found.credentials_url else ["credentials", *lacking])
