"""Every row of the table of modes, and the order of the checks."""

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.routing.decide import (
    Broadcast,
    Decision,
    Forward,
    GetAll,
    OpenRoute,
    OwnCopy,
    Refuse,
    Request,
    decide,
    placed,
    returned,
)
from ocpi_hub.routing.directory import Endpoint, Platform, PlatformId
from tests.routing_world import (
    AGREED,
    BOTH,
    CPO,
    DROPPED,
    EMSP,
    KEPT,
    SPLIT_CPO,
    SPLIT_EMSP,
    WORLD,
    party,
    request,
)


def decided(asked: Request) -> Decision:
    return decide(asked, WORLD, KEPT)


def refused(asked: Request) -> tuple[int, int]:
    decision = decided(asked)
    assert isinstance(decision, Refuse), decision
    return decision.http, decision.code


@pytest.mark.obligation("ROUT-012", "ROUT-209")
@pytest.mark.parametrize(
    ("name", "caller", "to", "kind"),
    [
        ("locations.receiver.put", CPO, "DE-EMP", Forward),
        ("locations.receiver.put", CPO, "nl-hub", Broadcast),
        ("locations.receiver.patch", CPO, "NL-HUB", Broadcast),
        ("locations.receiver.put", CPO, None, Broadcast),
        ("locations.receiver.get", CPO, "NL-HUB", OwnCopy),
        ("locations.receiver.get", CPO, None, OwnCopy),
        ("locations.sender.list", EMSP, "NL-CPO", Forward),
        ("locations.sender.list", EMSP, "NL-HUB", GetAll),
        ("locations.sender.get", EMSP, "NL-HUB", OwnCopy),
        ("locations.sender.get", EMSP, None, OpenRoute),
        ("tokens.sender.authorize", CPO, None, OpenRoute),
        ("tokens.sender.authorize", CPO, "DE-EMP", Forward),
    ],
)
def test_the_mode_follows_from_method_interface_and_to(
    name: str, caller: object, to: str | None, kind: type
) -> None:
    assert isinstance(caller, type(CPO))
    assert isinstance(decided(request(name, caller, to)), kind)


@pytest.mark.obligation("STAT-023", "STAT-025", "ROUT-113", "HCI-028", "CRED-044")
@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("XX-ZZZ", 4001),
        ("FR-OFF", 4003),
        ("FR-OUT", 4003),
        ("FR-NEW", 4003),
        ("AT-HLF", 4003),
        ("FR-SCS", 4000),
        ("BE-CP2", 4000),
    ],
)
def test_a_receiver_must_be_known_connected_and_offering(to: str, code: int) -> None:
    assert refused(request("locations.receiver.put", CPO, to)) == (200, code)


@pytest.mark.obligation("ROUT-013")
@pytest.mark.parametrize(
    ("name", "platform"),
    [("commands.receiver.post", SPLIT_CPO), ("locations.receiver.put", SPLIT_EMSP)],
)
def test_a_party_on_two_platforms_is_found_by_the_interface(name: str, platform: object) -> None:
    decision = decided(request(name, CPO, "AT-SPL"))
    assert isinstance(decision, Forward)
    assert decision.platform is platform


@pytest.mark.obligation("ROUT-006", "ROUT-007", "ROUT-802")
def test_from_is_a_registered_party_of_the_caller() -> None:
    put = "locations.receiver.put"
    assert refused(request(put, CPO, "DE-EMP", "DE-EMP")) == (200, 2001)
    assert refused(request(put, BOTH, "DE-EMP")) == (200, 2001)
    for own in ("NL-ONE", "nl-two"):
        assert isinstance(decided(request(put, BOTH, "DE-EMP", own)), Forward)
    inferred = decided(request(put, AGREED, "DE-EMP"))
    assert inferred.sender == party("FR-REG")
    assert refused(request(put, AGREED, "DE-EMP", "FR-NEW")) == (200, 2001)
    assert refused(request(put, DROPPED, "DE-EMP", "FR-OUT")) == (200, 2001)
    decision = decided(request(put, CPO, "DE-EMP", "DE-EMP"))
    assert isinstance(decision, Refuse)
    assert decision.forged


@pytest.mark.obligation("ROUT-803", "TR-053")
def test_the_owner_in_the_url_is_from_unless_an_emsp_passes_a_session_on() -> None:
    assert refused(request("locations.receiver.put", CPO, "DE-EMP", None, "BE-CP2")) == (404, 2000)
    assert isinstance(
        decided(request("locations.receiver.put", CPO, "DE-EMP", None, "nl-cpo")), Forward
    )
    passed = decided(request("sessions.receiver.put", EMSP, "FR-SCS", None, "NL-CPO"))
    assert isinstance(passed, Forward)
    assert refused(request("sessions.receiver.put", EMSP, "DE-EMP", None, "NL-CPO"))[0] == 404
    assert refused(request("sessions.receiver.put", CPO, "FR-SCS", None, "DE-EMP"))[0] == 404


@pytest.mark.obligation("TAR-001", "SES-001", "TOK-001")
@pytest.mark.parametrize(
    ("module", "methods", "owner", "caller", "foreign"),
    [
        ("tariffs", ("put", "get", "delete"), "NL-CPO", CPO, "BE-CP2"),
        ("sessions", ("put", "patch", "get"), "NL-CPO", CPO, "BE-CP2"),
        ("tokens", ("put", "patch", "get"), "DE-EMP", EMSP, "NL-CPO"),
    ],
)
def test_only_the_owner_pushes_under_its_path(
    module: str, methods: tuple[str, ...], owner: str, caller: Platform, foreign: str
) -> None:
    for method in methods:
        name = f"{module}.receiver.{method}"
        to = "DE-EMP" if caller is CPO else "NL-CPO"
        assert refused(request(name, caller, to, None, foreign)) == (404, 2000)
        assert refused(request(name, caller, "NL-HUB", None, foreign)) == (404, 2000)
        allowed = decided(request(name, caller, to, None, owner))
        assert not (isinstance(allowed, Refuse) and allowed.http == 404)


@pytest.mark.obligation("TAR-001", "TOK-001")
@pytest.mark.parametrize(
    ("name", "other", "owner"),
    [("tariffs.receiver.put", EMSP, "DE-EMP"), ("tokens.receiver.put", CPO, "NL-CPO")],
)
def test_only_a_party_in_the_owners_role_pushes_to_all(
    name: str, other: Platform, owner: str
) -> None:
    kept = frozenset({"tariffs", "tokens"})
    decision = decide(request(name, other, "NL-HUB", None, owner), WORLD, kept)
    assert isinstance(decision, Refuse)
    assert decision.code == 2001
    owning = CPO if other is EMSP else EMSP
    assert isinstance(decide(request(name, owning, "NL-HUB"), WORLD, kept), Broadcast)


@pytest.mark.obligation("ROUT-801")
def test_the_first_fault_in_order_is_told() -> None:
    put = "locations.receiver.put"
    assert refused(request(put, CPO, "XX-ZZZ", "DE-EMP", "BE-CP2")) == (200, 2001)
    assert refused(request(put, CPO, "XX-ZZZ", None, "BE-CP2")) == (404, 2000)
    assert refused(request("cdrs.receiver.post", CPO, "FR-OFF")) == (200, 4003)


@pytest.mark.obligation("ROUT-211", "ROUT-226", "ROUT-406", "ROUT-304", "ROUT-210")
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (request("cdrs.receiver.post", CPO, "NL-HUB"), (200, 2001)),
        (request("sessions.receiver.put", CPO, "NL-HUB"), (200, 2001)),
        (request("sessions.sender.charging_preferences", EMSP, "NL-HUB"), (200, 2001)),
        (request("tokens.sender.authorize", CPO, "NL-HUB"), (200, 2001)),
        (request("sessions.sender.list", EMSP, "NL-HUB"), (200, 2001)),
        (request("cdrs.sender.list", EMSP, "NL-HUB"), (200, 2001)),
        (request("tariffs.receiver.put", CPO, "NL-HUB"), (200, 4000)),
        (request("tokens.receiver.put", EMSP, None), (200, 4000)),
        (request("tariffs.sender.list", EMSP, "NL-HUB"), (200, 4000)),
        (request("locations.receiver.put", EMSP, "NL-HUB"), (200, 2001)),
        (request("locations.receiver.put", BOTH, "NL-HUB", "NL-TWO"), (200, 2001)),
        (request("locations.sender.list", EMSP), (200, 2001)),
    ],
    ids=lambda value: value.route.name if isinstance(value, Request) else "",
)
def test_what_the_hub_refuses_to_take_or_to_guess(asked: Request, answer: tuple[int, int]) -> None:
    assert refused(asked) == answer


def test_a_lenient_partner_gets_the_list_of_all() -> None:
    assert isinstance(decided(request("locations.sender.list", EMSP, lenient=True)), GetAll)
    assert refused(request("cdrs.sender.list", EMSP, lenient=True)) == (200, 2001)


@pytest.mark.parametrize(
    ("name", "caller", "nowhere"),
    [
        ("sessions.receiver.put", CPO, (200, 4001)),
        ("sessions.receiver.patch", CPO, (200, 4001)),
        ("sessions.receiver.get", CPO, (404, 2000)),
        ("sessions.sender.charging_preferences", EMSP, (200, 4001)),
        ("cdrs.receiver.post", CPO, (200, 4001)),
        ("cdrs.receiver.get", CPO, (404, 2000)),
        ("locations.sender.get", EMSP, (404, 2000)),
        ("tokens.sender.authorize", CPO, (404, 2004)),
        ("commands.receiver.post", EMSP, (200, 4001)),
        ("chargingprofiles.receiver.get", EMSP, (200, 4001)),
        ("chargingprofiles.receiver.put", EMSP, (200, 4001)),
        ("chargingprofiles.receiver.delete", EMSP, (200, 4001)),
        ("chargingprofiles.sender.put", CPO, (200, 4001)),
    ],
)
@pytest.mark.obligation("ROUT-311", "ROUT-313")
def test_what_names_no_receiver_is_looked_for_and_refused_when_nobody_is_found(
    name: str, caller: Platform, nowhere: tuple[int, int]
) -> None:
    asked = request(name, caller, owner="NL-CPO" if caller is CPO else None)
    sought = decided(asked)
    assert isinstance(sought, OpenRoute)
    answer = placed(asked, sought.sender, [], WORLD)
    assert isinstance(answer, Refuse)
    assert (answer.http, answer.code) == nowhere


@pytest.mark.obligation("ROUT-604")
def test_a_result_goes_to_the_platform_that_asked_and_no_other() -> None:
    endpoint = Endpoint("commands", InterfaceRole.SENDER, "https://split-emsp.example/x")

    def back(to: str, asked: str) -> Forward | Refuse:
        return returned(party("NL-CPO"), party(to), PlatformId(asked), endpoint, WORLD)

    for asked in ("split-cpo", "split-emsp"):
        found = back("AT-SPL", asked)
        assert isinstance(found, Forward)
        assert (found.platform.id, found.endpoint) == (asked, endpoint)
    for to, asked, code in (
        ("DE-EMP", "cpo", 4001),
        ("DE-EMP", "nosuch", 4001),
        ("FR-OFF", "gone", 4003),
        ("FR-OUT", "dropped", 4003),
    ):
        refusal = back(to, asked)
        assert isinstance(refusal, Refuse)
        assert refusal.code == code


@pytest.mark.obligation("ROUT-311", "ROUT-313", "ROUT-309")
def test_an_open_route_needs_exactly_one_owner() -> None:
    asked = request("locations.sender.get", EMSP)
    sender, owners = party("DE-EMP"), [party("NL-CPO"), party("BE-CP2")]
    one = placed(asked, sender, owners[:1], WORLD)
    assert isinstance(one, Forward)
    assert (one.sender, one.party, one.platform) == (sender, owners[0], CPO)
    none, two = placed(asked, sender, [], WORLD), placed(asked, sender, owners, WORLD)
    assert isinstance(none, Refuse)
    assert isinstance(two, Refuse)
    assert (none.http, two.code) == (404, 4001)


@pytest.mark.obligation("ROUT-307", "ROUT-308", "ROUT-311", "TOK-054")
def test_an_authorization_goes_to_the_one_owner_of_its_token_and_is_never_guessed() -> None:
    asked = request("tokens.sender.authorize", CPO)
    sender, owners = party("NL-CPO"), [party("DE-EMP"), party("FR-OFF")]
    one = placed(asked, sender, owners[:1], WORLD)
    assert isinstance(one, Forward)
    assert one.party == owners[0]
    none, two = placed(asked, sender, [], WORLD), placed(asked, sender, owners, WORLD)
    assert isinstance(none, Refuse)
    assert isinstance(two, Refuse)
    assert ((none.http, none.code), (two.http, two.code)) == ((404, 2004), (200, 4001))
