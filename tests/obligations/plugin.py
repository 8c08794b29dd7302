"""Remembers which obligations the last test run proved, for `make obligations`.

Outcomes are kept in pytest's cache, one entry a test, so that a partial run only renews its own.
"""

from collections.abc import Iterator

import pytest

CACHE_KEY = "obligations/outcomes"


class Recorder:
    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            ids = [str(id_) for mark in item.iter_markers("obligation") for id_ in mark.args]
            if ids:
                self.ids[item.nodeid] = ids

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid in self.ids and (report.when == "call" or report.outcome != "passed"):
            self.outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cache = getattr(session.config, "cache", None)  # -p no:cacheprovider
        if cache is None or not self.outcomes:
            return
        kept = dict(cache.get(CACHE_KEY, {}))
        for nodeid, outcome in self.outcomes.items():
            kept[nodeid] = {"ids": self.ids[nodeid], "outcome": outcome}
        cache.set(CACHE_KEY, kept)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(), "obligation-recorder")


def collected(config: pytest.Config) -> Iterator[tuple[str, list[str]]]:
    """The marked tests of a finished collection, with their ids."""
    recorder = config.pluginmanager.get_plugin("obligation-recorder")
    if isinstance(recorder, Recorder):
        yield from recorder.ids.items()
