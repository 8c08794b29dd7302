"""Partners that differ from the text: the operator says how, and the hub speaks to them so."""

from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator.record import Received
from tests.build import a_cdr, a_location, an_evse
from tests.fake_partner import RECEIVER, FakePartner, fake_partner
from tests.hub import Hub, eventually

LATER = "2026-02-01T00:00:00Z"


@pytest.mark.obligation("TR-009", "TR-067")
async def test_one_partner_is_spared_what_it_cannot_bear_and_all_others_get_the_original(
    hub: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(EMSP="FR-EM2") as odd:
        quirks = {"known_members": True, "put_only": True, "trailing_slash": True}
        platform = await hub.connect(odd, **quirks)
        shown = (await hub.admin("GET", f"/platforms/{platform}"))["quirks"]
        assert shown == shown | quirks
        await cpo.put(a_location(evses=1) | {"x_vendor": {"a": 1}})
        change = {"status": "CHARGING", "last_updated": LATER, "x_meter": 7}
        assert (await cpo.patch(a_location(), change, "E1")).code == 1000
        _, patch = await emsp.received("locations.receiver", count=2)
        assert (patch.method, patch.json) == ("PATCH", change)
        first, second = await odd.received("locations.receiver", "PUT", count=2)
        assert first.json == a_location(evses=1)
        assert second.json == an_evse("E1", status="CHARGING", last_updated=LATER)
        assert second.path.endswith("/NL/CPO/LOC1/E1/")
        assert odd.record.of("locations.receiver", "PATCH") == []

        session = {"country_code": "NL", "party_id": "CPO", "id": "S1", "x_vendor": 1}

        async def relayed() -> Received:
            answer = await cpo.send("PUT", "sessions", "NL/CPO/S1", body=session, to="FR-EM2")
            assert answer.code == 1000
            came = odd.record.of("sessions.receiver", "PUT")[-1]
            assert came.json == session, "what is only passed on is never touched"
            return came

        came = await relayed()
        assert came.path.endswith("/NL/CPO/S1/")
        assert came.headers["Authorization"] != f"Token {odd.tokens.current}"
        changed = {"quirks": {"trailing_slash": False, "raw_token": True}}
        await hub.admin("PATCH", f"/platforms/{platform}", changed)
        came = await relayed()
        assert came.path.endswith("/NL/CPO/S1")
        assert came.headers["Authorization"] == f"Token {odd.tokens.current}"


async def test_a_partner_that_puts_ids_right_behind_endpoints_gets_them_with_a_slash(
    hub: Hub, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="NL-CPO") as odd:
        await hub.connect(odd, slashed_endpoints=True)
        urls = odd.known_peer.endpoints.values()
        assert all(url.endswith("/") for url in urls)
        assert not any(url.endswith("/") for url in emsp.known_peer.endpoints.values())
        url = odd.known_peer.url("locations", RECEIVER) + "NL/CPO/LOC1"
        assert (await odd.call("PUT", url, body=codec.encode(a_location()))).code == 1000
        assert (await emsp.received("locations.receiver", "PUT"))[0].json == a_location()
        cdrs = odd.known_peer.url("cdrs", RECEIVER)
        assert (await odd.call("POST", cdrs, body=codec.encode(a_cdr()), to=emsp.party)).ok
        await odd.rotate()


@pytest.mark.obligation("LOC-125")
async def test_what_a_partner_has_to_mend_is_summed_up_for_the_operator(
    hub: Hub, cpo: FakePartner
) -> None:
    platforms = (await hub.admin("GET", "/platforms"))["items"]
    platform = next(each["id"] for each in platforms if each["roles"][0]["party_id"] == "CPO")
    for number in range(3):
        location = a_location(id=f"LOC{number}", parking_type="MOON")
        answer = await cpo.put(location, headers={"Content-Type": "text/plain"})
        assert answer.code == 1000
    found: dict[str, Any] = {}

    async def counted() -> bool:
        listed = await hub.admin("GET", f"/platforms/{platform}/findings")
        found.update({item["rule"]: item for item in listed["items"]})
        return "LOC-125" in found and found["LOC-125"]["count"] == 3

    await eventually(counted)
    status, message = await hub.call("GET", found["LOC-125"]["message_url"])
    assert status == 200
    assert any("MOON" in finding for finding in message["findings"])
