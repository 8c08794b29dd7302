"""The operators' door over in-memory parts, behind a real HTTP server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from admin_fakes import (
    START,
    MemoryAgreements,
    MemoryAudit,
    MemoryFindings,
    MemoryKeys,
    MemoryLists,
    MemoryMessages,
    MemoryPlatforms,
    MemoryRegistrar,
    SteadyHealth,
)
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from ocpi_hub.admin import Access, Door, application
from ocpi_hub.admin.access import FailedKeys
from ocpi_hub.modules.keys import Scope

BOOTSTRAP = "bootstrap-key-of-the-tests"


@dataclass
class Desk:
    """An operator in front of the door, and the parts behind it."""

    client: TestClient[web.Request, web.Application]
    platforms: MemoryPlatforms
    keys: MemoryKeys
    audit: MemoryAudit
    messages: MemoryMessages
    agreements: MemoryAgreements

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = BOOTSTRAP, **more: Any
    ) -> ClientResponse:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            more["json"] = body
        headers |= more.pop("headers", {})
        return await self.client.request(method, f"/admin/v1{path}", headers=headers, **more)

    async def key_with(self, *scopes: Scope) -> str:
        return (await self.keys.create("of a test", frozenset(scopes), None))[1]


async def opened(aiohttp_client: Callable[..., Awaitable[Any]]) -> Desk:
    platforms, keys, audit, messages, agreements = (
        MemoryPlatforms(),
        MemoryKeys(BOOTSTRAP),
        MemoryAudit(),
        MemoryMessages(),
        MemoryAgreements(),
    )
    door = Door(
        platforms,
        MemoryRegistrar(platforms),
        keys,
        audit,
        messages,
        SteadyHealth(),
        "https://hub.example/ocpi/versions",
        lambda: START + timedelta(days=1),
        MemoryLists(),
        agreements,
        MemoryFindings(),
    )
    app = web.Application()
    access = Access(keys, FailedKeys(3))
    app.add_subapp("/admin/v1", application(door, access, max_body=4096, body_timeout_s=0.5))
    return Desk(await aiohttp_client(app), platforms, keys, audit, messages, agreements)
