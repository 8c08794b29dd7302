"""The hub is killed at every point where it hurts, again and again on one database, under load."""

from pathlib import Path

import pytest

from ocpi_hub.ops.failpoint import POINTS
from tests.chaos import PASSAGES, kill_everywhere, traffic
from tests.hub import free_port, served


@pytest.mark.timeout(150)
@pytest.mark.obligation("ROUT-214", "ROUT-606")
async def test_wherever_the_hub_is_killed_nothing_is_lost_doubled_or_turned_round(
    database_url: str, tmp_path: Path
) -> None:
    assert PASSAGES.keys() == POINTS
    listen = {"SERVER__LISTEN": f"127.0.0.1:{free_port()}"}
    async with traffic() as made:
        await kill_everywhere(made, tmp_path, database_url, **listen)
        async with served(tmp_path, database_url, **listen):
            await made.arrived()
            made.holds()
            struck = {name.partition("-")[0] for name, _ in made.accepted}
            assert struck <= POINTS
            assert len(struck) > len(POINTS) / 2  # at some the hub dies before it accepts anything
            assert {code for _, _, code in made.outcomes} == {1000}
            await made.results_still_come()
            made.holds()
