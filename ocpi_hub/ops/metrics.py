"""Metrics: every Prometheus name of the hub in one place.

`Metrics` holds its own registry, so that tests and several hubs in one process do not meet.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.requests = Counter(
            "ocpi_hub_requests",
            "Requests answered, by row of the table, HTTP status and OCPI code",
            ["route", "http", "code"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "ocpi_hub_request_seconds",
            "Time to answer a request",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
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
