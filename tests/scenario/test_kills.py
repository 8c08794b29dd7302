"""The hub is killed at every point where it hurts, again and again on one database, under load."""

from pathlib import Path

import pytest

from ocpi_hub.ops.failpoint import POINTS, VARIABLE
from ocpi_hub.simulator.hub_process import HubFailed, HubProcess
from ocpi_hub.storage.receivers import free_all
from tests.chaos import Traffic, connect, traffic
from tests.hub import free_port, served

# The passage at which it dies; what a restart repeats comes by there as well, before any traffic.
PASSAGES = {
    "store.loaded": 60,
    "store.written": 60,
    "line.read": 60,
    "courier.sending": 150,
    "courier.sent": 150,
    "courier.moved": 150,
    "spread.saved": 2,
    "callbacks.kept": 40,
    "results.found": 40,
    "relay.sending": 80,
    "relay.sent": 80,
    "memory.writing": 3,
}


async def killed(made: Traffic, process: HubProcess) -> None:
    """Wait until the process dies by itself, and with it every lane."""
    with pytest.raises(HubFailed, match="-9"):
        await process.ended()
    await made.ended()


@pytest.mark.timeout(150)
@pytest.mark.obligation("ROUT-214", "ROUT-606")
async def test_wherever_the_hub_is_killed_nothing_is_lost_doubled_or_turned_round(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PASSAGES.keys() == POINTS
    listen = {"SERVER__LISTEN": f"127.0.0.1:{free_port()}"}
    async with traffic() as made:
        for number, (point, passage) in enumerate(PASSAGES.items()):
            monkeypatch.setenv(VARIABLE, f"{point}:{passage}")
            async with served(tmp_path, database_url, **listen) as (hub, process):
                if number == 0:
                    await connect(hub, made)
                made.start(point)
                await killed(made, process)
            await free_all(database_url)  # what a hub with a database of its own does at the start
        monkeypatch.delenv(VARIABLE)
        async with served(tmp_path, database_url, **listen):
            await made.arrived()
            made.holds()
            assert {name.partition("-")[0] for name, _ in made.accepted} == POINTS
            assert {code for _, _, code in made.outcomes} == {1000}
            await made.results_still_come()
            made.holds()
