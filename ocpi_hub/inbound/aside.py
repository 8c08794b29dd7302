"""What takes long is done in a thread, so that everybody else goes on meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

LARGE: Final = 16 * 1024  # bytes of a body; a list of this size takes 3 ms, at worst 30


async def aside(work: Callable[..., T], body: bytes, *rest: Any) -> T:
    """What `work` makes of a body."""
    if len(body) <= LARGE:
        return work(body, *rest)
    return await asyncio.to_thread(work, body, *rest)
