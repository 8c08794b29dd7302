"""Many partners in one process, each with a party and a port of its own.

crowd COUNT COUNTRY ROLE MODULES    party ids are P00, P01 and so on
"""

import asyncio
import json
import sys

import uvloop
from aiohttp import web

from tests.bench.partner import partner


async def crowd(count: int, country: str, role: str, modules: list[list[str]]) -> None:
    runners = []
    for number in range(count):
        app = partner([[country, f"P{number:02}", role]], modules)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
    ports = [runner.addresses[0][1] for runner in runners]
    print(json.dumps({"port": ports[0], "ports": ports}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await asyncio.gather(*(runner.cleanup() for runner in runners))


if __name__ == "__main__":
    _, count, country, role, modules = sys.argv
    uvloop.run(crowd(int(count), country, role, json.loads(modules)))
