"""The client against partners that misbehave in every way, over real sockets."""

import asyncio
import gzip
import socket
import ssl
import zlib
from dataclasses import replace

import pytest
import trustme
from aiohttp import web

from ocpi_hub.delivery.breaker import IN_A_ROW, State
from ocpi_hub.modules.journal import Direction
from ocpi_hub.modules.outgoing import Answered, Failed, Failure
from ocpi_hub.ocpi import message
from ocpi_hub.routing.directory import Quirks
from ocpi_hub.settings import Delivery
from tests.delivery_fakes import (
    AT,
    CPO,
    MSP,
    OK,
    OPEN,
    call_of,
    client_for,
    partner,
    platform_of,
    raw_server,
    reply,
)

SHORT = OPEN.model_copy(update={"deadline_s": 0.4})


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def outcome_of(base, settings=SHORT, method="GET", **transport):
    there = platform_of("p", base)
    async with client_for(there, settings=settings, **transport) as (client, _, _):
        return await client.call(call_of(there, method=method, max_answer=100_000))


async def failure_of(base, **how):
    outcome = await outcome_of(base, **how)
    assert isinstance(outcome, Failed), outcome
    return outcome.failure


def canned(answer, *, then=None):
    """A server that reads one request head, sends `answer` and does `then` (closes by default)."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if then is not None:
            await then(writer)

    return handle


async def hang(_):
    await asyncio.sleep(30)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


# ---- what comes back


@pytest.mark.obligation("TR-002", "TR-006", "TR-030")
@pytest.mark.parametrize(("method", "typed"), [("GET", False), ("POST", True), ("PUT", True)])
async def test_a_request_shows_the_token_and_its_content_type(method, typed):
    async with partner() as server:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, register, _):
            outcome = await client.call(call_of(there, method=method))
            assert isinstance(outcome, Answered)
            assert (outcome.http, outcome.body) == (200, OK)
            assert register.last_seen(there.id) is not None
    (got,) = server.got
    assert got.headers["Authorization"] == "Token c2VjcmV0LW9mLXA="  # Base64 of secret-of-p
    assert got.headers.get("Content-Type") == ("application/json" if typed else None)
    assert got.headers.getall("Authorization") == [got.headers["Authorization"]]


async def test_a_quirk_shows_the_token_raw_and_a_call_may_bring_its_own():
    async with partner() as server:
        there = platform_of("p", server.url, quirks=Quirks(raw_token=True))
        async with client_for(there) as (client, _, _):
            await client.call(call_of(there))
            await client.call(call_of(there, token="example-token"))
        assert [got.headers["Authorization"] for got in server.got] == [
            "Token secret-of-p",
            "Token example-token",
        ]


async def test_a_call_without_any_token_is_not_made():
    async with partner() as server:
        stranger = platform_of("unknown", server.url)
        async with client_for() as (client, _, _):
            outcome = await client.call(call_of(stranger))
            assert outcome == Failed(Failure.NOT_CONNECTED, "there is no token for this platform")
        assert server.got == []


async def test_url_and_body_go_out_byte_for_byte():
    path = "/receiver/locations/NL/CP1/a%2Fb%20c%C3%A9/~?x=%41&y=a+b&empty=&url=http://x/?z=1"
    async with partner() as server:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, _):
            body = b'{ "number": 1.10, "unknown" : null }'
            await client.call(call_of(there, path, "PATCH", body=body))
        assert (server.got[0].path, server.got[0].body) == (path, body)


async def test_answer_headers_come_in_lower_case_and_joined():
    async with raw_server(
        canned(
            HEAD + b"Link: <http://a>; rel=next\r\nLINK: <http://b>\r\nX-Total-Count: 5\r\n"
            b"X-Bad: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
        )
    ) as there:
        outcome = await outcome_of(f"http://{there}")
    assert isinstance(outcome, Answered)
    assert outcome.headers["link"] == "<http://a>; rel=next, <http://b>"
    assert outcome.headers["x-total-count"] == "5"
    assert "x-bad" not in outcome.headers


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 404, 500, 503])
async def test_every_status_is_an_answer(status):
    async with partner() as server:
        server.answer = lambda _: reply(b"" if status == 204 else OK, status)
        outcome = await outcome_of(server.url)
    assert isinstance(outcome, Answered)
    assert outcome.http == status


# ---- nothing was handed over


@pytest.mark.obligation("ROUT-116")
async def test_a_refused_connection_is_not_connected():
    assert await failure_of(f"http://127.0.0.1:{closed_port()}") is Failure.NOT_CONNECTED


class Resolver:
    """Answers with a list of addresses, one after the other; None: the name is unknown."""

    def __init__(self, *addresses):
        self.addresses = list(addresses)

    async def __call__(self, host, port):  # noqa: ARG002 - every name leads there
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        if address == "hang":
            await asyncio.sleep(30)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


@pytest.mark.obligation("ROUT-116")
@pytest.mark.parametrize("answer", [None, "hang"])
async def test_a_name_that_cannot_be_resolved_is_not_connected(answer):
    failure = await failure_of("http://partner.example:1", resolve=Resolver(answer))
    assert failure is Failure.NOT_CONNECTED


@pytest.mark.obligation("ROUT-116")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_server_that_does_not_accept_is_not_connected(method):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        # fill the queue of connections that nobody accepts
        full = []
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
            full.append(waiting)
        failure = await failure_of(base, method=method)
        for waiting in full:
            waiting.close()
    assert failure is Failure.NOT_CONNECTED


@pytest.mark.obligation("ROUT-116")
async def test_a_certificate_of_nobody_is_not_connected_and_a_known_one_is():
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    answer = canned(HEAD + b"Content-Length: 2\r\n\r\n{}")
    async with raw_server(answer, tls=served) as there:
        assert await failure_of(f"https://{there}") is Failure.NOT_CONNECTED
        known = await outcome_of(f"https://{there}", tls=trusting)
        assert isinstance(known, Answered)


@pytest.mark.obligation("ROUT-116")
async def test_a_server_that_never_finishes_the_tls_handshake_is_not_connected():
    async def silent(reader, _):
        await reader.read(100)
        await asyncio.sleep(30)

    async with raw_server(silent) as there:
        assert await failure_of(f"https://{there}") is Failure.NOT_CONNECTED


async def test_plain_http_on_a_tls_port_is_not_connected():
    async with raw_server(canned(HEAD + b"Content-Length: 2\r\n\r\n{}")) as there:
        assert await failure_of(f"https://{there}") is Failure.NOT_CONNECTED


# ---- handed over, no whole answer


@pytest.mark.obligation("ROUT-114", "ROUT-116")
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_silence_after_the_request_is_a_timeout(method):
    async with partner() as server:
        server.answer = hang
        assert await failure_of(server.url, method=method) is Failure.TIMEOUT
        assert len(server.got) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        HEAD + b"Content-Length: 50\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_an_answer_that_breaks_off_is_a_timeout(answer):
    async with raw_server(canned(answer)) as there:
        assert await failure_of(f"http://{there}", method="POST") is Failure.TIMEOUT


@pytest.mark.obligation("ROUT-114")
async def test_a_slow_drip_is_cut_at_the_deadline():
    async def drip(writer):
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw_server(canned(HEAD + b"Content-Length: 100000\r\n\r\n", then=drip)) as there:
        assert await failure_of(f"http://{there}") is Failure.TIMEOUT


async def test_a_content_length_that_promises_too_much_is_a_timeout():
    async with raw_server(canned(HEAD + b"Content-Length: 500\r\n\r\n{}", then=hang)) as there:
        assert await failure_of(f"http://{there}") is Failure.TIMEOUT


async def test_a_call_and_a_partner_may_have_a_deadline_of_their_own():
    async with partner() as server:
        server.answer = hang
        patient = platform_of("p", server.url, quirks=Quirks(deadline_s=0.2))
        async with client_for(patient) as (client, _, _):
            for changes in ({}, {"deadline_s": 0.1}):
                outcome = await client.call(call_of(patient, **changes))
                assert isinstance(outcome, Failed)
                assert outcome.failure is Failure.TIMEOUT


# ---- an answer that cannot be used


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_garbage_and_is_not_followed(status):
    async with partner() as server, partner() as target:
        server.answer = lambda _: reply(status=status, Location=target.url)
        assert await failure_of(server.url, method="POST") is Failure.GARBAGE
        assert target.got == []


@pytest.mark.parametrize(
    "answer",
    [b"\x15\x03\x01\x00\x02\x02\x28" * 20, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"],
)
async def test_what_is_no_http_is_garbage(answer):
    async with raw_server(canned(answer)) as there:
        assert await failure_of(f"http://{there}") is Failure.GARBAGE


async def test_html_is_an_answer_that_has_no_code():
    async with partner() as server:
        server.answer = lambda _: web.Response(text="<html>", content_type="text/html")
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, journal):
            assert isinstance(await client.call(call_of(there)), Answered)
            assert (journal.hops[0].http, journal.hops[0].code) == (200, None)


@pytest.mark.parametrize("told", [True, False], ids=["with length", "chunked"])
async def test_an_answer_of_ten_megabytes_is_garbage(told):
    async def large(writer):
        for _ in range(160):
            writer.write(b"%x\r\n" % 65536 * (not told) + b"x" * 65536 + b"\r\n" * (not told))
            await writer.drain()

    length = b"Content-Length: 10485760" if told else b"Transfer-Encoding: chunked"
    async with raw_server(canned(HEAD + length + b"\r\n\r\n", then=large)) as there:
        assert await failure_of(f"http://{there}") is Failure.GARBAGE


async def test_a_content_length_that_promises_too_little_is_garbage():
    async with raw_server(canned(HEAD + b"Content-Length: 2\r\n\r\n{}{}{}")) as there:
        assert await failure_of(f"http://{there}") is Failure.GARBAGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip"])
async def test_a_compressed_answer_is_read(encoding):
    packed = zlib.compress(OK) if encoding == "deflate" else gzip.compress(OK)
    async with partner() as server:
        server.answer = lambda _: reply(packed, Content_Encoding=encoding)
        outcome = await outcome_of(server.url)
        assert server.got[0].headers["Accept-Encoding"] == "gzip, deflate"
    assert isinstance(outcome, Answered)
    assert outcome.body == OK
    assert "content-encoding" not in outcome.headers


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", OK),
        ("zstd", OK),
        ("gzip, gzip", gzip.compress(gzip.compress(OK))),
        ("gzip", OK),
        ("gzip", gzip.compress(OK)[:-4]),
        ("gzip", gzip.compress(OK) + b"more"),
        ("gzip", gzip.compress(b"0" * 50_000_000)),
        ("deflate", zlib.compress(b"0" * 50_000_000)),
    ],
    ids=["br", "zstd", "twice", "no gzip", "cut", "more", "gzip bomb", "deflate bomb"],
)
async def test_a_bad_encoding_and_a_bomb_are_garbage(encoding, body):
    async with partner() as server:
        server.answer = lambda _: reply(body, Content_Encoding=encoding)
        assert await failure_of(server.url, settings=OPEN) is Failure.GARBAGE


async def test_a_bomb_never_takes_more_memory_than_the_limit():
    import tracemalloc  # noqa: PLC0415 - only here

    bomb = gzip.compress(b"0" * 100_000_000)
    async with partner() as server:
        server.answer = lambda _: reply(bomb, Content_Encoding="gzip")
        tracemalloc.start()
        try:
            assert await failure_of(server.url, settings=OPEN) is Failure.GARBAGE
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


# ---- what may not be called


@pytest.mark.obligation("CRED-049")
@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://[::1]:1", "https://10.0.0.1:1"]
)
async def test_production_calls_no_private_address(base):
    assert await failure_of(base, settings=Delivery()) is Failure.FORBIDDEN


@pytest.mark.obligation("CRED-049")
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_a_name_that_leads_to_a_private_address_is_not_called(address):
    seen = []

    async def note(reader, _):
        seen.append(await reader.read(10))

    async with raw_server(note) as there:
        base = f"https://rebinding.example:{there.split(':')[1]}"
        failure = await failure_of(base, settings=Delivery(), resolve=Resolver(address))
    assert failure is Failure.FORBIDDEN
    assert seen == []


@pytest.mark.obligation("CRED-049")
async def test_a_resolver_that_changes_its_mind_is_not_believed():
    resolver = Resolver("192.0.2.1", "127.0.0.1")
    assert (
        await failure_of("https://rebinding.example:1", settings=Delivery(), resolve=resolver)
        is Failure.FORBIDDEN
    )
    assert (
        await failure_of("https://rebinding.example:1", settings=Delivery(), resolve=resolver)
        is Failure.FORBIDDEN
    )


@pytest.mark.obligation("ROUT-508")
async def test_a_stored_token_is_never_shown_on_a_foreign_origin():
    async with partner() as server, partner() as evil:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, _):
            outcome = await client.call(call_of(there, url=f"{evil.url}/list?offset=2"))
            assert isinstance(outcome, Failed)
            assert outcome.failure is Failure.FORBIDDEN
        assert evil.got == []


async def test_a_header_that_cannot_be_written_is_not_sent():
    async with partner() as server:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, _):
            outcome = await client.call(call_of(there, headers={"X-Request-ID": "a\r\nX-Evil: 1"}))
            assert isinstance(outcome, Failed)
        assert server.got == []


# ---- once, and only once


@pytest.mark.obligation("ROUT-115", "TR-090")
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_a_thousand_requests_on_connections_that_are_dropped_come_once(method):
    """Every third request on a kept connection is read and answered by closing."""
    came = []

    async def handle(reader, writer):
        for count in range(3):
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")]
            if length:
                await reader.readexactly(int(length[0].split(b":")[1]))
            came.append(head.split(b" ")[1])
            if count < 2:
                writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(OK) + OK)
                await writer.drain()

    async with raw_server(handle) as there:
        base = platform_of("p", f"http://{there}")
        async with client_for(base) as (client, _, _):
            outcomes = [
                await client.call(call_of(base, f"/n/{number}", method)) for number in range(1000)
            ]
    assert len(came) == len(set(came)) == 1000
    failures = [outcome.failure for outcome in outcomes if isinstance(outcome, Failed)]
    assert set(failures) == {Failure.TIMEOUT}
    assert len(failures) == 333


async def test_a_get_on_a_dropped_connection_may_be_asked_again():
    came = []

    async def handle(reader, writer):
        for _ in range(2):
            came.append(await reader.readuntil(b"\r\n\r\n"))
            if len(came) == 2:
                return
            writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(OK) + OK)
            await writer.drain()

    async with raw_server(handle) as there:
        base = platform_of("p", f"http://{there}")
        async with client_for(base) as (client, _, _):
            assert isinstance(await client.call(call_of(base)), Answered)
            assert isinstance(await client.call(call_of(base)), Answered)
    assert len(came) == 3


# ---- breaker, lanes, journal


async def test_a_dead_partner_is_left_alone_after_five_failures_until_it_calls():
    told = []
    port = closed_port()
    there = platform_of("p", f"http://127.0.0.1:{port}")
    async with client_for(there) as (client, register, journal):
        client.unreachable = told.append
        for _ in range(IN_A_ROW + 3):
            outcome = await client.call(call_of(there))
            assert isinstance(outcome, Failed)
            assert outcome.failure is Failure.NOT_CONNECTED
        assert outcome.detail == "the breaker is open"
        assert told == [there.id] * (IN_A_ROW + 3)
        assert client.breaker(there.id).state is State.OPEN
        assert len(journal.hops) == IN_A_ROW + 3
        async with partner(port):
            refused = await client.call(call_of(there))
            assert isinstance(refused, Failed)
            register.seen(there.id)  # an authenticated message came in
            assert isinstance(await client.call(call_of(there)), Answered)


async def test_a_probe_passes_an_open_breaker_and_its_success_closes_it():
    port = closed_port()
    there = platform_of("p", f"http://127.0.0.1:{port}")
    async with client_for(there) as (client, _, _):
        for _ in range(IN_A_ROW):
            await client.call(call_of(there))
        async with partner(port):
            assert isinstance(await client.call(call_of(there, mode="configuration")), Answered)
            assert isinstance(await client.call(call_of(there)), Answered)


async def test_an_error_of_the_partner_does_not_open_the_breaker():
    async with partner() as server:
        server.answer = lambda _: reply(status=500)
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, _):
            for _ in range(IN_A_ROW * 5):
                assert isinstance(await client.call(call_of(there)), Answered)


async def test_a_partner_with_all_lanes_taken_hurts_nobody_else():
    settings = OPEN.model_copy(update={"relay_lanes": 2, "lane_wait_s": 0.05})
    free = asyncio.Event()
    async with partner() as slow, partner() as quick:

        async def wait(_):
            await free.wait()
            return reply()

        slow.answer = wait
        a, b = platform_of("slow", slow.url), platform_of("quick", quick.url)
        async with client_for(a, b, settings=settings) as (client, _, _):
            waiting = [asyncio.ensure_future(client.call(call_of(a))) for _ in range(5)]
            await slow.wait(2)
            assert all([isinstance(await client.call(call_of(b)), Answered) for _ in range(20)])
            full = [task for task in waiting if (await asyncio.wait([task], timeout=0.5))[0]]
            assert [task.result() for task in full] == [
                Failed(Failure.NOT_CONNECTED, "every lane is taken")
            ] * 3
            free.set()
            assert sum(isinstance(o, Answered) for o in await asyncio.gather(*waiting)) == 2
        assert len(slow.got) == 2


async def test_a_cancelled_call_gives_its_lane_back():
    settings = OPEN.model_copy(update={"relay_lanes": 1, "lane_wait_s": 0.05})
    async with partner() as server:
        server.answer = hang
        there = platform_of("p", server.url)
        async with client_for(there, settings=settings) as (client, _, _):
            task = asyncio.ensure_future(client.call(call_of(there)))
            await server.wait(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server.answer = lambda _: reply()
            assert isinstance(await client.call(call_of(there)), Answered)


async def test_every_call_leaves_a_hop_without_a_secret():
    async with partner() as server:
        swapped = message.routing_headers(CPO, MSP)
        server.answer = lambda _: reply(
            message.envelope(AT, code=2001), X_Request_ID="r1", **swapped
        )
        there = platform_of("p", server.url)
        headers = call_of(there).headers | message.routing_headers(MSP, CPO)
        async with client_for(there) as (client, _, journal):
            await client.call(call_of(there, "/x", "PUT", headers=headers))
            await client.call(call_of(replace(there, versions_url="http://0.0.0.0/versions")))
        good, bad = journal.hops
    assert (good.direction, good.platform, good.route) == (Direction.OUT, there.id, "test.route")
    assert (good.http, good.code, good.outcome) == (200, 2001, "answered")
    assert (good.sender, good.receiver) == (CPO, MSP)
    assert (good.request_id, good.correlation_id, good.findings) == ("r1", "c1", ())
    assert (bad.http, bad.outcome) == (None, "forbidden")
    assert "secret-of-p" not in repr(journal.hops)
    assert "c2VjcmV0" not in repr(journal.hops)


@pytest.mark.obligation("ROUT-024")
async def test_an_answer_without_the_request_id_is_used_and_noted():
    async with partner() as server:
        there = platform_of("p", server.url)
        async with client_for(there) as (client, _, journal):
            assert isinstance(await client.call(call_of(there)), Answered)
        assert journal.hops[0].findings == ("TR-071: X-Request-ID is not repeated in the answer",)


async def test_an_answer_with_a_list_where_one_object_is_due_is_used_and_noted():
    async with partner() as server:
        there = platform_of("p", server.url)
        wrapped = message.envelope(AT, data=b'[{"result":"ACCEPTED","timeout":30}]')
        server.answer = lambda _: reply(wrapped, X_Request_ID="r1")
        async with client_for(there) as (client, _, journal):
            for route in ("commands.receiver.post", "locations.sender.list"):
                assert isinstance(await client.call(replace(call_of(there), route=route)), Answered)
        single, listed = journal.hops
        assert single.findings == ("TR-061: data: an object is expected, not a list",)
        assert listed.findings == ()


@pytest.mark.obligation("ROUT-617")
async def test_the_text_of_an_address_may_be_judged_before_anybody_calls_it() -> None:
    async with client_for(settings=Delivery()) as (client, _, _):
        assert client.refused("https://emsp.example/answers/7?a=1") is None
        for url in (
            "http://emsp.example/answers/7",
            "https://127.0.0.1/7",
            "https://localhost/7",
            "https://10.0.0.1/7",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/7",
            "https://emsp.example/" + "x" * 255,
            "ftp://emsp.example/7",
        ):
            assert client.refused(url), url
