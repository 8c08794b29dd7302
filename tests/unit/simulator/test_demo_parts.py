"""The demo's parts: pace, comparison, screen, the car and its stream."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from aiohttp import web
from rich.console import Console

from ocpi_hub.simulator import screen
from ocpi_hub.simulator.car import Car, Plug
from ocpi_hub.simulator.cast import Cast, busiest_place, cast, this_noon
from ocpi_hub.simulator.charging import Charging, Pace
from ocpi_hub.simulator.cities import CITIES
from ocpi_hub.simulator.compare import difference, settled
from ocpi_hub.simulator.lag import LagMeter, Quantiles
from ocpi_hub.simulator.roaming import Roaming
from ocpi_hub.simulator.screen import PartnerLine, Scene
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.trip import Stage, Trip
from ocpi_hub.simulator.watch import Watch
from ocpi_hub.simulator.wish import Way
from tests.build import a_cdr, a_location, a_session, an_evse


class Knowing:
    """An operator who has the answer at hand."""

    async def statuses(self):
        return {"Voltwerk": "CONNECTED", "Fahrstrom": "OFFLINE"}


@pytest.fixture
async def played() -> AsyncIterator[tuple[Cast, Charging]]:
    """A CPO registered at an eMSP; everything is pushed."""
    players = cast(Script(stations=40))
    cpo, emsp = players.cpos[0], players.emsps[0]
    few = Cast((cpo,), (emsp,), players.late)
    charging = Charging(few.cpos, this_noon(), Pace(rate=500))
    charging.plug_in_early_birds()
    async with cpo, emsp:
        await cpo.register(emsp.versions_url, emsp.issue_token_a())
        await cpo.push_all()
        yield few, charging


async def test_sessions_reach_the_receiver_and_leave_nothing_different(played):
    players, charging = played
    [emsp] = players.emsps
    running = asyncio.ensure_future(charging.run())
    await emsp.record.wait("locations.receiver", "PATCH", count=100)
    running.cancel()
    await asyncio.wait([running])
    await players.cpos[0].repair()
    found = await settled(players.cpos, players.emsps, deadline_s=5)
    assert found[emsp.name].none
    assert charging.changes >= 100
    assert charging.clock > this_noon()
    assert emsp.lag.quantiles.count >= 100


async def test_what_is_missing_or_different_is_found(played):
    players, _ = played
    [emsp] = players.emsps
    held = list(emsp.copy.held)
    del emsp.copy.held[held[0]]
    emsp.copy.held[held[1]]["evses"][0]["status"] = "BLOCKED"
    found = difference(players.cpos, emsp)
    assert (found.missing, found.unequal, found.none) == (1, 1, False)
    assert found.example == held[0][1]
    assert not (await settled(players.cpos, players.emsps, deadline_s=0))[emsp.name].none


async def test_a_card_begins_nothing_at_a_station_of_another_play():
    players = cast(Script(stations=2))
    [card, *_] = players.emsps[0].issuer.book
    [swipe, *_] = {driver.swipe for driver in players.fleets[0].drivers()}
    assert not await swipe(a_location(), an_evse(), card)
    known = players.locations[0]
    assert not await swipe(known, an_evse("UNKNOWN"), card)


async def test_the_screen_tells_who_is_there_and_what_a_car_sees(played):
    players, charging = played
    car = Car("http://127.0.0.1:1", "key", 52.5, 13.4)
    watch = Watch("http://hub", "Berlin", players, charging, car, Knowing())
    keeping = asyncio.ensure_future(watch.keep_statuses())
    await asyncio.sleep(0)
    keeping.cancel()
    scene = watch.scene()
    shown = text_of(screen.tables(scene))
    assert "Voltwerk" in shown
    assert "CONNECTED" in shown
    assert "OFFLINE" in shown
    assert "Fahrstrom: OFFLINE, 20 locations, 20 pushes" in screen.line(scene)
    differences = {"Fahrstrom": difference(players.cpos, players.emsps[0])}
    assert "20" in text_of(screen.summary(scene, differences))


LAG = Quantiles(123.0, 1234.0, 9)


def a_trip(stage, **told):
    trip = Trip("Quentin", Way.RESERVE, "Laadnet Ladepark Berlin 1268", stage, **told)
    trip.session = a_session(kwh=100.25, total_cost={"excl_vat": 100.3})
    return trip


def a_scene(**overrides):
    plug = Plug("ID", "Laadnet Ladepark Berlin 1268", 12_345, "CCS2", 300, 11, 12, 120, "LIVE")
    names = [each.name for each in cast(Script(stations=2)).platforms]
    roaming = Roaming(
        running=123, ended=4567, commands=12_345, answers=LAG, results=LAG, cdrs=4566,
        owed={"EUR": Decimal("123456.78")}, gave_up=12,
        going=[a_trip(Stage.CHARGING)] * 20, billed=[a_trip(Stage.BILLED, cdr=a_cdr())] * 20,
    )  # fmt: skip
    shown = {
        "url": "http://127.0.0.1:65535", "elapsed_s": 3599, "for_s": 3600, "clock": this_noon(),
        "changes": 123_456, "rate": 100, "answers": LAG, "place": "Frankfurt am Main",
        "events": 1234, "car_fault": None, "unsure": 0, "nearest": [plug] * 5, "roaming": roaming,
        "partners": [PartnerLine(name, "EMSP", "CONNECTED", 8230, 123_456, LAG) for name in names],
    }  # fmt: skip
    return Scene(**shown | overrides)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 50)])
def test_the_screen_fits_its_terminal(width, height):
    shown = text_of(screen.tables(a_scene(), height=height), width=width).splitlines()
    assert len(shown) <= height
    assert all(len(line.rstrip()) <= width for line in shown)
    for whole in (
        "received", "lag p99", "1234 ms", "quality", "CCS2 300 kW", "Berlin 1268", "Lastwerk",
        "4566 CDRs, 123456.78 EUR", "12345 commands in 123 ms", "100.25", "100.30 EUR", "5.40 EUR",
        "charging", "billed", "Ctrl-C",
    ):  # fmt: skip
        assert whole in "\n".join(shown)


def test_a_larger_terminal_has_more_stations_and_trips():
    lines = {size: text_of(screen.tables(a_scene(), height=size)) for size in (24, 50)}
    assert lines[24].count("Berlin 1268") == 5
    assert lines[50].count("Berlin 1268") == 28
    assert lines[50].count("Quentin") == 23


def test_bills_and_sessions_share_the_room_and_leave_none_empty():
    few = replace(a_scene().roaming, going=[a_trip(Stage.CHARGING)])
    shown = text_of(screen.tables(a_scene(roaming=few), height=30))
    assert shown.count("charging") == 1
    assert shown.count("billed") == shown.count("Quentin") - 1 > 2


def test_the_summary_tells_what_roaming_brought():
    told = text_of(screen.summary(a_scene(), {}), width=400)
    assert "4690 sessions started and 4567 ended; 12345 commands answered in 123 ms" in told
    assert "4566 CDRs delivered, 123456.78 EUR without VAT; 12 drivers drove on" in told
    assert "123 sessions run, 4567 ended" in screen.line(a_scene())


def text_of(drawn, width=120) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()


def test_the_car_goes_where_the_chargers_are():
    players = cast(Script(stations=500))
    name, lat, lon = busiest_place(players.locations)
    [city] = [each for each in CITIES if each.name == name]
    assert city.thousands > 1000
    assert (lat, lon) == pytest.approx((city.lat, city.lon), abs=0.05)


def test_rate_and_speed_say_when_a_change_is_due():
    assert Pace(rate=10).due(5, elapsed=1000) == 0.5
    assert Pace(rate=10, speed=100).due(5, elapsed=1000) == 10


def test_quantiles_are_milliseconds_and_empty_without_samples():
    assert Quantiles.of([]) == Quantiles(None, None, 0)
    assert Quantiles.of([0.003, 0.001, 0.002]) == Quantiles(2.0, 3.0, 3)
    assert LagMeter().since((None, "", "")) is None


STREAM = (
    b': hello\n\nid: e1-1\nevent: station\ndata: {"id": "NL*CPO*1",\ndata: "q": "LIVE"}\n\n'
    b'event: reset\ndata: {}\n\nevent: station\ndata: {"id": "NL*CPO*2"}\n\n'
)
NEARBY = {
    "stations": [
        {
            "id": "NL*CPO*1",
            "name": "Here",
            "distance_m": 12.5,
            "groups": [{"connector": "CCS2", "kw": 150, "available": 1, "total": 4}],
            "live": {"quality": "LIVE", "age_s": 3},
        }
    ]
}


@pytest.fixture
async def car(aiohttp_server) -> AsyncIterator[Car]:
    asked = []

    async def nearby(request):
        asked.append(request)
        return web.json_response(NEARBY)

    async def stream(request):
        asked.append(request)
        return web.Response(body=STREAM, content_type="text/event-stream")

    app = web.Application()
    app.router.add_get("/nav/v1/stations/nearby", nearby)
    app.router.add_get("/nav/v1/stream", stream)
    server = await aiohttp_server(app)
    async with Car(str(server.make_url("")).rstrip("/"), "secret", 52.5, 13.4) as driving:
        yield driving
    assert all(each.headers["Authorization"] == "Bearer secret" for each in asked)


async def test_a_car_sees_free_plugs(car):
    [plug] = await car.ask()
    assert (plug.name, plug.free, plug.total, plug.quality) == ("Here", 1, 4, "LIVE")


async def test_a_car_follows_the_stream(car):
    assert [event async for event in car.stream()] == [
        {"id": "NL*CPO*1", "q": "LIVE"},
        {"id": "NL*CPO*2"},
    ]


async def test_a_car_without_an_answer_shows_why_and_drives_on():
    async with Car("http://127.0.0.1:1", "secret", 52.5, 13.4) as car:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await car.drive(pause_s=0.01)
        assert "Connect" in car.fault
