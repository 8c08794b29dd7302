"""What goes out for a change, and what follows from an outcome."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from ocpi_hub.delivery import attempt
from ocpi_hub.delivery.attempt import Held, Verdict
from ocpi_hub.modules.line import ORIGIN, Message, Place
from ocpi_hub.modules.outgoing import Answered, Failed, Failure
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.routing.directory import Directory, Endpoint, Quirks
from tests.delivery_fakes import AT, CPO, HUB, MSP, OK, TABLES, client_info, location, platform_of

BASE = "https://msp.example"
EM2 = PartyRef("DE", "EM2")
WORLD = Directory(HUB, {})


def calls(change, platform=None, cursor=ORIGIN):
    platform = platform or platform_of("msp", BASE)
    numbers = count(1)
    way = attempt.way(change, platform, TABLES["2.2.1"].get(change.key.module), WORLD)
    if way is None:
        return []
    return list(attempt.requests(change, cursor, way, lambda: f"fresh{next(numbers)}"))


@pytest.mark.obligation("ROUT-203", "ROUT-204", "ROUT-023", "TR-030")
def test_a_broadcast_is_from_the_hub_to_the_party_about_the_owner():
    (call,) = calls(location("LOC1", correlation_id="corr"))
    assert (call.method, call.url) == ("PUT", f"{BASE}/receiver/locations/NL/CP1/LOC1")
    assert call.headers == {
        "OCPI-to-country-code": "DE",
        "OCPI-to-party-id": "EM1",
        "OCPI-from-country-code": "NL",
        "OCPI-from-party-id": "HUB",
        "X-Request-ID": "fresh1",
        "X-Correlation-ID": "corr",
        "Content-Type": "application/json",
    }
    assert (call.route, call.mode) == ("locations.receiver.put", "broadcast")


@pytest.mark.obligation("ROUT-217", "TR-070")
def test_every_receiving_party_gets_one_request_of_its_own():
    both = platform_of(
        "msp", BASE, (MSP, Role.EMSP), (EM2, Role.EMSP), (EM2, Role.NSP), (CPO, Role.CPO)
    )
    first, second = calls(location("LOC1"), both)
    assert first.headers["OCPI-to-party-id"] == "EM1"
    assert second.headers["OCPI-to-party-id"] == "EM2"
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert first.headers["X-Correlation-ID"] == second.headers["X-Correlation-ID"] == "c1"


@pytest.mark.obligation("ROUT-206", "ROUT-207", "ROUT-208")
@pytest.mark.parametrize(
    ("role", "told"),
    [
        (Role.EMSP, 1),
        (Role.NSP, 1),
        (Role.NAP, 1),
        (Role.OTHER, 1),
        (Role.CPO, 0),
        (Role.SCSP, 0),
        (Role.HUB, 0),
    ],
)
def test_a_location_goes_to_the_opposite_roles_only(role, told):
    assert len(calls(location("LOC1"), platform_of("p", BASE, (MSP, role)))) == told


@pytest.mark.obligation("LOC-075")
def test_what_is_not_published_goes_to_no_navigation_role():
    nsp = platform_of("nsp", BASE, (MSP, Role.NSP))
    assert calls(location("LOC1", public=False), nsp) == []
    assert len(calls(location("LOC1", public=False))) == 1


@pytest.mark.obligation("ROUT-218")
def test_a_broadcast_does_not_return_to_its_platform():
    assert calls(location("LOC1", origin="msp")) == []


@pytest.mark.obligation("ROUT-205", "HCI-017")
@pytest.mark.parametrize("change", [location("LOC1"), client_info(CPO, "cpo")])
def test_a_platform_without_the_receiver_interface_is_skipped(change):
    assert calls(change, platform_of("msp", BASE, modules=["tariffs"])) == []


def test_a_version_without_the_module_is_skipped():
    assert attempt.way(location("LOC1"), platform_of("msp", BASE), None, WORLD) is None


@pytest.mark.obligation("HCI-013", "HCI-014", "HCI-015", "TR-073")
def test_client_info_goes_once_to_a_platform_without_routing_headers():
    several = platform_of("msp", BASE, (MSP, Role.EMSP), (EM2, Role.EMSP), (MSP, Role.NSP))
    (call,) = calls(client_info(CPO, "cpo"), several)
    assert (call.method, call.url) == ("PUT", f"{BASE}/receiver/hubclientinfo/NL/CP1")
    assert call.headers == {
        "X-Request-ID": "fresh1",
        "X-Correlation-ID": "fresh2",
        "Content-Type": "application/json",
    }
    assert calls(client_info(MSP, "msp"), several) == []


@pytest.mark.obligation("TR-087", "TR-085")
@pytest.mark.parametrize(
    ("published", "called"),
    [
        ("https://m.example/loc", "https://m.example/loc/NL/CP1/LOC1"),
        ("https://m.example/loc/", "https://m.example/loc/NL/CP1/LOC1"),
        ("https://m.example/loc?key=1", "https://m.example/loc/NL/CP1/LOC1?key=1"),
    ],
)
def test_endpoint_and_path_are_joined_by_one_slash(published, called):
    platform = replace(
        platform_of("msp", BASE),
        endpoints=(Endpoint("locations", InterfaceRole.RECEIVER, published),),
    )
    (call,) = calls(location("LOC1"), platform)
    assert call.url == called


def test_a_query_of_the_push_is_kept_behind_the_path():
    change = location("LOC1")
    change = replace(change, message=replace(change.message, path="012345?type=RFID"))
    (call,) = calls(change)
    assert call.url.endswith("/NL/CP1/012345?type=RFID")


@pytest.mark.obligation("ROUT-220")
def test_an_object_that_changed_once_goes_out_as_it_came_and_else_as_it_is_now():
    change = replace(
        location("LOC1", method="PATCH", body=b'{"x":1}', state=b'{"whole":1}'),
        place=Place(1, 9),
        previous=Place(1, 5),
    )
    (once,) = calls(change, cursor=Place(1, 5))
    (often,) = calls(change, cursor=Place(1, 4))
    assert (once.method, once.body) == ("PATCH", b'{"x":1}')
    assert (often.method, often.body) == ("PUT", b'{"whole":1}')


@pytest.mark.obligation("ROUT-212")
def test_a_deletion_goes_out_as_deletion_however_often_the_object_changed():
    change = replace(
        location("T1"),
        message=Message("DELETE", "T1", b""),
        place=Place(1, 9),
        previous=Place(1, 5),
    )
    (call,) = calls(change, cursor=ORIGIN)
    assert (call.method, call.body) == ("DELETE", None)
    assert "Content-Type" not in call.headers


def test_changes_of_one_location_and_its_evses_form_one_chain():
    changes = [
        location("A"),
        location("B"),
        location("a", evse="1"),
        location("B", evse="1"),
        location("A", owner=EM2),
        location("A", evse="2"),
    ]
    assert attempt.chains(changes) == [[0, 2, 5], [1, 3], [4]]


def answered(http=200, code=1000):
    return Answered(http, {}, message.envelope(AT, code=code))


@pytest.mark.parametrize(
    ("method", "outcome", "follows"),
    [
        ("PUT", answered(), Verdict.DELIVERED),
        ("PUT", answered(201), Verdict.DELIVERED),
        ("PUT", answered(code=1999), Verdict.DELIVERED),
        ("PUT", Answered(204, {}, b""), Verdict.DELIVERED),
        ("PUT", Answered(200, {}, b"<html>"), Verdict.GIVE_UP),
        ("PUT", answered(code=2001), Verdict.GIVE_UP),
        ("PUT", answered(500), Verdict.GIVE_UP),
        ("PATCH", answered(404, 2003), Verdict.REPAIR),
        ("PATCH", answered(405), Verdict.REPAIR),
        ("PATCH", answered(200, 3000), Verdict.REPAIR),
        ("PATCH", answered(401), Verdict.GIVE_UP),
        ("PATCH", answered(429), Verdict.GIVE_UP),
        ("DELETE", answered(404), Verdict.GIVE_UP),
        ("PUT", Failed(Failure.NOT_CONNECTED, ""), Verdict.RETRY),
        ("PATCH", Failed(Failure.NOT_CONNECTED, ""), Verdict.RETRY),
        ("PUT", Failed(Failure.TIMEOUT, ""), Verdict.RETRY),
        ("DELETE", Failed(Failure.TIMEOUT, ""), Verdict.RETRY),
        ("PATCH", Failed(Failure.TIMEOUT, ""), Verdict.REPAIR),
        ("POST", Failed(Failure.TIMEOUT, ""), Verdict.GIVE_UP),
        ("POST", Failed(Failure.NOT_CONNECTED, ""), Verdict.GIVE_UP),
        ("PATCH", Failed(Failure.GARBAGE, ""), Verdict.GIVE_UP),
        ("PUT", Failed(Failure.FORBIDDEN, ""), Verdict.GIVE_UP),
    ],
)
def test_what_follows_from_the_first_attempt(method, outcome, follows):
    assert attempt.verdict(method, outcome) is follows


@pytest.mark.obligation("TR-090")
@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_there_is_never_a_third_attempt(method, failure):
    assert attempt.final(method, Failed(failure, "")) in {Verdict.GIVE_UP, Verdict.REPAIR}
    assert attempt.final("PUT", Failed(failure, "")) is Verdict.GIVE_UP


@pytest.mark.obligation("HCI-025")
@pytest.mark.parametrize(
    ("outcome", "lives"),
    [
        (answered(), True),
        (answered(500), False),
        (answered(401), False),
        (answered(200, 2000), False),
        (answered(200, 3000), False),
        (Answered(200, {}, b""), False),
        (Answered(200, {}, b"<html>"), False),
        (Answered(204, {}, b""), False),
        *((Failed(failure, ""), False) for failure in Failure),
    ],
)
def test_only_a_good_answer_of_ocpi_is_life(outcome, lives):
    assert attempt.alive(outcome) is lives


def shown(**data):
    return Answered(200, {}, message.envelope(AT, data=json.dumps(data).encode()))


@pytest.mark.obligation("TR-041")
@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (shown(last_updated="2026-11-01T12:00:00Z"), Held.CURRENT),
        (shown(last_updated="2026-11-01T12:00:01Z"), Held.CURRENT),
        (shown(last_updated="2026-11-01T11:59:59Z"), Held.STALE),
        (shown(last_updated="yesterday"), Held.UNKNOWN),
        (shown(id="LOC1"), Held.UNKNOWN),
        (Answered(200, {}, OK), Held.UNKNOWN),
        (answered(404), Held.MISSING),
        (answered(200, 2003), Held.MISSING),
        (answered(200, 2000), Held.UNKNOWN),
        (answered(500), Held.UNKNOWN),
        (Failed(Failure.TIMEOUT, ""), Held.UNKNOWN),
    ],
)
def test_what_a_receiver_has_shows_in_its_answer_to_a_get(outcome, found):
    assert attempt.held(outcome, AT) is found


def test_times_of_the_receiver_are_compared_as_times():
    assert attempt.held(shown(last_updated="2026-11-01T12:00:00"), AT) is Held.CURRENT
    later = AT + timedelta(microseconds=1000)
    assert attempt.held(shown(last_updated="2026-11-01T12:00:00.000Z"), later) is Held.STALE


def test_who_takes_no_patch_gets_the_whole_object():
    patch = location("LOC1", method="PATCH", body=b'{"name":"x"}', state=b'{"id":"LOC1"}')
    (plain,) = calls(patch)
    assert (plain.method, plain.body) == ("PATCH", b'{"name":"x"}')
    (whole,) = calls(patch, platform_of("msp", BASE, quirks=Quirks(put_only=True)))
    assert (whole.method, whole.body, whole.url) == ("PUT", b'{"id":"LOC1"}', plain.url)
    assert whole.route == "locations.receiver.put"


def test_who_refuses_unknown_members_is_spared_them():
    strict = platform_of("msp", BASE, quirks=Quirks(known_members=True))
    odd = location("LOC1", body=b'{"id":"LOC1","x_vendor":1}')
    (told,) = calls(odd, strict)
    assert told.body == b'{"id":"LOC1"}'
    (plain,) = calls(odd)
    assert plain.body == b'{"id":"LOC1","x_vendor":1}'
    (info,) = calls(client_info(CPO, "cpo"), strict)
    assert info.body == client_info(CPO, "cpo").message.body


@pytest.mark.obligation("TR-087")
def test_who_wants_a_slash_at_the_end_gets_it():
    (told,) = calls(location("LOC1"), platform_of("msp", BASE, quirks=Quirks(trailing_slash=True)))
    assert told.url == f"{BASE}/receiver/locations/NL/CP1/LOC1/"
