"""Lists that the hub answers itself, page by page."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from ocpi_hub.simulator.client import Answer
from ocpi_hub.storage.database import Database
from tests.build import a_location
from tests.delivery_fakes import until
from tests.fake_partner import SENDER, FakePartner, fake_partner
from tests.inbound_house import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database, in_flight=1000) as opened:
        yield opened


@pytest.fixture
async def emsp(house: House) -> AsyncIterator[FakePartner]:
    """Can ask for 107 Locations of NL-CPO."""
    async with fake_partner(CPO="NL-CPO") as cpo, fake_partner(EMSP="DE-EMP") as partner:
        await house.join(cpo)
        await house.join(partner)
        pushed = await asyncio.gather(
            *(cpo.put(a_location(id=f"L{number}", evses=0)) for number in range(107))
        )
        assert {answer.http for answer in pushed} == {201}
        yield partner


def next_page(answer: Answer, query: str) -> str:
    """The address of the next page, which must be the very one of the endpoint with this query."""
    link = re.fullmatch(
        r'<(https?://[^/<>]+/[^<>?]+)\?([^<>]+)>; rel="next"', answer.headers["Link"]
    )
    assert link is not None, answer.headers["Link"]
    assert link[2] == query
    return f"{link[1]}?{link[2]}"


@pytest.mark.obligation("PAG-006", "PAG-007", "PAG-009", "PAG-011")
async def test_a_page_has_at_most_a_hundred_objects_whatever_is_asked_for(
    house: House, emsp: FakePartner
) -> None:
    for asked in ({}, {"limit": "2000"}):
        first = await emsp.get("locations", params=asked)
        assert (len(first.data), first.headers["X-Limit"]) == (100, "100")
        url = next_page(first, "offset=100&limit=100")
        assert url.startswith(f"{house.url}/ocpi/2.2.1/sender/locations?")
        last = await emsp.call("GET", url, to=emsp.known_peer.party, sender=emsp.party)
        assert (len(last.data), last.headers["X-Limit"]) == (7, "100")
        assert "Link" not in last.headers
        ids = {location["id"] for page in (first, last) for location in page.data}
        assert ids == {f"L{number}" for number in range(107)}


@pytest.mark.obligation("PAG-012", "PAG-008")
async def test_the_limit_told_is_the_hubs_own_even_if_less_is_asked_for(emsp: FakePartner) -> None:
    ten = await emsp.get("locations", params={"limit": "10", "date_from": "2020-01-01T00:00:00Z"})
    assert (len(ten.data), ten.headers["X-Limit"]) == (10, "100")
    next_page(ten, "date_from=2020-01-01T00%3A00%3A00Z&offset=10&limit=10")
    parties = emsp.known_peer.url("hubclientinfo", SENDER)
    one = await emsp.call("GET", parties, params={"limit": "1"})
    assert (len(one.data), one.headers["X-Limit"]) == (1, "1000")


async def test_one_partner_reads_ten_lists_at_a_time_and_no_more(
    database: Database, emsp: FakePartner
) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("lock table location in access exclusive mode")
        asked = [asyncio.ensure_future(emsp.get("locations")) for _ in range(40)]
        await until(lambda: sum(each.done() for each in asked) == 30)
        refused = [each.result() for each in asked if each.done()]
        assert {(answer.http, answer.headers["Retry-After"]) for answer in refused} == {(429, "1")}
    answers = [(await each).http for each in asked]
    assert answers.count(200) == 10
