"""The operator of the hub, as the demo plays it: a few calls of the admin API."""

from collections.abc import Sequence
from typing import Any, Self

import aiohttp

from ocpi_hub.simulator.platform import SimulatedPlatform


class AdminFailed(Exception):
    """The admin API refused; the message has its problem document."""


class Operator:
    """`async with Operator(url, key)`; every call raises AdminFailed or aiohttp.ClientError."""

    def __init__(self, url: str, key: str) -> None:
        self._base = f"{url}/admin/v1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=30)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def invite(self, platform: SimulatedPlatform) -> str:
        """Create a platform and let it register with its token A; returns the platform's id."""
        created = await self.call("POST", "/platforms", self.agreement(platform))
        invitation = created["registration"]
        await platform.register(invitation["versions_url"], invitation["token"])
        return str(created["id"])

    @staticmethod
    def agreement(platform: SimulatedPlatform) -> dict[str, Any]:
        """What operator and partner agreed on, as POST /platforms takes it."""
        roles = [
            {
                "country_code": role.party.country_code,
                "party_id": role.party.party_id,
                "role": role.role.value,
                "name": role.name[:100],
            }
            for role in platform.roles
        ]
        return {"name": platform.name, "roles": roles}

    async def statuses(self) -> dict[str, str]:
        """Connection status by platform name."""
        listed = await self.call("GET", "/platforms")
        return {item["name"]: item["status"] for item in listed["items"]}

    async def key(self, name: str, scopes: Sequence[str]) -> str:
        made = await self.call(
            "POST", "/keys", {"name": name, "scopes": list(scopes), "expires_at": None}
        )
        return str(made["key"])

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self._session is None:
            raise RuntimeError("an operator is used in `async with`")
        async with self._session.request(method, self._base + path, json=body) as response:
            if response.status >= 400:  # noqa: PLR2004 - the first class of failures
                raise AdminFailed(f"{method} {path}: {response.status} {await response.text()}")
            return await response.json(content_type=None)
