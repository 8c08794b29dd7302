"""What a platform that owns locations owes: pushes that say what changed, and a list to pull."""

import copy
from collections.abc import Callable

import pytest

from ocpi_hub.ocpi import codec, paging
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, parse_datetime
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.locations import Location
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Client
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_connector, an_evse

CPO = PartyRef("NL", "CPO")
STEPS = ("locations", "LOC", "EVSE", "CONNECTOR")


def first_of(cpo):
    return next(iter(cpo.locations.values()))


def pushes(emsp):
    return [
        (each.method, each.segments, each.json)
        for each in emsp.record.of("locations.receiver")
        if each.method != "GET"
    ]


# Pushing


@pytest.mark.obligation("LOC-003", "LOC-004", "LOC-048", "TR-050")
async def test_each_change_is_one_push_of_what_changed(cpo, emsp):
    location = first_of(cpo)
    evse = location["evses"][0]
    connector = evse["connectors"][0]
    ids = (location["id"], evse["uid"], connector["id"])
    sent = []
    for push in (
        cpo.push(location),
        cpo.replace(location, evse),
        cpo.replace(location, evse, connector),
    ):
        await push
        sent.append(copy.deepcopy((location, evse, connector)[len(sent)]))
    await cpo.set_status(location, evse, "BLOCKED")
    sent.append({"status": "BLOCKED", "last_updated": evse["last_updated"]})
    assert pushes(emsp) == [
        ("PUT", ("NL", "CPO", *ids[:1]), sent[0]),
        ("PUT", ("NL", "CPO", *ids[:2]), sent[1]),
        ("PUT", ("NL", "CPO", *ids), sent[2]),
        ("PATCH", ("NL", "CPO", *ids[:2]), sent[3]),
    ]
    assert emsp.copy.one(CPO, location["id"]) == location


@pytest.mark.obligation("TR-050")
async def test_the_path_names_the_owner_whoever_is_addressed(cpo, emsp):
    location = first_of(cpo)
    for to in ("hub", PartyRef("FR", "XYZ"), None):
        assert (await cpo.push(location, to=to)).ok
    sent = emsp.record.of("locations.receiver", "PUT")
    assert [each.segments for each in sent] == [("NL", "CPO", location["id"])] * 3
    assert [each.headers.get("OCPI-to-party-id") for each in sent] == ["EMP", "XYZ", None]
    assert {each.headers["OCPI-from-party-id"] for each in sent} == {"CPO"}


@pytest.mark.obligation("LOC-006")
async def test_an_evse_is_removed_by_its_status(cpo, emsp):
    await cpo.push_all()
    emsp.record.clear()
    location = first_of(cpo)
    evse = location["evses"][0]
    assert (await cpo.set_status(location, evse, "REMOVED")).ok
    [(method, segments, body)] = pushes(emsp)
    assert (method, body["status"]) == ("PATCH", "REMOVED")
    assert segments[-1] == evse["uid"]
    assert evse in emsp.copy.one(CPO, location["id"])["evses"]


@pytest.mark.obligation("LOC-018", "LOC-057")
async def test_what_changes_is_newer_and_so_is_all_that_it_stands_in(cpo, emsp):
    location = first_of(cpo)
    evse = location["evses"][0]
    connector = evse["connectors"][0]
    await cpo.push(location)
    last = parse_datetime(location["last_updated"])
    for change in (
        cpo.set_status(location, evse, "CHARGING"),
        cpo.replace(location, evse, connector),
        cpo.set_status(location, evse, "AVAILABLE"),
    ):
        assert (await change).ok
        assert location["last_updated"] == evse["last_updated"]
        assert parse_datetime(location["last_updated"]) > last
        last = parse_datetime(location["last_updated"])
    assert all(body["last_updated"] for _, _, body in pushes(emsp))
    assert emsp.copy.one(CPO, location["id"]) == location


@pytest.mark.obligation("LOC-128", "LOC-129")
async def test_a_schedule_announces_and_only_a_push_changes(cpo, emsp):
    location = first_of(cpo)
    evse = location["evses"][0]
    evse["status_schedule"] = [{"period_begin": "2020-01-01T00:00:00Z", "status": "REMOVED"}]
    await cpo.push(location)
    held = emsp.copy.one(CPO, location["id"])["evses"][0]
    assert held["status_schedule"] == evse["status_schedule"]
    assert held["status"] == "AVAILABLE"
    await cpo.set_status(location, evse, "REMOVED")
    assert pushes(emsp)[-1][2]["status"] == "REMOVED"
    assert held["status"] == "REMOVED"


@pytest.mark.obligation("LOC-012")
async def test_a_cpo_that_is_not_sure_looks_at_the_copy_and_repairs_it(cpo, emsp):
    await cpo.push_all()
    location = first_of(cpo)
    emsp.record.clear()
    assert (await cpo.reconcile(location)).ok
    assert pushes(emsp) == []
    emsp.copy.one(CPO, location["id"])["name"] = "Changed on the way"
    assert (await cpo.reconcile(location)).ok
    assert len(pushes(emsp)) == 1
    assert emsp.copy.one(CPO, location["id"]) == location


@pytest.mark.obligation("LOC-062")
async def test_what_a_receiver_missed_is_not_replayed(cpo, emsp):
    await cpo.push_all()
    location = first_of(cpo)
    evse = location["evses"][0]
    emsp.server.faults.add(fault.http(503))
    for status in ("CHARGING", "AVAILABLE", "BLOCKED"):
        await cpo.try_status(location, evse, status)
    emsp.server.faults.clear()
    emsp.record.clear()
    await cpo.repair()
    [(method, _, body)] = pushes(emsp)
    assert (method, body["evses"][0]["status"]) == ("PUT", "BLOCKED")


# Being asked


class Puller:
    """GET requests to the CPO's list."""

    def __init__(self, nsp):
        self.nsp = nsp
        self.url = nsp.known_peer.url("locations", InterfaceRole.SENDER)

    async def get(self, *ids, **params):
        return await self.nsp.call("GET", "/".join([self.url, *ids]), params=params)


@pytest.fixture
def puller(nsp) -> Puller:
    return Puller(nsp)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"date_from": "2024-06-01T00:00:00Z"},
        {"date_to": "2025-06-01T00:00:00Z"},
        {"offset": "10"},
        {"limit": "10"},
        {"date_from": "2024-06-01T00:00:00Z", "date_to": "2025-06-01T00:00:00Z", "limit": "5"},
    ],
)
@pytest.mark.obligation("LOC-015", "LOC-016", "LOC-023")
async def test_the_list_takes_each_parameter_and_gives_whole_locations(puller, params):
    answer = await puller.get(**params)
    assert (answer.http, answer.code) == (200, 1000)
    assert len(answer.data) > 0
    for location in answer.data:
        validate(Location, location)
        assert params.get("date_from", "") <= location["last_updated"]
        assert location["last_updated"] < params.get("date_to", "9")


@pytest.mark.obligation("LOC-019", "LOC-020", "LOC-021")
async def test_pages_tell_how_many_there_are_and_where_it_goes_on(cpo, puller):
    owned = list(cpo.locations.values())
    assert (await puller.get()).data == (await puller.get(offset="0")).data == owned[:100]
    for offset, limit, begin, end in (
        ("0", "40", 0, 40),
        ("0", "5000", 0, 100),
        ("120", "40", 120, 160),
        ("230", "40", 230, 250),
        ("900", "40", 250, 250),
    ):
        answer = await puller.get(offset=offset, limit=limit, date_from="2000-01-01T00:00:00Z")
        assert answer.data == owned[begin:end]
        assert answer.headers["X-Total-Count"] == "250"
        assert answer.headers["X-Limit"] == "100"
        link = paging.next_url(answer.headers.get("Link"))
        assert (link is not None) == (end < 250)
        if link is not None:
            assert "date_from=2000-01-01" in link
            assert f"offset={end}" in link


@pytest.mark.obligation("LOC-017")
async def test_a_window_takes_its_begin_and_leaves_its_end(cpo, puller):
    moments = sorted({each["last_updated"] for each in cpo.locations.values()})
    answer = await puller.get(date_from=moments[3], date_to=moments[5], limit="1")
    assert answer.headers["X-Total-Count"] == "2"
    assert [each["last_updated"] in moments[3:5] for each in answer.data] == [True]


@pytest.mark.obligation("LOC-018")
async def test_a_window_finds_a_location_whose_connector_changed(cpo, emsp):
    location = first_of(cpo)
    evse = location["evses"][0]
    await cpo.push(location)
    before = location["last_updated"]
    await cpo.replace(location, evse, evse["connectors"][0])
    url = emsp.known_peer.url("locations", InterfaceRole.SENDER)
    answer = await emsp.call("GET", url, params={"date_from": before})
    assert location["id"] in [each["id"] for each in answer.data]
    since = await emsp.call("GET", url, params={"date_from": location["last_updated"]})
    assert since.data == [location]


@pytest.mark.obligation("LOC-022")
async def test_changes_do_not_move_the_pages(cpo, emsp):
    url = emsp.known_peer.url("locations", InterfaceRole.SENDER)
    before = (await emsp.call("GET", url, params={"limit": "50"})).data
    location = first_of(cpo)
    await cpo.set_status(location, location["evses"][0], "CHARGING")
    after = (await emsp.call("GET", url, params={"limit": "50"})).data
    assert [each["id"] for each in after] == [each["id"] for each in before]


@pytest.mark.obligation("LOC-007", "LOC-026")
async def test_a_location_without_evses_is_in_the_delta_and_can_be_read(cpo, emsp):
    location = first_of(cpo)
    for evse in location["evses"]:
        await cpo.set_status(location, evse, "REMOVED")
    url = emsp.known_peer.url("locations", InterfaceRole.SENDER)
    delta = await emsp.call("GET", url, params={"date_from": location["last_updated"]})
    assert delta.data == [location]
    assert (await emsp.call("GET", f"{url}/{location['id']}")).data == location
    for evse in location["evses"]:
        answer = await emsp.call("GET", f"{url}/{location['id']}/{evse['uid']}")
        assert (answer.http, answer.data["status"]) == (200, "REMOVED")


@pytest.mark.parametrize("depth", range(4), ids=STEPS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.obligation("LOC-027")
async def test_nobody_writes_to_a_list(cpo, nsp, puller, method, depth):
    location = first_of(cpo)
    before = codec.encode(list(cpo.locations.values()))
    evse = location["evses"][0]
    ids = (location["id"], evse["uid"], evse["connectors"][0]["id"])[:depth]
    url = "/".join([puller.url, *ids])
    assert (await nsp.call(method, url, body=codec.encode(location))).http == 405
    assert codec.encode(list(cpo.locations.values())) == before


@pytest.mark.obligation("LOC-029", "LOC-030", "LOC-031", "LOC-032", "LOC-033")
async def test_an_object_is_found_by_its_ids_in_any_case(cpo, puller):
    location = first_of(cpo)
    evse = location["evses"][0] = an_evse("Two", connectors=2)
    location["evses"].append(an_evse("One", connectors=1))
    found = [
        ((location["id"],), location),
        ((location["id"], "Two"), evse),
        ((location["id"], "Two", "2"), a_connector("2")),
    ]
    for ids, wanted in found:
        for spelled in (ids, [each.lower() for each in ids], [each.upper() for each in ids]):
            assert (await puller.get(*spelled)).data == wanted
    for ids in (("NONE",), (location["id"], "None"), (location["id"], "One", "2"), ("Two",)):
        assert (await puller.get(*ids)).http == 404


# Crawling a list that changes meanwhile


async def crawled(cpo, nsp, meanwhile: Callable[[int], None]) -> tuple[list[str], list[str]]:
    """Ids of all pages of 100, and the queries; `meanwhile(number)` is called before each page."""
    found, number = [], 0
    serve = cpo.handler

    def handler(received: Received):
        nonlocal number
        if received.interface == "locations.sender":
            meanwhile(number)
            number += 1
        return serve(received)

    cpo.handler = handler
    url = nsp.known_peer.url("locations", InterfaceRole.SENDER)
    async for page in nsp.client.crawl(url, nsp.known_peer.token):
        found += [each["id"] for each in page.data]
    return found, [each.query.get("offset", "-") for each in cpo.record.of("locations.sender")]


async def test_where_the_total_falls_the_page_is_fetched_again_from_before(cpo, nsp):
    ids = [each["id"] for each in cpo.locations.values()]

    def lose_the_first(number: int) -> None:
        if number == 1:
            del cpo.locations[next(iter(cpo.locations))]

    found, offsets = await crawled(cpo, nsp, lose_the_first)
    assert found == ids
    assert offsets == ["-", "100", "99", "199"]


async def test_where_the_total_rises_the_crawl_goes_on(cpo, nsp):
    location = first_of(cpo)

    def grow(number: int) -> None:
        new = location | {"id": f"NEW{number}"}
        cpo.locations[CPO, new["id"]] = new

    found, offsets = await crawled(cpo, nsp, grow)
    assert offsets == ["-", "100", "200"]
    assert len(found) == len(set(found)) == 253


async def test_links_without_numbers_and_short_pages_are_followed_to_the_end():
    pages = {"": (["A"], "?next=x/1"), "x/1": ([], "?next=y%2F2"), "y/2": (["B", "C"], None)}

    async def listed(received: Received) -> Reply:
        ids, link = pages[received.query.get("next", "")]
        total = "9" if link else "1"  # falls, and no offset tells where to go back to
        url = f"{other.server.url}/2.2.1/sender/locations{link}"
        headers = {"X-Total-Count": total} | ({"Link": f'<{url}>; rel="next"'} if link else {})
        return Reply(codec.encode(ids), headers=headers)

    async with SimulatedPlatform("cpo", [PlatformRole(CPO, "CPO", "A CPO")]) as other:
        other.serve("locations", InterfaceRole.SENDER, listed)
        other.tokens.current = "token"
        client = Client()
        url = f"{other.server.url}/2.2.1/sender/locations"
        assert [page.data async for page in client.crawl(url, "token")] == [["A"], [], ["B", "C"]]
        await client.close()
