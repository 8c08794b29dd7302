"""The transport's connections: kept, given up, and never mixed up."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
import trustme

from ocpi_hub.delivery.guard import Origin, Policy, place
from ocpi_hub.delivery.kept import Kept
from ocpi_hub.delivery.transport import HttpTransport, Prepared
from ocpi_hub.modules.outgoing import Answered, Failed, Failure
from tests.delivery_fakes import OK, raw_server, until

DEVELOPMENT = Policy(allow_private=True, require_https=False)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body=OK, more=b""):
    return HEAD + more + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def get(url, method="GET", body=None):
    found = place(url)
    return Prepared(method, found.origin, found.target, {"X-Request-ID": "r1"}, body, 2**20)


def leading_to(*addresses):
    """A resolver for which every name leads to these addresses."""

    async def resolve(host, port):
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, port),
            )
            for address in addresses
        ]

    return resolve


@asynccontextmanager
async def transport(**how):
    made = HttpTransport(DEVELOPMENT, **how)
    try:
        yield made
    finally:
        await made.close()
        assert not made._channels


class Server:
    """Answers as told; `met` has the heads of each connection's requests."""

    def __init__(self, answer=whole):
        self.met = []
        self.answer = answer

    async def handle(self, reader, writer):
        heads = []
        self.met.append(heads)
        while True:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            for part in [answer] if isinstance(answer := self.answer(), bytes) else answer:
                writer.write(part)
                await writer.drain()


async def test_requests_one_after_the_other_share_a_connection():
    server = Server()
    async with raw_server(server.handle) as there, transport() as made:
        for _ in range(5):
            assert isinstance(await made.send(get(f"http://{there}/x"), 5), Answered)
    assert [len(heads) for heads in server.met] == [5]
    assert server.met[0][0].startswith(b"GET /x HTTP/1.1\r\nHost: %b\r\n" % there.encode())


async def test_requests_at_the_same_time_have_connections_of_their_own():
    server = Server()
    async with raw_server(server.handle) as there, transport() as made:
        await asyncio.gather(*(made.send(get(f"http://{there}/{n}"), 5) for n in range(8)))
        await asyncio.gather(*(made.send(get(f"http://{there}/{n}"), 5) for n in range(8)))
    assert sorted(len(heads) for heads in server.met) == [2] * 8


@pytest.mark.parametrize(
    "answer",
    [
        whole(more=b"Connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        whole() + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
    ],
    ids=["it says so", "old", "more than was asked for"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(answer):
    server = Server(lambda: answer)
    async with raw_server(server.handle) as there, transport() as made:
        for _ in range(3):
            await made.send(get(f"http://{there}/"), 5)
    assert [len(heads) for heads in server.met] == [1, 1, 1]


async def test_an_answer_without_a_length_ends_with_its_connection():
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"\r\n{")
        await writer.drain()
        writer.write(b"}")

    async with raw_server(handle) as there, transport() as made:
        outcome = await made.send(get(f"http://{there}/"), 5)
    assert isinstance(outcome, Answered)
    assert outcome.body == b"{}"


async def test_an_interim_answer_is_passed_over():
    server = Server(lambda: b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + whole(b"{}"))
    async with raw_server(server.handle) as there, transport() as made:
        outcome = await made.send(get(f"http://{there}/"), 5)
    assert outcome == Answered(200, {"content-type": "application/json"}, b"{}")


async def test_what_comes_unasked_is_never_taken_for_the_next_answer():
    """A late second answer arrives while the connection is kept."""
    more, sent = asyncio.Event(), asyncio.Event()

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole(b'"first"'))
        await more.wait()
        writer.write(whole(b'"forged"'))
        await writer.drain()
        sent.set()
        await reader.read()

    server = Server(lambda: whole(b'"second"'))
    handlers = [handle, server.handle]

    async def each(reader, writer):
        await handlers.pop(0)(reader, writer)

    async with raw_server(each) as there, transport() as made:
        first = await made.send(get(f"http://{there}/"), 5)
        more.set()
        await sent.wait()
        await until(lambda: not made._channels)
        second = await made.send(get(f"http://{there}/"), 5)
    assert [outcome.body for outcome in (first, second)] == [b'"first"', b'"second"']


async def test_the_answer_to_a_request_given_up_is_never_taken_for_the_next_one():
    asked, free = asyncio.Event(), asyncio.Event()

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await free.wait()
        writer.write(whole(b'"late"'))
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")

    server = Server(lambda: whole(b'"right"'))
    handlers = [handle, server.handle]

    async def each(reader, writer):
        await handlers.pop(0)(reader, writer)

    async with raw_server(each) as there, transport() as made:
        given_up = asyncio.ensure_future(made.send(get(f"http://{there}/"), 5))
        await asked.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await until(lambda: not made._channels)
        free.set()
        outcome = await made.send(get(f"http://{there}/"), 5)
    assert outcome.body == b'"right"'


async def test_a_kept_connection_that_the_partner_closed_is_not_asked():
    ends = []

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole())
        await writer.drain()
        ends.append(reader)

    async with raw_server(handle) as there, transport() as made:
        for _ in range(3):
            assert isinstance(await made.send(get(f"http://{there}/", "POST", b"{}"), 5), Answered)
            await until(lambda: not made._channels)
    assert len(ends) == 3


async def test_an_answer_before_all_was_sent_ends_the_connection():
    """A partner that refuses a large body need not read it."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(30)

    async with raw_server(handle) as there, transport() as made:
        outcome = await made.send(get(f"http://{there}/", "POST", b"x" * 20_000_000), 10)
        assert isinstance(outcome, Answered)
        assert outcome.http == 413
        assert len(made._kept) == 0
        await until(lambda: not made._channels)


@pytest.mark.obligation("CRED-049")
async def test_of_several_addresses_only_the_allowed_ones_are_tried():
    server = Server()
    addresses = ("169.254.169.254", "192.0.2.1", "127.0.0.1")
    async with (
        raw_server(server.handle) as there,
        transport(resolve=leading_to(*addresses)) as made,
    ):
        outcome = await made.send(get(f"http://partner.example:{there.split(':')[1]}/"), 5)
    assert isinstance(outcome, Answered)
    assert b"\r\nHost: partner.example:" in server.met[0][0]


async def test_a_second_address_is_tried_when_the_first_does_not_answer():
    server = Server()
    async with (
        raw_server(server.handle) as there,
        transport(resolve=leading_to("::1", "127.0.0.1")) as made,
    ):
        outcome = await made.send(get(f"http://partner.example:{there.split(':')[1]}/"), 5)
    assert isinstance(outcome, Answered)


async def test_calls_at_the_same_time_share_one_look_up():
    asked, server = [], Server()

    async def resolve(host, port):
        asked.append(host)
        await asyncio.sleep(0.01)
        return await leading_to("127.0.0.1")(host, port)

    async with raw_server(server.handle) as there, transport(resolve=resolve) as made:
        url = f"http://partner.example:{there.split(':')[1]}/"
        found = await asyncio.gather(*(made.send(get(url), 5) for _ in range(10)))
        assert all(isinstance(outcome, Answered) for outcome in found)
    assert asked == ["partner.example"]


async def test_a_name_that_was_unknown_is_looked_up_again():
    faults, server = [socket.gaierror(socket.EAI_NONAME, "unknown")], Server()

    async def resolve(host, port):
        if faults:
            raise faults.pop()
        return await leading_to("127.0.0.1")(host, port)

    async with raw_server(server.handle) as there, transport(resolve=resolve) as made:
        url = f"http://partner.example:{there.split(':')[1]}/"
        first, second = await made.send(get(url), 5), await made.send(get(url), 5)
    assert first == Failed(Failure.NOT_CONNECTED, "the host name is unknown: gaierror")
    assert isinstance(second, Answered)


@pytest.mark.parametrize(("name", "known"), [("partner.example", True), ("other.example", False)])
async def test_a_certificate_has_to_be_that_of_the_host_in_the_url(name, known):
    authority, trusting = trustme.CA(), ssl.create_default_context()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(served)
    authority.configure_trust(trusting)
    server, resolve = Server(), leading_to("127.0.0.1")
    async with (
        raw_server(server.handle, tls=served) as there,
        transport(tls=trusting, resolve=resolve) as made,
    ):
        url = f"https://partner.example:{there.split(':')[1]}/"
        outcomes = [await made.send(get(url), 5) for _ in range(2)]
    assert [isinstance(outcome, Answered) for outcome in outcomes] == [known, known]
    assert [len(heads) for heads in server.met] == ([2] if known else [])
    if not known:
        assert outcomes[0].failure is Failure.NOT_CONNECTED


async def test_closing_ends_what_is_under_way():
    asked = asyncio.Event()

    async def handle(reader, _):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async with raw_server(handle) as there:
        made = HttpTransport(DEVELOPMENT)
        waiting = asyncio.ensure_future(made.send(get(f"http://{there}/"), 30))
        await asked.wait()
        await made.close()
        assert await waiting == Failed(Failure.TIMEOUT, "the connection broke before the answer")
        late = await made.send(get(f"http://{there}/"), 30)
        assert isinstance(late, Failed)
        assert late.failure is Failure.NOT_CONNECTED


# ---- how many connections are kept, and for how long


class Idle:
    """A channel as `Kept` sees it."""

    def __init__(self):
        self.ready, self.used_at = True, 0.0

    def close(self):
        self.ready = False


HERE, THERE = Origin("http", "here", 80), Origin("http", "there", 80)


async def test_the_channel_used_last_is_taken_first():
    kept, channels = Kept(), [Idle() for _ in range(3)]
    for channel in channels:
        kept.give(HERE, channel)
    assert kept.take(THERE) is None
    assert [kept.take(HERE) for _ in range(4)] == [*reversed(channels), None]
    assert len(kept) == 0
    kept.close()


async def test_one_origin_keeps_no_more_than_its_share():
    kept, channels = Kept(each=2, total=10), [Idle() for _ in range(3)]
    for channel in channels:
        kept.give(HERE, channel)
    assert [channel.ready for channel in channels] == [True, True, False]
    assert len(kept) == 2
    kept.close()
    assert not any(channel.ready for channel in channels)


async def test_when_all_places_are_taken_the_longest_idle_gives_way():
    kept, channels = Kept(each=10, total=2), [Idle() for _ in range(3)]
    for channel, origin in zip(channels, (HERE, THERE, THERE), strict=True):
        kept.give(origin, channel)
    assert [channel.ready for channel in channels] == [False, True, True]
    assert kept.take(HERE) is None
    kept.close()


async def test_a_channel_that_was_closed_or_is_too_old_is_not_taken():
    kept, channels = Kept(keep_alive_s=60), [Idle() for _ in range(3)]
    for channel in channels:
        kept.give(HERE, channel)
    channels[2].ready = False
    channels[1].used_at -= 61
    assert kept.take(HERE) is channels[0]
    assert not channels[1].ready
    kept.close()


async def test_idle_channels_are_closed_in_time():
    kept, channel = Kept(keep_alive_s=0.05), Idle()
    kept.give(HERE, channel)
    await until(lambda: not channel.ready)
    assert len(kept) == 0
    assert kept.take(HERE) is None
