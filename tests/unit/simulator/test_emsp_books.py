"""What an eMSP holds of CPOs: tariffs, sessions, CDRs, over its Receiver interfaces."""

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.simulator.cdr_book import CdrBook
from ocpi_hub.simulator.nsp import Nsp
from ocpi_hub.simulator.server import Reply
from tests.build import LONG_AGO, a_cdr, a_period, a_session, a_tariff, as_bytes

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
CPO = PartyRef("NL", "CPO")
S1, T1 = ("NL", "CPO", "S1"), ("NL", "CPO", "T1")
T2, T3 = "2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z"


def decoded(value):
    return codec.decode(as_bytes(value))


async def sent(charger, module, method, ids, body=None):
    return await charger.ask(method, module, RECEIVER, ids, body)


# Tariffs


@pytest.mark.obligation("TAR-009", "TAR-011", "TAR-012")
async def test_a_tariff_is_created_replaced_as_a_whole_and_given_back(charger):
    capped = a_tariff(max_price={"excl_vat": 10})
    for body, http in ((capped, 201), (a_tariff(), 200)):
        assert (await sent(charger, "tariffs", "PUT", T1, body)).http == http
        assert (await sent(charger, "tariffs", "GET", T1)).data == decoded(body)
    assert (await sent(charger, "tariffs", "GET", ("NL", "CPO", "T9"))).http == 404


@pytest.mark.obligation("TAR-010")
async def test_there_is_no_post_and_no_patch_of_tariffs(provider, charger):
    await sent(charger, "tariffs", "PUT", T1, a_tariff())
    for method in ("POST", "PATCH"):
        assert (await sent(charger, "tariffs", method, T1, {"currency": "SEK"})).http == 405
    assert provider.tariffs.held[CPO, "T1"] == decoded(a_tariff())


@pytest.mark.obligation("TAR-015", "TAR-017", "TAR-018")
async def test_a_deleted_tariff_is_gone_but_not_from_what_it_has_priced(provider, charger):
    await sent(charger, "tariffs", "PUT", T1, a_tariff())
    await sent(charger, "cdrs", "POST", (), a_cdr())
    before = provider.cdrs.totals()
    assert (await sent(charger, "tariffs", "DELETE", T1)).ok
    assert (await sent(charger, "tariffs", "GET", T1)).http == 404
    assert (await sent(charger, "tariffs", "DELETE", T1)).http == 404
    assert provider.cdrs.totals() == before
    assert provider.cdrs.held[CPO, "C1"]["tariffs"] == [decoded(a_tariff())]


@pytest.mark.parametrize("wrong", [{"id": "T2"}, {"party_id": "CP2"}, {"country_code": "DE"}])
@pytest.mark.obligation("TAR-014")
async def test_a_tariff_that_is_not_that_of_its_path_is_refused(provider, charger, wrong):
    assert (await sent(charger, "tariffs", "PUT", T1, a_tariff(**wrong))).code == 2001
    assert provider.tariffs.held == {}


@pytest.mark.obligation("TAR-004")
async def test_a_pulled_list_of_tariffs_replaces_what_was_known(charger):
    async with Nsp("nsp", PartyRef("FR", "NAV")) as nsp:
        await nsp.register(charger.versions_url, charger.issue_token_a())
        kept, new = a_tariff(), a_tariff(id="T2")
        nsp.tariffs.replace([kept, a_tariff(id="OLD")])
        charger.answers("tariffs", SENDER, Reply(as_bytes([kept, new])))
        assert await nsp.crawl_tariffs() == 2
        assert {id_ for _, id_ in nsp.tariffs.held} == {"T1", "T2"}


# Sessions


@pytest.mark.obligation("SES-022", "SES-024", "SES-027", "SES-036", "SES-063", "SES-028")
async def test_a_session_is_created_replaced_as_a_whole_and_given_back(charger):
    first = a_session(end_date_time=T2, charging_periods=[a_period(), a_period(T2), a_period(T3)])
    for body, http in ((first, 201), (a_session(), 200)):
        answer = await sent(charger, "sessions", "PUT", S1, body)
        assert (answer.http, answer.code, "data" in answer.json) == (http, 1000, False)
        assert (await sent(charger, "sessions", "GET", S1)).data == decoded(body)
    assert (await sent(charger, "sessions", "GET", ("NL", "CPO", "S9"))).http == 404
    assert (await sent(charger, "sessions", "PATCH", ("NL", "CPO", "S9"), late(T2))).http == 404


def late(at, **members):
    return {"last_updated": at, **members}


@pytest.mark.obligation("SES-003", "SES-022", "SES-023")
async def test_sessions_are_neither_posted_nor_deleted_nor_patched_in_parts(provider, charger):
    await sent(charger, "sessions", "PUT", S1, a_session())
    for method in ("POST", "DELETE"):
        assert (await sent(charger, "sessions", method, S1, a_session())).http == 405
    deeper = await sent(charger, "sessions", "PATCH", (*S1, "charging_periods"), late(T2))
    assert deeper.http == 404
    assert provider.sessions.one(CPO, "s1") == decoded(a_session())


@pytest.mark.obligation("SES-029", "SES-031", "SES-032", "SES-049")
async def test_a_patch_replaces_members_and_appends_periods(provider, charger):
    session = a_session(charging_periods=[a_period(), a_period(T2)])
    await sent(charger, "sessions", "PUT", S1, session)
    patch = late(T3, kwh=4.5, auth_method="WHITELIST", charging_periods=[a_period(T3)])
    answer = await sent(charger, "sessions", "PATCH", S1, patch)
    assert (answer.code, "data" in answer.json) == (1000, False)
    periods = [a_period(), a_period(T2), a_period(T3)]
    assert provider.sessions.one(CPO, "S1") == decoded(
        session | patch | {"charging_periods": periods}
    )
    for nothing in ({}, {"charging_periods": []}):
        await sent(charger, "sessions", "PATCH", S1, late(T3, **nothing))
        assert provider.sessions.one(CPO, "S1")["charging_periods"] == decoded(periods)


@pytest.mark.obligation("SES-034")
async def test_a_patch_that_comes_twice_brings_its_period_once(provider, charger):
    await sent(charger, "sessions", "PUT", S1, a_session())
    patch = late(T2, kwh=3, charging_periods=[a_period(T2)])
    for _ in range(2):
        assert (await sent(charger, "sessions", "PATCH", S1, patch)).ok
    assert len(provider.sessions.one(CPO, "S1")["charging_periods"]) == 1


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETED"])
@pytest.mark.obligation("SES-035")
async def test_a_patch_that_comes_late_takes_nothing_back(provider, charger, status):
    await sent(charger, "sessions", "PUT", S1, a_session(charging_periods=[a_period()]))
    newer = late(T3, kwh=9, status=status)
    await sent(charger, "sessions", "PATCH", S1, newer)
    held = provider.sessions.one(CPO, "S1")
    assert (held["kwh"], held["status"]) == (9, status)
    assert (await sent(charger, "sessions", "PATCH", S1, late(T2, kwh=5, status="ACTIVE"))).ok
    assert provider.sessions.one(CPO, "S1") == held


@pytest.mark.obligation("SES-035")
async def test_the_periods_of_a_patch_that_comes_late_find_their_place(provider, charger):
    await sent(charger, "sessions", "PUT", S1, a_session(charging_periods=[a_period()]))
    for moment, kwh in ((T3, 9), (T2, 5)):
        patch = late(moment, kwh=kwh, charging_periods=[a_period(moment)])
        assert (await sent(charger, "sessions", "PATCH", S1, patch)).ok
    periods = decoded([a_period(), a_period(T2), a_period(T3)])
    newer = late(T3, kwh=9, charging_periods=periods)
    assert provider.sessions.one(CPO, "S1") == decoded(a_session() | newer)


@pytest.mark.parametrize("start", ["PENDING", "RESERVATION"])
@pytest.mark.parametrize("end", ["ACTIVE", "COMPLETED", "INVALID"])
@pytest.mark.obligation("SES-045", "SES-047")
async def test_what_waits_may_become_active_at_another_time_or_never(provider, charger, start, end):
    await sent(charger, "sessions", "PUT", S1, a_session(status=start))
    news = late(T3, status=end, start_date_time=T2)
    assert (await sent(charger, "sessions", "PATCH", S1, news)).ok
    assert provider.sessions.one(CPO, "S1") == decoded(a_session() | news)


@pytest.mark.parametrize("status", ["COMPLETED", "INVALID"])
@pytest.mark.obligation("SES-043")
async def test_a_session_that_ended_takes_nothing_new_but_may_be_told_again(
    provider, charger, status
):
    ended = a_session(status=status)
    await sent(charger, "sessions", "PUT", S1, ended)
    assert (await sent(charger, "sessions", "PUT", S1, ended)).ok
    assert (await sent(charger, "sessions", "PATCH", S1, late(T3, kwh=99))).code == 2001
    assert (await sent(charger, "sessions", "PUT", S1, a_session())).code == 2001
    assert provider.sessions.one(CPO, "S1") == decoded(ended)


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PUT", a_session(id="S2")), ("PUT", a_session(party_id="CP2")),
        ("PUT", {"id": "S1"}), ("PATCH", {"kwh": 2}), ("PATCH", late(T2, id="S2")),
    ],
)  # fmt: skip
@pytest.mark.obligation("SES-026", "SES-025", "SES-030")
async def test_what_is_no_session_of_its_path_is_refused(provider, charger, method, body):
    await sent(charger, "sessions", "PUT", S1, a_session())
    assert (await sent(charger, "sessions", method, S1, body)).code == 2001
    assert provider.sessions.one(CPO, "S1") == decoded(a_session())


@pytest.mark.obligation("SES-005", "SES-009", "CDR-078")
async def test_what_was_missed_is_pulled_and_replaces_what_is_older(provider, charger):
    await sent(charger, "sessions", "PUT", S1, a_session(total_cost={"excl_vat": 1}))
    newer = a_session(kwh=7, last_updated=T2)
    charger.answers("sessions", SENDER, Reply(as_bytes([newer, a_session(id="S2")])))
    charger.answers("cdrs", SENDER, Reply(as_bytes([a_cdr()])))
    for since in (LONG_AGO, T2):
        assert await provider.catch_up(CPO) == 3
        assert charger.record.of("sessions.sender", "GET")[-1].query["date_from"] == since
    assert provider.sessions.one(CPO, "S1") == decoded(newer)
    assert len(provider.sessions) == 2
    assert len(provider.cdrs) == 1
    provider.sessions.add([decoded(a_session())])
    assert provider.sessions.one(CPO, "S1") == decoded(newer)


async def test_who_waits_for_a_session_is_woken_by_a_push(provider, charger):
    find = lambda: provider.sessions.referring("REF")  # noqa: E731 - what is waited for
    assert await provider.sessions.until(find, 0) is None
    await sent(charger, "sessions", "PUT", S1, a_session(authorization_reference="REF"))
    assert (await provider.sessions.until(find, 5))["id"] == "S1"
    assert provider.sessions.named("s1") == find()


# CDRs


@pytest.mark.obligation("CDR-005", "CDR-019", "CDR-020", "CDR-021", "CDR-022")
async def test_a_posted_cdr_has_an_address_and_is_there(charger):
    answer = await sent(charger, "cdrs", "POST", (), a_cdr())
    assert (answer.http, answer.code) == (201, 1000)
    address = answer.headers["Location"]
    assert address.startswith(charger.known_peer.url("cdrs", RECEIVER) + "/")
    assert len(address) <= 255
    assert (await charger.call("GET", address)).data == decoded(a_cdr())
    assert (await sent(charger, "cdrs", "GET", ("unknown",))).http == 404


@pytest.mark.obligation("CDR-003", "CDR-023")
async def test_a_cdr_is_neither_changed_nor_deleted(provider, charger):
    address = (await sent(charger, "cdrs", "POST", (), a_cdr())).headers["Location"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await charger.call(method, address, body=as_bytes({"remark": "no"}))
        assert answer.http == 405
        assert (await sent(charger, "cdrs", method, ())).http == 405
    assert list(provider.cdrs) == [decoded(a_cdr())]


@pytest.mark.obligation("CDR-024")
async def test_the_same_cdr_twice_is_held_once_and_another_of_its_id_is_refused(provider, charger):
    first, again = [await sent(charger, "cdrs", "POST", (), a_cdr()) for _ in range(2)]
    assert again.ok
    assert again.headers["Location"] == first.headers["Location"]
    other = await sent(charger, "cdrs", "POST", (), a_cdr(total_cost={"excl_vat": 99}))
    assert (other.code, "Location" in other.headers) == (2001, False)
    foreign = await sent(charger, "cdrs", "POST", (), a_cdr(party_id="CP2"))
    assert foreign.http == 201
    assert list(provider.cdrs) == [decoded(a_cdr()), decoded(a_cdr(party_id="CP2"))]


def a_credit(of="C1", **overrides):
    cost = {"excl_vat": -4.5, "incl_vat": -5.4}
    credit = {"id": f"{of}-C", "credit": True, "credit_reference_id": of, "total_cost": cost}
    return a_cdr(**credit | overrides)


@pytest.mark.obligation("CDR-009", "CDR-010", "CDR-011", "CDR-013", "CDR-076", "CDR-077")
async def test_a_credit_takes_back_one_cdr_and_only_once(provider, charger):
    early = await sent(charger, "cdrs", "POST", (), a_credit())
    assert early.code == 2001
    await sent(charger, "cdrs", "POST", (), a_cdr())
    krona = a_cdr(id="C2", currency="SEK", total_cost={"excl_vat": 70}, tariffs=[])
    await sent(charger, "cdrs", "POST", (), krona)
    assert provider.cdrs.totals() == {"EUR": decoded(4.5), "SEK": 70}
    for wrong in (
        a_credit(total_cost={"excl_vat": -4, "incl_vat": -5.4}),
        a_credit(total_energy=9),
        a_credit(remark="a remark that was not there"),
    ):
        assert (await sent(charger, "cdrs", "POST", (), wrong)).code == 2001
    assert (await sent(charger, "cdrs", "POST", (), a_credit())).http == 201
    assert provider.cdrs.totals() == {"EUR": 0, "SEK": 70}
    for more in (a_credit(id="C1-D"), a_credit("C1-C")):
        assert (await sent(charger, "cdrs", "POST", (), more)).code == 2001
    assert len(provider.cdrs) == 3


@pytest.mark.obligation("CDR-001", "SES-044")
async def test_what_sessions_say_is_not_owed_and_an_invalid_one_never_is(provider, charger):
    for status in ("COMPLETED", "INVALID"):
        session = a_session(id=status, status=status, total_cost={"excl_vat": 50})
        assert (await sent(charger, "sessions", "PUT", ("NL", "CPO", status), session)).ok
    assert provider.cdrs.totals() == {}
    await sent(charger, "cdrs", "POST", (), a_cdr(session_id="COMPLETED"))
    assert provider.cdrs.totals() == {"EUR": decoded(4.5)}


async def test_the_cdr_of_a_session_is_found_and_waited_for(provider, charger):
    assert await provider.cdrs.until(a_session(), 0) is None
    await sent(charger, "cdrs", "POST", (), a_cdr())
    await sent(charger, "cdrs", "POST", (), a_credit())
    assert (await provider.cdrs.until(a_session(), 5))["id"] == "C1"
    assert provider.cdrs.of(a_session(id="S2")) is None


@pytest.mark.obligation("CDR-070")
async def test_a_reservation_that_came_to_nothing_is_billed_whatever_its_connector(charger):
    cdr = a_cdr(total_energy=0)
    location = dict.fromkeys(("evse_uid", "evse_id", "connector_id"), "#NA")
    location |= {"connector_standard": "WHATEVER", "connector_format": "NONE"}
    cdr["cdr_location"] = cdr["cdr_location"] | location
    assert (await sent(charger, "cdrs", "POST", (), cdr)).http == 201


async def test_what_is_no_cdr_is_refused(charger):
    assert (await sent(charger, "cdrs", "POST", (), {"id": "C1"})).code == 2001
    assert not len(CdrBook(str))
