"""The operator of the hub, as the demo plays it: a few calls of the admin API."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.platform import SimulatedPlatform

Json = dict[str, Any]

_PAGE = 200


class AdminFailed(Exception):
    """The admin API refused, or is none; the message says why."""


class NoWayBack(Exception):
    """The hub did not call the partner back, as it must for a registration."""


class Operator:
    """`async with Operator(url, key)`; every call raises AdminFailed or aiohttp.ClientError.

    `made` are the paths of what it made at the hub: platforms and keys.
    """

    def __init__(self, url: str, admin_key: str) -> None:
        self.url = url.rstrip("/")
        self.admin_key = admin_key
        self.made: list[str] = []
        self._platforms: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        timeout = aiohttp.ClientTimeout(total=30)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def hosted(self) -> frozenset[PartyRef]:
        """The parties that registered platforms host."""
        return frozenset(
            PartyRef(role["country_code"], role["party_id"])
            for item in await self._listed()
            if item["registered"]
            for role in item["agreed"]
        )

    async def invite(self, platform: SimulatedPlatform, *, take_over: bool = False) -> None:
        """Agree on a platform and let it register; one that was here before is met again.

        `take_over` ends the registration of whoever still hosts just these parties. NoWayBack is
        raised when the hub may not, or cannot, reach the platform.
        """
        invitation = await self._invitation(platform, take_over)
        try:
            await platform.register(invitation["versions_url"], invitation["token"])
        except Refused as refused:
            if refused.answer.code != Status.CLIENT_API_UNUSABLE:
                raise
            raise NoWayBack(
                f"The hub at {self.url} could not call {platform.name} back: "
                f"{refused.answer.json.get('status_message')}.\n"
                "Simulated partners speak http on 127.0.0.1, so the hub has to run on this machine"
                " with\n  OCPI_HUB__DELIVERY__ALLOW_PRIVATE=true"
                "\n  OCPI_HUB__DELIVERY__REQUIRE_HTTPS=false"
            ) from None

    async def _invitation(self, platform: SimulatedPlatform, take_over: bool) -> Json:
        """A token for the platform with this agreement that is here already, or for a new one."""
        wanted = self.agreement(platform)
        known = next((i for i in await self._listed() if _same(i["agreed"], wanted["roles"])), None)
        if known is None:
            made: Json = await self.call("POST", "/platforms", wanted)
            self._note(platform, made["id"])
            return dict(made["registration"])
        path = f"/platforms/{known['id']}"
        if known["registered"]:
            if not take_over:
                raise AdminFailed(
                    f"Platform {known['name']!r} hosts these parties at the hub already. Another"
                    " simulation may play them; if it was killed, remove what it left:"
                    f"\n  ocpi-hub platform remove {known['id']}"
                )
            await self.call("DELETE", path)
        self._note(platform, known["id"])
        return dict(await self.call("POST", f"{path}/registration-token"))

    def _note(self, platform: SimulatedPlatform, platform_id: str) -> None:
        self._platforms[platform_id] = platform.name
        self.made.append(f"/platforms/{platform_id}")

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
        """Connection status by name, of the platforms that were invited."""
        return {
            self._platforms[item["id"]]: item["status"]
            for item in await self._listed()
            if item["id"] in self._platforms
        }

    async def issue_key(self, name: str, scopes: Sequence[str]) -> str:
        body = {"name": name, "scopes": list(scopes), "expires_at": None}
        made = await self.call("POST", "/keys", body)
        self.made.append(f"/keys/{made['id']}")
        return str(made["key"])

    async def remove(self, path: str) -> None:
        """Remove one of those `made`."""
        await self.call("DELETE", path)
        self.made.remove(path)

    async def _listed(self) -> list[Json]:
        items: list[Json] = []
        query = f"?limit={_PAGE}"
        while True:
            page = await self.call("GET", f"/platforms{query}")
            items += page["items"]
            if page["next"] is None:
                return items
            query = f"?limit={_PAGE}&cursor={quote(page['next'], safe='')}"

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self._session is None:
            raise RuntimeError("an operator is used in `async with`")
        url = f"{self.url}/admin/v1{path}"
        try:
            async with self._session.request(method, URL(url, encoded=True), json=body) as answer:
                return _understood(method, url, answer.status, await answer.read())
        except aiohttp.ClientConnectorError as error:
            raise AdminFailed(f"No hub answers at {self.url} ({error.strerror}).") from error


def _same(agreed: Sequence[Json], wanted: Sequence[Json]) -> bool:
    return _triples(agreed) == _triples(wanted)


def _triples(roles: Sequence[Json]) -> set[tuple[PartyRef, str]]:
    return {(PartyRef(role["country_code"], role["party_id"]), role["role"]) for role in roles}


def _understood(method: str, url: str, status: int, body: bytes) -> Any:
    """The decoded answer; AdminFailed for a refusal, and for the answer of no hub."""
    try:
        told = codec.decode(body) if body else None
    except OcpiError:
        raise AdminFailed(f"{url} answers, but not as a hub's admin API (HTTP {status}).") from None
    if status < HTTPStatus.BAD_REQUEST:
        return told
    detail = told.get("detail") if isinstance(told, dict) else None
    reason = detail or repr(body[:500])
    if status == HTTPStatus.UNAUTHORIZED:
        raise AdminFailed(f"The hub does not take this admin key: {reason}.")
    raise AdminFailed(f"{method} {url}: HTTP {status}, {reason}")
