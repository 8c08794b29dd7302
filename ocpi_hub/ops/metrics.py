"""Metrics: every Prometheus name of the hub in one place.

`Metrics` holds its own registry, so that tests and several hubs in one process do not meet.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BOUNDS = (*map(str, map(float, _SECONDS)), "+Inf")


class Answers(Collector):
    """Requests answered: plain numbers, told when they are asked for.

    Every request is counted here, and prometheus_client's own counters take four times as long.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def count(self, route: str, http: str, code: str, seconds: float) -> None:
        """One more: its row of the table, HTTP status, OCPI code, and the time it took."""
        key = route, http, code
        self._counts[key] = self._counts.get(key, 0) + 1
        times = self._times.get(route)
        if times is None:
            times = self._times[route] = [0] * len(_BOUNDS)
        times[bisect_left(_SECONDS, seconds)] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "ocpi_hub_requests",
            "Requests answered, by row of the table, HTTP status and OCPI code",
            labels=["route", "http", "code"],
        )
        for key, number in self._counts.items():
            requests.add_metric(key, number)
        seconds = HistogramMetricFamily(
            "ocpi_hub_request_seconds", "Time to answer a request", labels=["route"]
        )
        for route, times in self._times.items():
            buckets = list(zip(_BOUNDS, map(float, accumulate(times)), strict=True))
            seconds.add_metric([route], buckets, self._seconds[route])
        yield requests
        yield seconds


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.answers = Answers()
        registry.register(self.answers)
        self.calls = Counter(
            "ocpi_hub_calls",
            "Calls to partners, by row and outcome",
            ["route", "outcome"],
            registry=registry,
        )
        self.call_seconds = Histogram(
            "ocpi_hub_call_seconds",
            "Time of a call to a partner",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge("ocpi_hub_in_flight", "Requests in work", registry=registry)
        self.deliveries = Counter(
            "ocpi_hub_deliveries",
            "Broadcast deliveries, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.lag = Gauge(
            "ocpi_hub_lag_seconds",
            "Age of the oldest change not yet delivered",
            ["platform"],
            registry=registry,
        )
        self.platforms = Gauge(
            "ocpi_hub_platforms",
            "Platforms by connection status",
            ["status"],
            registry=registry,
        )
        self.journal_dropped = Counter(
            "ocpi_hub_journal_dropped",
            "Journal rows dropped because the queue was full",
            registry=registry,
        )
        self.stations = Gauge("ocpi_hub_stations", "Stations in the cars' index", registry=registry)
        self.streams = Gauge("ocpi_hub_streams", "Open event streams", registry=registry)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
