"""A few connections for the hot statements, whose plans do not depend on the values sent.

PostgreSQL plans a statement anew for each array length and limit, since that looks cheaper to it:
planning took 0.3 to 0.7 ms where running it takes 0.05. These statements have one good plan, so
their sessions are told to keep it.
"""

import asyncio

from ocpi_hub.storage.database import Database

_SETTINGS = {"plan_cache_mode": "force_generic_plan"}


class Steady:
    """Opens on first use; `close` it."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._opening = asyncio.Lock()
        self._database: Database | None = None

    async def database(self) -> Database:
        if self._database is None:
            async with self._opening:
                if self._database is None:
                    self._database = await Database.open(
                        self._url, size=self._size, settings=_SETTINGS
                    )
        return self._database

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()
            self._database = None
