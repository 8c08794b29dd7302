"""One walk through a partner's list, page by page, as the partner's Links lead.

A page that does not come is asked for again, then the walk breaks off; what was read stays. The
partner rests as long after each page as it worked on it, and storing counts as rest.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin

from ocpi_hub.delivery import guard
from ocpi_hub.modules import pull
from ocpi_hub.modules.outgoing import Answered, Call, Outcome
from ocpi_hub.ocpi import message, paging
from ocpi_hub.routing.rewrite import join

PAGES: Final = 50_000
REST_S: Final = 1.0  # at most, between two pages
AGAIN_S: Final = (0.5, 2.0)  # before a page is asked for again
_REFUSED: Final = frozenset({401, 403, 404, 405, 429})  # asking again would not help


class Broken(Exception):
    """The walk cannot go on; the message says why. `rule`: the obligation behind it, if any."""

    def __init__(self, why: str, rule: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: what X-Total-Count says, if it says anything."""

    url: str
    objects: list[bytes]
    total: int | None


Ask = Callable[[str], Awaitable[Outcome]]
Lead = Callable[[Page, Answered], str | None]
"""The address behind a page, None at the end."""


def by_link(page: Page, answered: Answered) -> str | None:
    """Wherever the partner's Link says (PAG-014)."""
    link = paging.next_url(answered.headers.get(message.LINK.lower()))
    return None if link is None else urljoin(page.url, link)


def by_offset(page: Page, _: Answered) -> str | None:
    """Where the Links lead nowhere: as many objects further on, until the total is reached."""
    offset = _offset(page.url) + len(page.objects)
    ends = not page.objects or page.total is None or offset >= page.total
    return None if ends else _moved(page.url, offset)


async def pages(url: str, ask: Ask, lead: Lead = by_link) -> AsyncGenerator[Page]:
    """The pages of a list from its first address on; raises Broken.

    The next one is where `lead` says, on the partner's own origin (ROUT-508). A
    total that falls says that an object left the pages behind: the page is asked for again from so
    much earlier on (PAG-016); a total that rises changes nothing (PAG-015).
    """
    home, visited = guard.origin(url), {url}
    known: int | None = None
    page, next_url, took_s = await _page(url, ask, lead)
    for _ in range(PAGES):
        if known is not None and page.total is not None and page.total < known:
            earlier = _earlier(page.url, known - page.total)
            known = page.total
            if earlier is not None:
                page, next_url, took_s = await _page(earlier, ask, lead)
        known = page.total if page.total is not None else known
        given_at = monotonic()
        yield page
        if next_url is None:
            return
        if guard.origin(next_url) != home:
            raise Broken("the Link leads to another server", "ROUT-508")
        if next_url in visited:
            raise Broken("the Link leads in a circle", "PAG-007")
        visited.add(next_url)
        await asyncio.sleep(max(0.0, min(took_s, REST_S) - (monotonic() - given_at)))
        page, next_url, took_s = await _page(next_url, ask, lead)
    raise Broken(f"more than {PAGES} pages")


async def _page(url: str, ask: Ask, lead: Lead) -> tuple[Page, str | None, float]:
    """One page, the address behind it, and how many seconds the partner took."""
    for pause_s in (*AGAIN_S, None):
        started = monotonic()
        outcome = await ask(url)
        took_s = monotonic() - started
        try:
            page, answered = _read(url, outcome)
            return page, lead(page, answered), took_s
        except pull.Unusable as error:
            final = isinstance(outcome, Answered) and outcome.http in _REFUSED
            if final or pause_s is None:
                raise Broken(str(error)) from None
            await asyncio.sleep(pause_s)
    raise AssertionError("the last attempt returns or raises")


def _read(url: str, outcome: Outcome) -> tuple[Page, Answered]:
    if not isinstance(outcome, Answered):
        raise pull.Unusable(f"{outcome.failure.value}: {outcome.detail}")
    objects = pull.objects(outcome.http, outcome.body)
    return Page(url, objects, _total(outcome.headers)), outcome


def _total(headers: Mapping[str, str]) -> int | None:
    text = headers.get(message.TOTAL_COUNT.lower(), "")
    return int(text) if text.isdecimal() and len(text) <= 12 else None  # noqa: PLR2004 - no list is longer


def _earlier(url: str, by: int) -> str | None:
    """The same page from an earlier offset on; None for the first one and for opaque Links."""
    offset = _offset(url)
    return _moved(url, max(0, offset - by)) if offset else None


def _offset(url: str) -> int:
    """What the address says, 0 when it says nothing that is a number."""
    text = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True)).get("offset", "")
    return int(text) if text.isdecimal() else 0


def _moved(url: str, offset: int) -> str:
    base, _, query = url.partition("?")
    asked = parse_qsl(query, keep_blank_values=True)
    others = [(name, value) for name, value in asked if name != "offset"]
    return f"{base}?{urlencode([*others, ('offset', str(offset))])}"


def first(endpoint: str, query: Mapping[str, str], *, slash: bool = False) -> str:
    """The address of a list's first page; a query in the published address stays (TR-087)."""
    return join(endpoint, "", urlencode(query), slash=slash)


@dataclass(frozen=True, slots=True)
class Manner:
    """How pages are asked for: what is the same in every request of a pull."""

    call: Call
    send: Callable[[Call], Awaitable[Outcome]]
    fresh: Callable[[], str]

    async def __call__(self, url: str) -> Outcome:
        """GET a page as a request of its own (TR-070)."""
        headers = {**self.call.headers, message.REQUEST_ID: self.fresh()}
        return await self.send(replace(self.call, url=url, headers=headers))
