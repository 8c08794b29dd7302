"""The operator that demo and simulate play: what it makes, meets again, and says when refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.simulator.car import Car
from ocpi_hub.simulator.cast import Cast, cast
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.ending import Ending
from ocpi_hub.simulator.fault import code, on
from ocpi_hub.simulator.hub_process import HubProcess
from ocpi_hub.simulator.introduction import introduction
from ocpi_hub.simulator.operator import AdminFailed, NoWayBack, Operator
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.script import Script

KEY = "operator-key"


class AdminApi:
    """As much of a hub's admin API as the operator asks for; `hub` is its OCPI side."""

    def __init__(self, hub: SimulatedPlatform) -> None:
        self.hub = hub
        self.platforms: dict[str, dict[str, Any]] = {}
        self.keys: list[str] = []
        self.calls: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._checked])
        base = "/admin/v1"
        app.router.add_get(f"{base}/platforms", self._listing)
        app.router.add_post(f"{base}/platforms", self._create)
        app.router.add_post(f"{base}/platforms/{{id}}/registration-token", self._token)
        app.router.add_delete(f"{base}/platforms/{{id}}", self._end)
        app.router.add_post(f"{base}/keys", self._key)
        app.router.add_delete(f"{base}/keys/{{id}}", self._forget)
        return app

    @web.middleware
    async def _checked(self, request, handler):
        self.calls.append(f"{request.method} {request.path.removeprefix('/admin/v1')}")
        if request.headers["Authorization"] != f"Bearer {KEY}":
            return web.json_response({"detail": "the key is unknown"}, status=401)
        return await handler(request)

    async def _listing(self, request):
        """One platform a page."""
        place = int(request.query.get("cursor", "0"))
        items = list(self.platforms.values())[place : place + 1]
        more = place + 1 < len(self.platforms)
        return web.json_response({"items": items, "next": str(place + 1) if more else None})

    async def _create(self, request):
        body = await request.json()
        number = f"p{len(self.platforms) + 1}"
        self.platforms[number] = {
            "id": number, "name": body["name"], "status": "CONNECTED", "registered": True,
            "agreed": body["roles"],
        }  # fmt: skip
        registration = {"token": self.hub.issue_token_a(), "versions_url": self.hub.versions_url}
        return web.json_response({"id": number, "registration": registration}, status=201)

    async def _token(self, request):
        self.platforms[request.match_info["id"]] |= {"status": "CONNECTED", "registered": True}
        issued = {"token": self.hub.issue_token_a(), "versions_url": self.hub.versions_url}
        return web.json_response(issued)

    async def _end(self, request):
        self.platforms[request.match_info["id"]] |= {"status": "SUSPENDED", "registered": False}
        return web.Response(status=204)

    async def _key(self, request):
        self.keys.append((await request.json())["name"])
        return web.json_response({"id": "k1", "key": "ohk"}, status=201)

    async def _forget(self, _):
        self.keys.clear()
        return web.Response(status=204)


@pytest.fixture
async def api() -> AsyncIterator[AdminApi]:
    role = PlatformRole(PartyRef("NL", "HUB"), Role.HUB, "A hub")
    async with SimulatedPlatform("hub", [role]) as hub:
        yield AdminApi(hub)


@pytest.fixture
async def url(api, aiohttp_server) -> str:
    server = await aiohttp_server(api.application())
    return str(server.make_url("")).rstrip("/")


@pytest.fixture
async def operator(url) -> AsyncIterator[Operator]:
    async with Operator(url + "/", KEY) as asking:
        yield asking


async def test_what_is_made_is_told_and_can_be_removed(api, operator, cpo, emsp):
    await operator.invite(cpo)
    await operator.issue_key("car", ["nav:read"])
    assert operator.made == ["/platforms/p1", "/keys/k1"]
    assert await operator.hosted() == {PartyRef("NL", "CPO")}
    assert await operator.statuses() == {"cpo": "CONNECTED"}
    for path in operator.made.copy():
        await operator.remove(path)
    assert operator.made == []
    assert await operator.hosted() == frozenset()
    assert api.keys == []


async def test_who_was_here_before_is_met_again(api, operator, cpo):
    await operator.invite(cpo)
    await operator.remove("/platforms/p1")
    await operator.invite(cpo)
    assert list(api.platforms) == ["p1"]
    assert operator.made == ["/platforms/p1"]
    assert cpo.known_peer.party == PartyRef("NL", "HUB")


async def test_parties_of_somebody_else_are_left_alone_or_taken_over(api, operator, cpo):
    await operator.invite(cpo)
    with pytest.raises(AdminFailed, match="ocpi-hub platform remove p1"):
        await operator.invite(cpo)
    await operator.invite(cpo, take_over=True)
    assert "DELETE /platforms/p1" in api.calls
    assert list(api.platforms) == ["p1"]


async def test_a_list_is_read_to_its_last_page(operator, cpo):
    role = PlatformRole(PartyRef("DE", "EM1"), Role.EMSP, "Another")
    async with SimulatedPlatform("another", [role]) as another:
        await operator.invite(cpo)
        await operator.invite(another)
    assert await operator.hosted() == {PartyRef("NL", "CPO"), PartyRef("DE", "EM1")}


async def test_a_hub_that_cannot_call_back_is_told_what_it_needs(api, operator, cpo):
    api.hub.server.faults.add(code(3001, "the URL is not https"), on("POST", "credentials"))
    with pytest.raises(NoWayBack) as refused:
        await operator.invite(cpo)
    told = str(refused.value)
    assert "the URL is not https" in told
    assert "OCPI_HUB__DELIVERY__ALLOW_PRIVATE=true" in told
    assert "OCPI_HUB__DELIVERY__REQUIRE_HTTPS=false" in told
    assert operator.made == ["/platforms/p1"]


async def test_another_refusal_is_not_taken_for_that(api, operator, cpo):
    api.hub.server.faults.add(code(2001, "roles: not agreed"), on("POST", "credentials"))
    with pytest.raises(Refused, match="roles: not agreed"):
        await operator.invite(cpo)


async def test_a_wrong_key_a_wrong_address_and_no_hub_are_told_apart(url):
    async with Operator(url, "wrong") as asking:
        with pytest.raises(AdminFailed, match="does not take this admin key: the key is unknown"):
            await asking.hosted()
    async with Operator(f"{url}/elsewhere", KEY) as asking:
        with pytest.raises(AdminFailed, match="not as a hub's admin API"):
            await asking.hosted()
    async with Operator("http://127.0.0.1:1", KEY) as asking:
        with pytest.raises(AdminFailed, match=r"No hub answers at http://127\.0\.0\.1:1 "):
            await asking.hosted()


def test_nobody_plays_a_party_that_is_taken():
    taken = {PartyRef("DE", "VWK"), PartyRef("NL", "RDG"), PartyRef("AT", "WGW")}
    players = cast(Script(stations=100, cpos=30, emsps=7), taken)
    parties = [each.party for each in players.platforms]
    assert len(parties) == len(set(parties)) == 39
    assert not taken & set(parties)
    assert len(players.locations) == 100
    assert sorted({len(cpo.locations) for cpo in players.cpos}) == [3, 4]


def test_there_are_no_more_operators_than_stations():
    assert len(cast(Script(stations=2, cpos=5)).cpos) == 2


async def test_an_end_is_asked_for_once_while_there_is_a_summary():
    ending = Ending()
    assert not ending.ask()  # not that far yet
    ending = Ending(open=True)
    assert ending.ask()
    assert not ending.ask()


@pytest.mark.parametrize(
    ("log", "doing"),
    [
        (None, "loading the program"),
        ("", "loading the program"),
        ('{"event": "storage.postgres_creating"}', "making an empty database"),
        ("storage.postgres_creating\nstorage.postgres_starting", "starting PostgreSQL"),
        ("storage.postgres_starting\nstorage.migrated", "making the tables"),
        ("storage.migrated\nnavigation.loaded", "opening its doors"),
    ],
)
def test_the_log_tells_what_a_hub_is_doing_until_it_is_ready(tmp_path, log, doing):
    if log is not None:
        (tmp_path / "hub.log").write_text(log)
    assert HubProcess(tmp_path).doing.startswith(doing)


async def test_a_newcomer_can_paste_what_is_told(emsp, cpo):
    cpo.serve("hubclientinfo", InterfaceRole.SENDER, cpo.clients)
    await emsp.register(cpo.versions_url, cpo.issue_token_a())
    late = cast(Script(stations=2)).late
    players = Cast((cpo,), (emsp,), late)
    car = Car("http://127.0.0.1:8080", "car-key", 52.5, 13.4)
    told = introduction(players, car, "Berlin", "admin-key", [("Log", "hub.log")])
    assert "http://127.0.0.1:8080/docs" in told
    assert told.count("curl -s ") == 3
    assert told.count("curl -sN ") == 1
    assert max(map(len, told.splitlines())) < 110
    assert "admin-key" not in introduction(players, car, "Berlin", None, [])
