"""Drivers: what they wish, how far they come, what they do at a CPO that does its part or not."""

import asyncio
from collections import Counter
from itertools import islice

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.driver import Driver
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.trip import OVER, Stage, Trip, Trips
from ocpi_hub.simulator.wish import Way, Wish, wishes
from tests.build import a_cdr, a_location, a_session, an_evse, as_bytes

RECEIVER = InterfaceRole.RECEIVER
CAPABLE = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PROFILE_CAPABLE"]
S1 = ("NL", "CPO", "S1")


def test_wishes_are_mixed_and_the_same_for_a_seed():
    some = list(islice(wishes("x", 10), 500))
    assert some == list(islice(wishes("x", 10), 500))
    ways = Counter(wish.way for wish in some)
    assert ways[Way.APP] > ways[Way.CARD] > ways[Way.RESERVE] > 0
    assert all(5 <= wish.stays_s <= 15 for wish in some)
    assert all(wish.way is Way.RESERVE for wish in some if wish.cancels)
    assert any(wish.limit_w for wish in some)
    assert any(wish.stuck for wish in some)
    assert any(wish.cheap for wish in some)


def test_a_trip_goes_from_stage_to_stage_and_never_back():
    trip = Trip("Ada", Way.APP)
    way = (Stage.STARTING, Stage.CHARGING, Stage.STOPPING, Stage.WAITING, Stage.BILLED)
    for stage in way:
        trip.go(stage)
        with pytest.raises(ValueError, match="does not follow"):
            trip.go(Stage.LOOKING)
    with pytest.raises(ValueError, match="does not follow"):
        Trip("Ada", Way.APP).go(Stage.BILLED)
    assert trip.stage in OVER


@pytest.mark.obligation("SES-053")
def test_a_trip_tells_the_bill_before_the_session_and_no_amount_that_nobody_told():
    trip = Trip("Ada", Way.APP, session=a_session(kwh=1.25))
    assert (trip.kwh, trip.amount) == ("1.25", "-")
    trip.session = a_session(total_cost={"excl_vat": 0})
    assert trip.amount == "0.00 EUR"
    trip.cdr = a_cdr()
    assert (trip.kwh, trip.amount) == ("10.00", "5.40 EUR")


class Obliging:
    """A CPO that does what commands ask for, with one plug."""

    def __init__(self, charger):
        self.charger = charger
        self.reference = None
        self.result = "ACCEPTED"
        self.swiped = []
        charger.serve("commands", RECEIVER, self._command)
        charger.answers(
            "chargingprofiles", RECEIVER, Reply(as_bytes({"result": "REJECTED", "timeout": 0}))
        )

    async def _command(self, received):
        self.charger.errands.send(self._work(received.segments[0], received.json))
        return Reply(as_bytes({"result": "ACCEPTED", "timeout": 5}))

    async def _work(self, command, body):
        result = codec.encode({"result": self.result})
        assert (await self.charger.call("POST", body["response_url"], body=result)).ok
        if self.result != "ACCEPTED":
            return
        if command == "RESERVE_NOW":
            await self.put("RESERVATION", body)
        elif command == "START_SESSION":
            await self.put("ACTIVE", body)
        elif command in {"STOP_SESSION", "CANCEL_RESERVATION"}:
            await self.finish()

    async def put(self, status, body, **members):
        self.session = a_session(
            status=status, authorization_reference=body["authorization_reference"], **members
        )
        assert (await self._send("PUT", self.session)).ok

    async def finish(self):
        end = {"status": "COMPLETED", "kwh": 10, "last_updated": "2026-01-01T00:30:00Z"}
        assert (await self._send("PATCH", end)).ok
        assert (await self.charger.ask("POST", "cdrs", RECEIVER, (), a_cdr())).ok

    async def _send(self, method, body):
        return await self.charger.ask(method, "sessions", RECEIVER, S1, body)

    async def swipe(self, location, evse, token):
        self.swiped.append((location["id"], evse["uid"], token["uid"]))
        named = ("country_code", "party_id", "uid", "type", "contract_id")
        session = a_session(cdr_token={name: token[name] for name in named})
        self.charger.errands.send(self._swiped(session))
        return True

    async def _swiped(self, session):
        assert (await self._send("PUT", session)).ok


@pytest.fixture
def cpo(charger):
    return Obliging(charger)


@pytest.fixture
def trips():
    return Trips()


@pytest.fixture
def leaving():
    return asyncio.Event()


@pytest.fixture
def driver(provider, cpo, trips, leaving):
    provider.copy.add([a_location() | {"evses": [an_evse(capabilities=CAPABLE)]}])
    card, app = list(provider.issuer.book)[:2]
    return Driver("Ada", provider, cpo.swipe, trips, leaving, card=card, app=app)


def commands_at(charger):
    return [each.segments[0] for each in charger.record.of("commands.receiver")]


async def test_a_driver_with_an_app_charges_and_gets_the_bill(charger, driver, trips):
    trip = await driver.travel(Wish(Way.APP, stays_s=0.01))
    assert (trip.stage, trip.reason) == (Stage.BILLED, "")
    assert (trip.place, trip.kwh, trip.amount) == ("Stationsplein", "10.00", "5.40 EUR")
    assert trip.session["status"] == "COMPLETED"
    assert commands_at(charger) == ["START_SESSION", "STOP_SESSION"]
    assert trips.ended == {Stage.BILLED: 1}
    assert list(trips.last) == [trip]


async def test_a_reservation_becomes_the_session_of_the_same_reference(charger, driver):
    trip = await driver.travel(Wish(Way.RESERVE, stays_s=0.01))
    assert trip.stage is Stage.BILLED
    assert commands_at(charger) == ["RESERVE_NOW", "START_SESSION", "STOP_SESSION"]
    reserve, start, _ = (each.json for each in charger.record.of("commands.receiver"))
    assert reserve["authorization_reference"] == start["authorization_reference"]


async def test_a_reservation_may_be_taken_back(charger, driver):
    trip = await driver.travel(Wish(Way.RESERVE, stays_s=0.01, cancels=True))
    assert trip.stage is Stage.CANCELLED
    assert commands_at(charger) == ["RESERVE_NOW", "CANCEL_RESERVATION"]
    reserve, cancel = (each.json for each in charger.record.of("commands.receiver"))
    assert reserve["reservation_id"] == cancel["reservation_id"]


async def test_a_driver_with_a_card_swipes_it_and_finds_the_session(charger, driver, cpo):
    trip = await driver.travel(Wish(Way.CARD, stays_s=0.01))
    assert trip.stage is Stage.BILLED
    assert cpo.swiped[0][:2] == ("LOC1", "E1")
    assert commands_at(charger) == ["STOP_SESSION"]


@pytest.mark.obligation("CMD-044")
async def test_a_stuck_cable_is_for_the_helpdesk_and_a_limit_is_a_wish(charger, driver):
    trip = await driver.travel(Wish(Way.APP, stays_s=0.01, stuck=True, limit_w=3_700))
    assert trip.stage is Stage.BILLED
    assert commands_at(charger) == ["START_SESSION", "UNLOCK_CONNECTOR", "STOP_SESSION"]
    [put] = charger.record.of("chargingprofiles.receiver", "PUT")
    assert put.json["charging_profile"]["charging_profile_period"][0]["limit"] == 3_700


@pytest.mark.parametrize("reply", [Reply(as_bytes("ACCEPTED")), Reply(code=2001, http=404)])
async def test_a_patient_driver_asks_for_cheap_energy_and_takes_what_there_is(
    charger, driver, reply
):
    charger.answers("sessions", InterfaceRole.SENDER, reply)
    trip = await driver.travel(Wish(Way.APP, stays_s=0.01, cheap=True))
    assert trip.stage is Stage.BILLED
    [put] = charger.record.of("sessions.sender", "PUT")
    assert (put.json["profile_type"], put.json["energy_need"]) == ("CHEAP", 20)


async def test_a_session_that_ends_by_itself_needs_no_stop(charger, driver, cpo):
    travelling = asyncio.ensure_future(driver.travel(Wish(Way.APP, stays_s=60)))
    await charger.record.wait("commands", "POST")
    await charger.errands.settle()
    await cpo.finish()
    trip = await travelling
    assert trip.stage is Stage.BILLED
    assert commands_at(charger) == ["START_SESSION"]


async def test_who_is_called_home_stops_at_once_and_waits_for_the_bill(
    driver, leaving, trips, until
):
    living = asyncio.ensure_future(driver.live(iter([Wish(Way.APP, 600), Wish(Way.APP, 600)]), 0))
    await until(lambda: any(trips.at(Stage.CHARGING)))
    leaving.set()
    await living
    assert [trip.stage for trip in trips.last] == [Stage.BILLED]


@pytest.mark.parametrize(
    ("result", "reason"),
    [("EVSE_OCCUPIED", "START_SESSION: EVSE_OCCUPIED"), ("TIMEOUT", "START_SESSION: TIMEOUT")],
)
async def test_a_plug_that_does_not_start_is_left(driver, cpo, trips, result, reason):
    cpo.result = result
    trip = await driver.travel(Wish())
    assert (trip.stage, trip.reason) == (Stage.GAVE_UP, reason)
    assert trips.reasons == {reason: 1}


async def test_a_hub_that_cannot_reach_the_cpo_is_a_reason_too(charger, driver):
    charger.faults.add(fault.code(4003, "not connected"))
    trip = await driver.travel(Wish())
    assert trip.stage is Stage.GAVE_UP
    assert "4003" in trip.reason


@pytest.mark.parametrize("missing", ["status", "capabilities"])
async def test_there_may_be_no_plug_that_would_do(provider, driver, missing):
    evse = an_evse(status="CHARGING", capabilities=CAPABLE) if missing == "status" else an_evse()
    for location in provider.copy:
        location["evses"] = [evse]
    trip = await driver.travel(Wish())
    assert (trip.stage, trip.reason) == (Stage.GAVE_UP, "no free plug")
