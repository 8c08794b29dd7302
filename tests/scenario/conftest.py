"""A whole hub in this process for every scenario that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.hub import Hub, running_house


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url) as running:
        yield running
