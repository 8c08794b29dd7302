"""A hub for scenarios: its admin API in a few words, in this process or in one of its own."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from ocpi_hub.bootstrap import bound, house, listen
from ocpi_hub.settings import Settings
from ocpi_hub.simulator.hub_process import HubProcess
from ocpi_hub.simulator.platform import SimulatedPlatform

ADMIN_KEY = "scenario-admin-key-0123456789"
SEAL = base64.b64encode(bytes(range(32))).decode()


class Hub:
    """A running hub as its operator and its clients see it."""

    def __init__(self, url: str, admin_key: str = ADMIN_KEY) -> None:
        self.url = url
        self.admin_key = admin_key
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", **params: str
    ) -> tuple[int, Any]:
        """Any JSON request to the hub: status and decoded answer."""
        headers = {"Authorization": f"Bearer {key or self.admin_key}"}
        async with self.session.request(
            method, self.url + path, json=body, headers=headers, params=params
        ) as answer:
            text = await answer.text()
            return answer.status, await answer.json(content_type=None) if text else None

    async def admin(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """An operator's request that must succeed."""
        status, answer = await self.call(method, f"/admin/v1{path}", body, **params)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    async def car_key(self) -> str:
        made = await self.admin(
            "POST",
            "/keys",
            {"name": "car", "scopes": ["nav:read", "nav:stream"], "expires_at": None},
        )
        return str(made["key"])

    async def invite(self, partner: SimulatedPlatform, **quirks: Any) -> dict[str, Any]:
        """Agree on the partner's parties: the platform with its registration token."""
        body = {"name": partner.name, "roles": agreed_roles(partner), "quirks": quirks}
        made: dict[str, Any] = await self.admin("POST", "/platforms", body)
        return made

    async def connect(self, partner: SimulatedPlatform, **quirks: Any) -> str:
        """Invite a partner and have it register; the id of its platform."""
        made = await self.invite(partner, **quirks)
        await partner.register(self.versions_url, made["registration"]["token"])
        return str(made["id"])

    async def status(self, platform: str) -> str:
        return str((await self.admin("GET", f"/platforms/{platform}"))["status"])


def agreed_roles(partner: SimulatedPlatform) -> list[dict[str, str]]:
    """The partner's roles as the admin API wants them."""
    return [
        {
            "country_code": role.party.country_code,
            "party_id": role.party.party_id,
            "role": role.role.value,
            "name": role.name,
        }
        for role in partner.roles
    ]


@asynccontextmanager
async def running_house(database_url: str, **overrides: Any) -> AsyncIterator[Hub]:
    """A hub in this process on a database of the test's own."""
    settings = Settings(
        database={"url": database_url},
        security={"key": SEAL},
        admin={"bootstrap_key": ADMIN_KEY},
        server={"listen": "127.0.0.1:0", "rate_per_s": 0} | overrides.pop("server", {}),
        delivery={"allow_private": True, "require_https": False, "deadline_s": 3}
        | overrides.pop("delivery", {}),
        **overrides,
    )
    listener = listen(settings.server.listen, shared=False)
    assert bound(listener)
    async with house(settings, database_url, SEAL, listener) as url, Hub(url) as hub:
        yield hub


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(
    condition: Callable[[], Awaitable[bool]], deadline_s: float = 10, pause_s: float = 0.05
) -> None:
    """Wait until the condition holds; raises TimeoutError."""
    async with asyncio.timeout(deadline_s):
        while not await condition():  # noqa: ASYNC110 - the condition is asked over HTTP
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def served(
    data_dir: Path, database_url: str = "", **variables: str
) -> AsyncIterator[tuple[Hub, HubProcess]]:
    """A hub in a process of its own; `variables` are settings such as ALIVE__INTERVAL_S="1"."""
    data_dir.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, before anything runs
    told = {"SERVER__RATE_PER_S": "0", "DATABASE__FSYNC": "false"}
    if database_url:
        told |= {"DATABASE__URL": database_url, "SECURITY__KEY": SEAL}
    async with HubProcess(data_dir, told | variables) as process, _hub_of(process) as hub:
        yield hub, process


def _hub_of(process: HubProcess) -> Hub:
    return Hub(process.url, process.admin_key)
