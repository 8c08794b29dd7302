"""The scenarios' partners, talking to each other."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.v2_2_1.locations import Location
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.server import Reply
from tests.build import a_location, a_tariff, as_bytes
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner, party

NL_CPO = party("NL-CPO")


@pytest.fixture
async def cpo() -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO NL-CP2") as partner:
        yield partner


@pytest.fixture
async def emsp(cpo) -> AsyncIterator[FakePartner]:
    async with fake_partner(EMSP="DE-EMP") as partner:
        await cpo.register(partner.versions_url, partner.issue_token_a())
        yield partner


def test_built_objects_are_valid():
    Location.model_validate(a_location(evses=3, name=None, related_locations=[]))


async def test_what_is_put_arrives_with_its_headers_and_bytes(cpo, emsp):
    location = a_location(id="LOC 1/2")
    assert (await cpo.put(location)).http == 201
    [put] = await emsp.received("locations", "PUT")
    assert put.body == as_bytes(location)
    assert put.segments == ("NL", "CPO", "LOC 1/2")
    assert put.headers["OCPI-from-party-id"] == "CPO"
    assert put.headers["OCPI-to-party-id"] == "EMP"


async def test_a_scenario_chooses_sender_receiver_and_bytes(cpo, emsp):
    await cpo.send("PUT", "tariffs", "NL/CP2/T1", body=b"{ ]", to="FR-XXX", sender="NL-CP2")
    await cpo.send("PUT", "tariffs", "NL/CPO/T1", body=a_tariff(), to=None)
    first, second = await emsp.received("tariffs.receiver", count=2)
    assert first.body == b"{ ]"
    assert (first.headers["OCPI-to-party-id"], first.headers["OCPI-from-party-id"]) == (
        "XXX",
        "CP2",
    )
    assert "OCPI-to-party-id" not in second.headers
    assert emsp.tariffs.held[NL_CPO, "T1"] == codec.decode(as_bytes(a_tariff()))


async def test_a_patch_goes_to_its_evse(cpo, emsp):
    location = a_location()
    await cpo.put(location)
    changes = {"status": "CHARGING", "last_updated": "2026-02-01T00:00:00Z"}
    assert (await cpo.patch(location, changes, "E2")).ok
    assert [evse["status"] for evse in emsp.copy.one(NL_CPO, "LOC1")["evses"]] == [
        "AVAILABLE",
        "CHARGING",
    ]


async def test_a_partner_answers_what_it_is_told(cpo, emsp):
    cpo.answers("sessions", SENDER, Reply(b"[]", headers={"X-Total-Count": "0"}))
    answer = await emsp.get("sessions")
    assert (answer.data, answer.headers["X-Total-Count"]) == ([], "0")
    cpo.faults.add(fault.code(3000), fault.on("GET", "sessions.sender"))
    assert (await emsp.get("sessions")).code == 3000


async def test_details_list_what_is_offered(cpo, emsp):
    assert emsp.known_peer.url("tokens", RECEIVER).endswith("/receiver/tokens")
    with pytest.raises(LookupError):
        emsp.known_peer.url("locations", RECEIVER)


async def test_roles_are_agreed_as_they_are_announced(cpo, emsp):
    assert [role["party_id"] for role in cpo.agreed_roles] == ["CPO", "CP2"]
    assert [role["party_id"] for role in emsp.known_peer.roles] == ["CPO", "CP2"]
