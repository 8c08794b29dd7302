"""The cars' door over real HTTP, on an index fed from a number line kept in a list."""

import asyncio
import itertools
import json
import socket
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession, ClientTimeout, web

from ocpi_hub.modules.keys import Key, Scope
from ocpi_hub.modules.line import ORIGIN, Change, Message, ObjectKey, Place
from ocpi_hub.navigation.door import Door
from ocpi_hub.navigation.feed import Feed
from ocpi_hub.navigation.index import Index
from ocpi_hub.navigation.pace import Pace
from ocpi_hub.navigation.stream import Streams
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role, fold
from ocpi_hub.routing.directory import Directory, HostedRole, Platform, PlatformId

ABC, DEF = PartyRef("NL", "ABC"), PartyRef("DE", "DEF")
EPOCH = 7
NEARBY = "/nav/v1/stations/nearby?lat=52.09&lon=5.12&radius_m=5000"


class ListLine:
    """The number line as a dictionary: each object once, at its latest place."""

    def __init__(self):
        self.changes = {}
        self.numbers = itertools.count(1)
        self.grown = asyncio.Event()

    async def head(self):
        return max((change.place for change in self.changes.values()), default=ORIGIN)

    async def after(self, cursor, limit):
        behind = [change for change in self.changes.values() if change.place > cursor]
        return sorted(behind, key=lambda change: change.place)[:limit]

    async def wakes(self):
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.grown.wait(), 1)
            self.grown.clear()
            yield

    async def add(self, owner, ids, state, *, module="locations", method="PUT", public=True):
        number = next(self.numbers)
        key = ObjectKey(module, *owner.key, fold(ids[0]), fold(ids[1]) if ids[1:] else "")
        body = json.dumps(state).encode()
        path = "/".join(ids)
        self.changes[key] = Change(
            place=Place(1000 + number // 2, number),
            previous=ORIGIN,
            key=key,
            owner=owner,
            message=Message(method, path, body),
            state_path=path,
            state=body,
            last_updated=datetime.now(UTC),
            public=public,
            origin=PlatformId("cpo"),
            correlation_id="c",
        )
        self.grown.set()


class Clock:
    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


SCOPES = {
    "reader": {Scope.NAV_READ},
    "streamer": {Scope.NAV_READ, Scope.NAV_STREAM},
    "other": {Scope.AUDIT_READ},
}


class SomeKeys:
    def __init__(self):
        self.deleted = set()

    def lookup(self, secret):
        scopes = None if secret in self.deleted else SCOPES.get(secret)
        return scopes and Key(secret, secret, frozenset(scopes), datetime.now(UTC), None)


class World:
    """A whole navigation room with its server."""

    def __init__(self, stale_s=86_400.0, limit=100, pace=None):
        self.line, self.clock = ListLine(), Clock()
        self.keys, self.wait_s = SomeKeys(), 0
        self.directory = directory()
        self.index = Index(stale_s)
        self.streams = Streams(self.index, EPOCH, self.clock, limit=limit, flush_s=0.02)
        self.feed = Feed(
            line=self.line,
            directory=lambda: self.directory,
            index=self.index,
            audience=self.streams,
            clock=self.clock,
            batch=3,
        )
        self.door = Door(
            index=self.index,
            feed=self.feed,
            streams=self.streams,
            keys=self.keys,
            epoch=EPOCH,
            clock=self.clock,
            pace=pace or Pace(0, 100),
            strangers=lambda _: self.wait_s,
            body_timeout_s=0.3,
            recheck_s=0.05,
        )
        self.base = ""
        self.session = None

    async def get(self, path, key="streamer", **headers):
        headers = {"X-API-Key": key} | headers
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path, body, key="reader"):
        headers = {"Authorization": f"Bearer {key}"}
        async with self.session.post(self.base + path, headers=headers, data=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def nearby(self, more=""):
        status, answer = await self.get(NEARBY + more)
        assert status == 200, answer
        return answer

    async def follow(self):
        """Wait until the index stands where the line stands."""
        head = await self.line.head()
        await eventually(lambda: self.index.place >= head)

    @asynccontextmanager
    async def stream(self, query, last=None):
        headers = {"X-API-Key": "streamer"} | ({"Last-Event-ID": last} if last else {})
        async with self.session.get(f"{self.base}/nav/v1/stream?{query}", headers=headers) as got:
            assert got.status == 200, await got.text()
            yield events(got)


def directory(status=ConnectionStatus.CONNECTED):
    roles = [
        HostedRole(
            party,
            Role.CPO,
            b'{"name": "Charging %s"}' % party.party_id.encode(),
            status,
            datetime.now(UTC),
        )
        for party in (ABC, DEF)
    ]
    platform = Platform(PlatformId("cpo"), "cpo", status, True, "2.2.1", None, (), tuple(roles))
    return Directory(PartyRef("NL", "HUB"), {platform.id: platform})


async def events(response):
    """The server-sent events of a response: (name, id, data)."""
    found = {}
    async with asyncio.timeout(10):
        async for line in response.content:
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                found[name] = value
            elif "data" in found:
                yield found["event"], found.get("id"), json.loads(found["data"])
                found = {}


async def eventually(true):
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for knows nothing of tests
            await asyncio.sleep(0.005)


async def until(stream, name, station="NL*ABC*LOC1"):
    """The next event of this name about this station."""
    async for told, event_id, data in stream:
        if (told, data.get("id")) == (name, station):
            return event_id, data
    raise AssertionError("the stream ended")


def evse(uid="E1", status="AVAILABLE", standard="IEC_62196_T2_COMBO", watts=300_000, **more):
    connector = {
        "id": "1", "standard": standard, "format": "CABLE", "power_type": "DC",
        "max_voltage": 920, "max_amperage": 500, "max_electric_power": watts,
    }  # fmt: skip
    return {
        "uid": uid,
        "evse_id": f"NL*ABC*{uid}",
        "status": status,
        "connectors": [connector],
        "last_updated": "2015-06-29T20:39:09Z",
    } | more


def location(name="LOC1", lat="52.0907", lon="5.1214", evses=None, **more):
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": name,
        "publish": True,
        "name": f"Station {name}",
        "address": "Street 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": lat, "longitude": lon},
        "evses": [evse()] if evses is None else evses,
        "operator": {"name": "ABC Charging"},
        "time_zone": "Europe/Amsterdam",
        "last_updated": "2015-06-29T20:39:09Z",
    } | more


@pytest.fixture
async def world():
    async with running(World()) as made:
        yield made


@asynccontextmanager
async def running(world):
    app = web.Application()
    app.add_routes(world.door.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    world.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(world.feed.run()), loop.create_task(world.streams.run())]
    async with ClientSession(timeout=ClientTimeout(total=10)) as world.session:
        await asyncio.wait_for(world.feed.ready.wait(), 5)
        try:
            yield world
        finally:
            world.streams.close_all()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await runner.cleanup()


# -- nearby --------------------------------------------------------------------------------------


async def test_a_pushed_location_is_found_with_its_groups(world):
    evses = [evse("E1"), evse("E2", "CHARGING"), evse("E3", "OUTOFORDER"), evse("E4", "REMOVED")]
    await world.line.add(ABC, ["LOC1"], location(evses=evses))
    await world.follow()
    answer = await world.nearby("&connector=CCS2&min_kw=150&available=now")
    (station,) = answer["stations"]
    assert answer["cursor"] == "e7-1000.1"
    assert (answer["matched"], answer["truncated"]) == (1, False)
    assert station["id"] == "NL*ABC*LOC1"
    assert station["operator"] == {"id": "NL*ABC", "name": "ABC Charging"}
    assert 100 < station["distance_m"] < 150
    assert 45 < station["bearing"] < 55
    assert station["groups"] == [
        {
            "connector": "CCS2", "kw": 300, "total": 3, "available": 1, "charging": 1,
            "reserved": 0, "blocked": 0, "out_of_order": 1, "unknown": 0,
        }
    ]  # fmt: skip
    assert station["live"] == {
        "quality": "LIVE", "age_s": station["live"]["age_s"],
        "source": "ocpi-push", "cpo_link": "CONNECTED",
    }  # fmt: skip
    assert station["live"]["age_s"] <= 2


async def test_a_status_change_is_seen_by_the_next_question(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    assert (await world.nearby("&available=now"))["matched"] == 1
    await world.line.add(ABC, ["LOC1", "E1"], evse("E1", "CHARGING"), method="PATCH")
    await world.follow()
    assert (await world.nearby("&available=now"))["matched"] == 0
    assert (await world.nearby("&available=unless_known_busy"))["matched"] == 0
    (station,) = (await world.nearby())["stations"]
    assert station["groups"][0]["charging"] == 1
    await world.line.add(ABC, ["LOC1", "E1"], evse("E1", "UNKNOWN"), method="PATCH")
    await world.follow()
    assert (await world.nearby("&available=now"))["matched"] == 0
    assert (await world.nearby("&available=unless_known_busy"))["matched"] == 1


@pytest.mark.obligation("LOC-008")
async def test_a_removed_evse_and_a_location_without_valid_evse_disappear(world):
    await world.line.add(ABC, ["LOC1"], location(evses=[evse("E1"), evse("E2")]))
    await world.line.add(ABC, ["LOC1", "E1"], evse("E1", "REMOVED"), method="PATCH")
    await world.follow()
    (station,) = (await world.nearby())["stations"]
    assert station["groups"][0]["total"] == 1
    _, detail = await world.get("/nav/v1/stations/NL*ABC*LOC1")
    assert [each["uid"] for each in detail["evses"]] == ["E2"]
    await world.line.add(ABC, ["LOC1", "E2"], evse("E2", "REMOVED"), method="PATCH")
    await world.follow()
    assert (await world.nearby())["matched"] == 0
    assert (await world.get("/nav/v1/stations/NL*ABC*LOC1"))[0] == 404
    await world.line.add(ABC, ["LOC1", "E2"], evse("E2", "AVAILABLE"), method="PATCH")
    await world.follow()
    assert (await world.nearby())["matched"] == 1


@pytest.mark.obligation("LOC-065")
async def test_what_is_not_published_is_shown_to_nobody(world):
    await world.line.add(ABC, ["LOC1"], location(publish=False), public=False)
    await world.line.add(ABC, ["LOC1", "E1"], evse(), public=False)
    await world.follow()
    assert (await world.nearby())["matched"] == 0
    assert (await world.get("/nav/v1/stations/NL*ABC*LOC1"))[0] == 404
    _, batch = await world.post("/nav/v1/availability", '{"ids": ["NL*ABC*LOC1"]}')
    assert batch["s"] == {}
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    assert (await world.nearby())["matched"] == 1
    await world.line.add(ABC, ["LOC1"], location(publish=False), public=False)
    await world.follow()
    assert (await world.nearby())["matched"] == 0


async def test_a_planned_evse_is_no_plug_yet(world):
    await world.line.add(ABC, ["LOC1"], location(evses=[evse("E1", "PLANNED")]))
    await world.follow()
    assert (await world.nearby())["matched"] == 0


async def test_an_unknown_connector_and_status_are_kept_and_harm_nobody(world):
    odd = evse("E1", "ON_FIRE", standard="WIRELESS_9")
    await world.line.add(ABC, ["LOC1"], location(evses=[odd]))
    await world.follow()
    (station,) = (await world.nearby())["stations"]
    assert station["groups"][0]["connector"] == "OTHER"
    assert station["groups"][0]["unknown"] == 1


async def test_a_station_of_an_operator_that_is_offline_is_shown_but_never_free(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    world.directory = directory(ConnectionStatus.OFFLINE)
    await world.line.add(ABC, ["NL", "ABC"], {}, module="hubclientinfo")
    await world.follow()
    assert (await world.nearby("&available=now"))["matched"] == 0
    assert (await world.nearby("&available=unless_known_busy"))["matched"] == 1
    (station,) = (await world.nearby())["stations"]
    assert station["live"]["quality"] == "STALE"
    assert station["live"]["cpo_link"] == "OFFLINE"
    assert station["groups"][0]["available"] is None
    assert station["groups"][0]["unknown"] == 1
    _, batch = await world.post("/nav/v1/availability", '{"ids": ["nl*abc*loc1", "NL*ABC*NO"]}')
    assert batch["s"]["nl*abc*loc1"][:4] == [None, 1, 0, 1]
    assert batch["missing"] == ["NL*ABC*NO"]


async def test_the_stations_of_a_suspended_owner_are_not_shown(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    world.directory = directory(ConnectionStatus.SUSPENDED)
    await world.line.add(ABC, ["NL", "ABC"], {}, module="hubclientinfo")
    await world.follow()
    assert (await world.nearby())["matched"] == 0
    assert (await world.get("/nav/v1/stations/NL*ABC*LOC1"))[0] == 404


async def test_a_status_grows_old_and_is_no_longer_free(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.line.add(ABC, ["LOC1", "E1"], evse())
    await world.follow()
    qualities = []
    for hours in (0, 1, 13, 25):
        world.clock.ahead = timedelta(hours=hours)
        (station,) = (await world.nearby())["stations"]
        qualities.append((station["live"]["quality"], station["groups"][0]["available"]))
        assert station["live"]["age_s"] // 3600 == hours
    assert qualities == [("LIVE", 1), ("AGED", 1), ("AGED", 1), ("STALE", None)]


async def test_an_operator_that_never_sends_a_status_is_static(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    (station,) = (await world.nearby("&available=now"))["stations"]
    assert station["live"]["quality"] == "STATIC"
    world.clock.ahead = timedelta(hours=2)
    assert (await world.nearby("&available=now"))["matched"] == 0


async def test_bad_positions_are_counted_and_not_shown(world):
    await world.line.add(ABC, ["L1"], location("L1", lat="0.0", lon="0.0"))
    await world.line.add(ABC, ["L2"], location("L2", lat="5.1214", lon="52.0907"))
    await world.line.add(ABC, ["L3"], location("L3", lat="NaN"))
    await world.line.add(ABC, ["L4"], location("L4") | {"coordinates": None})
    await world.line.add(ABC, ["L5"], ["no location"])
    await world.line.add(ABC, ["L6"], location("L6"))
    await world.follow()
    _, meta = await world.get("/nav/v1/meta")
    assert meta["stations"] == 1
    assert meta["not_indexed"] == {
        "null_island": 1, "swapped": 1, "no_coordinates": 2, "unreadable": 1,
    }  # fmt: skip
    assert meta["operators"][0]["id"] == "NL*ABC"
    assert meta["operators"][0]["name"] == "Charging ABC"


async def test_an_unchanged_answer_is_not_sent_again(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    for path in (NEARBY, "/nav/v1/stations/NL*ABC*LOC1"):
        headers = {"X-API-Key": "reader"}
        async with world.session.get(world.base + path, headers=headers) as answer:
            headers["If-None-Match"] = answer.headers["ETag"]
        async with world.session.get(world.base + path, headers=headers) as answer:
            assert answer.status == 304
        await world.line.add(ABC, ["LOC1", "E1"], evse(status="BLOCKED"))
        await world.follow()
        async with world.session.get(world.base + path, headers=headers) as answer:
            assert answer.status == 200


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("lat=52&lon=5&colour=red", "colour"),
        ("lat=52&lon=5&heading=90", "heading"),
        ("lat=NaN&lon=5", "lat"),
        ("lat=inf&lon=5", "lat"),
        ("lat=5.1&lon=520", "lon"),
        ("lat=152&lon=5", "lat"),
        ("lat=52&lon=5&radius_m=6371000", "radius_m"),
        ("lat=52", "lon"),
        ("lat=52&lat=53&lon=5", "lat"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=0,0,50,50", "bbox"),
        ("bbox=5,52,5.1,51", "bbox"),
        ("bbox=5,52,5.1,52.1&lat=52", "lat"),
        ("lat=52&lon=5&min_kw=150&max_kw=50", "max_kw"),
        ("lat=52&lon=5&operator=NL*ABC&not_operator=nl*abc", "not_operator"),
        ("lat=52&lon=5&connector=CSS2", "connector"),
        ("lat=52&lon=5&limit=201", "limit"),
        ("lat=52&lon=5&available=yes", "available"),
        ("lat=52&lon=5&sort=price", "sort"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(world, query, name):
    async with world.session.get(
        f"{world.base}/nav/v1/stations/nearby?{query}", headers={"X-API-Key": "reader"}
    ) as answer:
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["parameters"] == [name]


async def test_a_key_with_the_scope_is_needed(world):
    assert (await world.get(NEARBY, key="nobody"))[0] == 401
    assert (await world.get(NEARBY, key="other"))[0] == 403
    assert (await world.get(NEARBY, key="reader"))[0] == 200
    assert (await world.get("/nav/v1/stream?ids=A", key="reader"))[0] == 403
    async with world.session.get(world.base + NEARBY) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"ids": ["A"] * 501}), 400),
        (json.dumps({"ids": ["A"] * 100_000}), 413),
        (json.dumps({"ids": "A"}), 400),
        (json.dumps({"ids": ["A" * 1000]}), 400),
        ('{"ids": ["A"], "min_kv": 5}', 400),
        ('{"ids": ["A"], "min_kw": 1e300}', 400),
        ("{", 400),
        (b"\xff\xfe", 400),
    ],
)
async def test_a_wrong_batch_is_refused(world, body, status):
    assert (await world.post("/nav/v1/availability", body))[0] == status


# -- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["ids=nl*abc*loc1", "circle=52.09,5.12,5000&connector=CCS2"])
async def test_a_stream_begins_with_a_snapshot_and_then_tells_changes(world, query):
    await world.line.add(ABC, ["LOC1"], location())
    await world.line.add(ABC, ["FAR"], location("FAR", lat="48.0"))
    await world.follow()
    async with world.stream(query) as stream:
        name, event_id, snapshot = await anext(stream)
        assert (name, event_id) == ("snapshot", "e7-1001.2")
        assert snapshot["ids"] == ["NL*ABC*LOC1"]
        assert snapshot["stations"][0]["g"] == [["CCS2", 300, 1, 1, 0, 0]]
        await world.line.add(ABC, ["FAR", "E1"], evse(status="CHARGING"))
        await world.line.add(ABC, ["LOC1", "E1"], evse(status="CHARGING"))
        name, event_id, station = await anext(stream)
        while station["g"] != [["CCS2", 300, 0, 1, 0, 0]]:
            name, event_id, station = await anext(stream)
        assert (name, event_id) == ("station", "e7-1002.4")
        assert station["id"] == "NL*ABC*LOC1"
        assert station["q"] == "LIVE"


async def test_a_resumed_stream_tells_only_what_changed_meanwhile(world):
    for name in ("LOC1", "LOC2", "LOC3"):
        await world.line.add(ABC, [name], location(name))
        await world.line.add(ABC, [name, "E1"], evse())
    await world.follow()
    async with world.stream("circle=52.09,5.12,5000") as stream:
        _, cursor, _ = await anext(stream)
    await world.line.add(ABC, ["LOC2", "E1"], evse(status="CHARGING"))
    await world.line.add(ABC, ["LOC3"], location("LOC3", lat="48.0"))
    await world.follow()
    async with world.stream("circle=52.09,5.12,5000", last=cursor) as stream:
        name, _, snapshot = await anext(stream)
        assert (name, snapshot["full"]) == ("snapshot", False)
        assert sorted(snapshot["ids"]) == ["NL*ABC*LOC1", "NL*ABC*LOC2"]
        assert [station["id"] for station in snapshot["stations"]] == ["NL*ABC*LOC2"]


@pytest.mark.parametrize(
    ("last", "reason"), [("e6-1000.1", "epoch"), ("nonsense", "epoch"), ("e7-999999.1", "future")]
)
async def test_a_cursor_that_means_nothing_here_resets_the_client(world, last, reason):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    async with world.stream("ids=NL*ABC*LOC1", last=last) as stream:
        name, _, reset = await anext(stream)
        assert (name, reset) == ("reset", {"reason": reason, "cursor": "e7-1000.1"})
        name, _, snapshot = await anext(stream)
        assert (name, snapshot["full"]) == ("snapshot", True)


async def test_a_station_that_leaves_the_circle_or_the_map_is_gone(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.line.add(ABC, ["LOC2"], location("LOC2"))
    await world.follow()
    async with world.stream("circle=52.09,5.12,5000&connector=CCS2") as stream:
        await anext(stream)
        await world.line.add(ABC, ["LOC1"], location(lat="48.0"))
        await until(stream, "gone", "NL*ABC*LOC1")
        await world.line.add(ABC, ["LOC2"], location("LOC2", evses=[evse(standard="CHADEMO")]))
        await until(stream, "gone", "NL*ABC*LOC2")
        await world.line.add(ABC, ["LOC1"], location())
        await until(stream, "station", "NL*ABC*LOC1")
        await world.line.add(ABC, ["LOC1"], location(publish=False), public=False)
        await until(stream, "gone", "NL*ABC*LOC1")


async def test_a_filter_on_free_plugs_lets_stations_come_and_go(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.line.add(ABC, ["LOC2"], location("LOC2", evses=[evse(status="CHARGING")]))
    await world.follow()
    async with world.stream("circle=52.09,5.12,5000&available=now") as stream:
        assert (await anext(stream))[2]["ids"] == ["NL*ABC*LOC1"]
        await world.line.add(ABC, ["LOC2", "E1"], evse(status="BLOCKED"))
        await world.line.add(ABC, ["LOC1", "E1"], evse(status="CHARGING"))
        await until(stream, "gone", "NL*ABC*LOC1")
        await world.line.add(ABC, ["LOC2", "E1"], evse(status="AVAILABLE"))
        await until(stream, "station", "NL*ABC*LOC2")


async def test_a_stream_tells_of_a_broken_link(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    async with world.stream("ids=NL*ABC*LOC1") as stream:
        await anext(stream)
        world.directory = directory(ConnectionStatus.OFFLINE)
        await world.line.add(ABC, ["NL", "ABC"], {}, module="hubclientinfo")
        event_id, station = await until(stream, "station")
        while station["q"] != "STALE":
            event_id, station = await until(stream, "station")
        assert station["g"][0][2] is None
        assert event_id == "e7-1001.2"


async def test_a_stream_without_changes_is_kept_alive(world):
    headers = {"X-API-Key": "streamer"}
    async with world.session.get(f"{world.base}/nav/v1/stream?ids=A", headers=headers) as answer:
        world.clock.ahead = timedelta(seconds=16)
        lines = [line async for line in first_lines(answer, 7)]
        assert b": keep-alive\n" in lines


async def first_lines(answer, count):
    for _ in range(count):
        yield await asyncio.wait_for(answer.content.readline(), 5)


async def test_a_slash_at_the_end_names_the_same_resource(world):
    await world.line.add(ABC, ["LOC1"], location())
    await world.follow()
    for path in ("stations/nearby/?lat=52&lon=5", "stations/NL*ABC*LOC1/", "meta/"):
        assert (await world.get(f"/nav/v1/{path}"))[0] == 200, path
    assert (await world.post("/nav/v1/availability/", b'{"ids": ["A"]}'))[0] == 200


async def test_a_stream_ends_when_its_key_is_deleted(world):
    async with world.stream("ids=A") as stream:
        await anext(stream)
        world.keys.deleted.add("streamer")
        assert [each async for each in stream] == []
    assert len(world.streams) == 0
    assert (await world.get("/nav/v1/stream?ids=A"))[0] == 401


async def test_too_many_wrong_keys_are_told_to_come_later(world):
    assert (await world.get(NEARBY, key="wrong"))[0] == 401
    world.wait_s = 7
    async with world.session.get(world.base + NEARBY, headers={"X-API-Key": "wrong"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (await world.get(NEARBY))[0] == 200
    assert (await world.get(NEARBY, key=""))[0] == 401


async def test_a_body_that_does_not_come_is_not_waited_for(world):
    host, _, port = world.base.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "POST /nav/v1/availability HTTP/1.1\r\nHost: x\r\nX-API-Key: reader\r\n"
    writer.write(head.encode() + b"Content-Length: 100\r\n\r\n{")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_body_that_is_not_what_it_says_is_a_bad_request(world):
    headers = {"X-API-Key": "reader", "Content-Encoding": "gzip"}
    url = f"{world.base}/nav/v1/availability"
    async with world.session.post(url, headers=headers, data=b'{"ids":["a"]}') as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["parameters"] == ["body"]


async def test_more_streams_than_allowed_are_told_to_come_later():
    async with running(World(limit=1)) as world, world.stream("ids=A") as stream:
        await anext(stream)
        status, problem = await world.get("/nav/v1/stream?ids=B")
        assert status == 503
        assert problem["title"] == "Service Unavailable"


@pytest.mark.parametrize(
    "query",
    ["", "ids=A&circle=1,2,3", "ids=" + ",".join(f"A{n}" for n in range(501)), "circle=52,5,1e9",
     "ids=A&route=x", "ids=,"],
)  # fmt: skip
async def test_a_wrong_stream_is_refused(world, query):
    assert (await world.get(f"/nav/v1/stream?{query}"))[0] == 400


async def test_a_client_that_stops_reading_is_dropped_and_the_others_are_served(world):
    for number in range(300):
        await world.line.add(ABC, [f"L{number}"], location(f"L{number}"))
    await world.follow()
    with closing(socket.create_connection(world.base.removeprefix("http://").split(":"))) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.sendall(
            b"GET /nav/v1/stream?circle=52.09,5.12,5000 HTTP/1.1\r\nHost: x\r\n"
            b"X-API-Key: streamer\r\n\r\n"
        )
        await eventually(lambda: len(world.streams))
        (client,) = world.streams._clients
        async with asyncio.timeout(20):
            while not client.transport.get_write_buffer_size():
                for row in world.index.rows().tolist():
                    world.streams.changed(world.index.key(row), row)
                await asyncio.sleep(0.02)
        async with world.stream("circle=52.09,5.12,5000") as stream:
            await anext(stream)
            for row in world.index.rows().tolist():
                world.streams.changed(world.index.key(row), row)
            assert (await anext(stream))[0] == "station"
        assert len(client.pending) <= 300
        world.clock.ahead = timedelta(seconds=11)
        await eventually(lambda: client not in world.streams._clients)


# -- loading -------------------------------------------------------------------------------------


async def test_a_restarted_process_knows_what_the_store_holds():
    first = World()
    async with running(first):
        for number in range(10):
            await first.line.add(ABC, [f"L{number}"], location(f"L{number}"))
        await first.line.add(ABC, ["L3", "E1"], evse(status="CHARGING"))
        await first.line.add(DEF, ["L3"], location("L3"))
        await first.follow()
        before = (await first.nearby())["stations"]
    second = World()
    second.line = first.line
    second.feed._line = first.line
    async with running(second):
        after = (await second.nearby())["stations"]
    assert len(before) == 11
    assert sorted(each["id"] for each in after) == sorted(each["id"] for each in before)


async def test_after_a_silence_of_its_operator_a_resumed_stream_gets_all_its_stations(world):
    for name in ("LOC1", "LOC2"):
        await world.line.add(ABC, [name], location(name))
        await world.line.add(ABC, [name, "E1"], evse())
    await world.follow()
    world.clock.ahead = timedelta(hours=2)
    async with world.stream("circle=52.09,5.12,5000") as stream:
        _, cursor, snapshot = await anext(stream)
        assert {station["q"] for station in snapshot["stations"]} == {"AGED"}
    await world.line.add(ABC, ["LOC1", "E1"], evse(status="CHARGING"))
    await world.follow()
    async with world.stream("circle=52.09,5.12,5000", last=cursor) as stream:
        _, _, snapshot = await anext(stream)
        assert {station["q"] for station in snapshot["stations"]} == {"LIVE"}
        assert len(snapshot["stations"]) == 2


async def test_every_route_is_described_and_every_description_has_a_route(world):
    text = (Path(__file__).parents[2] / "openapi" / "navigation.yaml").read_text()
    described = {
        (method.upper(), f"/nav/v1{path}")
        for path, methods in yaml.safe_load(text)["paths"].items()
        for method in methods
    }
    slash = r"{slash:/?}"
    served = {(each.method, each.path.removesuffix(slash)) for each in world.door.routes()}
    assert served == described


# -- what one key may take ------------------------------------------------------------------------


async def test_a_key_that_asks_too_often_waits_and_others_do_not():
    async with running(World(pace=Pace(1, 100))) as world:
        answers = [await world.get("/nav/v1/meta", key="reader") for _ in range(6)]
        assert [status for status, _ in answers].count(200) in {4, 5}
        assert answers[-1][0] == 429
        assert "1 requests a second" in answers[-1][1]["detail"]
        async with world.session.get(
            world.base + "/nav/v1/meta", headers={"X-API-Key": "reader"}
        ) as answer:
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await world.get("/nav/v1/meta", key="streamer"))[0] == 200


async def test_a_key_has_its_share_of_the_streams_and_gets_it_back():
    async with running(World(pace=Pace(0, 1))) as world:
        url, headers = world.base + "/nav/v1/stream?ids=A", {"X-API-Key": "streamer"}
        async with world.session.get(url, headers=headers) as first:
            assert first.status == 200
            async with world.session.get(url, headers=headers) as second:
                assert second.status == 429
        for _ in range(100):
            async with world.session.get(url, headers=headers) as again:
                if again.status == 200:
                    return
            await asyncio.sleep(0.02)
        raise AssertionError("the share was not given back")
