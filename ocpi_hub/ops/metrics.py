"""Metrics: every Prometheus name of the hub in one place.

`Metrics` holds its own registry, so that tests and several hubs in one process do not meet.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from ocpi_hub.ops.tally import Counts, Spans

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Answers:
    """Requests answered, counted together with the time they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts = Counts(
            "ocpi_hub_requests",
            "Requests answered, by row of the table, HTTP status and OCPI code",
            ["route", "http", "code"],
        )
        self._times = Spans(
            "ocpi_hub_request_seconds", "Time to answer a request", ["route"], _SECONDS
        )
        registry.register(self._counts)
        registry.register(self._times)

    def count(self, route: str, http: str, code: str, seconds: float) -> None:
        """One more: its row of the table, HTTP status, OCPI code, and the time it took."""
        self._counts.labels(route, http, code).value += 1
        self._times.labels(route).observe(seconds)


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.answers = Answers(registry)
        self.calls = Counts(
            "ocpi_hub_calls", "Calls to partners, by row and outcome", ["route", "outcome"]
        )
        self.call_seconds = Spans(
            "ocpi_hub_call_seconds", "Time of a call to a partner", ["route"], _SECONDS
        )
        self.in_flight = Gauge("ocpi_hub_in_flight", "Requests in work", registry=registry)
        self.deliveries = Counts(
            "ocpi_hub_deliveries", "Broadcast deliveries, by outcome", ["outcome"]
        )
        for tally in (self.calls, self.call_seconds, self.deliveries):
            registry.register(tally)
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
