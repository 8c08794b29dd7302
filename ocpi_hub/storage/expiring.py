"""Deleting what is out of date, in slices: no statement holds many rows, or the disk, for long."""

import asyncio
from typing import Any

from ocpi_hub.storage.database import Database

SLICE = 5000


async def expire(database: Database, query: str, *arguments: Any) -> int:
    """Run a delete whose last argument limits its rows until it finds no full slice; how many."""
    deleted = 0
    while True:
        tag = await database.execute(query, *arguments, SLICE)
        rows = int(tag.rpartition(" ")[2])
        deleted += rows
        if rows < SLICE:
            return deleted
        await asyncio.sleep(0.1)
