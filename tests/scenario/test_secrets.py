"""Canaries: every secret that goes through the hub is looked for wherever something is kept.

Secrets go in by all doors, also by those that are the wrong ones; then the log of the whole
process, all that operators and Prometheus can read, every refusal, and a dump of the database
are searched for each of them as text, in Base64 and in hexadecimal digits.
"""

import asyncio
import base64
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Refused
from ocpi_hub.storage.embedded import EmbeddedServer
from tests.build import a_location
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import SEAL, Hub, agreed_roles, eventually, served

PASSWORD = "canary-database-password"


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may be written: as it is, in Base64, in a URL, in the digits of a dump."""
    plain = secret.encode()
    for each in (plain, plain + b"\n"):
        yield base64.b64encode(each).rstrip(b"=")
    yield plain
    yield plain.hex().encode()
    yield quote(secret, safe="").encode()


@dataclass
class Canaries:
    """Secrets by name, and what the hub said or kept by where it was found."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, name: str, secret: str | None) -> str:
        assert secret
        assert len(secret) >= 12, "shorter ones would be found by chance"
        self.secrets[f"{name} ({len(self.secrets)})"] = secret
        return secret

    def tokens_of(self, partner: FakePartner, when: str) -> None:
        self.add(f"token of the hub at {partner.name} {when}", partner.tokens.current)
        self.add(f"token of {partner.name} {when}", partner.known_peer.token)

    def look_at(self, place: str, said: bytes) -> None:
        self.places.append((place, said))

    @property
    def escaped(self) -> list[str]:
        return [
            f"{name} in {place}: ...{said[max(0, at - 60) : at + 20]!r}"
            for place, said in self.places
            for name, secret in self.secrets.items()
            for form in set(forms(secret))
            if (at := said.find(form)) >= 0
        ]


@dataclass
class Stage:
    hub: Hub
    canaries: Canaries

    async def refused(
        self, method: str, path: str, *, body: bytes | None = None, **headers: str
    ) -> None:
        """A request to any door that must fail; what it is told is looked at later."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.hub.session.request(
            method, self.hub.url + path, data=body, headers=named
        ) as answer:
            said = await answer.read()
            assert answer.status >= 400 or b'"status_code":1000' not in said, said
            shown = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            self.canaries.look_at(f"{method} {path}", shown.encode() + said)

    async def operator(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """An operator's request whose answer must show no secret."""
        status, answer = await self.hub.call(method, f"/admin/v1{path}", body, **params)
        self.canaries.look_at(f"{method} {path} {status}", codec.encode(answer))
        return answer


@pytest.mark.timeout(120)
@pytest.mark.obligation("CRED-002", "CRED-033", "CRED-051", "ROUT-102", "ROUT-808")
async def test_no_secret_is_written_down_or_shown(
    postgres: EmbeddedServer,
    database_url: str,
    tmp_path: Path,
    psql: Callable[[str], str],
) -> None:
    canaries = Canaries()
    canaries.add("password of the database", PASSWORD)
    canaries.add("key that seals", SEAL)
    canaries.add("key that seals, raw", base64.b64decode(SEAL).decode("latin-1"))
    url = database_url.replace("://ocpi_hub@", f"://ocpi_hub:{PASSWORD}@")
    async with (
        served(tmp_path, url, LOGGING__LEVEL="debug", DELIVERY__DEADLINE_S="1") as (hub, process),
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
    ):
        canaries.add("bootstrap key", process.admin_key)
        stage = Stage(hub, canaries)
        await partners_register_and_renew(stage, cpo, emsp)
        await messages_go_both_ways(cpo, emsp)
        await strangers_knock_with_secrets(stage, cpo)
        await registrations_fail(stage)
        await partners_repeat_what_they_were_shown(stage, cpo, emsp)
        psql("select pg_terminate_backend(pid) from pg_stat_activity where datname like 'test%'")
        await messages_go_both_ways(cpo, emsp)
        await everything_is_read(stage)
        neither_was_shown_what_is_the_others(canaries, cpo, emsp)
    log, whole = process.log.read_bytes(), dump(postgres, database_url)
    canaries.look_at("the log", log)
    canaries.look_at("the database", whole)
    assert canaries.escaped == []
    assert b"inbound.answered" in log  # it was told to log all it can
    sure = Canaries(places=canaries.places)
    sure.add("what a body says", a_location()["address"])  # bodies are digits in a dump
    assert any("in the database" in found for found in sure.escaped)
    assert any("in GET /messages/" in found for found in sure.escaped)


async def partners_register_and_renew(stage: Stage, cpo: FakePartner, emsp: FakePartner) -> None:
    hub, canaries = stage.hub, stage.canaries
    made = await hub.invite(cpo)
    canaries.add(f"first token A of {cpo.name}", made["registration"]["token"])
    again = await hub.admin("POST", f"/platforms/{made['id']}/registration-token")
    await cpo.register(hub.versions_url, canaries.add(f"token A of {cpo.name}", again["token"]))
    canaries.tokens_of(cpo, "at first")

    other = await hub.invite(emsp)
    canaries.add(f"token A of {emsp.name} never used", other["registration"]["token"])
    invitation = {
        "versions_url": emsp.versions_url,
        "token": canaries.add(f"token A from {emsp.name}", emsp.issue_token_a()),
    }
    await stage.operator("POST", f"/platforms/{other['id']}/register", invitation)
    canaries.tokens_of(emsp, "at first")

    await cpo.rotate()
    await emsp.rotate()
    canaries.tokens_of(cpo, "renewed by the partner")
    canaries.tokens_of(emsp, "renewed by the partner")
    await stage.operator("POST", f"/platforms/{made['id']}/rotate")
    await stage.operator("POST", f"/platforms/{other['id']}/rotate")
    canaries.tokens_of(cpo, "renewed by the hub")
    canaries.tokens_of(emsp, "renewed by the hub")


async def messages_go_both_ways(cpo: FakePartner, emsp: FakePartner) -> None:
    journey = {"X-Correlation-ID": "journey-to-the-dump"}
    await cpo.put(a_location(), headers=journey)
    assert (await cpo.put(a_location(), to=emsp.party, headers=journey)).code == 1000
    assert (await emsp.get("locations", headers=journey)).code == 1000
    shown = await cpo.call("GET", cpo.known_peer.credentials_url)  # shows the token, to its holder
    assert shown.data["token"] == cpo.known_peer.token


async def strangers_knock_with_secrets(stage: Stage, cpo: FakePartner) -> None:
    hub, canaries = stage.hub, stage.canaries
    made = await hub.admin("POST", "/keys", {"name": "car", "scopes": ["nav:read"]})
    car = canaries.add("key of a car", made["key"])
    bad = [canaries.add("bad token", f"canary-bad-token-{n}") for n in range(8)]
    packed = base64.b64encode(bad[0].encode()).decode()
    for header in (
        f"Token {packed}", f"Token {bad[1]}", f"Bearer {bad[2]}", f"Basic {bad[3]}", bad[4],
        f"Token  {bad[5]} {bad[5]}", f"token\t{bad[6]}",
    ):  # fmt: skip
        await stage.refused("GET", "/ocpi/versions", Authorization=header)
        await stage.refused("GET", "/admin/v1/platforms", Authorization=header)
        await stage.refused("GET", "/nav/v1/meta", Authorization=header)
    await stage.refused("GET", "/nav/v1/meta", X_API_Key=bad[7])
    for path in ("/ocpi/versions", "/admin/v1/platforms", "/nav/v1/meta", "/metrics"):
        await stage.refused("GET", f"{path}?token={bad[1]}&key={bad[2]}")
    await stage.refused("GET", "/admin/v1/platforms", Authorization=f"Bearer {car}")
    await stage.refused("GET", "/metrics", Authorization=f"Bearer {car}")

    token = f"Token {base64.b64encode(cpo.known_peer.token.encode()).decode()}"
    url = "/ocpi/2.2.1/receiver/locations/NL/CPO/LOC1"
    await stage.refused("PUT", url, body=b"{", Authorization=token)
    await stage.refused("PUT", f"{url}?token={bad[3]}", body=b"{}", Authorization=token)
    await stage.refused("DELETE", "/ocpi/nowhere", Authorization=token)
    await _broken_http(hub, f"GET /ocpi/versions HTTP/1.1\r\nAuthorization: {token}\0\r\n\r\n")
    await _broken_http(hub, f"GET /ocpi/versions HTTP/1.1\r\nAuthorization : {token}\r\n\r\n")


async def _broken_http(hub: Hub, request: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(hub.url.rpartition(":")[2]))
    writer.write(request.encode())
    await reader.read(1)  # what it says goes to the sender of just these bytes
    writer.close()


async def registrations_fail(stage: Stage) -> None:
    """Credentials that are refused for what they are, or for what the partner does."""
    hub, canaries = stage.hub, stage.canaries
    async with fake_partner(CPO="FR-BAD") as bad:
        made = await hub.invite(bad)
        token_a = canaries.add("token A of failures", made["registration"]["token"])
        shown = f"Token {base64.b64encode(token_a.encode()).decode()}"
        url = "/ocpi/2.2.1/credentials"
        offered = [canaries.add("offered token", f"canary-offered-token-{n}") for n in range(6)]
        roles = codec.encode([role.announced() for role in bad.roles])
        where = codec.encode(bad.versions_url)
        bodies = (
            b'{"token":"%b","url":%b,"roles":%b' % (offered[0].encode(), where, roles),
            b'{"token" : "%b", "url":"nowhere", "roles":[]}' % offered[1].encode(),
            b'{"tok\\u0065n":"%b","url":"nowhere","roles":[]}' % offered[2].encode(),
            b'{"token":"%b and a blank","url":%b,"roles":%b}' % (offered[3].encode(), where, roles),
            b'[{"token":"%b"}]' % offered[4].encode(),
            b'{"url":%b,"roles":%b,"token":"%b"}' % (where, roles, offered[5].encode()),
        )
        for body in bodies:
            await stage.refused("POST", url, body=body, Authorization=shown)
        for step in ("versions", "details"):
            bad.faults.add(fault.unauthorized(), fault.on(interface=step), times=1)
            with pytest.raises(Refused) as refused:
                await bad.register(hub.versions_url, token_a)
            canaries.look_at(f"POST credentials, {step} fail", refused.value.answer.body)

        path = f"/platforms/{made['id']}"
        theirs = canaries.add("token A that nobody knows", "canary-their-token-a")
        for versions_url in (
            bad.versions_url,
            f"http://user:{canaries.add('password in a URL', 'canary-url-password')}@127.0.0.1:1/",
            "http://127.0.0.1:1/versions",
        ):
            asked = {"versions_url": versions_url, "token": theirs}
            await stage.operator("POST", f"{path}/register", asked)
        await stage.operator("POST", f"{path}/register", {"versions_url": 1, "token": theirs})
        await stage.operator("POST", f"{path}/register", {"token": theirs, "tokens": [theirs]})
        await stage.operator("PATCH", path, {"quirks": {"token": theirs}})
        wrong = {"name": "x", "roles": agreed_roles(bad), "registration": {"token": theirs}}
        await stage.operator("POST", "/platforms", wrong)


async def partners_repeat_what_they_were_shown(
    stage: Stage, cpo: FakePartner, emsp: FakePartner
) -> None:
    """Receivers that fail and say with which token they were called, as badly written ones do."""
    canaries = stage.canaries
    encoded = base64.b64encode((emsp.tokens.current or "").encode()).decode()
    for said in (
        b'{"status_code":2000,"status_message":"bad header: Token %b"}' % encoded.encode(),
        b'{"request":{"headers":{"Authorization":"Token %b"}}}' % encoded.encode(),
        b"<p>Authorization: Token %b</p>" % encoded.encode(),
    ):  # fmt: skip
        for status in (401, 500):
            emsp.faults.add(fault.http(status, said), fault.on(interface="locations.receiver"))
            answer = await cpo.put(a_location(), to=emsp.party)
            assert answer.code in {4000, 4003}
            canaries.look_at("an answer in place of the receiver's", answer.body)
            emsp.faults.clear()


def neither_was_shown_what_is_the_others(
    canaries: Canaries, cpo: FakePartner, emsp: FakePartner
) -> None:
    for partner, other in ((cpo, emsp), (emsp, cpo)):
        theirs = {name: each for name, each in canaries.secrets.items() if other.name in name}
        assert len(theirs) >= 8
        came = [
            (f"{each.method} {each.path} to {partner.name}", f"{dict(each.headers)}".encode())
            for each in partner.record.requests
        ]
        assert Canaries(theirs, came).escaped == []


async def everything_is_read(stage: Stage) -> None:
    """All that an operator can read, and Prometheus, after the journal was written."""
    hub, canaries = stage.hub, stage.canaries

    async def journalled() -> bool:
        found = await hub.admin("GET", "/messages", correlation_id="journey-to-the-dump")
        return len([hop for hop in found["items"] if hop["route"] == "locations.sender.list"]) == 2

    await eventually(journalled, 20)
    for path in ("/platforms", "/keys", "/audit"):
        listed = await stage.operator("GET", path, limit="200")
        assert listed["next"] is None
    for platform in (await hub.admin("GET", "/platforms"))["items"]:
        await stage.operator("GET", f"/platforms/{platform['id']}")
    cursor: dict[str, str] = {}
    while True:
        page = await stage.operator("GET", "/messages", limit="200", **cursor)
        for hop in page["items"]:
            await stage.operator("GET", f"/messages/{hop['id']}")
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    for path in ("/metrics", "/readyz", "/healthz", "/docs"):
        headers = {"Authorization": f"Bearer {hub.admin_key}"}
        async with hub.session.get(hub.url + path, headers=headers) as answer:
            assert answer.status == 200
            canaries.look_at(path, await answer.read())


def dump(server: EmbeddedServer, url: str) -> bytes:
    """The whole database as text: what a backup holds, bytes in hexadecimal digits."""
    command = [server.bin / "pg_dump", "--inserts", "--dbname", url]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout  # noqa: S603 - our own server
