"""A car on its way: asks for free plugs around it and follows the live stream."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

_EARTH_M = 6_371_000
_PER_EVENT = 2**20  # bytes of one event of the stream


@dataclass(frozen=True, slots=True)
class Plug:
    """Equal plugs at a station, as the car shows them; None for what is not known."""

    station: str
    name: str
    distance_m: float
    connector: str
    kw: float | None
    free: int | None
    total: int
    age_s: float | None
    quality: str


@dataclass(slots=True)
class Car:
    """`url` is the hub's address, `key` has the scopes nav:read and nav:stream.

    The car circles around (lat, lon) at `radius_m`; `nearest` is what the driver sees last.
    """

    url: str
    key: str
    lat: float
    lon: float
    radius_m: float = 5000
    connector: str = "CCS2"
    nearest: list[Plug] = field(default_factory=list)
    events: int = 0
    asked: int = 0
    fault: str | None = None
    _angle: float = 0.0
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.key}"})
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def drive(self, pause_s: float = 2.0) -> None:
        """Move on and ask again, until cancelled; a fault is kept and shown, not raised."""
        while True:
            self._angle += 0.05
            try:
                await self.ask()
                self.fault = None
            except (aiohttp.ClientError, TimeoutError, LookupError, ValueError) as error:
                self.fault = str(error) or repr(error)
            await asyncio.sleep(pause_s)

    async def ask(self) -> list[Plug]:
        """Stations with a free plug around the place where the car is now, nearest first."""
        lat, lon = self.place
        params = {
            "lat": f"{lat:.5f}",
            "lon": f"{lon:.5f}",
            "radius_m": f"{self.radius_m:.0f}",
            "connector": self.connector,
            "available": "now",
            "limit": "5",
        }
        timeout = aiohttp.ClientTimeout(total=10)
        async with self._opened.get(
            f"{self.url}/nav/v1/stations/nearby", params=params, timeout=timeout
        ) as response:
            response.raise_for_status()
            stations = (await response.json())["stations"]
        self.asked += 1
        self.nearest = [plug for station in stations for plug in _plugs(station)]
        return self.nearest

    @property
    def place(self) -> tuple[float, float]:
        """Latitude and longitude, in degrees."""
        away = math.degrees(self.radius_m / 2 / _EARTH_M)
        lat = self.lat + away * math.sin(self._angle)
        return lat, self.lon + away * math.cos(self._angle) / math.cos(math.radians(self.lat))

    async def follow(self, pause_s: float = 1.0) -> None:
        """Count live events around (lat, lon), until cancelled; reconnects after a break."""
        while True:
            try:
                async for _ in self.stream():
                    self.events += 1
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self.fault = str(error) or repr(error)
            await asyncio.sleep(pause_s)

    async def stream(self) -> AsyncIterator[dict[str, Any]]:
        """The `station` events around (lat, lon), as they come."""
        circle = f"{self.lat:.5f},{self.lon:.5f},{self.radius_m:.0f}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
        async with self._opened.get(
            f"{self.url}/nav/v1/stream", params={"circle": circle}, timeout=timeout,
            read_bufsize=_PER_EVENT,
        ) as response:  # fmt: skip
            response.raise_for_status()
            async for event, data in _events(response.content):
                if event == "station":
                    yield data

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("a car is used in `async with`")
        return self._session


def _plugs(station: dict[str, Any]) -> list[Plug]:
    live = station.get("live") or {}
    return [
        Plug(
            station=station["id"],
            name=station.get("name") or station["id"],
            distance_m=station["distance_m"],
            connector=group["connector"],
            kw=group.get("kw"),
            free=group["available"],
            total=group["total"],
            age_s=live.get("age_s"),
            quality=live.get("quality", "?"),
        )
        for group in station["groups"]
    ]


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Any]]:
    """Server-sent events: (name, decoded data)."""
    name, data = "message", ""
    async for raw in stream:
        key, _, value = raw.decode().rstrip("\r\n").partition(":")
        match key:
            case "event":
                name = value.strip()
            case "data":
                data += value.strip()
            case "" if data and not value:
                yield name, json.loads(data)
                name, data = "message", ""
