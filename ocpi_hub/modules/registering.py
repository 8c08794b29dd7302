"""The hub as the client of a partner's credentials module: register, renew tokens, leave.

The partner calls the hub back before it answers, so the fresh token is offered first: it opens
versions and details while the exchange is open, and is withdrawn when the exchange fails
(CRED-023, CRED-026, CRED-027).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ocpi_hub.modules.credentials import (
    Expected,
    Hub,
    check_elsewhere,
    check_roles,
    missing_endpoints,
)
from ocpi_hub.modules.handshake import (
    Conversation,
    Found,
    Introduction,
    PartnerUnusable,
    introduction,
)
from ocpi_hub.modules.outgoing import PartnerClient
from ocpi_hub.modules.platforms import Conflict, Platforms, Registration
from ocpi_hub.modules.registrar import RegistrationFailed
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.routing.directory import Platform, PlatformId

log = structlog.get_logger("credentials")


@dataclass(frozen=True, slots=True)
class HubRegistrar:
    """Implements `modules.registrar.Registrar`; `versions` of the hub, newest first."""

    hub: Hub
    platforms: Platforms
    client: PartnerClient
    versions: Sequence[str]
    deadline_s: float
    fresh_id: Callable[[], str]
    expected: Expected = field(default_factory=dict)

    async def register(self, platform: PlatformId, versions_url: str, token: str) -> Platform:
        partner = self._conversation(platform, token)
        try:
            found = await partner.discover(versions_url, self.versions)
            check_elsewhere(self.hub, found)
        except PartnerUnusable as error:
            raise RegistrationFailed(error.step, str(error)) from None
        return await self._trade(partner, "POST", versions_url, found)

    async def rotate(self, platform: PlatformId) -> Platform:
        known = self._registered(platform)
        found = Found(known.version or "", known.endpoints)
        partner = self._conversation(platform, None)
        return await self._trade(partner, "PUT", known.versions_url or "", found)

    async def unregister(self, platform: PlatformId) -> Platform:
        known = self.platforms.directory().platforms[platform]
        url = Found("", known.endpoints).credentials_url
        if known.registered and url is not None:
            try:
                await self._conversation(platform, None).ask("credentials", "DELETE", url)
            except PartnerUnusable as error:  # CRED-030: the hub's side ends in any case
                log.warning("credentials.farewell_failed", platform=platform, reason=str(error))
        return await self.platforms.end(platform)

    async def _trade(
        self, partner: Conversation, method: str, versions_url: str, found: Found
    ) -> Platform:
        """Offer a fresh token, and store all that changed once the partner took it."""
        url = self._credentials_url(partner.platform, found)
        offer = await self.platforms.offer_token(partner.platform)
        done = False
        try:
            theirs = await self._theirs(partner, method, url, offer)
            registration = Registration(
                version=found.version,
                versions_url=versions_url,
                endpoints=found.endpoints,
                roles=theirs.roles,
                outgoing_token=theirs.token,
                incoming_token=offer,
                spent=None,
            )
            platform = await self.platforms.complete(partner.platform, registration)
            done = True
        except PartnerUnusable as error:
            raise RegistrationFailed(error.step, str(error)) from None
        except Conflict as conflict:
            raise RegistrationFailed("store", str(conflict)) from None
        finally:
            if not done:
                await self.platforms.withdraw_offer(partner.platform)
        return platform

    def _credentials_url(self, platform: PlatformId, found: Found) -> str:
        """Where to send the exchange, if the partner offers all that is expected (CRED-017)."""
        roles = (agreed.role for agreed in self.platforms.agreed(platform))
        missing = missing_endpoints(found, roles, self.expected)
        url = found.credentials_url
        if missing or url is None:
            raise RegistrationFailed("endpoints", f"{missing} missing")
        return url

    async def _theirs(
        self, partner: Conversation, method: str, url: str, offer: str
    ) -> Introduction:
        data = await partner.ask("credentials", method, url, self.hub.credentials(offer))
        try:
            theirs = introduction(codec.decode(data), data)
            check_roles(self.hub.party, self.platforms, partner.platform, theirs.roles)
        except OcpiError as error:
            raise PartnerUnusable("credentials", error.message) from None
        return theirs

    def _conversation(self, platform: PlatformId, token: str | None) -> Conversation:
        until = asyncio.get_running_loop().time() + self.deadline_s
        return Conversation(self.client, platform, token, self.fresh_id(), self.fresh_id, until)

    def _registered(self, platform: PlatformId) -> Platform:
        known = self.platforms.directory().platforms[platform]
        if not known.registered:
            raise RegistrationFailed("credentials", "the platform is not registered")
        return known
