"""Registration over HTTP, in both directions, against a real register."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpi_hub.modules.registrar import RegistrationFailed
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, Role
from ocpi_hub.security import KeyRing
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer, Client
from ocpi_hub.simulator.server import accept
from ocpi_hub.storage.audit import PostgresAudit
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.platforms import PostgresPlatforms
from tests.fake_partner import FakePartner, fake_partner
from tests.inbound_house import HUB, KEY, House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


@pytest.fixture
async def cpo() -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        yield partner


@pytest.fixture
async def stranger() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


def credentials(partner: FakePartner, **changes: Any) -> dict[str, Any]:
    partner.tokens.offered = "token-b"
    return {
        "token": "token-b",
        "url": partner.versions_url,
        "roles": [role.announced() for role in partner.roles],
    } | changes


async def post(
    house: House,
    client: Client,
    token: str | None,
    body: Any,
    method: str = "POST",
    *,
    version: str = "2.2.1",
) -> Answer:
    raw = body if isinstance(body, bytes) else codec.encode(body)
    return await client.call(method, f"{house.url}/ocpi/{version}/credentials", token, body=raw)


@pytest.mark.obligation("CRED-001", "CRED-005", "CRED-006", "CRED-007", "HCI-007")
async def test_a_partner_registers_and_its_token_a_is_spent(house: House, cpo: FakePartner) -> None:
    platform, token_a = await house.invite(cpo)
    await cpo.register(house.versions_url, token_a)
    seen = [each.interface for each in cpo.record.requests]
    assert seen == ["versions", "details"]
    assert cpo.known_peer.token not in {token_a, cpo.tokens.current}
    known = house.platforms.directory().platforms[platform]
    assert known.registered
    assert known.status is ConnectionStatus.CONNECTED
    assert (await cpo.call("GET", house.versions_url)).code == 1000
    spent = await cpo.client.call("GET", house.versions_url, token_a)
    assert spent.http == 401


async def test_a_token_that_another_process_just_issued_opens_at_once(
    database: Database, house: House, cpo: FakePartner
) -> None:
    platform, _ = await house.invite(cpo)
    await house.platforms._following._tasks.close()  # the door hears of nothing any more
    elsewhere = await PostgresPlatforms.open(database, KeyRing([KEY]), HUB)
    token_a = await elsewhere.issue_registration_token(platform)
    await elsewhere.close()
    await cpo.register(house.versions_url, token_a)
    assert (await cpo.call("GET", house.versions_url)).code == 1000


@pytest.mark.obligation("CRED-051", "TR-005")
async def test_tokens_and_urls_are_exchanged_as_they_are_and_only_headers_have_base64(
    house: House, cpo: FakePartner
) -> None:
    def header(token: str) -> str:
        return f"Token {b64encode(token.encode()).decode()}"

    platform, token_a = await house.invite(cpo)
    offered = credentials(cpo)
    answer = await post(house, cpo.client, token_a, offered)
    assert house.platforms.outgoing_token(platform) == offered["token"]
    assert cpo.record.of("versions")[0].headers["Authorization"] == header(offered["token"])
    assert answer.data["url"] == house.versions_url
    shown = {"Authorization": header(answer.data["token"])}
    seen = await cpo.client.call("GET", answer.data["url"], None, headers=shown)
    assert (seen.http, seen.code) == (200, 1000)


@pytest.mark.obligation(
    "CRED-031", "CRED-032", "CRED-039", "TR-011", "VER-017", "CRED-045", "CRED-040",
)  # fmt: skip
async def test_get_shows_the_hub_alone_with_the_callers_own_token(
    house: House, cpo: FakePartner
) -> None:
    _, token_a = await house.invite(cpo)
    url = f"{house.url}/ocpi/2.2.1/credentials"
    before = await cpo.client.call("GET", url, token_a)
    assert before.data["token"] == token_a
    await cpo.register(house.versions_url, token_a)
    async with fake_partner(EMSP="DE-EMP") as emsp:
        await house.join(emsp)
        for caller, other in ((cpo, emsp), (emsp, cpo)):
            after = await caller.call("GET", url, to=other.party, sender=caller.party)
            assert after.data["token"] == caller.known_peer.token
            assert after.data["url"] == house.versions_url
            assert [role["role"] for role in after.data["roles"]] == ["HUB"]
            versions = await caller.call("GET", house.versions_url, to=other.party)
            assert {each["version"] for each in versions.data} == {"2.2.1", "2.2"}
            for answer in (after, versions):
                assert not [name for name in answer.headers if name.lower().startswith("ocpi-")]
        assert cpo.known_peer.token != emsp.known_peer.token
        assert list(emsp.record.requests) == []
        parties = await cpo.call("GET", f"{house.url}/ocpi/2.2.1/sender/hubclientinfo")
        assert [each["party_id"] for each in parties.data] == ["EMP"]


@pytest.mark.obligation("CRED-010", "CRED-011", "CRED-012", "CRED-013", "CRED-003")
async def test_the_state_of_the_registration_is_checked_before_the_body(
    house: House, cpo: FakePartner
) -> None:
    _, token_a = await house.invite(cpo)
    client = cpo.client
    assert (await post(house, client, "unknown", b"{", "PUT")).http == 401
    assert (await post(house, client, token_a, b"{", "PUT")).http == 405
    assert (await post(house, client, token_a, b"", "DELETE")).http == 405
    assert (await post(house, client, token_a, b"{", "POST")).http == 400
    assert (await post(house, client, token_a, b"{}", "PATCH")).http == 405
    await cpo.register(house.versions_url, token_a)
    again = await post(house, client, cpo.known_peer.token, credentials(cpo))
    assert again.http == 405
    assert (await cpo.call("GET", house.versions_url)).code == 1000


@pytest.mark.parametrize(
    "change",
    [
        {"token": None},
        {"token": "a b"},
        {"token": "x" * 65},
        {"url": None},
        {"url": "https://" + "x" * 250},
        {"url": "nowhere"},
        {"roles": []},
        {"roles": None},
        {"roles": [{"role": "cpo"}]},
        {"roles": "x"},
    ],
    ids=str,
)
@pytest.mark.obligation("CRED-034", "CRED-035", "TYP-018", "TYP-014", "TYP-005")
async def test_a_faulty_credentials_object_is_refused_and_token_a_stays_usable(
    house: House, cpo: FakePartner, change: dict[str, Any]
) -> None:
    _, token_a = await house.invite(cpo)
    refused = await post(house, cpo.client, token_a, credentials(cpo, **change))
    assert (refused.http, refused.code) == (200, 2001)
    assert not cpo.record.requests
    await cpo.register(house.versions_url, token_a)


@pytest.mark.obligation(
    "CRED-036", "CRED-042", "CRED-043", "TYP-023", "TYP-024", "TYP-022", "CRED-038"
)
@pytest.mark.parametrize(
    "change",
    [
        {"party_id": "XXX"},
        {"role": "EMSP"},
        {"role": "HUB"},
        {"party_id": "HUB"},
        {"party_id": "ABCD"},
        {"party_id": "AB"},
        {"country_code": "NLD"},
        {"business_details": None},
        {"business_details": {}},
        {"business_details": {"name": "ü" * 101}},
    ],
    ids=str,
)
async def test_roles_that_are_wrong_or_not_agreed_are_refused(
    house: House, cpo: FakePartner, change: dict[str, Any]
) -> None:
    _, token_a = await house.invite(cpo)
    body = credentials(cpo, roles=[cpo.roles[0].announced() | change])
    assert (await post(house, cpo.client, token_a, body)).code == 2001
    doubled = credentials(cpo, roles=[cpo.roles[0].announced()] * 2)
    assert (await post(house, cpo.client, token_a, doubled)).code == 2001


@pytest.mark.obligation("CRED-014", "CRED-015", "STAT-019")
@pytest.mark.parametrize(
    "misbehaviour",
    [
        fault.http(500),
        fault.html(),
        fault.code(3000),
        fault.code(2000, status=404),
        fault.says(b'"x"'),
        fault.says(b"[]"),
        fault.hang(),
        fault.drop(),
        fault.redirect("http://127.0.0.1:1/"),
    ],
)
@pytest.mark.parametrize("step", ["versions", "details"])
async def test_a_partner_whose_api_cannot_be_used_may_try_again(
    database: Database, cpo: FakePartner, misbehaviour: fault.Fault, step: str
) -> None:
    async with open_house(database) as house:
        house.registrar  # noqa: B018 - built with the house
        platform, token_a = await house.invite(cpo)
        cpo.faults.add(misbehaviour, fault.on(interface=step))
        refused = await post(house, cpo.client, token_a, credentials(cpo))
        expected = {3001, 3002} if step == "versions" else {3001}
        assert (refused.http, refused.code in expected) == (200, True)
        assert not house.platforms.directory().platforms[platform].registered
        cpo.faults.clear()
        await cpo.register(house.versions_url, token_a)


@pytest.mark.obligation("STAT-020", "CRED-018")
async def test_a_partner_without_the_version_of_the_endpoint_gets_3002(
    house: House, cpo: FakePartner
) -> None:
    _, token_a = await house.invite(cpo)
    other = codec.encode([{"version": "2.1.1", "url": "https://x.example/2.1.1"}])
    cpo.faults.add(fault.says(other), fault.on(interface="versions"))
    assert (await post(house, cpo.client, token_a, credentials(cpo))).code == 3002


@pytest.mark.obligation("VER-020")
@pytest.mark.parametrize(
    "details",
    [
        {
            "version": "2.2",
            "endpoints": [
                {"identifier": "credentials", "role": "SENDER", "url": "https://x.example"}
            ],
        },
        {"version": "2.2.1", "endpoints": []},
        {
            "version": "2.2.1",
            "endpoints": [{"identifier": "credentials", "role": "SENDER", "url": "/relative"}],
        },
        {"version": "2.2.1", "endpoints": [{"role": "SENDER", "url": "https://x.example"}]},
        {
            "version": "2.2.1",
            "endpoints": [
                {"identifier": f"m{number}", "role": "SENDER", "url": "https://x.example"}
                for number in range(201)
            ],
        },
        {
            "version": "2.2.1",
            "endpoints": [{"identifier": "m" * 256, "role": "SENDER", "url": "https://x.example"}],
        },
    ],
    ids=lambda details: str(details)[:100],
)
async def test_unusable_version_details_give_3001(
    house: House, cpo: FakePartner, details: dict[str, Any]
) -> None:
    _, token_a = await house.invite(cpo)
    cpo.faults.add(fault.says(codec.encode(details)), fault.on(interface="details"))
    assert (await post(house, cpo.client, token_a, credentials(cpo))).code == 3001


async def test_endpoints_that_lead_back_to_the_hub_are_refused(
    house: House, cpo: FakePartner
) -> None:
    """A request to such a partner would go round and round until every lane is taken."""
    platform = await house.join(cpo)
    token = cpo.known_peer.token
    back = credentials(cpo, url=house.versions_url, token=token)
    refused = await post(house, cpo.client, token, back, "PUT")
    assert (refused.code, "this hub" in refused.json["status_message"]) == (3001, True)
    with pytest.raises(RegistrationFailed) as failed:
        await house.registrar.register(platform, house.versions_url, token)
    assert failed.value.step == "details"


@pytest.mark.obligation("STAT-021", "CRED-016", "CRED-017")
async def test_missing_endpoints_give_3003_and_stop_the_hubs_own_post(
    database: Database, cpo: FakePartner
) -> None:
    wanted = {Role.CPO: frozenset({("locations", InterfaceRole.SENDER)})}
    async with open_house(database, expected=wanted) as house:
        platform, token_a = await house.invite(cpo)
        cpo.withdraw("locations", InterfaceRole.SENDER)
        assert (await post(house, cpo.client, token_a, credentials(cpo))).code == 3003
        cpo.record.clear()
        with pytest.raises(RegistrationFailed) as failed:
            await house.registrar.register(platform, cpo.versions_url, cpo.issue_token_a())
        assert failed.value.step == "endpoints"
        assert [each.method for each in cpo.record.requests] == ["GET", "GET"]
        cpo.serve("locations", InterfaceRole.SENDER, accept)
        await cpo.register(house.versions_url, token_a)


@pytest.mark.obligation("CRED-019", "CRED-020", "CRED-044")
async def test_put_reads_the_partner_anew_and_replaces_tokens_and_roles(house: House) -> None:
    async with fake_partner(CPO="NL-CPO NL-CP2") as cpo:
        platform = await house.join(cpo)
        old = cpo.known_peer.token
        cpo.roles = cpo.roles[:1]
        cpo.withdraw("tariffs", InterfaceRole.SENDER)
        await cpo.rotate()
        assert [each.interface for each in cpo.record.requests] == ["versions", "details"]
        assert cpo.known_peer.token != old
        assert (await cpo.client.call("GET", house.versions_url, old)).http == 401
        assert (await cpo.call("GET", house.versions_url)).http == 200
        known = house.platforms.directory().platforms[platform]
        assert known.endpoint("tariffs", InterfaceRole.SENDER) is None
        states = {str(hosted.party): hosted.status for hosted in known.roles}
        assert states == {
            "NL-CPO": ConnectionStatus.CONNECTED,
            "NL-CP2": ConnectionStatus.SUSPENDED,
        }


@pytest.mark.obligation("CRED-021")
async def test_a_failed_put_changes_nothing(house: House, cpo: FakePartner) -> None:
    platform = await house.join(cpo)
    before = house.platforms.outgoing_token(platform)
    dead = credentials(cpo, url="http://127.0.0.1:9/versions")
    assert (await post(house, cpo.client, cpo.known_peer.token, dead, "PUT")).code == 3001
    assert (await cpo.call("GET", house.versions_url)).http == 200
    assert house.platforms.outgoing_token(platform) == before


@pytest.mark.obligation("CRED-028", "TR-004", "TR-066", "HCI-009")
async def test_delete_ends_the_connection(house: House, cpo: FakePartner) -> None:
    platform = await house.join(cpo)
    token = cpo.known_peer.token
    url = cpo.known_peer.credentials_url
    answer = await cpo.call("DELETE", url)
    assert (answer.http, answer.code, "data" in answer.json) == (200, 1000, False)
    assert (await cpo.client.call("GET", url, token)).http == 401
    known = house.platforms.directory().platforms[platform]
    assert known.status is ConnectionStatus.SUSPENDED
    assert house.platforms.outgoing_token(platform) is None


@pytest.mark.obligation("CRED-047")
async def test_of_two_posts_with_one_token_a_exactly_one_wins(
    house: House, cpo: FakePartner
) -> None:
    _, token_a = await house.invite(cpo)
    body = credentials(cpo)
    answers = await asyncio.gather(*(post(house, cpo.client, token_a, body) for _ in range(2)))
    won = [answer for answer in answers if answer.code == 1000]
    lost = [answer for answer in answers if answer.code != 1000]
    assert len(won) == 1
    assert [answer.http in {401, 405} for answer in lost] == [True]
    assert (await cpo.client.call("GET", house.versions_url, won[0].data["token"])).http == 200


@pytest.mark.obligation("CRED-048")
async def test_a_token_a_issued_anew_registers_again(house: House, cpo: FakePartner) -> None:
    platform = await house.join(cpo)
    old = cpo.known_peer.token
    again = await house.platforms.issue_registration_token(platform)
    await cpo.register(house.versions_url, again)
    assert (await cpo.client.call("GET", house.versions_url, old)).http == 401


@pytest.mark.obligation("CRED-049", "CRED-015")
async def test_a_private_address_is_not_called_in_production(
    database: Database, cpo: FakePartner
) -> None:
    from ocpi_hub.settings import Delivery  # noqa: PLC0415 - only here

    async with open_house(database, delivery=Delivery(deadline_s=2)) as house:
        _, token_a = await house.invite(cpo)
        assert (await post(house, cpo.client, token_a, credentials(cpo))).code == 3001
        assert not cpo.record.requests


@pytest.mark.obligation("CRED-041")
async def test_a_role_that_another_platform_has_is_refused(house: House, cpo: FakePartner) -> None:
    await house.join(cpo)
    async with fake_partner(CPO="NL-CP2") as other:
        _, token_a = await house.invite(other)
        body = credentials(other, roles=[role.announced() for role in cpo.roles])
        assert (await post(house, other.client, token_a, body)).code == 2001


@pytest.mark.obligation("CRED-004", "CRED-008", "CRED-026", "CRED-027", "CRED-046", "VER-006")
async def test_the_hub_registers_at_a_partner_and_renews_its_token(
    house: House, cpo: FakePartner
) -> None:
    platform, _ = await house.invite(cpo)
    known = await house.registrar.register(platform, cpo.versions_url, cpo.issue_token_a())
    assert known.registered
    assert [each.interface for each in cpo.record.requests][:3] == [
        "versions",
        "details",
        "credentials",
    ]
    assert house.platforms.outgoing_token(platform) == cpo.tokens.current
    assert (await cpo.call("GET", house.versions_url)).http == 200
    old = cpo.known_peer.token
    await house.registrar.rotate(platform)
    assert cpo.known_peer.token != old
    assert (await cpo.call("GET", house.versions_url)).http == 200
    assert (await cpo.client.call("GET", house.versions_url, old)).http == 401
    assert house.platforms.outgoing_token(platform) == cpo.tokens.current


@pytest.mark.obligation("CRED-023")
async def test_a_failed_renewal_keeps_both_old_tokens(house: House, cpo: FakePartner) -> None:
    platform = await house.join(cpo)
    before = house.platforms.outgoing_token(platform)
    cpo.faults.add(fault.code(3001), fault.on("PUT", "credentials"))
    with pytest.raises(RegistrationFailed) as failed:
        await house.registrar.rotate(platform)
    assert failed.value.step == "credentials"
    assert house.platforms.outgoing_token(platform) == before
    assert (await cpo.call("GET", house.versions_url)).http == 200


@pytest.mark.obligation("CRED-029", "CRED-030")
@pytest.mark.parametrize("down", [False, True])
async def test_the_hub_leaves_whether_the_partner_hears_it_or_not(
    house: House, cpo: FakePartner, *, down: bool
) -> None:
    platform = await house.join(cpo)
    token = cpo.known_peer.token
    if down:
        await cpo.vanish()
    left = await house.registrar.unregister(platform)
    assert not left.registered
    assert len(cpo.record.of("credentials", "DELETE")) == (0 if down else 1)
    assert (await cpo.client.call("GET", house.versions_url, token)).http == 401


@pytest.mark.obligation("CRED-022")
async def test_each_version_has_its_own_endpoint_and_fixes_the_version(
    house: House, cpo: FakePartner, stranger: Client
) -> None:
    platform, token_a = await house.invite(cpo)
    base = cpo.versions_url.removesuffix("/versions")
    both = [{"version": v, "url": f"{base}/2.2.1"} for v in ("2.2", "2.2.1")]
    endpoint = {"identifier": "credentials", "role": "RECEIVER", "url": f"{base}/2.2/credentials"}
    details = {"version": "2.2", "endpoints": [endpoint]}
    cpo.faults.add(fault.says(codec.encode(both)), fault.on(interface="versions"), times=1)
    cpo.faults.add(fault.says(codec.encode(details)), fault.on(interface="details"), times=1)
    answer = await post(house, stranger, token_a, credentials(cpo), version="2.2")
    assert answer.code == 1000
    assert house.platforms.directory().platforms[platform].version == "2.2"
    answer = await post(house, stranger, answer.data["token"], credentials(cpo), "PUT")
    assert answer.code == 1000
    assert house.platforms.directory().platforms[platform].version == "2.2.1"


async def test_what_a_partner_does_to_its_registration_is_in_the_audit(
    database: Database, house: House, cpo: FakePartner
) -> None:
    platform, token_a = await house.invite(cpo)
    await cpo.register(house.versions_url, token_a)
    await post(house, cpo.client, cpo.known_peer.token, {}, "PUT")  # fails, and is no change
    await cpo.rotate()
    await cpo.unregister()
    entries = await PostgresAudit(database).list(None, 10, {"target": platform})
    actions = [entry.action for entry in reversed(entries)]
    assert actions == ["platform:registered", "platform:renewed", "platform:left"]
    assert {entry.actor.split()[1] for entry in entries} == {platform}
    assert {entry.address for entry in entries} == {"127.0.0.1"}
    assert token_a not in str(entries)
