"""Partners that register again in the middle of traffic, and two that chose the same ids."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.simulator.server import Reply
from tests.build import a_cdr, a_location, a_token, an_evse
from tests.chaos import connect, traffic
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, eventually

TIMES = 20
WILLING = Reply(data=b'{"result":"ACCEPTED","timeout":30}')


@pytest.mark.timeout(60)
@pytest.mark.obligation("CRED-001", "CRED-023", "CRED-028", "ROUT-214")
async def test_a_partner_that_registers_again_in_the_middle_of_traffic_hurts_nobody(
    hub: Hub,
) -> None:
    async with traffic() as made:
        await connect(hub, made)
        _, two = made.providers
        platforms = (await hub.admin("GET", "/platforms"))["items"]
        name = two.partner.name
        platform = next(each["id"] for each in platforms if each["name"] == name)

        async def goes_on(kind: str, by: int) -> None:
            wanted = made.done(kind) + by
            await eventually(lambda: _at_least(made.done(kind), wanted), 30)

        made.start("before")
        await goes_on("relay EM2", 20)
        two.mute = True
        await two.partner.unregister()
        await goes_on("relay EM1", 20)
        again = await hub.admin("POST", f"/platforms/{platform}/registration-token")
        await two.partner.register(hub.versions_url, again["token"])
        two.mute = False
        made.word = "after"
        await goes_on("relay EM2", 20)
        await two.partner.rotate()
        await goes_on("relay EM2", 20)
        await made.stop()

        assert made.turned() == made.doubled() == []
        assert made.untold() == set()
        assert made.codes("relay EM1") == made.codes("push") == made.codes("result") == {1000}
        assert made.codes("relay EM2") <= {1000, 4003, 4000}
        two.mute = True
        await made.arrived()  # all at who stayed
        two.mute = False
        made.accepted = {thing: at for thing, at in made.accepted.items() if "after" in thing[0]}
        await made.arrived()  # and at who came back, what came since


async def _at_least(count: int, wanted: int) -> bool:
    return count >= wanted


@pytest.mark.obligation("ROUT-409", "ROUT-604")
async def test_two_operators_with_the_same_ids_are_never_taken_for_one_another(
    hub: Hub, emsp: FakePartner
) -> None:
    """Locations, EVSEs, CDRs, commands and request ids: all alike, sent at the same time."""
    async with fake_partner(CPO="NL-AAA") as first, fake_partner(CPO="BE-AAA") as second:
        operators = (first, second)
        for partner in operators:
            partner.answers("commands", RECEIVER, WILLING)
            await hub.connect(partner)
        await asyncio.gather(*(_push(partner) for partner in operators))
        for partner in operators:
            await emsp.record.until(lambda partner=partner: _name(emsp, partner) == _last(partner))  # type: ignore[misc] # bound now
        assert len(list(emsp.copy)) == 2
        assert (await emsp.get("locations", "L1")).code == 2001

        bill = a_cdr(id="C1") | {"country_code": "NL", "party_id": "AAA"}
        sent = [
            partner.send(
                "POST", "cdrs", body=bill | {"country_code": partner.party.country_code},
                to=emsp.party, headers={"X-Request-ID": "r1", "X-Correlation-ID": "c1"},
            )
            for partner in operators
        ]  # fmt: skip
        assert [answer.code for answer in await asyncio.gather(*sent)] == [1000, 1000]
        bills = emsp.record.of("cdrs.receiver", "POST")
        assert {each.json["country_code"] for each in bills} == {"NL", "BE"}
        assert {each.headers["OCPI-from-country-code"] for each in bills} == {"NL", "BE"}

        command = {
            "response_url": emsp.url("commands", SENDER) + "/7",
            "token": a_token(country_code="DE", party_id="EM1"),
            "location_id": "L1",
        }
        guess = await emsp.send("POST", "commands", "START_SESSION", body=command, to=None)
        assert guess.code == 4001
        for partner in operators:
            await emsp.send("POST", "commands", "START_SESSION", body=command, to=partner.party)
        urls = [
            partner.record.of("commands.receiver", "POST")[0].json["response_url"]
            for partner in operators
        ]
        assert len(set(urls)) == 2
        stolen = await first.call("POST", urls[1], body=b'{"result":"ACCEPTED"}')
        assert stolen.http == 404
        for partner, url in zip(operators, urls, strict=True):
            assert (await partner.call("POST", url, body=b'{"result":"ACCEPTED"}')).code == 1000
        results = emsp.record.of("commands.sender", "POST")
        assert [each.headers["OCPI-from-country-code"] for each in results] == ["NL", "BE"]


async def _push(partner: FakePartner) -> None:
    """The same Location, again and again, and its EVSE."""
    for number in range(TIMES):
        at = format_datetime(datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=number))
        owner = {"country_code": partner.party.country_code, "party_id": "AAA"}
        name = f"{partner.party.country_code} {number}"
        evses = [an_evse("E1", last_updated=at)]
        location = a_location() | owner | {"id": "L1", "name": name, "last_updated": at}
        assert (await partner.put(location | {"evses": evses})).code == 1000
        status = {"status": "CHARGING", "physical_reference": name, "last_updated": at}
        assert (await partner.patch(location, status, "E1")).code == 1000


def _last(partner: FakePartner) -> tuple[str, str]:
    name = f"{partner.party.country_code} {TIMES - 1}"
    return name, name


def _name(emsp: FakePartner, partner: FakePartner) -> tuple[str, str] | None:
    held = emsp.copy.one(partner.party, "L1")
    return held and (held["name"], held["evses"][0].get("physical_reference", ""))
