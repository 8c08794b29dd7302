"""Platforms as an operator works with them."""

from dataclasses import replace
from typing import Any

import pytest
from admin_desk import Desk

VOLTWERK = {
    "name": "Voltwerk",
    "roles": [{"country_code": "DE", "party_id": "VWK", "role": "CPO", "name": "Voltwerk GmbH"}],
    "quirks": {},
}
PARTNER = {"versions_url": "https://cpo.example/ocpi/versions", "token": "token-a-of-the-partner"}


async def create(desk: Desk, **changes: Any) -> dict[str, Any]:
    answer = await desk.ask("POST", "/platforms", VOLTWERK | changes)
    assert answer.status == 201, await answer.text()
    return await answer.json()


def party(number: int) -> list[dict[str, str]]:
    return [{"country_code": "DE", "party_id": f"{number:03d}", "role": "CPO", "name": str(number)}]


async def test_a_new_platform_is_answered_as_the_contract_says(desk):
    made = await create(desk)
    assert made == {
        "id": made["id"],
        "name": "Voltwerk",
        "status": "PLANNED",
        "roles": [VOLTWERK["roles"][0] | {"status": "PLANNED"}],
        "registration": {
            "token": desk.platforms.tokens[made["id"]],
            "versions_url": "https://hub.example/ocpi/versions",
        },
    }


async def test_a_platform_shows_its_state_and_never_a_token(desk):
    made = await create(desk, quirks={"raw_token": True, "deadline_s": 5})
    answer = await desk.ask("GET", f"/platforms/{made['id']}")
    seen = await answer.json()
    assert answer.status == 200
    assert seen["agreed"] == VOLTWERK["roles"]
    assert seen["quirks"] == {
        "raw_token": True,
        "catch_up": False,
        "lenient_list": False,
        "deadline_s": 5.0,
        "rate_per_s": None,
        "pull": None,
        "pull_hours": None,
        "vanished": "keep",
        "trailing_slash": False,
        "known_members": False,
        "put_only": False,
        "slashed_endpoints": False,
        "offset_paging": False,
    }
    assert (seen["breaker"], seen["lag"]) == ("closed", 0.5)
    assert seen["counters"] == {"pending": 2, "delivered": 7, "failed": 1}
    assert seen["versions"] == []
    assert seen["last_seen"] is None
    assert seen["has_registration_token"] is True
    assert made["registration"]["token"] not in await answer.text()


async def test_an_operator_has_the_lists_of_a_registered_partner_read(desk):
    made = await create(desk)
    early = await desk.ask("POST", f"/platforms/{made['id']}/pull")
    assert early.status == 409
    assert "not registered" in (await early.json())["detail"]
    await desk.ask("POST", f"/platforms/{made['id']}/register", PARTNER)
    answer = await desk.ask("POST", f"/platforms/{made['id']}/pull")
    assert answer.status == 202
    assert [each["module"] for each in (await answer.json())["pull"]] == ["locations", "tariffs"]
    assert desk.audit.entries[-1].action == "platform:pull:asked"


@pytest.mark.parametrize(
    "quirks",
    [{"pull": "locations"}, {"pull": ["sessions"]}, {"pull_hours": 0}, {"vanished": "maybe"}],
)
async def test_what_is_read_of_a_partner_is_checked(desk, quirks):
    made = await create(desk)
    answer = await desk.ask("PATCH", f"/platforms/{made['id']}", {"quirks": quirks})
    assert answer.status == 400
    assert next(iter(quirks)) in (await answer.json())["errors"][0]["field"]


async def test_the_hub_registers_at_a_partner_that_invited_it(desk):
    made = await create(desk)
    answer = await desk.ask("POST", f"/platforms/{made['id']}/register", PARTNER)
    seen = await answer.json()
    assert answer.status == 200
    assert (seen["status"], seen["registered"]) == ("CONNECTED", True)
    assert seen["versions"] == ["2.2.1"]
    assert seen["endpoints"][0]["module"] == "locations"
    assert PARTNER["token"] not in await answer.text()


async def test_a_failed_registration_names_the_step_and_is_audited(desk):
    made = await create(desk)
    broken = PARTNER | {"versions_url": "https://broken.example/ocpi/versions"}
    answer = await desk.ask("POST", f"/platforms/{made['id']}/register", broken)
    problem = await answer.json()
    assert answer.status == 502
    assert answer.content_type == "application/problem+json"
    assert (problem["step"], problem["detail"]) == ("details", "the partner answered 500")
    assert desk.audit.entries[-1].action == "platform:registered:failed"
    assert desk.audit.entries[-1].details == {"step": "details"}


async def test_a_secret_in_a_partners_address_is_not_shown(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}"
    hidden = PARTNER | {"versions_url": "https://cpo.example/versions?token=hidden-in-a-url"}
    answer = await desk.ask("POST", f"{path}/register", hidden)
    assert answer.status == 200
    held = desk.platforms.held[made["id"]]
    secret = replace(held.endpoints[0], url="https://cpo.example/x?access_token=hidden-in-a-url")
    desk.platforms.held[made["id"]] = replace(held, endpoints=(secret,))
    told = await answer.text() + await (await desk.ask("GET", path)).text()
    assert "https://cpo.example/versions?token=" in told
    assert "hidden-in-a-url" not in told + repr(desk.audit.entries)


async def test_a_new_registration_token_replaces_the_old_one(desk):
    made = await create(desk)
    answer = await desk.ask("POST", f"/platforms/{made['id']}/registration-token")
    issued = await answer.json()
    assert answer.status == 200
    assert set(issued) == {"token", "versions_url"}
    assert issued["token"] != made["registration"]["token"]
    assert desk.platforms.tokens[made["id"]] == issued["token"]


async def test_a_change_touches_only_what_is_given(desk):
    made = await create(desk, quirks={"catch_up": True, "deadline_s": 5})
    path = f"/platforms/{made['id']}"
    seen = await (await desk.ask("PATCH", path, {"quirks": {"deadline_s": None}})).json()
    assert seen["quirks"]["catch_up"] is True
    assert seen["quirks"]["deadline_s"] is None
    assert seen["name"] == "Voltwerk"
    seen = await (await desk.ask("PATCH", path, {"name": "Voltwerk 2"})).json()
    assert seen["name"] == "Voltwerk 2"
    assert seen["agreed"] == VOLTWERK["roles"]
    seen = await (await desk.ask("PATCH", path, {"roles": party(7)})).json()
    assert seen["agreed"] == party(7)


async def test_null_is_no_name_and_no_roles(desk):
    made = await create(desk)
    for body in ({"name": None}, {"roles": None}, {"quirks": None}, {"name": ""}):
        answer = await desk.ask("PATCH", f"/platforms/{made['id']}", body)
        assert answer.status == 400, body
        assert (await answer.json())["errors"][0]["field"] == next(iter(body))


async def test_the_parties_of_a_platform_that_left_are_given_up_and_those_of_others_not(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}"
    await desk.ask("POST", f"{path}/register", PARTNER)
    refused = await desk.ask("PATCH", path, {"roles": []})
    assert refused.status == 400
    assert (await refused.json())["errors"][0]["field"] == "roles"
    assert (await desk.ask("DELETE", path)).status == 204
    freed = await desk.ask("PATCH", path, {"roles": []})
    assert (freed.status, (await freed.json())["agreed"]) == (200, [])


async def test_suspend_and_resume_go_there_and_back(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}"
    await desk.ask("POST", f"{path}/register", PARTNER)
    assert (await desk.ask("POST", f"{path}/resume")).status == 409
    assert (await (await desk.ask("POST", f"{path}/suspend")).json())["status"] == "SUSPENDED"
    assert (await desk.ask("POST", f"{path}/rotate")).status == 409
    assert (await desk.ask("POST", f"{path}/register", PARTNER)).status == 409
    assert (await (await desk.ask("POST", f"{path}/resume")).json())["status"] == "CONNECTED"
    assert (await desk.ask("POST", f"{path}/rotate")).status == 200


async def test_what_is_not_registered_cannot_rotate(desk):
    made = await create(desk)
    answer = await desk.ask("POST", f"/platforms/{made['id']}/rotate")
    assert answer.status == 409
    assert "not registered" in (await answer.json())["detail"]


async def test_a_removed_platform_is_ended_and_stays_visible(desk):
    made = await create(desk)
    path = f"/platforms/{made['id']}"
    await desk.ask("POST", f"{path}/register", PARTNER)
    answer = await desk.ask("DELETE", path)
    assert (answer.status, await answer.read()) == (204, b"")
    seen = await (await desk.ask("GET", path)).json()
    assert (seen["status"], seen["registered"]) == ("SUSPENDED", False)


async def test_a_party_held_by_another_platform_is_a_conflict(desk):
    await create(desk)
    answer = await desk.ask("POST", "/platforms", VOLTWERK | {"name": "Another"})
    assert answer.status == 409
    assert "DE-VWK" in (await answer.json())["detail"]


async def test_every_platform_is_on_exactly_one_page(desk):
    names = {(await create(desk, name=f"P{n % 3}", roles=party(n)))["id"] for n in range(7)}
    found, path = [], "/platforms?limit=2"
    for _ in range(4):
        listing = await (await desk.ask("GET", path)).json()
        found += [item["id"] for item in listing["items"]]
        path = f"/platforms?limit=2&cursor={listing['next']}"
    assert listing["next"] is None
    assert len(found) == 7
    assert set(found) == names


async def test_each_wrong_field_is_named_with_its_rule(desk):
    body = {
        "name": "x" * 101,
        "roles": [
            {"country_code": "DEU", "party_id": "V-K", "role": "cpo", "name": 5, "token": "secret"}
        ],
        "quirks": {"deadline_s": -1, "raw_token": "yes", "rate_per_s": 1.5},
        "colour": "green",
    }
    answer = await desk.ask("POST", "/platforms", body)
    problem = await answer.json()
    assert answer.status == 400
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    rules = {fault["field"]: fault["rule"] for fault in problem["errors"]}
    assert set(rules) == {
        "name",
        "roles.0.country_code",
        "roles.0.party_id",
        "roles.0.role",
        "roles.0.name",
        "roles.0.token",
        "quirks.deadline_s",
        "quirks.raw_token",
        "quirks.rate_per_s",
        "colour",
    }
    assert rules["colour"] == "no such member"
    assert "secret" not in await answer.text()
    assert desk.audit.entries == []


async def test_a_role_may_be_agreed_only_once(desk):
    twice = [VOLTWERK["roles"][0], VOLTWERK["roles"][0] | {"party_id": "vwk"}]
    answer = await desk.ask("POST", "/platforms", VOLTWERK | {"roles": twice})
    assert answer.status == 400
    assert (await answer.json())["errors"][0]["field"] == "roles"


async def test_an_invitation_needs_a_url_and_a_token_of_the_wire(desk):
    made = await create(desk)
    wrong = [
        ({"versions_url": "ftp://cpo.example/"}, "versions_url"),
        ({"versions_url": "https://user:pw@cpo.example/"}, "versions_url"),
        ({"versions_url": "https:///x"}, "versions_url"),
        ({"versions_url": "https://cpo.example:99999/"}, "versions_url"),
        ({"versions_url": "https://cpo.example:0/"}, "versions_url"),
        ({"versions_url": "https://[::1/x"}, "versions_url"),
        ({"versions_url": "https://cpo.example/" + "x" * 255}, "versions_url"),
        ({"token": ""}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": "x" * 65}, "token"),
        ({"token": None}, "token"),
    ]
    for change, field in wrong:
        answer = await desk.ask("POST", f"/platforms/{made['id']}/register", PARTNER | change)
        assert answer.status == 400, change
        assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]
