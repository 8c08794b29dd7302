"""Is the process alive, can it work, how does it do: `/healthz`, `/readyz`, `/metrics`.

Checks are injected; each says in a few words what it found, or raises. Answers to strangers name
which check failed and the kind of failure, never its text: that may hold addresses and goes to
the log.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from aiohttp import web

log = structlog.get_logger("ops")

DEADLINE_S = 2.0  # below the usual time-out of a load balancer's probe
KEPT_S = 0.5  # who asks without end, and everybody may, still costs no more than two looks a second

Check = Callable[[], Awaitable[str]]
Endpoint = Callable[[web.Request], Awaitable[web.Response]]


async def healthz(_: web.Request) -> web.Response:
    """The process lives and its event loop turns."""
    return _json(200, {"status": "alive"})


def readyz(
    checks: Mapping[str, Check], deadline_s: float = DEADLINE_S, kept_s: float = KEPT_S
) -> Endpoint:
    """200 when every check passes, otherwise 503; both with each check's result."""
    one = asyncio.Lock()
    results: dict[str, dict[str, Any]] = {}
    until = 0.0

    async def answer(_: web.Request) -> web.Response:
        nonlocal results, until
        async with one:
            if time.monotonic() >= until:
                made = await asyncio.gather(
                    *(_checked(name, check, deadline_s) for name, check in checks.items())
                )
                results = dict(zip(checks, made, strict=True))
                until = time.monotonic() + kept_s
        ready = all(result["ok"] for result in results.values())
        status = "ready" if ready else "not ready"
        return _json(200 if ready else 503, {"status": status, "checks": results})

    return answer


def metrics(exposition: Callable[[], bytes]) -> Endpoint:
    """Prometheus text. Who may read it is decided where it is mounted."""

    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=exposition(), headers=headers)

    return answer


async def _checked(name: str, check: Check, deadline_s: float) -> dict[str, Any]:
    started = time.monotonic()
    try:
        async with asyncio.timeout(deadline_s):
            detail = await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the check failed
        log.warning("ops.check_failed", check=name, error=repr(error))
        return _result(False, type(error).__name__, started)
    return _result(True, detail, started)


def _result(ok: bool, detail: str, started: float) -> dict[str, Any]:
    return {"ok": ok, "detail": detail, "ms": round((time.monotonic() - started) * 1000, 1)}


def _json(status: int, document: Mapping[str, Any]) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
