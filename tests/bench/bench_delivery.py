"""Broadcast deliveries a second, beside a bare aiohttp client that sends the same requests.

Receivers run in a second process and cost as little as they can. Both sides send every change as
one PATCH to each of the receivers, as many at a time to each of them as the hub does by default.
Run: python -m tests.bench.bench_delivery
"""

import asyncio
import multiprocessing
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
import trustme
import uvloop

from ocpi_hub.delivery import guard
from ocpi_hub.delivery.client import policy
from ocpi_hub.delivery.renewal import AcrossRenewals
from ocpi_hub.delivery.spread import Spread
from ocpi_hub.delivery.transport import HttpTransport, Prepared
from ocpi_hub.modules.line import ORIGIN
from ocpi_hub.modules.outgoing import Answered
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import Directory
from tests.bench.row import Row, median
from tests.delivery_fakes import (
    CPO,
    HUB,
    OK,
    OPEN,
    TABLES,
    FakeReceivers,
    FakeStore,
    ListLine,
    client_for,
    location,
    platform_of,
)

RECEIVERS = 20
GOAL = 3
BODY = b'{"status":"CHARGING","last_updated":"2026-11-01T12:00:00Z","pad":"' + b"x" * 430 + b'"}'
PARTIES = [PartyRef("DE", f"E{number:02}") for number in range(RECEIVERS)]
LANES = OPEN.spread_lanes


class Receiver(asyncio.Protocol):
    """Answers every request with success, and its X-Request-ID."""

    def connection_made(self, transport):
        self.transport, self.got = transport, b""

    def data_received(self, data):
        self.got += data
        while (end := self.got.find(b"\r\n\r\n") + 4) > 3:
            head = self.got[:end]
            length = int(_field(head.lower(), b"content-length"))
            if len(self.got) < end + length:
                return
            self.got = self.got[end + length :]
            request_id = _field(head, b"X-Request-ID")
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                b"X-Request-ID: %b\r\nX-Correlation-ID: c1\r\nContent-Length: %d\r\n"
                b"Date: Sun, 01 Nov 2026 12:00:00 GMT\r\n\r\n%b" % (request_id, len(OK), OK)
            )


def _field(head: bytes, name: bytes) -> bytes:
    return head.partition(name + b": ")[2].partition(b"\r\n")[0]


def receive(pipe, certificate: bytes) -> None:
    """The second process: a port for each receiver, plain and over TLS."""

    async def serve() -> None:
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with trustme.Blob(certificate).tempfile() as file:
            served.load_cert_chain(file)
        loop = asyncio.get_running_loop()
        ports = {}
        for name, tls in (("http", None), ("https", served)):
            servers = [
                await loop.create_server(Receiver, "127.0.0.1", 0, ssl=tls)
                for _ in range(RECEIVERS)
            ]
            ports[name] = [server.sockets[0].getsockname()[1] for server in servers]
        pipe.send(ports)
        await loop.run_in_executor(None, pipe.recv)

    uvloop.run(serve())


@dataclass(frozen=True)
class World:
    """Where the receivers are, and what is sent to each of them."""

    bases: list[str]
    tls: ssl.SSLContext
    changes: int

    def line(self) -> ListLine:
        line = ListLine()
        for number in range(self.changes):
            line.put(location(f"LOC{number}", method="PATCH", evse="E1", body=BODY))
        return line

    @property
    def deliveries(self) -> int:
        return len(self.bases) * self.changes


@dataclass(frozen=True)
class Cost:
    """Of one delivery: seconds by the clock, and of processor time of the sending process."""

    wall: float
    cpu: float


@contextmanager
def costs(world: World) -> Iterator[list[Cost]]:
    found: list[Cost] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found.append(Cost(wall / world.deliveries, cpu / world.deliveries))


async def spread(world: World) -> Cost:
    """The hub's own way from the line to the receivers, journal and metrics included."""
    platforms = [
        platform_of(f"p{number}", base, (PARTIES[number], Role.EMSP))
        for number, base in enumerate(world.bases)
    ]
    async with client_for(*platforms, tls=world.tls) as (client, register, journal):
        journal.hops, journal.record = Counter(), lambda hop: journal.hops.update([hop.http])
        directory = Directory(HUB, dict(register.known))
        register.directory = lambda: directory
        line = world.line()
        last, whole = line.changes[-1], line.changes

        async def after(cursor, limit):  # as cheap as the real one in memory
            return whole[cursor.seq : cursor.seq + limit]

        line.after = after
        made = Spread(
            line=line,
            store=FakeStore(),
            receivers=FakeReceivers({platform.id: ORIGIN for platform in platforms}),
            platforms=register,
            client=AcrossRenewals(client, register),
            modules=TABLES,
            probe=_nobody,
            settings=OPEN,
            metrics=Metrics(),
        )
        with costs(world) as found:
            runner = asyncio.ensure_future(made.run())
            while not made.held() or any(  # noqa: ASYNC110 - cursors know no events
                courier.cursor < last.place for courier, _ in made._couriers.values()
            ):
                await asyncio.sleep(0.002)
        await made.close()
        await runner
        assert journal.hops == {200: world.deliveries}
    return found[0]


async def _nobody(_) -> bool:
    return True


Send = Callable[[str, dict[str, str], bytes], Awaitable[None]]


async def _deliver(world: World, send: Send) -> Cost:
    """Every change to every receiver by nothing but `send`."""

    async def lane(base, party, waiting) -> None:
        while waiting:
            change = waiting.pop()
            headers = message.routing_headers(party, HUB) | {
                "X-Request-ID": fresh_id(),
                "X-Correlation-ID": "c1",
                "Content-Type": "application/json",
                "Authorization": "Token c2VjcmV0",
            }
            url = f"{base}/receiver/locations/{CPO.country_code}/{CPO.party_id}/"
            await send(url + change.message.path, headers, change.message.body)

    changes = world.line().changes
    with costs(world) as found:
        await asyncio.gather(
            *(
                lane(base, party, waiting)
                for base, party in zip(world.bases, PARTIES, strict=True)
                for waiting in [list(changes)]
                for _ in range(LANES)
            )
        )
    return found[0]


async def bare(world: World) -> Cost:
    """The same requests by nothing but aiohttp."""
    connector = aiohttp.TCPConnector(limit=0, ssl=world.tls)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(url, headers, body) -> None:
            async with session.patch(url, data=body, headers=headers) as response:
                assert response.status == 200
                await response.read()

        return await _deliver(world, send)


async def transport(world: World) -> Cost:
    """The same requests by nothing but the hub's transport."""
    made = HttpTransport(policy(OPEN), tls=world.tls)

    async def send(url, headers, body) -> None:
        place = guard.place(url)
        request = Prepared("PATCH", place.origin, place.target, headers, body, 2**20)
        outcome = await made.send(request, 10)
        assert isinstance(outcome, Answered)
        assert outcome.http == 200

    try:
        return await _deliver(world, send)
    finally:
        await made.close()


@contextmanager
def receivers() -> Iterator[tuple[dict[str, list[int]], ssl.SSLContext]]:
    """Ports by scheme, and a context that trusts those behind TLS."""
    authority, trusting = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trusting)
    certificate = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes()
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=receive, args=(there, certificate), daemon=True)
    process.start()
    try:
        yield here.recv(), trusting
        here.send("stop")
    finally:
        process.join(10)


def main(*, quick: bool = False) -> list[Row]:
    """The hub's spread and its transport alone, each beside bare aiohttp, plain and over TLS."""
    rounds, changes = (2, 100) if quick else (5, 400)
    rows = []
    with receivers() as (ports, tls):
        for scheme, how in (("http", "plain"), ("https", "TLS")):
            bases = [f"{scheme}://127.0.0.1:{port}" for port in ports[scheme]]
            rows += _compare(World(bases, tls, changes), how, rounds)
    return rows


def _compare(world: World, how: str, rounds: int) -> list[Row]:
    found: dict[str, list[Cost]] = {"spread": [], "transport": [], "bare": []}
    for number in range(rounds + 1):
        for way in (spread, transport, bare):
            cost = uvloop.run(way(world))
            if number:
                found[way.__name__].append(cost)
    wall = {name: median([cost.wall for cost in some]) for name, some in found.items()}
    cpu = {name: median([cost.cpu for cost in some]) for name, some in found.items()}
    return [
        Row(
            f"{what}, {how}",
            1 / wall[name],
            GOAL,
            1 / wall["bare"],
            cpu=cpu["bare"] / cpu[name],
            note=f"{RECEIVERS} receivers, {LANES} at a time to each",
        )
        for name, what in (("spread", "broadcast deliveries"), ("transport", "the transport alone"))
    ]


if __name__ == "__main__":
    for row in main():
        print(
            f"{row.what:35} {row.ours:7,.0f}/s   bare aiohttp {row.floor or 0:7,.0f}/s"
            f"   ratio {row.ratio or 0:.2f}   by CPU {row.cpu or 0:.2f}   goal {row.goal}"
        )
