"""Registration as the operator starts it: the hub as the client of a partner's credentials module.

`modules.credentials` implements it; the admin API and the demo call it.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from ocpi_hub.routing.directory import Platform, PlatformId


class RegistrationFailed(Exception):
    """`step` is versions, details, endpoints, credentials or store; the message says why."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


class Registrar(Protocol):
    async def register(self, platform: PlatformId, versions_url: str, token: str) -> Platform:
        """GET versions and details with the partner's token A, POST credentials with a fresh token.

        Raises RegistrationFailed; nothing is stored then, on either side's account (CRED-017).
        """

    async def rotate(self, platform: PlatformId) -> Platform:
        """PUT credentials with a fresh token; the old ones work until it is answered (CRED-023)."""

    async def unregister(self, platform: PlatformId) -> Platform:
        """DELETE credentials at the partner; the hub's side ends anyway (CRED-029, CRED-030)."""


class TokenAges(Protocol):
    async def of(self, platforms: Collection[PlatformId]) -> Mapping[PlatformId, float]:
        """Seconds since their tokens were exchanged last, of those that are registered."""
