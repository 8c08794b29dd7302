"""Agreements on a real PostgreSQL: what they let pass, when they begin and end, who hears of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.agreements import Terms
from ocpi_hub.modules.line import ORIGIN
from ocpi_hub.modules.platforms import AgreedRole, Conflict, Unknown
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.routing.directory import Quirks
from ocpi_hub.security import KeyRing
from ocpi_hub.storage.agreements import PostgresAgreements
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.line import PostgresLine
from ocpi_hub.storage.platforms import PostgresPlatforms

HUB = PartyRef("NL", "HUB")
RING = KeyRing([b"k" * 32])
CP1, EM1, EM2 = PartyRef("NL", "CP1"), PartyRef("DE", "EM1"), PartyRef("DE", "EM2")
ALWAYS = Terms((EM1, CP1), None, None, None, None)


class Side:
    """The register and the agreements of one process."""

    def __init__(self, platforms: PostgresPlatforms, agreements: PostgresAgreements) -> None:
        self.platforms = platforms
        self.agreements = agreements

    @classmethod
    async def open(cls, database: Database, *, required: bool = True) -> "Side":
        platforms = await PostgresPlatforms.open(database, RING, HUB, agreements=required)
        return cls(platforms, await PostgresAgreements.open(database, platforms, required=required))

    async def close(self) -> None:
        await self.agreements.close()
        await self.platforms.close()

    def allows(self, module: str = "locations") -> bool:
        return self.platforms.directory().allows(CP1, EM1, module)


@pytest.fixture
async def side(database: Database) -> AsyncIterator[Side]:
    opened = await Side.open(database)
    for party, role in ((CP1, Role.CPO), (EM1, Role.EMSP), (EM2, Role.EMSP)):
        await opened.platforms.create(str(party), [AgreedRole(party, role, "x")], Quirks())
    yield opened
    await opened.close()


async def told_since(database: Database, line: PostgresLine, place: object) -> list[str]:
    changes = await line.after(place, 100)  # type: ignore[arg-type]  # places are only handed on
    return [str(change.owner) for change in changes or ()]


async def test_an_agreement_lets_pass_at_once_and_its_end_stops_that(side: Side) -> None:
    assert not side.allows()
    made = await side.agreements.create(replace(ALWAYS, modules=frozenset({"locations"})))
    assert made.in_force
    assert side.allows()
    assert not side.allows("tokens")
    changed = await side.agreements.change(made.id, lambda terms: replace(terms, modules=None))
    assert changed.terms.modules is None
    assert side.allows("tokens")
    assert (await side.agreements.delete(made.id)).id == made.id
    assert not side.allows()
    with pytest.raises(Unknown):
        await side.agreements.one(made.id)
    with pytest.raises(Unknown):
        await side.agreements.delete(made.id)
    with pytest.raises(Unknown):
        await side.agreements.change(made.id, lambda terms: terms)


async def test_it_is_kept_as_it_was_given(side: Side) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    terms = Terms(
        (EM1, CP1), frozenset({"cdrs"}), start, start + timedelta(days=1), {"currency": "EUR"}
    )
    made = await side.agreements.create(terms)
    assert made.terms == terms
    assert not made.in_force
    other = await side.agreements.create(replace(ALWAYS, parties=(EM2, CP1)))
    assert [one.id for one in await side.agreements.list(None, 10)] == [made.id, other.id]
    assert [one.id for one in await side.agreements.list(made.id, 10)] == [other.id]
    assert [one.id for one in await side.agreements.list(None, 1)] == [made.id]
    assert [one.id for one in await side.agreements.list(None, 10, EM2)] == [other.id]
    assert len(await side.agreements.list(None, 10, PartyRef("nl", "cp1"))) == 2


async def test_a_pair_has_one_agreement_for_a_module_at_a_time(side: Side) -> None:
    now = datetime.now(UTC)
    first = await side.agreements.create(
        replace(ALWAYS, modules=frozenset({"cdrs"}), valid_to=now + timedelta(days=1))
    )
    with pytest.raises(Conflict, match=first.id):
        await side.agreements.create(ALWAYS)
    lower = (PartyRef("de", "em1"), PartyRef("nl", "cp1"))
    with pytest.raises(Conflict, match="modules, valid_from, valid_to"):
        await side.agreements.create(Terms(lower, frozenset({"cdrs", "tokens"}), now, None, None))
    await side.agreements.create(replace(ALWAYS, modules=frozenset({"tokens"})))
    later = await side.agreements.create(
        replace(ALWAYS, modules=frozenset({"cdrs"}), valid_from=now + timedelta(days=1))
    )
    with pytest.raises(Conflict):
        await side.agreements.change(later.id, lambda terms: replace(terms, valid_from=now))
    assert (await side.agreements.one(later.id)).terms.valid_from == later.terms.valid_from


async def test_it_begins_and_ends_by_itself_and_both_are_announced(
    side: Side, database: Database
) -> None:
    line = PostgresLine(database)
    head = await line.head()
    now = datetime.now(UTC)
    made = await side.agreements.create(
        replace(
            ALWAYS,
            valid_from=now + timedelta(seconds=0.4),
            valid_to=now + timedelta(seconds=1.2),
        )
    )
    assert await told_since(database, line, head) == []
    assert not side.allows()

    async def becomes(wanted: bool) -> None:
        async with asyncio.timeout(10):
            while side.allows() is not wanted:  # noqa: ASYNC110 - the database's clock decides
                await asyncio.sleep(0.01)

    await becomes(True)
    assert sorted(await told_since(database, line, head)) == ["DE-EM1", "NL-CP1"]
    assert (await side.agreements.one(made.id)).in_force
    head = await line.head()
    await becomes(False)
    assert sorted(await told_since(database, line, head)) == ["DE-EM1", "NL-CP1"]
    assert not (await side.agreements.one(made.id)).in_force


@pytest.mark.obligation("HCI-019")
async def test_an_announcement_is_no_change_of_the_party_itself(
    side: Side, database: Database
) -> None:
    before = {str(role.party): role for _, role in side.platforms.directory().hosted_roles()}
    await side.agreements.create(ALWAYS)
    after = {str(role.party): role for _, role in side.platforms.directory().hosted_roles()}
    assert after == before
    assert len(await told_since(database, PostgresLine(database), ORIGIN)) == 3


async def test_another_process_follows(side: Side, database: Database) -> None:
    other = await Side.open(database)
    try:
        made = await side.agreements.create(ALWAYS)
        await other.platforms.latest()
        assert other.allows()
        await other.agreements.delete(made.id)
        await side.platforms.latest()
        assert not side.allows()
    finally:
        await other.close()


async def test_where_none_are_asked_for_they_are_kept_and_mean_nothing(
    database: Database, side: Side
) -> None:
    await side.agreements.create(ALWAYS)
    line = PostgresLine(database)
    head = await line.head()
    open_side = await Side.open(database, required=False)
    try:
        assert sorted(await told_since(database, line, head)) == ["DE-EM1", "DE-EM2", "NL-CP1"]
        assert open_side.platforms.directory().agreements is None
        assert open_side.platforms.directory().allows(CP1, EM2, "locations")
        (kept,) = await open_side.agreements.list(None, 10)
        assert kept.terms.parties == ALWAYS.parties
        assert not kept.in_force
        head = await line.head()
        made = await open_side.agreements.create(replace(ALWAYS, parties=(EM2, CP1)))
        assert not made.in_force
        assert await told_since(database, line, head) == []
    finally:
        await open_side.close()
    again = await Side.open(database)
    try:
        assert again.platforms.directory().allows(CP1, EM2, "locations")
        assert (await again.agreements.one(made.id)).in_force
    finally:
        await again.close()
