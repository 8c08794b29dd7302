"""Agreements, whoever made which: what a party sees of others is what it can do with them."""

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.routing.agreements import InForce, agreements
from ocpi_hub.routing.audience import seen, unseen
from ocpi_hub.routing.decide import Forward, forward
from ocpi_hub.routing.directory import Directory
from tests.routing_world import HUB, WORLD, request

PARTIES = sorted(WORLD.by_party, key=str)
NAMES = sorted(name for name, spec in MODULES.items() if spec.broadcast_from)
SCOPES = st.none() | st.frozensets(st.sampled_from(NAMES), min_size=1)
MADE = st.lists(
    st.builds(InForce, st.tuples(st.sampled_from(PARTIES), st.sampled_from(PARTIES)), SCOPES),
    max_size=12,
)
LISTS = {"locations": "locations.sender.list", "tokens": "tokens.sender.list"}


def world(made: list[InForce]) -> Directory:
    return Directory(HUB, WORLD.platforms, 1, agreements(made, {}))


@given(MADE, st.sampled_from(NAMES), st.sampled_from(PARTIES), st.sampled_from(PARTIES))
def test_a_pair_may_what_one_of_its_agreements_says_in_either_direction(
    made: list[InForce], module: str, one: PartyRef, other: PartyRef
) -> None:
    said = any(
        set(each.parties) == {one, other} and (each.modules is None or module in each.modules)
        for each in made
    )
    asked = world(made)
    assert asked.allows(one, other, module) is (said or one == other)
    assert asked.allows(other, one, module) is asked.allows(one, other, module)


@given(MADE, st.sampled_from(sorted(LISTS)), st.sampled_from(PARTIES), st.sampled_from(PARTIES))
def test_whom_one_sees_planned_one_cannot_reach_and_what_one_cannot_reach_is_in_no_list(
    made: list[InForce], module: str, viewer: PartyRef, other: PartyRef
) -> None:
    asked = world(made)
    (platform, *_) = asked.hosting(viewer)
    (there, *_) = asked.hosting(other)
    decision = forward(request(LISTS[module], platform), viewer, other, asked)
    shown = {seen(role, platform, asked).status for role in there.held(other)}
    if shown == {ConnectionStatus.PLANNED} and viewer != other:
        assert not isinstance(decision, Forward)
    if isinstance(decision, Forward):
        assert other.key not in unseen(MODULES[module], asked, viewer)
        assert forward(request(LISTS[module], platform), viewer, other, WORLD) == decision
