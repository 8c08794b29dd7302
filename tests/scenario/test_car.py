"""A car on its way sees what operators push, at once and never better than the truth."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.ops.identity import now
from tests.build import a_location, an_evse
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, eventually, running_house

STATION = "NL*CPO*LOC1"
HERE = {"lat": "52.09", "lon": "5.11", "radius_m": "3000"}
CIRCLE = "52.09,5.11,3000"
AN_HOUR_AGO = now() - timedelta(hours=1)


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Hub]:
    async with running_house(
        database_url,
        alive={"interval_s": 1, "retry_s": 0.1},
        navigation={"flush_ms": 20},
    ) as running:
        yield running


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: Any


class Car:
    """A driver's questions, asked with a key of its own."""

    def __init__(self, hub: Hub, key: str) -> None:
        self.hub = hub
        self.key = key

    async def ask(self, path: str, body: Any = None, **params: str) -> Any:
        method = "GET" if body is None else "POST"
        status, answer = await self.hub.call(
            method, f"/nav/v1/{path}", body, key=self.key, **params
        )
        assert status == 200, answer
        return answer

    async def free_around(self) -> dict[str, int]:
        """Stations with a plug that is free now, and how many of them."""
        found = await self.ask("stations/nearby", **HERE, available="now")
        return {
            station["id"]: sum(group["available"] for group in station["groups"])
            for station in found["stations"]
        }

    async def shown_around(self) -> list[str]:
        found = await self.ask("stations/nearby", **HERE)
        return [station["id"] for station in found["stations"]]

    async def counts(self, station: str = STATION) -> list[int | None] | None:
        """`[free, total, out of order, unknown]`; None when the station is not there."""
        found = await self.ask("availability", {"ids": [station]})
        assert (station in found["s"]) != (station in found.get("missing", []))
        counts: list[int | None] | None = found["s"].get(station)
        return counts and counts[:4]

    async def sees(self, station: str, counts: list[int | None] | None) -> None:
        async def so() -> bool:
            return await self.counts(station) == counts

        await eventually(so)

    @asynccontextmanager
    async def stream(self, last: str = "", **watch: str) -> AsyncIterator["Stream"]:
        headers = {"Authorization": f"Bearer {self.key}"} | (
            {"Last-Event-ID": last} if last else {}
        )
        async with self.hub.session.get(
            f"{self.hub.url}/nav/v1/stream", params=watch, headers=headers
        ) as response:
            assert response.status == 200
            yield Stream(response.content)


class Stream:
    def __init__(self, content: Any) -> None:
        self.last = ""
        self._content = content

    async def next(self) -> Event:
        name = data = event_id = ""
        async with asyncio.timeout(10):
            while True:
                key, _, value = (
                    (await self._content.readline()).decode().rstrip("\n").partition(": ")
                )
                match key:
                    case "id":
                        event_id = self.last = value
                    case "event":
                        name = value
                    case "data":
                        data = value
                    case "" if data:
                        return Event(name, event_id, json.loads(data))

    async def until(self, name: str, **wanted: Any) -> Event:
        """The next event of this name whose members are as wanted, on the way to it all others."""
        while True:
            event = await self.next()
            if event.name == name and wanted.items() <= event.data.items():
                return event


@pytest.fixture
async def car(hub: Hub) -> Car:
    return Car(hub, await hub.car_key())


def at(minute: int) -> str:
    """A moment of the last hour."""
    return format_datetime(AN_HOUR_AGO + timedelta(minutes=minute))


def later(minute: int, status: str) -> dict[str, str]:
    return {"status": status, "last_updated": at(minute)}


async def test_a_status_change_is_on_the_cars_stream_and_in_every_answer(
    cpo: FakePartner, car: Car
) -> None:
    await cpo.put(a_location(evses=2))
    await car.sees(STATION, [2, 2, 0, 0])
    async with car.stream(ids=STATION) as stream:
        snapshot = await stream.next()
        assert (snapshot.name, snapshot.data["ids"]) == ("snapshot", [STATION])
        for minute, (status, free, broken) in enumerate(
            [("CHARGING", 1, 0), ("AVAILABLE", 2, 0), ("OUTOFORDER", 1, 1), ("AVAILABLE", 2, 0)]
        ):
            answer = await cpo.patch(a_location(), later(minute, status), "E1")
            assert answer.code == 1000
            await stream.until("station", id=STATION, g=[["CCS2", 150, free, 2, broken, 0]])
            assert await car.counts() == [free, 2, broken, 0]
            assert await car.free_around() == {STATION: free}


async def test_a_car_in_a_tunnel_is_told_on_the_way_out_what_changed_meanwhile(
    cpo: FakePartner, car: Car
) -> None:
    for number in range(4):
        await cpo.put(a_location(evses=1, id=f"LOC{number}"))
        await cpo.patch(a_location(id=f"LOC{number}"), later(0, "BLOCKED"), "E1")
    await car.sees("NL*CPO*LOC3", [0, 1, 0, 0])
    async with car.stream(circle=CIRCLE) as stream:
        assert len((await stream.next()).data["stations"]) == 4
        await cpo.patch(a_location(id="LOC0"), later(1, "AVAILABLE"), "E1")
        await stream.until("station", id="NL*CPO*LOC0")
        seen = stream.last
    for minute, status in enumerate(["CHARGING", "AVAILABLE", "CHARGING"], start=2):
        await cpo.patch(a_location(id="LOC1"), later(minute, status), "E1")
    await cpo.put(a_location(evses=1, id="LOC2", publish=False, last_updated=at(9)))
    await cpo.put(a_location(evses=1, id="NEW"))
    await car.sees("NL*CPO*NEW", [1, 1, 0, 0])

    async with car.stream(last=seen, circle=CIRCLE) as stream:
        resumed = (await stream.next()).data
        assert resumed["full"] is False
        assert sorted(resumed["ids"]) == [
            "NL*CPO*LOC0", "NL*CPO*LOC1", "NL*CPO*LOC3", "NL*CPO*NEW",
        ]  # fmt: skip
        news = {station["id"]: station["g"][0][2] for station in resumed["stations"]}
        assert news == {"NL*CPO*LOC1": 0, "NL*CPO*NEW": 1}
        await cpo.patch(a_location(id="LOC3"), later(1, "AVAILABLE"), "E1")
        await stream.until("station", id="NL*CPO*LOC3", g=[["CCS2", 150, 1, 1, 0, 0]])


async def test_a_plug_of_an_operator_that_cannot_be_reached_is_never_shown_as_free(
    cpo: FakePartner, car: Car
) -> None:
    await cpo.put(a_location(evses=2))
    await cpo.patch(a_location(), later(0, "CHARGING"), "E2")
    await car.sees(STATION, [1, 2, 0, 0])
    async with car.stream(ids=STATION) as stream:
        await stream.next()
        await cpo.vanish()
        stale = await stream.until("station", id=STATION, q="STALE")
        assert stale.data["g"] == [["CCS2", 150, None, 2, 0, 2]]
        assert await car.counts() == [None, 2, 0, 2]
        assert await car.free_around() == {}
        assert await car.shown_around() == [STATION]
        station = await car.ask(f"stations/{STATION}")
        assert station["live"]["cpo_link"] == "OFFLINE"
        assert {evse["status"] for evse in station["evses"]} == {"UNKNOWN"}

        await cpo.come_back()
        await stream.until("station", id=STATION, g=[["CCS2", 150, 1, 2, 0, 0]])
        assert await car.free_around() == {STATION: 1}


@pytest.mark.obligation("LOC-065", "LOC-075")
async def test_what_is_not_published_or_was_removed_is_shown_to_no_car(
    hub: Hub, cpo: FakePartner, car: Car
) -> None:
    async with fake_partner(EMSP="DE-EM1") as emsp, fake_partner(NSP="FR-NV1") as nsp:
        await hub.connect(emsp)
        await hub.connect(nsp)
        await cpo.put(a_location(id="PRIVATE", publish=False))
        await cpo.put(a_location(evses=2))
        await car.sees(STATION, [2, 2, 0, 0])
        assert await car.shown_around() == [STATION]
        assert await car.counts("NL*CPO*PRIVATE") is None
        async with car.stream(circle=CIRCLE) as stream:
            await stream.next()
            await cpo.patch(a_location(), later(1, "REMOVED"), "E2")
            await stream.until("station", id=STATION, g=[["CCS2", 150, 1, 1, 0, 0]])
            hidden = {"publish": False, "last_updated": at(2)}
            assert (await cpo.patch(a_location(), hidden)).code == 1000
            await stream.until("gone", id=STATION)
            await cpo.patch(a_location(), later(3, "AVAILABLE"), "E1")
            assert await car.shown_around() == []
            assert await car.counts() is None
            status, _ = await hub.call("GET", f"/nav/v1/stations/{STATION}", key=car.key)
            assert status == 404
            shown = {"publish": True, "last_updated": at(4)}
            assert (await cpo.patch(a_location(), shown)).code == 1000
            await stream.until("station", id=STATION, g=[["CCS2", 150, 1, 1, 0, 0]])
        assert [each["id"] for each in (await nsp.get("locations")).data] == ["LOC1"]
        assert [each["id"] for each in (await emsp.get("locations")).data] == ["PRIVATE", "LOC1"]


@pytest.mark.obligation("LOC-087")
async def test_an_operator_that_a_station_does_not_name_is_called_by_its_role(
    hub: Hub, cpo: FakePartner
) -> None:
    car = Car(hub, await hub.car_key())
    nameless = {name: value for name, value in a_location().items() if name != "operator"}
    for location, name in (
        (nameless, cpo.roles[0].name),
        (nameless | {"operator": {"name": "Stadtwerke"}}, "Stadtwerke"),
        (nameless | {"operator": None}, cpo.roles[0].name),
    ):
        stamp = format_datetime(now())
        assert (await cpo.put(location | {"last_updated": stamp})).code == 1000

        async def called(name: str = name) -> bool:
            code, shown = await hub.call("GET", f"/nav/v1/stations/{STATION}", key=car.key)
            return code == 200 and bool(shown["operator"]["name"] == name)

        await eventually(called)


@pytest.mark.obligation("ROUT-410")
async def test_a_suspended_owner_disappears_and_comes_back_with_all_it_had(
    hub: Hub, cpo: FakePartner, car: Car
) -> None:
    async with fake_partner(CPO="BE-CP2") as other:
        await hub.connect(other)
        await cpo.put(a_location())
        await other.put(a_location(country_code="BE", party_id="CP2"))
        await car.sees("BE*CP2*LOC1", [2, 2, 0, 0])
        async with car.stream(circle=CIRCLE) as stream:
            await stream.next()
            platforms = (await hub.admin("GET", "/platforms"))["items"]
            (path,) = [f"/platforms/{each['id']}" for each in platforms if each["name"] == cpo.name]
            await hub.admin("POST", f"{path}/suspend")
            await stream.until("gone", id=STATION)
            assert await car.shown_around() == ["BE*CP2*LOC1"]
            assert await car.counts() is None
            await hub.admin("POST", f"{path}/resume")
            await stream.until("station", id=STATION)
            assert sorted(await car.shown_around()) == ["BE*CP2*LOC1", STATION]
            await hub.admin("DELETE", path)
            await stream.until("gone", id=STATION)
            assert await car.shown_around() == ["BE*CP2*LOC1"]


async def test_a_plug_that_is_added_moved_or_replaced_is_followed(
    cpo: FakePartner, car: Car
) -> None:
    await cpo.put(a_location(evses=1))
    await car.sees(STATION, [1, 1, 0, 0])
    async with car.stream(circle=CIRCLE) as stream:
        await stream.next()
        added = an_evse("E9", status="CHARGING", last_updated=at(0))
        assert (await cpo.send("PUT", "locations", "NL/CPO/LOC1/E9", body=added)).code == 1000
        await stream.until("station", id=STATION, g=[["CCS2", 150, 1, 2, 0, 0]])
        power = {"max_electric_power": 300_000, "last_updated": at(1)}
        assert (await cpo.patch(a_location(), power, "E9", "1")).code == 1000
        await stream.until(
            "station", id=STATION, g=[["CCS2", 300, 0, 1, 0, 0], ["CCS2", 150, 1, 1, 0, 0]]
        )
        away = {"latitude": "48.100000", "longitude": "11.500000"}
        moved = {"coordinates": away, "last_updated": at(2)}
        assert (await cpo.patch(a_location(), moved)).code == 1000
        await stream.until("gone", id=STATION)
        assert await car.shown_around() == []
        assert await car.counts() == [1, 2, 0, 0]
