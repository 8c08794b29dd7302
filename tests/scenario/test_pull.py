"""Partners that push nothing: the hub reads their lists."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator import pages
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_location
from tests.fake_partner import SENDER, FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

SOON = {"settle_s": 0, "limit": 2}


class Lists:
    """What a partner's Sender interface of locations answers; every page is remembered."""

    def __init__(self, *objects: Any) -> None:
        self.objects = list(objects)
        self.headers: dict[str, str] = {}

    async def __call__(self, received: Received) -> Reply:
        url = f"http://{received.headers['Host']}{received.path.partition('?')[0]}"
        reply = pages.page(self.objects, received, url)
        return Reply(reply.data, headers={**reply.headers, **self.headers})


def locations(count: int, **overrides: Any) -> list[dict[str, Any]]:
    return [a_location(id=f"LOC{number}", **overrides) for number in range(1, count + 1)]


@asynccontextmanager
async def read_by(
    hub: Hub, lists: Lists, **quirks: Any
) -> AsyncIterator[tuple[FakePartner, str]]:
    async with fake_partner(CPO="NL-CPO") as cpo:
        cpo.withdraw("tariffs", SENDER)
        cpo.serve("locations", SENDER, lists)
        yield cpo, await hub.connect(cpo, **quirks)


async def pulled(hub: Hub, platform: str, **wanted: Any) -> dict[str, Any]:
    """The platform's last pull of locations, as soon as it has these members."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        shown = (await hub.admin("GET", f"/platforms/{platform}"))["pull"]
        last = next((each["last"] for each in shown if each["module"] == "locations"), None) or {}
        found.update(last)
        return bool(last) and all(last.get(name) == value for name, value in wanted.items())

    try:
        await eventually(is_there)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}, found {found}") from None
    return found


async def held(hub: Hub) -> list[str]:
    """Ids of the Locations that the hub lists."""
    async with fake_partner(EMSP="DE-EMP") as emsp:
        await hub.connect(emsp)
        answer = await emsp.get("locations")
        return [each["id"] for each in codec.decode(answer.body)["data"]]


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url, pull=SOON) as running:
        yield running


async def test_a_partner_that_pushes_nothing_is_read_page_by_page(hub: Hub) -> None:
    async with read_by(hub, Lists(*locations(5))) as (cpo, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["kind"], last["objects"], last["changed"], last["pages"]) == ("all", 5, 5, 3)
        assert await held(hub) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]
        assert len(cpo.record.of("locations.sender")) == 3
