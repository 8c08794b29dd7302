"""The journal and the audit log as an operator reads them."""

import pytest
from admin_fakes import START

from ocpi_hub.modules.journal import Direction, Hop, StoredHop
from ocpi_hub.ocpi.primitives import PartyRef


def hop(number: int) -> StoredHop:
    made = Hop(
        at=START,
        direction=Direction.IN,
        platform=None,
        route="locations.receiver.put",
        mode="direct",
        method="PUT",
        url="https://hub.example/ocpi/2.2.1/receiver/locations/DE/VWK/LOC1",
        request_id=f"request-{number}",
        correlation_id="correlation",
        sender=PartyRef("DE", "VWK"),
        receiver=None,
        http=200,
        code=1000,
        outcome="answered",
        duration_ms=1.25,
        request_body=b'{"token": "not-masked-by-the-journal", "id": "\xff"}',
        response_body=b'{"status_code": 1000}',
        findings=("TR-075: X-Request-ID missing",),
    )
    return StoredHop(number, made)


async def test_messages_are_listed_newest_first_page_by_page(desk):
    desk.messages.hops = [hop(number) for number in range(1, 6)]
    first = await (await desk.ask("GET", "/messages?limit=3")).json()
    rest = await (await desk.ask("GET", f"/messages?limit=3&cursor={first['next']}")).json()
    assert [item["id"] for item in first["items"]] == [5, 4, 3]
    assert [item["id"] for item in rest["items"]] == [2, 1]
    assert rest["next"] is None
    assert first["items"][0] == {
        "id": 5,
        "at": "2026-11-01T00:00:00Z",
        "direction": "IN",
        "platform": None,
        "route": "locations.receiver.put",
        "mode": "direct",
        "method": "PUT",
        "url": "https://hub.example/ocpi/2.2.1/receiver/locations/DE/VWK/LOC1",
        "request_id": "request-5",
        "correlation_id": "correlation",
        "sender": "DE-VWK",
        "receiver": None,
        "http": 200,
        "code": 1000,
        "outcome": "answered",
        "duration_ms": 1.25,
        "findings": ["TR-075: X-Request-ID missing"],
    }


async def test_one_message_has_its_bodies_without_secrets(desk):
    desk.messages.hops = [hop(1)]
    answer = await desk.ask("GET", "/messages/1")
    seen = await answer.json()
    assert seen["request_body"] == '{"token": "********", "id": "\N{REPLACEMENT CHARACTER}"}'
    assert seen["response_body"] == '{"status_code": 1000}'


async def test_filters_reach_the_journal_as_text(desk):
    query = (
        "correlation_id=c&request_id=r&route=x&mode=direct&direction=OUT&platform=p"
        "&sender=DE-VWK&receiver=nl-abc&http=200&code=2001&outcome=timeout"
        "&since=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00%2B01:00"
    )
    assert (await desk.ask("GET", f"/messages?{query}")).status == 200
    assert desk.messages.asked == {
        "correlation_id": "c",
        "request_id": "r",
        "route": "x",
        "mode": "direct",
        "direction": "OUT",
        "platform": "p",
        "sender": "DE-VWK",
        "receiver": "nl-abc",
        "http": "200",
        "code": "2001",
        "outcome": "timeout",
        "since": "2026-11-01T00:00:00Z",
        "until": "2026-11-01T23:00:00Z",
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=MTo", "cursor"),
        ("cursor=MTotMQ", "cursor"),
        ("cursor=MToxMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA", "cursor"),
        ("direction=UP", "direction"),
        ("sender=DEVWK", "sender"),
        ("http=99", "http"),
        ("code=1e3", "code"),
        ("since=yesterday", "since"),
        ("since=2026-11-01", "since"),
        ("route=%00", "route"),
        ("colour=green", "colour"),
        ("route=a&route=b", "route"),
        ("%00=a", "?"),
    ],
)
async def test_a_wrong_parameter_is_named(desk, query, field):
    answer = await desk.ask("GET", f"/messages?{query}")
    assert answer.status == 400
    assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]


async def test_what_the_journal_cannot_search_for_is_the_askers_fault(desk):
    answer = await desk.ask("GET", "/messages?route=refused")
    assert answer.status == 400
    assert (await answer.json())["detail"] == "route: cannot be one"


@pytest.mark.parametrize("number", ["2", "-1", "x", "1.0", "99999999999999999999", "%D9%A1"])
async def test_a_message_that_is_not_there_is_unknown(desk, number):
    desk.messages.hops = [hop(1)]
    assert (await desk.ask("GET", f"/messages/{number}")).status == 404


async def test_the_audit_log_is_searched_by_actor_action_and_target(desk):
    for number in range(4):
        await desk.ask("POST", "/keys", {"name": f"key {number}", "scopes": ["nav:read"]})
    listing = await (await desk.ask("GET", "/audit?action=key:created&limit=3")).json()
    assert [item["details"]["name"] for item in listing["items"]] == ["key 3", "key 2", "key 1"]
    rest = await (await desk.ask("GET", f"/audit?cursor={listing['next']}")).json()
    assert [item["details"]["name"] for item in rest["items"]] == ["key 0"]
    entry = listing["items"][0]
    assert entry["actor"] == "bootstrap bootstrap"
    assert entry["address"] == "127.0.0.1"
    found = await (await desk.ask("GET", f"/audit?target={entry['target']}")).json()
    assert found["items"] == [entry]
    assert (await (await desk.ask("GET", "/audit?actor=nobody")).json())["items"] == []
