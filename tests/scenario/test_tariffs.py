"""Tariffs through the hub: pushed once, known to all who may know them, withdrawn again."""

from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from tests.build import LONG_AGO, a_tariff, as_bytes
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER
LATER = "2026-02-01T00:00:00Z"
ODD = (
    b'{ "country_code":"NL","party_id":"CPO", "id":"T1" ,"currency":"EUR",\n"type":"MOONLIGHT",'
    b'"elements":[{"price_components":[{"type":"ENERGY","price":0.4500,"step_size":0,"x":null}]}],'
    b'"x_vendor":{"b":1.50,"a":[1e2,-0]},"last_updated":"2026-01-01T00:00:00.50Z"}'
)


async def put(cpo: FakePartner, tariff: Any, **how: Any) -> Any:
    return await cpo.send("PUT", "tariffs", f"NL/CPO/{tariff['id']}", body=tariff, **how)


async def crawled(partner: FakePartner, **params: Any) -> list[Any]:
    """All pages of the list of all, by their Link headers."""
    found: list[Any] = []
    async for page in partner.client.crawl(
        partner.known_peer.url("tariffs", SENDER), partner.known_peer.token,
        to=partner.known_peer.party, sender=partner.party, params=params or None,
    ):  # fmt: skip
        assert page.headers["X-Limit"] == "100"
        found += page.data
    return found


async def noted(hub: Hub, finding: str) -> bool:
    """Whether the journal says so of a pushed tariff."""
    rows = (await hub.admin("GET", "/messages", route="tariffs.receiver.put"))["items"]
    return any(finding in each for row in rows for each in row["findings"])


@pytest.mark.obligation(
    "ROUT-201", "ROUT-203", "ROUT-204", "ROUT-206", "ROUT-215", "TAR-019", "TAR-020",
    "TAR-009", "TAR-011",
)  # fmt: skip
async def test_a_tariff_reaches_providers_and_navigation_and_no_operator_byte_for_byte(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    async with fake_partner(CPO="BE-CP2") as other:
        other.serve("tariffs", RECEIVER, other.tariffs)
        await hub.connect(other)
        answer = await cpo.send("PUT", "tariffs", "NL/CPO/T1", body=ODD)
        assert (answer.http, answer.code) == (201, 1000)
        for receiver in (emsp, nsp):
            (push,) = await receiver.received("tariffs.receiver", "PUT")
            assert (push.body, push.segments) == (ODD, ("NL", "CPO", "T1"))
            assert push.headers["OCPI-from-party-id"] == "HUB"
        for asking, side, path in ((emsp, SENDER, ""), (cpo, RECEIVER, "NL/CPO/t1")):
            shown = await asking.send("GET", "tariffs", path, side=side)
            assert ODD in shown.body
            assert shown.headers["OCPI-from-party-id"] == "HUB"
        assert (await cpo.send("GET", "tariffs", "NL/CPO/T2")).http == 404
        assert (await cpo.send("GET", "tariffs", "BE/CP2/T1")).http == 404
        assert other.record.of("tariffs") == []
    await eventually(lambda: noted(hub, "TAR-024"))


@pytest.mark.obligation("ROUT-212", "TAR-002", "TAR-015", "TAR-017")
async def test_a_tariff_that_is_withdrawn_leaves_every_copy_once_and_may_come_back(
    cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    await put(cpo, a_tariff())
    for receiver in (emsp, nsp):
        await receiver.received("tariffs.receiver", "PUT")
    deleted = await cpo.send("DELETE", "tariffs", "NL/CPO/T1")
    assert (deleted.http, deleted.code, deleted.data) == (200, 1000, None)
    for receiver in (emsp, nsp):
        (push,) = await receiver.received("tariffs.receiver", "DELETE")
        assert (push.body, push.segments) == (b"", ("NL", "CPO", "T1"))
        await eventually(lambda receiver=receiver: gone(receiver))
    assert (await cpo.send("GET", "tariffs", "NL/CPO/T1")).http == 404
    assert (await emsp.get("tariffs")).data == []
    again = await cpo.send("DELETE", "tariffs", "NL/CPO/T1")
    assert (again.http, again.code) == (404, 2000)
    assert (await put(cpo, a_tariff(last_updated=LATER))).http == 201
    for receiver in (emsp, nsp):
        await receiver.received("tariffs.receiver", "PUT", count=2)
        assert len(receiver.record.of("tariffs.receiver", "DELETE")) == 1
    assert len((await emsp.get("tariffs")).data) == 1


async def gone(receiver: FakePartner) -> bool:
    return not receiver.tariffs.held


@pytest.mark.obligation("TR-033", "TAR-008", "TAR-010")
async def test_what_tariffs_do_not_have_is_refused_and_changes_nothing(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    await put(cpo, a_tariff())
    await emsp.received("tariffs.receiver", "PUT")
    for method in ("PATCH", "POST"):
        refused = await cpo.send(method, "tariffs", "NL/CPO/T1", body={"last_updated": LATER})
        assert refused.http == 405
    assert (await emsp.get("tariffs", "T1")).http == 404
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        refused = await cpo.send(method, "tariffs", "", side=SENDER, body={})
        assert refused.http == 405
    assert (await emsp.get("tariffs")).data == [codec.decode(as_bytes(a_tariff()))]
    assert len(emsp.record.of("tariffs")) == 1


@pytest.mark.obligation("ROUT-216", "TAR-013", "TAR-014", "TAR-001", "TAR-021", "TAR-022")
@pytest.mark.parametrize(
    ("path", "changes", "answer"),
    [
        ("NL/CPO/T1", {"country_code": "BE"}, (200, 2001)),
        ("NL/CPO/T1", {"party_id": "XXX"}, (200, 2001)),
        ("NL/CPO/T9", {}, (200, 2001)),
        ("BE/CP2/T1", {}, (404, 2000)),
        ("NL/CPO/T1", {"elements": []}, (200, 2001)),
        ("NL/CPO/T1", {"elements": [{"price_components": []}]}, (200, 2001)),
        ("NL/CPO/T1", {"currency": None}, (200, 2001)),
        ("NL/CPO/T1", {"id": None}, (200, 2001)),
        ("NL/CPO/T1", {"country_code": None}, (200, 2001)),
        ("NL/CPO/T1", {"party_id": None}, (200, 2001)),
        ("NL/CPO/T1", {"last_updated": None}, (200, 2001)),
        ("NL/CPO/T1", {"last_updated": "yesterday"}, (200, 2001)),
    ],
)
async def test_a_tariff_that_is_not_what_it_should_be_goes_nowhere(
    cpo: FakePartner, emsp: FakePartner, path: str, changes: dict[str, Any], answer: tuple[int, int]
) -> None:
    body = {name: value for name, value in (a_tariff() | changes).items() if value is not None}
    refused = await cpo.send("PUT", "tariffs", path, body=body)
    assert (refused.http, refused.code) == answer
    assert (await emsp.get("tariffs")).data == []
    await put(cpo, a_tariff(id="NEXT"))
    (push,) = await emsp.received("tariffs.receiver", "PUT")
    assert push.segments[2] == "NEXT"


@pytest.mark.obligation("ROUT-222")
async def test_what_is_old_or_the_same_sends_nothing_and_old_leaves_a_finding(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    await put(cpo, a_tariff(last_updated=LATER))
    for tariff in (a_tariff(last_updated=LATER), a_tariff(last_updated=LONG_AGO)):
        answer = await put(cpo, tariff)
        assert (answer.http, answer.code) == (200, 1000)
    await put(cpo, a_tariff(id="NEXT"))
    pushes = await emsp.received("tariffs.receiver", "PUT", count=2)
    assert [push.segments[2] for push in pushes] == ["T1", "NEXT"]
    assert (await emsp.get("tariffs")).data[0]["last_updated"] == LATER
    await eventually(lambda: noted(hub, "ROUT-222"))


@pytest.mark.obligation("TAR-006", "TAR-007", "ROUT-404")
async def test_a_thousand_tariffs_are_listed_as_they_came(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    tariffs = [a_tariff(id=f"T{number}", x=f"{number / 7}") for number in range(1000)]
    for tariff in tariffs:
        assert (await put(cpo, tariff)).http == 201
    for offset in range(0, 1000, 100):
        page = await emsp.get("tariffs", f"?offset={offset}&limit=100")
        raw = b"[" + b",".join(map(as_bytes, tariffs[offset : offset + 100])) + b"]"
        assert raw in page.body
        assert page.total == 1000
        assert ("Link" in page.headers) is (offset < 900)
    assert list(map(as_bytes, await crawled(emsp))) == list(map(as_bytes, tariffs))
    await emsp.received("tariffs.receiver", "PUT", count=1000, deadline_s=30)
    sent = [push.body for push in emsp.record.of("tariffs.receiver", "PUT")]
    assert sorted(sent) == sorted(map(as_bytes, tariffs))


@pytest.mark.obligation("TAR-006", "PAG-002", "PAG-003")
async def test_a_window_of_time_takes_its_beginning_and_not_its_end(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    days = [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    for day in days:
        await put(cpo, a_tariff(id=f"T{day[9]}", last_updated=day))
    inside = await crawled(emsp, date_from=days[1], date_to=days[2])
    assert [tariff["id"] for tariff in inside] == ["T2"]


@pytest.mark.obligation("ROUT-410", "ROUT-405", "ROUT-403", "ROUT-401")
async def test_tariffs_of_who_left_are_shown_no_more(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="BE-CP2") as other:
        platform = await hub.connect(other)
        await put(cpo, a_tariff())
        tariff = a_tariff(country_code="BE", party_id="CP2")
        assert (await other.send("PUT", "tariffs", "BE/CP2/T1", body=tariff)).http == 201
        owners = [one["party_id"] for one in (await emsp.get("tariffs")).data]
        assert owners == ["CPO", "CP2"]
        await hub.admin("DELETE", f"/platforms/{platform}")
    listed = await emsp.get("tariffs")
    assert ([one["party_id"] for one in listed.data], listed.total) == (["CPO"], 1)


@pytest.mark.obligation("ROUT-213")
async def test_who_refuses_a_tariff_changes_nothing_for_the_others_and_is_not_asked_again(
    cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    emsp.faults.add(fault.code(3000), fault.on("PUT", "tariffs.receiver"), times=1)
    assert (await put(cpo, a_tariff())).code == 1000
    await nsp.received("tariffs.receiver", "PUT")
    await emsp.received("tariffs.receiver", "PUT")
    assert (await put(cpo, a_tariff(id="T2"))).code == 1000
    pushes = await emsp.received("tariffs.receiver", "PUT", count=2)
    assert [push.segments[2] for push in pushes] == ["T1", "T2"]


@pytest.mark.obligation("ROUT-226")
async def test_only_who_sells_charging_broadcasts_tariffs(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    tariff = a_tariff(country_code="DE", party_id="EM1")
    refused = await emsp.send("PUT", "tariffs", "DE/EM1/T1", body=tariff)
    assert (refused.http, refused.code) == (200, 2001)
