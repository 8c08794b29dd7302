"""Who reads which list when: one process, few partners at a time, one list of a partner."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpi_hub.delivery.pull import Pulls
from ocpi_hub.delivery.reading import Ground
from ocpi_hub.modules.line import Message
from ocpi_hub.modules.outgoing import Answered, Call, Outcome
from ocpi_hub.modules.pull import Held, Kind, State, Tally
from ocpi_hub.modules.store import Written
from ocpi_hub.modules.taken import Taken
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.routing.directory import Endpoint, Platform, PlatformId
from ocpi_hub.settings import Pull
from tests.build import a_location
from tests.delivery_fakes import (
    CPO,
    TABLES,
    FakeJournal,
    FakePlatforms,
    FakeStore,
    platform_of,
    until,
)

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LOCATION = codec.encode(a_location(country_code="NL", party_id="CP1"))
PAGE = b'{"data":[%b],"status_code":1000,"timestamp":"2026-11-01T12:00:00Z"}' % LOCATION


@dataclass
class Book:
    """A `PullBook` in memory."""

    known: dict[tuple[PlatformId, str], State] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)

    async def states(
        self, platforms: Collection[PlatformId]
    ) -> Mapping[tuple[PlatformId, str], State]:
        return {key: state for key, state in self.known.items() if key[0] in platforms}

    async def admit(self, platform: PlatformId, module: str, next_at: datetime) -> None:
        self.known.setdefault((platform, module), State(next_at=next_at))

    async def owe(
        self, platform: PlatformId, modules: Collection[str], kind: Kind, at: datetime
    ) -> None:
        for module in modules:
            owed = replace(self.known[platform, module], owed=kind, next_at=at)
            self.known[platform, module] = owed

    async def begun(self, platform: PlatformId, module: str, at: datetime) -> None:
        self.known[platform, module] = replace(self.known[platform, module], begun_at=at)

    async def ended(self, platform: PlatformId, module: str, state: State, tally: Tally) -> None:
        self.known[platform, module] = state
        self.tallies.append(tally)

    async def held(self, *_: object) -> Sequence[Held]:
        return self.holds


@dataclass
class Taking:
    """A duty that takes everything, or fails as the store does."""

    failure: OcpiError | None = None
    taken: list[str] = field(default_factory=list)

    async def push(
        self, _: PartyRef, ids: tuple[str, ...], __: Message, ___: Any, **more: object
    ) -> Taken:
        assert more["origin"]
        if self.failure is not None:
            raise self.failure
        self.taken.append(ids[0])
        return Taken(Written.CREATED, ())


@dataclass
class Waiting:
    """A client whose answers come when `go` is set."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[Call] = field(default_factory=list)
    broken_off: int = 0

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        return Answered(200, {}, PAGE)


@dataclass
class World:
    platforms: FakePlatforms
    book: Book
    client: Waiting
    duty: Taking
    held: set[PlatformId]
    now: list[datetime]
    pulls: Pulls

    @property
    def asked(self) -> list[str]:
        return [call.platform for call in self.client.calls]

    async def look(self) -> None:
        """Twice: what is met for the first time is due at the next look."""
        await self.pulls.look()
        await self.pulls.look()


def partner(name: str) -> Platform:
    made = platform_of(name, f"http://{name}.example", (CPO, Role.CPO))
    sender = Endpoint("locations", InterfaceRole.SENDER, f"http://{name}.example/locations")
    return replace(made, endpoints=(sender,))


def world(*names: str, at_once: int = 2, failure: OcpiError | None = None) -> World:
    platforms = FakePlatforms(*(partner(name) for name in names))
    book, client, duty, now = Book(), Waiting(), Taking(failure), [AT]
    held = {PlatformId(name) for name in names}
    ground = Ground(
        book=book,
        platforms=platforms,  # type: ignore[arg-type] - what is needed of it
        client=client,
        duties={"locations": duty},
        store=FakeStore(),  # type: ignore[arg-type] - what is needed of it
        journal=FakeJournal(),
        modules=TABLES,
        settings=Pull(settle_s=0, at_once=at_once),
        largest=1024**2,
        longest_page=1024**2,
        clock=lambda: now[0],
        dice=lambda: 0.5,
    )
    return World(platforms, book, client, duty, held, now, Pulls(ground, lambda: held))


async def test_a_partner_that_another_process_serves_is_not_read() -> None:
    made = world("a", "b")
    made.held.remove(PlatformId("b"))
    await made.look()
    await until(lambda: bool(made.client.calls))
    await made.look()
    assert made.asked == ["a"]
    await made.pulls.close()


async def test_a_reading_ends_when_another_process_takes_the_partner_over() -> None:
    made = world("a")
    await made.look()
    await until(lambda: bool(made.client.calls))
    made.held.clear()
    await made.look()
    await until(lambda: made.client.broken_off == 1)
    assert made.book.tallies == []
    await made.pulls.close()


async def test_no_more_partners_are_read_at_a_time_than_the_operator_wants() -> None:
    made = world("a", "b", "c", at_once=2)
    await made.look()
    await until(lambda: len(made.client.calls) == 2)
    await made.look()
    assert len(made.client.calls) == 2
    made.client.go.set()
    await until(lambda: len(made.book.tallies) == 3)
    assert sorted(made.asked) == ["a", "b", "c"]
    await made.pulls.close()


async def test_the_next_reading_comes_in_its_time_and_asks_for_changes() -> None:
    made = world("a")
    made.client.go.set()
    await made.look()
    await until(lambda: len(made.book.tallies) == 1)
    made.now[0] += timedelta(hours=5)
    await made.look()
    assert len(made.client.calls) == 1
    made.now[0] += timedelta(hours=2)
    await made.look()
    await until(lambda: len(made.book.tallies) == 2)
    assert made.client.calls[1].url.endswith("?date_from=2026-10-31T12%3A00%3A00Z&limit=200")
    assert [tally.kind for tally in made.book.tallies] == [Kind.ALL, Kind.CHANGES]
    await made.pulls.close()


async def test_who_is_offline_is_not_asked_and_is_due_once_it_is_back() -> None:
    made = world("a")
    made.client.go.set()
    await made.look()
    await until(lambda: len(made.book.tallies) == 1)
    platform = PlatformId("a")
    await made.platforms.set_status(platform, ConnectionStatus.OFFLINE)
    await made.look()
    assert made.book.known[platform, "locations"].owed is Kind.CHANGES
    assert len(made.client.calls) == 1
    await made.platforms.set_status(platform, ConnectionStatus.CONNECTED)
    await made.look()
    await until(lambda: len(made.book.tallies) == 2)
    assert made.book.tallies[1].kind is Kind.CHANGES
    await made.pulls.close()


async def test_a_party_that_comes_has_the_lists_read_in_full() -> None:
    made = world("a")
    made.client.go.set()
    await made.look()
    await until(lambda: len(made.book.tallies) == 1)
    platform = PlatformId("a")
    known = made.platforms.known[platform]
    more = replace(known.roles[0], party=PartyRef("NL", "CP2"))
    made.platforms.known[platform] = replace(known, roles=(*known.roles, more))
    await made.look()
    await until(lambda: len(made.book.tallies) == 2)
    assert made.book.tallies[1].kind is Kind.ALL
    assert [call.headers["OCPI-to-party-id"] for call in made.client.calls] == ["CP1", "CP1", "CP2"]
    await made.pulls.close()


async def test_when_the_store_fails_nothing_counts_as_read() -> None:
    made = world("a", failure=OcpiError("the hub's store is overloaded", Status.SERVER_ERROR))
    made.client.go.set()
    await made.look()
    await until(lambda: len(made.book.tallies) == 1)
    [tally] = made.book.tallies
    assert (tally.fault, tally.bad) == ("the hub's store is overloaded", 0)
    state = made.book.known[PlatformId("a"), "locations"]
    assert (state.synced_at, state.failures) == (None, 1)
    assert state.next_at == AT + timedelta(minutes=1)
    await made.pulls.close()
