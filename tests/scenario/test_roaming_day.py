"""A driver roams: the demo's own partners at a running hub, from the tariff to the bill."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.simulator.cast import Cast, cast
from ocpi_hub.simulator.compare import everything, settled
from ocpi_hub.simulator.driver import Driver
from ocpi_hub.simulator.fleet import Fleet
from ocpi_hub.simulator.profiles import SET
from ocpi_hub.simulator.roaming import Roaming
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.trip import Stage
from ocpi_hub.simulator.wish import Way, Wish
from tests.conftest import Until
from tests.hub import Hub

pytestmark = pytest.mark.timeout(120)


@dataclass
class Day:
    """One CPO, one eMSP and its SCSP, registered; locations, tariffs and tokens are everywhere."""

    players: Cast
    driver: Driver

    @property
    def cpo(self):
        return self.players.cpos[0]

    @property
    def emsp(self):
        return self.players.emsps[0]

    async def nothing_is_missing(self):
        found = await settled(self.players.cpos, self.players.emsps, 10, everything)
        assert found[self.emsp.name].none, found


@pytest.fixture
async def day(hub: Hub) -> AsyncIterator[Day]:
    players = cast(Script(stations=6, cpos=1, emsps=1, drivers=2))
    cpo, emsp, scsp = players.cpos[0], players.emsps[0], players.scsp
    async with cpo, emsp, scsp:
        for platform in (emsp, scsp, cpo):
            await hub.connect(platform)
        await cpo.push_all()
        await cpo.tariffs.put_all()
        assert await emsp.issuer.push_all() == []
        await settled([cpo], [emsp], 10, everything)
        yield Day(players, next(players.fleets[0].drivers()))


@pytest.mark.parametrize("way", list(Way))
async def test_a_driver_charges_and_is_billed_by_what_was_agreed(
    day: Day, way: Way, until: Until
) -> None:
    trip = await day.driver.travel(Wish(way, stays_s=3))
    assert (trip.stage, trip.reason) == (Stage.BILLED, "")

    [charge] = day.cpo.charges
    assert charge.id == trip.session["id"]
    news = day.emsp.record.of("sessions.receiver")
    told = [each.json["status"] for each in news if "status" in each.json]
    assert told == [*["RESERVATION"] * (way is Way.RESERVE), "ACTIVE", "COMPLETED"]
    assert len([each for each in news if each.method == "PATCH"]) > 2
    assert trip.session["kwh"] > 0

    [post] = day.emsp.record.of("cdrs.receiver", "POST")
    assert post.json == trip.cdr == day.cpo.ledger.cdrs[trip.cdr["id"]]
    assert trip.cdr["total_energy"] == trip.session["kwh"]
    for tariff in trip.cdr["tariffs"]:
        assert day.emsp.tariffs.held[owner_of(tariff), tariff["id"]] == tariff
    await until(lambda: not day.cpo.ledger.unsent)
    assert (await day.cpo.ledger.fetch(trip.cdr["id"])).data == trip.cdr
    await day.nothing_is_missing()


async def test_a_card_that_was_blocked_is_refused_at_the_plug(day: Day) -> None:
    card = next(
        t for t in day.emsp.issuer.book if t["type"] == "RFID" and t["whitelist"] == "ALWAYS"
    )
    assert (await day.emsp.issuer.invalidate(card)).ok
    await day.nothing_is_missing()
    location = next(iter(day.cpo.locations.values()))
    outlet = day.cpo.outlets(owner_of(location), location["id"])[0]
    assert await day.cpo.swipe(card["uid"], outlet) is None
    assert len(day.emsp.sessions) == 0


async def test_a_reservation_that_is_taken_back_ends_its_session(day: Day) -> None:
    trip = await day.driver.travel(Wish(Way.RESERVE, stays_s=1, cancels=True))
    assert trip.stage is Stage.CANCELLED
    await day.nothing_is_missing()
    assert [session["status"] for session in day.emsp.sessions] == ["COMPLETED"]


@pytest.mark.obligation("CHP-040")
async def test_the_scsp_limits_the_session_by_the_emsp(day: Day) -> None:
    """Two conversations: neither side ever sees the other's address."""
    travelling = asyncio.ensure_future(day.driver.travel(Wish(Way.APP, stays_s=3)))
    await day.cpo.record.wait("chargingprofiles.receiver", "PUT")
    assert (await travelling).stage is Stage.BILLED
    [asked] = day.players.scsp.profiles.mailbox.requests
    assert (asked.what, asked.response["result"]) == (SET, "ACCEPTED")
    assert (await asked.result()) == {"result": "ACCEPTED"}
    at_emsp, at_cpo = (
        platform.record.of("chargingprofiles.receiver", "PUT")[0].json
        for platform in (day.emsp, day.cpo)
    )
    assert at_emsp["charging_profile"] == at_cpo["charging_profile"]
    urls = {asked.url, at_emsp["response_url"], at_cpo["response_url"]}
    urls.add(day.emsp.profiles.mailbox.requests[0].url)
    assert len(urls) == 4
    followed = day.players.scsp.sessions.held
    await day.players.scsp.record.until(
        lambda: [each["status"] for each in followed.values()] == ["COMPLETED"]
    )


async def test_a_whole_fleet_goes_home_with_every_bill(day: Day) -> None:
    fleet = Fleet(day.emsp, day.driver.swipe, stay_s=1, pause_s=0.1)
    running = asyncio.ensure_future(fleet.run())
    await day.emsp.record.wait("cdrs.receiver", "POST", count=3, deadline_s=30)
    fleet.call_home()
    await running
    found = Roaming.of([fleet])
    assert found.running == 0
    assert found.ended == len(list(day.cpo.charges)) >= 3
    assert found.cdrs == len(day.cpo.ledger.cdrs)
    assert found.commands > 0
    assert found.owed == day.emsp.cdrs.totals()
    await day.nothing_is_missing()


async def test_what_a_partner_lacks_is_found(day: Day) -> None:
    await day.driver.travel(Wish(stays_s=0.5))
    await day.nothing_is_missing()
    day.emsp.cdrs.held.clear()
    day.emsp.tariffs.held.popitem()
    next(iter(day.emsp.sessions))["kwh"] += 1
    found = everything(day.players.cpos, day.emsp)
    assert (found.missing, found.unequal) == (2, 1)
    assert owner_of(day.driver.app) == PartyRef("DE", "FST")
