"""What a platform that takes locations owes: its own paths, pushes at three depths, crawls."""

import copy
from urllib.parse import quote

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.nsp import Nsp
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from tests.build import a_connector, a_location, a_tariff, an_evse, as_bytes

CPO = PartyRef("NL", "CPO")
LATER = "2026-02-01T00:00:00.123Z"
PARTS = (("LOC1",), ("LOC1", "E1"), ("LOC1", "E1", "1"))


class Pusher:
    """Requests to the Receiver interface of an eMSP that holds LOC1 with E1 and E2."""

    def __init__(self, cpo, emsp):
        self.cpo = cpo
        self.emsp = emsp

    async def send(self, method, *ids, body=None, owner="NL/CPO", module="locations"):
        base = self.cpo.known_peer.url(module, InterfaceRole.RECEIVER)
        path = "/".join([base, owner, *(quote(each, safe="") for each in ids)])
        if not isinstance(body, bytes | None):
            body = codec.encode(body)
        return await self.cpo.call(method, path, body=body, sender=CPO)

    async def get(self, *ids):
        return (await self.send("GET", *ids)).data

    @property
    def held(self):
        return self.emsp.copy.one(CPO, "LOC1")


@pytest.fixture
async def pusher(cpo, emsp) -> Pusher:
    pushing = Pusher(cpo, emsp)
    assert (await pusher_put(pushing)).http == 201
    return pushing


async def pusher_put(pushing: Pusher, **overrides):
    return await pushing.send("PUT", "LOC1", body=a_location(**overrides))


def an_object(ids, **overrides):
    make = (a_location, an_evse, a_connector)[len(ids) - 1]
    return make(**overrides)


@pytest.mark.obligation("LOC-002")
async def test_platforms_that_take_locations_take_tariffs_too(emsp, cpo):
    assert ("locations", "RECEIVER") in cpo.known_peer.endpoints
    assert ("tariffs", "RECEIVER") in cpo.known_peer.endpoints


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-040", "LOC-042", "LOC-045", "LOC-046", "LOC-064")
async def test_put_creates_then_replaces_and_get_gives_it_back(pusher, ids):
    new = (*ids[:-1], "NEW")
    name = "uid" if len(ids) == 2 else "id"
    first = an_object(ids, **{name: "NEW", "last_updated": LATER})
    second = first | {"last_updated": "2026-03-01T00:00:00Z"}
    for body, http in ((first, 201), (second, 200)):
        answer = await pusher.send("PUT", *new, body=body)
        assert (answer.http, answer.code) == (http, 1000)
        assert "data" not in answer.json
        assert await pusher.get(*new) == body


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-040", "LOC-056")
async def test_patch_changes_what_it_names_and_nothing_else(pusher, ids):
    before = await pusher.get(*ids)
    assert (await pusher.send("PATCH", *ids, body={"x_new": 1, "last_updated": LATER})).ok
    assert await pusher.get(*ids) == before | {"x_new": 1, "last_updated": LATER}


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-041")
async def test_there_is_no_post_and_no_delete(pusher, ids):
    before = copy.deepcopy(pusher.held)
    for method in ("POST", "DELETE"):
        assert (await pusher.send(method, *ids, body=an_object(ids))).http == 405
    assert pusher.held == before


@pytest.mark.obligation("LOC-043")
async def test_what_is_not_held_is_not_found_at_each_depth(pusher):
    for ids in (("LOC9",), ("LOC1", "E9"), ("LOC1", "E1", "9"), ("LOC9", "E1")):
        assert (await pusher.send("GET", *ids)).http == 404


@pytest.mark.obligation("LOC-047")
async def test_a_put_is_never_a_merge(pusher):
    assert "opening_times" in pusher.held
    shorter = a_location()
    del shorter["opening_times"]
    assert (await pusher.send("PUT", "LOC1", body=shorter)).ok
    assert pusher.held == shorter


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-048", "LOC-049")
async def test_a_body_that_is_not_the_object_of_its_path_is_refused(pusher, ids):
    before = copy.deepcopy(pusher.held)
    name = "uid" if len(ids) == 2 else "id"
    wrong = [{name: "OTHER"}, *([{"country_code": "DE"}, {"party_id": "CP2"}] * (len(ids) == 1))]
    for difference in wrong:
        answer = await pusher.send("PUT", *ids, body=an_object(ids, **difference))
        assert (answer.http, answer.code) == (200, 2001)
    assert pusher.held == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.obligation("LOC-050", "LOC-051", "LOC-052", "LOC-058")
async def test_the_time_of_a_part_moves_all_that_it_stands_in(pusher, method):
    connector = a_connector(last_updated=LATER)
    assert (await pusher.send(method, "LOC1", "E1", "1", body=connector)).ok
    touched, untouched = pusher.held["evses"]
    assert pusher.held["last_updated"] == touched["last_updated"] == LATER
    assert untouched["last_updated"] != LATER
    even_later = "2026-02-01T00:00:00.124Z"
    assert (await pusher.send(method, "LOC1", "E2", body=an_evse("E2", last_updated=even_later))).ok
    assert pusher.held["last_updated"] == even_later
    assert touched["last_updated"] == LATER


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-053", "LOC-063")
async def test_an_incomplete_object_is_refused_by_its_code_and_broken_json_by_http(pusher, ids):
    before = copy.deepcopy(pusher.held)
    body = an_object(ids)
    del body["last_updated"]
    refused = await pusher.send("PUT", *ids, body=body)
    assert (refused.http, refused.code) == (200, 2001)
    assert "last_updated" in refused.json["status_message"]
    assert (await pusher.send("PUT", *ids, body=b'{"id": ')).http == 400
    assert pusher.held == before


@pytest.mark.parametrize("ids", PARTS, ids=len)
@pytest.mark.obligation("LOC-057")
async def test_a_patch_without_its_time_changes_nothing(pusher, ids):
    before = copy.deepcopy(pusher.held)
    assert (await pusher.send("PATCH", *ids, body={"x_new": 1})).code == 2001
    assert pusher.held == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.obligation("LOC-054")
async def test_a_part_of_something_unknown_is_not_taken(pusher, method):
    for ids, body in ((("LOC9", "E1"), an_evse()), (("LOC1", "E9", "1"), a_connector())):
        answer = await pusher.send(method, *ids, body=body)
        assert (answer.http, answer.code) == (404, 2003)
    assert len(pusher.emsp.copy) == 1


@pytest.mark.obligation("LOC-059")
async def test_null_in_a_patch_takes_nothing_back_but_a_put_does(pusher):
    assert (await pusher.send("PATCH", "LOC1", body={"name": None, "last_updated": LATER})).ok
    assert pusher.held["name"] == "Stationsplein"
    assert (await pusher_put(pusher, name=None)).ok
    assert pusher.held["name"] is None


@pytest.mark.obligation("LOC-060")
async def test_a_list_in_a_patch_replaces_the_list(pusher):
    path = ("LOC1", "E1", "1")
    for tariffs in (["11", "12"], ["15"]):
        body = {"tariff_ids": tariffs, "last_updated": LATER}
        assert (await pusher.send("PATCH", *path, body=body)).ok
    assert (await pusher.get(*path))["tariff_ids"] == ["15"]


@pytest.mark.obligation("LOC-106")
async def test_a_connector_may_name_a_tariff_that_comes_later(pusher):
    connector = a_connector(tariff_ids=["T1"], last_updated=LATER)
    assert (await pusher.send("PUT", "LOC1", "E1", "1", body=connector)).code == 1000
    assert (await pusher.send("GET", "T1", module="tariffs")).http == 404
    assert (await pusher.send("PUT", "T1", body=a_tariff(), module="tariffs")).ok
    [named] = (await pusher.get("LOC1", "E1", "1"))["tariff_ids"]
    resolved = await pusher.send("GET", named, module="tariffs")
    assert resolved.data == codec.decode(as_bytes(a_tariff()))


@pytest.mark.obligation("LOC-131")
async def test_members_that_nobody_knows_are_kept(pusher):
    odd = a_location(x_colour="red") | {"evses": [an_evse(x_shade=[1, {"of": "grey"}])]}
    assert (await pusher.send("PUT", "LOC1", body=odd)).code == 1000
    assert pusher.held["x_colour"] == "red"
    assert pusher.held["evses"][0]["x_shade"] == [1, {"of": "grey"}]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.obligation("LOC-006", "LOC-007")
async def test_a_removed_evse_can_still_be_read(pusher, method):
    removed = an_evse("E1", status="REMOVED", last_updated=LATER)
    assert (await pusher.send(method, "LOC1", "E1", body=removed)).ok
    assert (await pusher.get("LOC1", "E1"))["status"] == "REMOVED"
    assert [evse["uid"] for evse in pusher.held["evses"]] == ["E1", "E2"]


@pytest.mark.obligation("ROUT-224")
async def test_owners_that_the_peer_does_not_host_are_taken(pusher):
    assert [role["party_id"] for role in pusher.emsp.known_peer.roles] == ["CPO"]
    foreign = a_location(country_code="FR", party_id="XYZ")
    assert (await pusher.send("PUT", "LOC1", body=foreign, owner="FR/XYZ")).ok
    assert pusher.emsp.copy.one(PartyRef("FR", "XYZ"), "LOC1") == foreign


@pytest.mark.obligation("ROUT-223")
async def test_the_answer_to_a_push_of_a_hub_goes_back_to_the_hub():
    party, asking = PartyRef("DE", "EMP"), PartyRef("NL", "HUB")
    role = PlatformRole(asking, Role.HUB, "A hub")
    async with SimulatedPlatform("hub", [role]) as hub, Emsp("emsp", party) as emsp:
        await emsp.register(hub.versions_url, hub.issue_token_a())
        base = hub.known_peer.url("locations", InterfaceRole.RECEIVER)
        answer = await hub.call(
            "PUT",
            f"{base}/NL/CPO/LOC1",
            body=codec.encode(a_location()),
            to=party,
            sender=asking,
        )
    assert answer.ok
    prefixed = {name.lower(): value for name, value in answer.headers.items() if "OCPI" in name}
    assert prefixed == {
        "ocpi-to-country-code": "NL",
        "ocpi-to-party-id": "HUB",
        "ocpi-from-country-code": "DE",
        "ocpi-from-party-id": "EMP",
    }


# A crawl


@pytest.mark.obligation("LOC-024")
async def test_what_a_pulled_object_lacks_is_gone_from_the_copy(cpo, nsp):
    location = next(iter(cpo.locations.values()))
    await nsp.crawl()
    assert "parking_type" in nsp.copy.one(CPO, location["id"])
    del location["parking_type"]
    await nsp.crawl()
    assert nsp.copy.one(CPO, location["id"]) == location


@pytest.mark.obligation("LOC-025")
async def test_what_a_whole_crawl_does_not_find_is_no_longer_valid(cpo, nsp):
    await nsp.crawl()
    key, gone = cpo.locations.popitem()
    await nsp.crawl(date_from="2000-01-01T00:00:00Z")
    assert nsp.copy.held[key] == gone
    assert await nsp.crawl() == 249
    assert key not in nsp.copy.held
    assert nsp.copy.invalid == {key: gone}
    cpo.locations[key] = gone
    await nsp.crawl()
    assert nsp.copy.held[key] == gone
    assert nsp.copy.invalid == {}


@pytest.mark.obligation("LOC-025")
async def test_what_was_pushed_while_a_crawl_went_on_stays_valid(cpo, nsp):
    await nsp.crawl()
    key, location = cpo.locations.popitem()
    missed = nsp.copy.moments()
    nsp.copy.held[key] = location | {"last_updated": LATER}
    nsp.copy.drop({key: missed[key]})
    assert key in nsp.copy.held


@pytest.mark.obligation("LOC-132")
async def test_a_bad_object_on_a_page_does_not_keep_out_the_others(cpo, nsp):
    locations = list(cpo.locations.values())
    locations[3]["coordinates"] = {"latitude": "north", "longitude": "east"}
    assert await nsp.crawl() == 250
    assert list(nsp.copy) == locations[:3] + locations[4:]
    assert len(nsp.copy.bad) == 1
    assert "latitude" in nsp.copy.bad[0]


# Who sees what


@pytest.mark.obligation("LOC-008", "LOC-065")
async def test_the_map_shows_what_is_published_and_not_removed(nsp):
    shown, hidden = a_location(id="L1"), a_location(id="L2", publish=False)
    removed = a_location(id="L3", evses=2)
    for evse in removed["evses"]:
        evse["status"] = "REMOVED"
    nsp.copy.add([shown, hidden, removed])
    assert list(nsp.on_the_map()) == [shown]


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        ({"uid": "04AA", "type": "RFID"}, True),
        ({"uid": "04aa", "type": "RFID", "issuer": "Else"}, True),
        ({"uid": "04AA", "type": "APP_USER"}, False),
        ({"uid": "04AB", "type": "RFID"}, False),
        ({"uid": "X", "type": "RFID", "visual_number": "7", "issuer": "Card Co"}, True),
        ({"uid": "X", "type": "RFID", "visual_number": "7", "issuer": "Other"}, False),
        ({"uid": "X", "type": "RFID", "group_id": "FLEET"}, True),
        (None, False),
    ],
)
@pytest.mark.parametrize("receiver", [Emsp, Nsp])
@pytest.mark.obligation("LOC-065", "LOC-067", "LOC-068")
def test_a_hidden_location_is_for_tokens_that_match_a_whole_entry(receiver, token, seen):
    app = receiver("app", PartyRef("DE", "EMP"))
    hidden = a_location(
        publish=False,
        publish_allowed_to=[
            {"uid": "04AA", "type": "RFID", "issuer": None},
            {"visual_number": "7", "issuer": "Card Co"},
            {"group_id": "fleet"},
        ],
    )
    assert app.shows(hidden, token) is seen
    assert app.shows(a_location(), token)
    assert not app.shows(a_location(publish=False), token)
