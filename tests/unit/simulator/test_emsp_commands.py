"""An eMSP's commands: what it sends, the answer at once, the result that follows."""

import asyncio
from datetime import UTC, datetime

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.commands import (
    CancelReservation,
    ReserveNow,
    StartSession,
    StopSession,
    UnlockConnector,
)
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.commands import Improper
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.token_book import Terms
from tests.build import a_connector, a_location, a_session, a_token, an_evse, as_bytes

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
CPO = PartyRef("NL", "CPO")
CAPABLE = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE"]
HERE, EVSE = a_location(), an_evse(capabilities=CAPABLE)
TONIGHT = datetime(2026, 1, 1, 22, tzinfo=UTC)


@pytest.fixture
def token(provider):
    return provider.issuer.book.add(a_token())


@pytest.fixture
def commands(provider, charger):
    says(charger, "ACCEPTED")
    return provider.commands


def says(charger, result, timeout=5):
    charger.answers("commands", RECEIVER, Reply(as_bytes({"result": result, "timeout": timeout})))


async def result_at(charger, url, result="ACCEPTED"):
    return await charger.call("POST", url, body=codec.encode({"result": result}))


@pytest.mark.obligation("CMD-004", "CMD-012", "CMD-038", "LOC-112")
async def test_each_command_has_the_object_that_belongs_to_it(charger, commands, token):
    picky = EVSE | {"capabilities": [*CAPABLE, "START_SESSION_CONNECTOR_REQUIRED"]}
    await commands.start(token, HERE, picky, reference="REF")
    await commands.stop(a_session())
    await commands.reserve(token, HERE, EVSE, "R1", TONIGHT)
    await commands.cancel(CPO, "R1")
    await commands.unlock(HERE, EVSE, a_connector())
    requests = charger.record.of("commands.receiver", "POST")
    models = {
        "START_SESSION": StartSession,
        "STOP_SESSION": StopSession,
        "RESERVE_NOW": ReserveNow,
        "CANCEL_RESERVATION": CancelReservation,
        "UNLOCK_CONNECTOR": UnlockConnector,
    }
    assert [request.segments for request in requests] == [(command,) for command in models]
    for request, model in zip(requests, models.values(), strict=True):
        assert validate(model, request.json) == ()
        assert (request.headers["OCPI-to-party-id"], request.headers["OCPI-from-party-id"]) == (
            "CPO",
            "EMP",
        )
    start, _, reserve, *_ = (request.json for request in requests)
    assert (start["connector_id"], start["authorization_reference"]) == ("1", "REF")
    assert reserve["expiry_date"] == "2026-01-01T22:00:00Z"
    assert len({request.json["response_url"] for request in requests}) == 5


@pytest.mark.obligation("CMD-012", "CMD-052")
async def test_results_find_their_commands_by_their_addresses(charger, commands, token):
    first, second = await asyncio.gather(*(commands.start(token, HERE, EVSE) for _ in range(2)))
    assert first.url != second.url
    for pending, result in ((second, "EVSE_OCCUPIED"), (first, "ACCEPTED")):
        answer = await result_at(charger, pending.url, result)
        assert (answer.http, answer.code, "data" in answer.json) == (200, 1000, False)
    assert (await first.result())["result"] == "ACCEPTED"
    assert (await second.result())["result"] == "EVSE_OCCUPIED"
    assert commands.counts == {("START_SESSION", "ACCEPTED"): 2}
    assert commands.answered == 2
    assert (commands.answers.quantiles.count, commands.results.quantiles.count) == (2, 2)


async def test_a_result_that_overtakes_its_answer_counts(charger, commands, token):
    async def hurried(received):
        assert (await result_at(charger, received.json["response_url"])).ok
        return Reply(as_bytes({"result": "ACCEPTED", "timeout": 1}))

    charger.serve("commands", RECEIVER, hurried)
    pending = await commands.start(token, HERE, EVSE)
    assert (await pending.result())["result"] == "ACCEPTED"


@pytest.mark.obligation("CMD-014")
async def test_a_result_that_does_not_come_in_time_is_not_waited_for(charger, commands, token):
    says(charger, "ACCEPTED", timeout=0)
    pending = await commands.start(token, HERE, EVSE)
    assert await pending.result() is None
    assert (await result_at(charger, pending.url, "TIMEOUT")).ok
    assert pending.results == [{"result": "TIMEOUT"}]
    assert len(charger.record.of("commands.receiver")) == 1


async def test_a_refused_command_has_no_result(charger, commands):
    says(charger, "UNKNOWN_SESSION", timeout=600)
    pending = await commands.stop(a_session())
    assert not pending.accepted
    assert await pending.result() is None


async def test_a_reservation_may_be_cancelled_at_the_same_address_later(charger, commands, token):
    pending = await commands.reserve(token, HERE, EVSE, "R1", TONIGHT)
    for result in ("ACCEPTED", "CANCELED_RESERVATION"):
        assert (await result_at(charger, pending.url, result)).ok
    assert [each["result"] for each in pending.results] == ["ACCEPTED", "CANCELED_RESERVATION"]


@pytest.mark.obligation("CMD-013")
async def test_the_address_of_a_result_takes_posts_of_results_only(charger, commands, token):
    url = (await commands.start(token, HERE, EVSE)).url
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert (await charger.call(method, url)).http == 405
    assert (await charger.call("POST", url, body=b'{"message": []}')).code == 2001
    assert (await result_at(charger, url + "X")).http == 404
    assert (await result_at(charger, url.rpartition("/")[0])).http == 404


async def test_an_exchange_that_fails_is_no_answer_of_a_cpo(charger, commands, token):
    charger.faults.add(fault.code(2003, "no such location"))
    with pytest.raises(Refused, match="2003"):
        await commands.start(token, HERE, EVSE)
    assert commands.answered == 0


@pytest.mark.parametrize(
    "other",
    [
        a_token(party_id="EM2"), a_token(uid="NEVER-SEEN"), a_token(uid="GONE"),
        a_token(uid="BROKE"),
    ],
    ids=lambda token: token["party_id"] + token["uid"],
)  # fmt: skip
@pytest.mark.obligation("CMD-027", "CMD-033")
async def test_only_own_tokens_that_are_authorized_leave_the_house(
    provider, charger, commands, other
):
    provider.issuer.book.add(a_token(uid="GONE", valid=False))
    provider.issuer.book.add(a_token(uid="BROKE"), Terms(refused="NO_CREDIT"))
    with pytest.raises(Improper):
        await commands.start(other, HERE, EVSE)
    with pytest.raises(Improper):
        await commands.reserve(other, HERE, EVSE, "R1", TONIGHT)
    assert charger.record.of("commands.receiver") == []


@pytest.mark.obligation("CMD-031")
async def test_a_token_that_was_never_pushed_may_start_a_session(provider, charger, commands):
    app = next(token for token in provider.issuer.book if token["type"] == "APP_USER")
    assert (await commands.start(app, HERE, EVSE)).accepted
    assert charger.record.of("tokens.receiver") == []


@pytest.mark.obligation("CMD-045")
async def test_an_evse_gets_only_commands_that_it_knows(charger, commands, token):
    plain = an_evse()
    for command in (
        commands.start(token, HERE, plain),
        commands.reserve(token, HERE, plain, "R1", TONIGHT),
        commands.unlock(HERE, plain, a_connector()),
    ):
        with pytest.raises(Improper, match="CMD-045"):
            await command
    assert charger.record.of("commands.receiver") == []


@pytest.mark.obligation("SES-012", "SES-017")
async def test_preferences_are_put_at_the_session_and_the_answer_is_a_word(provider, charger):
    charger.answers("sessions", SENDER, Reply(as_bytes("DEPARTURE_REQUIRED")))
    answer = await provider.prefer(a_session(), "CHEAP", departure="2026-01-01T08:00:00Z")
    assert answer == "DEPARTURE_REQUIRED"
    [request] = charger.record.of("sessions.sender", "PUT")
    assert request.segments == ("S1", "charging_preferences")
    assert request.json == {"profile_type": "CHEAP", "departure_time": "2026-01-01T08:00:00Z"}
    assert request.headers["OCPI-to-party-id"] == "CPO"
    charger.answers("sessions", SENDER, Reply(code=2001, http=404))
    with pytest.raises(Refused):
        await provider.prefer(a_session(), "CHEAP")
