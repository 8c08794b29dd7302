"""Partners come, renew their tokens, are stopped and leave, while others go on roaming."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole, Role
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer, Refused
from ocpi_hub.simulator.platform import PlatformRole
from ocpi_hub.simulator.record import Received
from tests.build import a_location
from tests.fake_partner import FakePartner, fake_partner, party
from tests.hub import Hub, agreed_roles, eventually, running_house

RECEIVER, SENDER = InterfaceRole.RECEIVER, InterfaceRole.SENDER


@pytest.fixture
async def cpo() -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        yield partner


async def told(partner: FakePartner, party_id: str, status: str) -> None:
    """Until a partner was told of a party's state."""

    def so(received: Received) -> bool:
        return received.segments[1] == party_id and bool(received.json["status"] == status)

    await partner.received("hubclientinfo.receiver", "PUT", where=so)


async def states(partner: FakePartner) -> dict[str, str]:
    listed = await partner.call("GET", partner.known_peer.url("hubclientinfo", SENDER))
    return {each["party_id"]: each["status"] for each in listed.data}


async def listed(partner: FakePartner) -> list[str]:
    return [each["id"] for each in (await partner.get("locations")).data]


# Two versions


@pytest.mark.obligation("VER-001", "VER-002", "VER-009", "ROUT-201")
async def test_partners_of_both_versions_roam_with_each_other(hub: Hub) -> None:
    async with (
        fake_partner(CPO="NL-OLD", version="2.2") as old_cpo,
        fake_partner(EMSP="DE-OLD", version="2.2") as old_emsp,
        fake_partner(CPO="NL-NEW") as new_cpo,
        fake_partner(EMSP="DE-NEW") as new_emsp,
    ):
        for partner in (old_cpo, old_emsp, new_cpo, new_emsp):
            platform = await hub.connect(partner)
            known = await hub.admin("GET", f"/platforms/{platform}")
            assert known["versions"] == [partner.version]
            urls = partner.known_peer.endpoints.values()
            assert all(f"/ocpi/{partner.version}/" in url for url in urls)
        for cpo, location_id in ((old_cpo, "A"), (new_cpo, "B")):
            location = a_location(party_id=cpo.party.party_id, id=location_id)
            assert (await cpo.put(location)).code == 1000
            for emsp in (old_emsp, new_emsp):
                (*_, push) = await emsp.received(
                    "locations.receiver",
                    where=lambda got, wanted=location_id: got.segments[2] == wanted,
                )
                assert push.path.startswith(f"/ocpi/{emsp.version}/receiver/locations/NL/")
                assert push.json == location
                assert (await cpo.put(location, to=emsp.party)).code == 1000
        for emsp in (old_emsp, new_emsp):
            assert await listed(emsp) == ["A", "B"]
            page = await emsp.call(
                "GET", emsp.known_peer.url("locations", SENDER), params={"limit": "1"},
                to=emsp.known_peer.party, sender=emsp.party,
            )  # fmt: skip
            assert f"/ocpi/{emsp.version}/sender/locations?" in page.headers["Link"]


@pytest.mark.obligation("CRED-022")
async def test_a_partner_that_renews_at_the_newer_version_is_served_there(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    cpo.version = "2.2"
    platform = await hub.connect(cpo)
    cpo.version = "2.2.1"
    await cpo.rotate()
    assert (await hub.admin("GET", f"/platforms/{platform}"))["versions"] == ["2.2.1"]
    assert (await emsp.send("GET", "locations", side=SENDER, to="NL-CPO")).code == 1000
    assert cpo.record.of("locations")[-1].path == "/ocpi/2.2.1/sender/locations"


# Renewal under traffic


class Traffic:
    """Requests without a pause, each again and again; what did not succeed is kept.

    A request that was on its way with a token which its sender was just replacing is sent again
    with the new one: the old one ends with the hub's answer to the PUT (CRED-020).
    """

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.failed: list[tuple[str, int, bytes]] = []
        self._stopped = False
        self._tasks = Tasks()
        self._running: list[asyncio.Task[Any]] = []

    def start(
        self, name: str, sender: FakePartner, request: Callable[[int], Awaitable[Answer]]
    ) -> None:
        self._running.append(self._tasks.spawn(name, self._send(name, sender, request)))

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*self._running)
        await self._tasks.close()

    async def _send(
        self, name: str, sender: FakePartner, request: Callable[[int], Awaitable[Answer]]
    ) -> None:
        for number in count():
            if self._stopped:
                return
            shown = sender.known_peer.token
            answer = await request(number)
            if answer.http == 401 and await replaced(sender, shown):
                answer = await request(number)
            if answer.ok:
                self.done[name] += 1
            else:
                self.failed.append((name, answer.http, answer.body))


async def replaced(sender: FakePartner, shown: str) -> bool:
    """Whether the sender was renewing the token it has shown; waits for the end of that."""
    while sender.tokens.offered is not None and sender.known_peer.token == shown:  # noqa: ASYNC110 - it knows no such event
        await asyncio.sleep(0.001)
    return sender.known_peer.token != shown


def stamp(number: int) -> str:
    return f"2026-02-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"


@pytest.mark.obligation("CRED-019", "CRED-023", "CRED-024", "CRED-026")
async def test_tokens_are_renewed_from_both_sides_under_traffic_and_no_request_fails(
    database_url: str, cpo: FakePartner
) -> None:
    async with (
        running_house(database_url, server={"failed_tokens_per_min": 0}) as hub,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        await hub.connect(emsp)
        await renew_under_traffic(hub, cpo, emsp)


async def renew_under_traffic(hub: Hub, cpo: FakePartner, emsp: FakePartner) -> None:
    async def broadcast(number: int) -> Answer:
        sent.append(stamp(number))
        return await cpo.patch(a_location(), {"status": "BLOCKED", "last_updated": sent[-1]}, "E1")

    sent: list[str] = []
    await hub.connect(cpo)
    await cpo.put(a_location())
    platforms = [each["id"] for each in (await hub.admin("GET", "/platforms"))["items"]]
    traffic = Traffic()
    traffic.start("broadcast", cpo, broadcast)
    traffic.start("push", cpo, lambda n: cpo.put(a_location(id=f"D{n}"), to=emsp.party))
    traffic.start("list", emsp, lambda _: emsp.get("locations"))
    traffic.start("pull", emsp, lambda _: emsp.get("locations", to="NL-CPO"))
    tokens = set()
    for _ in range(4):
        for partner in (cpo, emsp):
            await partner.rotate()
        for platform in platforms:
            await hub.admin("POST", f"/platforms/{platform}/rotate")
        tokens |= {cpo.known_peer.token, cpo.tokens.current, emsp.known_peer.token}
    await traffic.stop()
    assert traffic.failed == []
    assert min(traffic.done.values()) > 8, traffic.done
    assert len(tokens) == 12
    await emsp.received(
        "locations.receiver", where=lambda got: got.json["last_updated"] == sent[-1]
    )


# Renewed by the hub itself

SOON = {"renew_days": 1 / 86400}


@pytest.mark.obligation("CRED-025", "CRED-023")
async def test_tokens_are_renewed_when_their_time_is_over_and_nobody_notices(
    database_url: str, cpo: FakePartner
) -> None:
    async with (
        running_house(database_url, credentials=SOON) as hub,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        await hub.connect(emsp)
        platform = await hub.connect(cpo)
        first = (cpo.known_peer.token, cpo.tokens.current)
        await cpo.received("credentials", "PUT", count=2)
        assert not {cpo.known_peer.token, cpo.tokens.current} & {*first}
        assert (await cpo.put(a_location())).code == 1000
        await emsp.received("locations.receiver", "PUT")
        assert (await emsp.get("locations", to="NL-CPO")).code == 1000
        assert await hub.status(platform) == "CONNECTED"


@pytest.mark.obligation("CRED-025")
async def test_who_refuses_a_renewal_works_on_and_the_operator_is_told(
    database_url: str, cpo: FakePartner
) -> None:
    async with running_house(database_url, credentials=SOON) as hub:
        platform = await hub.connect(cpo)
        cpo.faults.add(fault.code(3001), fault.on("PUT", "credentials"))

        async def found() -> bool:
            shown = await hub.admin("GET", f"/platforms/{platform}/findings")
            return "CRED-025" in [each["rule"] for each in shown["items"]]

        await eventually(found)
        assert (await cpo.put(a_location())).code == 1000
        before = cpo.known_peer.token
        cpo.faults.clear()
        await cpo.record.until(lambda: cpo.known_peer.token != before)


# Stopped by the operator


@pytest.mark.obligation("HCI-028", "ROUT-219", "ROUT-410")
async def test_a_suspended_partner_is_shut_out_and_comes_back_as_it_was(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    platform = await hub.connect(cpo)
    await cpo.put(a_location())
    assert await listed(emsp) == ["LOC1"]
    await hub.admin("POST", f"/platforms/{platform}/suspend")
    await told(emsp, "CPO", "SUSPENDED")
    assert (await cpo.put(a_location(id="NOT"))).http == 401
    assert (await emsp.get("locations", to="NL-CPO")).code == 4003
    assert await listed(emsp) == []
    assert await states(emsp) == {"CPO": "SUSPENDED"}
    assert cpo.record.of("locations") == []

    emsp.record.clear()
    await hub.admin("POST", f"/platforms/{platform}/resume")
    await told(emsp, "CPO", "CONNECTED")
    assert await listed(emsp) == ["LOC1"]
    assert (await cpo.put(a_location(id="YES"))).code == 1000
    assert (await emsp.get("locations", to="NL-CPO")).code == 1000
    await emsp.received("locations.receiver", where=lambda got: got.segments[2] == "YES")


async def test_a_suspended_receiver_gets_nothing_not_even_later(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    await hub.connect(cpo)
    async with fake_partner(EMSP="DE-EM2") as stopped:
        platform = await hub.connect(stopped)
        await cpo.put(a_location(id="FIRST"))
        await stopped.received("locations.receiver")
        stopped.record.clear()
        await hub.admin("POST", f"/platforms/{platform}/suspend")
        await cpo.put(a_location(id="MISSED"))
        await emsp.received("locations.receiver", where=lambda got: got.segments[2] == "MISSED")
        await hub.admin("POST", f"/platforms/{platform}/resume")
        await cpo.put(a_location(id="LATER"))
        await stopped.received("locations.receiver")
        assert [each.segments[2] for each in stopped.record.of("locations")] == ["LATER"]


# Leaving and coming back


@pytest.mark.obligation(
    "CRED-007", "CRED-028", "CRED-029", "CRED-048", "HCI-009", "HCI-012", "HCI-029", "ROUT-410"
)
@pytest.mark.parametrize("who", ["the partner", "the operator"])
async def test_who_leaves_is_suspended_and_may_register_again(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, who: str
) -> None:
    platform = await hub.connect(cpo)
    await cpo.put(a_location())
    token, url = cpo.known_peer.token, cpo.known_peer.versions_url
    if who == "the partner":
        await cpo.unregister()
    else:
        await hub.admin("DELETE", f"/platforms/{platform}")
        assert len(cpo.record.of("credentials", "DELETE")) == 1
    assert (await cpo.client.call("GET", url, token)).http == 401
    await told(emsp, "CPO", "SUSPENDED")
    assert (await emsp.get("locations", to="NL-CPO")).code == 4003
    assert await listed(emsp) == []
    assert await states(emsp) == {"CPO": "SUSPENDED"}

    emsp.record.clear()
    again = await hub.admin("POST", f"/platforms/{platform}/registration-token")
    await cpo.register(hub.versions_url, again["token"])
    await told(emsp, "CPO", "CONNECTED")
    assert await listed(emsp) == ["LOC1"]
    assert (await cpo.client.call("GET", url, token)).http == 401
    assert (await emsp.get("locations", to="NL-CPO")).code == 1000


@pytest.mark.obligation("CRED-001", "CRED-048")
async def test_a_token_a_issued_again_kills_the_one_before(hub: Hub, cpo: FakePartner) -> None:
    made = await hub.invite(cpo)
    old = made["registration"]["token"]
    new = (await hub.admin("POST", f"/platforms/{made['id']}/registration-token"))["token"]
    with pytest.raises(Refused) as refused:
        await cpo.register(hub.versions_url, old)
    assert refused.value.answer.http == 401
    await cpo.register(hub.versions_url, new)
    assert await hub.status(made["id"]) == "CONNECTED"


@pytest.mark.obligation("CRED-006", "CRED-014", "HCI-006", "HCI-007")
async def test_a_failed_registration_is_nobodys_business_and_may_be_tried_again(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    made = await hub.invite(cpo)
    await told(emsp, "CPO", "PLANNED")
    for broken in ("versions", "details"):
        cpo.faults.add(fault.http(500), fault.on(interface=broken), times=1)
        with pytest.raises(Refused) as refused:
            await cpo.register(hub.versions_url, made["registration"]["token"])
        assert refused.value.answer.code == 3001
        assert await states(emsp) == {"CPO": "PLANNED"}
        assert (await emsp.get("locations", to="NL-CPO")).code == 4003
    await cpo.register(hub.versions_url, made["registration"]["token"])
    await told(emsp, "CPO", "CONNECTED")
    assert (await emsp.get("locations", to="NL-CPO")).code == 1000


# Who hosts whom


@pytest.mark.obligation("CRED-041", "CRED-042")
async def test_a_party_is_never_taken_from_the_platform_that_hosts_it(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    await hub.connect(cpo)
    body = {"name": "Other", "roles": agreed_roles(cpo), "quirks": {}}
    status, problem = await hub.call("POST", "/admin/v1/platforms", body)
    assert (status, "NL-CPO" in problem["detail"]) == (409, True)
    async with fake_partner(CPO="NL-THF") as thief:
        made = await hub.invite(thief)
        thief.roles = (*thief.roles, *cpo.roles)
        with pytest.raises(Refused) as refused:
            await thief.register(hub.versions_url, made["registration"]["token"])
        assert refused.value.answer.code == 2001
        thief.roles = thief.roles[:1]
        await thief.register(hub.versions_url, made["registration"]["token"])
        assert (await emsp.get("locations", to="NL-CPO")).code == 1000
        assert len(cpo.record.of("locations")) == 1
        assert thief.record.of("locations") == []


@pytest.mark.obligation("CRED-037", "CRED-044", "ROUT-802")
async def test_a_renewal_with_other_parties_moves_them_at_once(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    platform = await hub.connect(cpo)
    new = PlatformRole(party("NL-CP2"), Role.CPO, "the new one")
    roles = [*agreed_roles(cpo), agreed_roles(fake_partner(CPO="NL-CP2"))[0]]
    await hub.admin("PATCH", f"/platforms/{platform}", {"roles": roles})
    cpo.roles = (new,)
    await cpo.rotate()
    await told(emsp, "CPO", "SUSPENDED")
    await told(emsp, "CP2", "CONNECTED")
    assert (await emsp.get("locations", to="NL-CPO")).code == 4003
    assert (await emsp.get("locations", to="NL-CP2")).code == 1000
    dropped = await cpo.put(a_location(), sender="NL-CPO")
    assert (dropped.http, dropped.code) == (200, 2001)
    assert (await cpo.put(a_location(party_id="CP2"))).code == 1000


@pytest.mark.obligation("ROUT-013", "ROUT-112")
async def test_the_roles_of_a_party_may_live_on_two_platforms(hub: Hub, emsp: FakePartner) -> None:
    async with (
        fake_partner(CPO="NL-TWO") as charging,
        fake_partner(EMSP="NL-TWO") as driving,
        fake_partner(CPO="BE-CP2") as cpo,
    ):
        for partner in (charging, driving, cpo):
            await hub.connect(partner)
        assert (await emsp.get("locations", to="NL-TWO")).code == 1000
        location = a_location(country_code="BE", party_id="CP2")
        assert (await cpo.put(location, to="NL-TWO")).code == 1000
        assert [each.interface for each in charging.record.of("locations")] == ["locations.sender"]
        assert [each.interface for each in driving.record.of("locations")] == ["locations.receiver"]


@pytest.mark.obligation("TR-021", "HCI-017", "ROUT-205")
async def test_a_partner_that_only_pulls_is_left_in_peace(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(NSP="FR-NV1") as nsp:
        for module in ("locations", "tariffs", "hubclientinfo"):
            nsp.withdraw(module, RECEIVER)
        await hub.connect(nsp)
        await hub.connect(cpo)
        nsp.record.clear()
        await cpo.put(a_location())
        await emsp.received("locations.receiver")
        assert list(nsp.record.requests) == []
        assert await listed(nsp) == ["LOC1"]
        assert await states(nsp) == {"EM1": "CONNECTED", "CPO": "CONNECTED"}
