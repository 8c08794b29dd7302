"""A provider that was away takes up again by GET: what it missed is not replayed to it."""

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.stations import generate
from tests.hub import Hub, eventually

pytestmark = pytest.mark.timeout(120)


@pytest.mark.obligation("TR-091", "LOC-062")
async def test_who_was_away_fetches_what_changed_since(hub: Hub) -> None:
    owner = PartyRef("NL", "CPO")
    async with (
        Cpo("cpo", generate(120, owner, "A CPO")) as cpo,
        Emsp("emsp", PartyRef("DE", "EMP")) as emsp,
    ):
        platform = await hub.connect(emsp)
        await hub.connect(cpo)
        await cpo.push_all()
        await emsp.record.until(lambda: len(emsp.copy) == 120)

        await emsp.vanish()
        changed = list(cpo.locations.values())[:80]
        for location in changed:
            assert (await cpo.set_status(location, location["evses"][0], "CHARGING")).ok
        await eventually(lambda: is_offline(hub, platform), 60)
        await emsp.come_back()
        emsp.record.clear()
        assert await emsp.crawl(date_from=changed[0]["last_updated"]) == 80
        assert {each["id"]: each for each in emsp.copy} == {
            each["id"]: each for each in cpo.locations.values()
        }
        assert emsp.copy.invalid == {}
        assert emsp.record.of("locations.receiver") == []


async def is_offline(hub: Hub, platform: str) -> bool:
    return await hub.status(platform) == "OFFLINE"
