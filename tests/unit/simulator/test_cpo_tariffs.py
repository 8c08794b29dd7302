"""What a simulated CPO owes as the owner of tariffs."""

import pytest

from ocpi_hub.ocpi import paging
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from ocpi_hub.simulator.tariff_desk import StillListed
from tests.build import a_tariff
from tests.fake_partner import SENDER
from tests.simulated_charging import outlets_of

CPO = PartyRef("NL", "CPO")


def pushes(emsp):
    return [(each.method, each.segments) for each in emsp.record.of("tariffs.receiver")]


@pytest.mark.obligation("TAR-002", "TAR-005", "TAR-013")
async def test_new_and_changed_tariffs_are_put_as_a_whole(cpo, emsp):
    await cpo.tariffs.put_all()
    [slow, *_] = cpo.tariffs.held.values()
    before = slow["last_updated"]
    slow["elements"][0]["price_components"][0]["price"] = 1
    assert (await cpo.tariffs.put(slow)).ok
    assert slow["last_updated"] >= before
    sent = [("PUT", ("NL", "CPO", id_)) for id_ in ("AC", "AC-CHEAP", "DC", "AC")]
    assert pushes(emsp) == sent
    assert (await cpo.tariffs.fetch(CPO, "AC")).data == emsp.tariffs.held[CPO, "AC"]
    for each in emsp.record.of("tariffs.receiver", "PUT"):
        assert validate(Tariff, each.json) == ()
        assert (each.json["country_code"], each.json["party_id"]) == each.segments[:2]


@pytest.mark.obligation("TAR-003")
async def test_a_cpo_that_is_not_sure_looks_at_the_copy(cpo, emsp):
    assert (await cpo.tariffs.fetch(CPO, "AC")).http == 404
    await cpo.tariffs.put_all()
    answer = await cpo.tariffs.fetch(CPO, "AC")
    assert answer.data["elements"] == emsp.record.of("tariffs.receiver", "PUT")[0].json["elements"]


@pytest.mark.obligation("TAR-002", "TAR-016")
async def test_a_tariff_is_deleted_when_no_connector_lists_it(cpo, emsp):
    await cpo.tariffs.put_all()
    with pytest.raises(StillListed):
        await cpo.tariffs.delete(CPO, "ac-cheap")
    for outlet in outlets_of(cpo):
        outlet.connector["tariff_ids"] = ["AC"]
    assert (await cpo.tariffs.delete(CPO, "AC-CHEAP")).ok
    assert pushes(emsp)[-1] == ("DELETE", ("NL", "CPO", "AC-CHEAP"))
    assert (CPO, "AC-CHEAP") not in emsp.tariffs.held
    assert (CPO, "AC-CHEAP") not in cpo.tariffs.held


@pytest.mark.obligation("TAR-006", "TAR-007")
async def test_the_list_has_windows_and_pages(cpo, asker):
    for number in range(3):
        await cpo.tariffs.put(a_tariff(id=f"T{number}"))
    whole = await asker.get("tariffs")
    assert [each["id"] for each in whole.data] == ["AC", "AC-CHEAP", "DC", "T0", "T1", "T2"]
    assert whole.headers["X-Total-Count"] == "6"
    assert [validate(Tariff, each) for each in whole.data] == [()] * 6
    since = {"date_from": whole.data[4]["last_updated"]}
    assert [each["id"] for each in (await asker.get("tariffs", params=since)).data][-2:] == [
        "T1", "T2",
    ]  # fmt: skip
    before = {"date_to": whole.data[4]["last_updated"]}
    assert "T1" not in [each["id"] for each in (await asker.get("tariffs", params=before)).data]
    page = await asker.get("tariffs", params={"limit": "4"})
    assert page.data == whole.data[:4]
    link = paging.next_url(page.headers["Link"])
    assert (await asker.call("GET", link)).data == whole.data[4:]


@pytest.mark.obligation("TAR-008")
async def test_there_is_nothing_but_the_list(asker):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await asker.send(method, "tariffs", side=SENDER, body={})).http == 405
    assert (await asker.get("tariffs", "AC")).http == 404


async def test_an_outlet_without_a_list_has_the_tariff_of_its_kind(cpo):
    for direct, expected in ((True, "DC"), (False, "AC")):
        outlet = outlets_of(cpo, direct=direct)[0]
        del outlet.connector["tariff_ids"]
        assert cpo.tariffs.of(outlet)["id"] == expected


@pytest.mark.obligation("LOC-104")
async def test_a_connector_that_lists_no_tariff_is_not_free(cpo):
    for outlet in outlets_of(cpo):
        listed = cpo.tariffs.of(outlet)
        outlet.connector["tariff_ids"] = []
        assert cpo.tariffs.of(outlet) == listed
        assert any(
            component["price"] > 0
            for element in listed["elements"]
            for component in element["price_components"]
        )
