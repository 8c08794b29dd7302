"""A running hub, asked through its admin API."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from ocpi_hub import settings
from ocpi_hub.commands.ending import Failed

DEADLINE = aiohttp.ClientTimeout(total=120, connect=5)  # a registration makes several calls
MOST = 200  # the largest page
KEY_VARIABLE = "OCPI_HUB__ADMIN__BOOTSTRAP_KEY"

Json = dict[str, Any]
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub is (`url` without path) and the key to show."""

    url: str
    key: str

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Json:
        """One request; the answer's JSON object. Raises Failed."""
        return asyncio.run(self._told(self._ask(method, path, body, params or {})))

    def items(
        self, path: str, params: Mapping[str, str] | None = None, limit: int = 0
    ) -> list[Json]:
        """A whole list, page by page, or its first `limit` items. Raises Failed."""
        return asyncio.run(self._told(self._items(path, dict(params or {}), limit)))

    async def _items(self, path: str, params: dict[str, str], limit: int) -> list[Json]:
        found: list[Json] = []
        while True:
            params["limit"] = str(min(MOST, limit - len(found)) if limit else MOST)
            listing = await self._ask("GET", path, None, params)
            found += listing["items"]
            if listing["next"] is None or 0 < limit <= len(found):
                return found
            params["cursor"] = listing["next"]

    async def _ask(
        self, method: str, path: str, body: Json | None, params: Mapping[str, str]
    ) -> Json:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.url}/admin/v1{path}"
        async with (
            aiohttp.ClientSession(timeout=DEADLINE) as session,
            session.request(
                method, url, json=body, params=params, headers=headers, allow_redirects=False
            ) as answer,
        ):
            if answer.status == HTTPStatus.NO_CONTENT:
                return {}
            return _understood(answer, await answer.json(content_type=None))

    async def _told(self, asking: Coroutine[Any, Any, Told]) -> Told:
        """The failures of the way there, told so that the operator knows what to do."""
        try:
            return await asking
        except TimeoutError:
            raise Failed(f"{self.url} does not answer in time") from None
        except aiohttp.ClientConnectionError as error:
            raise Failed(
                f"no hub answers at {self.url} ({error}); start it with `ocpi-hub serve` or name"
                " another address by --url"
            ) from None
        except (aiohttp.ClientError, ValueError):
            raise Failed(f"{self.url} answers, but not as a hub's admin API") from None


def at(url: str | None, key: str | None, config: Path | None = None) -> Hub:
    """The hub of the options; what is not given comes from the settings (`config`: their file)."""
    if url and key:
        return Hub(url.rstrip("/"), key)
    loaded = settings.load(config)
    key = key or loaded.admin.bootstrap_key.get_secret_value()
    if not key:
        raise Failed(f"an admin key is needed: --key, or {KEY_VARIABLE}")
    return Hub((url or loaded.public_url).rstrip("/"), key)


def _understood(answer: aiohttp.ClientResponse, told: Any) -> Json:
    if not isinstance(told, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - told like any other answer that is no hub's
    if answer.ok:
        return told
    if answer.content_type != "application/problem+json":
        raise ValueError("no problem document")
    raise Failed(_problem(answer.status, told))


def _problem(status: int, told: Json) -> str:
    """A problem in one sentence, then one line for each wrong field."""
    meaning = "the hub does not take this key: " if status == HTTPStatus.UNAUTHORIZED else ""
    step = f" (step: {told['step']})" if "step" in told else ""
    faults = [f"  {fault['field']}: {fault['rule']}" for fault in told.get("errors", [])]
    if len(faults) > 1:
        return "\n".join(["the hub refused:", *faults])
    return f"{meaning}{told.get('detail') or told.get('title')}{step}"
