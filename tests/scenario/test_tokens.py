"""Tokens through the hub: every operator gets them, and asks their owner when it has to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_token, as_bytes
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, running_house

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
LATER, LATEST = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
PLACE = b'{ "location_id":"LOC1" , "evse_uids":["E1" ], "x":1.0}'


def token(owner: str = "EM1", **more: Any) -> dict[str, Any]:
    return a_token(party_id=owner) | more


async def put(emsp: FakePartner, body: dict[str, Any], query: str = "", **how: Any) -> Any:
    path = f"{body['country_code']}/{body['party_id']}/{body['uid']}{query}"
    return await emsp.send("PUT", "tokens", path, body=body, **how)


async def authorize(
    cpo: FakePartner, uid: str = "04A1", query: str = "", to: str | None = None, **how: Any
) -> Any:
    path = f"{uid}/authorize{query}"
    return await cpo.send("POST", "tokens", path, side=SENDER, to=to, **how)


def knows(emsp: FakePartner, *uids: str, allowed: str = "ALLOWED") -> None:
    """An eMSP that knows these tokens and no other."""

    async def handler(received: Received) -> Reply:
        if received.segments[0] not in uids:
            return Reply(code=2004, http=404)
        return Reply(codec.encode({"allowed": allowed, "token": token(emsp.party.party_id)}))

    emsp.serve("tokens", SENDER, handler)


@pytest.mark.obligation(
    "ROUT-206", "ROUT-215", "TOK-002", "TOK-012", "TOK-016", "TOK-017", "TOK-056", "TOK-023",
)  # fmt: skip
async def test_a_token_reaches_operators_alone_byte_for_byte(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    async with fake_partner(EMSP="FR-EM2") as other:
        other.serve("tokens", RECEIVER, other.tariffs)
        await hub.connect(other)
        raw = as_bytes(token()).replace(b",", b" ,\n", 2)
        answer = await emsp.send("PUT", "tokens", "DE/EM1/04A1", body=raw)
        assert (answer.http, answer.code) == (201, 1000)
        (push,) = await cpo.received("tokens.receiver", "PUT")
        assert (push.body, push.segments, push.query) == (raw, ("DE", "EM1", "04A1"), {})
        assert push.headers["OCPI-from-party-id"] == "HUB"
        listed = await cpo.get("tokens")
        assert raw in listed.body
        assert listed.total == 1
        assert raw in (await emsp.send("GET", "tokens", "DE/EM1/04a1")).body
        unknown = await emsp.send("GET", "tokens", "DE/EM1/04A9")
        assert (unknown.http, unknown.code) == (404, 2004)
        assert (await put(emsp, token(last_updated=LATER))).http == 200
        for stranger in (other, nsp, emsp):
            refused = await stranger.get("tokens")
            assert (refused.code, refused.data) == (2001, None)
            assert stranger.record.of("tokens.receiver") == []


@pytest.mark.obligation("TOK-013", "TOK-014", "TOK-019", "TOK-018", "TOK-001", "TOK-036")
async def test_the_type_in_the_query_belongs_to_a_tokens_name(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    app = token(type="APP_USER", whitelist="NEVER")
    assert (await put(emsp, token())).http == 201
    assert (await put(emsp, app, "?type=APP_USER")).http == 201
    card, push = await cpo.received("tokens.receiver", "PUT", count=2)
    assert (card.query, push.query) == ({}, {"type": "APP_USER"})
    for query, shown in (("", token()), ("?type=RFID", token()), ("?type=APP_USER", app)):
        assert (await emsp.send("GET", "tokens", f"DE/EM1/04A1{query}")).data == shown
    assert (await emsp.send("GET", "tokens", "DE/EM1/04A1?type=OTHER")).http == 404
    wrong = [
        (app, ""), (token(), "?type=APP_USER"), (token(), "?type="), (token(), "?type=A&type=RFID"),
    ]  # fmt: skip
    for body, query in wrong:
        assert (await put(emsp, body, query)).code == 2001
    for changes in ({"uid": "04A2"}, {"party_id": "EM9"}, {"country_code": "FR"}):
        mismatch = await emsp.send("PUT", "tokens", "DE/EM1/04A1", body=token() | changes)
        assert (mismatch.http, mismatch.code) == (200, 2001)
    required = (
        "country_code", "party_id", "uid", "type", "contract_id", "issuer", "valid", "whitelist",
        "last_updated",
    )  # fmt: skip
    for missing in required:
        body = {name: value for name, value in token().items() if name != missing}
        answer = await emsp.send("PUT", "tokens", "DE/EM1/04A1", body=body)
        assert (answer.code, missing in answer.json["status_message"]) == (2001, True)
    foreign = await emsp.send("PUT", "tokens", "FR/EM2/04A1", body=token("EM2", country_code="FR"))
    assert foreign.http == 404
    assert len((await cpo.get("tokens")).data) == 2


@pytest.mark.obligation("TOK-020", "TOK-021", "TOK-003", "TR-038", "TR-039", "TR-040", "ROUT-220")
async def test_a_token_is_blocked_by_a_patch_and_never_deleted(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    patch = b'{"valid" : false, "last_updated":"2026-02-01T00:00:00Z", "issuer":null}'
    path = "DE/EM1/04A1?type=APP_USER"
    early = await emsp.send("PATCH", "tokens", path, body=patch)
    assert (early.http, early.code) == (404, 2004)
    app = token(type="APP_USER")
    await put(emsp, app, "?type=APP_USER")
    await cpo.received("tokens.receiver", "PUT")
    for wrong in ({"valid": False}, {"valid": "no", "last_updated": LATER}, []):
        assert (await emsp.send("PATCH", "tokens", path, body=wrong)).code == 2001
    answer = await emsp.send("PATCH", "tokens", path, body=patch)
    assert (answer.http, answer.code) == (200, 1000)
    (push,) = await cpo.received("tokens.receiver", "PATCH")
    assert (push.body, push.query) == (patch, {"type": "APP_USER"})
    held = await emsp.send("GET", "tokens", path)
    assert held.data == app | {"valid": False, "last_updated": LATER}
    assert (await emsp.send("DELETE", "tokens", path)).http == 405
    assert (await emsp.send("GET", "tokens", path)).data == held.data


@pytest.mark.obligation("TOK-015", "TOK-024")
async def test_what_tokens_do_not_have_is_refused(cpo: FakePartner, emsp: FakePartner) -> None:
    await put(emsp, token())
    for method in ("POST", "DELETE"):
        assert (await emsp.send(method, "tokens", "DE/EM1/04A1", body={})).http == 405
    for method in ("PUT", "PATCH", "DELETE", "GET"):
        refused = await cpo.send(method, "tokens", "04A1", side=SENDER, body={})
        assert refused.http in {404, 405}
    assert (await cpo.get("tokens")).data == [token()]


@pytest.mark.obligation("TR-041")
async def test_an_operator_that_refuses_a_patch_gets_the_whole_token(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    app = token(type="APP_USER")
    await put(emsp, app, "?type=APP_USER")
    await cpo.received("tokens.receiver", "PUT")
    cpo.answers("tokens", RECEIVER, Reply(code=2004, http=404))
    change = {"valid": False, "last_updated": LATER}
    await emsp.send("PATCH", "tokens", "DE/EM1/04A1?type=APP_USER", body=change)
    _, again = await cpo.received("tokens.receiver", "PUT", count=2)
    (look,) = cpo.record.of("tokens.receiver", "GET")
    assert (look.segments, look.query) == (("DE", "EM1", "04A1"), {"type": "APP_USER"})
    assert (again.query, again.json) == ({"type": "APP_USER"}, app | change)


async def test_changes_that_come_while_an_operator_is_busy_leave_it_with_the_latest_state(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    free, busy = asyncio.Event(), asyncio.Event()

    async def slow(_: Received) -> Reply:
        busy.set()
        await free.wait()
        return Reply()

    cpo.serve("tokens", RECEIVER, slow)
    await put(emsp, token(type="APP_USER"), "?type=APP_USER")
    await busy.wait()
    path = "DE/EM1/04A1?type=APP_USER"
    for valid, at in ((False, LATER), (True, LATEST)):
        change = {"valid": valid, "last_updated": at}
        assert (await emsp.send("PATCH", "tokens", path, body=change)).code == 1000
    free.set()
    await cpo.received("tokens.receiver", where=lambda one: one.json["last_updated"] == LATEST)
    held: dict[str, Any] = {}
    for push in cpo.record.of("tokens.receiver"):
        assert push.query == {"type": "APP_USER"}
        held = (held if push.method == "PATCH" else {}) | push.json
    assert held == token(type="APP_USER", last_updated=LATEST)


@pytest.mark.obligation(
    "ROUT-307", "ROUT-301", "ROUT-302", "TOK-025", "TOK-026", "TOK-054", "TOK-055",
)  # fmt: skip
async def test_the_owner_of_a_token_authorizes_it_and_its_answer_stays_as_it_is(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="FR-EM2") as other:
        await hub.connect(other)
        await put(emsp, token())
        await put(other, token("EM2", country_code="FR", type="APP_USER"), "?type=APP_USER")
        knows(emsp, "04A1", allowed="BLOCKED")
        knows(other, "04a1")
        answer = await authorize(cpo, body=PLACE)
        assert (answer.http, answer.code, answer.data["allowed"]) == (200, 1000, "BLOCKED")
        assert answer.headers["OCPI-from-party-id"] == "EM1"
        (asked,) = emsp.record.of("tokens.sender")
        assert (asked.body, asked.segments) == (PLACE, ("04A1", "authorize"))
        assert asked.headers["OCPI-from-party-id"] == "CPO"
        assert asked.headers["OCPI-to-party-id"] == "EM1"
        answer = await authorize(cpo, "04a1", "?type=APP_USER")
        assert answer.headers["OCPI-from-party-id"] == "EM2"
        (asked,) = other.record.of("tokens.sender")
        assert (asked.body, asked.query) == (b"", {"type": "APP_USER"})
        assert (await authorize(cpo, query="?type=OTHER")).http == 404
        assert len(emsp.record.of("tokens.sender")) == 1
        emsp.faults.add(fault.code(2002))
        assert (await authorize(cpo)).code == 2002


@pytest.mark.obligation("ROUT-307", "ROUT-110", "TOK-054")
async def test_a_token_sent_to_one_operator_is_shown_to_none_and_its_owner_is_found(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    knows(emsp, "04A1")
    app = token(type="APP_USER")
    assert (await put(emsp, app, "?type=APP_USER", to="NL-CPO")).code == 1000
    assert (await cpo.get("tokens")).data == []
    answer = await authorize(cpo, "04a1", "?type=APP_USER")
    assert answer.headers["OCPI-from-party-id"] == "EM1"
    assert (await authorize(cpo)).http == 404
    async with fake_partner(EMSP="FR-EM2") as other:
        await hub.connect(other)
        await put(other, token("EM2", country_code="FR", type="APP_USER"), "?type=APP_USER")
        assert (await authorize(cpo, query="?type=APP_USER")).code == 4001


@pytest.mark.obligation("TOK-053")
async def test_an_owner_that_cannot_be_asked_is_told_of_and_the_hub_answers_for_nobody(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    await put(emsp, token(whitelist="ALLOWED_OFFLINE"))
    emsp.faults.add(fault.hang(), times=1)
    late = await authorize(cpo)
    assert (late.http, late.code, late.data) == (200, 4002, None)
    await emsp.__aexit__(None, None, None)
    gone = await authorize(cpo)
    assert (gone.http, gone.code, gone.data) == (200, 4003, None)


@pytest.mark.obligation("TOK-054", "TOK-027", "ROUT-308", "ROUT-311", "ROUT-211")
async def test_a_token_of_nobody_or_of_two_is_asked_of_nobody(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="FR-EM2") as other:
        await hub.connect(other)
        unknown = await authorize(cpo)
        assert (unknown.http, unknown.code, unknown.data) == (404, 2004, None)
        await put(emsp, token())
        await put(other, token("EM2", country_code="FR"))
        two = await authorize(cpo)
        assert (two.http, two.code, two.data) == (200, 4001, None)
        all_of_them = await authorize(cpo, to="hub")
        assert (all_of_them.http, all_of_them.code) == (200, 2001)
        for one in (emsp, other):
            assert one.record.of("tokens.sender") == []
            assert (await authorize(cpo, to=str(one.party))).code == 1000
            assert len(one.record.of("tokens.sender")) == 1


@pytest.fixture
async def asking(database_url: str) -> AsyncIterator[Hub]:
    """A hub that asks all eMSPs about tokens that it does not know."""
    async with running_house(database_url, routing={"ask_all": True}) as hub:
        yield hub


@pytest.mark.obligation("ROUT-308")
async def test_a_hub_that_may_ask_all_returns_the_answer_of_the_only_one_that_knows(
    asking: Hub,
) -> None:
    parties = {"CPO": "NL-CPO"}, {"EMSP": "DE-EM1"}, {"EMSP": "FR-EM2"}, {"EMSP": "AT-EM3"}
    async with AsyncExitStack() as stack:
        cpo, first, second, third = [
            await stack.enter_async_context(fake_partner(**one)) for one in parties
        ]
        for partner in (cpo, first, second, third):
            await asking.connect(partner)
        knows(first, "A1", "B2")
        knows(second, "B2", "C3", allowed="BLOCKED")
        third.faults.add(fault.http(500), fault.on(interface="tokens.sender"))
        for uid, owner in (("A1", "EM1"), ("C3", "EM2")):
            answer = await authorize(cpo, uid, body=PLACE)
            assert (answer.http, answer.code) == (200, 1000)
            assert answer.headers["OCPI-from-party-id"] == owner
            assert answer.data["token"]["party_id"] == owner
        for one in (first, second, third):
            asked = one.record.of("tokens.sender")
            assert [each.body for each in asked] == [PLACE] * 2
            assert {each.headers["OCPI-to-party-id"] for each in asked} == {one.party.party_id}
        both = await authorize(cpo, "B2")
        assert (both.http, both.code, both.data) == (200, 4001, None)
        none = await authorize(cpo, "D4")
        assert (none.http, none.code, none.data) == (404, 2004, None)
        assert none.headers["OCPI-from-party-id"] == "HUB"


@pytest.mark.obligation("ROUT-308")
async def test_a_silent_provider_keeps_no_driver_waiting_for_long(
    asking: Hub,
) -> None:
    async with (
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
        fake_partner(EMSP="FR-EM2") as silent,
    ):
        for partner in (cpo, emsp, silent):
            await asking.connect(partner)
        knows(emsp, "A1")
        silent.faults.add(fault.hang(), fault.on(interface="tokens.sender"))
        answer = await authorize(cpo, "A1")
        assert answer.headers["OCPI-from-party-id"] == "EM1"
