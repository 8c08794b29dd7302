"""Agreements at the operators' door: what is taken, what is refused and by which name."""

import pytest

from ocpi_hub.modules.keys import Scope

PAIR = {"parties": ["NL-CPO", "DE-EMP"]}
BILLING = {
    "price_source": "hub_rerated",
    "tolerance": {"amount": "0.05", "percent": "1"},
    "period": "month",
    "period_of": "session_end_utc",
    "currency": "EUR",
    "rounding": {"mode": "half_even", "decimals": 2},
    "dispute_days": 7,
    "due_days": 14,
    "vat": [
        {
            "party": "NL-CPO",
            "country": "NL",
            "vat_id": "NL123456789B01",
            "dealer": True,
            "reverse_charge": False,
        }
    ],
    "fees": [{"payer": "DE-EMP", "kind": "per_session", "value": "0.10", "text": "clearing"}],
}


async def made(desk, **more):
    answer = await desk.ask("POST", "/agreements", PAIR | more)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def test_an_agreement_is_made_shown_listed_and_removed(desk):
    first = await made(desk)
    assert first["parties"] == ["DE-EMP", "NL-CPO"]
    assert first["modules"] is None
    assert first["settlement"] is None
    assert first["in_force"] is True
    other = await made(desk, parties=["nl-cpo", "FR-EM2"], modules=["tokens", "locations"])
    assert (other["parties"], other["modules"]) == (["FR-EM2", "NL-CPO"], ["locations", "tokens"])
    shown = await desk.ask("GET", f"/agreements/{first['id'].upper()}")
    assert await shown.json() == first
    page = await (await desk.ask("GET", "/agreements?limit=1")).json()
    assert page["items"] == [first]
    rest = await (await desk.ask("GET", f"/agreements?cursor={page['next']}")).json()
    assert rest == {"items": [other], "next": None}
    of_one = await (await desk.ask("GET", "/agreements?party=de-emp")).json()
    assert of_one["items"] == [first]
    assert (await desk.ask("DELETE", f"/agreements/{first['id']}")).status == 204
    assert (await desk.ask("GET", f"/agreements/{first['id']}")).status == 404
    actions = [(entry.action, entry.target) for entry in desk.audit.entries]
    assert actions == [
        ("agreement:created", first["id"]),
        ("agreement:created", other["id"]),
        ("agreement:removed", first["id"]),
    ]
    assert desk.audit.entries[-1].details == {"parties": ["DE-EMP", "NL-CPO"]}


async def test_what_is_given_changes_and_all_else_stays(desk):
    agreement = await made(
        desk, modules=["cdrs"], valid_to="2027-01-01T00:00:00+01:00", settlement=BILLING
    )
    assert agreement["settlement"] == BILLING
    assert agreement["valid_to"] == "2026-12-31T23:00:00Z"
    path = f"/agreements/{agreement['id']}"
    change = {"modules": ["cdrs", "sessions"], "valid_to": None}
    changed = await (await desk.ask("PATCH", path, change)).json()
    assert changed == agreement | change
    changed = await (await desk.ask("PATCH", path, {"settlement": None, "modules": None})).json()
    assert changed == agreement | {"settlement": None, "modules": None, "valid_to": None}
    assert desk.audit.entries[1].action == "agreement:changed"
    assert desk.audit.entries[1].details == {"modules": ["cdrs", "sessions"], "valid_to": None}


async def test_the_terms_of_billing_have_defaults(desk):
    agreement = await made(desk, settlement={})
    assert agreement["settlement"] == {
        "price_source": "cdr_total",
        "tolerance": {"amount": "0", "percent": "0"},
        "period": "month",
        "period_of": "session_end_local",
        "currency": None,
        "rounding": {"mode": "half_up", "decimals": None},
        "dispute_days": 5,
        "due_days": 30,
        "vat": [],
        "fees": [],
    }


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"parties": ["NL-CPO"]}, ["parties"]),
        ({"parties": ["NL-CPO", "nl-cpo"]}, ["parties"]),
        ({"parties": ["NL-CPO", "NL-HUB"]}, ["parties"]),
        ({"parties": ["NL-CPO", "NLEMP"]}, ["parties.1"]),
        ({"parties": ["NL-CPO", "DE-EMP", "DE-EM2"]}, ["parties"]),
        ({"modules": ["locations", "versions"]}, ["modules.1"]),
        ({"modules": []}, ["modules"]),
        ({"valid_from": "2026-01-01T00:00:00"}, ["valid_from"]),
        (
            {"valid_from": "2026-01-01T00:00:00Z", "valid_to": "2026-01-01T01:00:00+01:00"},
            ["valid_to"],
        ),
        ({"x": 1}, ["x"]),
        ({"settlement": {"price_source": "guess"}}, ["settlement.price_source"]),
        ({"settlement": {"tolerance": {"percent": 101}}}, ["settlement.tolerance.percent"]),
        ({"settlement": {"tolerance": {"amount": -1}}}, ["settlement.tolerance.amount"]),
        ({"settlement": {"currency": "euro"}}, ["settlement.currency"]),
        ({"settlement": {"x": 1}}, ["settlement.x"]),
        (
            {
                "settlement": {
                    "vat": [{"party": "FR-XXX", "country": "FR"}],
                    "fees": [{"payer": "FR-XXX", "kind": "fixed", "value": 1}],
                }
            },
            ["settlement.vat.0.party", "settlement.fees.0.payer"],
        ),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_by_its_name(desk, wrong, fields):
    answer = await desk.ask("POST", "/agreements", PAIR | wrong)
    assert answer.status == 400
    assert [error["field"] for error in (await answer.json())["errors"]] == fields
    assert desk.agreements.held == {}


async def test_a_change_is_checked_together_with_what_stays(desk):
    agreement = await made(desk, valid_from="2026-06-01T00:00:00Z", settlement=BILLING)
    path = f"/agreements/{agreement['id']}"
    answer = await desk.ask("PATCH", path, {"valid_to": "2026-05-01T00:00:00Z"})
    assert [error["field"] for error in (await answer.json())["errors"]] == ["valid_to"]
    assert (await desk.ask("PATCH", path, {"parties": ["NL-CPO", "DE-EM2"]})).status == 400
    assert await (await desk.ask("GET", path)).json() == agreement


async def test_a_second_agreement_for_the_same_is_a_conflict(desk):
    first = await made(desk)
    answer = await desk.ask("POST", "/agreements", PAIR)
    assert answer.status == 409
    assert first["id"] in (await answer.json())["detail"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("unknown", ["1", "0b5c6f0e-6d0b-4c11-9d6a-0f3c2b1a9e77"])
async def test_an_agreement_that_is_not_there(desk, method, unknown):
    body = {} if method == "PATCH" else None
    assert (await desk.ask(method, f"/agreements/{unknown}", body)).status == 404


async def test_reading_and_writing_have_scopes_of_their_own(desk):
    reader, writer = (
        await desk.key_with(Scope.AGREEMENTS_READ),
        await desk.key_with(Scope.AGREEMENTS_WRITE),
    )
    assert (await desk.ask("POST", "/agreements", PAIR, key=reader)).status == 403
    assert (await desk.ask("GET", "/agreements", key=writer)).status == 403
    assert (await desk.ask("POST", "/agreements", PAIR, key=writer)).status == 201
    assert (await desk.ask("GET", "/agreements", key=reader)).status == 200
    bad = await desk.ask("GET", "/agreements?cursor=MTph", key=reader)
    assert [error["field"] for error in (await bad.json())["errors"]] == ["cursor"]
