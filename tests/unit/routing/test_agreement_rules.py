"""Who may talk to whom and who sees whom, where agreements are asked for and where not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.routing.agreements import InForce, agreements
from ocpi_hub.routing.audience import hidden, receivers, seen, unseen
from ocpi_hub.routing.decide import Broadcast, Forward, Refuse, Request, decide, placed
from ocpi_hub.routing.directory import Directory
from tests.routing_world import (
    BOTH,
    CONNECTED,
    CPO,
    CPO2,
    EMSP,
    GONE,
    HUB,
    KEPT,
    LONG_AGO,
    OFFLINE,
    PLANNED,
    SCSP,
    SUSPENDED,
    WORLD,
    agreeing,
    hosted,
    party,
    platform,
    request,
)

NOBODY = agreeing()
PAIR = agreeing("NL-CPO DE-EMP")
SOME = agreeing("NL-CPO DE-EMP sessions,cdrs", "de-emp nl-cpo tokens")
LATER = LONG_AGO + timedelta(days=1)


def code(asked: Request, world: Directory) -> int:
    decision = decide(asked, world, KEPT)
    return decision.code if isinstance(decision, Refuse) else 1000


@pytest.mark.obligation("ROUT-806", "HCI-022")
def test_without_an_agreement_a_request_is_refused_as_if_nobody_were_there() -> None:
    asked = request("sessions.receiver.put", CPO, "DE-EMP", owner="NL-CPO")
    assert isinstance(decide(asked, WORLD, KEPT), Forward)
    assert isinstance(decide(asked, PAIR, KEPT), Forward)
    refused = decide(asked, NOBODY, KEPT)
    offline = decide(request("cdrs.receiver.post", CPO, "FR-OFF"), WORLD, KEPT)
    assert isinstance(refused, Refuse)
    assert isinstance(offline, Refuse)
    assert (refused.code, refused.http) == (offline.code, offline.http) == (4003, 200)
    assert refused.message.replace("DE-EMP", "FR-OFF") == offline.message


@pytest.mark.parametrize(
    ("name", "world", "code_told"),
    [
        ("sessions.receiver.put", SOME, 1000),
        ("cdrs.receiver.post", SOME, 1000),
        ("locations.receiver.put", SOME, 4003),
        ("locations.receiver.put", PAIR, 1000),
    ],
)
def test_an_agreement_is_for_its_modules_and_several_add_up(
    name: str, world: Directory, code_told: int
) -> None:
    owner = None if name.startswith("cdrs") else "NL-CPO"
    assert code(request(name, CPO, "DE-EMP", owner=owner), world) == code_told


def test_an_agreement_holds_in_both_directions_and_in_any_case() -> None:
    world = agreeing("nl-cpo de-emp")
    assert code(request("sessions.sender.list", EMSP, "NL-CPO"), world) == 1000
    assert code(request("sessions.sender.list", EMSP, "BE-CP2"), world) == 4003


@pytest.mark.obligation("ROUT-801")
def test_agreements_are_looked_at_behind_the_receiver_and_before_its_connection_and_module() -> (
    None
):
    assert code(request("cdrs.receiver.post", CPO, "ZZ-ZZZ"), NOBODY) == 4001
    assert code(request("tariffs.receiver.get", CPO, "DE-EMP", owner="NL-CPO"), NOBODY) == 4003
    assert code(request("tariffs.receiver.get", CPO, "DE-EMP", owner="NL-CPO"), PAIR) == 4000
    assert code(request("cdrs.receiver.post", CPO, "DE-EMP", "BE-CP2"), NOBODY) == 2001


@pytest.mark.obligation("ROUT-314")
def test_open_routing_knows_nobody_without_an_agreement() -> None:
    asked = request("locations.sender.get", EMSP)
    sender, owners = party("DE-EMP"), [party("NL-CPO"), party("BE-CP2")]
    ambiguous = placed(asked, sender, owners, WORLD)
    assert isinstance(ambiguous, Refuse)
    assert ambiguous.code == 4001
    found = placed(asked, sender, owners, PAIR)
    assert isinstance(found, Forward)
    assert found.party == party("NL-CPO")
    assert placed(asked, sender, owners, NOBODY) == placed(asked, sender, [], WORLD)


@pytest.mark.obligation("ROUT-225")
def test_a_broadcast_goes_only_to_those_who_agreed_with_the_owner() -> None:
    spec, owner = MODULES["locations"], party("NL-CPO")
    asked = request("locations.receiver.put", CPO, "NL-HUB", owner="NL-CPO")
    assert isinstance(decide(asked, NOBODY, KEPT), Broadcast)

    def told(world: Directory, module: str = "locations") -> tuple[PartyRef, ...]:
        found = MODULES[module]
        return receivers(found, EMSP, CPO.id, owner, world.agreements, public=True)

    assert told(WORLD) == told(PAIR) == (party("DE-EMP"),)
    assert told(NOBODY) == told(SOME) == ()
    assert receivers(spec, SCSP, CPO.id, owner, PAIR.agreements, public=True) == ()


@pytest.mark.obligation("TR-034")
def test_lists_hide_the_owners_without_an_agreement_but_never_ones_own() -> None:
    spec, emsp = MODULES["locations"], party("DE-EMP")
    assert unseen(spec, WORLD, emsp) == hidden(spec, WORLD)
    strangers = unseen(spec, PAIR, emsp)
    assert ("NL", "CPO") not in strangers
    assert {("BE", "CP2"), ("NL", "ONE")} <= strangers
    assert ("FR", "SCS") not in strangers, "it owns no Locations"
    assert ("NL", "CPO") not in unseen(spec, NOBODY, party("NL-CPO"))
    assert ("NL", "CPO") in unseen(spec, SOME, emsp)
    assert unseen(spec, PAIR, emsp) is strangers, "one set, however often it is asked for"


@pytest.mark.obligation("HCI-022")
@pytest.mark.parametrize("status", [CONNECTED, OFFLINE, PLANNED])
def test_without_an_agreement_a_party_is_planned_and_its_moves_do_not_show(
    status: ConnectionStatus,
) -> None:
    role = replace(hosted("NL-CPO CPO", status), last_updated=LATER, standing=LONG_AGO)
    assert seen(role, EMSP, WORLD) is role
    assert seen(role, EMSP, PAIR) == role
    assert seen(role, EMSP, NOBODY) == replace(role, status=PLANNED, last_updated=LONG_AGO)


@pytest.mark.obligation("HCI-009")
def test_a_party_that_left_is_suspended_for_everybody() -> None:
    role = replace(hosted("NL-CPO CPO", SUSPENDED), last_updated=LATER, standing=LATER)
    assert seen(role, EMSP, NOBODY) == role


def test_what_is_seen_changes_when_an_agreement_begins_or_ends() -> None:
    role = replace(hosted("NL-CPO CPO"), standing=LONG_AGO)
    pair = (party("NL-CPO"), party("DE-EMP"))
    moved = {frozenset(pair): LATER}
    begun = replace(WORLD, agreements=agreements([InForce(pair, None)], moved))
    ended = replace(WORLD, agreements=agreements([], moved))
    assert seen(role, EMSP, begun) == replace(role, last_updated=LATER)
    assert seen(role, EMSP, ended) == replace(role, status=PLANNED, last_updated=LATER)
    assert seen(role, CPO2, ended).last_updated == LONG_AGO


def test_a_platform_sees_what_any_of_its_parties_may_reach() -> None:
    world = agreeing("NL-TWO NL-CPO")
    assert seen(hosted("NL-CPO CPO"), BOTH, world).status is CONNECTED
    assert seen(hosted("FR-OFF EMSP", OFFLINE), BOTH, world).status is PLANNED
    assert world.allows(party("NL-TWO"), party("NL-CPO"), "tokens")
    assert not world.allows(party("NL-ONE"), party("NL-CPO"), "tokens")


def test_everybody_agrees_with_themselves() -> None:
    assert NOBODY.allows(party("NL-CPO"), party("nl-cpo"), "locations")
    assert GONE.parties
    assert HUB not in WORLD.by_party
    assert platform("x", "NL-CPO CPO").parties == (party("NL-CPO"),)
