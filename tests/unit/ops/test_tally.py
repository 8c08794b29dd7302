"""What is counted in plain numbers is shown to Prometheus as its own counters would."""

from prometheus_client import CollectorRegistry

from ocpi_hub.ops.tally import Counts, Spans


def registered(tally):
    registry = CollectorRegistry()
    registry.register(tally)
    return registry


def test_every_combination_of_labels_is_counted_for_itself():
    counts = Counts("calls", "Calls", ["route", "outcome"])
    counts.labels("r", "good").value += 2
    counts.labels("r", "bad").value += 1
    counts.labels("r", "good").value += 1
    registry = registered(counts)
    shown = registry.get_sample_value
    assert shown("calls_total", {"route": "r", "outcome": "good"}) == 3
    assert shown("calls_total", {"route": "r", "outcome": "bad"}) == 1


def test_a_duration_is_in_every_bucket_from_its_own_upwards():
    spans = Spans("call_seconds", "Time", ["route"], (0.1, 1, 10))
    for seconds in (0.1, 0.5, 99):
        spans.labels("r").observe(seconds)
    shown = registered(spans).get_sample_value
    buckets = {le: shown("call_seconds_bucket", {"route": "r", "le": le}) for le in ("0.1", "1.0")}
    assert buckets == {"0.1": 1, "1.0": 2}
    assert shown("call_seconds_bucket", {"route": "r", "le": "10.0"}) == 2
    assert shown("call_seconds_bucket", {"route": "r", "le": "+Inf"}) == 3
    assert shown("call_seconds_count", {"route": "r"}) == 3
    assert shown("call_seconds_sum", {"route": "r"}) == 99.6
