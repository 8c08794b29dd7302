"""Laws of routing, for any request and any link."""

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.ocpi.message import Routing
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef
from ocpi_hub.ocpi.spec import Family
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.routing.decide import Decision, Forward, Refuse, Request, decide
from ocpi_hub.routing.rewrite import PARAMETER, Passage, Signer, join
from tests.routing_world import (
    ALL,
    CPO,
    EMSP,
    HUB,
    KEPT,
    SENDER,
    WORLD,
    party,
)

ROWS = [
    (module, side.role, row)
    for module in MODULES.values()
    if module.family is Family.FUNCTIONAL
    for side in module.interfaces
    for row in side.routes
]
PARTIES = [HUB, party("XX-ZZZ"), *(each for platform in ALL for each in platform.parties)]
parties = st.none() | st.sampled_from(PARTIES)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    module, role, row = draw(st.sampled_from(ROWS))
    owner = draw(st.sampled_from(PARTIES)) if row.owned else None
    routing = Routing(draw(parties), draw(parties))
    return Request(draw(st.sampled_from(ALL)), module, role, row, routing, owner)


@given(requests())
def test_decide_is_total_and_always_says_the_same(asked: Request) -> None:
    decision = decide(asked, WORLD, KEPT)
    assert isinstance(decision, Decision)
    assert decide(asked, WORLD, KEPT) == decision


@given(requests())
def test_nobody_ever_speaks_for_a_party_that_is_not_registered_there(asked: Request) -> None:
    decision = decide(asked, WORLD, KEPT)
    speaking = {
        hosted.party
        for hosted in asked.caller.roles
        if hosted.status in {ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE}
    }
    claimed = asked.routing.sender
    if claimed is not None and claimed not in speaking:
        assert isinstance(decision, Refuse)
        assert (decision.code, decision.forged) == (2001, True)
    assert decision.sender is None or decision.sender in speaking


@given(requests())
def test_a_forward_goes_to_a_connected_platform_that_offers_what_was_called(
    asked: Request,
) -> None:
    decision = decide(asked, WORLD, KEPT)
    if isinstance(decision, Forward):
        assert decision.party == asked.routing.to
        assert decision.platform.connected
        assert decision.platform.hosts(decision.party)
        assert decision.endpoint in decision.platform.endpoints
        assert decision.endpoint.module == asked.spec.identifier
        assert decision.endpoint.role is asked.role


_SIGNER = Signer(b"a key of the hub")
_ENDPOINT = CPO.endpoints[0]
_TEXT = st.text(st.sampled_from("abcXYZ019-._~%2F=&+:@!$'()*,;/"), max_size=60)


@given(_TEXT, _TEXT, st.integers(0, 10**9))
def test_following_a_link_reaches_exactly_what_the_partner_gave(
    path: str, query: str, now: int
) -> None:
    target = join(_ENDPOINT.url, path.strip("/"), query)
    passage = Passage(
        EMSP.id, party("DE-EMP"), party("NL-CPO"), CPO, _ENDPOINT, "https://hub/x", _ENDPOINT.url
    )
    answered = {"link": f'<{target}>; rel="next"'}
    headers, _ = _SIGNER.answer_headers(passage, answered, now + 60, now)
    sealed = headers["Link"].partition(f"{PARAMETER}=")[2].partition(">")[0]
    led = _SIGNER.follow(sealed, EMSP.id, "locations", SENDER, now)
    assert led.url(CPO, _ENDPOINT) == target
    assert (led.sender, led.party) == (PartyRef("DE", "EMP"), PartyRef("NL", "CPO"))
