"""What strangers can write into the log: nothing."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
from aiohttp import web

from ocpi_hub.ops import health
from ocpi_hub.ops.logging import configure


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of a hub; what the test run itself has is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    out = io.StringIO()
    configure("json", out=out)
    yield out
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize(
    "broken",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_broken_requests_leave_no_line(aiohttp_server, log, broken):
    app = web.Application()
    app.router.add_get("/healthz", health.healthz)
    server = await aiohttp_server(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(broken)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await server.close()
    assert log.getvalue() == ""


async def test_a_fault_of_the_hub_is_logged(aiohttp_client, log):
    async def fails(_: web.Request) -> web.Response:
        raise LookupError("Token very-secret")

    app = web.Application()
    app.router.add_get("/", fails)
    assert (await (await aiohttp_client(app)).get("/")).status == 500
    assert "LookupError" in log.getvalue()
    assert "very-secret" not in log.getvalue()
