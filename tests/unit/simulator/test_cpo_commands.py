"""What a simulated CPO makes of commands: an answer at once, a result later, and what follows."""

import asyncio
from datetime import timedelta

import pytest

from ocpi_hub.ocpi.primitives import PartyRef, format_datetime
from ocpi_hub.ops.identity import now
from tests.fake_partner import RECEIVER, SENDER
from tests.simulated_charging import VISIT, a_token, charging, outlets_of

EMP, EM2 = PartyRef("DE", "EMP"), PartyRef("FR", "EM2")
START, STOP, RESERVE = "START_SESSION", "STOP_SESSION", "RESERVE_NOW"
CANCEL, UNLOCK = "CANCEL_RESERVATION", "UNLOCK_CONNECTOR"


class Helm:
    """Commands with a result address of their own, and what came of them."""

    def __init__(self, asker, cpo):
        self.asker, self.cpo, self.count = asker, cpo, 0

    async def send(self, command, *, sender="DE-EMP", **members):
        self.count += 1
        path = f"{command}/R{self.count}?q=a%2Fb&n={self.count}"
        body = {"response_url": f"{self.asker.url('commands', SENDER)}/{path}"} | members
        named = {name: value for name, value in body.items() if value is not None}
        return await self.asker.send(
            "POST", "commands", command, side=RECEIVER, body=named, sender=sender,
            headers={"X-Correlation-ID": f"journey-{self.count}"},
        )  # fmt: skip

    async def at(self, command, outlet, *, token=None, connector=None, sender="DE-EMP", **more):
        """A command that names an outlet."""
        if command != UNLOCK:
            more["token"] = token or a_token(owner=sender)
        return await self.send(
            command, sender=sender, location_id=outlet.location["id"],
            evse_uid=outlet.evse["uid"], connector_id=connector, **more,
        )  # fmt: skip

    async def reserve(self, outlet, reservation="RES1", minutes=15, **how):
        until = format_datetime(now() + timedelta(minutes=minutes))
        return await self.at(RESERVE, outlet, reservation_id=reservation, expiry_date=until, **how)

    async def result(self, number=None):
        """The result of the last command, or of that one, once all is done that can be done now."""
        number = number or self.count
        found = await self.asker.received(
            "commands.sender", "POST", where=lambda each: each.segments[1] == f"R{number}"
        )
        return found[-1].json["result"]

    def results(self):
        return [each.json["result"] for each in self.asker.record.of("commands.sender", "POST")]


@pytest.fixture
async def helm(asker, cpo):
    cpo.commands.delay_s = 0
    return Helm(asker, cpo)


@pytest.fixture
def outlet(cpo):
    return outlets_of(cpo)[0]


def answer_of(response):
    assert (response.http, response.code) == (200, 1000)
    assert response.data["timeout"] == 30
    return response.data["result"]


async def told(asker, status):
    """The last Session push, once one with this status came."""
    pushes = await asker.received(
        "sessions.receiver", where=lambda each: each.json.get("status") == status
    )
    return pushes[-1].json


@pytest.mark.obligation(
    "CMD-001", "CMD-005", "CMD-010", "CMD-011", "CMD-032", "CMD-028", "CMD-040", "CMD-019",
)  # fmt: skip
async def test_a_session_is_started_and_stopped_from_afar(helm, asker, cpo, outlet):
    offered = {("locations", "SENDER"), ("sessions", "SENDER"), ("commands", "RECEIVER")}
    assert offered <= asker.known_peer.endpoints.keys()
    token = a_token("APP-7", type="APP_USER", whitelist="NEVER", valid=False)
    response = await helm.at(START, outlet, token=token, authorization_reference="REF-1")
    assert answer_of(response) == "ACCEPTED"
    assert await helm.result() == "ACCEPTED"
    session = await told(asker, "ACTIVE")
    assert session["cdr_token"] == {
        name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")
    }
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    [posted] = asker.record.of("commands.sender", "POST")
    assert posted.segments == (START, "R1")
    assert posted.query == {"q": "a/b", "n": "1"}
    assert posted.headers["X-Correlation-ID"] == "journey-1"
    assert (posted.headers["OCPI-to-party-id"], posted.headers["OCPI-from-party-id"]) == (
        "EMP", "CPO",
    )  # fmt: skip
    response = await helm.send(STOP, session_id=session["id"])
    assert (answer_of(response), await helm.result()) == ("ACCEPTED", "ACCEPTED")
    [cdr] = [each.json for each in await asker.received("cdrs.receiver", "POST")]
    assert cdr["cdr_token"] == session["cdr_token"]
    assert cdr["authorization_reference"] == "REF-1"
    await cpo.errands.settle()
    assert helm.results() == ["ACCEPTED", "ACCEPTED"]
    assert not asker.record.of("tokens.sender")
    assert not cpo.errands.failed


@pytest.mark.obligation("CMD-003", "CMD-002")
async def test_commands_are_posted_and_known(helm, asker):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert (await asker.send(method, "commands", START, body={})).http == 405
    for path in ("FLY", f"{START}/more", ""):
        assert (await asker.send("POST", "commands", path, body={})).http in {404, 405}
    assert (await helm.send(START, location_id="X")).code == 2001
    assert (await helm.send(STOP)).code == 2001


@pytest.mark.obligation("CMD-006", "CMD-010", "CMD-042")
async def test_what_the_cpo_refuses_gets_no_result(helm, asker, cpo, outlet):
    theirs = await charging(cpo, owner="FR-EM2")
    free = outlets_of(cpo)[-1]
    gone = await charging(cpo, free)
    await cpo.charges.finish(gone)
    fast = outlets_of(cpo, direct=True)[0]
    for response, expected in (
        (await helm.send(STOP, session_id="NEVER-WAS"), "UNKNOWN_SESSION"),
        (await helm.send(STOP, session_id=gone.id), "UNKNOWN_SESSION"),
        (await helm.send(STOP, session_id=theirs.id), "REJECTED"),
        (await helm.at(UNLOCK, fast, connector="1"), "NOT_SUPPORTED"),
        (await helm.at(UNLOCK, free, connector="9"), "REJECTED"),
        (await helm.at(START, free, token=a_token(owner="FR-EM2")), "REJECTED"),
        (await helm.reserve(free, minutes=-1), "REJECTED"),
    ):
        assert answer_of(response) == expected
    await cpo.errands.settle()
    assert helm.results() == []
    assert theirs.running


@pytest.mark.obligation("CMD-007")
async def test_an_unknown_location_is_named_by_its_code(helm):
    response = await helm.send(START, location_id="NOWHERE", token=a_token())
    assert (response.http, response.code) == (200, 2003)


@pytest.mark.obligation("LOC-112")
async def test_a_connector_is_named_where_the_evse_wants_it(helm, outlet):
    outlet.evse["capabilities"].append("START_SESSION_CONNECTOR_REQUIRED")
    assert (await helm.at(START, outlet)).code == 2001
    assert answer_of(await helm.at(START, outlet, connector="1")) == "ACCEPTED"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CHARGING", "EVSE_OCCUPIED"),
        ("RESERVED", "EVSE_OCCUPIED"),
        ("OUTOFORDER", "EVSE_INOPERATIVE"),
        ("INOPERATIVE", "EVSE_INOPERATIVE"),
    ],
)
async def test_the_charge_point_says_why_it_cannot(helm, cpo, outlet, status, expected):
    outlet.evse["status"] = status
    for sending in (helm.reserve(outlet), helm.at(START, outlet)):
        assert answer_of(await sending) == "ACCEPTED"
        assert await helm.result() == expected
    assert list(cpo.charges) == []


async def test_of_two_at_once_one_gets_the_outlet(helm, cpo, outlet):
    await asyncio.gather(*(helm.at(START, outlet, token=a_token(uid)) for uid in "AB"))
    assert sorted([await helm.result(1), await helm.result(2)]) == ["ACCEPTED", "EVSE_OCCUPIED"]
    assert len(list(cpo.charges)) == 1


@pytest.mark.obligation("CMD-017")
async def test_a_charge_point_that_is_silent_is_a_timeout(helm, cpo, outlet):
    cpo.commands.silent.add(outlet.evse["uid"])
    assert answer_of(await helm.at(START, outlet)) == "ACCEPTED"
    assert await helm.result() == "TIMEOUT"
    assert list(cpo.charges) == []


@pytest.mark.obligation("CMD-039", "CMD-023")
async def test_without_an_evse_a_free_one_is_taken(helm, asker, cpo):
    location = next(each for each in cpo.locations.values() if len(each["evses"]) > 2)
    location["evses"][0]["status"] = "OUTOFORDER"
    where = {"location_id": location["id"], "token": a_token()}
    until = format_datetime(now() + timedelta(minutes=5))
    await helm.send(START, **where)
    assert await helm.result() == "ACCEPTED"
    await told(asker, "ACTIVE")
    await helm.send(RESERVE, reservation_id="R", expiry_date=until, **where)
    assert await helm.result() == "ACCEPTED"
    await told(asker, "RESERVATION")
    uids = [charge.place.evse["uid"] for charge in cpo.charges]
    assert uids == [evse["uid"] for evse in location["evses"][1:3]]


@pytest.mark.obligation("CMD-025", "CMD-010", "SES-037", "SES-039")
async def test_who_reserved_starts_the_session_that_was_made_for_it(helm, asker, cpo, outlet):
    await helm.reserve(outlet)
    assert await helm.result() == "ACCEPTED"
    reserved = await told(asker, "RESERVATION")
    await helm.at(START, outlet, token=a_token("ANOTHER"))
    assert await helm.result() == "EVSE_OCCUPIED"
    await helm.at(START, outlet, authorization_reference="REF-9")
    assert await helm.result() == "ACCEPTED"
    change = await told(asker, "ACTIVE")
    [charge] = cpo.charges
    assert charge.id == reserved["id"]
    assert change["authorization_reference"] == "REF-9"


@pytest.mark.obligation("SES-045", "SES-047")
async def test_a_session_is_pending_until_the_cable_is_in(helm, asker, cpo, outlet):
    cpo.commands.plug_in_s = 1.1
    await helm.at(START, outlet)
    pending = await told(asker, "PENDING")
    change = await told(asker, "ACTIVE")
    assert any(b'"BLOCKED"' in each.body for each in asker.record.of("locations.receiver"))
    assert change["start_date_time"] > pending["start_date_time"]
    [charge] = cpo.charges
    await cpo.charges.finish(charge)
    [cdr] = [each.json for each in asker.record.of("cdrs.receiver", "POST")]
    assert cdr["start_date_time"] == change["start_date_time"]


@pytest.mark.obligation("SES-045")
async def test_a_session_that_is_pending_may_never_begin(helm, asker, cpo, outlet):
    cpo.commands.plug_in_s = 60
    await helm.at(START, outlet)
    await told(asker, "PENDING")
    [charge] = cpo.charges
    await cpo.charges.finish(charge)
    last = await told(asker, "COMPLETED")
    assert last["kwh"] == 0
    assert "charging_periods" not in last
    assert cpo.ledger.cdrs == {}
    assert outlet.evse["status"] == "AVAILABLE"
    assert not cpo.errands.failed


@pytest.mark.obligation("CMD-024")
async def test_the_same_reservation_again_has_the_new_end(helm, asker, cpo, outlet):
    await helm.reserve(outlet, minutes=5)
    await told(asker, "RESERVATION")
    await helm.reserve(outlet, minutes=60)
    assert await helm.result() == "ACCEPTED"
    [reservation] = cpo.commands.reservations.values()
    assert reservation.until > now() + timedelta(minutes=50)
    assert len(list(cpo.charges)) == 1
    elsewhere = outlets_of(cpo)[-1]
    assert answer_of(await helm.reserve(elsewhere)) == "REJECTED"


@pytest.mark.obligation("CMD-034")
async def test_the_same_id_of_two_emsps_is_two_reservations(helm, asker, cpo):
    mine, theirs = outlets_of(cpo)[0], outlets_of(cpo)[-1]
    await helm.reserve(mine)
    await helm.reserve(theirs, sender="FR-EM2")
    assert (await helm.result(1), await helm.result(2)) == ("ACCEPTED", "ACCEPTED")
    await asker.received("sessions.receiver", "PUT", count=2)
    first, second = (cpo.commands.reservations[party, "RES1"] for party in (EMP, EM2))
    assert len({first.id, second.id, "RES1"}) == 3
    await helm.send(CANCEL, reservation_id="res1", sender="FR-EM2")
    assert await helm.result() == "ACCEPTED"
    await told(asker, "COMPLETED")
    assert (first.open, second.open) == (True, False)


async def test_a_reservation_is_cancelled_once(helm, asker, cpo, outlet):
    await helm.send(CANCEL, reservation_id="RES1")
    assert await helm.result() == "UNKNOWN_RESERVATION"
    await helm.reserve(outlet)
    await told(asker, "RESERVATION")
    for expected in ("ACCEPTED", "UNKNOWN_RESERVATION"):
        assert answer_of(await helm.send(CANCEL, reservation_id="RES1")) == "ACCEPTED"
        assert await helm.result() == expected
        await told(asker, "COMPLETED")
    assert outlet.evse["status"] == "AVAILABLE"
    assert answer_of(await helm.reserve(outlet)) == "ACCEPTED"
    assert await helm.result() == "ACCEPTED"


@pytest.mark.obligation("SES-040")
async def test_a_reservation_ends_at_its_time(helm, asker, cpo, outlet):
    await helm.reserve(outlet, minutes=1 / 60)
    assert await helm.result() == "ACCEPTED"
    await told(asker, "COMPLETED")
    [charge] = cpo.charges
    assert charge.unused
    assert helm.results() == ["ACCEPTED"]


@pytest.mark.obligation("CMD-018", "CMD-011")
async def test_the_cpo_cancels_at_the_address_of_the_reservation(helm, asker, cpo, outlet):
    await helm.reserve(outlet)
    await told(asker, "RESERVATION")
    [reservation] = cpo.commands.reservations.values()
    await cpo.commands.withdraw(reservation)
    first, second = asker.record.of("commands.sender", "POST")
    assert (first.path, dict(first.query)) == (second.path, dict(second.query))
    assert helm.results() == ["ACCEPTED", "CANCELED_RESERVATION"]
    await told(asker, "COMPLETED")
    await cpo.commands.withdraw(reservation)
    assert len(helm.results()) == 2


async def test_a_connector_that_is_let_go_ends_the_session(helm, asker, cpo, outlet):
    connector = outlet.connector["id"]
    await helm.at(UNLOCK, outlet, connector=connector)
    assert await helm.result() == "ACCEPTED"
    charge = await charging(cpo, outlet)
    await helm.at(UNLOCK, outlet, connector=connector)
    assert await helm.result() == "ACCEPTED"
    await told(asker, "COMPLETED")
    assert charge.over


@pytest.mark.obligation("CMD-029", "CMD-030")
async def test_the_driver_who_then_shows_the_card_is_not_asked_about(helm, asker, cpo, outlet):
    await helm.reserve(outlet, token=a_token(whitelist="NEVER"), authorization_reference="REF-3")
    await told(asker, "RESERVATION")
    charge = await cpo.swipe("04AABB", outlet, visit=VISIT)
    assert charge is not None
    assert charge.grant.reference == "REF-3"
    assert not asker.record.of("tokens.sender")


async def test_a_result_that_nobody_takes_changes_nothing(helm, asker, cpo, outlet):
    body = {
        "response_url": "http://127.0.0.1:9/nobody", "token": a_token(),
        "location_id": outlet.location["id"], "evse_uid": outlet.evse["uid"],
    }  # fmt: skip
    await asker.send("POST", "commands", START, body=body)
    assert (await told(asker, "ACTIVE"))["evse_uid"] == outlet.evse["uid"]
    await cpo.errands.settle()
    assert len(cpo.errands.failed) == 1


@pytest.mark.obligation("TOK-057")
async def test_a_token_of_a_command_is_not_kept(helm, asker, outlet):
    await helm.at(START, outlet)
    await told(asker, "ACTIVE")
    assert (await asker.send("GET", "tokens", "DE/EMP/04AABB")).http == 404
