"""Each fault does to a caller what its name says."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Client
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform


class Called:
    def __init__(self, platform: SimulatedPlatform, client: Client) -> None:
        self.platform = platform
        self.client = client
        self.faults = platform.server.faults
        self.token = platform.issue_token_a()

    async def get(self):
        return await self.client.call("GET", self.platform.versions_url, self.token)


@pytest.fixture
async def called() -> AsyncIterator[Called]:
    role = PlatformRole(PartyRef("NL", "CPO"), Role.CPO, "A CPO")
    client = Client(deadline_s=0.5)
    async with SimulatedPlatform("cpo", [role]) as platform:
        yield Called(platform, client)
        await client.close()


@pytest.mark.parametrize(
    "broken",
    [fault.hang(), fault.delay(5), fault.late_answer(5), fault.drip(0.2)],
    ids=["hang", "delay", "late answer", "drip"],
)
async def test_an_answer_that_does_not_come_in_time(called, broken):
    called.faults.add(broken)
    with pytest.raises(TimeoutError):
        await called.get()


@pytest.mark.parametrize(
    "broken",
    [fault.drop(), fault.drop(after_work=True), fault.wrong_length()],
    ids=["drop", "drop after work", "wrong length"],
)
async def test_a_connection_that_breaks(called, broken):
    called.faults.add(broken)
    with pytest.raises(aiohttp.ClientError):
        await called.get()


async def test_a_slow_drip_gives_the_true_answer_in_the_end(called):
    called.faults.add(fault.drip(0.001, size=20))
    assert (await called.get()).ok


async def test_answers_of_another_kind(called):
    called.faults.add(fault.html(), times=1)
    called.faults.add(fault.http(500), times=1)
    called.faults.add(fault.redirect("http://127.0.0.1:1/"), times=1)
    called.faults.add(fault.code(3000), times=1)
    called.faults.add(fault.unauthorized(), times=1)
    answers = [await called.get() for _ in range(6)]
    assert [(each.http, each.code) for each in answers] == [
        (200, None),
        (500, None),
        (302, None),
        (200, 3000),
        (401, 2000),
        (200, 1000),
    ]
    assert answers[2].headers["Location"] == "http://127.0.0.1:1/"


async def test_a_fault_only_meets_what_it_was_armed_for(called):
    called.faults.add(*fault.refuse_patch())
    assert (await called.get()).ok
    answer = await called.client.call("PATCH", called.platform.versions_url, called.token)
    assert (answer.http, answer.code) == (404, 2003)


async def test_what_met_a_fault_was_still_received(called):
    called.faults.add(fault.drop())
    with pytest.raises(aiohttp.ClientError):
        await called.get()
    assert called.platform.record.of("versions")


async def test_a_platform_that_vanished_is_back_on_the_same_port(called):
    assert (await called.get()).ok
    await called.platform.vanish()
    with pytest.raises(aiohttp.ClientConnectionError):
        await called.get()
    await called.platform.come_back()
    assert (await called.get()).ok


async def test_waiting_for_a_request_ends_with_what_came_instead(called):
    await called.get()
    with pytest.raises(TimeoutError, match="GET /ocpi/versions"):
        await called.platform.record.wait("locations", deadline_s=0.05)
