"""Commands against a door that answers: what operators see, and what programs read."""

import asyncio
import json

import pytest
from admin_desk import BOOTSTRAP
from aiohttp import web
from test_admin_records import hop
from typer.testing import CliRunner

from ocpi_hub.cli import main
from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.platforms import AgreedRole
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.routing.directory import Quirks

ROLE = "DE-VWK:CPO:Voltwerk GmbH"


@pytest.fixture
def command(desk):
    """Runs a command in a thread, as the operator's process would, against the door."""
    url = str(desk.client.make_url("/"))

    async def run(*arguments, key=BOOTSTRAP, stdin=None, **environment):
        whole = [*arguments, "--url", url, "--key", key]
        return await asyncio.to_thread(
            CliRunner().invoke, main, whole, input=stdin, env=environment
        )

    return run


async def added(command):
    told = await command("platform", "add", "Voltwerk", "--role", ROLE, "--json")
    assert told.exit_code == 0, told.stderr
    return json.loads(told.stdout)


async def test_a_platform_is_added_with_its_parties_and_quirks(command, desk):
    told = await command(
        "platform", "add", "Voltwerk", "--role", ROLE, "--role", "de-vw2:emsp",
        "--quirk", "raw_token=true", "--quirk", "deadline_s=20",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    (platform,) = desk.platforms.held.values()
    assert platform.quirks.raw_token
    assert platform.quirks.deadline_s == 20
    assert [(str(r.party), r.role, r.name) for r in desk.platforms.agreed(platform.id)] == [
        ("DE-VWK", "CPO", "Voltwerk GmbH"),
        ("de-vw2", "EMSP", "Voltwerk"),
    ]
    for shown in (
        platform.id,
        desk.platforms.tokens[platform.id],
        "https://hub.example/ocpi/versions",
    ):
        assert shown in told.stdout


async def test_a_platform_goes_through_its_whole_life(command):
    platform_id = (await added(command))["id"]

    async def status(*arguments, **more):
        told = await command("platform", *arguments, platform_id, "--json", **more)
        assert told.exit_code == 0, told.stderr
        return json.loads(told.stdout).get("status")

    assert await status("show") == "PLANNED"
    assert await status("token") is None
    told = await command(
        "platform", "register", platform_id, "https://cpo.example/ocpi/versions",
        OCPI_HUB_PARTNER_TOKEN="token-of-the-partner",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    assert "CONNECTED" in told.stdout
    assert await status("rotate") == "CONNECTED"
    told = await command("platform", "pull", platform_id)
    assert told.exit_code == 0, told.stderr
    assert "locations all 2026-11-01T00:00:00+00:00: objects 7, bad 2" in told.stdout
    assert "(broke off: HTTP 502)" in told.stdout
    assert "tariffs not read yet" in told.stdout
    assert await status("suspend") == "SUSPENDED"
    assert await status("resume") == "CONNECTED"
    told = await command("platform", "remove", platform_id, "--yes")
    assert told.exit_code == 0
    assert await status("show") == "SUSPENDED"


async def test_the_token_of_a_partner_is_asked_for_without_being_shown(command):
    platform_id = (await added(command))["id"]
    arguments = ("platform", "register", platform_id, "https://cpo.example/ocpi/versions")
    told = await command(*arguments, stdin="token-of-the-partner\n")
    assert told.exit_code == 0, told.stderr
    assert "token-of-the-partner" not in told.output


async def test_a_platform_is_removed_only_when_the_operator_is_sure(command, desk):
    platform_id = (await added(command))["id"]
    told = await command("platform", "remove", platform_id, stdin="n\n")
    assert told.exit_code == 1
    assert desk.platforms.held[platform_id].status == "PLANNED"


async def test_all_platforms_are_listed_however_many_pages_they_fill(command, desk):
    made = set()
    for number in range(251):
        role = AgreedRole(PartyRef("NL", f"{number:03d}"), Role.EMSP, "e")
        platform, _ = await desk.platforms.create(f"P{number}", [role], Quirks())
        made.add(platform.id)
    listed = json.loads((await command("platform", "list", "--json")).stdout)
    assert {item["id"] for item in listed} == made
    table = await command("platform", "list")
    assert "Platforms: 251" in table.stdout
    assert all(platform_id in table.stdout for platform_id in made)


async def test_a_key_is_made_listed_and_deleted(command, desk):
    told = await command("key", "create", "car maker", "-s", "nav:read", "-s", "nav:stream")
    assert told.exit_code == 0, told.stderr
    (key,) = desk.keys.held.values()
    assert key.scopes == {Scope.NAV_READ, Scope.NAV_STREAM}
    assert "secret-of-key" in told.stdout
    listed = await command("key", "list")
    assert key.id in listed.stdout
    assert "secret-of-key" not in listed.stdout
    assert (await command("key", "delete", key.id)).exit_code == 0
    assert desk.keys.held == {}


async def test_messages_are_searched_and_shown(command, desk):
    desk.messages.hops = [hop(number) for number in range(1, 6)]
    told = await command("messages", "--sender", "DE-VWK", "--limit", "3", "--json")
    assert [item["id"] for item in json.loads(told.stdout)] == [5, 4, 3]
    assert desk.messages.asked == {"sender": "DE-VWK"}
    assert "locations.receiver.put" in (await command("messages")).stdout
    one = await command("messages", "4")
    assert one.exit_code == 0
    assert '{"status_code": 1000}' in one.stdout


async def test_control_characters_of_partners_do_not_reach_the_terminal(command, desk):
    desk.messages.hops = [hop(1)]
    one = await command("messages", "1")
    assert "\x1b" not in one.stdout
    hostile = hop(2)
    object.__setattr__(hostile.hop, "outcome", "\x1b[2Jgone")
    desk.messages.hops = [hostile]
    assert "\x1b" not in (await command("messages")).stdout


async def test_a_wrong_key_is_told_as_such(command):
    told = await command("platform", "list", key="wrong")
    assert told.exit_code == 1
    assert "the hub does not take this key" in told.stderr
    assert "wrong" not in told.stderr


async def test_a_missing_scope_is_told_by_name(command, desk):
    told = await command("platform", "list", key=await desk.key_with(Scope.KEYS_WRITE))
    assert told.exit_code == 1
    assert "platforms:read" in told.stderr


async def test_what_the_hub_refuses_is_told_field_by_field(command):
    told = await command("key", "create", "x" * 101, "-s", "nav:fly")
    assert told.exit_code == 1
    assert "  name: " in told.stderr
    assert "  scopes.0: " in told.stderr


async def test_a_partner_that_fails_is_told_with_the_step(command):
    platform_id = (await added(command))["id"]
    told = await command(
        "platform", "register", platform_id, "https://broken.example/", "--token", "t"
    )
    assert told.exit_code == 1
    assert "the partner answered 500 (step: details)" in told.stderr


async def test_something_else_than_a_hub_is_told_as_such(aiohttp_client):
    async def page(_):
        return web.Response(text="<html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{all:.*}", page)
    url = str((await aiohttp_client(app)).make_url("/"))
    arguments = ["platform", "list", "--url", url, "--key", BOOTSTRAP]
    told = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert told.exit_code == 1
    assert "not as a hub's admin API" in told.stderr


async def test_an_agreement_from_its_beginning_to_its_end(command, desk, tmp_path):
    terms = tmp_path / "terms.json"
    terms.write_text('{"currency": "EUR"}')
    told = await command(
        "agreement", "add", "NL-CPO", "DE-EMP", "-m", "cdrs", "-m", "sessions",
        "--from", "2026-01-01T00:00:00Z", "--settlement", str(terms), "--json",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    made = json.loads(told.stdout)
    assert made["modules"] == ["cdrs", "sessions"]
    assert made["settlement"]["currency"] == "EUR"
    told = await command(
        "agreement", "change", made["id"], "--to", "2027-01-01T00:00:00Z", "--clear", "modules"
    )
    assert told.exit_code == 0, told.stderr
    for shown in ("DE-EMP and NL-CPO", "all", "2027-01-01T00:00:00Z", 'currency="EUR"'):
        assert shown in told.stdout
    told = await command("agreement", "list", "--party", "de-emp")
    assert made["id"] in told.stdout
    assert made["id"] not in (await command("agreement", "list", "--party", "FR-EM2")).stdout
    assert json.loads((await command("agreement", "show", made["id"], "--json")).stdout)["id"]
    assert (await command("agreement", "remove", made["id"], stdin="n\n")).exit_code == 1
    assert desk.agreements.held
    assert (await command("agreement", "remove", made["id"], "--yes")).exit_code == 0
    assert desk.agreements.held == {}


async def test_what_an_agreement_cannot_be_is_told_by_name(command, tmp_path):
    told = await command("agreement", "add", "NL-CPO", "NLEMP")
    assert (told.exit_code, "parties.1" in told.stderr) == (1, True)
    broken = tmp_path / "terms.json"
    broken.write_text("[]")
    told = await command("agreement", "add", "NL-CPO", "DE-EMP", "--settlement", str(broken))
    assert told.exit_code == 2


async def test_the_terminal_shows_the_most_frequent_first(command):
    made = await added(command)
    told = await command("platform", "findings", made["id"])
    assert told.exit_code == 0, told.stderr
    places = [told.stdout.index(rule) for rule in ("TR-075", "TR-032", "LOC-126")]
    assert places == sorted(places)
    assert "about TR-032" in told.stdout
    machine = await command(
        "platform", "findings", made["id"], "--since", "2026-11-01T00:00:00Z", "--json"
    )
    assert [item["count"] for item in json.loads(machine.stdout)] == [3, 2, 1]
