"""Roaming with partners that run on extrawest-ocpi, which nobody here wrote.

They are servers, and push one object at a time; they register nowhere by themselves. All they read
they fold to lower case.
"""

from typing import Any

import pytest

from ocpi_hub.simulator.client import Answer
from tests import build
from tests.fake_partner import SENDER, FakePartner
from tests.hub import Hub, eventually
from tests.interop.conftest import Stranger

pytestmark = pytest.mark.timeout(300)

LATER = "2026-02-01T00:00:00Z"
CARD = build.a_token(party_id="XEM", uid="04A1")


def single(answer: Answer) -> Any:
    """A stranger's answer: a list, also where the text wants one object."""
    assert answer.code == 1000, answer.body
    [found] = answer.data
    return found


async def findings(hub: Hub, stranger: Stranger, *wanted: str) -> None:
    """What the operator is told about it, as soon as these rules are among it."""
    rules: set[str] = set()

    async def told() -> bool:
        listed = await hub.admin("GET", f"/platforms/{stranger.platform}/findings")
        rules.update(item["rule"] for item in listed["items"])
        return set(wanted) <= rules

    try:
        await eventually(told)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}, found {rules}") from None


async def test_the_hub_registers_renews_and_leaves(
    hub: Hub, strange_cpo: Stranger, strange_emsp: Stranger
) -> None:
    for stranger, party in ((strange_cpo, "NL-XCP"), (strange_emsp, "DE-XEM")):
        known = await hub.admin("GET", f"/platforms/{stranger.platform}")
        assert (known["status"], known["versions"]) == ("CONNECTED", ["2.2.1"])
        [role] = known["roles"]
        assert f"{role['country_code']}-{role['party_id']}" == party
        first = await stranger.held()
        await hub.admin("POST", f"/platforms/{stranger.platform}/rotate")
        second = await stranger.held()
        assert second["token"] not in {"", first["token"]}
        assert second["hub"]["credentials"]["token"] != first["hub"]["credentials"]["token"]
    await strange_cpo.holds("hubclientinfo", "de-xem", status="CONNECTED")
    await strange_emsp.holds("hubclientinfo", "nl-xcp", status="CONNECTED")
    await hub.admin("DELETE", f"/platforms/{strange_cpo.platform}")
    assert (await strange_cpo.held())["token"] == ""
    await strange_emsp.holds("hubclientinfo", "nl-xcp", status="SUSPENDED")
    await findings(hub, strange_emsp, "TR-071", "TR-075")


async def test_locations_are_read_page_by_page_and_reach_a_stranger(
    hub: Hub, strange_cpo: Stranger, strange_emsp: Stranger, emsp: FakePartner
) -> None:
    for number in range(1, 6):
        location = build.a_location(party_id="XCP", id=f"LOC{number}")
        await strange_cpo.put("locations", f"loc{number}", location)
    await strange_cpo.put("tariffs", "t1", build.a_tariff(party_id="XCP"))
    await hub.admin("POST", f"/platforms/{strange_cpo.platform}/pull")
    for number in range(1, 6):
        found = await strange_emsp.holds("locations", f"loc{number}", party_id="xcp")
        assert [evse["uid"] for evse in found["evses"]] == ["e1", "e2"]
    await strange_emsp.holds("tariffs", "t1", currency="EUR")
    listed = (await emsp.get("locations")).data
    assert {each["id"] for each in listed} == {f"loc{number}" for number in range(1, 6)}
    one = await emsp.get("locations", "LOC3/E2", to="NL-XCP")
    assert single(one)["status"] == "AVAILABLE"
    await findings(hub, strange_cpo, "TR-061")


async def test_a_change_is_told_to_a_stranger(strange_emsp: Stranger, cpo: FakePartner) -> None:
    location = build.a_location()
    assert (await cpo.put(location)).code == 1000
    await strange_emsp.holds("locations", "loc1")
    change = {"status": "CHARGING", "last_updated": LATER}
    assert (await cpo.patch(location, change, "E1")).code == 1000

    async def told() -> bool:
        found = await strange_emsp.holds("locations", "loc1")
        states = {evse["uid"]: evse["status"] for evse in found["evses"]}
        return states == {"e1": "CHARGING", "e2": "AVAILABLE"}

    await eventually(told)


async def test_tokens_are_read_from_a_stranger_told_to_another_and_authorized(
    hub: Hub, strange_cpo: Stranger, strange_emsp: Stranger, cpo: FakePartner
) -> None:
    await strange_emsp.put("tokens", "04a1", CARD)
    await hub.admin("POST", f"/platforms/{strange_emsp.platform}/pull")
    found = await strange_cpo.holds("tokens", "04a1", party_id="xem")
    assert (found["valid"], found["whitelist"]) == (True, "ALLOWED")
    for to in ("DE-XEM", None):
        where = {"location_id": "LOC1", "evse_uids": ["E1"]}
        asked = await cpo.send("POST", "tokens", "04A1/authorize", side=SENDER, body=where, to=to)
        allowed = single(asked)
        assert (allowed["allowed"], allowed["token"]["uid"]) == ("ALLOWED", "04a1")
        assert allowed["location"]["location_id"] == "loc1"
    await findings(hub, strange_emsp, "TR-061")


async def test_a_stranger_pushes_its_objects_by_itself(
    strange_cpo: Stranger, strange_emsp: Stranger, emsp: FakePartner, cpo: FakePartner
) -> None:
    """Without any routing header: the hub knows who pushes, and finds for whom."""
    card = build.a_cdr_token(CARD)
    pushed = {
        ("locations", "loc1"): build.a_location(party_id="XCP"),
        ("tariffs", "t1"): build.a_tariff(party_id="XCP"),
        ("sessions", "s1"): build.a_session(party_id="XCP", cdr_token=card),
        ("cdrs", "c1"): build.a_cdr(party_id="XCP", cdr_token=card),
    }
    for (module, key), value in pushed.items():
        await strange_cpo.put(module, key, value)
        assert await strange_cpo.push(module, key) in {200, 201}
        held = await strange_emsp.holds(module, key, party_id="xcp")
        assert held["last_updated"] == value["last_updated"]
    assert (await emsp.received("locations.receiver", "PUT"))[0].json["id"] == "loc1"
    await strange_emsp.put("tokens", "04a1", CARD)
    assert await strange_emsp.push("tokens", "04a1") in {200, 201}
    await strange_cpo.holds("tokens", "04a1")
    assert (await cpo.received("tokens.receiver", "PUT"))[0].json["uid"] == "04a1"


async def test_a_session_and_its_bill_go_to_a_stranger(
    strange_emsp: Stranger, cpo: FakePartner
) -> None:
    card = build.a_cdr_token(CARD)
    session = build.a_session(cdr_token=card)
    assert single(await cpo.send("PUT", "sessions", "NL/CPO/S1", body=session, to="DE-XEM"))
    change = {"kwh": 3, "status": "COMPLETED", "last_updated": LATER}
    assert single(await cpo.send("PATCH", "sessions", "NL/CPO/S1", body=change, to="DE-XEM"))
    await strange_emsp.holds("sessions", "s1", kwh=3, status="COMPLETED", currency="EUR")
    bill = build.a_cdr(cdr_token=card)
    answer = await cpo.send("POST", "cdrs", body=bill, to="DE-XEM")
    assert single(answer)["id"] == "c1"
    held = await strange_emsp.holds("cdrs", "c1", total_energy=10)
    assert held["total_cost"] == bill["total_cost"]
    assert "Location" not in answer.headers, "its address for the CDR leads nowhere"


async def test_a_stranger_is_commanded_and_tells_the_result(
    hub: Hub, strange_cpo: Stranger, emsp: FakePartner
) -> None:
    await strange_cpo.put("locations", "loc1", build.a_location(party_id="XCP"))
    plug = {"location_id": "LOC1", "evse_uid": "E1", "connector_id": "1"}
    commands = {
        "START_SESSION": plug | {"token": build.a_token()},
        "STOP_SESSION": {"session_id": "S1"},
        "UNLOCK_CONNECTOR": plug,
    }
    for name, body in commands.items():
        url = f"{emsp.url('commands', SENDER)}/{name}/1"
        answer = await emsp.send(
            "POST", "commands", name, body=body | {"response_url": url}, to="NL-XCP"
        )
        assert single(answer) == {"result": "ACCEPTED", "timeout": 30, "message": []}
        [result] = await emsp.received(
            "commands.sender", where=lambda got, wanted=name: wanted in got.segments
        )
        assert result.json == {"result": "ACCEPTED", "message": []}
    asked = (await strange_cpo.held())["objects"]["asked"]
    assert asked.keys() == commands.keys()
    assert asked["START_SESSION"]["token"]["uid"] == "04a1"
    await findings(hub, strange_cpo, "TR-061", "TR-075")


async def test_what_a_stranger_refuses_without_an_envelope_gets_one(
    strange_cpo: Stranger, emsp: FakePartner
) -> None:
    unknown = await emsp.get("locations", "NOWHERE", to="NL-XCP")
    assert (unknown.http, unknown.code) == (404, 2000)
    profile = {"charging_profile": {"charging_rate_unit": "W"}}
    body = profile | {"response_url": f"{emsp.url('chargingprofiles', SENDER)}/1"}
    answer = await emsp.send("PUT", "chargingprofiles", "S1", body=body, to="NL-XCP")
    assert (answer.http, answer.code) == (200, 4000)
    assert "HTTP 422" in answer.json["status_message"]
