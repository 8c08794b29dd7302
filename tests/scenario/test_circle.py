"""A message that comes back again and again is not passed on for ever."""

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub

SENDER = InterfaceRole.SENDER


@pytest.mark.obligation("ROUT-807")
async def test_two_hubs_that_point_at_each_other_end_it_with_4000(
    hub: Hub, emsp: FakePartner
) -> None:
    """The partner is a hub itself: it takes ours for the way to the party that ours looks for."""
    async with fake_partner(CPO="BE-FAR", OTHER="DE-EM1") as chained:
        await hub.connect(chained)
        answers: list[tuple[int, int | None]] = []

        async def pass_back(came: Received) -> Reply:
            answer = await chained.get(
                "sessions",
                to="BE-FAR",
                sender="DE-EM1",
                headers={"X-Correlation-ID": came.headers["X-Correlation-ID"]},
            )
            answers.append((answer.http, answer.code))
            return Reply(http=answer.http, raw=answer.body)

        chained.serve("sessions", SENDER, pass_back)
        ended = await emsp.get("sessions", to="BE-FAR")
        assert (ended.http, ended.code) == (200, 4000)
        assert set(answers) == {(200, 4000)}
        assert len(answers) == len(chained.record.of("sessions")) == 5

        laps = len(chained.record.of("sessions"))
        again = await emsp.get("sessions", to="BE-FAR")
        assert (again.code, len(chained.record.of("sessions"))) == (4000, 2 * laps)
