"""Bad, huge, slow and too many: what the door does with what should not come."""

import asyncio
import gzip
import re
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ocpi_hub.inbound.body import Sizes
from ocpi_hub.inbound.gate import Limits
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Answer
from ocpi_hub.storage.database import Database
from tests.build import a_location, as_bytes
from tests.fake_partner import FakePartner, fake_partner
from tests.inbound_house import House, open_house

PATH = "/ocpi/2.2.1/receiver/locations/NL/CPO/LOC1"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database, body_timeout_s=0.4) as opened:
        yield opened


@pytest.fixture
async def cpo(house: House) -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        await house.join(partner)
        yield partner


@pytest.fixture
async def emsp(house: House) -> AsyncIterator[FakePartner]:
    async with fake_partner(EMSP="DE-EMP") as partner:
        await house.join(partner)
        yield partner


async def put(cpo: FakePartner, house: House, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await cpo.client.call(
        "PUT",
        house.url + PATH,
        cpo.known_peer.token,
        body=body,
        sender=cpo.party,
        headers={"OCPI-to-country-code": "DE", "OCPI-to-party-id": "EMP", **named},
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}}",
        b"\xff{}",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b"[" * 65 + b"]" * 65,
        b"[" * 30_000,
        '{"a":"ä"}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.obligation("STAT-001", "TR-064")
async def test_what_is_no_json_is_400_and_goes_nowhere(
    house: House, cpo: FakePartner, emsp: FakePartner, body: bytes
) -> None:
    answer = await put(cpo, house, body)
    assert (answer.http, answer.code) == (400, 2000)
    assert not emsp.record.requests


@pytest.mark.obligation("ROUT-801", "CRED-013")
async def test_of_several_faults_the_first_in_order_is_told(house: House, cpo: FakePartner) -> None:
    call = cpo.client.call
    token, url = cpo.known_peer.token, house.url
    foreign = url + "/ocpi/2.2.1/receiver/locations/BE/XXX/L1"
    half = {"OCPI-to-party-id": "EMP"}
    forged = {"OCPI-from-party-id": "XXX", "OCPI-from-country-code": "BE"}
    nowhere = {"OCPI-to-party-id": "XXX", "OCPI-to-country-code": "FR"}
    body = as_bytes(a_location())
    everything = {**half, **forged}
    assert (await call("PUT", foreign, "no", body=b"{", headers=everything)).http == 401
    assert (await call("PUT", foreign, token, body=b"{", headers=everything)).http == 400
    halved = await call("PUT", foreign, token, body=body, headers=everything)
    assert (halved.code, "OCPI-to-country-code" in halved.json["status_message"]) == (2001, True)
    lied = await call("PUT", foreign, token, body=body, headers={**nowhere, **forged})
    assert (lied.code, "BE-XXX" in lied.json["status_message"]) == (2001, True)
    assert (await call("PUT", foreign, token, body=body, headers=nowhere)).http == 404
    assert (await call("PUT", url + PATH, token, body=body, headers=nowhere)).code == 4001


@pytest.mark.obligation("TR-012", "TR-003", "TR-004")
@pytest.mark.parametrize(
    "header",
    [
        "Bearer x",
        "Token",
        "Token ",
        "Token %%%",
        "Token /w==",
        "Basic dTpw",
        "",
        "Token " + "x" * 5000,
    ],
)
async def test_a_malformed_authorization_is_401(
    house: House, cpo: FakePartner, header: str
) -> None:
    answer = await cpo.client.call(
        "GET", house.versions_url, None, headers={"Authorization": header}
    )
    assert (answer.http, answer.code) == (401, 2000)


@pytest.mark.obligation("TR-005", "TR-007", "TR-008")
async def test_tokens_are_read_encoded_with_a_line_feed_and_raw(
    house: House, cpo: FakePartner
) -> None:
    token = cpo.known_peer.token
    for value in (b64encode(token.encode()), b64encode(f"{token}\n".encode()), token.encode()):
        headers = {"Authorization": f"token {value.decode()}"}
        answer = await cpo.client.call("GET", house.versions_url, None, headers=headers)
        assert answer.code == 1000


async def test_bodies_beyond_the_limit_are_cut(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    large = as_bytes(a_location(name="x" * 60_000, other=["x" * 1000] * 10))
    assert len(large) > 64 * 1024
    answer = await put(cpo, house, large)
    assert (answer.http, answer.code) == (413, 2000)
    cdr = await cpo.send("POST", "cdrs", body=large, to=emsp.party)
    assert cdr.code == 1000

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    chunked = await put(cpo, house, stream())  # type: ignore[arg-type]  # aiohttp takes both
    assert chunked.http == 413


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
async def test_compressed_bodies_are_relayed_plain(
    house: House, cpo: FakePartner, emsp: FakePartner, encoding: str, pack: object
) -> None:
    body = as_bytes(a_location())
    answer = await put(cpo, house, pack(body), Content_Encoding=encoding)  # type: ignore[operator]  # a function
    assert answer.code == 1000
    (came,) = emsp.record.of("locations")
    assert came.body == body
    assert "Content-Encoding" not in came.headers


async def test_compressed_bombs_and_lies_are_refused(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 64 * 1024
    assert (await put(cpo, house, bomb, Content_Encoding="gzip")).http == 413
    assert (await put(cpo, house, b"{}", Content_Encoding="gzip")).http == 400
    cut = gzip.compress(as_bytes(a_location()))[:-200]
    assert (await put(cpo, house, cut, Content_Encoding="gzip")).http == 400
    unknown = await put(cpo, house, b"{}", Content_Encoding="x-unknown")
    assert (unknown.http, unknown.code) == (415, 2000)
    assert not emsp.record.requests


async def _raw(house: House, cpo: FakePartner, *parts: bytes, pause: float = 0) -> bytes:
    """Send a request in pieces; the whole answer until the hub closes, or nothing in 3 s."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = b64encode(cpo.known_peer.token.encode()).decode()
    head = f"PUT {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {token}\r\n"
    writer.write(head.encode())
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    try:
        async with asyncio.timeout(3):
            return await reader.read()
    finally:
        writer.close()


async def test_a_body_that_never_ends_is_cut_by_its_deadline(
    house: House, cpo: FakePartner
) -> None:
    half = await _raw(house, cpo, b"Content-Length: 1000\r\n\r\n{")
    assert half.startswith(b"HTTP/1.1 408 ")
    assert b'"status_code":2000' in half
    dripping = await _raw(
        house, cpo, b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 8, pause=0.1
    )
    assert dripping.startswith(b"HTTP/1.1 408 ")


async def test_a_caller_that_hangs_up_is_no_fault_of_the_hub(
    house: House,
    cpo: FakePartner,
    until: Callable[..., Awaitable[None]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = len(house.journal.incoming)
    _, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    token = b64encode(cpo.known_peer.token.encode()).decode()
    head = f"PUT {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {token}\r\n"
    writer.write(head.encode() + b"Content-Length: 9\r\n\r\n{")
    await until(lambda: house.door.busy == 1)
    writer.close()
    await until(lambda: len(house.journal.incoming) > before)
    assert house.journal.incoming[-1].http == 400
    assert "inbound.fault" not in "".join(capfd.readouterr())


async def test_broken_framing_is_no_fault_of_the_hub(house: House, cpo: FakePartner) -> None:
    broken = await _raw(house, cpo, b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n")
    assert b" 400 " in broken.partition(b"\r\n")[0]
    assert (await cpo.call("GET", house.versions_url)).code == 1000


@pytest.mark.obligation("TR-031", "TR-032")
async def test_the_content_type_of_a_body_does_not_matter(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    body = as_bytes(a_location())
    assert (await put(cpo, house, body, Content_Type="text/plain")).code == 1000
    assert "TR-032" in house.journal.incoming[-1].findings[-1]
    charset = "application/json; charset=utf-8"
    assert (await put(cpo, house, body, Content_Type=charset)).code == 1000
    sent = [each.headers["Content-Type"] for each in emsp.record.of("locations")]
    assert sent == ["application/json", charset]


async def test_failed_tokens_are_counted_by_address_and_good_ones_pass(
    database: Database,
) -> None:
    limits = Limits(0, 0, failed_tokens_per_min=3, trusted_proxies=("127.0.0.0/8",))
    async with open_house(database, limits=limits) as house, fake_partner(CPO="NL-CPO") as cpo:
        await house.join(cpo)

        async def guess(address: str) -> Answer:
            headers = {"X-Forwarded-For": f"10.9.9.9, {address}"}
            return await cpo.client.call("GET", house.versions_url, "no", headers=headers)

        assert [(await guess("192.0.2.1")).http for _ in range(4)] == [401, 401, 401, 429]
        blocked = await guess("192.0.2.1")
        assert int(blocked.headers["Retry-After"]) > 0
        assert blocked.code == 2000
        assert (await guess("192.0.2.2")).http == 401
        good = await cpo.call("GET", house.versions_url, headers={"X-Forwarded-For": "192.0.2.1"})
        assert good.http == 200


async def test_a_platform_is_held_to_its_rate(database: Database) -> None:
    limits = Limits(rate_per_s=1, burst=2, failed_tokens_per_min=0)
    async with (
        open_house(database, limits=limits) as house,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(CPO="NL-FST") as fast,
    ):
        _, token_a = await house.invite(cpo)
        got = [(await cpo.client.call("GET", house.versions_url, token_a)).http for _ in range(4)]
        assert got[:2] == [200, 200]
        assert 429 in got
        _, quick = await house.invite(fast, rate_per_s=1000)
        got = [(await fast.client.call("GET", house.versions_url, quick)).http for _ in range(9)]
        assert got == [200] * 9


async def test_without_a_burst_a_second_of_the_rate_may_come_at_once(database: Database) -> None:
    limits = Limits(rate_per_s=20, burst=0, failed_tokens_per_min=0)
    async with open_house(database, limits=limits) as house, fake_partner(CPO="NL-CPO") as cpo:
        _, token_a = await house.invite(cpo)
        calls = [cpo.client.call("GET", house.versions_url, token_a) for _ in range(15)]
        assert [answer.http for answer in await asyncio.gather(*calls)] == [200] * 15


async def test_beyond_the_cap_requests_are_turned_away(database: Database) -> None:
    async with (
        open_house(database, in_flight=1) as house,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EMP") as emsp,
    ):
        await house.join(cpo)
        await house.join(emsp)
        emsp.faults.add(fault.delay(0.5))
        first = asyncio.ensure_future(cpo.put(a_location(), to=emsp.party))
        await emsp.received("locations")
        turned = await cpo.call("GET", house.versions_url)
        assert (turned.http, turned.headers["Retry-After"]) == (503, "1")
        assert turned.code == 2000
        assert (await first).code == 1000
        assert (await cpo.call("GET", house.versions_url)).http == 200


async def test_one_partner_takes_a_quarter_of_the_places_at_most(
    database: Database, until: Callable[..., Awaitable[None]]
) -> None:
    async with (
        open_house(database, in_flight=8, body_timeout_s=1) as house,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EMP") as emsp,
    ):
        await house.join(cpo)
        await house.join(emsp)
        half = b"Content-Length: 1000\r\n\r\n{"
        slow = [asyncio.ensure_future(_raw(house, cpo, half)) for _ in range(2)]
        await until(lambda: house.door.busy == 2)
        turned = await cpo.call("GET", house.versions_url)
        assert (turned.http, turned.code, turned.headers["Retry-After"]) == (429, 2000, "1")
        assert (await emsp.call("GET", house.versions_url)).http == 200
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in await asyncio.gather(*slow))
        assert (await cpo.call("GET", house.versions_url)).http == 200


async def test_strangers_that_are_turned_away_fill_no_journal(database: Database) -> None:
    limits = Limits(0, 0, failed_tokens_per_min=2)
    async with open_house(database, limits=limits) as house, fake_partner(CPO="NL-CPO") as cpo:
        got = [(await cpo.client.call("GET", house.versions_url, "no")).http for _ in range(6)]
        assert got == [401, 401, 429, 429, 429, 429]
        assert [hop.http for hop in house.journal.incoming] == [401, 401]


async def test_addresses_are_read_from_every_line_that_proxies_added(database: Database) -> None:
    limits = Limits(0, 0, failed_tokens_per_min=1, trusted_proxies=("127.0.0.0/8",))
    async with open_house(database, limits=limits) as house:
        port = int(house.url.rpartition(":")[2])

        async def guess(forged: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = (
                f"X-Forwarded-For: {forged}",
                "X-Forwarded-For: 192.0.2.1",
                "Connection: close",
            )
            head = "\r\n".join(("GET /ocpi/versions HTTP/1.1", "Host: x", *lines, "", ""))
            writer.write(head.encode())
            answer = await reader.read()
            writer.close()
            return answer

        assert (await guess("198.51.100.1")).startswith(b"HTTP/1.1 401 ")
        assert (await guess("198.51.100.2")).startswith(b"HTTP/1.1 429 ")


async def test_odd_codes_of_a_partner_make_no_metrics_of_their_own(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    for http, code in ((200, 2999), (200, 2998), (299, 1000), (298, 1000), (499, 4999)):
        emsp.faults.add(fault.code(code, status=http), times=1)
        answer = await cpo.put(a_location(), to=emsp.party)
        assert (answer.http, answer.code) == (http, code)
    told = house.metrics.exposition().decode()
    counted = [line for line in told.splitlines() if "requests_total" in line and "put" in line]
    assert [re.findall(r'(?:http|code)="(\w+)"', line) for line in counted] == [
        ["2xxx", "200"],
        ["1000", "2xx"],
        ["4xxx", "4xx"],
    ]


@pytest.mark.obligation("STAT-018")
async def test_an_internal_fault_is_3000_and_tells_nothing(
    house: House, cpo: FakePartner, capfd: pytest.CaptureFixture[str]
) -> None:
    house.door.own.duties["locations"]._store = None  # type: ignore[attr-defined]  # breaks it
    answer = await cpo.put(a_location())
    assert (answer.http, answer.code) == (200, 3000)
    assert answer.json["status_message"] == "internal error"
    assert cpo.known_peer.token not in "".join(capfd.readouterr())


def test_sizes_differ_by_module_and_kind() -> None:
    sizes = Sizes(usual=1, cdrs=2, lists=3)
    assert (sizes.request("locations"), sizes.request("cdrs")) == (1, 2)


async def test_what_is_remembered_of_addresses_is_bounded(house: House, cpo: FakePartner) -> None:
    url = f"{house.url}/ocpi/2.2.1/receiver/locations"
    for owner in ("NL", "x" * 2000):
        answer = await cpo.client.call(
            "PUT",
            f"{url}/{owner}/CPO/LOC1",
            cpo.known_peer.token,
            body=as_bytes(a_location()),
            sender=cpo.party,
        )
        assert answer.http == (201 if owner == "NL" else 404)
    (known,) = house.door._decisions
    assert "NL" in repr(known)
