"""Findings on a real PostgreSQL: counted as the journal writes them, summed up by rule."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.findings import Finding
from ocpi_hub.modules.journal import Direction, Hop
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.settings import Journal as JournalSettings
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.findings import PostgresFindings
from ocpi_hub.storage.journal import PostgresJournal

AT = datetime(2026, 11, 20, 10, 50, tzinfo=UTC)
P1, P2 = PlatformId("p1"), PlatformId("p2")
HOP = Hop(
    at=AT,
    direction=Direction.IN,
    platform=P1,
    route="locations.receiver.put",
    mode="broadcast",
    method="PUT",
    url="/ocpi/2.2.1/receiver/locations/DE/VWK/LOC1",
    request_id="req-1",
    correlation_id="cor-1",
    sender=None,
    receiver=None,
    http=200,
    code=1000,
    outcome="answered",
    duration_ms=1.5,
    findings=("TR-032: Content-Type is not application/json",),
)


class Desk:
    def __init__(self, database: Database) -> None:
        self.journal = PostgresJournal(
            database, JournalSettings.model_validate({"keep_days": 30}), Metrics()
        )
        self.findings = PostgresFindings(database)

    async def write(self, *hops: Hop) -> None:
        for hop in hops:
            self.journal.record(hop)
        await self.journal.flush()

    async def of(
        self,
        platform: PlatformId = P1,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Finding]:
        return {one.rule: one for one in await self.findings.of(platform, since, until)}


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    opened = Desk(database)
    yield opened
    await opened.journal.close()


async def test_findings_add_up_by_rule_over_batches_and_hours(desk: Desk) -> None:
    await desk.write(
        HOP,
        replace(HOP, findings=()),
        replace(HOP, at=AT + timedelta(minutes=1), findings=("TR-075: X-Request-ID missing",)),
    )
    later = AT + timedelta(hours=3)
    await desk.write(replace(HOP, at=later, findings=("TR-032: Content-Type is missing",)))
    await desk.write(replace(HOP, platform=P2), replace(HOP, platform=None))
    found = await desk.of()
    assert list(found) == ["TR-032", "TR-075"]
    told = found["TR-032"]
    assert (told.count, told.first_seen, told.last_seen) == (2, AT, later)
    assert told.text == "Content-Type is missing"
    example = (await desk.journal.one(told.message)).hop
    assert (example.at, example.findings) == (later, ("TR-032: Content-Type is missing",))
    assert found["TR-075"].count == 1
    assert (await desk.of(P2))["TR-032"].count == 1
    assert await desk.of(PlatformId("p3")) == {}


async def test_a_message_counts_once_for_a_rule_however_often_it_breaks_it(desk: Desk) -> None:
    odd = tuple(f"LOC-126: evses.{number}.status: unknown value" for number in range(3))
    await desk.write(replace(HOP, findings=(*odd, "no rule is named here")))
    found = await desk.of()
    assert {rule: one.count for rule, one in found.items()} == {
        "LOC-126": 1,
        "no rule is named here": 1,
    }
    assert found["LOC-126"].text == "evses.0.status: unknown value"
    assert found["no rule is named here"].text == "no rule is named here"


async def test_a_time_is_kept_to_the_microsecond_within_an_hour_too(desk: Desk) -> None:
    moments = [AT + timedelta(minutes=minutes) for minutes in (0, 5, 9, 15, 75, 80)]
    for number, moment in enumerate(moments):
        found = (f"TR-032: number {number}", "TR-075: X-Request-ID missing")
        await desk.write(replace(HOP, at=moment, findings=found))
    for first in range(len(moments)):
        for last in range(first, len(moments)):
            told = await desk.of(since=moments[first], until=moments[last])
            if first == last:
                assert told == {}
                continue
            one = told["TR-032"]
            assert told["TR-075"].count == one.count == last - first
            assert (one.first_seen, one.last_seen) == (moments[first], moments[last - 1])
            assert one.text == f"number {last - 1}"
            assert (await desk.journal.one(one.message)).hop.at == moments[last - 1]
    assert (await desk.of(since=moments[-1]))["TR-032"].count == 1
    assert (await desk.of(until=moments[1]))["TR-032"].count == 1


async def test_two_processes_count_together(desk: Desk, database: Database) -> None:
    other = Desk(database)
    for number in range(3):
        for process in (desk, other):
            await process.write(*[replace(HOP, at=AT + timedelta(seconds=number))] * 5)
    assert (await desk.of())["TR-032"].count == 30
    await other.journal.close()


async def test_what_the_journal_forgets_is_not_told_any_more(desk: Desk) -> None:
    now = datetime.now(UTC)
    await desk.write(
        replace(HOP, at=now - timedelta(days=40)),
        replace(HOP, at=now - timedelta(days=1), findings=("TR-075: X-Request-ID missing",)),
    )
    await desk.journal.expire()
    assert list(await desk.of()) == ["TR-075"]
