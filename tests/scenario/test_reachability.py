"""Who can be reached: silent partners are asked, lost ones are OFFLINE, and the others are told."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from ocpi_hub.ocpi import token
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.record import Received
from tests.build import a_location, an_evse
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUICK = {"interval_s": 1, "retry_s": 0.1}


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    """Asks whoever is silent for a second."""
    async with running_house(database_url, alive=QUICK) as running:
        yield running


async def becomes(hub: Hub, platform: str, status: str) -> None:
    async def there() -> bool:
        return await hub.status(platform) == status

    await eventually(there)


async def told(partner: FakePartner, status: str) -> tuple[str, ...]:
    """The party that a partner is told of by a PUT, as soon as it is."""

    def so(received: Received) -> bool:
        return bool(received.json["status"] == status)

    push = (await partner.received("hubclientinfo.receiver", "PUT", where=so))[-1]
    return push.segments


async def probes(partner: FakePartner, count: int) -> list[Received]:
    """The next probes; also a clock for what must not happen meanwhile."""
    before = len(partner.record.of("versions"))
    seen = await partner.received("versions", "GET", count=before + count)
    return seen[before:]


async def clients(partner: FakePartner, **params: str) -> Answer:
    url = partner.known_peer.url("hubclientinfo", InterfaceRole.SENDER)
    return await partner.call("GET", url, params=params)


def states(listed: Answer) -> dict[str, str]:
    return {each["party_id"]: each["status"] for each in listed.data}


@pytest.mark.obligation(
    "HCI-019", "HCI-024", "HCI-035", "TR-002", "TR-070", "TR-073", "TR-074", "CRED-009",
)  # fmt: skip
async def test_a_silent_partner_is_asked_for_its_versions_and_nobody_hears_of_it(
    emsp: FakePartner, cpo: FakePartner
) -> None:
    await told(emsp, "CONNECTED")
    before = await clients(emsp)
    emsp.record.clear()
    asked = await probes(cpo, 2)
    for probe in asked:
        assert cpo.tokens.current in token.candidates(probe.headers["Authorization"])
        assert [name for name in probe.headers if name.lower().startswith("ocpi-")] == []
    for name in ("X-Request-ID", "X-Correlation-ID"):
        ids = [probe.headers[name] for probe in asked]
        assert all(map(UUID.fullmatch, ids))
        assert len(set(ids)) == 2
    assert (await clients(emsp)).data == before.data
    assert emsp.record.of("hubclientinfo") == []


@pytest.mark.obligation(
    "HCI-005", "HCI-008", "HCI-011", "HCI-012", "HCI-013", "HCI-015", "HCI-020", "HCI-025",
    "HCI-026", "HCI-028", "STAT-025", "HCI-037",
)  # fmt: skip
async def test_a_lost_partner_is_offline_for_all_until_it_is_back_each_told_once(
    hub: Hub, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="NL-CPO", EMSP="NL-CPO") as both:
        platform = await hub.connect(both)
        await told(emsp, "CONNECTED")
        await both.vanish()
        await becomes(hub, platform, "OFFLINE")
        assert await told(emsp, "OFFLINE") == ("NL", "CPO")
        assert states(await clients(emsp)) == {"CPO": "OFFLINE"}
        refused = await emsp.send("PUT", "tokens", "DE/EM1/T1", body={"uid": "T1"}, to="NL-CPO")
        assert (refused.http, refused.code) == (200, 4003)

        both.record.clear()
        await both.come_back()
        await becomes(hub, platform, "CONNECTED")
        await told(emsp, "CONNECTED")
        await probes(emsp, 2)
        assert both.record.of("tokens.receiver") == []
        for role in ("CPO", "EMSP"):
            said = [each.json for each in pushes_about(emsp, "CPO") if each.json["role"] == role]
            states_said = [info["status"] for info in said if info["status"] != "PLANNED"]
            assert states_said == ["CONNECTED", "OFFLINE", "CONNECTED"]
        assert {each.method for each in emsp.record.of("hubclientinfo")} == {"PUT"}


def pushes_about(partner: FakePartner, party_id: str) -> list[Received]:
    return [each for each in partner.record.of("hubclientinfo") if each.segments[1] == party_id]


@pytest.mark.obligation("HCI-025")
@pytest.mark.parametrize(
    "answer", [fault.http(500), fault.unauthorized(), fault.html(), fault.code(3000)]
)
async def test_a_partner_that_answers_but_not_well_is_offline_too(
    hub: Hub, emsp: FakePartner, answer: fault.Fault
) -> None:
    async with fake_partner(CPO="NL-CPO") as cpo:
        platform = await hub.connect(cpo)
        cpo.faults.add(answer, fault.on(interface="versions"))
        await becomes(hub, platform, "OFFLINE")
        assert await told(emsp, "OFFLINE") == ("NL", "CPO")


@pytest.mark.obligation("HCI-026")
async def test_whatever_a_lost_partner_says_brings_it_back_at_once(
    hub: Hub, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="NL-CPO") as cpo:
        platform = await hub.connect(cpo)
        await cpo.vanish()
        await becomes(hub, platform, "OFFLINE")
        emsp.record.clear()
        assert (await cpo.put(a_location())).code == 1000
        assert await hub.status(platform) == "CONNECTED"
        assert await told(emsp, "CONNECTED") == ("NL", "CPO")


@pytest.mark.obligation("HCI-027")
async def test_a_request_that_cannot_be_delivered_makes_the_hub_look_at_once(
    database_url: str,
) -> None:
    async with (
        running_house(database_url, alive={"interval_s": 3600, "retry_s": 0.1}) as hub,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        await hub.connect(cpo)
        platform = await hub.connect(emsp)
        await told(cpo, "CONNECTED")
        await emsp.vanish()
        assert (await cpo.put(a_location(), to=emsp.party)).code == 4003
        await becomes(hub, platform, "OFFLINE")
        assert await told(cpo, "OFFLINE") == ("DE", "EM1")


@pytest.mark.obligation("CRED-028", "CRED-029", "HCI-012")
async def test_who_left_is_not_asked_and_not_told_any_more(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-EM2") as leaving:
        await hub.connect(leaving)
        assert await told(emsp, "CONNECTED") == ("DE", "EM2")
        await leaving.unregister()
        assert await told(emsp, "SUSPENDED") == ("DE", "EM2")
        leaving.record.clear()
        await cpo.put(a_location())
        await emsp.received("locations.receiver")
        await probes(cpo, 2)
        assert list(leaving.record.requests) == []


@pytest.mark.obligation(
    "HCI-002", "HCI-003", "HCI-006", "HCI-009", "HCI-010", "HCI-021", "HCI-029",
    "PAG-001", "PAG-002", "PAG-003", "PAG-004", "PAG-005", "PAG-006", "PAG-007", "PAG-008",
    "PAG-018", "TR-061",
)  # fmt: skip
async def test_the_list_shows_all_four_states_page_by_page_and_by_date(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="FR-OFF") as off, fake_partner(CPO="FR-END") as ended:
        away, gone = await hub.connect(off), await hub.connect(ended)
        await hub.invite(fake_partner(CPO="FR-PLN"))
        assert await told(emsp, "PLANNED") == ("FR", "PLN")
        await off.vanish()
        await becomes(hub, away, "OFFLINE")
        await hub.admin("DELETE", f"/platforms/{gone}")

        listed = await clients(emsp)
        assert states(listed) == {
            "CPO": "CONNECTED", "OFF": "OFFLINE", "END": "SUSPENDED", "PLN": "PLANNED",
        }  # fmt: skip
        assert listed.headers["X-Total-Count"] == "4"
        assert "Link" not in listed.headers
        for info in listed.data:
            assert info.keys() == {"party_id", "country_code", "role", "status", "last_updated"}

        pages = await crawled(emsp, limit="1", date_from="2020-01-01T00:00:00Z")
        assert [page.data for page in pages] == [[info] for info in listed.data]
        assert {page.headers["X-Total-Count"] for page in pages} == {"4"}
        assert all("date_from=2020" in page.headers["Link"] for page in pages[:-1])

        stamps = sorted(info["last_updated"] for info in listed.data)
        windows = [
            (await clients(emsp, date_from=start, date_to=end)).data
            for start, end in pairwise([*stamps, "2099-01-01T00:00:00Z"])
        ]
        assert [[info["last_updated"] for info in window] for window in windows] == [
            [stamp] for stamp in stamps
        ]
        beyond = await clients(emsp, offset="4")
        assert (beyond.data, beyond.headers["X-Total-Count"]) == ([], "4")
        assert (await clients(emsp, date_from="2099-01-01T00:00:00Z")).data == []


async def crawled(partner: FakePartner, **params: str) -> list[Answer]:
    url = partner.known_peer.url("hubclientinfo", InterfaceRole.SENDER)
    crawl = partner.client.crawl(url, partner.known_peer.token, params=params)
    return [page async for page in crawl]


@pytest.mark.obligation("HCI-016", "ROUT-219", "ROUT-227", "TR-020", "TR-090")
async def test_what_a_lost_partner_missed_is_not_sent_later_but_can_be_fetched(
    hub: Hub, cpo: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-EM1") as emsp:
        platform = await hub.connect(emsp)
        await cpo.put(a_location(id="BEFORE"))
        await emsp.received("locations.receiver")
        await emsp.vanish()
        await becomes(hub, platform, "OFFLINE")
        for number in range(3):
            await cpo.put(a_location(id=f"MISSED{number}"))
        await hub.invite(fake_partner(CPO="FR-NEW"))
        await probes(cpo, 2)

        emsp.record.clear()
        await emsp.come_back()
        await becomes(hub, platform, "CONNECTED")
        await cpo.put(a_location(id="AFTER"))
        await emsp.received("locations.receiver")
        assert [each.segments[2] for each in emsp.record.of("locations")] == ["AFTER"]
        assert pushes_about(emsp, "NEW") == []
        assert states(await clients(emsp)) == {"CPO": "CONNECTED", "NEW": "PLANNED"}
        listed = await emsp.get("locations")
        assert [each["id"] for each in listed.data] == [
            "BEFORE", "MISSED0", "MISSED1", "MISSED2", "AFTER",
        ]  # fmt: skip


async def test_a_newcomer_that_reads_no_lists_is_sent_all_there_is(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    for number in range(3):
        await cpo.put(a_location(id=f"LOC{number}"))
    change = {"status": "CHARGING", "last_updated": "2026-02-01T00:00:00Z"}
    await cpo.patch(a_location(id="LOC1"), change, "E2")
    await emsp.received("locations.receiver", "PATCH")
    async with fake_partner(EMSP="FR-EM2") as newcomer:
        await hub.connect(newcomer, catch_up=True)
        await newcomer.received("locations.receiver", "PUT", count=3)
        await newcomer.received("hubclientinfo.receiver", where=lambda got: "CPO" in got.path)
        await cpo.put(a_location(id="LAST"))
        pushed = await newcomer.received("locations.receiver", "PUT", count=4)
        shown = {each.segments[2]: each.json for each in pushed}
        assert len(pushed) == len(shown) == 4
        listed = (await emsp.get("locations")).data
        assert shown == {each["id"]: each for each in listed}


async def test_a_partner_that_wants_to_catch_up_gets_the_latest_state_of_each_object_once(
    hub: Hub, cpo: FakePartner
) -> None:
    async with fake_partner(EMSP="DE-EM1") as emsp:
        platform = await hub.connect(emsp, catch_up=True)
        await cpo.put(a_location())
        await emsp.received("locations.receiver")
        await emsp.vanish()
        await becomes(hub, platform, "OFFLINE")
        for minute, status in enumerate(["CHARGING", "AVAILABLE", "BLOCKED", "CHARGING"]):
            at = f"2026-02-01T00:{minute:02}:00Z"
            await cpo.patch(a_location(), {"status": status, "last_updated": at}, "E1")
        await cpo.put(a_location(id="NEW"))

        emsp.record.clear()
        await emsp.come_back()
        await emsp.received("locations.receiver", where=lambda got: got.segments[2] == "NEW")
        await probes(cpo, 2)
        latest: dict[str, Any] = {
            "/".join(each.segments[2:]): each.json for each in emsp.record.of("locations")
        }
        assert len(emsp.record.of("locations")) == 2
        assert {each.method for each in emsp.record.of("locations")} == {"PUT"}
        assert latest == {
            "LOC1/E1": an_evse(status="CHARGING", last_updated="2026-02-01T00:03:00Z"),
            "NEW": a_location(id="NEW"),
        }
