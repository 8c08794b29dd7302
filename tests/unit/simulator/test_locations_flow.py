"""A CPO pushes to an eMSP, and an NSP crawls a CPO: no hub in between."""

import pytest
from aiohttp import web

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.platform import NotSent

CPO = PartyRef("NL", "CPO")


def held_by(cpo) -> list:
    return list(cpo.locations.values())


async def test_everything_pushed_is_held_as_it_is(cpo, emsp):
    done = []
    await cpo.push_all(lambda: done.append(1))
    assert len(done) == 250
    assert sorted(emsp.copy, key=lambda each: each["id"]) == held_by(cpo)
    assert cpo.outcomes == {"accepted": 250}
    assert emsp.lag.quantiles.count == 250


async def test_a_status_change_reaches_the_copy_with_its_time(cpo, emsp):
    await cpo.push_all()
    location = held_by(cpo)[0]
    evse = location["evses"][1]
    answer = await cpo.set_status(location, evse, "CHARGING")
    assert answer.ok
    copy = emsp.copy.one(CPO, location["id"].lower())
    assert copy == location
    assert copy["evses"][1]["status"] == "CHARGING"
    [patch] = emsp.record.of("locations.receiver", "PATCH")
    assert set(patch.json) == {"status", "last_updated"}
    assert patch.headers["ocpi-from-party-id"] == "CPO"


@pytest.mark.obligation("LOC-054", "LOC-061")
async def test_a_patch_that_fails_becomes_a_look_at_the_copy_and_a_put(cpo, emsp):
    location = held_by(cpo)[0]
    assert (await cpo.set_status(location, location["evses"][0], "CHARGING")).ok
    assert emsp.copy.one(CPO, location["id"]) == location
    methods = [each.method for each in emsp.record.of("locations.receiver")]
    assert methods == ["PATCH", "GET", "PUT"]


@pytest.mark.obligation("LOC-061", "LOC-062")
async def test_where_the_patch_arrived_in_spite_of_its_answer_nothing_is_sent_again(cpo, emsp):
    await cpo.push_all()
    emsp.record.clear()
    emsp.server.faults.add(_done_but(500), fault.on("PATCH"))
    location = held_by(cpo)[0]
    assert (await cpo.set_status(location, location["evses"][0], "CHARGING")).ok
    assert [each.method for each in emsp.record.of("locations.receiver")] == ["PATCH", "GET"]


def _done_but(http: int) -> fault.Fault:
    """The work is done, and the answer says that it was not."""

    async def broken(_, go_on):
        await go_on()
        return web.Response(status=http)

    return broken


@pytest.mark.obligation("HCI-031")
async def test_nothing_is_sent_to_a_party_that_is_not_connected(cpo, emsp):
    party = PartyRef("FR", "NAV")
    info = {
        "country_code": "FR",
        "party_id": "NAV",
        "role": "NSP",
        "last_updated": "2026-01-01T00:00:00Z",
    }
    location = held_by(cpo)[0]
    for status in ("OFFLINE", "SUSPENDED", "PLANNED"):
        cpo.clients.add([info | {"status": status}])
        with pytest.raises(NotSent):
            await cpo.push(location, to=party)
    assert emsp.record.of("locations") == []
    cpo.clients.add([info | {"status": "CONNECTED"}])
    assert (await cpo.push(location, to=party)).ok


async def test_what_got_no_answer_is_pushed_again_on_repair(cpo, emsp):
    await cpo.push_all()
    emsp.server.faults.add(fault.drop(), fault.on("PATCH"))
    location = held_by(cpo)[0]
    await cpo.try_status(location, location["evses"][0], "CHARGING")
    assert emsp.copy.one(CPO, location["id"]) != location
    await cpo.repair()
    assert emsp.copy.one(CPO, location["id"]) == location
    assert cpo.unsure == set()


async def test_too_many_requests_are_sent_again_later(cpo, emsp):
    emsp.server.faults.add(fault.http(429, Retry_After="0"), fault.on("PUT"), times=3)
    assert (await cpo.push(held_by(cpo)[0])).ok


async def test_a_crawl_follows_each_link_to_the_last_page(cpo, nsp):
    assert await nsp.crawl() == 250
    assert list(nsp.copy) == held_by(cpo)
    assert len(cpo.record.of("locations.sender")) == 3


async def test_the_last_page_has_no_link_even_when_it_is_full(cpo, nsp):
    url = nsp.known_peer.url("locations", InterfaceRole.SENDER)
    for offset, linked in ((199, True), (200, False), (240, False), (300, False)):
        params = {"offset": str(offset), "limit": "50"}
        assert ("Link" in (await nsp.call("GET", url, params=params)).headers) is linked


async def test_an_answer_goes_back_from_whom_it_was_for(cpo, emsp):
    answer = await cpo.push(held_by(cpo)[0])
    assert answer.headers["OCPI-from-party-id"] == "EMP"
    assert answer.headers["OCPI-to-party-id"] == "CPO"


async def test_a_crawled_page_does_not_undo_a_newer_push(cpo, emsp):
    await cpo.push_all()
    location = held_by(cpo)[0]
    old = dict(location)
    await cpo.set_status(location, location["evses"][0], "CHARGING")
    emsp.copy.add([old])
    assert emsp.copy.one(CPO, location["id"]) == location


async def test_parts_are_put_and_read_at_their_own_level(cpo, emsp):
    location = held_by(cpo)[0]
    await cpo.push(location)
    evse = dict(location["evses"][0], uid="NEW", last_updated="2030-01-01T00:00:00Z")
    url = cpo.known_peer.url("locations", InterfaceRole.RECEIVER)
    path = f"{url}/NL/CPO/{location['id']}/NEW"
    put = await cpo.call("PUT", path, body=b'{"uid": "NEW"}')
    assert put.code == 2001
    body = codec.encode(evse)
    assert (await cpo.call("PUT", path, body=body)).http == 201
    assert (await cpo.call("PUT", path, body=body)).http == 200
    assert (await cpo.call("GET", path)).data == evse
    assert emsp.copy.one(CPO, location["id"])["last_updated"] == "2030-01-01T00:00:00Z"
    assert (await cpo.call("DELETE", path)).http == 405
