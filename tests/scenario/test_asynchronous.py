"""Commands and charging profiles, whose results come later, told as dialogues."""

from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from yarl import URL

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_cdr, a_token
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, free_port, running_house

ACCEPTED = Reply(data=b'{"result":"ACCEPTED","timeout":30}')
RESULT = b'{"result": "ACCEPTED" , "x":1.50}'


def start(where: str, **more: Any) -> dict[str, Any]:
    token = a_token(country_code="DE", party_id="EM1")
    return {"response_url": where, "token": token, "location_id": "LOC1"} | more


def answer_url(emsp: FakePartner, module: str = "commands", rest: str = "/mine/7?a=b%2Fc") -> str:
    return emsp.url(module, SENDER) + rest


async def command(
    emsp: FakePartner, body: Any, name: str = "START_SESSION", to: str | None = "NL-CPO"
) -> Answer:
    return await emsp.send("POST", "commands", name, body=body, to=to)


async def asked(cpo: FakePartner, interface: str = "commands.receiver") -> Received:
    return (await cpo.received(interface))[-1]


def told(received: Received) -> str:
    """The address for the result, as the operator got it."""
    return str(received.json["response_url"])


@pytest.fixture(autouse=True)
def _willing(request: pytest.FixtureRequest) -> None:
    if "cpo" in request.fixturenames:
        cpo = request.getfixturevalue("cpo")
        for module in ("commands", "chargingprofiles"):
            cpo.answers(module, RECEIVER, ACCEPTED)


@pytest.mark.obligation(
    "ROUT-601", "ROUT-602", "ROUT-603", "ROUT-604", "ROUT-610", "ROUT-025", "CMD-047",
    "CMD-048", "CMD-011", "CMD-005", "CMD-052", "CRED-052",
)  # fmt: skip
async def test_a_command_is_answered_at_once_and_its_result_comes_later(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    where = answer_url(emsp)
    sent = codec.encode(start(where)).replace(
        b'"location_id":', b' "x_vendor" : 1.50,\n"location_id":'
    )
    answer = await command(emsp, sent)
    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    came = await asked(cpo)
    there = told(came)
    assert there.startswith(f"{hub.url}/ocpi/2.2.1/sender/commands/START_SESSION/")
    assert len(there) <= 255
    assert came.body == sent.replace(codec.encode(where), codec.encode(there))
    assert emsp.record.of("commands") == []

    shown = await cpo.call(
        "POST", there, body=RESULT, headers={"X-Correlation-ID": "c9", "X-Request-ID": "r9"}
    )
    assert (shown.code, shown.data) == (1000, None)
    (result,) = emsp.record.of("commands.sender", "POST")
    assert result.body == RESULT
    assert result.path + "?a=b%2Fc" == "/ocpi" + where.partition("/ocpi")[2]
    assert dict(result.query) == {"a": "b/c"}
    assert result.headers["X-Correlation-ID"] == "c9"
    assert result.headers["X-Request-ID"] != "r9"
    assert (result.headers["OCPI-from-party-id"], result.headers["OCPI-to-party-id"]) == (
        "CPO",
        "EM1",
    )
    assert shown.headers["X-Request-ID"] == "r9"
    assert (shown.headers["OCPI-from-party-id"], shown.headers["OCPI-to-party-id"]) == (
        "EM1",
        "CPO",
    )


@pytest.mark.obligation("ROUT-604")
@pytest.mark.parametrize(
    "headers",
    [
        {"OCPI-to-country-code": "FR", "OCPI-to-party-id": "XXX"},
        {"OCPI-to-country-code": "FR"},
        {"OCPI-from-country-code": "FR", "OCPI-from-party-id": "XXX"},
    ],
    ids=["wrong", "half", "forged"],
)
async def test_the_address_decides_whatever_the_headers_say(
    cpo: FakePartner, emsp: FakePartner, headers: dict[str, str]
) -> None:
    await command(emsp, start(answer_url(emsp)))
    there = told(await asked(cpo))
    assert (await cpo.call("POST", there, body=RESULT, headers=headers)).code == 1000
    (result,) = emsp.record.of("commands.sender")
    assert result.headers["OCPI-to-party-id"] == "EM1"
    assert result.headers["OCPI-from-party-id"] == "CPO"


@pytest.mark.obligation("ROUT-604", "ROUT-606")
async def test_only_who_was_asked_may_tell_the_result(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, nsp: FakePartner
) -> None:
    await command(emsp, start(answer_url(emsp)))
    await command(emsp, start(answer_url(emsp)))
    one, two = (told(came) for came in await cpo.received("commands", count=2))
    assert one != two
    for partner, url in (
        (nsp, one),
        (emsp, one),
        (cpo, one[:-1] + ("A" if one[-1] != "A" else "B")),
        (cpo, one.replace("START_SESSION", "STOP_SESSION")),
        (cpo, f"{hub.url}/ocpi/2.2.1/sender/chargingprofiles/{one.rpartition('/')[2]}"),
    ):
        refused = await partner.call("POST", url, body=RESULT)
        assert (refused.http, refused.code) == (404, 2000)
    assert emsp.record.of("commands") == []
    assert (await cpo.call("POST", one, body=RESULT)).code == 1000


@pytest.mark.obligation("ROUT-606")
async def test_a_result_finds_its_way_after_a_restart_of_the_hub(database_url: str) -> None:
    where = {"listen": f"127.0.0.1:{free_port()}"}
    async with fake_partner(CPO="NL-CPO") as cpo, fake_partner(EMSP="DE-EM1") as emsp:
        cpo.answers("commands", RECEIVER, ACCEPTED)
        async with running_house(database_url, server=where) as hub:
            await hub.connect(cpo)
            await hub.connect(emsp)
            await command(emsp, start(answer_url(emsp)))
        there = told(await asked(cpo))
        async with running_house(database_url, server=where):
            assert (await cpo.call("POST", there, body=RESULT)).code == 1000
        (result,) = emsp.record.of("commands.sender")
        assert result.body == RESULT


@pytest.mark.obligation("ROUT-605", "CMD-018", "CMD-021", "CMD-026", "SES-041")
async def test_a_reservation_is_accepted_and_later_cancelled_at_the_same_address(
    cpo: FakePartner, emsp: FakePartner, database_url: str
) -> None:
    body = start(answer_url(emsp), reservation_id="R1", expiry_date="2031-01-01T00:00:00Z")
    await command(emsp, body, "RESERVE_NOW")
    there = told(await asked(cpo))
    for result in ("ACCEPTED", "CANCELED_RESERVATION", "CANCELED_RESERVATION"):
        told_it = await cpo.call("POST", there, body=codec.encode({"result": result}))
        assert told_it.code == 1000
    results = [came.json["result"] for came in emsp.record.of("commands.sender")]
    assert results == ["ACCEPTED", "CANCELED_RESERVATION", "CANCELED_RESERVATION"]
    billed = a_cdr(total_energy=0, total_reservation_cost={"excl_vat": 4.5})
    assert (await cpo.send("POST", "cdrs", body=billed, to="DE-EM1")).code == 1000
    assert emsp.record.of("sessions") == []


async def days_kept(database_url: str) -> float:
    connection = await asyncpg.connect(database_url)
    try:
        return float(
            await connection.fetchval(
                "select extract(epoch from expires_at - now()) / 86400 from callback"
            )
        )
    finally:
        await connection.close()


@pytest.mark.obligation("ROUT-605", "CMD-049")
async def test_an_address_lives_as_long_as_the_reservation_and_the_announced_time(
    cpo: FakePartner, emsp: FakePartner, database_url: str
) -> None:
    cpo.answers("commands", RECEIVER, Reply(data=b'{"result":"ACCEPTED","timeout":864000}'))
    answer = await command(emsp, start(answer_url(emsp)))
    assert answer.data["timeout"] == 864000
    assert 10.9 < await days_kept(database_url) < 11.1


async def sql(database_url: str, statement: str, *arguments: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


@pytest.mark.obligation("ROUT-605")
async def test_when_its_time_is_over_a_result_is_refused_with_a_clear_word(
    cpo: FakePartner, emsp: FakePartner, database_url: str
) -> None:
    await command(emsp, start(answer_url(emsp)))
    there = told(await asked(cpo))
    await sql(database_url, "update callback set expires_at = now() - interval '1 minute'")
    late = await cpo.call("POST", there, body=RESULT)
    assert (late.http, late.code) == (404, 2000)
    assert "over" in late.json["status_message"]
    assert emsp.record.of("commands") == []


@pytest.mark.obligation("ROUT-607")
async def test_who_answers_too_late_may_still_tell_the_result(database_url: str) -> None:
    async with (
        running_house(database_url, delivery={"deadline_s": 0.3}) as hub,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        await hub.connect(cpo)
        await hub.connect(emsp)
        cpo.faults.add(fault.hang(), fault.on(interface="commands.receiver"))
        assert (await command(emsp, start(answer_url(emsp)))).code == 4002
        there = told(await asked(cpo))
        assert (await cpo.call("POST", there, body=RESULT)).code == 1000
        assert [came.body for came in emsp.record.of("commands.sender")] == [RESULT]


@pytest.mark.obligation("ROUT-608", "ROUT-609", "CMD-050")
async def test_nothing_is_tried_again_and_nothing_made_up(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    await command(emsp, start(answer_url(emsp)))
    there = told(await asked(cpo))
    await emsp.server.stop()
    failed = await cpo.call("POST", there, body=RESULT)
    assert (failed.http, failed.code) == (200, 4003)
    await emsp.server.start()
    await cpo.server.stop()
    assert (await command(emsp, start(answer_url(emsp)))).code == 4003
    assert emsp.record.of("commands") == []


@pytest.mark.obligation("ROUT-610")
async def test_a_result_in_an_envelope_is_passed_on_in_its_envelope(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    await command(emsp, start(answer_url(emsp)))
    wrapped = (
        b'{"data":{"result":"ACCEPTED"},"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
    )
    await cpo.call("POST", told(await asked(cpo)), body=wrapped)
    assert [came.body for came in emsp.record.of("commands.sender")] == [wrapped]


@pytest.mark.obligation("ROUT-616", "ROUT-617", "CMD-046")
@pytest.mark.parametrize(
    "where",
    [
        None,
        7,
        "",
        "mine/7",
        "https://elsewhere.example/answers/7",
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1/7",
        "http://user:word@127.0.0.1/7",
        "http://127.0.0.1:1/other/port",
        "{own}" + "x" * 255,
        "{own}/7#fragment",
    ],
)
async def test_a_response_url_that_is_not_the_requesters_own_is_refused_by_name(
    cpo: FakePartner, emsp: FakePartner, where: Any
) -> None:
    if isinstance(where, str):
        where = where.replace("{own}", answer_url(emsp, rest=""))
    refused = await command(emsp, start(where))
    assert (refused.http, refused.code) == (200, 2001)
    assert refused.json["status_message"].startswith("response_url: ")
    for method in ("GET", "DELETE"):
        query = (
            f"duration=900&response_url={quote(str(where), safe='')}" if where else "duration=900"
        )
        refused = await emsp.send(method, "chargingprofiles", f"S1?{query}", to="NL-CPO")
        assert refused.code == 2001
    assert cpo.record.of("commands") == cpo.record.of("chargingprofiles") == []


@pytest.mark.obligation("ROUT-616")
@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"'])
async def test_a_command_without_response_url_is_not_forwarded(
    cpo: FakePartner, emsp: FakePartner, body: bytes
) -> None:
    assert (await command(emsp, body)).code == 2001
    assert cpo.record.of("commands") == []


@pytest.mark.obligation("ROUT-805", "CMD-033", "LOC-069")
@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW"])
async def test_a_command_with_the_token_of_another_provider_is_refused(
    cpo: FakePartner, emsp: FakePartner, name: str
) -> None:
    foreign = start(answer_url(emsp), token=a_token(country_code="DE", party_id="EM2"))
    refused = await command(emsp, foreign, name)
    assert (refused.http, refused.code) == (200, 2001)
    assert "token" in refused.json["status_message"]
    assert cpo.record.of("commands") == []


@pytest.mark.obligation("ROUT-618", "CMD-002")
@pytest.mark.parametrize(
    "name",
    [
        "START_SESSION",
        "STOP_SESSION",
        "RESERVE_NOW",
        "CANCEL_RESERVATION",
        "UNLOCK_CONNECTOR",
        "FOO",
    ],
)
async def test_every_command_is_forwarded_those_by_agreement_too(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, name: str
) -> None:
    assert (await command(emsp, start(answer_url(emsp)), name)).code == 1000
    came = await asked(cpo)
    assert came.segments == (name,)
    assert told(came).startswith(f"{hub.url}/ocpi/2.2.1/sender/commands/{name}/")


@pytest.mark.obligation("CMD-051", "CMD-003", "CMD-013", "CHP-008", "CHP-019")
async def test_commands_are_for_one_operator_and_have_one_method(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    assert (await command(emsp, start(answer_url(emsp)), to="hub")).code == 2001
    assert cpo.record.of("commands") == []
    for side, module, path, methods in (
        (RECEIVER, "commands", "START_SESSION", ("GET", "PUT", "PATCH", "DELETE")),
        (SENDER, "commands", "START_SESSION/1", ("GET", "PUT", "PATCH", "DELETE")),
        (RECEIVER, "chargingprofiles", "S1", ("POST", "PATCH")),
        (SENDER, "chargingprofiles", "S1", ("GET", "PATCH", "DELETE")),
    ):
        for method in methods:
            body = {} if method in {"PUT", "PATCH", "POST"} else None
            refused = await emsp.send(method, module, path, side=side, body=body, to="NL-CPO")
            assert (refused.http, refused.code) == (405, 2000)


@pytest.mark.obligation("ROUT-611", "ROUT-613", "CHP-013", "CHP-020", "CHP-010", "CHP-040")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_three_requests_for_charging_profiles_and_their_results(
    hub: Hub, cpo: FakePartner, emsp: FakePartner, method: str
) -> None:
    where = answer_url(emsp, "chargingprofiles", "/done?id=1&x=a%20b")
    if method == "PUT":
        body = {"charging_profile": {"charging_rate_unit": "A"}, "response_url": where}
        answer = await emsp.send(method, "chargingprofiles", "S1", body=body, to="NL-CPO")
    else:
        query = f"duration=900&response_url={quote(where, safe='')}&more=1"
        answer = await emsp.send(method, "chargingprofiles", f"S1?{query}", to="NL-CPO")
    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    came = await asked(cpo, "chargingprofiles.receiver")
    assert (came.method, came.segments) == (method, ("S1",))
    if method == "PUT":
        there = told(came)
        assert came.json["charging_profile"] == {"charging_rate_unit": "A"}
    else:
        there = came.query["response_url"]
        assert (came.query["duration"], came.query["more"]) == ("900", "1")
    assert there.startswith(f"{hub.url}/ocpi/2.2.1/sender/chargingprofiles/")
    result = b'{"result":"ACCEPTED","profile":{"start_date_time":"2026-01-01T00:00:00Z"}}'
    shown = await cpo.call("POST", there, body=result)
    assert (shown.code, shown.data) == (1000, None)
    (told_it,) = emsp.record.of("chargingprofiles.sender", "POST")
    assert told_it.body == result
    assert dict(told_it.query) == {"id": "1", "x": "a b"}


@pytest.mark.obligation("ROUT-612", "CHP-009")
async def test_a_response_url_that_nobody_encoded_is_understood_and_sent_on_encoded(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    where = answer_url(emsp, "chargingprofiles", "/x?id=1&b=2")
    url = emsp.known_peer.url("chargingprofiles", RECEIVER)
    for query in (f"duration=900&response_url={where}", f"response_url={where}&duration=900"):
        raw = await emsp.client.call(
            "GET",
            URL(f"{url}/S1?{query}", encoded=True),
            emsp.known_peer.token,
            to=cpo.party,
            sender=emsp.party,
        )
        assert raw.code == 1000
    for came in await cpo.received("chargingprofiles", count=2):
        assert came.query["duration"] == "900"
        there = came.query["response_url"]
        assert there.startswith(f"{hub.url}/ocpi/2.2.1/sender/chargingprofiles/")
        assert "b" not in came.query
        await cpo.call("POST", there, body=b'{"result":"ACCEPTED"}')
    assert [dict(each.query) for each in emsp.record.of("chargingprofiles", "POST")] == [
        {"id": "1", "b": "2"}
    ] * 2


@pytest.mark.obligation("ROUT-614", "CHP-026")
async def test_a_changed_profile_is_told_to_its_setter_by_plain_routing(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    body = (
        b'{"start_date_time":"2026-01-01T00:00:00Z", "charging_profile":{"charging_rate_unit":"W"}}'
    )
    answer = await cpo.send("PUT", "chargingprofiles", "S1", side=SENDER, body=body, to="DE-EM1")
    assert (answer.code, answer.data) == (1000, None)
    (came,) = emsp.record.of("chargingprofiles.sender", "PUT")
    assert (came.body, came.segments) == (body, ("S1",))


@pytest.mark.obligation("ROUT-615", "CHP-040", "CHP-041")
async def test_a_smart_charging_provider_speaks_to_the_emsp_and_the_emsp_to_the_operator(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(SCSP="FR-SCS") as scsp:
        await hub.connect(scsp)
        emsp.serve("chargingprofiles", RECEIVER, _says(ACCEPTED))
        await emsp.rotate()
        mine = answer_url(scsp, "chargingprofiles", "/scsp")
        body = {"charging_profile": {"charging_rate_unit": "A"}, "response_url": mine}
        await scsp.send("PUT", "chargingprofiles", "S1", body=body, to="DE-EM1")
        first = await asked(emsp, "chargingprofiles.receiver")
        assert cpo.record.of("chargingprofiles") == []
        theirs = body | {"response_url": answer_url(emsp, "chargingprofiles", "/emsp")}
        await emsp.send("PUT", "chargingprofiles", "CPO-S1", body=theirs, to="NL-CPO")
        second = await asked(cpo, "chargingprofiles.receiver")
        await cpo.call("POST", told(second), body=b'{"result":"ACCEPTED"}')
        assert scsp.record.of("chargingprofiles") == []
        (result,) = emsp.record.of("chargingprofiles.sender")
        await emsp.call("POST", told(first), body=result.body)
        (last,) = scsp.record.of("chargingprofiles.sender")
        assert (last.path.rpartition("/")[2], last.body) == ("scsp", b'{"result":"ACCEPTED"}')


def _says(reply: Reply) -> Any:
    async def handler(_: Received) -> Reply:
        return reply

    return handler


async def test_a_command_that_could_not_be_noted_is_not_sent(
    cpo: FakePartner, emsp: FakePartner, database_url: str
) -> None:
    await sql(database_url, "alter table callback rename to gone")
    refused = await command(emsp, start(answer_url(emsp)))
    assert (refused.http, refused.code) == (200, 3000)
    assert cpo.record.of("commands") == []


@pytest.mark.obligation("ROUT-508")
async def test_a_result_for_who_has_moved_goes_nowhere(
    cpo: FakePartner, emsp: FakePartner, database_url: str
) -> None:
    await command(emsp, start(answer_url(emsp)))
    there = told(await asked(cpo))
    async with fake_partner(EMSP="DE-EM9") as stranger:
        moved = "update callback set response_url = $1"
        await sql(database_url, moved, answer_url(stranger))
        failed = await cpo.call("POST", there, body=RESULT)
        assert (failed.http, failed.code) == (200, 4003)
        assert stranger.record.of("commands") == emsp.record.of("commands") == []


async def test_a_result_for_who_has_left_is_refused(cpo: FakePartner, emsp: FakePartner) -> None:
    await command(emsp, start(answer_url(emsp)))
    there = told(await asked(cpo))
    await emsp.unregister()
    failed = await cpo.call("POST", there, body=RESULT)
    assert (failed.http, failed.code) == (200, 4003)
    assert emsp.record.of("commands") == []


async def test_who_speaks_an_older_version_gets_its_address_below_that_version(
    hub: Hub, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="BE-CP2", version="2.2") as older:
        await hub.connect(older)
        older.answers("commands", RECEIVER, ACCEPTED)
        assert (await command(emsp, start(answer_url(emsp)), to="BE-CP2")).code == 1000
        there = told(await asked(older))
        assert there.startswith(f"{hub.url}/ocpi/2.2/sender/commands/START_SESSION/")
        assert (await older.call("POST", there, body=RESULT)).code == 1000
        assert [came.body for came in emsp.record.of("commands.sender")] == [RESULT]
