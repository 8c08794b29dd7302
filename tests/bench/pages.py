"""GET-all: a page of 50 Locations out of PostgreSQL, fresh and again.

Beside it a bare aiohttp handler that returns the same bytes from memory, and extrawest-ocpi, which
serves the same objects from memory. Fresh pages are never asked for twice in a round: readers crawl
with offsets of their own, and far more pages lie between two rounds than the hub keeps.
"""

import itertools
import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.bench import peer
from tests.bench.hub import Measured, database, folder, measured
from tests.bench.load import Load, request
from tests.bench.locations import locations, source
from tests.bench.process import served
from tests.bench.row import Row
from tests.bench.side import Side, compare

LIMIT = 50
READERS = 8
CRAWLS = 20  # of a round; there are 50
SUCCESS = b'"status_code":1000'


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    rounds, seconds = (2, 1.0) if quick else (5, 3.0)
    objects = locations()
    async with database() as url, measured(url) as hub, folder() as where:
        say("filling the hub")
        _ = await hub.operator(objects)
        reader = await hub.partner([("DE", "EMP")], "EMSP")
        headers = reader.headers()
        ours = partial(_request, "/ocpi/2.2.1/sender/locations", headers)
        bare = partial(_request, "/locations", {})
        (where / "pages").write_bytes(pickle.dumps(await _pages(hub, headers, len(objects))))
        async with served("tests.bench.floor", "page", str(where / "pages")) as floor:

            def side(pid: int, port: int, ask: Callable[[int], bytes], *, again: bool) -> Side:
                scripts = _again(ask) if again else _crawls(ask, len(objects))
                return Side(pid, (Load(port, s, READERS, seconds, SUCCESS) for s in scripts))

            def both(*, again: bool) -> tuple[Side, Side]:
                return (
                    side(hub.pid, hub.port, ours, again=again),
                    side(floor.pid, floor.port, bare, again=again),
                )

            say("fresh pages")
            what = f"GET-all page of {LIMIT} {source()}, from PostgreSQL"
            fresh = await compare(what, *both(again=False), 0.15, rounds)
            say("the same page again")
            what = "the same page asked for again, unchanged"
            kept = await compare(what, *both(again=True), 0.5, rounds)
        say("extrawest-ocpi")
        (where / "objects").write_text(json.dumps(objects))
        async with peer.served(where / "objects") as other:
            theirs = partial(_request, "/ocpi/cpo/2.2.1/locations/", peer.HEADERS)
            what = "a fresh page beside extrawest-ocpi's from memory"
            beside = await compare(
                what,
                side(hub.pid, hub.port, ours, again=False),
                side(other.pid, other.port, theirs, again=False),
                20,
                2,
            )
    return [fresh, kept, beside]


def _request(path: str, headers: dict[str, str], offset: int) -> bytes:
    return request("GET", f"{path}?offset={offset}&limit={LIMIT}", headers)


def _crawls(ask: Callable[[int], bytes], count: int) -> Iterator[Sequence[Sequence[bytes]]]:
    """Crawls of all Locations; each begins elsewhere and so has pages of its own."""
    crawls = [
        [ask(offset) for offset in range(start, count - LIMIT, LIMIT)] for start in range(LIMIT)
    ]
    for begin in itertools.count(0, CRAWLS):
        yield [crawls[(begin + number) % len(crawls)] for number in range(CRAWLS)]


def _again(ask: Callable[[int], bytes]) -> Iterator[Sequence[Sequence[bytes]]]:
    return itertools.repeat([[ask(0)] * 20_000] * READERS)


async def _pages(hub: Measured, headers: dict[str, str], count: int) -> list[bytes]:
    """The hub's own answers, for the floor to return."""
    pages = []
    for offset in range(0, count, LIMIT):
        asked = f"{hub.hub.url}/ocpi/2.2.1/sender/locations?offset={offset}&limit={LIMIT}"
        async with hub.hub.session.get(asked, headers=headers) as answer:
            pages.append(await answer.read())
    return pages
