"""Charging through the hub, as a CPO sees it: tariffs, cards that are shown, commands, limits."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.profiles import limit
from ocpi_hub.simulator.stations import generate
from tests.conftest import Until
from tests.hub import Hub
from tests.simulated_charging import VISIT, outlets_of, pass_time

pytestmark = pytest.mark.timeout(120)

CPO, ONE, TWO = PartyRef("NL", "CPO"), PartyRef("DE", "EM1"), PartyRef("FR", "EM2")
ALL = {"date_from": "2000-01-01T00:00:00Z"}


@dataclass
class Street:
    """A CPO with a few stations, two eMSPs; locations and tokens are everywhere."""

    cpo: Cpo
    one: Emsp
    two: Emsp

    async def charge(self, emsp, outlet, minutes=0.0):
        """A card of an eMSP that the CPO need not ask about is shown."""
        card = next(t for t in emsp.issuer.book.usable("RFID") if t["whitelist"] == "ALWAYS")
        charge = await self.cpo.swipe(card["uid"], outlet, visit=VISIT, provider=emsp.party)
        assert charge is not None
        await pass_time(self.cpo, charge, minutes)
        return charge

    def token(self, emsp, whitelist):
        return next(
            t for t in emsp.issuer.book if (t["type"], t["whitelist"]) == ("RFID", whitelist)
        )


@pytest.fixture
async def street(hub: Hub, until: Until) -> AsyncIterator[Street]:
    async with (
        Cpo("cpo", generate(4, CPO, "A CPO")) as cpo,
        Emsp("one", ONE) as one,
        Emsp("two", TWO) as two,
    ):
        for platform in (one, two, cpo):
            await hub.connect(platform)
        await cpo.push_all()
        for emsp in (one, two):
            assert await emsp.issuer.push_all() == []
        tokens = len(one.issuer.book) + len(two.issuer.book)
        await until(lambda: len(cpo.whitelist) == tokens and len(one.copy) == len(two.copy) == 4)
        yield Street(cpo, one, two)


@pytest.mark.obligation("TAR-002", "TAR-016")
async def test_tariffs_come_and_go_at_every_emsp(street: Street, until: Until) -> None:
    cpo, emsps = street.cpo, (street.one, street.two)
    await cpo.tariffs.put_all()
    await until(lambda: all(len(emsp.tariffs.held) == 3 for emsp in emsps))
    for outlet in outlets_of(cpo):
        outlet.connector["tariff_ids"] = ["AC"]
    assert (await cpo.tariffs.delete(CPO, "AC-CHEAP")).ok
    await until(lambda: all(len(emsp.tariffs.held) == 2 for emsp in emsps))
    assert (await cpo.tariffs.fetch(CPO, "AC-CHEAP")).http == 404
    assert (await cpo.tariffs.fetch(CPO, "AC")).data == cpo.tariffs.held[CPO, "AC"]


@pytest.mark.obligation("SES-060", "CDR-018", "SES-005", "CDR-078")
async def test_each_emsp_is_told_of_its_own_drivers_and_can_ask_for_them(street: Street) -> None:
    cpo, one, two = street.cpo, street.one, street.two
    first, *_, second = outlets_of(cpo)
    await two.vanish()
    for emsp, outlet in ((one, first), (two, second)):
        charge = await street.charge(emsp, outlet, minutes=30)
        await cpo.charges.finish(charge, charge.meter.at)
    assert (len(one.sessions), len(two.sessions), len(cpo.ledger.unsent)) == (1, 0, 1)
    await two.come_back()
    for emsp in (one, two):
        await emsp.catch_up(CPO)
        assert {s["cdr_token"]["party_id"] for s in emsp.sessions} == {emsp.party.party_id}
        assert {cdr["cdr_token"]["party_id"] for cdr in emsp.cdrs} == {emsp.party.party_id}
        assert (len(emsp.sessions), len(emsp.cdrs)) == (1, 1)


@pytest.mark.obligation("TOK-050", "TOK-051", "TOK-033")
async def test_the_emsp_is_asked_through_the_hub_and_offline_is_what_the_hub_says(
    street: Street,
) -> None:
    cpo, one = street.cpo, street.one
    never, offline = street.token(one, "NEVER"), street.token(one, "ALLOWED_OFFLINE")
    first, *_, second = outlets_of(cpo)
    charge = await cpo.swipe(never["uid"], first, visit=VISIT)
    assert charge is not None
    session = one.sessions.one(CPO, charge.id)
    assert session["auth_method"] == "AUTH_REQUEST"
    assert session["authorization_reference"] == charge.grant.reference
    assert one.issuer.verdicts == {"ALLOWED": 1}
    await cpo.charges.finish(charge)
    await one.vanish()
    assert await cpo.swipe(never["uid"], first) is None
    assert await cpo.swipe(offline["uid"], second, visit=VISIT) is not None
    assert cpo.reader.verdicts == {"ALLOWED": 2, "UNREACHED": 1}


async def test_a_card_that_nobody_was_told_of_is_looked_for_at_its_emsp(street: Street) -> None:
    cpo, two = street.cpo, street.two
    card = street.token(two, "NEVER") | {"uid": "NEW-1", "contract_id": "C-NEW-1"}
    two.issuer.book.add(card)
    outlet = outlets_of(cpo)[0]
    charge = await cpo.swipe("NEW-1", outlet, visit=VISIT, provider=TWO)
    assert charge is not None
    assert charge.grant.provider == TWO
    await cpo.charges.finish(charge)
    assert await cpo.swipe("NEVER-SEEN", outlet, provider=TWO) is None
    assert two.issuer.verdicts == {"ALLOWED": 1}


@pytest.mark.obligation("CMD-034", "CMD-018")
async def test_two_emsps_reserve_under_one_name_and_the_cpo_cancels_one(street: Street) -> None:
    cpo = street.cpo
    places = (outlets_of(cpo)[0], outlets_of(cpo)[-1])
    until_then = now().replace(year=now().year + 1)
    pending = [
        await emsp.commands.reserve(
            emsp.issuer.book.usable("APP_USER")[0], place.location, place.evse, "R1", until_then
        )
        for emsp, place in zip((street.one, street.two), places, strict=True)
    ]
    assert [(await each.result())["result"] for each in pending] == ["ACCEPTED", "ACCEPTED"]
    for emsp in (street.one, street.two):
        await emsp.record.wait("sessions.receiver", "PUT")
    await cpo.commands.withdraw(cpo.commands.reservations[TWO, "R1"])
    results = [[each["result"] for each in one.results] for one in pending]
    assert results == [["ACCEPTED"], ["ACCEPTED", "CANCELED_RESERVATION"]]
    statuses = [[s["status"] for s in emsp.sessions] for emsp in (street.one, street.two)]
    assert statuses == [["RESERVATION"], ["COMPLETED"]]


@pytest.mark.obligation("CHP-021", "CHP-022")
async def test_who_set_a_limit_hears_of_the_grid(street: Street) -> None:
    cpo, one, two = street.cpo, street.one, street.two
    first, *_, second = outlets_of(cpo)
    steered, free = await street.charge(one, first), await street.charge(two, second)
    session = one.sessions.one(CPO, steered.id)
    pending = await one.limit(session, limit(9000))
    assert await pending.result() == {"result": "ACCEPTED"}
    await one.record.wait("chargingprofiles.sender", "PUT")
    for charge in (steered, free):
        await cpo.profiles.limit(charge, 4000)
    [*_, last] = one.profiles.active[steered.id.upper()]["charging_profile"][
        "charging_profile_period"
    ]
    assert last["limit"] == 4000
    assert two.profiles.active == {}
    await pass_time(cpo, steered, 60)
    assert one.sessions.one(CPO, steered.id)["kwh"] == 4


async def test_a_driver_prefers_to_charge_cheaply(street: Street) -> None:
    charge = await street.charge(street.one, outlets_of(street.cpo)[0])
    session = street.one.sessions.one(CPO, charge.id)
    assert await street.one.prefer(session, "CHEAP") == "DEPARTURE_REQUIRED"
    assert await street.one.prefer(session, "FAST") == "PROFILE_TYPE_NOT_SUPPORTED"
    assert await street.one.prefer(session, "REGULAR") == "ACCEPTED"
