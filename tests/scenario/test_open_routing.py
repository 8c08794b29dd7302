"""Requests that name no receiver: their content, or what the hub remembers, tells who it is."""

from typing import Any

import pytest

from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_cdr, a_cdr_token, a_location, a_session, a_token
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, free_port, running_house

ACCEPTED = Reply(data=b'{"result":"ACCEPTED","timeout":30}')
TOKEN = a_token(country_code="DE", party_id="EM1")
SESSION = a_session(cdr_token=a_cdr_token(TOKEN))
CDR = a_cdr(cdr_token=a_cdr_token(TOKEN))


@pytest.fixture(autouse=True)
def _willing(request: pytest.FixtureRequest) -> None:
    if "cpo" in request.fixturenames:
        for module in ("commands", "chargingprofiles"):
            request.getfixturevalue("cpo").answers(module, RECEIVER, ACCEPTED)


def second_operator() -> FakePartner:
    partner = fake_partner(CPO="BE-CP2")
    for module in ("commands", "chargingprofiles"):
        partner.answers(module, RECEIVER, ACCEPTED)
    return partner


async def command(emsp: FakePartner, name: str, **body: Any) -> Answer:
    body |= {"response_url": emsp.url("commands", SENDER)}
    return await emsp.send("POST", "commands", name, body=body, to=None)


async def session_of(cpo: FakePartner, session: dict[str, Any] = SESSION, **how: Any) -> Answer:
    country, party = cpo.party.country_code, cpo.party.party_id
    body = session | {"country_code": country, "party_id": party}
    path = f"{country}/{party}/{session['id']}"
    return await cpo.send("PUT", "sessions", path, body=body, **how)


def parties(received: Received) -> tuple[str | None, str | None]:
    return received.headers.get("OCPI-from-party-id"), received.headers.get("OCPI-to-party-id")


@pytest.mark.obligation("ROUT-306", "ROUT-302", "SES-059", "CDR-028", "CDR-004")
async def test_sessions_and_cdrs_go_to_the_owner_of_their_token(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-EM2") as other:
        await hub.connect(other)
        for answer in (
            await session_of(cpo, to=None),
            await cpo.send("PATCH", "sessions", "NL/CPO/S1", body={"kwh": 2}, to=None),
            await cpo.send("GET", "sessions", "nl/cpo/s1", to=None),
            await cpo.send("POST", "cdrs", body=CDR, to=None),
            await cpo.send("GET", "cdrs", "C1", to=None),
        ):
            assert answer.code == 1000
            assert answer.headers["OCPI-from-party-id"] == "EM1"
            assert answer.headers["OCPI-to-party-id"] == "CPO"
        for interface, methods in (
            ("sessions", ["PUT", "PATCH", "GET"]),
            ("cdrs", ["POST", "GET"]),
        ):
            came = emsp.record.of(f"{interface}.receiver")
            assert [each.method for each in came] == methods
            assert {parties(each) for each in came} == {("CPO", "EM1")}
            assert other.record.of(interface) == []


@pytest.mark.obligation("ROUT-306", "ROUT-311", "ROUT-313")
async def test_what_nobody_is_known_for_is_refused_and_goes_nowhere(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    for method, module, path, body, expected in (
        ("PATCH", "sessions", "NL/CPO/S1", {"kwh": 2}, (200, 4001)),
        ("PUT", "sessions", "NL/CPO/S1", {"id": "S1"}, (200, 4001)),
        ("GET", "sessions", "NL/CPO/S1", None, (404, 2000)),
        ("GET", "cdrs", "C1", None, (404, 2000)),
        ("POST", "cdrs", "", {"id": "C1"}, (200, 4001)),
    ):
        refused = await cpo.send(method, module, path, body=body, to=None)
        assert (refused.http, refused.code) == expected
    foreign = a_cdr_token(a_token(country_code="FR", party_id="ZZZ"))
    assert (await session_of(cpo, SESSION | {"cdr_token": foreign}, to=None)).code == 4001
    assert emsp.record.of("sessions") == emsp.record.of("cdrs") == []


@pytest.mark.obligation("ROUT-110", "ROUT-309", "ROUT-310", "SES-018", "CMD-051")
async def test_what_concerns_a_session_goes_to_its_operator(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with second_operator() as other:
        await hub.connect(other)
        await session_of(cpo, to="DE-EM1")
        for answer in (
            await command(emsp, "STOP_SESSION", session_id="s1"),
            await profile(emsp, "PUT"),
            await profile(emsp, "GET"),
            await profile(emsp, "DELETE"),
            await preferences(emsp),
        ):
            assert answer.code == 1000
            assert answer.headers["OCPI-from-party-id"] == "CPO"
        for interface, count in (
            ("commands.receiver", 1),
            ("chargingprofiles.receiver", 3),
            ("sessions.sender", 1),
        ):
            came = cpo.record.of(interface)
            assert [parties(each) for each in came] == [("EM1", "CPO")] * count
            assert other.record.of(interface) == []
        assert (await emsp.get("sessions")).code == 2001


async def profile(emsp: FakePartner, method: str, session: str = "S1", **how: Any) -> Answer:
    where = emsp.url("chargingprofiles", SENDER)
    if method == "PUT":
        body = {"charging_profile": {"charging_rate_unit": "A"}, "response_url": where}
        return await emsp.send(method, "chargingprofiles", session, body=body, to=None, **how)
    path = f"{session}?duration=900&response_url={where}"
    return await emsp.send(method, "chargingprofiles", path, to=None, **how)


async def preferences(emsp: FakePartner) -> Answer:
    path = "S1/charging_preferences"
    body = {"profile_type": "FAST"}
    return await emsp.send("PUT", "sessions", path, side=SENDER, body=body, to=None)


@pytest.mark.obligation("ROUT-311", "ROUT-309", "ROUT-310", "SES-018")
async def test_what_concerns_an_unknown_session_is_refused(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    for answer in (
        await command(emsp, "STOP_SESSION", session_id="S1"),
        await command(emsp, "CANCEL_RESERVATION", reservation_id="R1"),
        await command(emsp, "START_SESSION", token=TOKEN, location_id="LOC1"),
        await command(emsp, "FOO", session_id="S1"),
        await command(emsp, "STOP_SESSION", session_id=7),
        await profile(emsp, "PUT"),
        await profile(emsp, "GET"),
        await profile(emsp, "DELETE"),
        await preferences(emsp),
    ):
        assert (answer.http, answer.code) == (200, 4001)
    changed = await cpo.send("PUT", "chargingprofiles", "S1", side=SENDER, body={}, to=None)
    assert changed.code == 4001
    assert cpo.record.of("commands") == cpo.record.of("chargingprofiles") == []
    assert emsp.record.of("chargingprofiles") == []


@pytest.mark.obligation("ROUT-309", "ROUT-310", "ROUT-311")
async def test_between_two_sessions_with_one_id_nobody_guesses(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with second_operator() as other, fake_partner(EMSP="DE-EM2") as third:
        await hub.connect(other)
        await hub.connect(third)
        await session_of(cpo, to="DE-EM1")
        await session_of(other, to="DE-EM1")
        for asking in (emsp, third):
            for answer in (
                await command(asking, "STOP_SESSION", session_id="S1"),
                await profile(asking, "PUT"),
                await preferences(asking),
            ):
                assert (answer.http, answer.code) == (200, 4001)
        for partner in (cpo, other):
            assert partner.record.of("commands") == partner.record.of("chargingprofiles") == []


@pytest.mark.obligation("ROUT-309")
async def test_a_provider_means_its_own_session_not_the_one_of_another(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with second_operator() as other, fake_partner(EMSP="DE-EM2") as third:
        await hub.connect(other)
        await hub.connect(third)
        theirs = a_cdr_token(a_token(country_code="DE", party_id="EM2"))
        await session_of(cpo, to="DE-EM1")
        await session_of(other, SESSION | {"cdr_token": theirs}, to="DE-EM2")
        mine = await command(emsp, "STOP_SESSION", session_id="S1")
        assert mine.headers["OCPI-from-party-id"] == "CPO"
        others = await command(third, "STOP_SESSION", session_id="S1")
        assert others.headers["OCPI-from-party-id"] == "CP2"


@pytest.mark.obligation("ROUT-309")
@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
async def test_commands_at_a_location_go_to_its_operator_be_it_published_or_sent_directly(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, name: str
) -> None:
    async with second_operator() as other:
        await hub.connect(other)
        await cpo.put(a_location())
        mine = a_location(country_code="BE", party_id="CP2", id="HOME1")
        assert (await other.put(mine, to="DE-EM1")).code == 1000
        for partner, location_id in ((cpo, "loc1"), (other, "home1")):
            answer = await command(emsp, name, token=TOKEN, location_id=location_id)
            assert answer.headers["OCPI-from-party-id"] == partner.party.party_id
            (came,) = partner.record.of("commands.receiver")
            assert parties(came) == ("EM1", partner.party.party_id)
        seen = await emsp.get("locations", "HOME1", to=None)
        assert seen.headers["OCPI-from-party-id"] == "CP2"
        assert [each["id"] for each in (await emsp.get("locations")).data] == ["LOC1"]


@pytest.mark.obligation("ROUT-309", "ROUT-311")
async def test_between_two_locations_with_one_id_only_an_evse_can_tell(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with second_operator() as other:
        await hub.connect(other)
        await cpo.put(a_location())
        foreign = a_location(country_code="BE", party_id="CP2", evses=1)
        foreign["evses"][0]["uid"] = "BE1"
        await other.put(foreign)
        refused = await command(emsp, "START_SESSION", token=TOKEN, location_id="LOC1")
        assert (refused.http, refused.code) == (200, 4001)
        assert cpo.record.of("commands") == other.record.of("commands") == []
        told = await command(emsp, "START_SESSION", token=TOKEN, location_id="LOC1", evse_uid="be1")
        assert told.headers["OCPI-from-party-id"] == "CP2"


@pytest.mark.obligation("ROUT-309", "CMD-035")
async def test_a_reservation_is_cancelled_where_it_was_made_and_only_by_who_made_it(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with second_operator() as other, fake_partner(EMSP="DE-EM2") as third:
        await hub.connect(other)
        await hub.connect(third)
        await reserve(emsp, "NL-CPO")
        await reserve(third, "BE-CP2")
        stranger = await command(third, "CANCEL_RESERVATION", reservation_id="R1")
        assert stranger.headers["OCPI-from-party-id"] == "CP2"
        mine = await command(emsp, "CANCEL_RESERVATION", reservation_id="r1")
        assert mine.headers["OCPI-from-party-id"] == "CPO"
        await reserve(emsp, "BE-CP2")
        assert (await command(emsp, "CANCEL_RESERVATION", reservation_id="R1")).code == 4001
        cpo.answers("commands", RECEIVER, Reply(data=b'{"result":"REJECTED","timeout":30}'))
        await reserve(emsp, "NL-CPO", "R2")
        assert (await command(emsp, "CANCEL_RESERVATION", reservation_id="R2")).code == 4001


async def reserve(emsp: FakePartner, operator: str, reservation: str = "R1") -> None:
    party = emsp.party
    body = {
        "response_url": emsp.url("commands", SENDER),
        "token": TOKEN | {"country_code": party.country_code, "party_id": party.party_id},
        "reservation_id": reservation,
        "location_id": "LOC9",
        "expiry_date": "2031-01-01T00:00:00Z",
    }
    assert (await emsp.send("POST", "commands", "RESERVE_NOW", body=body, to=operator)).code == 1000


@pytest.mark.obligation("ROUT-310", "CHP-042")
async def test_a_changed_profile_is_told_to_the_one_who_set_it(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(SCSP="FR-SCS") as scsp:
        await hub.connect(scsp)
        await session_of(cpo, to="DE-EM1")
        await profile(scsp, "PUT")
        told = await cpo.send("PUT", "chargingprofiles", "S1", side=SENDER, body={}, to=None)
        assert told.headers["OCPI-from-party-id"] == "SCS"
        await profile(emsp, "PUT")
        between = await cpo.send("PUT", "chargingprofiles", "S1", side=SENDER, body={}, to=None)
        assert between.code == 4001
        assert len(scsp.record.of("chargingprofiles.sender", "PUT")) == 1
        assert emsp.record.of("chargingprofiles.sender", "PUT") == []


@pytest.mark.obligation("ROUT-110")
async def test_what_the_receiver_refused_teaches_nothing(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    emsp.answers("sessions", RECEIVER, Reply(code=2001))
    await session_of(cpo, to="DE-EM1")
    assert (await command(emsp, "STOP_SESSION", session_id="S1")).code == 4001


async def test_the_hub_remembers_after_a_restart(database_url: str) -> None:
    where = {"listen": f"127.0.0.1:{free_port()}"}
    async with second_operator() as cpo, fake_partner(EMSP="DE-EM1") as emsp:
        async with running_house(database_url, server=where) as hub:
            await hub.connect(cpo)
            await hub.connect(emsp)
            await session_of(cpo, to="DE-EM1")
        async with running_house(database_url, server=where):
            stopped = await command(emsp, "STOP_SESSION", session_id="S1")
        assert stopped.headers["OCPI-from-party-id"] == "CP2"


@pytest.mark.obligation("ROUT-803")
async def test_a_cdr_of_another_operator_is_refused(cpo: FakePartner, emsp: FakePartner) -> None:
    for to in ("DE-EM1", None):
        refused = await cpo.send("POST", "cdrs", body=CDR | {"party_id": "XXX"}, to=to)
        assert (refused.http, refused.code) == (200, 2001)
        assert "party_id" in refused.json["status_message"]
    assert emsp.record.of("cdrs") == []


@pytest.mark.obligation("ROUT-314")
async def test_who_may_not_be_reached_is_not_found_either(database_url: str) -> None:
    async with (
        running_house(database_url, routing={"agreements": "required"}) as hub,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        await hub.connect(cpo)
        await hub.connect(emsp)
        cpo.answers("commands", RECEIVER, ACCEPTED)
        agreement = await hub.admin("POST", "/agreements", {"parties": ["NL-CPO", "DE-EM1"]})
        assert (await session_of(cpo, to=None)).code == 1000
        assert (await command(emsp, "STOP_SESSION", session_id="S1")).code == 1000
        await hub.admin("DELETE", f"/agreements/{agreement['id']}")
        foreign = a_cdr_token(a_token(country_code="FR", party_id="ZZZ"))
        for sent in (SESSION, SESSION | {"cdr_token": foreign}):
            assert (await session_of(cpo, sent, to=None)).code == 4001
        for session_id in ("S1", "S2"):
            refused = await command(emsp, "STOP_SESSION", session_id=session_id)
            assert (refused.http, refused.code) == (200, 4001)
        assert len(emsp.record.of("sessions")) == len(cpo.record.of("commands")) == 1
