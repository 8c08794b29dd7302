"""Faults: how a simulated platform misbehaves when told to.

A fault stands between a request and the true answer. It may change the answer, delay it, or never
give one. `Faults.add(fault, when, times)` arms it; the first armed fault that matches is used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from ocpi_hub.ocpi import message
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.record import Received

GoOn = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.BaseRequest, GoOn], Awaitable[web.StreamResponse]]
When = Callable[[Received], bool]

_JSON = "application/json"


def on(method: str | None = None, interface: str | None = None) -> When:
    """Match by method and interface (`versions`, `locations.receiver`, ...); None: any."""
    return lambda received: (
        method in {None, received.method} and interface in {None, received.interface}
    )


def always(_: Received) -> bool:
    return True


@dataclass(slots=True)
class _Armed:
    fault: Fault
    when: When
    times: int | None


@dataclass(slots=True)
class Faults:
    """The armed faults of one platform, in the order in which they were added."""

    _armed: list[_Armed] = field(default_factory=list)

    def add(self, fault: Fault, when: When = always, times: int | None = None) -> None:
        """Arm a fault for the next `times` matching requests (None: until cleared)."""
        self._armed.append(_Armed(fault, when, times))

    def clear(self) -> None:
        self._armed.clear()

    def take(self, received: Received) -> Fault | None:
        armed = next((each for each in self._armed if each.when(received)), None)
        if armed is None:
            return None
        if armed.times is not None:
            armed.times -= 1
            if armed.times <= 0:
                self._armed.remove(armed)
        return armed.fault


def delay(seconds: float) -> Fault:
    """The true answer, late."""

    async def fault(_: web.BaseRequest, go_on: GoOn) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await go_on()

    return fault


def late_answer(seconds: float) -> Fault:
    """The work is done at once, but the answer comes late."""

    async def fault(_: web.BaseRequest, go_on: GoOn) -> web.StreamResponse:
        answer = await go_on()
        await asyncio.sleep(seconds)
        return answer

    return fault


def hang() -> Fault:
    """Never an answer; the connection stays open until the other side gives up."""

    async def fault(_: web.BaseRequest, __: GoOn) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")

    return fault


def drop(*, after_work: bool = False) -> Fault:
    """The connection breaks before an answer; `after_work` does what was asked first."""

    async def fault(request: web.BaseRequest, go_on: GoOn) -> web.StreamResponse:
        if after_work:
            await go_on()
        _cut(request)
        return web.Response()

    return fault


def drip(pause_s: float, size: int = 1) -> Fault:
    """The true answer, `size` bytes at a time with a pause after each."""

    async def fault(request: web.BaseRequest, go_on: GoOn) -> web.StreamResponse:
        answer = await go_on()
        body = answer.body if isinstance(answer.body, bytes) else b""
        slow = web.StreamResponse(status=answer.status, headers={"Content-Type": _JSON})
        slow.content_length = len(body)
        await slow.prepare(request)
        for start in range(0, len(body), size):
            await slow.write(body[start : start + size])
            await asyncio.sleep(pause_s)
        return slow

    return fault


def wrong_length(claim: int = 1_000_000) -> Fault:
    """A Content-Length that the body does not keep; then the connection ends."""

    async def fault(request: web.BaseRequest, go_on: GoOn) -> web.StreamResponse:
        answer = await go_on()
        liar = web.StreamResponse(status=answer.status, headers={"Content-Type": _JSON})
        liar.content_length = claim
        await liar.prepare(request)
        await liar.write(answer.body if isinstance(answer.body, bytes) else b"{}")
        _close(request)
        return liar

    return fault


def http(status: int, body: bytes = b"", content_type: str = _JSON, **headers: str) -> Fault:
    """A fixed answer instead of the true one; header names with underscores for hyphens."""

    async def fault(_: web.BaseRequest, __: GoOn) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(
            status=status, body=body, headers={"Content-Type": content_type, **named}
        )

    return fault


def html(status: int = 200) -> Fault:
    """A page for people, as a proxy in the way would send."""
    return http(status, b"<!doctype html><title>Maintenance</title>", "text/html")


def redirect(url: str) -> Fault:
    return http(302, Location=url)


def code(status_code: int, text: str = "as told", status: int = 200) -> Fault:
    """An OCPI answer with this status code, without doing the work."""

    async def fault(_: web.BaseRequest, __: GoOn) -> web.StreamResponse:
        body = message.envelope(now(), code=status_code, message=text)
        return web.Response(status=status, body=body, content_type=_JSON)

    return fault


def says(data: bytes) -> Fault:
    """An OCPI success with this JSON as its data, whatever was asked."""

    async def fault(_: web.BaseRequest, __: GoOn) -> web.StreamResponse:
        return web.Response(body=message.envelope(now(), data=data), content_type=_JSON)

    return fault


def refuse_patch() -> tuple[Fault, When]:
    """A receiver that knows nothing of what is patched (TR-040): `faults.add(*refuse_patch())`."""
    return code(2003, "unknown location", 404), on("PATCH")


def unauthorized() -> Fault:
    return code(2000, "unknown token", 401)


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
