"""What the hub makes of a partner's versions and their details."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator import fault
from ocpi_hub.storage.database import Database
from tests.fake_partner import FakePartner, fake_partner
from tests.inbound_house import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


@pytest.fixture
async def cpo() -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        yield partner


def versions(partner: FakePartner, *numbers: str) -> fault.Fault:
    """Says that the partner speaks these."""
    base = partner.versions_url.removesuffix("/versions")
    listed = [{"version": each, "url": f"{base}/{each}"} for each in numbers]
    return fault.says(codec.encode(listed))


@pytest.mark.obligation("VER-010")
@pytest.mark.parametrize("who", ["the partner", "the hub"])
async def test_what_is_not_understood_in_a_partners_versions_is_passed_over(
    house: House, cpo: FakePartner, who: str
) -> None:
    platform, token_a = await house.invite(cpo)
    base = cpo.versions_url.removesuffix("/versions")
    endpoints = [
        {"identifier": module, "role": role, "url": f"{base}/2.2.1/{role.lower()}/{module}"}
        for module in ("locations", "nltnm-tokens", "credentials")
        for role in ("SENDER", "RECEIVER", "OBSERVER")
        if (module, role) != ("credentials", "OBSERVER")
    ]
    for endpoint in endpoints[-2:]:
        endpoint["url"] = f"{base}/2.2.1/credentials"
    details = {"version": "2.2.1", "endpoints": endpoints, "x_more": 1}
    cpo.faults.add(versions(cpo, "2.1.1", "2.2.1", "2.3.0", "9.9"), fault.on(interface="versions"))
    cpo.faults.add(fault.says(codec.encode(details)), fault.on(interface="details"))
    if who == "the hub":
        await house.registrar.register(platform, cpo.versions_url, cpo.issue_token_a())
    else:
        await cpo.register(house.versions_url, token_a)
    known = house.platforms.directory().platforms[platform]
    assert (known.registered, known.version) == (True, "2.2.1")
    for role in (InterfaceRole.SENDER, InterfaceRole.RECEIVER):
        found = known.endpoint("locations", role)
        assert found is not None
        assert found.url == f"{base}/2.2.1/{role.lower()}/locations"


@pytest.mark.obligation("VER-013")
@pytest.mark.parametrize("numbers", [("2.1.1", "2.2.1"), ("2.2", "2.2.1", "2.1.1"), ("9.9", "2.2")])
async def test_the_hub_chooses_the_newest_version_that_both_sides_speak(
    house: House, cpo: FakePartner, numbers: tuple[str, ...]
) -> None:
    newest = max(each for each in numbers if each in {"2.2", "2.2.1"})
    cpo.version = newest
    platform, _ = await house.invite(cpo)
    cpo.faults.add(versions(cpo, *numbers), fault.on(interface="versions"))
    known = await house.registrar.register(platform, cpo.versions_url, cpo.issue_token_a())
    assert known.version == newest
    asked = [each.path for each in cpo.record.requests if each.interface == "details"]
    assert asked == [f"/ocpi/{newest}"]
