"""Broadcast deliveries to 20 receivers beside a bare aiohttp client; see bench_delivery."""

import asyncio
from collections.abc import Callable

from tests.bench import bench_delivery
from tests.bench.row import Row


async def main(say: Callable[[str], None], *, quick: bool) -> list[Row]:
    say(f"{bench_delivery.RECEIVERS} receivers")
    return await asyncio.to_thread(bench_delivery.main, quick=quick)
