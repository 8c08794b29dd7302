"""A hub that asks for agreements: who has none with somebody sees it PLANNED and reaches nobody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.record import Received
from tests.build import a_location, an_evse
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

SENDER = InterfaceRole.SENDER


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url, routing={"agreements": "required"}) as running:
        yield running


@pytest.fixture
async def stranger(hub: Hub) -> AsyncIterator[FakePartner]:
    """An eMSP that never gets an agreement."""
    async with fake_partner(EMSP="FR-EM2") as partner:
        await hub.connect(partner)
        yield partner


async def clients(partner: FakePartner, **params: str) -> Answer:
    return await partner.call("GET", partner.known_peer.url("hubclientinfo", SENDER), params=params)


async def status(partner: FakePartner, party_id: str) -> str:
    listed = (await clients(partner)).data
    return str(next(each["status"] for each in listed if each["party_id"] == party_id))


def said(partner: FakePartner, party_id: str) -> list[str]:
    """All that a partner was told by PUT of a party's connection."""
    pushes = partner.record.of("hubclientinfo.receiver", "PUT")
    return [push.json["status"] for push in pushes if push.segments[1] == party_id]


async def hears(partner: FakePartner, party_id: str, state: str) -> Received:
    def so(received: Received) -> bool:
        return bool(received.segments[1] == party_id and received.json["status"] == state)

    return (await partner.received("hubclientinfo.receiver", "PUT", where=so))[-1]


async def agree(hub: Hub, *parties: str, **more: Any) -> str:
    made = await hub.admin("POST", "/agreements", {"parties": parties} | more)
    return str(made["id"])


@pytest.mark.obligation("HCI-022", "ROUT-806", "HCI-014", "HCI-028", "HCI-011")
async def test_two_partners_meet_by_an_agreement_and_part_by_its_end(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, stranger: FakePartner
) -> None:
    session = {"country_code": "NL", "party_id": "CPO", "id": "S1"}

    async def pushed() -> int:
        answer = await cpo.send("PUT", "sessions", "NL/CPO/S1", body=session, to="DE-EM1")
        assert answer.http == 200
        return int(answer.code or 0)

    assert await pushed() == 4003
    assert await status(emsp, "CPO") == await status(cpo, "EM1") == "PLANNED"
    assert emsp.record.of("sessions") == []

    agreement = await agree(hub, "NL-CPO", "DE-EM1")
    assert await pushed() == 1000
    assert await status(emsp, "CPO") == await status(cpo, "EM1") == "CONNECTED"
    told = await hears(emsp, "CPO", "CONNECTED")
    assert not [name for name in told.headers if name.lower().startswith("ocpi-")]
    assert told.json == (await clients(emsp)).data[0]
    await hears(cpo, "EM1", "CONNECTED")

    await hub.admin("DELETE", f"/agreements/{agreement}")
    assert await pushed() == 4003
    assert await status(emsp, "CPO") == await status(cpo, "EM1") == "PLANNED"
    moment = (await clients(emsp)).data[0]["last_updated"]
    gone = await hears(emsp, "CPO", "PLANNED")
    assert (await clients(emsp, date_from=moment)).data == [gone.json]
    await hears(cpo, "EM1", "PLANNED")
    assert len(emsp.record.of("sessions")) == 1
    assert "CONNECTED" not in said(stranger, "CPO") + said(stranger, "EM1")
    assert await status(stranger, "CPO") == "PLANNED"


@pytest.mark.obligation("ROUT-225", "TR-034", "ROUT-314")
async def test_lists_and_broadcasts_show_only_whom_one_agreed_with(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, stranger: FakePartner
) -> None:
    async with fake_partner(CPO="BE-CP2") as other:
        await hub.connect(other)
        await agree(hub, "DE-EM1", "NL-CPO")
        await agree(hub, "DE-EM1", "BE-CP2", modules=["sessions"])
        await cpo.put(a_location(id="MINE", evses=0))
        foreign = a_location(id="THEIRS", evses=0, country_code="BE", party_id="CP2")
        assert (await other.put(foreign)).code == 1000
        assert (await cpo.put(a_location(id="LAST", evses=0))).code == 1000
        pushes = await emsp.received("locations.receiver", "PUT", count=2)
        assert [push.json["id"] for push in pushes] == ["MINE", "LAST"]
        assert stranger.record.of("locations") == []

        expected = {emsp: ["MINE", "LAST"], cpo: ["MINE", "LAST"], other: ["THEIRS"], stranger: []}
        for partner, ids in expected.items():
            listed = await partner.get("locations")
            assert [each["id"] for each in listed.data] == ids
            assert listed.headers["X-Total-Count"] == str(len(ids))
        for to in ("hub", None):
            assert (await emsp.get("locations", "MINE", to=to)).code == 1000
            unseen = await emsp.get("locations", "THEIRS", to=to)
            unknown = await emsp.get("locations", "NOWHERE", to=to)
            assert (unseen.http, unseen.code) == (unknown.http, unknown.code) == (404, unknown.code)

        car = await hub.car_key()
        code, shown = await hub.call("GET", "/nav/v1/meta", key=car)
        assert code == 200, shown

        await agree(hub, "FR-EM2", "NL-CPO")
        evse = an_evse("E1") | {"last_updated": "2026-02-01T00:00:00Z"}
        await cpo.send("PUT", "locations", "NL/CPO/MINE/E1", body=evse)
        (push,) = await stranger.received("locations.receiver", "PUT")
        assert push.segments == ("NL", "CPO", "MINE", "E1")
        assert [each["id"] for each in (await stranger.get("locations")).data] == ["MINE", "LAST"]


async def test_an_agreement_begins_and_ends_at_its_time_and_those_concerned_hear_of_it(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, stranger: FakePartner
) -> None:
    now = datetime.now(UTC)
    agreement = await agree(
        hub,
        "NL-CPO",
        "DE-EM1",
        valid_from=(now + timedelta(seconds=0.5)).isoformat(),
        valid_to=(now + timedelta(seconds=1.5)).isoformat(),
    )
    assert (await hub.admin("GET", f"/agreements/{agreement}"))["in_force"] is False
    assert await status(emsp, "CPO") == "PLANNED"
    await hears(emsp, "CPO", "CONNECTED")
    assert (await hub.admin("GET", f"/agreements/{agreement}"))["in_force"] is True
    emsp.record.clear()
    await hears(emsp, "CPO", "PLANNED")
    assert await status(emsp, "CPO") == "PLANNED"
    assert "CONNECTED" not in said(stranger, "CPO")


@pytest.mark.obligation("HCI-019")
async def test_what_happens_to_a_stranger_is_not_told(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, stranger: FakePartner
) -> None:
    await agree(hub, "NL-CPO", "DE-EM1")
    await hears(emsp, "CPO", "CONNECTED")
    before = (await clients(stranger)).data
    heard = said(stranger, "CPO")
    platforms = (await hub.admin("GET", "/platforms"))["items"]
    operator = next(each for each in platforms if each["roles"][0]["party_id"] == "CPO")
    emsp.record.clear()
    await hub.admin("POST", f"/platforms/{operator['id']}/suspend")
    await hears(emsp, "CPO", "SUSPENDED")
    await hears(stranger, "CPO", "SUSPENDED")
    await hub.admin("POST", f"/platforms/{operator['id']}/resume")
    await hears(emsp, "CPO", "CONNECTED")
    await hears(stranger, "CPO", "PLANNED")
    emsp.record.clear()
    await hub.admin("PATCH", f"/platforms/{operator['id']}", {"name": "Other name"})
    await cpo.vanish()
    assert (await emsp.get("sessions", to="NL-CPO")).code == 4003
    await hears(emsp, "CPO", "OFFLINE")
    await cpo.come_back()
    assert (await cpo.get("locations")).code == 1000
    await hears(emsp, "CPO", "CONNECTED")
    assert said(stranger, "CPO") == [*heard, "SUSPENDED", "PLANNED"]
    after = [each for each in (await clients(stranger)).data if each["party_id"] == "CPO"]
    assert after[0]["status"] == "PLANNED"
    assert after[0]["last_updated"] > before[0]["last_updated"]


@pytest.mark.obligation("HCI-011")
async def test_a_hub_that_begins_to_ask_for_agreements_tells_everybody(database_url: str) -> None:
    async with fake_partner(CPO="NL-CPO") as cpo, fake_partner(EMSP="DE-EM1") as emsp:
        port_free = {"server": {"listen": "127.0.0.1:0"}}
        async with running_house(database_url, **port_free) as hub:
            await hub.connect(cpo)
            await hub.connect(emsp)
            assert await status(emsp, "CPO") == "CONNECTED"
        emsp.record.clear()
        async with running_house(database_url, routing={"agreements": "required"}) as hub:
            await hears(emsp, "CPO", "PLANNED")
            await hears(cpo, "EM1", "PLANNED")
            await agree(hub, "NL-CPO", "DE-EM1")
            await hears(emsp, "CPO", "CONNECTED")
        emsp.record.clear()
        async with running_house(database_url):

            async def open_again() -> bool:
                return said(emsp, "CPO") == ["CONNECTED"]

            await eventually(open_again)
