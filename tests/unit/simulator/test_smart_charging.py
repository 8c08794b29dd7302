"""Charging profiles: an eMSP sets them, or an SCSP that the eMSP has hired."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.v2_2_1.chargingprofiles import SetChargingProfile
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.simulator.commands import Improper
from ocpi_hub.simulator.delegation import Delegation
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.profiles import limit
from ocpi_hub.simulator.scsp import Scsp
from ocpi_hub.simulator.server import Reply
from tests.build import LONG_AGO, a_location, a_session, an_evse, as_bytes

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
CPO, EMSP, SCSP = PartyRef("NL", "CPO"), PartyRef("DE", "EMP"), PartyRef("DE", "SCS")
MODULE = "chargingprofiles"
ACCEPTED = {"result": "ACCEPTED", "timeout": 5}
ACTIVE = {"start_date_time": LONG_AGO, "charging_profile": limit(11_000)}


def says(charger, response=ACCEPTED):
    charger.answers(MODULE, RECEIVER, Reply(as_bytes(response)))


# An eMSP


@pytest.mark.obligation("CHP-003", "CHP-009", "CHP-014", "CHP-020")
async def test_set_ask_and_clear_have_addresses_of_their_own(provider, charger):
    says(charger)
    pending = [
        await provider.limit(a_session(), limit(7_400)),
        await provider.profiles.ask(CPO, "S1"),
        await provider.profiles.clear(CPO, "S1"),
    ]
    put, get, delete = charger.record.of(f"{MODULE}.receiver")
    assert validate(SetChargingProfile, put.json) == ()
    assert {each.segments for each in (put, get, delete)} == {("S1",)}
    urls = [put.json["response_url"], get.query["response_url"], delete.query["response_url"]]
    assert urls == [each.url for each in pending]
    assert len(set(urls)) == 3
    for number, url in enumerate(urls):
        result = {"result": ("ACCEPTED", "REJECTED", "UNKNOWN")[number]}
        answer = await charger.call("POST", url, body=codec.encode(result))
        assert (answer.code, "data" in answer.json) == (1000, False)
        assert await pending[number].result() == result


@pytest.mark.obligation("CHP-044")
async def test_no_more_is_asked_of_the_future_than_is_needed(provider, charger):
    says(charger)
    await provider.profiles.ask(CPO, "S1")
    await provider.profiles.ask(CPO, "S1", duration=60)
    first, second = charger.record.of(f"{MODULE}.receiver", "GET")
    assert (first.query["duration"], second.query["duration"]) == ("900", "60")


@pytest.mark.obligation("CHP-018")
async def test_a_result_that_never_comes_is_given_up(provider, charger):
    says(charger, {"result": "ACCEPTED", "timeout": 0})
    pending = await provider.profiles.clear(CPO, "S1")
    assert await pending.result() is None
    assert len(charger.record.of(f"{MODULE}.receiver")) == 1


@pytest.mark.obligation("CHP-019", "CHP-026")
async def test_what_the_cpo_tells_of_the_active_profile_is_kept(provider, charger):
    answer = await charger.ask("PUT", MODULE, SENDER, ("S1",), ACTIVE)
    assert (answer.code, "data" in answer.json) == (1000, False)
    assert provider.profiles.active == {"S1": ACTIVE}
    assert (await charger.ask("PUT", MODULE, SENDER, ("S1",), {})).code == 2001
    for method in ("GET", "PATCH", "DELETE"):
        assert (await charger.ask(method, MODULE, SENDER, ("S1",))).http == 405


@pytest.mark.obligation("CHP-045")
async def test_an_evse_that_follows_no_profile_is_sent_none(provider, charger):
    provider.copy.add([a_location()])
    with pytest.raises(Improper, match="CHARGING_PROFILE_CAPABLE"):
        await provider.limit(a_session(), limit(7_400))
    assert charger.record.of(f"{MODULE}.receiver") == []
    capable = an_evse(capabilities=["CHARGING_PROFILE_CAPABLE"])
    provider.copy.one(CPO, "LOC1")["evses"] = [capable]
    says(charger)
    assert (await provider.limit(a_session(), limit(7_400))).accepted


# An SCSP behind the eMSP


@pytest.fixture
async def scsp(provider, charger) -> AsyncIterator[Scsp]:
    """It limits every session to 7400 W; the eMSP reaches it by another system of its own."""
    role = PlatformRole(EMSP, Role.EMSP, "Fahrstrom")
    async with (
        Scsp("Lastwerk", SCSP, watts=7_400) as platform,
        SimulatedPlatform("Fahrstrom for Lastwerk", [role]) as towards,
    ):
        Delegation(provider, SCSP, towards)
        await towards.register(platform.versions_url, platform.issue_token_a())
        yield platform


async def put_session(charger, **members):
    ids = ("NL", "CPO", "S1")
    return await charger.ask("PUT", "sessions", RECEIVER, ids, a_session(**members))


@pytest.mark.obligation("CHP-040")
async def test_a_session_goes_to_the_scsp_whose_limit_goes_to_the_cpo(provider, charger, scsp):
    says(charger)
    await put_session(charger)
    [put] = await charger.received(f"{MODULE}.receiver", "PUT")
    assert scsp.sessions.one(CPO, "S1") == codec.decode(as_bytes(a_session()))
    assert put.json["charging_profile"] == limit(7_400)
    own = put.json["response_url"]
    await scsp.errands.settle()
    [asked] = scsp.profiles.mailbox.requests
    assert asked.response == ACCEPTED
    assert own.startswith(provider.server.url)
    assert asked.url.startswith(scsp.server.url)
    assert (await charger.call("POST", own, body=b'{"result": "REJECTED"}')).ok
    assert await asked.result() == {"result": "REJECTED"}


@pytest.mark.obligation("CHP-043")
async def test_an_emsp_with_an_scsp_sets_no_profile_of_its_own(provider, charger, scsp):
    with pytest.raises(Improper, match="CHP-043"):
        await provider.limit(a_session(), limit(3_700))
    assert charger.record.of(f"{MODULE}.receiver") == []


async def test_a_session_is_limited_once_and_then_only_followed(charger, scsp):
    says(charger)
    for number in range(1, 4):
        await put_session(charger, kwh=number, last_updated=f"2026-01-01T00:0{number}:00Z")
    await scsp.record.wait("sessions", "PUT", where=lambda each: each.json["kwh"] == 3)
    await scsp.errands.settle()
    assert len(charger.record.of(f"{MODULE}.receiver")) == 1


@pytest.mark.obligation("CHP-040")
async def test_the_scsp_asks_and_clears_by_the_emsp_too(charger, scsp):
    says(charger)
    await put_session(charger, status="PENDING")
    await scsp.record.wait("sessions", "PUT")
    asked = await scsp.profiles.ask(EMSP, "S1", duration=300)
    cleared = await scsp.profiles.clear(EMSP, "S1")
    get, delete = charger.record.of(f"{MODULE}.receiver")
    assert get.query["duration"] == "300"
    active = {"result": "ACCEPTED", "profile": ACTIVE}
    for request, pending, result in (
        (get, asked, active),
        (delete, cleared, {"result": "UNKNOWN"}),
    ):
        url = request.query["response_url"]
        assert url != pending.url
        await charger.call("POST", url, body=codec.encode(result))
        assert await pending.result() == result


async def test_a_refusal_of_the_cpo_is_that_of_the_emsp(charger, scsp):
    await put_session(charger, status="PENDING")
    await scsp.record.wait("sessions", "PUT")
    says(charger, {"result": "TOO_OFTEN", "timeout": 0})
    pending = await scsp.profiles.clear(EMSP, "S1")
    assert pending.response == {"result": "TOO_OFTEN", "timeout": 0}
    assert await pending.result() is None
    unknown = await scsp.profiles.clear(EMSP, "S9")
    assert unknown.response["result"] == "UNKNOWN_SESSION"
    assert len(charger.record.of(f"{MODULE}.receiver")) == 1


async def test_the_scsp_hears_of_active_profiles(charger, scsp):
    await charger.ask("PUT", MODULE, SENDER, ("S1",), ACTIVE)
    await scsp.record.wait(f"{MODULE}.sender", "PUT")
    assert scsp.profiles.active == {"S1": ACTIVE}


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", {"duration": "60"}), ("GET", {"response_url": "http://x"}), ("DELETE", {}),
        ("GET", {"duration": "long", "response_url": "http://x"}), ("PUT", {}),
    ],
)  # fmt: skip
@pytest.mark.obligation("CHP-005", "CHP-007")
async def test_an_incomplete_request_of_the_scsp_is_refused(charger, scsp, method, query):
    body = {"charging_profile": limit(1)} if method == "PUT" else None
    answer = await scsp.ask(method, MODULE, RECEIVER, ("S1",), body, params=query)
    assert answer.code == 2001
    assert charger.record.of(f"{MODULE}.receiver") == []


async def test_an_emsp_whose_cpo_is_gone_says_so(provider, charger, scsp):
    await put_session(charger, status="PENDING")
    await scsp.record.wait("sessions", "PUT")
    provider.clients.add([_offline()])
    answer = await scsp.ask(
        "DELETE", MODULE, RECEIVER, ("S1",), params={"response_url": "http://x"}
    )
    assert (answer.http, answer.code) == (200, 3000)


def _offline():
    party = {"country_code": "NL", "party_id": "CPO", "role": "CPO", "status": "OFFLINE"}
    return party | {"last_updated": LONG_AGO}
