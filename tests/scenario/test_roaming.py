"""Partners roam through the hub: the four ways of routing, told as dialogues."""

from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply, accept
from tests.build import a_location, an_evse
from tests.fake_partner import FakePartner, fake_partner, location_path
from tests.hub import Hub, eventually

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
ODD = (
    b'{ "country_code":"NL","party_id":"CPO", "id":"LOC1" ,"publish":true,'
    b'"x_vendor":{"b":1.50,"a":[1e2,-0,1234567890.123456789],"n":null},\n'
    b'"address":"Stra\\u00dfe 1","city":"Utrecht","country":"NLD",'
    b'"coordinates":{"latitude":"52.089400","longitude":"5.110000"},"name":null,'
    b'"parking_type":"MOON","time_zone":"Europe/Amsterdam",'
    b'"last_updated":"2026-01-01T00:00:00.5Z"}'
)


def header(received: Received, name: str) -> str | None:
    return received.headers.get(name)


@pytest.mark.obligation(
    "ROUT-201",
    "ROUT-202",
    "ROUT-203",
    "ROUT-204",
    "ROUT-023",
    "ROUT-104",
    "TR-067",
    "LOC-038",
    "ROUT-105",
)
async def test_a_broadcast_reaches_providers_and_navigation_byte_for_byte(
    cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    answer = await cpo.send(
        "PUT", "locations", "NL/CPO/LOC1", body=ODD, headers={"X-Correlation-ID": "journey-1"}
    )
    assert (answer.http, answer.code) == (201, 1000)
    assert answer.headers["OCPI-from-party-id"] == "HUB"
    assert answer.headers["OCPI-to-party-id"] == "CPO"
    request_ids = set()
    for receiver, country, party in ((emsp, "DE", "EM1"), (nsp, "FR", "NV1")):
        (push,) = await receiver.received("locations.receiver", "PUT")
        assert push.body == ODD
        assert push.segments == ("NL", "CPO", "LOC1")
        assert header(push, "OCPI-from-party-id") == "HUB"
        assert (header(push, "OCPI-to-country-code"), header(push, "OCPI-to-party-id")) == (
            country,
            party,
        )
        assert header(push, "X-Correlation-ID") == "journey-1"
        request_ids.add(header(push, "X-Request-ID"))
    assert len(request_ids) == 2


@pytest.mark.obligation("TYP-002", "MTYP-002", "TYP-001")
async def test_an_id_stays_as_it_was_written_and_is_found_in_any_case(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    location = a_location(id="Loc1", evses=0) | {"evses": [an_evse("eVse1")]}
    assert (await cpo.put(location)).http == 201
    assert (await cpo.put(location, to="DE-EM1")).code == 1000
    pushes = await emsp.received("locations.receiver", "PUT", count=2)
    assert [push.segments for push in pushes] == [("NL", "CPO", "Loc1")] * 2
    assert [push.json["id"] for push in pushes] == ["Loc1"] * 2
    (listed,) = (await emsp.get("locations")).data
    assert (listed["id"], listed["evses"][0]["uid"]) == ("Loc1", "eVse1")
    assert (await emsp.get("locations", "loc1")).data == location
    assert (await emsp.get("locations", "LOC1/EVSE1")).data == location["evses"][0]
    shown = await cpo.send("GET", "locations", "nl/cpo/lOC1", side=RECEIVER)
    assert shown.data == location
    again = await cpo.put(location | {"id": "LOC1"})
    assert (again.http, again.code) == (200, 1000)
    assert len((await emsp.get("locations")).data) == 1


@pytest.mark.obligation("LOC-037", "ROUT-804", "LOC-038")
async def test_navigation_and_others_get_locations_and_no_sessions_and_may_ask_for_tariffs(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    async with fake_partner(OTHER="AT-OTH") as other:
        nsp.serve("sessions", RECEIVER, accept)
        await nsp.rotate()  # the hub reads anew what it offers
        await hub.connect(other)
        session = {"country_code": "NL", "party_id": "CPO", "id": "S1"}
        for to in ("hub", None):
            pushed = await cpo.send("PUT", "sessions", "NL/CPO/S1", body=session, to=to)
            assert pushed.code in {2001, 4001}
        await cpo.put(a_location())
        for receiver in (emsp, nsp, other):
            (push,) = await receiver.received("locations.receiver", "PUT")
            assert push.segments == ("NL", "CPO", "LOC1")
            assert receiver.record.of("sessions") == []
    asked = await nsp.get("tariffs", to="NL-CPO")
    assert asked.code == 1000
    assert asked.headers["OCPI-from-party-id"] == "CPO"
    (came,) = cpo.record.of("tariffs.sender", "GET")
    assert header(came, "OCPI-from-party-id") == "NV1"


@pytest.mark.obligation("LOC-039")
async def test_a_question_to_the_hub_is_never_spread(
    cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    location = a_location()
    await cpo.put(location)
    for to in ("hub", None):
        asked = await cpo.send("GET", "locations", "NL/CPO/LOC1", side=RECEIVER, to=to)
        assert asked.data == location
        assert asked.headers["OCPI-from-party-id"] == "HUB"
    await cpo.put(a_location(id="AFTER"))
    for receiver in (emsp, nsp):
        heard = await receiver.received("locations", count=2)
        assert [(each.method, each.segments[2]) for each in heard] == [
            ("PUT", "LOC1"),
            ("PUT", "AFTER"),
        ]


@pytest.mark.obligation("ROUT-220", "ROUT-215", "ROUT-401", "ROUT-402", "ROUT-403")
async def test_a_status_change_goes_out_as_it_came_and_shows_in_get_all(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    await cpo.put(a_location())
    await emsp.received("locations.receiver", "PUT")
    patch = b'{"status" : "CHARGING", "last_updated":"2026-02-01T00:00:00Z", "floor_level": null}'
    answer = await cpo.send("PATCH", "locations", "NL/CPO/LOC1/E1", body=patch)
    assert (answer.http, answer.code) == (200, 1000)
    (push,) = await emsp.received("locations.receiver", "PATCH")
    assert push.body == patch
    assert push.segments == ("NL", "CPO", "LOC1", "E1")
    page = await emsp.get("locations")
    assert page.headers["OCPI-from-party-id"] == "HUB"
    assert page.headers["X-Total-Count"] == "1"
    (location,) = page.data
    assert location["party_id"] == "CPO"
    assert location["last_updated"] == "2026-02-01T00:00:00Z"
    assert [evse["status"] for evse in location["evses"]] == ["CHARGING", "AVAILABLE"]


@pytest.mark.obligation(
    "ROUT-101", "ROUT-102", "ROUT-103", "ROUT-104", "ROUT-106", "ROUT-107", "ROUT-020", "ROUT-021",
    "ROUT-022", "ROUT-008", "ROUT-109", "LOC-036",
)  # fmt: skip
async def test_a_direct_push_goes_to_one_party_alone_and_its_answer_comes_back_untouched(
    cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    said = (
        b'{"status_code" : 1000,"status_message":"dank u", "timestamp":"2026-01-01T00:00:00Z",'
        b'"data":{"x":1.10}}'
    )
    emsp.answers("locations", RECEIVER, Reply(raw=said))
    answer = await cpo.send(
        "PUT", "locations", "NL/CPO/LOC%2F1?x=%20a", body=ODD, to="DE-EM1",
        headers={"X-Request-ID": "r1", "X-Correlation-ID": "c1"},
    )  # fmt: skip
    assert (answer.http, answer.body) == (200, said)
    assert (answer.headers["X-Request-ID"], answer.headers["X-Correlation-ID"]) == ("r1", "c1")
    assert answer.headers["OCPI-from-party-id"] == "EM1"
    assert answer.headers["OCPI-to-party-id"] == "CPO"
    (push,) = await emsp.received("locations.receiver", "PUT")
    assert push.body == ODD
    assert "LOC%2F1?x=%20a" in push.path or push.query == {"x": " a"}
    assert (header(push, "OCPI-from-party-id"), header(push, "OCPI-to-party-id")) == ("CPO", "EM1")
    assert header(push, "X-Correlation-ID") == "c1"
    assert header(push, "X-Request-ID") != "r1"
    assert nsp.record.of("locations.receiver") == []
    listed = await nsp.get("locations")
    assert (listed.data, listed.headers["X-Total-Count"]) == ([], "0")


@pytest.mark.obligation("CRED-050")
async def test_the_codes_in_public_ids_need_not_be_those_of_the_party(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    location = a_location(evses=0) | {"evses": [an_evse("E1") | {"evse_id": "DE*EM1*E1"}]}
    assert (await cpo.put(location)).http == 201
    (push,) = await emsp.received("locations.receiver", "PUT")
    assert (push.json, push.segments) == (location, ("NL", "CPO", "LOC1"))
    asked = await emsp.get("locations", "LOC1/E1", to=None)
    assert asked.headers["OCPI-from-party-id"] == "CPO"


@pytest.mark.obligation("ROUT-312", "ROUT-301")
async def test_a_push_without_receiver_is_treated_as_a_broadcast(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    answer = await cpo.put(a_location(), to=None)
    assert answer.code == 1000
    (push,) = await emsp.received("locations.receiver", "PUT")
    assert header(push, "OCPI-from-party-id") == "HUB"


@pytest.mark.obligation("ROUT-304")
async def test_a_list_without_receiver_is_refused_with_a_hint(emsp: FakePartner) -> None:
    answer = await emsp.get("locations", to=None)
    assert (answer.http, answer.code) == (200, 2001)
    assert "OCPI-to" in answer.json["status_message"]


@pytest.mark.obligation("ROUT-302")
async def test_one_object_without_receiver_is_asked_from_its_owner(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    location = a_location()
    await cpo.put(location)
    body = codec.encode(
        {"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", "data": location}
    )
    cpo.answers("locations", SENDER, Reply(raw=body))
    answer = await emsp.get("locations", "LOC1", to=None)
    assert answer.body == body
    assert answer.headers["OCPI-from-party-id"] == "CPO"
    (asked,) = await cpo.received("locations.sender", "GET")
    assert header(asked, "OCPI-to-party-id") == "CPO"


@pytest.mark.obligation("ROUT-501", "ROUT-502", "ROUT-503", "ROUT-504", "ROUT-505")
async def test_a_partners_list_is_followed_page_by_page_through_the_hub(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    seen: list[str] = []

    async def pages(received: Received) -> Reply:
        seen.append(received.path)
        cursor = received.query.get("cursor")
        body = codec.encode(
            {
                "status_code": 1000,
                "timestamp": "2026-01-01T00:00:00Z",
                "data": [a_location(id=f"P{cursor}")],
            }
        )
        headers = {"X-Total-Count": "2", "X-Limit": "1"}
        if cursor is None:
            url = f"http://127.0.0.1:{cpo.server.port}{received.path}?cursor=a%2Bb&offset=1&limit=1"
            headers["Link"] = f'<{url}>; rel="next"'
        return Reply(raw=body, headers=headers)

    cpo.serve("locations", SENDER, pages)
    first = await emsp.get("locations", to="NL-CPO")
    assert (first.headers["X-Total-Count"], first.headers["X-Limit"]) == ("2", "1")
    link = first.headers["Link"]
    url = link[1 : link.index(">")]
    assert url.startswith(emsp.known_peer.url("locations", SENDER))
    assert "offset=1" in url
    assert "limit=1" in url
    second = await emsp.call("GET", url)
    assert [each["id"] for each in second.data] == ["Pa+b"]
    assert "Link" not in second.headers
    assert len(seen) == 2


ERRORS: list[tuple[str, str, int]] = [
    ("XX-ZZZ", "nobody", 4001),
    ("DE-EM1", "GET tokens of a party that offers no such interface", 4000),
]


@pytest.mark.obligation("STAT-023", "STAT-022", "STAT-027", "ROUT-113", "ROUT-011")
@pytest.mark.parametrize(("to", "_why", "code"), ERRORS)
async def test_the_hub_says_why_it_cannot_pass_a_request_on(
    cpo: FakePartner, emsp: FakePartner, to: str, _why: str, code: int
) -> None:
    answer = await cpo.send("GET", "sessions", side=SENDER, to=to)
    assert (answer.http, answer.code) == (200, code)
    assert answer.headers["OCPI-from-party-id"] == "HUB"


@pytest.mark.obligation("ROUT-006", "ROUT-803", "TR-054", "TR-055", "TR-039", "TR-040", "LOC-054")
@pytest.mark.parametrize(
    ("method", "path", "body", "how", "http", "code"),
    [
        ("PUT", "NL/CPO/LOC1", a_location(), {"sender": "BE-CP2"}, 200, 2001),
        ("PUT", "BE/CP2/LOC1", a_location(), {}, 404, 2000),
        ("PUT", "NL/CPO/OTHER", a_location(), {}, 200, 2001),
        ("PUT", "NL/CPO/LOC1", a_location(party_id="CP2"), {}, 200, 2001),
        ("PATCH", "NL/CPO/LOC1", {"name": "x"}, {}, 200, 2001),
        (
            "PATCH",
            "NL/CPO/LOC9",
            {"name": "x", "last_updated": "2026-02-01T00:00:00Z"},
            {},
            404,
            2003,
        ),
        ("PUT", "NL/CPO/LOC9/E1", an_evse(), {}, 404, 2003),
        ("PUT", "NL/CPO/LOC1", b'{"id":', {}, 400, 2000),
        ("PUT", "NL/CPO/LOC1", b"[]", {}, 200, 2001),
        ("POST", "NL/CPO/LOC1", a_location(), {}, 405, 2000),
        ("DELETE", "NL/CPO/LOC1", None, {}, 405, 2000),
    ],
)
async def test_a_wrong_push_is_refused_and_nobody_hears_of_it(  # noqa: PLR0917 - a row of the table
    cpo: FakePartner,
    emsp: FakePartner,
    method: str,
    path: str,
    body: Any,
    how: Any,
    http: int,
    code: int,
) -> None:
    answer = await cpo.send(method, "locations", path, body=body, **how)
    assert (answer.http, answer.code) == (http, code), answer.body
    await cpo.put(a_location(id="AFTER"))
    heard = await emsp.received("locations.receiver")
    assert [each.segments for each in heard] == [("NL", "CPO", "AFTER")]


@pytest.mark.obligation("ROUT-211", "ROUT-406")
async def test_personal_data_is_never_broadcast_or_listed_for_all(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    session = {"country_code": "NL", "party_id": "CPO", "id": "S1"}
    told = {"response_url": "http://127.0.0.1:1/"}
    for sender, method, module, side, path in (
        (cpo, "PUT", "sessions", RECEIVER, "NL/CPO/S1"),
        (cpo, "PATCH", "sessions", RECEIVER, "NL/CPO/S1"),
        (cpo, "POST", "cdrs", RECEIVER, ""),
        (emsp, "POST", "commands", RECEIVER, "START_SESSION"),
        (emsp, "PUT", "chargingprofiles", RECEIVER, "S1"),
        (emsp, "PUT", "sessions", SENDER, "S1/charging_preferences"),
        (cpo, "POST", "tokens", SENDER, "04A1/authorize"),
    ):
        pushed = await sender.send(method, module, path, side=side, body=session | told)
        assert (pushed.http, pushed.code, pushed.data) == (200, 2001, None)
    for module in ("sessions", "cdrs"):
        listed = await emsp.get(module)
        assert (listed.code, listed.data) == (2001, None)
    modules = ("sessions", "cdrs", "commands", "chargingprofiles", "tokens")
    assert [each for one in (cpo, emsp) for name in modules for each in one.record.of(name)] == []


@pytest.mark.obligation("HCI-010", "HCI-012", "HCI-013", "HCI-014")
async def test_partners_are_told_of_each_other(hub: Hub, emsp: FakePartner) -> None:
    async with fake_partner(CPO="NL-CPO NL-CP2") as cpo:
        platform = await hub.connect(cpo)
        pushes = await emsp.received("hubclientinfo.receiver", "PUT", count=2, where=connected)
        assert {each.segments for each in pushes} == {("NL", "CPO"), ("NL", "CP2")}
        assert all(header(each, "OCPI-to-party-id") is None for each in pushes)
        assert {each.json["role"] for each in pushes} == {"CPO"}
        listed = await emsp.call("GET", emsp.known_peer.url("hubclientinfo", SENDER))
        assert {each["party_id"]: each["status"] for each in listed.data} == {
            "CPO": "CONNECTED",
            "CP2": "CONNECTED",
        }
        await hub.admin("DELETE", f"/platforms/{platform}")
        (gone, *_) = await emsp.received("hubclientinfo.receiver", "PUT", where=suspended)
        assert gone.segments[1] in {"CPO", "CP2"}


def connected(received: Received) -> bool:
    return bool(received.json["status"] == "CONNECTED")


def suspended(received: Received) -> bool:
    return bool(received.json["status"] == "SUSPENDED")


def test_paths_are_encoded_segment_by_segment() -> None:
    assert location_path(a_location(id="a/b c")) == "NL/CPO/a%2Fb%20c"


@pytest.mark.obligation("ROUT-222")
async def test_an_older_push_changes_nothing_and_the_journal_says_so(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    location = a_location()
    await cpo.put(location)
    older = {"status": "BLOCKED", "last_updated": "2025-01-01T00:00:00Z"}
    answer = await cpo.patch(location, older, "E1", headers={"X-Correlation-ID": "late"})
    assert (answer.http, answer.code) == (200, 1000)
    assert (await emsp.get("locations")).data == [location]

    async def told() -> bool:
        rows = (await hub.admin("GET", "/messages", correlation_id="late"))["items"]
        return any("ROUT-222" in finding for row in rows for finding in row["findings"])

    await eventually(told)


@pytest.mark.obligation("ROUT-222")
async def test_a_stamp_of_the_year_9999_holds_nobody_up_and_the_journal_names_it(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    ids = {"X-Correlation-ID": "ahead"}
    first = await cpo.put(a_location(last_updated="9999-12-31T23:59:59Z"), headers=ids)
    assert (first.http, first.code) == (201, 1000)
    location = a_location(name="with a clock that is right")
    assert (await cpo.put(location)).code == 1000
    assert (await emsp.get("locations")).data == [location]

    async def told() -> bool:
        rows = (await hub.admin("GET", "/messages", correlation_id="ahead"))["items"]
        return any("a day ahead" in finding for row in rows for finding in row["findings"])

    await eventually(told)
