"""A CPO with 250 stations, an eMSP that it pushes to, an NSP that pulls from it: no hub between."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.nsp import Nsp
from ocpi_hub.simulator.stations import generate
from tests.fake_partner import FakePartner, fake_partner


@pytest.fixture
async def cpo() -> AsyncIterator[Cpo]:
    stations = generate(250, PartyRef("NL", "CPO"), "A CPO")
    async with Cpo("cpo", stations, meter=LagMeter()) as platform:
        yield platform


@pytest.fixture
async def emsp(cpo) -> AsyncIterator[Emsp]:
    async with Emsp("emsp", PartyRef("DE", "EMP"), cpo.meter) as platform:
        await cpo.register(platform.versions_url, platform.issue_token_a())
        yield platform


@pytest.fixture
async def nsp(cpo) -> AsyncIterator[Nsp]:
    async with Nsp("nsp", PartyRef("FR", "NAV")) as platform:
        await platform.register(cpo.versions_url, cpo.issue_token_a())
        yield platform


@pytest.fixture
async def provider() -> AsyncIterator[Emsp]:
    async with Emsp("Fahrstrom", PartyRef("DE", "EMP"), customers=3) as platform:
        yield platform


@pytest.fixture
async def charger(provider) -> AsyncIterator[FakePartner]:
    """A CPO whose every word a test can choose, registered at the provider."""
    async with fake_partner(CPO="NL-CPO") as platform:
        await platform.register(provider.versions_url, provider.issue_token_a())
        yield platform


@pytest.fixture
async def asker(cpo) -> AsyncIterator[FakePartner]:
    """Two eMSPs on a platform whose every word a test can choose; the CPO registered there."""
    async with fake_partner(EMSP="DE-EMP FR-EM2") as platform:
        await cpo.register(platform.versions_url, platform.issue_token_a())
        yield platform
