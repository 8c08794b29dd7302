"""Partners of OCPI 2.2 and 2.2.1 meet: each is told in the words of its own version."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import (
    a_cdr,
    a_cdr_token,
    a_connector,
    a_location,
    a_session,
    a_token,
    an_evse,
    as_bytes,
)
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub

OWNER = {"country_code": "DE", "party_id": "EM1"}
WHOLE = a_cdr_token(a_token(**OWNER))
BARE = {name: WHOLE[name] for name in ("uid", "type", "contract_id")}
ACCEPTED = Reply(data=b'{"result":"ACCEPTED","timeout":30}')


@pytest.fixture
async def old_cpo(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(version="2.2", CPO="NL-CPO") as partner:
        await hub.connect(partner)
        yield partner


@pytest.fixture
async def old_emsp(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(version="2.2", EMSP="DE-EM1") as partner:
        await hub.connect(partner)
        yield partner


async def pushed(cpo: FakePartner, to: FakePartner | None, **session: Any) -> Any:
    receiver = to.party if to is not None else None
    body = a_session(**session)
    return await cpo.send("PUT", "sessions", "NL/CPO/S1", body=body, to=receiver)


async def only(partner: FakePartner, interface: str) -> Received:
    return (await partner.received(interface))[-1]


async def test_the_session_of_a_2_2_operator_gets_the_owner_of_its_token(
    old_cpo: FakePartner, emsp: FakePartner
) -> None:
    body = b'{ "x": 1.10, "cdr_token" : { "uid": "04A1", "type": "RFID" } , "id": "S1"}'
    path = "NL/CPO/S1"
    answer = await old_cpo.send("PUT", "sessions", path, body=body, to=emsp.party)
    assert answer.code == 1000
    received = await only(emsp, "sessions.receiver")
    owner = b'"country_code":"DE","party_id":"EM1",'
    assert received.body == body.replace(b'{ "uid"', b"{" + owner + b' "uid"')


async def test_a_session_of_2_2_1_reaches_a_2_2_provider_without_it(
    cpo: FakePartner, old_emsp: FakePartner
) -> None:
    assert (await pushed(cpo, old_emsp, cdr_token=WHOLE)).code == 1000
    received = await only(old_emsp, "sessions.receiver")
    assert codec.decode(received.body) == codec.decode(as_bytes(a_session(cdr_token=BARE)))
    assert received.path.startswith("/ocpi/2.2/")


async def test_partners_of_one_version_get_every_byte_as_it_is(
    old_cpo: FakePartner, old_emsp: FakePartner
) -> None:
    body = as_bytes(a_session(cdr_token=BARE))
    await old_cpo.send("PUT", "sessions", "NL/CPO/S1", body=body, to=old_emsp.party)
    assert (await only(old_emsp, "sessions.receiver")).body == body


async def test_the_token_belongs_to_who_pushed_it_whoever_is_addressed(
    hub: Hub, old_cpo: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-EM1 DE-EM2") as both:
        await hub.connect(both)
        token = a_token(country_code="DE", party_id="EM2")
        put = await both.send("PUT", "tokens", "DE/EM2/04A1", body=token, sender="DE-EM2")
        assert put.code == 1000
        assert (await pushed(old_cpo, both, cdr_token=BARE)).code == 1000
        found = codec.decode((await only(both, "sessions.receiver")).body)["cdr_token"]
        assert (found["country_code"], found["party_id"]) == ("DE", "EM2")


async def test_a_token_of_nobody_is_refused_and_not_made_up(hub: Hub, old_cpo: FakePartner) -> None:
    async with fake_partner(SCSP="DE-SC1") as smart:
        await hub.connect(smart)
        answer = await pushed(old_cpo, smart, cdr_token=BARE)
        assert answer.code == 2001
        assert "who is unknown" in answer.json["status_message"]
        assert smart.record.of("sessions.receiver") == []


async def test_lists_come_in_the_version_of_who_asks(
    cpo: FakePartner, old_emsp: FakePartner
) -> None:
    fine = a_cdr(cdr_token=WHOLE)
    home = a_cdr(id="C2", cdr_token=WHOLE, home_charging_compensation=True)
    cpo.answers("cdrs", SENDER, Reply(data=as_bytes([home, fine])))
    answer = await old_emsp.get("cdrs", to=cpo.party)
    (told,) = answer.data
    assert told["id"] == "C1"
    assert told["cdr_token"] == BARE
    assert told["cdr_location"]["postal_code"] == "#NA"


async def test_lists_of_a_2_2_operator_name_the_owner(
    old_cpo: FakePartner, emsp: FakePartner
) -> None:
    old_cpo.answers("sessions", SENDER, Reply(data=as_bytes([a_session(cdr_token=BARE)])))
    answer = await emsp.get("sessions", to=old_cpo.party)
    assert [each["cdr_token"] for each in answer.data] == [WHOLE]


async def test_a_2_2_operator_is_asked_to_start_without_a_connector(
    old_cpo: FakePartner, emsp: FakePartner
) -> None:
    old_cpo.answers("commands", RECEIVER, ACCEPTED)
    body = {
        "response_url": emsp.url("commands", SENDER),
        "token": a_token(**OWNER),
        "location_id": "LOC1",
        "evse_uid": "E1",
        "connector_id": "1",
    }
    answer = await emsp.send("POST", "commands", "START_SESSION", body=body, to=old_cpo.party)
    assert answer.code == 1000
    told = codec.decode((await only(old_cpo, "commands.receiver")).body)
    assert told.keys() == body.keys() - {"connector_id"}
    assert "/ocpi/2.2/" in told["response_url"]


@pytest.mark.obligation("CMD-038")
async def test_the_only_connector_is_named_for_a_2_2_provider_where_it_has_to_be(
    cpo: FakePartner, old_emsp: FakePartner
) -> None:
    cpo.answers("commands", RECEIVER, ACCEPTED)
    required = {"capabilities": ["START_SESSION_CONNECTOR_REQUIRED"]}
    evses = [an_evse() | required, an_evse("E2", connectors=2) | required, an_evse("E3")]
    assert (await cpo.put(a_location(evses=0) | {"evses": evses})).code == 1000
    named = []
    for evse in ("e1", "E2", "E3", "E4", None):
        body = {
            "response_url": old_emsp.url("commands", SENDER),
            "token": a_token(**OWNER),
            "location_id": "loc1",
            "evse_uid": evse,
        }
        answer = await old_emsp.send("POST", "commands", "START_SESSION", body=body, to=cpo.party)
        if answer.code == 1000:
            told = codec.decode((await only(cpo, "commands.receiver")).body)
            named.append((told["evse_uid"], told.get("connector_id")))
        else:
            named.append((evse, answer.code))
    assert named == [("e1", "1"), ("E2", 2001), ("E3", None), ("E4", None), (None, None)]


@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_without_a_receiver_the_pushed_token_tells_who_it_is(
    old_cpo: FakePartner, emsp: FakePartner, module: str
) -> None:
    sent = {
        "sessions": ("PUT", "sessions", "NL/CPO/S1", a_session(cdr_token=BARE)),
        "cdrs": ("POST", "cdrs", "", a_cdr(cdr_token=BARE)),
    }
    method, module, path, body = sent[module]
    unknown = await old_cpo.send(method, module, path, body=body, to=None)
    assert unknown.code == 4001
    token = a_token(**OWNER)
    assert (await emsp.send("PUT", "tokens", "DE/EM1/04A1", body=token)).code == 1000
    assert (await old_cpo.send(method, module, path, body=body, to=None)).code == 1000
    assert codec.decode((await only(emsp, f"{module}.receiver")).body)["cdr_token"] == WHOLE


async def test_what_2_2_cannot_say_is_refused_to_the_sender(
    cpo: FakePartner, old_emsp: FakePartner
) -> None:
    signed = {
        "encoding_method": "OCMF",
        "signed_values": [{"nature": "End", "plain_data": "x", "signed_data": "s" * 513}],
    }
    cdr = a_cdr(cdr_token=WHOLE, signed_data=signed)
    answer = await cpo.send("POST", "cdrs", body=cdr, to=old_emsp.party)
    assert (answer.code, old_emsp.record.of("cdrs.receiver")) == (2001, [])
    assert "512" in answer.json["status_message"]


async def test_broadcasts_and_the_hubs_copy_are_told_in_2_2(
    cpo: FakePartner, old_emsp: FakePartner, nsp: FakePartner
) -> None:
    evse = an_evse(
        connectors=0,
        capabilities=["START_SESSION_CONNECTOR_REQUIRED", "RFID_READER"],
        )  # fmt: skip
    evse["connectors"] = [a_connector(standard="GBT_DC"), a_connector("2", power_type="AC_2_PHASE")]
    strange = an_evse("E2") | {"connectors": [a_connector(standard="CHAOJI")]}
    location = a_location(evses=0, address="a" * 60) | {"evses": [evse, strange]}
    assert (await cpo.put(location)).code == 1000
    left = evse | {
        "capabilities": ["RFID_READER"],
        "connectors": [a_connector("2", power_type="AC_1_PHASE")],
    }
    older = location | {"address": "a" * 45, "evses": [left]}
    received = (await old_emsp.received("locations.receiver", "PUT"))[-1]
    assert codec.decode(received.body) == codec.decode(as_bytes(older))
    newer = (await nsp.received("locations.receiver", "PUT"))[-1]
    assert newer.body == as_bytes(location)
    assert (await old_emsp.get("locations")).data == [older]
    assert (await nsp.get("locations")).data == [location]
    one = await old_emsp.get("locations", "LOC1/E1")
    assert one.data == left
    # An EVSE that 2.2 cannot name is passed over, and what comes behind it still arrives.
    later = {"last_updated": "2026-02-01T00:00:00Z"}
    await cpo.send("PUT", "locations", "NL/CPO/LOC1/E2", body=strange | later)
    await cpo.patch(location, {"status": "CHARGING"} | later, "E1")
    patched = (await old_emsp.received("locations.receiver", "PATCH"))[-1]
    assert patched.path.endswith("/LOC1/E1")
    puts = old_emsp.record.of("locations.receiver")
    assert [each.method for each in puts].count("PUT") == 1
