"""What counts as the same message once more, and what does not."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from ocpi_hub.inbound.exchange import Exchange
from ocpi_hub.inbound.incoming import Incoming
from ocpi_hub.inbound.laps import MOST, Laps
from ocpi_hub.ocpi.message import Given, Ids
from ocpi_hub.ocpi.status import OcpiError
from tests.routing_world import CPO, EMSP, party

PATH = "/ocpi/2.2.1/sender/sessions"


@pytest.fixture
def exchange(incoming: Incoming) -> Exchange:
    ids = Ids("r1", "c1")
    made = Exchange(incoming, "GET", PATH, "offset=0", Given(), ids, [], platform=EMSP)
    made.receiver = party("NL-CPO")
    return made


@pytest.fixture
def incoming() -> Incoming:
    class Nothing:
        method, path, query, headers, remote = "GET", PATH, "", Given(), ""

        async def read(self, limit: int, timeout_s: float) -> bytes:
            raise AssertionError((limit, timeout_s))

    return Nothing()


@pytest.mark.obligation("ROUT-807")
def test_the_same_message_is_passed_on_so_often_and_no_more(exchange: Exchange) -> None:
    laps = Laps()
    for _ in range(2):
        with ExitStack() as under_way:
            for _ in range(MOST):
                under_way.enter_context(laps.lap(exchange, CPO.id))
            with pytest.raises(OcpiError, match="circle"):
                under_way.enter_context(laps.lap(exchange, CPO.id))


def test_pages_of_one_list_are_different_messages(exchange: Exchange) -> None:
    laps = Laps()
    with ExitStack() as under_way:
        for page in range(MOST + 1):
            asked = replace(exchange, query=f"offset={page}")
            under_way.enter_context(laps.lap(asked, CPO.id))


def test_many_parties_of_one_platform_may_be_asked_the_same(exchange: Exchange) -> None:
    laps = Laps()
    with ExitStack() as under_way:
        for number in range(MOST + 1):
            asked = replace(exchange, receiver=party(f"DE-E{number:02}"))
            under_way.enter_context(laps.lap(asked, CPO.id))


@pytest.mark.obligation("ROUT-807")
def test_a_response_url_that_is_another_at_each_lap_hides_no_circle(exchange: Exchange) -> None:
    laps = Laps()
    with ExitStack() as under_way:
        for lap in range(MOST):
            asked = replace(exchange, query=f"response_url=https%3A%2F%2Fhub%2F{lap}")
            under_way.enter_context(laps.lap(asked, CPO.id))
        asked = replace(exchange, query="response_url=https%3A%2F%2Fhub%2Flast")
        with pytest.raises(OcpiError, match="circle"):
            under_way.enter_context(laps.lap(asked, CPO.id))
