"""What a simulated CPO owes as the owner of sessions and CDRs."""

import asyncio
from datetime import timedelta

import pytest

from ocpi_hub.ocpi import codec, paging
from ocpi_hub.ocpi.primitives import PartyRef, format_datetime, parse_datetime
from ocpi_hub.ocpi.v2_2_1.cdrs import Cdr
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.sessions import Session
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.charge import Grant
from ocpi_hub.simulator.charging import Charging, Pace
from tests.fake_partner import SENDER
from tests.simulated_charging import VISIT, a_token, charging, outlets_of, pass_time

CPO = PartyRef("NL", "CPO")
ALL = {"date_from": "2000-01-01T00:00:00Z"}


def pushes(platform, module="sessions"):
    return [each for each in platform.record.of(f"{module}.receiver") if each.method != "GET"]


async def over(cpo, minutes=60, **how):
    charge = await charging(cpo, **how)
    await pass_time(cpo, charge, minutes)
    await cpo.charges.finish(charge, charge.meter.at)
    return charge


# Pushing


@pytest.mark.obligation("SES-002", "SES-025", "SES-030", "CDR-002", "CDR-004", "CDR-026")
async def test_a_driver_charges_and_the_emsp_gets_the_session_and_then_the_cdr(cpo, emsp):
    token = emsp.issuer.book.usable("RFID")[0]
    await emsp.issuer.push(token)
    start, outlet = now(), outlets_of(cpo)[0]
    charge = await cpo.swipe(token["uid"], outlet, at=start, visit=VISIT)
    assert outlet.evse["status"] == "CHARGING"
    for minutes in range(5, 60, 5):
        await cpo.charges.advance(charge, start + timedelta(minutes=minutes))
    await cpo.swipe(token["uid"], outlet, at=start + timedelta(minutes=60))
    assert outlet.evse["status"] == "AVAILABLE"
    methods = [each.method for each in pushes(emsp)]
    assert methods == ["PUT", *["PATCH"] * (len(methods) - 1)]
    assert len(methods) > 9
    assert {each.segments for each in pushes(emsp)} == {("NL", "CPO", charge.id)}
    moments = [parse_datetime(each.json["last_updated"]) for each in pushes(emsp)]
    assert moments == sorted(set(moments))
    session = emsp.sessions.one(CPO, charge.id)
    assert session == cpo.charges.cases[charge.id.upper()].told
    assert session["status"] == "COMPLETED"
    [cdr] = emsp.cdrs
    assert cdr["total_energy"] == session["kwh"]
    assert cdr["total_cost"] == session["total_cost"]
    assert (await cpo.ledger.fetch(cdr["id"])).data == cdr


@pytest.mark.obligation("SES-033", "SES-004")
async def test_after_a_push_that_was_lost_the_whole_session_is_put(cpo, emsp):
    charge = await charging(cpo)
    emsp.server.faults.add(fault.drop(), fault.on("PATCH", "sessions.receiver"), times=1)
    await pass_time(cpo, charge, 6)
    assert cpo.charges.news == {"accepted": 1, "lost": 1}
    assert (await cpo.charges.fetch(charge)).data["kwh"] == 0
    await pass_time(cpo, charge, 6)
    assert pushes(emsp)[-1].method == "PUT"
    assert len(emsp.sessions.one(CPO, charge.id)["charging_periods"]) == 2
    await pass_time(cpo, charge, 6)
    assert pushes(emsp)[-1].method == "PATCH"
    assert len(emsp.sessions.one(CPO, charge.id)["charging_periods"]) == 3


@pytest.mark.obligation("SES-033")
async def test_what_did_not_arrive_is_repaired_on_request(cpo, emsp):
    emsp.server.faults.add(fault.http(503))
    charge = await over(cpo)
    emsp.server.faults.clear()
    assert (len(emsp.sessions), len(emsp.cdrs), len(cpo.ledger.unsent)) == (0, 0, 1)
    await cpo.charges.repair()
    await cpo.ledger.send_missing()
    assert emsp.sessions.one(CPO, charge.id)["status"] == "COMPLETED"
    assert (len(emsp.cdrs), cpo.ledger.unsent) == (1, set())


@pytest.mark.obligation("SES-037", "SES-039", "SES-050")
async def test_a_reservation_is_a_session_that_goes_on_when_its_driver_comes(cpo, emsp):
    outlet = outlets_of(cpo)[0]
    start = now()
    grant = Grant(a_token(), "COMMAND", "REF-A")
    charge = await cpo.charges.reserve(outlet, grant, start)
    assert emsp.sessions.one(CPO, charge.id)["status"] == "RESERVATION"
    assert outlet.evse["status"] == "RESERVED"
    later = start + timedelta(minutes=10)
    cpo.whitelist.add([a_token("05CCDD")])
    assert await cpo.swipe("05CCDD", outlet, at=later) is None
    cpo.whitelist.add([a_token()])
    assert await cpo.swipe("04aabb", outlet, at=later, visit=VISIT) is charge
    session = emsp.sessions.one(CPO, charge.id)
    assert session["start_date_time"] == format_datetime(later.replace(microsecond=0))
    assert (session["status"], session["auth_method"]) == ("ACTIVE", "WHITELIST")
    assert len(emsp.sessions) == 1


@pytest.mark.obligation("SES-040", "SES-041")
async def test_a_reservation_that_nobody_used_is_completed_and_billed(cpo, emsp):
    start = now()
    charge = await cpo.charges.reserve(outlets_of(cpo)[0], Grant(a_token(), "COMMAND"), start)
    await cpo.charges.finish(charge, start + timedelta(minutes=30))
    assert emsp.sessions.one(CPO, charge.id)["status"] == "COMPLETED"
    [cdr] = emsp.cdrs
    assert (cdr["total_energy"], cdr["session_id"]) == (0, charge.id)


@pytest.mark.obligation("SES-044")
async def test_a_void_session_is_told_and_not_billed(cpo, emsp):
    charge = await charging(cpo)
    await cpo.charges.void(charge)
    assert emsp.sessions.one(CPO, charge.id)["status"] == "INVALID"
    assert (len(emsp.cdrs), cpo.ledger.cdrs) == (0, {})


@pytest.mark.obligation("CDR-006", "CDR-012", "CDR-025")
async def test_a_cdr_is_corrected_by_a_credit_and_another_one(cpo, emsp):
    charge = await over(cpo)
    [cdr] = emsp.cdrs
    before = codec.encode(cpo.ledger.cdrs[cdr["id"]])
    back = await cpo.ledger.credit(cdr["id"])
    await cpo.ledger.post(charge.cdr("CORRECTED"))
    assert codec.encode(cpo.ledger.cdrs[cdr["id"]]) == before
    assert [each["id"] for each in emsp.cdrs] == [cdr["id"], back["id"], "CORRECTED"]
    assert {each.method for each in pushes(emsp, "cdrs")} == {"POST"}
    assert emsp.cdrs.totals()["EUR"] == cdr["total_cost"]["excl_vat"]
    corrected = list(emsp.cdrs)[-1]
    assert not {"credit", "credit_reference_id"} & corrected.keys()


# Being asked


@pytest.mark.obligation("SES-006")
async def test_the_list_of_sessions_needs_a_begin(asker):
    assert (await asker.get("sessions")).code == 2001
    assert (await asker.get("cdrs")).code == 1000


@pytest.mark.obligation("SES-007", "SES-008", "CDR-015", "CDR-016")
@pytest.mark.parametrize(("module", "model"), [("sessions", Session), ("cdrs", Cdr)])
async def test_lists_have_windows_and_pages(cpo, asker, module, model):
    for _ in range(5):
        await over(cpo)
    whole = await asker.get(module, params=ALL)
    assert len(whole.data) == 5
    assert (whole.headers["X-Total-Count"], whole.headers["X-Limit"]) == ("5", "100")
    for each in whole.data:
        assert validate(model, each) == ()
    moments = [each["last_updated"] for each in whole.data]
    window = {"date_from": moments[1], "date_to": moments[3]}
    assert (await asker.get(module, params=window)).data == whole.data[1:3]
    page = await asker.get(module, params=ALL | {"limit": "2", "offset": "1"})
    assert page.data == whole.data[1:3]
    link = paging.next_url(page.headers["Link"])
    assert "offset=3" in link
    assert (await asker.call("GET", link)).data == whole.data[3:]


@pytest.mark.obligation("CDR-018")
@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_each_emsp_is_shown_its_own(cpo, asker, module):
    mine = await over(cpo)
    theirs = await over(cpo, owner="FR-EM2")
    field = "id" if module == "sessions" else "session_id"
    shown = await asker.get(module, params=ALL)
    assert [each[field] for each in shown.data] == [mine.id]
    shown = await asker.get(module, params=ALL, sender="FR-EM2")
    assert [each[field] for each in shown.data] == [theirs.id]


@pytest.mark.obligation("SES-010", "SES-011", "CDR-017")
@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_there_is_nothing_but_the_list(cpo, asker, module):
    charge = await over(cpo)
    [cdr] = cpo.ledger.cdrs
    name = charge.id if module == "sessions" else cdr
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await asker.send(method, module, side=SENDER, body={})).http == 405
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert (await asker.send(method, module, name, side=SENDER, body={})).http == 404


# Preferences


async def prefer(asker, charge, *, suffix="/charging_preferences", **wanted):
    return await asker.send("PUT", "sessions", f"{charge.id}{suffix}", side=SENDER, body=wanted)


@pytest.mark.obligation("SES-012", "SES-013", "SES-015", "SES-016")
async def test_preferences_are_judged_one_by_one(cpo, asker):
    charge = await charging(cpo)
    soon = format_datetime(charge.meter.at + timedelta(minutes=30))
    morning = format_datetime(charge.meter.at + timedelta(hours=8))
    for wanted, expected in (
        ({"profile_type": "GREEN"}, "PROFILE_TYPE_NOT_SUPPORTED"),
        ({"profile_type": "FAST"}, "PROFILE_TYPE_NOT_SUPPORTED"),
        ({"profile_type": "CHEAP", "energy_need": 20}, "DEPARTURE_REQUIRED"),
        ({"profile_type": "CHEAP", "departure_time": morning}, "ENERGY_NEED_REQUIRED"),
        ({"profile_type": "CHEAP", "departure_time": soon, "energy_need": 40}, "NOT_POSSIBLE"),
        ({"profile_type": "CHEAP", "departure_time": morning, "energy_need": 20}, "ACCEPTED"),
        ({"profile_type": "REGULAR"}, "ACCEPTED"),
    ):
        answer = await prefer(asker, charge, **wanted)
        assert (answer.http, answer.code, answer.data) == (200, 1000, expected)
    for suffix in ("", "/charging_preferences/more", "/preferences"):
        answer = await prefer(asker, charge, suffix=suffix, profile_type="REGULAR")
        assert answer.http == 404


@pytest.mark.obligation("SES-016", "TAR-025", "SES-020")
async def test_a_cheap_session_takes_its_time_and_its_tariff(cpo, emsp):
    charge = await charging(cpo)
    await pass_time(cpo, charge, 6)
    later = format_datetime(charge.meter.at + timedelta(hours=10))
    session = emsp.sessions.one(CPO, charge.id)
    assert await emsp.prefer(session, "CHEAP", departure=later, kwh=20) == "ACCEPTED"
    assert charge.watts == 2000
    await pass_time(cpo, charge, 60)
    await cpo.charges.finish(charge, charge.meter.at)
    [cdr] = emsp.cdrs
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["AC", "AC-CHEAP"]


@pytest.mark.obligation("SES-014")
async def test_an_evse_that_cannot_has_no_preferences(cpo, asker):
    charge = await charging(cpo, outlets_of(cpo, direct=True)[0])
    answer = await prefer(asker, charge, profile_type="REGULAR")
    assert (answer.http, answer.code) == (404, 2001)
    assert "data" not in answer.json


@pytest.mark.obligation("SES-017")
async def test_preferences_are_for_a_session_that_goes_on_and_is_ones_own(cpo, asker):
    charge = await charging(cpo)
    theirs = await charging(cpo, outlets_of(cpo)[-1], owner="FR-EM2")
    await cpo.charges.finish(charge)
    assert (await prefer(asker, charge, profile_type="REGULAR")).code == 2001
    answer = await prefer(asker, theirs, profile_type="REGULAR")
    assert (answer.http, answer.code) == (404, 2001)
    assert (await prefer(asker, theirs, wish="REGULAR")).code == 2001


# By itself


async def test_a_session_runs_by_itself_until_the_driver_has_what_is_wanted(cpo, emsp):
    cpo.charges.speed = 100_000
    charge = await charging(cpo, outlets_of(cpo, direct=True)[0])
    await emsp.record.wait("cdrs.receiver", "POST")
    await cpo.errands.settle()
    assert charge.leaves
    assert emsp.sessions.one(CPO, charge.id)["status"] == "COMPLETED"
    assert next(iter(emsp.cdrs))["total_energy"] > 30
    assert not cpo.errands.failed


async def test_the_crowd_leaves_the_evse_of_a_session_alone(cpo, emsp, until):
    cpo.locations = dict([next(iter(cpo.locations.items()))])
    crowd = Charging([cpo], now(), Pace(rate=5000))
    taken = await charging(cpo)
    emsp.record.clear()
    running = asyncio.ensure_future(crowd.run())
    await until(lambda: crowd.changes > 300)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    touched = {each.segments[3] for each in emsp.record.of("locations.receiver", "PATCH")}
    assert touched
    assert taken.place.evse["uid"] not in touched


@pytest.mark.obligation("TOK-042", "TAR-025")
async def test_a_token_may_say_what_its_driver_prefers(cpo, emsp):
    slow, fast = outlets_of(cpo)[0], outlets_of(cpo, direct=True)[0]
    assert (await charging(cpo, slow, default_profile_type="CHEAP")).tariff["id"] == "AC-CHEAP"
    assert (await charging(cpo, fast, default_profile_type="CHEAP")).tariff["id"] == "DC"
    green = await charging(cpo, outlets_of(cpo)[-1], default_profile_type="GREEN")
    assert green.tariff["id"] == "AC"
