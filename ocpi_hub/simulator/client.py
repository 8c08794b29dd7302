"""The calling side of a simulated platform: one HTTP session, kept connections, OCPI headers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from ocpi_hub.ocpi import codec, message, paging, token
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import fresh_id

_SUCCESS = range(1000, 2000)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `seconds` is the time from the call to the last byte."""

    http: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def code(self) -> int | None:
        return message.status_of(self.body)

    @property
    def ok(self) -> bool:
        """Success on both layers: HTTP 2xx and an OCPI code of 1xxx (TR-065)."""
        return self.http // 100 == 2 and self.code in _SUCCESS  # noqa: PLR2004 - the class of success

    @property
    def total(self) -> int | None:
        """X-Total-Count; None where the list has none."""
        text = self.headers.get(message.TOTAL_COUNT, "")
        return int(text) if text.isdecimal() else None

    @property
    def reason(self) -> str:
        """Why it refused, as far as it says so."""
        if self.code is None:
            return f"HTTP {self.http} without an OCPI answer"
        return f"{self.code} {self.json.get('status_message') or 'without a message'}"

    @property
    def json(self) -> Any:
        return codec.decode(self.body)

    @property
    def data(self) -> Any:
        return self.json.get("data")


class Refused(Exception):
    """The other side answered, but with no success."""

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(f"{what}: HTTP {answer.http}, {answer.body[:200]!r}")
        self.answer = answer


def _earlier(url: URL, steps: int) -> URL | None:
    """The same page, that many objects before; None where the address tells no offset above 0."""
    text = url.query.get("offset", "")
    offset = int(text) if text.isdecimal() else 0
    return url.update_query(offset=max(0, offset - steps)) if offset else None


class Client:
    """Calls of one platform. `raw_token` writes tokens as they are (legacy peers, TR-009)."""

    def __init__(self, deadline_s: float = 30, *, raw_token: bool = False) -> None:
        self.raw_token = raw_token
        self._deadline = aiohttp.ClientTimeout(total=deadline_s)
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        url: str | URL,
        shown: str | None,
        *,
        body: bytes | None = None,
        to: PartyRef | None = None,
        sender: PartyRef | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request with token `shown`; `headers` win over those made here.

        Raises aiohttp.ClientError or TimeoutError when no whole answer came.
        """
        out = self._headers(shown, body, to, sender) | dict(headers or {})
        loop_time = asyncio.get_running_loop().time
        start = loop_time()
        async with self._open().request(
            method, url, data=body, headers=out, params=params, allow_redirects=False
        ) as response:
            return Answer(
                response.status, response.headers, await response.read(), loop_time() - start
            )

    async def crawl(
        self,
        url: str,
        shown: str,
        *,
        to: PartyRef | None = None,
        sender: PartyRef | None = None,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Answer]:
        """The pages of a list, following each Link as it is (PAG-014).

        Where the total fell since the last page, something moved towards the begin, and the page
        is fetched again from as much before it (PAG-016). Raises Refused.
        """
        following, total = URL(url).update_query(params or {}), 0
        while True:
            answer = await self._listed(following, shown, to, sender)
            before, total = total, total if answer.total is None else answer.total
            if before > total and (earlier := _earlier(following, before - total)) is not None:
                following = earlier
                continue
            yield answer
            link = paging.next_url(answer.headers.get("Link"))
            if link is None:
                return
            following = URL(link, encoded=True)

    async def _listed(
        self, url: URL, shown: str, to: PartyRef | None, sender: PartyRef | None
    ) -> Answer:
        answer = await self.call("GET", url, shown, to=to, sender=sender)
        if not answer.ok:
            raise Refused(f"GET {url}", answer)
        return answer

    def _headers(
        self, shown: str | None, body: bytes | None, to: PartyRef | None, sender: PartyRef | None
    ) -> dict[str, str]:
        out = {"X-Request-ID": fresh_id(), "X-Correlation-ID": fresh_id()}
        out |= message.routing_headers(to, sender)
        if shown is not None:
            out["Authorization"] = token.authorization(shown, raw=self.raw_token)
        if body is not None:
            out["Content-Type"] = "application/json"
        return out

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._deadline)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
