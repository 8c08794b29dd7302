"""Mixed traffic while something dies or is cut off: nothing lost, doubled or turned round."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Sized
from pathlib import Path

import pytest

from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import migrate
from tests.chaos import Provider, Traffic, away, connect, traffic
from tests.elsewhere import ESTABLISHED, Elsewhere, ServerElsewhere, elsewhere
from tests.fake_partner import SENDER, FakePartner
from tests.hub import eventually, free_port, running_house, served

RESTARTS = 3
ENOUGH = 40  # of each kind of message, between two bad events


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedServer]:
    """PostgreSQL that is nobody else's."""
    started = EmbeddedServer(data_dir, fsync=False)
    await migrate(await started.start())
    yield started
    await started.stop()


async def goes_on(made: Traffic, *kinds: str, by: int = ENOUGH) -> None:
    """Wait until so many more messages of each kind were answered with success."""
    wanted = {kind: made.done(kind) + by for kind in kinds}

    async def gone() -> bool:
        return all(made.done(kind) >= count for kind, count in wanted.items())

    await eventually(gone, 60)


@pytest.mark.timeout(120)
@pytest.mark.obligation("STAT-018", "ROUT-214")
async def test_mixed_traffic_outlives_a_database_that_is_killed_again_and_again(
    server: EmbeddedServer,
) -> None:
    async with running_house(server.url) as hub, traffic() as made:
        await connect(hub, made)
        made.start("T")
        for _ in range(RESTARTS):
            await goes_on(made, "push", "relay EM1", "command", "result")
            async with away(server):
                await goes_on(made, "relay EM1", by=5)  # what needs no database works
        await goes_on(made, "push", "command", "result")
        await made.stop()
        await made.arrived()
        made.holds()
        assert {(kind, code) for kind, _, code in made.outcomes if kind.startswith("relay")} == {
            ("relay EM1", 1000),
            ("relay EM2", 1000),
        }
        assert {code for _, _, code in made.outcomes} == {1000, 3000}
        await made.results_still_come()


@pytest.mark.timeout(120)
@pytest.mark.obligation("ROUT-214", "ROUT-220")
async def test_one_of_two_workers_dies_in_the_middle_of_mixed_traffic(
    database_url: str, tmp_path: Path
) -> None:
    shared = {"SERVER__LISTEN": f"127.0.0.1:{free_port()}", "SERVER__SHARED": "true"}
    async with (
        served(tmp_path / "a", database_url, **shared) as (hub, doomed),
        traffic() as made,
    ):
        made.stubborn = True  # who is cut off by the death tries elsewhere
        await connect(hub, made)
        async with served(tmp_path / "b", database_url, **shared):
            made.start("before")
            await goes_on(made, "push", "relay EM1", "relay EM2", "command", "result")
            os.kill(doomed.pid, signal.SIGKILL)
            made.word = "after"
            await goes_on(made, "push", "relay EM1", "relay EM2", "command", "result")
            await made.stop()
            await made.arrived(40)  # the dead one's leases run out first
            made.holds()
            assert {code for _, _, code in made.outcomes} == {1000}
            await made.results_still_come()


@pytest.mark.timeout(120)
@pytest.mark.obligation("HCI-012", "HCI-025", "ROUT-116")
async def test_a_partner_that_is_cut_off_hurts_nobody_and_gets_in_step_again(
    database_url: str,
) -> None:
    with elsewhere() as place:
        async with (
            running_house(database_url, alive={"interval_s": 1, "retry_s": 0.1}) as hub,
            traffic() as made,
        ):
            near, far = made.providers
            await _moved(far, place)
            await connect(hub, made)
            made.start("before")
            await goes_on(made, "push", "relay EM1", "relay EM2", "command", "result")

            far.mute = True  # who is cut off cannot call
            place.cut()
            made.word = "meanwhile"
            await _told(near, "OFFLINE")
            await goes_on(made, "push", "relay EM1", "command", "result")
            await made.arrived()  # at the others
            place.mend()
            await _told(near, "CONNECTED", times=2)
            far.mute = False
            made.word = "after"
            await goes_on(made, "push", "relay EM1", "relay EM2", "command", "result")
            await eventually(lambda: _gone(lambda: place.states() - {ESTABLISHED}), 20)
            await made.stop()

            assert _statuses(near) == ["CONNECTED", "OFFLINE", "CONNECTED"]
            assert made.codes("relay EM1") == {1000}
            assert made.codes("relay EM2") == {1000, 4002, 4003}
            assert made.codes("push") == made.codes("command") == {1000}
            assert made.codes("result EM1") == {1000}
            assert made.turned() == made.doubled() == []
            after = {thing: at for thing, at in made.accepted.items() if "after" in thing[0]}
            await eventually(lambda: _gone(lambda: made.lost(after)), 20)
            assert await _missing(far.partner, made) == []


async def _moved(provider: Provider, place: Elsewhere) -> None:
    """Let a provider live elsewhere."""
    await provider.partner.vanish()
    provider.partner.server = ServerElsewhere(provider.partner, place)
    await provider.partner.come_back()


def _statuses(provider: Provider) -> list[str]:
    """What the provider heard of EM2 since that is connected."""
    told = provider.partner.record.of("hubclientinfo")
    said = [each.json["status"] for each in told if each.segments[1] == "EM2"]
    return [status for status in said if status != "PLANNED"]


async def _told(provider: Provider, status: str, times: int = 1) -> None:
    """Wait until the provider heard that often that EM2 has this status."""
    await provider.partner.record.until(lambda: _statuses(provider).count(status) >= times, 30)


async def _gone(what: Callable[[], Sized]) -> bool:
    return not what()


async def _missing(partner: FakePartner, made: Traffic) -> list[str]:
    """What a crawl of the hub's list does not bring, of all that was accepted."""
    peer, held = partner.known_peer, {}
    url = peer.url("locations", SENDER)
    async for page in partner.client.crawl(url, peer.token, to=peer.party):
        for location in page.data:
            held[location["id"], ""] = location["last_updated"]
            held |= {
                (location["id"], evse["uid"]): evse["last_updated"] for evse in location["evses"]
            }
    return [str(thing) for thing, at in made.accepted.items() if held.get(thing, "") < at]
