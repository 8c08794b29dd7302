"""Partners that nobody here wrote, in processes of their own, behind a hub in this one."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench import peer
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house
from tests.interop import stranger

MADE_WITHIN_S = 240.0
PARTIES = {"cpo": "NL-XCP", "emsp": "DE-XEM"}
# It concatenates ids to endpoints, its Links carry names of its own classes, it reads no lists.
QUIRKS = {"slashed_endpoints": True, "offset_paging": True, "catch_up": True}


@pytest.fixture(scope="session")
def python() -> Path:
    """The strangers' interpreter; made once, which needs a package index."""
    try:
        return peer.environment(MADE_WITHIN_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        why = type(error).__name__
        pytest.skip(f"extrawest-ocpi is not installed ({why}): is a package index in reach?")


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url, pull={"settle_s": 0, "limit": 2}) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Stranger:
    """A running stranger and the platform that it is at the hub."""

    hub: Hub
    url: str
    platform: str

    async def held(self) -> dict[str, Any]:
        """`token` it takes from the hub, `hub` is how the hub introduced itself, `objects`."""
        return await self._call("GET", "/held")

    async def holds(self, module: str, key: str, **members: Any) -> dict[str, Any]:
        """One object, as soon as it is there with these members. Ids are in lower case."""
        found: dict[str, Any] = {}

        async def is_there() -> bool:
            objects = (await self.held())["objects"]
            found.update(objects.get(module, {}).get(key, {}))
            return bool(found) and members.items() <= found.items()

        try:
            await eventually(is_there)
        except TimeoutError:
            raise AssertionError(f"{module} {key}: wanted {members}, found {found}") from None
        return found

    async def forget(self) -> None:
        """It is as if just started."""
        await self._call("DELETE", "/held")

    async def put(self, module: str, key: str, value: Any) -> None:
        await self._call("PUT", f"/held/{module}/{key}", value)

    async def push(self, module: str, key: str) -> int:
        """Have it send an object that it holds to the hub, by the package's own client: HTTP."""
        held = await self.held()
        receiver = {
            "endpoints_url": f"{self.hub.url}/ocpi/{held['hub']['endpoints']['version']}",
            "auth_token": held["hub"]["credentials"]["token"],
        }
        asked = {"module_id": module, "object_id": key, "receivers": [receiver]}
        headers = {"Authorization": peer.shown(held["token"])}
        pushed = await self._call("POST", "/push/2.2.1", asked, headers)
        [answer] = pushed["receiver_responses"]
        return int(answer["status_code"])

    async def _call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        async with self.hub.session.request(
            method, self.url + path, json=body, headers=headers
        ) as answer:
            assert answer.status == 200, (method, path, await answer.text())
            return await answer.json()


@pytest.fixture(scope="session")
def strangers(python: Path) -> Iterator[dict[str, str]]:
    """Both are started once; where they are, by role."""
    with ExitStack() as running:
        started = {
            role: running.enter_context(
                subprocess.Popen(  # noqa: S603 - our own environment
                    [python, "-m", "tests.interop.stranger", role, party],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                )
            )
            for role, party in PARTIES.items()
        }  # fmt: skip
        yield {role: f"http://127.0.0.1:{_port(process)}" for role, process in started.items()}


def _port(process: "subprocess.Popen[bytes]") -> int:
    """It tells its port, serves until its input ends, and ends then."""
    assert process.stdout is not None
    return int(json.loads(process.stdout.readline())["port"])


async def _met(hub: Hub, url: str, role: str) -> Stranger:
    """The hub registers with it, since the strangers only answer."""
    country_code, _, party_id = PARTIES[role].partition("-")
    agreed = {
        "country_code": country_code,
        "party_id": party_id,
        "role": role.upper(),
        "name": "Stranger",
    }
    asked = {"name": PARTIES[role], "roles": [agreed], "quirks": QUIRKS}
    made = await hub.admin("POST", "/platforms", asked)
    met = Stranger(hub, url, made["id"])
    await met.forget()
    invitation = {"versions_url": f"{url}/ocpi/versions", "token": stranger.TOKEN_A}
    await hub.admin("POST", f"/platforms/{met.platform}/register", invitation)
    return met


@pytest.fixture
async def strange_cpo(hub: Hub, strangers: dict[str, str]) -> Stranger:
    return await _met(hub, strangers["cpo"], "cpo")


@pytest.fixture
async def strange_emsp(hub: Hub, strangers: dict[str, str]) -> Stranger:
    return await _met(hub, strangers["emsp"], "emsp")


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        await hub.connect(partner)
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[FakePartner]:
    async with fake_partner(EMSP="DE-EMP") as partner:
        await hub.connect(partner)
        yield partner
