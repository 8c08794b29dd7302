"""The database dies hard, three times, while partners push: nothing accepted is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.stations import Object
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import migrate
from tests.build import a_location, an_evse
from tests.chaos import away
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

RESTARTS = 3
OUTAGE_S = 1.0
LANES = 4
LOCATIONS = 10  # of each lane
PAUSE_S = 0.02  # so that all lanes together push some 200 times a second
START = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedServer]:
    """PostgreSQL that is nobody else's."""
    started = EmbeddedServer(data_dir, fsync=False)
    await migrate(await started.start())
    yield started
    await started.stop()


@pytest.fixture
async def hub(server: EmbeddedServer) -> AsyncIterator[Hub]:
    async with running_house(server.url) as running:
        yield running


class Pushing:
    """Lanes of pushes; what was answered, and the last state of each Location that was accepted."""

    def __init__(self, cpo: FakePartner) -> None:
        self.accepted: dict[str, str] = {}
        self.outcomes: Counter[tuple[int, int | None]] = Counter()
        self._cpo = cpo
        self._tasks = Tasks()
        self._lanes: list[asyncio.Task[None]] = []
        self._stopped = False

    def start(self) -> None:
        self._lanes = [self._tasks.spawn(f"lane {n}", self._push(n)) for n in range(LANES)]

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*self._lanes)

    async def _push(self, lane: int) -> None:
        number = 0
        while not self._stopped:
            location = state(f"L{lane}-{number % LOCATIONS}", number)
            answer = await self._cpo.put(location)  # TimeoutError when the hub does not answer
            self.outcomes[answer.http, answer.code] += 1
            if answer.code == 1000:
                self.accepted[location["id"]] = location["last_updated"]
            number += 1
            await asyncio.sleep(PAUSE_S)


def state(location_id: str, number: int) -> Object:
    """A Location of which every part tells the same time."""
    at = format_datetime(START + timedelta(seconds=number))
    evses = [an_evse(f"E{place}", last_updated=at) for place in range(3)]
    return a_location() | {"id": location_id, "name": at, "last_updated": at, "evses": evses}


def is_whole(location: Object) -> bool:
    times = {location["name"], location["last_updated"]}
    return len(times | {evse["last_updated"] for evse in location["evses"]}) == 1


async def listed(emsp: FakePartner) -> dict[str, Object]:
    answer = await emsp.get("locations")
    assert "Link" not in answer.headers  # one page holds them all
    return {location["id"]: location for location in answer.data}


@pytest.mark.timeout(120)
@pytest.mark.obligation("STAT-018", "ROUT-215")
async def test_no_accepted_push_is_lost_when_the_database_is_killed(
    server: EmbeddedServer, hub: Hub
) -> None:
    async with (
        fake_partner(CPO="NL-CPO", deadline_s=10) as cpo,
        fake_partner(EMSP="DE-EM1", deadline_s=10) as emsp,
    ):
        await hub.connect(cpo)
        await hub.connect(emsp)
        pushing = Pushing(cpo)
        pushing.start()
        for _ in range(RESTARTS):
            before = pushing.outcomes[200, 1000]
            await eventually(lambda before=before: more_than(pushing, before + 100), 30)  # type: ignore[misc] # bound now
            async with away(server):
                await asyncio.sleep(OUTAGE_S)
                await what_needs_no_database_works(hub, cpo, emsp)
            await eventually(lambda: ready(hub), 20)
        before = pushing.outcomes[200, 1000]
        await eventually(lambda: more_than(pushing, before + 100), 30)
        await pushing.stop()

        assert pushing.outcomes.keys() <= {(201, 1000), (200, 1000), (200, 3000), (503, 3000)}
        assert pushing.outcomes[200, 3000] >= RESTARTS
        held = await listed(emsp)
        assert held.keys() == pushing.accepted.keys()
        for location_id, accepted_at in pushing.accepted.items():
            assert is_whole(held[location_id])
            assert held[location_id]["last_updated"] >= accepted_at
        held["DIRECT"] = state("DIRECT", 0)
        await emsp.record.until(lambda: {each["id"]: each for each in emsp.copy} == held, 20)
        assert all(is_whole(each) for each in emsp.copy)


async def more_than(pushing: Pushing, count: int) -> bool:
    return pushing.outcomes[200, 1000] > count


async def ready(hub: Hub) -> bool:
    return (await hub.call("GET", "/readyz"))[0] == 200


async def what_needs_no_database_works(hub: Hub, cpo: FakePartner, emsp: FakePartner) -> None:
    """Relaying, the list of clients and the sign of life; what needs it says so at once."""
    direct: Answer = await cpo.put(state("DIRECT", 0), to=emsp.party)
    assert direct.code == 1000
    clients = await cpo.call("GET", cpo.known_peer.endpoints["hubclientinfo", "SENDER"])
    assert clients.data[0]["status"] == "CONNECTED"
    assert (await hub.call("GET", "/healthz"))[0] == 200
    assert (await hub.call("GET", "/readyz"))[0] == 503
    made, problem = await hub.call("POST", "/admin/v1/keys", {"name": "k", "scopes": ["nav:read"]})
    assert (made, problem["status"]) == (503, 503)
