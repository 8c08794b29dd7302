"""Who sees what is not published, and who passes sessions on: only in roles that are in force."""

import pytest

from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.routing.audience import sees_unpublished
from ocpi_hub.routing.decide import Forward, Refuse, decide
from ocpi_hub.routing.directory import Directory
from tests.routing_world import (
    CONNECTED,
    HUB,
    KEPT,
    OFFLINE,
    PLANNED,
    SCSP,
    SUSPENDED,
    hosted,
    party,
    platform,
    request,
)


@pytest.mark.obligation("LOC-075")
@pytest.mark.parametrize(
    ("status", "seen"), [(CONNECTED, True), (OFFLINE, True), (PLANNED, False), (SUSPENDED, False)]
)
def test_a_role_that_is_only_agreed_or_was_dropped_shows_nothing_unpublished(
    status: ConnectionStatus, seen: bool
) -> None:
    both = platform("both", "FR-NAV NSP", hosted("FR-NAV EMSP", status))
    assert sees_unpublished(both, party("FR-NAV")) is seen


@pytest.mark.obligation("ROUT-803")
@pytest.mark.parametrize(("status", "kind"), [(CONNECTED, Forward), (PLANNED, Refuse)])
def test_only_a_party_that_is_an_emsp_now_passes_sessions_on(
    status: ConnectionStatus, kind: type
) -> None:
    caller = platform("caller", "DE-EMP OTHER", hosted("DE-EMP EMSP", status))
    asked = request("sessions.receiver.put", caller, "FR-SCS", "DE-EMP", owner="NL-CPO")
    world = Directory(HUB, {each.id: each for each in (caller, SCSP)}, 1)
    assert isinstance(decide(asked, world, KEPT), kind)
