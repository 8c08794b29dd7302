"""Measures the cars' index: memory, searches, flips and streams at the size of a continent.

Run: `python tests/bench/bench_navigation.py [locations]` (default 250,000, four EVSEs each).
Rates count the processor time of this process, latencies are wall time.
Stations cluster around cities as real ones do; searches come from where the stations are.
"""

import asyncio
import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ocpi_hub.modules.line import Place
from ocpi_hub.navigation import project
from ocpi_hub.navigation.connectors import CODES
from ocpi_hub.navigation.grid import Circle, chord2, reach2, vector
from ocpi_hub.navigation.index import Index, key_of
from ocpi_hub.navigation.outfits import Wish
from ocpi_hub.navigation.project import PlugStatus
from ocpi_hub.navigation.quality import Link
from ocpi_hub.navigation.query import Watch
from ocpi_hub.navigation.search import Available, Filters, nearby
from ocpi_hub.navigation.stream import Streams
from ocpi_hub.navigation.view import encode, states, station
from ocpi_hub.ocpi.primitives import PartyRef

NOW = time.time()
RADIUS_M = 5_000.0
FAST = Filters(
    wish=Wish(connectors=frozenset({CODES["IEC_62196_T2_COMBO"]}), min_kw=150),
    available=Available.NOW,
)
_STATUS = ("AVAILABLE", "AVAILABLE", "CHARGING", "OUTOFORDER", "UNKNOWN")
_KINDS = (
    ("IEC_62196_T2", "AC_3_PHASE", 22_000, 230, 32),
    ("IEC_62196_T2_COMBO", "DC", 50_000, 500, 125),
    ("IEC_62196_T2_COMBO", "DC", 150_000, 920, 300),
    ("IEC_62196_T2_COMBO", "DC", 300_000, 920, 500),
    ("CHADEMO", "DC", 50_000, 500, 125),
)


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def positions(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Clustered positions over Europe: 3,000 cities, the largest with by far the most stations."""
    lat, lon = rng.uniform(37, 60, 3_000), rng.uniform(-9, 28, 3_000)
    weight = 1 / np.arange(1, 3_001) ** 0.8
    city = rng.choice(3_000, count, p=weight / weight.sum())
    return lat[city] + rng.normal(0, 0.08, count), lon[city] + rng.normal(0, 0.12, count)


def body(number: int, lat: float, lon: float, rng: np.random.Generator) -> bytes:
    kinds, statuses = rng.integers(0, len(_KINDS), 4), rng.integers(0, len(_STATUS), 4)
    stated = datetime.fromtimestamp(NOW - 600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    evses = []
    for at, (kind, status) in enumerate(zip(kinds.tolist(), statuses.tolist(), strict=True)):
        name, power, watts, volts, amperes = _KINDS[kind]
        connector = {
            "id": "1", "standard": name, "format": "CABLE", "power_type": power,
            "max_voltage": volts, "max_amperage": amperes, "max_electric_power": watts,
            "last_updated": stated,
        }  # fmt: skip
        evses.append({
            "uid": f"EVSE-{number}-{at}", "evse_id": f"NL*ABC*E{number:07d}*{at}",
            "status": _STATUS[status], "connectors": [connector], "last_updated": stated,
        })  # fmt: skip
    return json.dumps({
        "country_code": "NL", "party_id": "ABC", "id": f"LOC{number:07d}", "publish": True,
        "name": f"Charging station {number}", "address": f"High Street {number % 300}",
        "city": "Somewhere", "postal_code": "1234AB", "country": "XXX",
        "coordinates": {"latitude": f"{lat:.6f}", "longitude": f"{lon:.6f}"}, "evses": evses,
        "operator": {"name": f"Operator {number % 500}"}, "time_zone": "Europe/Amsterdam",
        "opening_times": {"twentyfourseven": True}, "last_updated": stated,
    }).encode()  # fmt: skip


def load(count: int, rng: np.random.Generator) -> tuple[Index, list[bytes]]:
    """The index of so many Locations, with the time it took for each."""
    lats, lons = positions(count, rng)
    parties = [PartyRef("NL", f"{number:03d}") for number in range(500)]
    index, spent, keys = Index(), 0.0, []
    for number in range(count):
        state = body(number, float(lats[number]), float(lons[number]), rng)
        party = parties[number % len(parties)]
        start = time.process_time()
        site = project.site(state)
        keys.append(key_of(party, site.card.id))
        index.put(keys[-1], party, site, Place(number, number), now=NOW)
        spent += time.process_time() - start
    index.operators.links[:] = Link.CONNECTED
    index.operators.sends_status[:] = True
    start = time.process_time()
    index.rebuild()
    print(
        f"load: {count / spent:,.0f} Locations/s; grid {1e3 * (time.process_time() - start):.0f} ms"
    )
    return index, keys


def brute(index: Index, circle: Circle, limit: int) -> list[int]:
    """The same question answered by a look at every station and plug."""
    chords = chord2(index.vectors, vector(circle.lat, circle.lon))
    outfits, found = index.outfits.outlets, []
    for row in np.flatnonzero((chords <= reach2(circle.radius_m)) & index.alive).tolist():
        run = index.run(row)
        if any(
            status == PlugStatus.AVAILABLE and any(map(FAST.wish.accepts, outfits[outfit]))
            for status, outfit in zip(index.status[run], index.outfits_of[run], strict=True)
        ):
            found.append((chords.item(row), row))
    return [row for _, row in sorted(found)[:limit]]


def timed(name: str, work: list[Callable[[], object]]) -> None:
    times = []
    for each in work:
        start = time.perf_counter()
        each()
        times.append(1e3 * (time.perf_counter() - start))
    p = statistics.quantiles(times, n=100)
    print(f"{name}: p50 {p[49]:.2f} ms, p95 {p[94]:.2f}, p99 {p[98]:.2f}, max {max(times):.2f}")


def searches(index: Index, rng: np.random.Generator) -> None:
    at = rng.integers(0, len(index), 2_000)
    circles = [
        Circle(index.lat.item(row) + 0.01, index.lon.item(row) - 0.01, RADIUS_M) for row in at
    ]
    timed(
        "nearest 50 free CCS >= 150 kW in 5 km",
        [lambda c=c: nearby(index, c, FAST, 50, NOW) for c in circles],
    )

    def answer(circle: Circle) -> bytes:
        hits = nearby(index, circle, FAST, 25, NOW)
        rows = hits.rows.tolist()
        known = states(index, rows, NOW)
        return encode(
            [station(index, r, s, FAST.wish, NOW) for r, s in zip(rows, known, strict=True)]
        )

    timed("the same, 25 stations as JSON", [lambda c=c: answer(c) for c in circles[:1000]])
    wide = [Circle(circle.lat, circle.lon, 100_000) for circle in circles[:100]]
    timed("everything in 100 km", [lambda c=c: nearby(index, c, Filters(), 200, NOW) for c in wide])
    for circle in circles[:200]:
        assert nearby(index, circle, FAST, 50, NOW).rows.tolist() == brute(index, circle, 50)
    timed("brute force", [lambda c=c: brute(index, c, 50) for c in circles[:50]])
    print("200 answers equal to brute force")


def flips(index: Index, keys: list[bytes], rng: np.random.Generator, count: int = 200_000) -> None:
    connector = {"standard": "IEC_62196_T2_COMBO", "power_type": "DC", "max_voltage": 920,
                 "max_amperage": 500, "max_electric_power": 300_000}  # fmt: skip
    work = []
    for number in rng.integers(0, len(keys), count).tolist():
        state = {
            "uid": f"EVSE-{number}-1", "evse_id": f"NL*ABC*E{number:07d}*1",
            "status": _STATUS[number % 3], "connectors": [connector],
            "last_updated": "2026-11-24T08:00:00Z",
        }  # fmt: skip
        work.append((keys[number], json.dumps(state).encode(), Place(10**7, number)))
    start = time.process_time()
    plugs = [project.plug(state) for _, state, _ in work]
    decoded = time.process_time()
    for (key, _, place), plug in zip(work, plugs, strict=True):
        index.flip(key, plug, place, heard=NOW, now=NOW)
    end = time.process_time()
    print(
        f"flips: {count / (end - decoded):,.0f}/s in the index,"
        f" {count / (decoded - start):,.0f}/s decoded, {count / (end - start):,.0f}/s together"
    )


class Sink(asyncio.Transport):
    """A transport that swallows everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


def streams(index: Index, rng: np.random.Generator) -> None:
    """1,000 circles of 5 km; 1,250 stations change between two flushes (5,000 a second)."""
    live = Streams(index, 1, lambda: datetime.fromtimestamp(NOW, UTC), limit=10_000, flush_s=0.25)
    live._swept_at = NOW
    at = rng.integers(0, len(index), 1_000)
    for row in at:
        circle = Circle(index.lat.item(row), index.lon.item(row), RADIUS_M)
        live.open(Watch((), circle, FAST), Sink(), None)
    busy = np.concatenate(
        [index.candidates(Circle(index.lat.item(r), index.lon.item(r), 2000)) for r in at]
    )
    names = {row: index.key(row) for row in busy.tolist()}
    live.flush()
    start, live.deliveries = time.process_time(), 0
    for _ in range(20):
        for row in rng.choice(busy, 1_250).tolist():
            live.changed(names[row], row)
        live.flush()
    spent = time.process_time() - start
    print(
        f"streams: {live.deliveries / spent:,.0f} deliveries/s without a socket,"
        f" {spent * 50:.1f} ms a flush"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 250_000
    rng = np.random.default_rng(1)
    gc.collect()
    before = memory_mb()
    index, keys = load(count, rng)
    keys_mb = sum(map(sys.getsizeof, keys)) / 2**20
    gc.collect()
    print(
        f"memory: {memory_mb() - before:.0f} MB for {index.plugs:,} EVSEs"
        f" ({keys_mb:.0f} MB of it shared keys)"
    )
    gc.freeze()
    searches(index, rng)
    flips(index, keys, rng)
    start = time.perf_counter()
    index.sweep(NOW)
    print(f"sweep: {1e3 * (time.perf_counter() - start):.1f} ms")
    streams(index, rng)


if __name__ == "__main__":
    main()
