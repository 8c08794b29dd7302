"""A whole hub in this process, and folders for hubs that bring their own database."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, running_house


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url) as running:
        yield running


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that the account of root's embedded server can reach (pytest's cannot)."""
    folder = Path(tempfile.mkdtemp(prefix="ocpi-hub-scenario-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        await hub.connect(partner)
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(EMSP="DE-EM1") as partner:
        await hub.connect(partner)
        yield partner


@pytest.fixture
async def nsp(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(NSP="FR-NV1") as partner:
        await hub.connect(partner)
        yield partner
