"""What a simulated CPO does with tokens: the copy it keeps, and who is asked when one is shown."""

from datetime import timedelta

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.charge import Grant
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.whitelist import Check, check
from tests.build import as_bytes
from tests.fake_partner import SENDER
from tests.simulated_charging import VISIT, a_token, charging, outlets_of

LATER = "2026-02-01T00:00:00Z"
PATH = "DE/EMP/04AABB"


# The copy


@pytest.mark.obligation("TOK-012", "TOK-016", "TOK-017")
async def test_a_token_is_kept_as_it_was_put(cpo, asker):
    token = a_token(visual_number="A-1", more={"x": 1})
    assert (await asker.send("GET", "tokens", PATH)).http == 404
    assert (await asker.send("PUT", "tokens", PATH, body=token)).http == 201
    assert (await asker.send("GET", "tokens", PATH)).data == token
    again = a_token(last_updated=LATER)
    assert (await asker.send("PUT", "tokens", PATH, body=again)).http == 200
    assert (await asker.send("GET", "tokens", "de/emp/04aabb")).data == again


@pytest.mark.obligation("TOK-013", "TOK-014")
async def test_the_type_is_part_of_the_name(cpo, asker):
    card, app = a_token(), a_token(type="APP_USER", whitelist="NEVER")
    how = {"params": {"type": "APP_USER"}}
    await asker.send("PUT", "tokens", PATH, body=card)
    assert (await asker.send("PUT", "tokens", PATH, body=app)).code == 2001
    assert (await asker.send("GET", "tokens", PATH, **how)).http == 404
    assert (await asker.send("PUT", "tokens", PATH, body=app, **how)).http == 201
    change = {"valid": False, "last_updated": LATER}
    assert (await asker.send("PATCH", "tokens", PATH, body=change, **how)).ok
    assert (await asker.send("GET", "tokens", PATH)).data == card
    assert (await asker.send("GET", "tokens", PATH, **how)).data == app | change


@pytest.mark.obligation("TOK-020")
async def test_a_patch_changes_what_it_names(cpo, asker):
    await asker.send("PUT", "tokens", PATH, body=a_token())
    change = {"valid": False, "last_updated": LATER}
    assert (await asker.send("PATCH", "tokens", PATH, body=change)).ok
    assert (await asker.send("GET", "tokens", PATH)).data == a_token() | change
    for bad in ({"valid": True}, {"valid": "no", "last_updated": LATER}, change | {"uid": "X"}):
        assert (await asker.send("PATCH", "tokens", PATH, body=bad)).code == 2001
    unknown = await asker.send("PATCH", "tokens", "DE/EMP/OTHER", body=change)
    assert (unknown.http, unknown.code) == (404, 2004)


@pytest.mark.obligation("TOK-019", "TOK-015")
async def test_what_does_not_fit_the_path_or_the_object_is_refused(cpo, asker):
    for path, body in (
        ("DE/EMP/OTHER", a_token()),
        ("FR/EM2/04AABB", a_token()),
        (PATH, {"uid": "04AABB"}),
    ):
        assert (await asker.send("PUT", "tokens", path, body=body)).code == 2001
    for method in ("POST", "DELETE"):
        assert (await asker.send(method, "tokens", PATH, body=a_token())).http == 405
    assert (await asker.send("GET", "tokens", f"{PATH}/more")).http == 404


@pytest.mark.obligation("TOK-005")
async def test_a_pulled_list_renews_the_copy_and_a_newer_push_stays(cpo, emsp):
    [first, second, *_] = emsp.issuer.book
    cpo.whitelist.add([second | {"last_updated": "2099-01-01T00:00:00Z", "language": "fr"}])
    assert await cpo.fetch_tokens() == len(emsp.issuer.book)
    assert cpo.whitelist.find(first["uid"], first["type"]) == first
    assert cpo.whitelist.find(second["uid"], second["type"])["language"] == "fr"


# Who is asked


@pytest.mark.obligation("TOK-047", "TOK-048", "TOK-049", "TOK-050", "TOK-051", "TOK-052")
@pytest.mark.parametrize(
    ("whitelist", "valid", "expected"),
    [
        ("ALWAYS", True, Check.YES),
        ("ALWAYS", False, Check.NO),
        ("ALLOWED", True, Check.YES),
        ("ALLOWED", False, Check.ASK),
        ("ALLOWED_OFFLINE", True, Check.ASK_ELSE_YES),
        ("ALLOWED_OFFLINE", False, Check.ASK),
        ("NEVER", True, Check.ASK),
        ("NEVER", False, Check.ASK),
        ("SOMETHING_NEW", True, Check.ASK),
    ],
)
def test_the_whitelist_type_says_whether_to_ask(whitelist, valid, expected):
    assert check(a_token(whitelist=whitelist, valid=valid)) is expected


def test_about_an_unknown_token_somebody_is_asked():
    assert check(None) is Check.ASK


def says(asker, **info):
    body = {"allowed": "ALLOWED", "token": a_token(whitelist="NEVER")} | info
    asker.answers("tokens", SENDER, Reply(as_bytes(body)))


async def swiped(cpo, asker, **token):
    """A card with this entry in the whitelist is shown: the session, and how often was asked."""
    if token:
        cpo.whitelist.add([a_token(**token)])
    outlet = outlets_of(cpo)[0]
    charge = await cpo.swipe("04AABB", outlet, visit=VISIT, provider=PartyRef("DE", "EMP"))
    return charge, len(asker.record.of("tokens.sender", "POST"))


@pytest.mark.obligation("TOK-047", "TOK-048", "TOK-049", "TOK-050", "TOK-051", "TOK-052", "TOK-008")
@pytest.mark.parametrize(
    ("token", "starts", "asked"),
    [
        ({"whitelist": "ALWAYS"}, True, 0),
        ({"whitelist": "ALWAYS", "valid": False}, False, 0),
        ({"whitelist": "ALLOWED"}, True, 0),
        ({"whitelist": "ALLOWED_OFFLINE"}, True, 1),
        ({"whitelist": "NEVER"}, True, 1),
        ({"whitelist": "NEVER", "valid": False}, True, 1),
        ({}, True, 1),
    ],
)
async def test_the_emsp_is_asked_where_it_wants_to_be(cpo, asker, token, starts, asked):
    says(asker)
    charge, count = await swiped(cpo, asker, **token)
    assert (charge is not None, count) == (starts, asked)


@pytest.mark.obligation("TOK-050", "TOK-051")
@pytest.mark.parametrize(("whitelist", "starts"), [("ALLOWED_OFFLINE", True), ("NEVER", False)])
@pytest.mark.parametrize(
    "trouble",
    [fault.http(503), fault.drop(), fault.code(4002), fault.code(4003)],
    ids=["503", "drop", "4002", "4003"],
)
async def test_offline_is_when_the_emsp_says_nothing(cpo, asker, trouble, whitelist, starts):
    asker.faults.add(trouble, fault.on("POST", "tokens.sender"))
    charge, asked = await swiped(cpo, asker, whitelist=whitelist)
    assert (charge is not None, asked) == (starts, 1)


@pytest.mark.parametrize(
    "trouble", [fault.code(2004, status=404), fault.code(2002)], ids=["2004", "2002"]
)
async def test_a_refusal_is_an_answer(cpo, asker, trouble):
    asker.faults.add(trouble, fault.on("POST", "tokens.sender"))
    charge, _ = await swiped(cpo, asker, whitelist="ALLOWED_OFFLINE")
    assert charge is None
    assert cpo.reader.verdicts == {"NOT_ALLOWED": 1}


@pytest.mark.parametrize("allowed", ["BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"])
async def test_who_is_not_allowed_does_not_charge(cpo, asker, allowed):
    says(asker, allowed=allowed, info={"language": "de", "text": "Bitte anrufen"})
    charge, _ = await swiped(cpo, asker, whitelist="NEVER")
    assert charge is None
    assert outlets_of(cpo)[0].evse["status"] == "AVAILABLE"
    assert cpo.reader.verdicts == {allowed: 1}


async def test_charging_is_where_the_emsp_allows_it(cpo, asker):
    evse = outlets_of(cpo)[0].evse["uid"]
    location = outlets_of(cpo)[0].location["id"]
    says(asker, location={"location_id": location, "evse_uids": ["ANOTHER"]})
    assert (await swiped(cpo, asker, whitelist="NEVER"))[0] is None
    says(asker, location={"location_id": location, "evse_uids": ["ANOTHER", evse.lower()]})
    assert (await swiped(cpo, asker, whitelist="NEVER"))[0] is not None
    [asked, _] = asker.record.of("tokens.sender", "POST")
    assert asked.segments == ("04AABB", "authorize")
    assert asked.query == {"type": "RFID"}
    assert asked.json == {"location_id": location, "evse_uids": [evse]}
    assert (asked.headers["OCPI-to-country-code"], asked.headers["OCPI-to-party-id"]) == (
        "DE", "EMP",
    )  # fmt: skip


@pytest.mark.obligation("TOK-033", "SES-050", "CDR-045")
async def test_the_reference_of_an_authorization_is_in_session_and_cdr(cpo, asker):
    says(asker, authorization_reference="REF-7")
    charge, _ = await swiped(cpo, asker, whitelist="NEVER")
    await cpo.charges.finish(charge)
    [put] = asker.record.of("sessions.receiver", "PUT")
    [posted] = asker.record.of("cdrs.receiver", "POST")
    for told in (put.json, posted.json):
        assert told["authorization_reference"] == "REF-7"
        assert told["auth_method"] == "AUTH_REQUEST"


@pytest.mark.obligation("TOK-058")
async def test_a_language_that_nobody_speaks_refuses_no_token(cpo, asker):
    token = a_token(language="xx")
    assert (await asker.send("PUT", "tokens", PATH, body=token)).http == 201
    assert await cpo.swipe("04AABB", outlets_of(cpo)[0]) is not None


async def test_a_card_of_the_same_group_ends_the_session(cpo, asker):
    family = [a_token(uid, group_id="FAMILY") for uid in ("04AABB", "05CCDD")]
    cpo.whitelist.add([*family, a_token("06EEFF")])
    outlet = outlets_of(cpo)[0]
    charge = await cpo.swipe("04AABB", outlet, visit=VISIT)
    assert await cpo.swipe("06EEFF", outlet) is None
    assert await cpo.swipe("05CCDD", outlet) is charge
    assert charge.over


@pytest.mark.obligation("CMD-029", "CMD-030")
@pytest.mark.parametrize(
    ("kind", "minutes", "asked"),
    [("RFID", 10, 0), ("RFID", 20, 1), ("APP_USER", 20, 0), ("AD_HOC_USER", 20, 0)],
)
async def test_nobody_is_asked_about_a_token_that_came_with_a_command(
    cpo, asker, kind, minutes, asked
):
    says(asker)
    outlet, start = outlets_of(cpo)[0], now()
    cpo.reader.trust(Grant(a_token(type=kind), "COMMAND", "REF-1"), outlet, start)
    await cpo.reader.read(
        "04AABB", outlet, start + timedelta(minutes=minutes), kind, PartyRef("DE", "EMP")
    )
    assert len(asker.record.of("tokens.sender", "POST")) == asked


async def test_an_evse_that_is_taken_starts_nobody(cpo, asker):
    cpo.whitelist.add([a_token("05CCDD")])
    charge = await charging(cpo)
    assert await cpo.swipe("05CCDD", charge.place) is None
    assert charge.running
