"""One simulated platform registers at another: both sides of the credentials module."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply

CPO = PartyRef("NL", "CPO")
HUB = PartyRef("NL", "HUB")


@pytest.fixture
async def cpo() -> AsyncIterator[SimulatedPlatform]:
    async with SimulatedPlatform("cpo", [PlatformRole(CPO, Role.CPO, "A CPO")]) as platform:
        yield platform


@pytest.fixture
async def hub() -> AsyncIterator[SimulatedPlatform]:
    async with SimulatedPlatform("hub", [PlatformRole(HUB, Role.HUB, "A hub")]) as platform:
        yield platform


async def test_a_registration_gives_each_side_a_token_of_the_other(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    assert cpo.known_peer.token == hub.tokens.current
    assert hub.known_peer.token == cpo.tokens.current
    assert cpo.known_peer.party == HUB


async def test_the_receiver_calls_back_before_it_answers(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    assert [each.interface for each in cpo.record.requests] == ["versions", "details"]
    assert [(each.method, each.interface) for each in hub.record.requests] == [
        ("GET", "versions"),
        ("GET", "details"),
        ("POST", "credentials"),
    ]


async def test_token_a_is_spent_by_a_registration(cpo, hub):
    token_a = hub.issue_token_a()
    await cpo.register(hub.versions_url, token_a)
    answer = await cpo.client.call("GET", hub.versions_url, token_a)
    assert answer.http == 401


async def test_token_a_opens_no_module(cpo, hub):
    url = f"{hub.server.url}/2.2.1/receiver/hubclientinfo/DE/EMP"
    answer = await cpo.client.call("GET", url, hub.issue_token_a())
    assert answer.http == 401


async def test_no_token_opens_nothing(cpo, hub):
    hub.issue_token_a()
    assert (await cpo.client.call("GET", hub.versions_url, None)).http == 401
    assert (await cpo.client.call("GET", hub.versions_url, "guessed")).http == 401


async def test_who_is_registered_cannot_register_again(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    answer = await cpo.call("POST", cpo.known_peer.credentials_url, body=b"{}")
    assert answer.http == 405


async def test_who_is_not_registered_cannot_renew_or_end(cpo, hub):
    token_a = hub.issue_token_a()
    url = f"{hub.server.url}/2.2.1/credentials"
    assert (await cpo.client.call("PUT", url, token_a, body=b"{}")).http == 405
    assert (await cpo.client.call("DELETE", url, token_a)).http == 405


async def test_a_rotation_renews_both_tokens(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    before = cpo.known_peer.token, hub.known_peer.token
    await cpo.rotate()
    after = cpo.known_peer.token, hub.known_peer.token
    assert not set(before) & set(after)
    assert (await cpo.call("GET", hub.versions_url)).ok
    assert (await cpo.client.call("GET", hub.versions_url, before[0])).http == 401


async def test_a_refused_rotation_changes_nothing(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    held = cpo.known_peer, cpo.tokens.current
    hub.server.faults.add(fault.code(3001), fault.on("PUT", "credentials"))
    with pytest.raises(Refused, match="PUT credentials"):
        await cpo.rotate()
    assert (cpo.known_peer, cpo.tokens.current) == held
    offered = hub.server.record.of("credentials", "PUT")[0].json["token"]
    assert (await hub.client.call("GET", cpo.versions_url, offered)).http == 401
    assert (await cpo.call("GET", hub.versions_url)).ok


async def test_a_registration_without_a_way_back_is_refused_and_can_be_tried_again(cpo, hub):
    token_a = hub.issue_token_a()
    cpo.server.faults.add(fault.http(500), fault.on("GET", "versions"), times=1)
    with pytest.raises(Refused, match="3001"):
        await cpo.register(hub.versions_url, token_a)
    await cpo.register(hub.versions_url, token_a)
    assert cpo.peer is not None


async def test_a_partner_of_other_versions_is_told_so(cpo, hub):
    cpo.server.faults.add(fault.says(b'[{"version": "2.1.1", "url": "http://x/"}]'), times=1)
    with pytest.raises(Refused, match="3002"):
        await cpo.register(hub.versions_url, hub.issue_token_a())


async def test_the_end_of_a_registration_voids_both_tokens(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    shown = cpo.known_peer.token
    await cpo.unregister()
    assert hub.peer is None
    assert (await cpo.client.call("GET", hub.versions_url, shown)).http == 401


async def test_the_answer_repeats_the_ids_of_the_request(cpo, hub):
    ids = {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
    answer = await cpo.client.call("GET", hub.versions_url, hub.issue_token_a(), headers=ids)
    assert {name: answer.headers[name] for name in ids} == ids


@pytest.mark.obligation("VER-021")
async def test_who_registered_there_can_see_that_a_platform_lives(cpo, hub):
    await cpo.register(hub.versions_url, hub.issue_token_a())
    answer = await hub.call("GET", cpo.versions_url)
    assert (answer.http, answer.code) == (200, 1000)
    assert answer.data == [{"version": "2.2.1", "url": f"{cpo.server.url}/2.2.1"}]


async def test_the_list_of_parties_is_read_to_its_end(cpo, hub):
    async def infos(received: Received) -> Reply:
        last = "offset" in received.query
        info = {
            "country_code": "DE",
            "party_id": "EM2" if last else "EM1",
            "role": "EMSP",
            "status": "OFFLINE",
            "last_updated": "2026-01-01T00:00:00Z",
        }
        link = f'<{hub.server.url}/2.2.1/sender/hubclientinfo?offset=1>; rel="next"'
        return Reply(codec.encode([info]), headers={} if last else {"Link": link})

    hub.serve("hubclientinfo", InterfaceRole.SENDER, infos)
    await cpo.register(hub.versions_url, hub.issue_token_a())
    await cpo.refresh_clients()
    assert [info["party_id"] for info in cpo.clients] == ["EM1", "EM2"]
    assert not cpo.clients.reachable(PartyRef("de", "em1"))
    assert cpo.clients.reachable(PartyRef("DE", "EM3"))


async def test_two_roles_of_one_party_are_two_client_infos(cpo, hub):
    await hub.register(cpo.versions_url, cpo.issue_token_a())
    url = f"{cpo.server.url}/2.2.1/receiver/hubclientinfo/DE/EMP"
    for role in ("EMSP", "NSP"):
        info = (
            f'{{"country_code": "de", "party_id": "emp", "role": "{role}",'
            '"status": "CONNECTED", "last_updated": "2026-01-01T00:00:00Z"}'
        )
        assert (await hub.call("PUT", url, body=info.encode())).ok
    assert len(list(cpo.clients)) == 2
    assert cpo.clients.status(PartyRef("DE", "EMP"), Role.NSP) is ConnectionStatus.CONNECTED
    assert cpo.clients.status(PartyRef("DE", "EMP"), Role.CPO) is None
