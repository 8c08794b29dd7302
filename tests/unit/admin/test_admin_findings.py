"""The findings of a partner at the operators' door."""

from test_admin_platforms import create


async def test_findings_are_told_by_rule_with_a_message_to_look_at(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}/findings"
    page = await (await desk.ask("GET", f"{path}?limit=2")).json()
    assert [item["rule"] for item in page["items"]] == ["LOC-126", "TR-032"]
    assert page["items"][1] == {
        "rule": "TR-032",
        "count": 2,
        "first_seen": "2026-11-01T00:00:00Z",
        "last_seen": "2026-11-02T00:00:00Z",
        "text": "about TR-032",
        "message_id": 72,
        "message_url": "/admin/v1/messages/72",
    }
    rest = await (await desk.ask("GET", f"{path}?limit=2&cursor={page['next']}")).json()
    assert ([item["rule"] for item in rest["items"]], rest["next"]) == (["TR-075"], None)


async def test_a_time_narrows_them_and_must_have_a_zone(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}/findings"
    narrowed = f"{path}?since=2026-11-01T00:00:00Z&until=2026-11-01T01:00:00Z"
    assert (await (await desk.ask("GET", narrowed)).json())["items"] == []
    wrong = await desk.ask("GET", f"{path}?since=2026-11-01")
    assert [error["field"] for error in (await wrong.json())["errors"]] == ["since"]
    assert (await desk.ask("GET", "/platforms/nobody/findings")).status == 404
