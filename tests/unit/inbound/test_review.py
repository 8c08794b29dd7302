"""Relayed objects are looked at behind the answer, never at the relay's expense."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpi_hub.inbound.review import Review
from ocpi_hub.modules.journal import Direction, Hop
from ocpi_hub.ops.tasks import Tasks
from tests.conftest import Until
from tests.inbound_house import MemoryJournal

IDS = ("NL", "CPO", "S1")
HOP = Hop(
    datetime(2026, 1, 1, tzinfo=UTC), Direction.IN, None, "sessions.receiver.put", "direct", "PUT",
    "/", "r1", "c1", None, None, 200, 1000, "answered", 1.0, findings=("TR-075: said before",),
)  # fmt: skip


def takes(review: Review, hop: Hop = HOP, value: Any = None) -> bool:
    return review.takes(hop, "2.2.1", IDS, {"id": "S2"} if value is None else value)


@pytest.fixture
async def looked(until: Until) -> AsyncIterator[Any]:
    tasks = Tasks()

    async def look(journal: MemoryJournal, review: Review) -> None:
        tasks.spawn("review", review.run())
        await until(lambda: bool(journal.hops))

    yield look
    await tasks.close()


async def test_what_is_odd_joins_the_findings_of_the_hop(looked: Any) -> None:
    journal = MemoryJournal()
    review = Review(journal)
    assert takes(review)
    assert journal.hops == []
    await looked(journal, review)
    (hop,) = journal.hops
    assert hop.findings[0] == "TR-075: said before"
    assert "TR-054: id: differs from the URL's S1" in hop.findings


async def test_a_value_that_nobody_thought_of_is_recorded_all_the_same(looked: Any) -> None:
    journal = MemoryJournal()
    review = Review(journal)
    assert takes(review, value=7)
    await looked(journal, review)
    assert journal.hops[0].request_id == "r1"


def test_large_bodies_and_rows_without_model_are_left_to_the_caller() -> None:
    review = Review(MemoryJournal())
    assert not takes(review, replace(HOP, request_body=b"x" * 100_000))
    assert not takes(review, replace(HOP, route="locations.sender.list"))


async def test_more_than_fit_are_left_to_the_caller_and_none_is_lost_at_the_end() -> None:
    journal = MemoryJournal()
    review = Review(journal)
    taken = sum(takes(review) for _ in range(1000))
    assert 0 < taken < 1000
    await review.close()
    assert journal.hops == [HOP] * taken
