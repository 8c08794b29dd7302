"""An operator in front of the door."""

import pytest
from admin_desk import Desk, opened


@pytest.fixture
async def desk(aiohttp_client) -> Desk:
    return await opened(aiohttp_client)
