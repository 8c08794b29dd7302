"""A partner that costs as little as one can: bare aiohttp, says yes to everything.

    partner ROLES MODULES    such as [["NL", "CPO", "CPO"]] [["sessions", "RECEIVER"]]

The hub registers with it; GET /token tells the token that the hub gave.
"""

import json
import sys
from typing import Any

import uvloop
from aiohttp import web

from tests.bench.process import serve

TOKEN_A = "token-a-of-the-partner"
_ECHOED = ("X-Request-ID", "X-Correlation-ID")


def _answer(request: web.Request, data: Any = None) -> web.Response:
    body = {"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}
    if data is not None:
        body["data"] = data
    echoed = {name: request.headers[name] for name in _ECHOED if name in request.headers}
    return web.Response(
        body=json.dumps(body).encode(), content_type="application/json", headers=echoed
    )


def partner(roles: list[list[str]], modules: list[list[str]]) -> web.Application:
    held = {"token": ""}

    async def versions(request: web.Request) -> web.Response:
        return _answer(request, [{"version": "2.2.1", "url": f"{request.url.origin()}/2.2.1"}])

    async def details(request: web.Request) -> web.Response:
        base = request.url.origin()
        endpoints = [["credentials", "SENDER"], *modules]
        return _answer(
            request,
            {
                "version": "2.2.1",
                "endpoints": [
                    {"identifier": module, "role": role, "url": f"{base}/{module}"}
                    for module, role in endpoints
                ],
            },
        )

    async def credentials(request: web.Request) -> web.Response:
        held["token"] = (await request.json())["token"]
        return _answer(
            request,
            {
                "token": "token-c-of-the-partner",
                "url": f"{request.url.origin()}/versions",
                "roles": [
                    {
                        "country_code": country,
                        "party_id": party,
                        "role": role,
                        "business_details": {"name": f"{party} {role}"},
                    }
                    for country, party, role in roles
                ],
            },
        )

    async def token(_: web.Request) -> web.Response:
        return web.json_response(held)

    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return _answer(request)

    app = web.Application()
    app.router.add_get("/versions", versions)
    app.router.add_get("/2.2.1", details)
    app.router.add_post("/credentials", credentials)
    app.router.add_get("/token", token)
    app.router.add_route("*", "/{path:.*}", accept)
    return app


if __name__ == "__main__":
    uvloop.run(serve(partner(json.loads(sys.argv[1]), json.loads(sys.argv[2]))))
