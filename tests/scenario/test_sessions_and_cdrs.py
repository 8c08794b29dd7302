"""Sessions and CDRs: for one provider each, unchanged, and never for all."""

from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.server import Reply, accept
from tests.build import a_cdr, a_session, as_bytes
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

SESSION = a_session()
ODD = (
    b'{ "country_code":"NL","party_id":"CPO", "id":"%s","kwh":41.1200 ,"x_vendor":[1e2,-0,null],\n'
    b'"signed_data":{"encoding_method":"OCMF","signed_values":[{"nature":"Start",'
    b'"plain_data":"a\\/b\\u00e9","signed_data":"MEUC=="}]},"end_date_time":null,'
    b'"last_updated":"2015-06-29T22:39:09.5Z"}'
)


@pytest.mark.obligation("SES-061", "CDR-029", "CDR-075", "SES-063", "CDR-005")
async def test_they_arrive_byte_for_byte_whatever_they_say(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    for method, module, path in (
        ("PUT", "sessions", "NL/CPO/S1"),
        ("PATCH", "sessions", "NL/CPO/S1"),
        ("POST", "cdrs", ""),
    ):
        body = ODD % (b"S1" if module == "sessions" else b"C1")
        assert (await cpo.send(method, module, path, body=body, to="DE-EM1")).code == 1000
        (came,) = emsp.record.of(f"{module}.receiver", method)
        assert came.body == body


@pytest.mark.obligation("SES-058", "SES-060", "CDR-028", "CDR-018")
async def test_the_hub_neither_spreads_nor_lists_them(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="FR-EM2") as other:
        await hub.connect(other)
        for method, module, path, body in (
            ("PUT", "sessions", "NL/CPO/S1", SESSION),
            ("PATCH", "sessions", "NL/CPO/S1", {"kwh": 2}),
            ("POST", "cdrs", "", a_cdr()),
        ):
            refused = await cpo.send(method, module, path, body=body, to="hub")
            assert (refused.http, refused.code) == (200, 2001)
            await cpo.send(method, module, path, body=body, to="DE-EM1")
        for module in ("sessions", "cdrs"):
            assert len(emsp.record.of(module)) == (2 if module == "sessions" else 1)
            assert other.record.of(module) == []
            for to in ("hub", None):
                listed = await other.get(module, to=to)
                assert (listed.code, listed.data) == (2001, None)


@pytest.mark.obligation("SES-062", "ROUT-803")
async def test_a_smart_charging_provider_gets_sessions_where_an_agreement_says_so(
    database_url: str,
) -> None:
    async with (
        running_house(database_url, routing={"agreements": "required"}) as hub,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
        fake_partner(SCSP="FR-SCS") as scsp,
    ):
        for partner in (cpo, emsp, scsp):
            await hub.connect(partner)

        async def passed_on(partner: FakePartner) -> Answer:
            return await partner.send("PUT", "sessions", "NL/CPO/S1", body=SESSION, to="FR-SCS")

        assert (await passed_on(cpo)).code == (await passed_on(emsp)).code == 4003
        assert scsp.record.of("sessions") == []
        for party in ("NL-CPO", "DE-EM1"):
            agreement = {"parties": [party, "FR-SCS"], "modules": ["sessions"]}
            await hub.admin("POST", "/agreements", agreement)
        assert (await passed_on(cpo)).code == (await passed_on(emsp)).code == 1000
        assert [came.json for came in scsp.record.of("sessions.receiver")] == [SESSION] * 2


@pytest.mark.obligation(
    "SES-003", "SES-010", "SES-011", "SES-012", "SES-022", "SES-023", "CDR-003", "CDR-023"
)
@pytest.mark.parametrize(
    ("side", "path", "methods", "http"),
    [
        (RECEIVER, "sessions/NL/CPO/S1", "POST DELETE", 405),
        (RECEIVER, "sessions/NL/CPO/S1/charging_periods", "GET PUT PATCH", 404),
        (SENDER, "sessions", "POST PUT PATCH DELETE", 405),
        (SENDER, "sessions/S1", "GET PUT PATCH DELETE", 404),
        (SENDER, "sessions/S1/charging_preferences", "GET POST PATCH DELETE", 405),
        (RECEIVER, "cdrs/C1", "PUT PATCH DELETE", 405),
        (RECEIVER, "cdrs", "PUT PATCH DELETE", 405),
        (RECEIVER, "cdrs/NL/CPO/C1", "GET PUT PATCH DELETE", 404),
    ],
)
async def test_what_these_modules_do_not_have_the_hub_does_not_have(
    cpo: FakePartner, emsp: FakePartner, *, side: Any, path: str, methods: str, http: int
) -> None:
    module, _, rest = path.partition("/")
    for method in methods.split():
        body = {} if method in {"POST", "PUT", "PATCH"} else None
        refused = await cpo.send(method, module, rest, side=side, body=body, to="DE-EM1")
        assert (refused.http, refused.code) == (http, 2000), method
    assert emsp.record.of(module) == []


@pytest.mark.obligation("CDR-019", "CDR-020", "CDR-021", "CDR-022", "CDR-027", "ROUT-506")
async def test_the_address_of_a_cdr_leads_through_the_hub_to_where_it_is(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    there = emsp.url("cdrs", RECEIVER) + "/own/place?id=7"
    stored = as_bytes(a_cdr())

    async def takes(received: Any) -> Reply:
        if received.method == "POST":
            return Reply(http=201, headers={"Location": there})
        known = received.segments == ("own", "place") and received.query == {"id": "7"}
        return Reply(data=stored) if known else Reply(code=2000, http=404)

    emsp.serve("cdrs", RECEIVER, takes)
    posted = await cpo.send("POST", "cdrs", body=stored, to="DE-EM1")
    assert (posted.http, posted.code) == (201, 1000)
    location = posted.headers["Location"]
    assert location.startswith(f"{hub.url}/ocpi/2.2.1/receiver/cdrs/")
    assert len(location) <= 255
    again = await cpo.call("GET", location)
    assert again.data == codec.decode(stored)
    foreign = await emsp.call("GET", location)
    assert (foreign.http, foreign.code) == (404, 2000)
    unknown = await cpo.send("GET", "cdrs", "NOPE", to="DE-EM1")
    assert unknown.http == 404


async def findings(hub: Hub, route: str) -> list[str]:
    listed = await hub.admin("GET", "/messages", route=route, direction="IN")
    return [text for item in listed["items"] for text in item["findings"]]


@pytest.mark.obligation("SES-038")
@pytest.mark.parametrize(
    ("module", "body", "finding"),
    [
        ("sessions", SESSION | {"status": "RESERVED"}, "status: "),
        ("sessions", {"id": "S1"}, "required, but absent"),
        ("sessions", SESSION | {"id": "S2"}, "id: differs"),
        ("cdrs", a_cdr(charging_periods=[]), "charging_periods: "),
    ],
)
async def test_what_is_odd_about_them_is_passed_on_and_noted(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, *, module: str, body: Any, finding: str
) -> None:
    method, path = ("PUT", "NL/CPO/S1") if module == "sessions" else ("POST", "")
    sent = as_bytes(body)
    assert (await cpo.send(method, module, path, body=sent, to="DE-EM1")).code == 1000
    assert emsp.record.of(module)[0].body == sent
    route = f"{module}.receiver.{method.lower()}"

    async def noted() -> bool:
        return any(finding in text for text in await findings(hub, route))

    await eventually(noted)


async def test_a_sound_session_leaves_no_finding(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    emsp.serve("sessions", RECEIVER, accept)
    await cpo.send("PUT", "sessions", "NL/CPO/S1", body=SESSION, to="DE-EM1")

    async def recorded() -> bool:
        listed = await hub.admin("GET", "/messages", route="sessions.receiver.put", direction="IN")
        return bool(listed["items"])

    await eventually(recorded)
    assert await findings(hub, "sessions.receiver.put") == []
