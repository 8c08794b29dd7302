"""The Sender interface of tokens over HTTP: the list, authorization, pushes."""

import pytest

from ocpi_hub.ocpi import codec, paging
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tokens import Token, TokenPatch
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.token_book import Terms
from tests.build import a_location, a_token, an_evse

SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER


async def asked(charger, *ids, method="GET", body=None, **params):
    return await charger.ask(method, "tokens", SENDER, ids, body, params=params)


@pytest.mark.obligation("TOK-022", "TOK-023")
async def test_the_list_comes_in_pages_of_whole_tokens(provider, charger):
    answer = await asked(charger, limit="4")
    assert (answer.total, answer.headers["X-Limit"]) == (6, "100")
    rest = await charger.call("GET", paging.next_url(answer.headers["Link"]))
    assert "Link" not in rest.headers
    assert [*answer.data, *rest.data] == list(provider.issuer.book)
    for token in [*answer.data, *rest.data]:
        assert validate(Token, token) == ()


@pytest.mark.obligation("TOK-022")
async def test_a_window_has_its_begin_and_not_its_end(provider, charger):
    moments = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]
    for number, moment in enumerate(moments):
        provider.issuer.book.add(a_token(uid=f"W{number}", last_updated=moment))
    window = {"date_from": moments[0], "date_to": moments[2]}
    assert [token["uid"] for token in (await asked(charger, **window)).data] == ["W0", "W1"]
    assert (await asked(charger, date_from="yesterday")).code == 2001


@pytest.mark.parametrize(
    ("method", "ids"),
    [
        ("PUT", ()), ("PATCH", ()), ("DELETE", ()), ("POST", ()),
        ("GET", ("04A1", "authorize")), ("GET", ("04A1",)), ("PUT", ("DE", "EMP", "04A1")),
    ],
)  # fmt: skip
@pytest.mark.obligation("TOK-024")
async def test_a_sender_of_tokens_has_a_list_and_authorize_only(charger, method, ids):
    assert (await asked(charger, *ids, method=method)).http in {404, 405}


@pytest.mark.parametrize("body", [None, {}, {"location_id": "LOC1", "evse_uids": ["E1"]}])
@pytest.mark.obligation("TOK-025", "TOK-026", "TOK-006")
async def test_a_card_and_an_app_are_authorized_by_their_type(provider, charger, body):
    card = next(token for token in provider.issuer.book if token["type"] == "RFID")
    app = next(token for token in provider.issuer.book if token["type"] == "APP_USER")
    for token, params in ((card, {}), (card, {"type": "RFID"}), (app, {"type": "APP_USER"})):
        answer = await asked(charger, token["uid"], "authorize", method="POST", body=body, **params)
        assert (answer.http, answer.code) == (200, 1000)
        assert (answer.data["allowed"], answer.data["token"]) == ("ALLOWED", token)
        assert answer.data.get("location") == (body or None)
    assert (await asked(charger, app["uid"], "authorize", method="POST")).code == 2004
    assert provider.issuer.verdicts == {"ALLOWED": 3}


@pytest.mark.obligation("TOK-027")
async def test_an_unknown_token_is_404_and_2004_without_data(charger):
    answer = await asked(charger, "NOBODY", "authorize", method="POST")
    assert (answer.http, answer.code) == (404, 2004)
    assert "data" not in answer.json


@pytest.mark.obligation("TOK-028", "TOK-029", "TOK-030")
async def test_where_the_place_counts_it_must_be_told(provider, charger):
    provider.issuer.book.add(a_token(), Terms(not_at=frozenset({"E2"})))
    missing = await asked(charger, "04A1", "authorize", method="POST")
    assert (missing.code, "data" in missing.json) == (2002, False)
    place = {"location_id": "LOC1", "evse_uids": ["E1", "E2", "E3"]}
    found = await asked(charger, "04A1", "authorize", method="POST", body=place)
    assert found.data["location"] == {"location_id": "LOC1", "evse_uids": ["E1", "E3"]}
    place["evse_uids"] = ["E2"]
    refused = await asked(charger, "04A1", "authorize", method="POST", body=place)
    assert (refused.http, refused.code, refused.data["allowed"]) == (200, 1000, "NOT_ALLOWED")


@pytest.mark.obligation("TOK-010")
async def test_what_the_copy_says_of_an_evse_does_not_decide(provider, charger):
    closed = {"location_id": "LOC1", "evse_uids": ["E1"]}
    evse = an_evse("E1", status="OUTOFORDER")
    a_minute = {"weekday": 1, "period_begin": "00:00", "period_end": "00:01"}
    hours = {"twentyfourseven": False, "regular_hours": [a_minute]}
    provider.copy.add([a_location(opening_times=hours) | {"evses": [evse]}])
    assert len(provider.copy) == 1
    card = next(token for token in provider.issuer.book if token["type"] == "RFID")
    answer = await asked(charger, card["uid"], "authorize", method="POST", body=closed)
    assert answer.data["allowed"] == "ALLOWED"
    assert answer.data["location"] == closed


@pytest.mark.parametrize("body", [b"[]", b'{"evse_uids": []}'])
async def test_a_place_that_is_none_is_refused(provider, charger, body):
    url = charger.known_peer.url("tokens", SENDER)
    card = next(iter(provider.issuer.book))
    assert (await charger.call("POST", f"{url}/{card['uid']}/authorize", body=body)).code == 2001


@pytest.mark.obligation("TOK-002", "TOK-018", "TOK-007")
async def test_tokens_are_put_at_their_owners_path_with_their_type(provider, charger):
    assert await provider.issuer.push_all() == []
    pushed = await charger.received("tokens.receiver", "PUT", count=6)
    for request, token in zip(pushed, provider.issuer.book, strict=True):
        assert request.segments == ("DE", "EMP", token["uid"])
        assert request.query.get("type", "RFID") == token["type"]
        assert request.json == token
    assert "NEVER" in {request.json["whitelist"] for request in pushed}
    assert ("tokens", "SENDER") in charger.known_peer.endpoints


@pytest.mark.obligation("TOK-002", "TOK-003", "TOK-021")
async def test_a_token_ends_by_a_patch_and_never_by_a_deletion(provider, charger):
    for token in list(provider.issuer.book)[:2]:
        assert (await provider.issuer.invalidate(token)).ok
        request = (await charger.received("tokens.receiver", "PATCH"))[-1]
        assert validate(TokenPatch, request.json) == ()
        assert set(request.json) == {"valid", "last_updated"}
        assert provider.issuer.book.find(token["uid"], token["type"]) == token | request.json
        assert request.query.get("type", "RFID") == token["type"]
    assert charger.record.of("tokens.receiver", "DELETE") == []


@pytest.mark.parametrize(("held", "puts"), [("same", 0), ("other", 1), ("nothing", 1)], ids=str)
@pytest.mark.obligation("TOK-004")
async def test_in_doubt_the_peers_copy_is_looked_at(provider, charger, held, puts):
    token = next(iter(provider.issuer.book))
    answers = {
        "same": Reply(codec.encode(token)),
        "other": Reply(codec.encode(token | {"valid": False})),
        "nothing": Reply(code=2004, http=404),
    }
    charger.answers("tokens", RECEIVER, answers[held])
    await provider.issuer.reconcile(token)
    assert [each.method for each in charger.record.of("tokens.receiver")] == [
        "GET",
        *["PUT"] * puts,
    ]
