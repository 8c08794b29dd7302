"""A partner behind a cable that is cut: what was given up does not arrive after all."""

from dataclasses import replace

import pytest

from ocpi_hub.modules.outgoing import Answered, Failed, Failure
from ocpi_hub.simulator.platform import SimulatedPlatform
from tests.delivery_fakes import call_of, client_for, platform_of, until
from tests.elsewhere import ServerElsewhere, elsewhere


@pytest.mark.obligation("TR-090")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
async def test_what_was_given_up_does_not_arrive_when_the_cable_is_mended(method: str) -> None:
    with elsewhere() as place:
        partner = SimulatedPlatform("away", [])
        partner.server = ServerElsewhere(partner, place)
        async with partner:
            base = partner.server.url
            known = platform_of("away", base)
            async with client_for(known) as (client, _, __):
                first = await client.call(call_of(known, "/versions"))
                assert isinstance(first, Answered)
                place.cut()
                late = replace(call_of(known, "/2.2.1/x", method), deadline_s=0.5)
                outcome = await client.call(late)
                assert isinstance(outcome, Failed)
                assert outcome.failure is Failure.TIMEOUT
                place.mend()
                await until(lambda: not place.states())
                assert [each.method for each in partner.record.requests] == ["GET"]
