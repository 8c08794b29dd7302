"""A message that comes back again and again is not passed on for ever."""

import asyncio

import pytest

from ocpi_hub.inbound.laps import MOST
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER


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
        assert len(answers) == len(chained.record.of("sessions")) == MOST + 1

        laps = len(chained.record.of("sessions"))
        again = await emsp.get("sessions", to="BE-FAR")
        assert (again.code, len(chained.record.of("sessions"))) == (4000, 2 * laps)


async def test_many_messages_at_once_with_one_correlation_id_are_no_circle(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    together = asyncio.Barrier(9)

    async def slowly(_: Received) -> Reply:
        await together.wait()
        return Reply()

    emsp.serve("cdrs", RECEIVER, slowly)
    sent = (
        cpo.send(
            "POST", "cdrs", body={"id": f"C{n}"}, to="DE-EM1", headers={"X-Correlation-ID": "one"}
        )
        for n in range(9)
    )
    assert [answer.code for answer in await asyncio.gather(*sent)] == [1000] * 9
