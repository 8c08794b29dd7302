"""Tallies: counters and durations as plain numbers, told when Prometheus asks.

What is counted for every message must cost next to nothing; the library's own counters take locks.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class Count:
    """How often; for one thread, as the event loop is."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Counts(Collector):
    """A counter for each combination of labels."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._described = name, documentation, tuple(labels)
        self._of: dict[tuple[str, ...], Count] = {}

    def labels(self, *values: str) -> Count:
        found = self._of.get(values)
        if found is None:
            found = self._of[values] = Count()
        return found

    def collect(self) -> Iterator[CounterMetricFamily]:
        name, documentation, labels = self._described
        family = CounterMetricFamily(name, documentation, labels=labels)
        for values, count in self._of.items():
            family.add_metric(values, count.value)
        yield family


class Span:
    """How long: how many took at most so many seconds, and all of them together."""

    __slots__ = ("counts", "seconds", "steps")

    def __init__(self, steps: Sequence[float]) -> None:
        self.steps = steps
        self.counts = [0] * (len(steps) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.steps, seconds)] += 1
        self.seconds += seconds


class Spans(Collector):
    """A histogram for each combination of labels; `steps`: seconds, ascending."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], steps: Sequence[float]
    ) -> None:
        self._described = name, documentation, tuple(labels)
        self._steps = steps
        self._of: dict[tuple[str, ...], Span] = {}

    def labels(self, *values: str) -> Span:
        found = self._of.get(values)
        if found is None:
            found = self._of[values] = Span(self._steps)
        return found

    def collect(self) -> Iterator[HistogramMetricFamily]:
        name, documentation, labels = self._described
        family = HistogramMetricFamily(name, documentation, labels=labels)
        names = [*map(str, map(float, self._steps)), "+Inf"]
        for values, span in self._of.items():
            buckets = [*zip(names, accumulate(span.counts), strict=True)]
            family.add_metric(values, buckets, span.seconds)
        yield family
