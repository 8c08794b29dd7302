"""A hub behind a proxy that ends TLS: every address it hands out is the public one, and works.

The proxy asks for no client certificate, and nothing behind it does.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import trustme

from ocpi_hub.ocpi import codec, paging
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply
from tests.build import a_location
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import Hub, free_port, running_house


@dataclass
class Front:
    """Passes what comes by TLS on to `behind`; `trust` is what its clients believe in."""

    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    port: int = 0
    behind: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def inner_url(self) -> str:
        return f"http://127.0.0.1:{self.behind}"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


@asynccontextmanager
async def tls() -> AsyncIterator[Front]:
    authority, front = trustme.CA(), Front()
    authority.configure_trust(front.trust)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(served)
    server = await asyncio.start_server(front.meet, "127.0.0.1", 0, ssl=served)
    async with server:
        front.port = server.sockets[0].getsockname()[1]
        yield front


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with tls() as opened:
        yield opened


@pytest.fixture
async def operator(database_url: str, front: Front) -> AsyncIterator[Hub]:
    """The hub as its operator reaches it, past the proxy."""
    front.behind = free_port()
    server = {"public_url": front.url, "listen": f"127.0.0.1:{front.behind}"}
    async with running_house(database_url, server=server), Hub(front.inner_url) as hub:
        yield hub


@asynccontextmanager
async def connected(front: Front, operator: Hub, partner: FakePartner) -> AsyncIterator[None]:
    """A partner that trusts the proxy, shows no certificate, and registers where it is told to."""
    connector = aiohttp.TCPConnector(ssl=front.trust)
    partner.client._session = aiohttp.ClientSession(connector=connector)
    async with partner:
        told = (await operator.invite(partner))["registration"]
        await partner.register(told["versions_url"], told["token"])
        yield


@pytest.fixture
async def cpo(front: Front, operator: Hub) -> AsyncIterator[FakePartner]:
    partner = fake_partner(CPO="NL-CPO")
    partner.serve("locations", SENDER, two_pages)
    async with connected(front, operator, partner):
        yield partner


@pytest.fixture
async def emsp(front: Front, operator: Hub) -> AsyncIterator[FakePartner]:
    partner = fake_partner(EMSP="DE-EM1")
    partner.serve("cdrs", RECEIVER, kept_cdr)
    async with connected(front, operator, partner):
        yield partner


async def two_pages(received: Received) -> Reply:
    if "cursor" in received.query:
        return Reply(b'[{"id":"2"}]')
    link = '</ocpi/2.2.1/sender/locations?cursor=2>; rel="next"'
    return Reply(b'[{"id":"1"}]', headers={"Link": link})


async def kept_cdr(received: Received) -> Reply:
    if received.method == "POST":
        return Reply(http=201, headers={"Location": "/ocpi/2.2.1/receiver/cdrs/77"})
    return Reply(codec.encode({"id": received.segments[0]}))


def next_url(answer: Answer) -> str:
    url = paging.next_url(answer.headers["Link"])
    assert url
    return url


@pytest.mark.obligation("TR-001", "PAG-009", "ROUT-501", "ROUT-506")
async def test_every_address_that_is_handed_out_is_public_and_leads_back(
    front: Front, operator: Hub, cpo: FakePartner, emsp: FakePartner
) -> None:
    answers: list[Answer] = []

    async def follow(partner: FakePartner, url: str, **how: Any) -> Answer:
        """GET an address as it was handed out."""
        assert url.startswith(f"{front.url}/ocpi/")
        answers.append(await partner.call("GET", url, **how))
        assert answers[-1].code == 1000
        return answers[-1]

    platform = (await operator.admin("GET", "/platforms"))["items"][0]["id"]
    renewed = await operator.admin("POST", f"/platforms/{platform}/registration-token")
    versions = await follow(cpo, renewed["versions_url"])
    for entry in versions.data:
        details = await follow(cpo, entry["url"])
        for endpoint in details.data["endpoints"]:
            assert endpoint["url"].startswith(f"{front.url}/ocpi/")
    credentials = await follow(cpo, cpo.known_peer.credentials_url)
    assert (await follow(cpo, credentials.data["url"])).data == versions.data

    answers += [await cpo.put(a_location(id=each)) for each in ("L1", "L2")]
    hub, lists = emsp.known_peer.party, emsp.known_peer.url("locations", SENDER)
    everything = await follow(emsp, f"{lists}?limit=1", to=hub, sender=emsp.party)
    rest = await follow(emsp, next_url(everything), to=hub, sender=emsp.party)
    assert [page.data[0]["id"] for page in (everything, rest)] == ["L1", "L2"]
    theirs = await follow(emsp, lists, to=cpo.party, sender=emsp.party)
    assert (await follow(emsp, next_url(theirs))).data == [{"id": "2"}]
    async with connected(front, operator, fake_partner(CPO="NL-CP2")):
        parties = await follow(emsp, emsp.known_peer.url("hubclientinfo", SENDER) + "?limit=1")
        assert len((await follow(emsp, next_url(parties))).data) == 1
    answers.append(await cpo.send("POST", "cdrs", body={"id": "77"}, to=emsp.party))
    assert (await follow(cpo, answers[-1].headers["Location"])).data == {"id": "77"}

    for answer in answers:
        said = f"{dict(answer.headers)} {answer.body!r}"
        assert f":{front.behind}" not in said
        assert "http://" not in said
