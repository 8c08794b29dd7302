"""The table as an aiohttp application: access, reading, handler, audit, answer, in this order."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from ocpi_hub.admin.access import Access
from ocpi_hub.admin.door import Ask, Door, Reply, Row
from ocpi_hub.admin.problem import Problem
from ocpi_hub.admin.reading import read
from ocpi_hub.admin.table import ROWS
from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.platforms import Conflict, Unknown
from ocpi_hub.modules.registrar import RegistrationFailed
from ocpi_hub.ops.logging import mask

log = structlog.get_logger("admin")

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Answers hold tokens and states of partners: nobody between may keep them.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
AGAIN = {"Retry-After": "5"}
AWAY = (OSError, TimeoutError)


def application(
    door: Door,
    access: Access,
    *,
    max_body: int = 1024**2,
    body_timeout_s: float = 15,
    unavailable: tuple[type[Exception], ...] = AWAY,
) -> web.Application:
    """The door, to be mounted at /admin/v1 by `add_subapp`.

    `unavailable`: what storage raises while its database is away; answered by 503.
    """
    door_app = web.Application(middlewares=[_problems(unavailable), _unrouted(access)])
    for row in ROWS:
        endpoint = _endpoint(row, door, access, max_body, body_timeout_s)
        door_app.router.add_route(row.method, row.path + r"{slash:/?}", endpoint)
    return door_app


def guarded(access: Access, scope: Scope, endpoint: Endpoint) -> Endpoint:
    """Another room's endpoint (`/metrics`) behind a key with `scope`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            access.require(request, scope)
        except Problem as problem:
            return problem.response()
        return await endpoint(request)

    return answer


def _problems(unavailable: tuple[type[Exception], ...]) -> Middleware:
    """Every failure as a problem; what nobody expected is logged and told without its inside."""

    @web.middleware
    async def problems(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        try:
            return await handler(request)
        except unavailable as error:
            log.warning("admin.unavailable", error=repr(error))
            answer = Problem(503, "the hub cannot do this now", headers=AGAIN).response()
        except Exception as error:  # noqa: BLE001 - the last one to see it answers
            answer = _problem(error).response()
        answer.headers.update(HEADERS)
        return answer

    return problems


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            found = error
        case Unknown():
            found = Problem(404, str(error) or "there is no such thing")
        case Conflict():
            found = Problem(409, str(error))
        case RegistrationFailed():
            found = Problem(502, mask(str(error)), step=error.step)
        case web.HTTPException():
            found = Problem(error.status, error.reason, headers=_allow(error))
        case _:
            log.error("admin.failed", exc_info=error)
            found = Problem(500, "the hub failed; its log tells why")
    return found


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


def _unrouted(access: Access) -> Middleware:
    """Who shows no key does not even learn which paths there are."""

    @web.middleware
    async def unrouted(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        if (error := request.match_info.http_exception) is not None:
            access.key(request)
            if error.status == HTTPStatus.NOT_FOUND:
                raise Problem(404, "there is no such path")
        return await handler(request)

    return unrouted


def _endpoint(
    row: Row, door: Door, access: Access, max_body: int, body_timeout_s: float
) -> Endpoint:
    async def answer(request: web.Request) -> web.Response:
        actor = access.require(request, row.scope)
        question = await read(request, row.question, max_body, body_timeout_s)
        ask = Ask(actor, request.match_info.get("id", ""), question)
        reply = await _handled(row, door, ask, access.address(request))
        return _response(row, reply)

    return answer


async def _handled(row: Row, door: Door, ask: Ask[Any], address: str) -> Reply:
    """Run the handler; a write, and an attempt that a partner failed, go to the audit log."""
    actor = f"{ask.actor.id} {ask.actor.name}"
    try:
        reply = await row.handler(door, ask)
    except RegistrationFailed as error:
        step = {"step": error.step}
        await door.audit.record(actor, address, f"{row.action}:failed", ask.id, step)
        raise
    if row.action:
        await door.audit.record(actor, address, row.action, reply.target, reply.details)
    return reply


def _response(row: Row, reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=row.status, headers=HEADERS)
    body = msgspec.json.encode(reply.body)
    return web.Response(
        status=row.status, body=body, content_type="application/json", headers=HEADERS
    )
