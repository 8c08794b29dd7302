"""The floors: the least that aiohttp and asyncpg can do for the same work, nothing else.

floor page FILE      a list of pages from memory
floor relay URL      a proxy hop to URL
floor patch DATABASE a transaction that updates one row
"""

import json
import pickle
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import uvloop
from aiohttp import web

from tests.bench.process import serve

POOL = 16
OK = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
TABLE = "bare_evse"
_PASSED = (
    "Content-Type", "X-Request-ID", "X-Correlation-ID", "OCPI-to-country-code", "OCPI-to-party-id",
    "OCPI-from-country-code", "OCPI-from-party-id",
)  # fmt: skip
_UPDATE = f"update {TABLE} set body = $3, last_updated = $4 where location = $1 and uid = $2"  # noqa: S608 - a constant


def page(file: str) -> web.Application:
    pages = pickle.loads(Path(file).read_bytes())  # noqa: S301 - written by the benchmark

    async def handle(request: web.Request) -> web.Response:
        body = pages[int(request.query["offset"]) // int(request.query["limit"])]
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/locations", handle)
    return app


def relay(url: str) -> web.Application:
    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
            app["session"] = opened
            yield

    async def handle(request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in _PASSED}
        headers["Authorization"] = "Token c2VjcmV0"
        body = await request.read()
        async with request.app["session"].request(
            request.method, url + request.path, data=body, headers=headers
        ) as answer:
            passed = {name: answer.headers[name] for name in _PASSED[:3]}
            return web.Response(body=await answer.read(), status=answer.status, headers=passed)

    app = web.Application(client_max_size=2**20)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def patch(database: str) -> web.Application:
    async def pool(app: web.Application) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database, min_size=POOL, max_size=POOL) as opened:
            app["pool"] = opened
            yield

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        updated = json.loads(body)["last_updated"]
        key = int(request.match_info["location"]), request.match_info["uid"]
        async with request.app["pool"].acquire() as connection:
            tag = await connection.execute(_UPDATE, *key, body, updated)
        if tag != "UPDATE 1":
            raise web.HTTPNotFound
        return web.Response(body=OK, content_type="application/json")

    app = web.Application()
    app.cleanup_ctx.append(pool)
    app.router.add_patch("/{location}/{uid}", handle)
    return app


if __name__ == "__main__":
    _, kind, argument = sys.argv
    uvloop.run(serve({"page": page, "relay": relay, "patch": patch}[kind](argument)))
