"""The journal on a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.journal import Direction, Hop
from ocpi_hub.modules.platforms import Unknown
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.settings import Journal as JournalSettings
from ocpi_hub.storage import journal as room
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.journal import PostgresJournal

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOP = Hop(
    at=AT,
    direction=Direction.IN,
    platform=PlatformId("p1"),
    route="locations.receiver.patch",
    mode="broadcast",
    method="PATCH",
    url="/ocpi/2.2.1/receiver/locations/DE/VWK/LOC1/3256",
    request_id="req-1",
    correlation_id="cor-1",
    sender=PartyRef("DE", "VWK"),
    receiver=PartyRef("NL", "HUB"),
    http=200,
    code=1000,
    outcome="answered",
    duration_ms=1.5,
    request_body=b'{"status":"CHARGING"}',
    response_body=b'{"status_code":1000}',
    findings=("TR-075: X-Request-ID missing",),
)


class Hub:
    def __init__(self, database: Database, **settings: object) -> None:
        self.metrics = Metrics()
        made = JournalSettings.model_validate(settings)
        self.journal = PostgresJournal(database, made, self.metrics)

    @property
    def dropped(self) -> float:
        value = self.metrics.registry.get_sample_value("ocpi_hub_journal_dropped_total")
        assert value is not None
        return value

    async def kept(self, **changes: object) -> Hop:
        """A hop as it is read back."""
        self.journal.record(replace(HOP, **changes))  # type: ignore[arg-type] # named as they are
        await self.journal.flush()
        [found] = await self.journal.search({}, None, 1)
        return (await self.journal.one(found.id)).hop


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[Hub]:
    made = Hub(database)
    yield made
    await made.journal.close()


async def test_a_hop_comes_back_as_it_was_recorded(hub):
    assert await hub.kept() == HOP
    bare = replace(
        HOP, platform=None, sender=None, receiver=None, http=None, code=None,
        request_body=b"", response_body=b"", findings=(), outcome="timeout",
    )  # fmt: skip
    assert await hub.kept(**{name: getattr(bare, name) for name in HOP.__slots__}) == bare


async def test_lists_have_no_bodies_and_come_newest_first_page_by_page(hub):
    for number in range(4):
        hub.journal.record(replace(HOP, request_id=f"req-{number}"))
    await hub.journal.flush()

    found = await hub.journal.search({}, None, 3)
    assert [stored.hop.request_id for stored in found] == ["req-3", "req-2", "req-1"]
    assert {stored.hop.request_body + stored.hop.response_body for stored in found} == {b""}
    rest = await hub.journal.search({}, found[-1].id, 3)
    assert [stored.hop.request_id for stored in rest] == ["req-0"]


@pytest.mark.parametrize(
    ("name", "hit", "miss"),
    [
        ("correlation_id", "cor-1", "cor-2"),
        ("request_id", "req-1", "req"),
        ("route", "locations.receiver.patch", "locations"),
        ("mode", "broadcast", "direct"),
        ("direction", "in", "OUT"),
        ("platform", "p1", "p2"),
        ("sender", "de-vwk", "DE-EM1"),
        ("receiver", "NL-HUB", "DE-VWK"),
        ("http", "200", "401"),
        ("code", "1000", "2001"),
        ("outcome", "answered", "timeout"),
        ("since", "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"),
        ("until", "2026-01-31T13:00:01+01:00", "2026-01-31T12:00:00Z"),
    ],
)
async def test_each_filter_finds_and_leaves_out(hub, name, hit, miss):
    hub.journal.record(HOP)
    await hub.journal.flush()
    assert len(await hub.journal.search({name: hit}, None, 10)) == 1
    assert await hub.journal.search({name: miss}, None, 10) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http", "two hundred"), ("code", "-1"), ("code", "99999999999"), ("direction", "UP"),
        ("sender", "DEVWK"), ("since", "yesterday"), ("until", "2026-01-31T12:00:00"),
        ("colour", "red"),
    ],
)  # fmt: skip
async def test_a_filter_value_that_cannot_be_one_is_named(hub, name, value):
    with pytest.raises(ValueError, match=name):
        await hub.journal.search({name: value}, None, 10)


async def test_what_does_not_exist_is_unknown(hub):
    with pytest.raises(Unknown, match="4711"):
        await hub.journal.one(4711)


@pytest.mark.parametrize(
    "body",
    [
        b'{"token":"SECRET","url":"https://x"}',
        b'{ "token" : "SE\\"CRET" , "roles": []}',
        b'{"data":{"token":"SECRET"},"status_code":1000}',
        b'{"\\u0074oken":"SECRET"}',
        b'{"x":"Authorization: Token SECRET"}',
        b'{"url":"https://user:SECRET@partner.example"}',
        b'{"pad":"' + b"x" * (64 * 1024 - 30) + b'","token":"SECRET-AND-ITS-REST"}',
    ],
)
async def test_secrets_in_bodies_are_masked_before_they_are_kept(hub, body):
    kept = await hub.kept(request_body=body, response_body=body)
    assert b"SE" not in kept.request_body
    assert b"SE" not in kept.response_body
    assert b"********" in kept.request_body


async def test_secrets_in_urls_and_outcomes_are_masked(hub):
    kept = await hub.kept(
        url="https://u:SECRET@x.example/v?token=SECRET&limit=5", outcome="refused: Token SECRET"
    )
    assert kept.url == "https://u:********@x.example/v?token=********&limit=5"
    assert "SECRET" not in kept.outcome


async def test_other_bytes_are_kept_as_they_are_and_cut_at_64_kib(hub):
    body = bytes(range(256)) * 300
    kept = await hub.kept(request_body=body)
    assert kept.request_body == body[: 64 * 1024]


async def test_without_bodies_none_are_kept(database):
    hub = Hub(database, bodies=False)
    kept = await hub.kept()
    assert kept == replace(HOP, request_body=b"", response_body=b"")


async def test_text_that_postgresql_refuses_does_not_cost_the_batch(hub):
    kept = await hub.kept(request_id="a\x00b\udc80", url="/x" * 5000, findings=("\x00",))
    assert kept.request_id == "a\\0b\\udc80"
    assert len(kept.url) == 2048
    assert hub.dropped == 0


async def test_what_does_not_fit_into_the_queue_is_dropped_and_counted(database, monkeypatch):
    hub = Hub(database, queue=100)
    for _ in range(130):
        hub.journal.record(HOP)
    assert hub.dropped == 30
    await hub.journal.flush()
    assert len(await hub.journal.search({}, None, 200)) == 100

    monkeypatch.setattr(room, "QUEUE_BYTES", 1000)
    for _ in range(5):
        hub.journal.record(replace(HOP, request_body=b"x" * 600))
    assert hub.dropped == 33


async def test_rows_wait_while_the_database_is_away(hub, database, database_url, psql):
    hub.journal.record(HOP)
    await database.execute("alter table hop rename to away")
    with pytest.raises(Exception, match="hop"):
        await hub.journal.flush()
    await database.execute("alter table away rename to hop")

    await hub.journal.flush()
    assert len(await hub.journal.search({}, None, 10)) == 1


async def test_rows_are_written_soon_without_being_asked(database, until):
    journal = await PostgresJournal.open(database, JournalSettings(), Metrics())
    journal.record(replace(HOP, at=datetime.now(UTC)))
    await until(lambda: not journal._queue)
    await journal.close()
    assert await database.value("select count(*) from hop") == 1


async def test_closing_writes_what_waits(database):
    journal = await PostgresJournal.open(database, JournalSettings(), Metrics())
    journal.record(replace(HOP, at=datetime.now(UTC)))
    await journal.close()
    assert await database.value("select count(*) from hop") == 1


@pytest.mark.obligation("TYP-025")
async def test_old_rows_are_deleted_and_young_ones_stay(database, monkeypatch):
    monkeypatch.setattr(room, "EXPIRE_ROWS", 2)
    hub = Hub(database, keep_days=30)
    now = datetime.now(UTC)
    for days in (31, 32, 33, 29, 0):
        hub.journal.record(replace(HOP, at=now - timedelta(days=days), request_id=str(days)))
    await hub.journal.flush()

    await hub.journal.expire()

    left = await hub.journal.search({}, None, 10)
    assert [stored.hop.request_id for stored in left] == ["0", "29"]
