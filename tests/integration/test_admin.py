"""The operators' door over PostgreSQL, with partners on the other side of HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, web

from ocpi_hub.admin import Access, Door, application
from ocpi_hub.admin.access import FailedKeys
from ocpi_hub.modules.journal import Direction, Hop
from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.pull_desk import PullDesk
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.settings import Journal
from ocpi_hub.storage.agreements import PostgresAgreements
from ocpi_hub.storage.audit import PostgresAudit
from ocpi_hub.storage.database import LOST, Database
from ocpi_hub.storage.findings import PostgresFindings
from ocpi_hub.storage.journal import PostgresJournal
from ocpi_hub.storage.keys import PostgresKeys
from ocpi_hub.storage.pull import PostgresPulls
from tests.fake_partner import FakePartner, fake_partner
from tests.inbound_house import House, open_house

KEY = "bootstrap-key-of-the-tests"


class Quiet:
    """Delivery in a process that serves no partner."""

    def health(self, _: str) -> dict[str, Any]:
        return {"breaker": "closed", "lag_s": None, "pending": None, "deliveries": None}


@dataclass
class Desk:
    client: Any
    house: House
    journal: PostgresJournal
    keys: PostgresKeys

    async def ask(self, method: str, path: str, body: Any = None, key: str = KEY) -> ClientResponse:
        headers = {"Authorization": f"Bearer {key}"}
        answer: ClientResponse = await self.client.request(
            method, f"/admin/v1{path}", json=body, headers=headers
        )
        return answer

    async def told(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def add(self, partner: FakePartner) -> Any:
        body = {"name": partner.name, "roles": partner.agreed_roles, "quirks": {}}
        return await self.told("POST", "/platforms", body, 201)


@pytest.fixture
async def desk(
    database: Database, aiohttp_client: Callable[..., Awaitable[Any]]
) -> AsyncIterator[Desk]:
    keys = await PostgresKeys.open(database, KEY)
    journal = await PostgresJournal.open(database, Journal(), Metrics())
    async with open_house(database) as house:
        door = Door(
            house.platforms,
            house.registrar,
            keys,
            PostgresAudit(database),
            journal,
            Quiet(),
            house.versions_url,
            now,
            PullDesk(PostgresPulls(database), ("locations", "tariffs", "tokens"), now),
            PostgresAgreements(database, house.platforms, required=False),
            PostgresFindings(database),
        )
        app = web.Application()
        access = Access(keys, FailedKeys(100))
        app.add_subapp("/admin/v1", application(door, access, unavailable=LOST))
        yield Desk(await aiohttp_client(app), house, journal, keys)
    await journal.close()
    await keys.close()


@pytest.fixture
async def cpo() -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        yield partner


async def test_a_partner_registers_with_the_token_of_its_operator(desk, cpo):
    made = await desk.add(cpo)
    assert made["status"] == "PLANNED"
    assert made["roles"] == [cpo.agreed_roles[0] | {"status": "PLANNED"}]
    await cpo.register(made["registration"]["versions_url"], made["registration"]["token"])
    seen = await desk.told("GET", f"/platforms/{made['id']}")
    assert (seen["status"], seen["registered"], seen["versions"]) == ("CONNECTED", True, ["2.2.1"])
    assert seen["roles"][0]["status"] == "CONNECTED"
    assert seen["versions_url"] == cpo.versions_url
    assert {"module": "locations", "role": "SENDER"} in [
        {"module": e["module"], "role": e["role"]} for e in seen["endpoints"]
    ]
    assert seen["last_seen"] is not None
    assert seen["has_registration_token"] is False


async def test_the_hub_registers_at_a_partner_renews_and_leaves(desk, cpo):
    made = await desk.add(cpo)
    path = f"/platforms/{made['id']}"
    invitation = {"versions_url": cpo.versions_url, "token": cpo.issue_token_a()}
    seen = await desk.told("POST", f"{path}/register", invitation)
    assert seen["status"] == "CONNECTED"
    before = cpo.tokens.current
    await desk.told("POST", f"{path}/rotate")
    assert cpo.tokens.current != before
    assert (await desk.ask("DELETE", path)).status == 204
    assert cpo.peer is None
    seen = await desk.told("GET", path)
    assert (seen["status"], seen["registered"]) == ("SUSPENDED", False)


async def test_a_registration_that_a_partner_refuses_names_the_step_and_changes_nothing(desk, cpo):
    made = await desk.add(cpo)
    invitation = {"versions_url": cpo.versions_url, "token": "not-the-token"}
    problem = await desk.told("POST", f"/platforms/{made['id']}/register", invitation, 502)
    assert problem["step"] == "versions"
    assert "not-the-token" not in str(problem)
    seen = await desk.told("GET", f"/platforms/{made['id']}")
    assert (seen["status"], seen["has_registration_token"]) == ("PLANNED", True)
    audit = await desk.told("GET", "/audit?action=platform:registered:failed")
    assert [entry["details"] for entry in audit["items"]] == [{"step": "versions"}]


async def test_a_new_registration_token_makes_the_old_one_void(desk, cpo):
    made = await desk.add(cpo)
    old = made["registration"]["token"]
    issued = await desk.told("POST", f"/platforms/{made['id']}/registration-token")
    assert desk.house.platforms.caller(old) is None
    assert desk.house.platforms.caller(issued["token"]) is not None


async def test_a_suspended_partner_is_refused_until_it_is_resumed(desk, cpo):
    made = await desk.add(cpo)
    path = f"/platforms/{made['id']}"
    await cpo.register(made["registration"]["versions_url"], made["registration"]["token"])
    assert (await desk.told("POST", f"{path}/suspend"))["roles"][0]["status"] == "SUSPENDED"
    assert (await cpo.get("hubclientinfo", to=None)).http == 401
    assert (await desk.told("POST", f"{path}/resume"))["status"] == "CONNECTED"
    assert (await cpo.get("hubclientinfo", to=None)).http == 200


async def test_a_party_belongs_to_one_platform(desk, cpo):
    await desk.add(cpo)
    body = {"name": "Another", "roles": cpo.agreed_roles}
    problem = await desk.told("POST", "/platforms", body, 409)
    assert "NL-CPO" in problem["detail"]
    hub = [{"country_code": "NL", "party_id": "HUB", "role": "HUB", "name": "Not the hub"}]
    await desk.told("POST", "/platforms", {"name": "Another", "roles": hub}, 409)


async def test_a_change_is_kept(desk, cpo):
    made = await desk.add(cpo)
    path = f"/platforms/{made['id']}"
    role = cpo.agreed_roles[0] | {"party_id": "CP2", "name": 'Ünïcode "quoted"'}
    change = {"name": "New name", "roles": [role], "quirks": {"catch_up": True, "deadline_s": 2.5}}
    await desk.told("PATCH", path, change)
    seen = await desk.told("GET", path)
    assert (seen["name"], seen["agreed"]) == ("New name", [role])
    assert (seen["quirks"]["catch_up"], seen["quirks"]["deadline_s"]) == (True, 2.5)


async def test_ids_that_nothing_has_are_unknown_and_no_fault_of_the_hub(desk):
    for given in ("x", "%00", "%ED%A0%80", "%F0%9F%94%91", "a" * 3000, "'; drop table platform"):
        for method, path in (
            ("GET", f"/platforms/{given}"),
            ("DELETE", f"/keys/{given}"),
            ("GET", f"/messages/{given}"),
        ):
            assert (await desk.ask(method, path)).status == 404, path
    assert (await desk.ask("GET", f"/messages/{2**63 - 1}")).status == 404


async def test_filters_of_any_text_find_nothing_and_are_no_fault_of_the_hub(desk):
    for given in ("x", "%27", "%F0%9F%94%91", "%ED%A0%80", "a" * 255):
        for path in (f"/messages?platform={given}&route={given}", f"/audit?actor={given}"):
            assert (await desk.told("GET", path))["items"] == []
    assert (await desk.told("GET", "/messages?http=599&code=9999"))["items"] == []
    await desk.told("GET", "/messages?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
async def test_times_that_no_calendar_has_are_refused_by_name(desk, time):
    for field in ("since", "until"):
        problem = await desk.told("GET", f"/messages?{field}={time}", status=400)
        assert [fault["field"] for fault in problem["errors"]] == [field]
    body = {"name": "k", "scopes": ["nav:read"], "expires_at": "9999-12-31T23:59:59-14:00"}
    problem = await desk.told("POST", "/keys", body, 400)
    assert [fault["field"] for fault in problem["errors"]] == ["expires_at"]


async def test_changes_made_at_once_lose_nothing_of_each_other(desk, cpo):
    path = f"/platforms/{(await desk.add(cpo))['id']}"
    quirks = {"catch_up": True, "lenient_list": True, "deadline_s": 2.5, "rate_per_s": 7}
    quirks |= {"trailing_slash": True, "known_members": True, "put_only": True}
    quirks |= {"slashed_endpoints": True, "offset_paging": True}
    await asyncio.gather(
        *(desk.told("PATCH", path, {"quirks": {name: value}}) for name, value in quirks.items())
    )
    seen = (await desk.told("GET", path))["quirks"]
    assert seen == seen | {"raw_token": False, **quirks}


async def test_keys_are_made_used_listed_and_deleted(desk):
    body = {"name": "car maker", "scopes": ["nav:read", "platforms:read"], "expires_at": None}
    made = await desk.told("POST", "/keys", body, 201)
    assert (await desk.ask("GET", "/platforms", key=made["key"])).status == 200
    assert (await desk.ask("GET", "/keys", key=made["key"])).status == 403
    (listed,) = (await desk.told("GET", "/keys"))["items"]
    assert (listed["id"], listed["scopes"]) == (made["id"], ["nav:read", "platforms:read"])
    assert await desk.told("GET", f"/keys/{made['id']}") == listed
    assert (await desk.ask("DELETE", f"/keys/{made['id']}")).status == 204
    assert (await desk.ask("GET", f"/keys/{made['id']}")).status == 404
    assert (await desk.ask("GET", "/platforms", key=made["key"])).status == 401
    assert (await desk.ask("DELETE", f"/keys/{made['id']}")).status == 404


async def test_an_expired_key_opens_nothing(desk):
    ended = now() - timedelta(seconds=1)
    _, secret = await desk.keys.create("old", frozenset({Scope.PLATFORMS_READ}), ended)
    assert (await desk.ask("GET", "/platforms", key=secret)).status == 401


async def test_every_key_is_on_exactly_one_page(desk):
    made = []
    for number in range(5):
        body = {"name": f"key {number}", "scopes": ["nav:read"]}
        made.append((await desk.told("POST", "/keys", body, 201))["id"])
    first = await desk.told("GET", "/keys?limit=2")
    second = await desk.told("GET", f"/keys?limit=2&cursor={first['next']}")
    third = await desk.told("GET", f"/keys?limit=2&cursor={second['next']}")
    found = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert (found, third["next"]) == (made, None)


async def test_the_audit_log_tells_every_write_and_no_secret(desk, cpo):
    made = await desk.add(cpo)
    path = f"/platforms/{made['id']}"
    issued = await desk.told("POST", f"{path}/registration-token")
    await desk.told("PATCH", path, {"name": "Renamed", "quirks": {"deadline_s": 2.5}})
    body = {"name": "k", "scopes": ["nav:read"], "expires_at": "2099-01-01T00:00:00Z"}
    key = await desk.told("POST", "/keys", body, 201)
    first = await desk.told("GET", "/audit?limit=3")
    rest = await desk.told("GET", f"/audit?limit=3&cursor={first['next']}")
    entries = first["items"] + rest["items"]
    assert [entry["action"] for entry in entries] == [
        "key:created",
        "platform:changed",
        "platform:registration-token:issued",
        "platform:created",
    ]
    assert entries[0]["details"] == body
    assert entries[1]["details"] == {"name": "Renamed", "quirks": {"deadline_s": 2.5}}
    assert {entry["actor"] for entry in entries} == {"bootstrap bootstrap"}
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}
    assert {entry["target"] for entry in entries} == {made["id"], key["id"]}
    for secret in (made["registration"]["token"], issued["token"], key["key"]):
        assert secret not in str(entries)


async def test_the_journal_is_searched_by_what_a_hop_has(desk):
    for number in range(5):
        desk.journal.record(
            Hop(
                at=now(),
                direction=Direction.IN,
                platform=None,
                route="locations.receiver.put",
                mode="direct",
                method="PUT",
                url="https://hub.example/x",
                request_id=f"request-{number}",
                correlation_id="correlation",
                sender=PartyRef("DE", "VWK"),
                receiver=None,
                http=200 if number else 404,
                code=1000,
                outcome="answered",
                duration_ms=1.5,
                request_body=b'{"token": "a-secret-of-a-partner"}',
            )
        )
    await desk.journal.flush()
    first = await desk.told("GET", "/messages?correlation_id=correlation&sender=de-vwk&limit=3")
    rest = await desk.told("GET", f"/messages?cursor={first['next']}")
    found = [item["request_id"] for item in first["items"] + rest["items"]]
    assert found == [f"request-{number}" for number in (4, 3, 2, 1, 0)]
    (missed,) = (await desk.told("GET", "/messages?http=404"))["items"]
    one = await desk.told("GET", f"/messages/{missed['id']}")
    assert one["request_id"] == "request-0"
    assert "a-secret-of-a-partner" not in one["request_body"]
    assert (await desk.told("GET", "/messages?direction=OUT"))["items"] == []


async def test_a_database_that_is_away_is_told_as_such(desk, cpo, database):
    made = await desk.add(cpo)
    await database.close()
    answer = await desk.ask("GET", f"/platforms/{made['id']}")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
