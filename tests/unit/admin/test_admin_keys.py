"""Keys: what they may give, and that they are shown once."""

from ocpi_hub.modules.keys import Scope

CAR = {"name": "car maker", "scopes": ["nav:read", "nav:stream"], "expires_at": None}


async def test_a_key_is_shown_once_when_it_is_made(desk):
    answer = await desk.ask("POST", "/keys", CAR)
    made = await answer.json()
    assert answer.status == 201
    assert set(made) == {"id", "key"}
    listing = await desk.ask("GET", "/keys")
    assert made["key"] not in await listing.text()
    assert made["key"] not in repr(desk.audit.entries)
    assert (await listing.json())["items"] == [
        {
            "id": made["id"],
            "name": "car maker",
            "scopes": ["nav:read", "nav:stream"],
            "created_at": "2026-11-01T00:00:01Z",
            "expires_at": None,
        }
    ]


async def test_a_made_key_opens_what_its_scopes_say(desk):
    body = {"name": "reader", "scopes": ["platforms:read"]}
    key = (await (await desk.ask("POST", "/keys", body)).json())["key"]
    assert (await desk.ask("GET", "/platforms", key=key)).status == 200
    assert (await desk.ask("GET", "/audit", key=key)).status == 403


async def test_nobody_gives_scopes_that_they_lack(desk):
    key = await desk.key_with(Scope.KEYS_WRITE, Scope.NAV_READ)
    answer = await desk.ask("POST", "/keys", CAR | {"scopes": ["nav:read", "admin:*"]}, key=key)
    assert answer.status == 403
    assert "admin:*" in (await answer.json())["detail"]
    allowed = await desk.ask("POST", "/keys", CAR | {"scopes": ["nav:read"]}, key=key)
    assert allowed.status == 201


async def test_nobody_deletes_keys_with_scopes_that_they_lack(desk):
    key = await desk.key_with(Scope.KEYS_WRITE, Scope.NAV_READ)
    made = []
    for scopes in (["admin:*"], ["nav:read"]):
        answer = await desk.ask("POST", "/keys", CAR | {"scopes": scopes})
        made.append((await answer.json())["id"])
    refused = await desk.ask("DELETE", f"/keys/{made[0]}", key=key)
    assert refused.status == 403
    assert "admin:*" in (await refused.json())["detail"]
    assert (await desk.ask("GET", f"/keys/{made[0]}")).status == 200
    assert (await desk.ask("DELETE", f"/keys/{made[1]}", key=key)).status == 204


async def test_a_deleted_key_opens_nothing(desk):
    made = await (await desk.ask("POST", "/keys", CAR)).json()
    assert (await desk.ask("DELETE", f"/keys/{made['id']}")).status == 204
    assert (await desk.ask("GET", "/keys", key=made["key"])).status == 401
    assert (await desk.ask("DELETE", f"/keys/{made['id']}")).status == 404


async def test_ids_that_cannot_be_one_are_unknown(desk):
    for key_id in ("x", "bootstrap", "%00", "%F0%9F%94%91", "1", "a" * 2000):
        for method in ("DELETE", "GET"):
            assert (await desk.ask(method, f"/keys/{key_id}")).status == 404, key_id


async def test_wrong_keys_are_refused_by_field(desk):
    wrong = [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["nav:fly"]}, "scopes.0"),
        ({"scopes": "nav:read"}, "scopes"),
        ({"name": ""}, "name"),
        ({"name": "a\tb"}, "name"),
        ({"name": "  "}, "name"),
        ({"expires_at": "2026-10-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-10-01T00:00:00"}, "expires_at"),
        ({"expires_at": 1}, "expires_at"),
    ]
    for change, field in wrong:
        answer = await desk.ask("POST", "/keys", CAR | change)
        assert answer.status == 400, change
        assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]


async def test_keys_are_listed_page_by_page(desk):
    for number in range(5):
        await desk.ask("POST", "/keys", CAR | {"name": f"key {number}"})
    first = await (await desk.ask("GET", "/keys?limit=3")).json()
    rest = await (await desk.ask("GET", f"/keys?limit=3&cursor={first['next']}")).json()
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert names == [f"key {number}" for number in range(5)]
    assert rest["next"] is None
