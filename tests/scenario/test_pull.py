"""Partners that push nothing: the hub reads their lists."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator import fault as faults
from ocpi_hub.simulator import pages
from ocpi_hub.simulator.fault import Fault, on
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_location, a_tariff, a_token
from tests.fake_partner import SENDER, FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

SOON = {"settle_s": 0, "limit": 2, "deadline_s": 0.5}
Object = dict[str, Any]


class Lists:
    """A Sender interface of what it is given; `before` is called with the number of each page."""

    def __init__(self, *objects: Any) -> None:
        self.objects = list(objects)
        self.headers: dict[str, str] = {}
        self.before: Callable[[int], None] = lambda _: None
        self.asked = 0

    async def __call__(self, received: Received) -> Reply:
        self.asked += 1
        self.before(self.asked)
        if any("last_updated" not in each for each in self.objects if isinstance(each, dict)):
            return Reply(codec.encode(self.objects), headers=self.headers)
        if not all(isinstance(each, dict) for each in self.objects):
            return Reply(codec.encode(self.objects), headers=self.headers)
        url = f"http://{received.headers['Host']}{received.path.partition('?')[0]}"
        reply = pages.page(self.objects, received, url)
        return Reply(reply.data, headers={**reply.headers, **self.headers})


class Scripted:
    """Pages by the query that asks for them, each with its Link."""

    def __init__(self, script: Mapping[str, tuple[list[Object], str | None]]) -> None:
        self._script = script

    async def __call__(self, received: Received) -> Reply:
        query = "&".join(f"{name}={value}" for name, value in received.query.items())
        objects, link = self._script["" if query == "limit=2" else query]
        headers = {"Link": f'<{link}>; rel="next"'} if link else {}
        return Reply(codec.encode(objects), headers=headers)


class Told:
    """A Sender interface whose every answer has this data, or none."""

    def __init__(self, data: str | None) -> None:
        self.data = data

    async def __call__(self, _: Received) -> Reply:
        data = f'"data":{self.data},' if self.data is not None else ""
        said = f'{{"status_code":1000,{data}"timestamp":"2026-01-01T00:00:00Z"}}'
        return Reply(raw=said.encode())


def locations(count: int) -> list[Object]:
    return [a_location(id=f"LOC{number}") for number in range(1, count + 1)]


@asynccontextmanager
async def read_by(
    hub: Hub, lists: Lists | Scripted | Told, **quirks: Any
) -> AsyncIterator[tuple[FakePartner, str]]:
    """A CPO with nothing but a Sender interface of locations, connected; its platform."""
    async with fake_partner(CPO="NL-CPO") as cpo:
        cpo.withdraw("tariffs", SENDER)
        cpo.serve("locations", SENDER, lists)
        yield cpo, await hub.connect(cpo, **quirks)


async def pulled(hub: Hub, platform: str, module: str = "locations", **wanted: Any) -> Object:
    """The last pull of a list, as soon as it has these members."""
    found: Object = {}

    async def is_there() -> bool:
        shown = (await hub.admin("GET", f"/platforms/{platform}"))["pull"]
        last = next((each["last"] for each in shown if each["module"] == module), None) or {}
        found.update(last)
        return bool(last) and all(last.get(name) == value for name, value in wanted.items())

    try:
        await eventually(is_there)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}, found {found}") from None
    return found


async def again(hub: Hub, platform: str) -> None:
    await hub.admin("POST", f"/platforms/{platform}/pull")


async def findings(hub: Hub, platform: str) -> list[str]:
    """What the journal tells of the platform's lists, as soon as it tells anything."""
    told: list[str] = []

    async def are_there() -> bool:
        query = {"platform": platform, "mode": "pull", "outcome": "findings"}
        items = (await hub.admin("GET", "/messages", **query))["items"]
        told[:] = [finding for item in items for finding in item["findings"]]
        return bool(told)

    await eventually(are_there)
    return told


async def listed(reader: FakePartner, module: str = "locations") -> list[Object]:
    answer = await reader.get(module)
    found: list[Object] = codec.decode(answer.body)["data"]
    return found


async def ids(reader: FakePartner) -> list[str]:
    return sorted(each["id"] for each in await listed(reader))


async def statuses(reader: FakePartner) -> set[str]:
    return {evse["status"] for each in await listed(reader) for evse in each["evses"]}


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url, pull=SOON) as running:
        yield running


@pytest.mark.obligation("ROUT-411")
async def test_a_partner_that_pushes_nothing_is_read_page_by_page(
    hub: Hub, emsp: FakePartner
) -> None:
    async with read_by(hub, Lists(*locations(5))) as (cpo, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["kind"], last["objects"], last["changed"], last["pages"]) == ("all", 5, 5, 3)
        assert await ids(emsp) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]
        asked = cpo.record.of("locations.sender")
        assert [each.query for each in asked] == [
            {"limit": "2"},
            {"limit": "2", "offset": "2"},
            {"limit": "2", "offset": "4"},
        ]
        assert asked[0].headers["OCPI-to-party-id"] == "CPO"
        assert asked[0].headers["OCPI-from-party-id"] == "HUB"
        assert len({each.headers["X-Request-ID"] for each in asked}) == 3
        assert len({each.headers["X-Correlation-ID"] for each in asked}) == 1


@pytest.mark.obligation("TYP-019")
@pytest.mark.parametrize("empty", ["null", None, "[]"])
async def test_a_list_without_data_is_an_empty_one_and_so_are_evses(
    hub: Hub, emsp: FakePartner, empty: str | None
) -> None:
    location = a_location(evses=0) | {"evses": None}
    lists = Told(codec.encode([location]).decode())
    async with read_by(hub, lists, vanished="remove") as (_, platform):
        await pulled(hub, platform, fault="", objects=1, changed=1)
        lists.data = empty
        await again(hub, platform)
        await pulled(hub, platform, fault="", objects=0, bad=0, vanished=1, removed=0)
        assert await ids(emsp) == ["LOC1"]


async def test_what_is_read_goes_to_the_others_once(hub: Hub, emsp: FakePartner) -> None:
    async with read_by(hub, Lists(*locations(3))) as (_, platform):
        pushes = await emsp.received("locations", "PUT", count=3)
        assert sorted(each.segments[-1] for each in pushes) == ["LOC1", "LOC2", "LOC3"]
        await pulled(hub, platform, fault="")
        await again(hub, platform)
        last = await pulled(hub, platform, objects=3, changed=0)
        assert last["kind"] == "all"
        assert len(emsp.record.of("locations", "PUT")) == 3


async def test_pages_are_asked_for_by_offset_where_links_lead_nowhere(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(*locations(5))
    lists.headers = {"Link": '<https://elsewhere.example/nowhere?offset=None>; rel="next"'}
    async with read_by(hub, lists, offset_paging=True) as (cpo, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["objects"], last["pages"]) == (5, 3)
        assert await ids(emsp) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]
        asked = [each.query.get("offset") for each in cpo.record.of("locations.sender")]
        assert asked == [None, "2", "4"]
        lists.headers["X-Total-Count"] = "many"
        await again(hub, platform)
        last = await pulled(hub, platform, pages=1)
        assert (last["fault"], last["objects"]) == ("", 2)


@pytest.mark.obligation("PAG-014")
async def test_links_are_followed_as_they_are_and_short_pages_are_no_end(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Scripted(
        {
            "": (locations(2), "/ocpi/2.2.1/sender/locations/page?cursor=b%2Fc=="),
            "cursor=b/c==": ([], "?cursor=last&weird="),
            "cursor=last&weird=": ([a_location(id="LOC9")], None),
        }
    )
    async with read_by(hub, lists) as (cpo, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["objects"], last["pages"]) == (3, 3)
        assert await ids(emsp) == ["LOC1", "LOC2", "LOC9"]
        assert len(cpo.record.of("locations.sender")) == 3


@pytest.mark.obligation("PAG-015")
async def test_a_total_that_rises_changes_nothing(hub: Hub) -> None:
    lists = Lists(*locations(3))

    def grow(asked: int) -> None:
        if asked == 2:
            lists.objects.append(a_location(id="LOC4"))

    lists.before = grow
    async with read_by(hub, lists) as (cpo, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["objects"], last["pages"]) == (4, 2)
        assert len(cpo.record.of("locations.sender")) == 2


@pytest.mark.obligation("PAG-016")
async def test_a_total_that_falls_has_the_page_read_again_from_earlier_on(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(*locations(6))

    def shrink(asked: int) -> None:
        if asked == 2:
            del lists.objects[0]

    lists.before = shrink
    async with read_by(hub, lists, vanished="remove") as (cpo, platform):
        await pulled(hub, platform, fault="")
        offsets = [each.query.get("offset") for each in cpo.record.of("locations.sender")]
        assert offsets == [None, "2", "1", "3"]
        assert await ids(emsp) == [f"LOC{number}" for number in range(1, 7)]


@pytest.mark.obligation("TR-035")
async def test_a_bad_object_is_told_and_the_others_of_its_page_are_kept(
    hub: Hub, emsp: FakePartner
) -> None:
    nameless = a_location()
    del nameless["id"]
    incomplete = a_location(id="LOC3")
    del incomplete["address"]
    lists = Lists(nameless, a_location(id="LOC2"), incomplete, a_location(id="LOC4"), 7)
    async with read_by(hub, lists) as (_, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["objects"], last["changed"], last["bad"]) == (5, 2, 3)
        assert await ids(emsp) == ["LOC2", "LOC4"]
        told = await findings(hub, platform)
        assert any(
            "TR-035" in each and "NL-CPO/LOC3" in each and "address" in each for each in told
        )
        assert any(
            "TR-035" in each and "id: a string of 1 to 255 characters is required" in each
            for each in told
        )


@pytest.mark.obligation("TR-056")
async def test_objects_of_parties_that_are_not_the_partners_are_left_out(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(a_location(), a_location(id="LOC2", party_id="XYZ"))
    async with read_by(hub, lists) as (_, platform):
        last = await pulled(hub, platform, fault="")
        assert (last["changed"], last["foreign"]) == (1, 1)
        assert await ids(emsp) == ["LOC1"]
        assert any("NL-XYZ/LOC2" in each for each in await findings(hub, platform))


@pytest.mark.obligation("ROUT-508")
async def test_a_link_to_another_server_is_not_followed(hub: Hub) -> None:
    async with fake_partner(CPO="NL-EVL") as evil:
        url = f"{evil.server.url}/2.2.1/sender/locations"
        async with read_by(hub, Scripted({"": (locations(2), url)})) as (_, platform):
            last = await pulled(hub, platform, fault="the Link leads to another server")
            assert last["changed"] == 2
            assert list(evil.record.requests) == []
            assert any(each.startswith("ROUT-508") for each in await findings(hub, platform))


async def test_links_that_lead_in_a_circle_end(hub: Hub) -> None:
    lists = Scripted({"": (locations(1), "?again=1"), "again=1": (locations(2), "?again=1")})
    async with read_by(hub, lists) as (_, platform):
        await pulled(hub, platform, fault="the Link leads in a circle", changed=2)


@pytest.mark.parametrize(
    ("fault", "tries", "told"),
    [
        (faults.http(404), 1, "HTTP 404"),
        (faults.code(2000), 3, "status code 2000"),
        (faults.html(), 3, "no OCPI answer"),
        (faults.hang(), 3, "timeout"),
    ],
)
async def test_a_list_that_cannot_be_read_harms_nothing(
    hub: Hub, emsp: FakePartner, fault: Fault, tries: int, told: str
) -> None:
    lists = Lists(*locations(2))
    async with read_by(hub, lists, vanished="remove") as (cpo, platform):
        await pulled(hub, platform, fault="", changed=2)
        cpo.record.clear()
        cpo.faults.add(fault, on(interface="locations.sender"))
        await again(hub, platform)
        last = await pulled(hub, platform, pages=0, vanished=0)
        assert told in last["fault"]
        assert len(cpo.record.of("locations.sender")) == tries
        assert await statuses(emsp) == {"AVAILABLE"}
        assert await hub.status(platform) == "CONNECTED"


@pytest.mark.obligation("LOC-025")
async def test_what_a_complete_list_holds_no_more_is_told_and_kept(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(*locations(3))
    async with read_by(hub, lists) as (_, platform):
        await pulled(hub, platform, fault="")
        del lists.objects[1]
        await again(hub, platform)
        await pulled(hub, platform, objects=2, vanished=1, removed=0)
        assert await ids(emsp) == ["LOC1", "LOC2", "LOC3"]
        assert await statuses(emsp) == {"AVAILABLE"}
        [told] = await findings(hub, platform)
        assert "LOC-025: 1 locations are not listed any more, kept" in told
        assert "NL-CPO/LOC2" in told


@pytest.mark.obligation("LOC-025", "LOC-006", "LOC-007")
async def test_where_the_operator_wants_it_their_evses_become_removed(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(*locations(3))
    async with read_by(hub, lists, vanished="remove") as (_, platform):
        await emsp.received("locations", "PUT", count=3)
        del lists.objects[1]
        await again(hub, platform)
        await pulled(hub, platform, objects=2, vanished=1, removed=1)
        told = await emsp.received("locations", "PATCH", count=2)
        assert {each.segments[-2:] for each in told} == {("LOC2", "E1"), ("LOC2", "E2")}
        assert {each.json["status"] for each in told} == {"REMOVED"}
        assert await ids(emsp) == ["LOC1", "LOC2", "LOC3"]


async def test_an_empty_list_and_one_with_holes_remove_nothing(hub: Hub, emsp: FakePartner) -> None:
    lists = Lists(*locations(3))
    async with read_by(hub, lists, vanished="remove") as (_, platform):
        await pulled(hub, platform, fault="")
        kept, lists.objects = lists.objects, []
        await again(hub, platform)
        await pulled(hub, platform, objects=0, vanished=3, removed=0)
        lists.objects = [*kept[:2], {"id": 7}]
        await again(hub, platform)
        await pulled(hub, platform, objects=3, vanished=1, removed=0)
        lists.objects, lists.headers = kept[:2], {"X-Total-Count": "3"}
        await again(hub, platform)
        await pulled(hub, platform, objects=2, vanished=1, removed=0)
        assert await statuses(emsp) == {"AVAILABLE"}


@pytest.mark.obligation("LOC-024")
async def test_a_member_that_is_listed_no_more_is_gone(hub: Hub, emsp: FakePartner) -> None:
    lists = Lists(a_location())
    async with read_by(hub, lists) as (_, platform):
        await pulled(hub, platform, changed=1)
        del lists.objects[0]["name"]
        await again(hub, platform)
        await pulled(hub, platform, changed=1, vanished=0)

        async def nameless() -> bool:
            return all("name" not in each for each in await listed(emsp))

        await eventually(nameless)


@pytest.mark.obligation("TR-092")
async def test_who_was_offline_is_asked_what_changed_meanwhile(database_url: str) -> None:
    alive = {"interval_s": 1, "retry_s": 0.1}
    async with running_house(database_url, pull=SOON, alive=alive) as hub:
        lists = Lists(a_location())
        async with read_by(hub, lists) as (cpo, platform):
            first = await pulled(hub, platform, fault="")
            await cpo.server.stop()
            await eventually(lambda: _offline(hub, platform))
            changed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            lists.objects[0] |= {"name": "Anew", "last_updated": changed}
            cpo.record.clear()
            await cpo.server.start()
            await pulled(hub, platform, kind="changes", changed=1)
            [asked] = cpo.record.of("locations.sender")
            since = datetime.fromisoformat(asked.query["date_from"])
            assert since <= datetime.fromisoformat(first["began_at"])
            async with fake_partner(EMSP="DE-EM1") as emsp:
                await hub.connect(emsp)
                assert [each["name"] for each in await listed(emsp)] == ["Anew"]


async def test_after_another_registration_the_list_is_read_in_full(hub: Hub) -> None:
    async with read_by(hub, Lists(*locations(2))) as (cpo, platform):
        await pulled(hub, platform, changed=2)
        await hub.admin("DELETE", f"/platforms/{platform}")
        assert (await hub.admin("GET", f"/platforms/{platform}"))["pull"] == []
        invited = await hub.admin("POST", f"/platforms/{platform}/registration-token")
        await cpo.register(hub.versions_url, invited["token"])
        await pulled(hub, platform, kind="all", objects=2, changed=0)


async def test_where_a_list_holds_what_was_pushed_it_is_no_change(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    """The list is read after a PATCH, whose merging spelled the Location otherwise."""
    lists = Lists(a_location())
    await cpo.put(a_location())
    stamp = "2026-02-01T00:00:00Z"
    await cpo.patch(a_location(), {"status": "CHARGING", "last_updated": stamp}, "E1")
    await emsp.received("locations", "PATCH")
    listed_now = a_location(last_updated=stamp)
    listed_now["evses"][0] |= {"status": "CHARGING", "last_updated": stamp}
    lists.objects = [dict(reversed(listed_now.items()))]
    cpo.serve("locations", SENDER, lists)
    [platform] = [
        each["id"]
        for each in (await hub.admin("GET", "/platforms"))["items"]
        if each["roles"][0]["party_id"] == "CPO"
    ]
    await again(hub, platform)
    await pulled(hub, platform, objects=1, changed=0, stale=0)


async def test_a_list_that_the_operator_does_not_want_is_never_asked_for(hub: Hub) -> None:
    async with read_by(hub, Lists(*locations(2)), pull=["tokens"]) as (cpo, platform):
        status, answer = await hub.call("POST", f"/admin/v1/platforms/{platform}/pull")
        assert status == 409
        assert "no list" in answer["detail"]
        await hub.admin("PATCH", f"/platforms/{platform}", {"quirks": {"pull": None}})
        assert cpo.record.of("locations.sender") == []
        await pulled(hub, platform, changed=2)


async def test_a_hub_that_stops_in_the_middle_begins_anew(database_url: str) -> None:
    lists = Lists(*locations(5))
    async with fake_partner(CPO="NL-CPO") as cpo:
        cpo.withdraw("tariffs", SENDER)
        cpo.serve("locations", SENDER, lists)
        third = iter([False, False, True])
        cpo.faults.add(
            faults.hang(), lambda got: got.interface == "locations.sender" and next(third, False)
        )
        async with running_house(database_url, pull=SOON) as hub:
            platform = await hub.connect(cpo)
            await cpo.received("locations.sender", count=3)
        async with running_house(database_url, pull=SOON) as hub:
            last = await pulled(hub, platform, fault="")
            assert (last["objects"], last["changed"] < 5) == (5, True)
            async with fake_partner(EMSP="DE-EM1") as emsp:
                await hub.connect(emsp)
                assert await ids(emsp) == [f"LOC{number}" for number in range(1, 6)]


@pytest.mark.obligation("TAR-004")
async def test_tariffs_that_are_listed_no_more_are_deleted(hub: Hub, emsp: FakePartner) -> None:
    lists = Lists(a_tariff(id="T1"), a_tariff(id="T2"))
    async with fake_partner(CPO="NL-CPO") as cpo:
        cpo.withdraw("locations", SENDER)
        cpo.serve("tariffs", SENDER, lists)
        platform = await hub.connect(cpo, vanished="remove")
        await pulled(hub, platform, "tariffs", changed=2)
        del lists.objects[0]
        await again(hub, platform)
        await pulled(hub, platform, "tariffs", objects=1, removed=1)
        assert [each["id"] for each in await listed(emsp, "tariffs")] == ["T2"]


@pytest.mark.obligation("TOK-005")
async def test_tokens_are_read_and_become_invalid_when_they_are_gone(
    hub: Hub, emsp: FakePartner
) -> None:
    lists = Lists(a_token(uid="U1"), a_token(uid="U2"))
    async with fake_partner(EMSP="DE-EMP") as provider:
        provider.serve("tokens", SENDER, lists)
        platform = await hub.connect(provider, vanished="remove")
        await pulled(hub, platform, "tokens", changed=2)
        del lists.objects[0]
        await again(hub, platform)
        await pulled(hub, platform, "tokens", objects=1, removed=1)
        async with fake_partner(CPO="NL-CPO") as cpo:
            cpo.withdraw("locations", SENDER)
            cpo.withdraw("tariffs", SENDER)
            await hub.connect(cpo)
            answer = await cpo.get("tokens")
            valid = {each["uid"]: each["valid"] for each in codec.decode(answer.body)["data"]}
            assert valid == {"U1": False, "U2": True}


async def _offline(hub: Hub, platform: str) -> bool:
    return await hub.status(platform) == "OFFLINE"
