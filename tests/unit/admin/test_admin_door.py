"""What holds for every row: keys, scopes, audit, and that no input is answered by 500."""

import asyncio
import gzip
import json

import pytest
from aiohttp import web
from test_admin_platforms import PARTNER, VOLTWERK, create

from ocpi_hub.admin import ROWS, Access, guarded
from ocpi_hub.admin.access import FailedKeys
from ocpi_hub.modules.keys import Scope

BODIES = {
    ("POST", "/platforms"): VOLTWERK,
    ("PATCH", "/platforms/{id}"): {"name": "New"},
    ("POST", "/platforms/{id}/register"): PARTNER,
    ("POST", "/keys"): {"name": "k", "scopes": ["nav:read"]},
    ("POST", "/agreements"): {"parties": ["NL-CPO", "DE-EMP"]},
    ("PATCH", "/agreements/{id}"): {"modules": ["cdrs"]},
}
ROW_NAMES = [f"{row.method} {row.path}" for row in ROWS]


async def made_path(desk, row):
    """The row's path with the id of something that exists, in a state that the row accepts."""
    if row.path.startswith("/platforms/"):
        made = await create(desk, roles=VOLTWERK["roles"])
        if row.path.endswith(("/rotate", "/pull")):
            await desk.ask("POST", f"/platforms/{made['id']}/register", PARTNER)
        if row.path.endswith("/resume"):
            await desk.ask("POST", f"/platforms/{made['id']}/suspend")
        return row.path.replace("{id}", made["id"])
    if row.path == "/agreements/{id}":
        pair = BODIES["POST", "/agreements"]
        made = await (await desk.ask("POST", "/agreements", pair)).json()
        return f"/agreements/{made['id']}"
    if row.path == "/keys/{id}":
        made = await (await desk.ask("POST", "/keys", BODIES["POST", "/keys"])).json()
        return f"/keys/{made['id']}"
    return row.path.replace("{id}", "1")


@pytest.mark.parametrize("row", ROWS, ids=ROW_NAMES)
async def test_without_a_key_no_row_answers(desk, row):
    answer = await desk.ask(row.method, row.path.replace("{id}", "1"), key=None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("row", ROWS, ids=ROW_NAMES)
async def test_a_key_with_every_other_scope_is_refused_and_told_which_it_lacks(desk, row):
    key = await desk.key_with(*(set(Scope) - {Scope.ADMIN, row.scope}))
    answer = await desk.ask(row.method, row.path.replace("{id}", "1"), key=key)
    assert answer.status == 403
    assert row.scope in (await answer.json())["detail"]
    assert f'scope="{row.scope}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("row", ROWS, ids=ROW_NAMES)
async def test_every_write_is_audited_and_no_read_is(desk, row):
    path = await made_path(desk, row)
    before = len(desk.audit.entries)
    key = await desk.key_with(row.scope, Scope.NAV_READ)
    answer = await desk.ask(row.method, path, BODIES.get((row.method, row.path)), key=key)
    written = desk.audit.entries[before:]
    if row.method == "GET":
        assert written == []
        return
    assert answer.status == row.status
    assert [entry.action for entry in written] == [row.action]
    assert written[0].actor == f"{desk.keys.lookup(key).id} of a test"
    assert written[0].address == "127.0.0.1"
    assert written[0].target


async def test_no_secret_is_in_the_audit_log(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}"
    issued = await (await desk.ask("POST", f"{path}/registration-token")).json()
    await desk.ask("POST", f"{path}/register", PARTNER)
    key = (await (await desk.ask("POST", "/keys", BODIES["POST", "/keys"])).json())["key"]
    log = repr(desk.audit.entries)
    for secret in (made["registration"]["token"], issued["token"], PARTNER["token"], key):
        assert secret not in log


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Token abc",
        "bearer\tx",
        "Bearer wrong",
        "B\u00e9arer x",
    ],
)
async def test_what_is_no_valid_bearer_key_is_unauthorized(desk, header):
    answer = await desk.ask("GET", "/platforms", key=None, headers={"Authorization": header})
    assert answer.status == 401


async def test_the_scheme_is_read_without_regard_to_case(desk):
    key = await desk.key_with(Scope.PLATFORMS_READ)
    headers = {"Authorization": f"bearer  {key}"}
    assert (await desk.ask("GET", "/platforms", key=None, headers=headers)).status == 200


async def test_too_many_failed_keys_are_told_to_wait_but_a_right_key_is_let_in(desk):
    for _ in range(3):
        assert (await desk.ask("GET", "/platforms", key="wrong")).status == 401
    answer = await desk.ask("GET", "/platforms", key="wrong")
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (await desk.ask("GET", "/platforms")).status == 200
    assert (await desk.ask("GET", "/nowhere", key="wrong")).status == 429


def test_failed_keys_are_counted_per_address_and_forgotten_after_a_minute():
    now = [0.0]
    failed = FailedKeys(2, clock=lambda: now[0])
    assert [failed.note("a") for _ in range(3)] == [0, 0, 60]
    assert failed.note("b") == 0
    now[0] = 59.5
    assert failed.note("a") == 1
    now[0] = 60
    assert failed.note("a") == 0


def test_a_limit_of_zero_switches_the_limit_off():
    failed = FailedKeys(0)
    assert {failed.note("a") for _ in range(1000)} == {0}


async def test_paths_that_are_not_there_say_so_to_who_has_a_key(desk):
    assert (await desk.ask("GET", "/nowhere", key=None)).status == 401
    for path in ("/nowhere", "/", "", "/platforms/1/2/3"):
        answer = await desk.ask("GET", path)
        assert (answer.status, (await answer.json())["detail"]) == (404, "there is no such path")


async def test_a_wrong_method_is_told_the_right_ones(desk):
    answer = await desk.ask("PUT", "/platforms", {})
    assert answer.status == 405
    assert answer.content_type == "application/problem+json"
    assert set(answer.headers["Allow"].split(",")) == {"GET", "POST"}


async def test_a_slash_at_the_end_names_the_same_resource(desk):
    made = await create(desk)
    assert (await desk.ask("GET", "/platforms/")).status == 200
    answer = await desk.ask("GET", f"/platforms/{made['id']}/")
    assert (await answer.json())["id"] == made["id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"1e999",
        b"NaN",
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "a", "name": "b"}',
        b"[" * 1000 + b"]" * 1000,
        b'{"name": ' + b"9" * 1000 + b"}",
        '{"name": "x"}'.encode("utf-16"),
        b'{"\\ud800": 1}',
        b'{"": 1}',
    ],
)
async def test_a_broken_body_is_a_bad_request(desk, body):
    for path in ("/platforms", "/keys"):
        headers = {"Content-Type": "application/json"}
        answer = await desk.ask("POST", path, data=body, headers=headers)
        assert answer.status == 400, await answer.text()
        assert (await answer.json())["errors"]
        assert "body: body" not in await answer.text()


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a", "name": "b", "scopes": ["nav:read"]}',
        b'{"name": "a", "scopes": ["nav:read"], "scopes": ["admin:*"]}',
    ],
)
async def test_a_member_that_is_given_twice_is_refused(desk, body):
    headers = {"Content-Type": "application/json"}
    answer = await desk.ask("POST", "/keys", data=body, headers=headers)
    assert answer.status == 400
    assert [fault["field"] for fault in (await answer.json())["errors"]] == ["body"]
    assert desk.keys.held == {}


async def test_a_body_where_none_is_wanted_is_refused(desk):
    made = await create(desk)
    answer = await desk.ask("POST", f"/platforms/{made['id']}/suspend", {"why": "late"})
    assert answer.status == 400
    assert (await answer.json())["errors"] == [{"field": "why", "rule": "no such member"}]
    assert (await desk.ask("POST", f"/platforms/{made['id']}/suspend", {})).status == 200


async def test_a_write_takes_no_parameters(desk):
    answer = await desk.ask("POST", "/platforms?dry_run=1", VOLTWERK)
    assert answer.status == 400
    assert (await answer.json())["errors"][0]["field"] == "dry_run"
    assert desk.platforms.held == {}


async def test_another_content_type_is_unsupported(desk):
    for content_type in ("text/plain", "application/xml", "multipart/form-data"):
        headers = {"Content-Type": content_type}
        answer = await desk.ask("POST", "/keys", data=b'{"a": 1}', headers=headers)
        assert answer.status == 415, content_type


async def test_a_body_is_limited_also_when_it_is_compressed(desk):
    large = json.dumps(VOLTWERK | {"name": "x" * 5000}).encode()
    typed = {"Content-Type": "application/json"}
    for headers, body in [
        (typed, large),
        (typed | {"Content-Encoding": "gzip"}, gzip.compress(large)),
    ]:
        answer = await desk.ask("POST", "/platforms", data=body, headers=headers)
        assert answer.status == 413


async def test_a_broken_compression_is_a_bad_request(desk):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await desk.ask("POST", "/platforms", data=b"no gzip at all", headers=headers)
    assert answer.status == 400


async def test_a_body_that_does_not_come_is_not_waited_for(desk):
    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    headers = {"Content-Type": "application/json"}
    answer = await desk.ask("POST", "/platforms", data=slow(), headers=headers)
    assert answer.status == 408


async def test_a_thousand_unknown_members_make_a_short_answer(desk):
    answer = await desk.ask("POST", "/platforms", {f"m{n}": 1 for n in range(300)})
    assert len((await answer.json())["errors"]) == 50


async def test_a_fault_of_the_hub_is_told_without_its_inside(desk):
    async def broken(*_):
        raise RuntimeError("postgresql://hub:password@db")

    desk.keys.create = broken
    answer = await desk.ask("POST", "/keys", BODIES["POST", "/keys"])
    assert answer.status == 500
    assert "password" not in await answer.text()


async def test_a_database_that_cannot_be_reached_is_said_to_be_so(desk):
    async def away(*_):
        raise ConnectionRefusedError

    desk.keys.list = away
    answer = await desk.ask("GET", "/keys")
    assert answer.status == 503
    assert answer.headers["Retry-After"]


async def test_answers_are_not_to_be_kept(desk):
    made = await desk.ask("POST", "/platforms", VOLTWERK)
    refused = await desk.ask("GET", "/nowhere")
    assert {made.headers["Cache-Control"], refused.headers["Cache-Control"]} == {"no-store"}


async def test_another_rooms_endpoint_can_stand_behind_a_scope(desk, aiohttp_client):
    async def metrics(_):
        return web.Response(text="metrics")

    app = web.Application()
    access = Access(desk.keys, FailedKeys(10))
    app.router.add_get("/metrics", guarded(access, Scope.METRICS_READ, metrics))
    client = await aiohttp_client(app)

    async def status(key):
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
        return answer.status

    assert await status(await desk.key_with(Scope.METRICS_READ)) == 200
    assert await status(await desk.key_with(Scope.NAV_READ)) == 403
    assert await status("wrong") == 401
