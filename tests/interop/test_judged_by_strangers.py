"""Every object of a roaming day, as types say that others made from the text of OCPI."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.cast import Cast, cast
from ocpi_hub.simulator.commands import UNLOCK, capable
from ocpi_hub.simulator.compare import everything, settled
from ocpi_hub.simulator.driver import Driver
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.profiles import limit
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.scsp import employer
from ocpi_hub.simulator.trip import Stage
from ocpi_hub.simulator.wish import Way, Wish
from tests import build
from tests.hub import Hub, running_house
from tests.interop import judge
from tests.interop.overheard import Said, overheard, tapped

SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
KINDS = {
    "Version", "VersionDetails", "Credentials", "HubClientInfo", "Location", "Evse", "Connector",
    "Tariff", "Token", "LocationReferences", "AuthorizationInfo", "Session", "ChargingPreferences",
    "Cdr", "StartSession", "StopSession", "ReserveNow", "CancelReservation", "UnlockConnector",
    "CommandResponse", "CommandResult", "SetChargingProfile", "ChargingProfileResponse",
    "ChargingProfileResult", "ActiveChargingProfileResult", "ActiveChargingProfile",
}  # fmt: skip


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(database_url) as running:
        yield running


@pytest.mark.timeout(120)
async def test_nothing_that_is_said_on_a_roaming_day_offends_a_stranger(hub: Hub) -> None:
    players = cast(Script(stations=6, cpos=1, emsps=1, drivers=3))
    said: list[Said] = []
    everybody = (*players.emsps, *players.balancers, *players.cpos)
    async with asyncio.timeout(100):
        taps = [(each, tapped(each)) for each in (*everybody, players.late)]
        for platform, _ in taps:
            await platform.__aenter__()
        try:
            await _a_day(hub, players)
        finally:
            for platform, tap in taps:
                said += overheard(platform, tap)
                await platform.__aexit__()
    faults = [(each.by, fault) for each in said for fault in _judged(each)]
    assert faults == []
    seen = Counter(each.kind for each in said)
    assert KINDS - seen.keys() == set(), seen


def _judged(said: Said) -> list[str]:
    look = judge.patch_faults if said.part else judge.faults
    return look(said.kind, said.value)


async def _a_day(hub: Hub, players: Cast) -> None:
    cpo, emsp, scsp = players.cpos[0], players.emsps[0], players.scsp
    scsp.watts = None
    for platform in (emsp, scsp, cpo):
        await hub.connect(platform)
    await cpo.push_all()
    await cpo.tariffs.put_all()
    assert await emsp.issuer.push_all() == []
    await settled([cpo], [emsp], 10, everything)
    first, second, third = players.fleets[0].drivers()
    await asyncio.gather(
        _charge(first, Wish(Way.APP, stays_s=3, cheap=True)),
        _charge(second, Wish(Way.RESERVE, stays_s=1)),
        _charge(third, Wish(Way.CARD, stays_s=1)),
        _steer(players),
    )
    trip = await first.travel(Wish(Way.RESERVE, stays_s=1, cancels=True))
    assert trip.stage is Stage.CANCELLED, trip.reason
    await _unlock(emsp)
    await _look_up(players)
    await hub.connect(players.late)
    await players.late.refresh_clients()
    await players.late.crawl()
    await players.late.crawl_tariffs()
    await cpo.rotate()


async def _charge(driver: Driver, wish: Wish) -> None:
    trip = await driver.travel(wish)
    assert trip.stage is Stage.BILLED, trip.reason


async def _steer(players: Cast) -> None:
    """A session gets a profile, which is looked at and taken back."""
    scsp = players.scsp
    [news, *_] = await scsp.record.wait(
        "sessions.receiver", where=lambda received: received.json.get("status") == "ACTIVE"
    )
    session, profiles = news.json, scsp.profiles
    mild = limit(7_400.0)
    for request in (lambda *who: profiles.set(*who, mild), profiles.ask, profiles.clear):
        pending = await request(employer(session), session["id"])
        assert pending.accepted, pending.response
        assert await pending.result() is not None


async def _unlock(emsp: Emsp) -> None:
    location, evse = next(
        (location, evse)
        for location in emsp.copy
        for evse in location["evses"]
        if capable(UNLOCK, evse)
    )
    assert (await emsp.commands.unlock(location, evse, evse["connectors"][0])).response


async def _look_up(players: Cast) -> None:
    """Lists and single objects, from the hub's copy and from each other."""
    cpo, emsp = players.cpos[0], players.emsps[0]
    location = next(iter(cpo.locations.values()))
    evse = location["evses"][0]
    ids = (location["id"], evse["uid"], evse["connectors"][0]["id"])
    for depth in (1, 2, 3):
        assert (await emsp.ask("GET", "locations", SENDER, ids[:depth], to=cpo.party)).ok
        own = (location["country_code"], location["party_id"], *ids[:depth])
        assert (await cpo.ask("GET", "locations", RECEIVER, own, to="hub")).ok
    for module in ("sessions", "cdrs"):
        since = {"date_from": build.LONG_AGO}
        assert (await emsp.ask("GET", module, SENDER, to=cpo.party, params=since)).data
    token = next(iter(emsp.issuer.book))
    body = {"location_id": location["id"], "evse_uids": [evse["uid"]]}
    ids = (token["uid"], "authorize")
    kind = {"type": token["type"]}
    assert (await cpo.ask("POST", "tokens", SENDER, ids, body, to=emsp.party, params=kind)).data
    assert await cpo.fetch_tokens()
    assert (await emsp.call("GET", emsp.known_peer.credentials_url)).data
