"""Every request on a kept connection has a deadline of its own."""

import asyncio
from contextlib import asynccontextmanager

from ocpi_hub.delivery.channel import LATE, Channel
from ocpi_hub.modules.outgoing import Answered
from tests.delivery_fakes import OK, raw_server

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(OK), OK)


@asynccontextmanager
async def connected(*pauses_s):
    """A channel to a server that answers each request after its pause, and no more than these."""

    async def handle(reader, writer):
        for pause_s in pauses_s:
            await reader.readexactly(len(b"GET"))
            await asyncio.sleep(pause_s)
            writer.write(ANSWER)
        await reader.read()

    async with raw_server(handle) as address, asyncio.timeout(10):
        host, port = address.split(":")
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(Channel, host, int(port))
        try:
            yield lambda within_s: channel.exchange(b"GET", 1000, loop.time() + within_s)
        finally:
            channel.close()
            await channel.lost


async def test_a_short_deadline_holds_after_a_long_one():
    async with connected(0) as ask:
        assert isinstance(await ask(60), Answered)
        assert await ask(0.05) is LATE


async def test_a_long_deadline_is_not_cut_by_a_short_one_before():
    async with connected(0, 0.3) as ask:
        assert isinstance(await ask(0.2), Answered)
        assert isinstance(await ask(60), Answered)


async def test_a_deadline_holds_when_the_one_before_it_rings_meanwhile():
    async with connected(0) as ask:
        assert isinstance(await ask(0.05), Answered)
        assert await ask(0.2) is LATE


async def test_a_deadline_that_passes_between_requests_disturbs_none():
    async with connected(0, 0) as ask:
        assert isinstance(await ask(0.05), Answered)
        await asyncio.sleep(0.1)
        assert isinstance(await ask(60), Answered)
