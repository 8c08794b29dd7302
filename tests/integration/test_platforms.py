"""The register of platforms on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ocpi_hub.modules.platforms import (
    AgreedRole,
    AnnouncedRole,
    Conflict,
    Registration,
    TokenKind,
    Unknown,
)
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.routing.directory import Endpoint, PlatformId, Quirks
from ocpi_hub.security import KeyRing, digest, fresh_token
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.platforms import PostgresPlatforms

HUB = PartyRef("NL", "HUB")
VWK = PartyRef("DE", "VWK")
EM1 = PartyRef("DE", "EM1")
CPO = AgreedRole(VWK, Role.CPO, "Voltwerk GmbH")
EMSP = AgreedRole(VWK, Role.EMSP, "Voltwerk Drive")
RING = KeyRing([b"k" * 32])
PLANNED, CONNECTED = ConnectionStatus.PLANNED, ConnectionStatus.CONNECTED
OFFLINE, SUSPENDED = ConnectionStatus.OFFLINE, ConnectionStatus.SUSPENDED


@pytest.fixture
async def platforms(database: Database) -> AsyncIterator[PostgresPlatforms]:
    opened = await PostgresPlatforms.open(database, RING, HUB)
    yield opened
    await opened.close()


def exchange(spent: str | None, *roles: AgreedRole, incoming: str | None = None) -> Registration:
    return Registration(
        version="2.2.1",
        versions_url="https://voltwerk.example/ocpi/versions",
        endpoints=(
            Endpoint("locations", InterfaceRole.SENDER, "https://voltwerk.example/locations"),
            Endpoint("commands", InterfaceRole.RECEIVER, "https://voltwerk.example/commands"),
        ),
        roles=tuple(
            AnnouncedRole(
                role.party, role.role, b'{"name":"Voltwerk","website":"https://v.example"}'
            )
            for role in (roles or (CPO,))
        ),
        outgoing_token="outgoing-of-voltwerk",
        incoming_token=incoming or fresh_token(),
        spent=spent,
    )


def states(platforms: PostgresPlatforms) -> dict[str, ConnectionStatus]:
    found = platforms.directory().hosted_roles()
    return {f"{hosted.party} {hosted.role}": hosted.status for _, hosted in found}


async def places(database: Database) -> dict[str, tuple[int, ...]]:
    rows = await database.fetch("select role, x, seq, prev_x, prev_seq from hosted_role")
    return {row["role"]: tuple(row)[1:] for row in rows}


@pytest.mark.obligation("CRED-001")
async def test_a_new_platform_is_planned_and_its_token_a_opens_registration_only(platforms):
    platform, token = await platforms.create("Voltwerk", [CPO, EMSP], Quirks(raw_token=True))

    assert platform.status is PLANNED
    assert not platform.registered
    assert platform.quirks == Quirks(raw_token=True)
    assert [hosted.business_details for hosted in platform.roles] == [
        b'{"name": "Voltwerk GmbH"}',
        b'{"name": "Voltwerk Drive"}',
    ]
    assert states(platforms) == {"DE-VWK CPO": PLANNED, "DE-VWK EMSP": PLANNED}
    assert platforms.agreed(platform.id) == (CPO, EMSP)
    caller = platforms.caller(token)
    assert caller is not None
    assert (caller.platform, caller.kind) == (platform.id, TokenKind.REGISTRATION)
    assert platforms.caller(token + "x") is None
    assert platforms.outgoing_token(platform.id) is None


@pytest.mark.obligation("CRED-041")
async def test_a_role_held_by_another_platform_is_refused_whatever_its_case(platforms):
    await platforms.create("Voltwerk", [CPO], Quirks())
    number = platforms.directory().number

    with pytest.raises(Conflict, match="another platform holds this role"):
        await platforms.create(
            "Thief", [AgreedRole(PartyRef("de", "vwk"), Role.CPO, "X")], Quirks()
        )

    assert len(platforms.directory().platforms) == 1
    assert platforms.directory().number == number
    await platforms.create("Other role", [EMSP], Quirks())
    assert len(platforms.directory().hosting(VWK)) == 2


@pytest.mark.obligation("CRED-043")
@pytest.mark.parametrize(
    "role", [AgreedRole(HUB, Role.CPO, "x"), AgreedRole(EM1, Role.HUB, "x")], ids=["party", "role"]
)
async def test_the_hubs_own_party_and_role_are_refused(platforms, role):
    with pytest.raises(Conflict, match="hub's own"):
        await platforms.create("Pretender", [role], Quirks())


async def test_a_role_named_twice_is_refused(platforms):
    with pytest.raises(Conflict, match="named twice"):
        await platforms.create("Voltwerk", [CPO, CPO], Quirks())


@pytest.mark.obligation("CRED-006", "CRED-007", "HCI-007")
async def test_a_registration_connects_the_platform_and_voids_token_a(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    registration = exchange(token_a)

    platform = await platforms.complete(planned.id, registration)

    assert platform.status is CONNECTED
    assert platform.registered
    assert platform.version == "2.2.1"
    assert platform.versions_url == registration.versions_url
    assert platform.endpoints == registration.endpoints
    assert states(platforms) == {"DE-VWK CPO": CONNECTED, "DE-VWK EMSP": PLANNED}
    assert platform.roles[0].business_details == registration.roles[0].business_details
    assert platforms.caller(token_a) is None
    assert platforms.caller(registration.incoming_token).kind is TokenKind.CURRENT
    assert platforms.outgoing_token(platform.id) == "outgoing-of-voltwerk"


async def test_a_party_stays_spelled_as_it_was_agreed(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    lower = AgreedRole(PartyRef("de", "vwk"), Role.CPO, "voltwerk")
    platform = await platforms.complete(planned.id, exchange(token_a, lower))
    (hosted,) = platform.roles
    assert (hosted.party.country_code, hosted.party.party_id) == ("DE", "VWK")
    assert hosted.status is CONNECTED


async def test_a_registration_stands_when_the_database_is_lost_behind_its_commit(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    refresh, registration = platforms._following.refresh, exchange(token_a)

    async def lost():
        raise ConnectionError

    platforms._following.refresh = lost
    await platforms.complete(planned.id, registration)
    platforms._following.refresh = refresh
    await platforms.latest()
    assert platforms.caller(registration.incoming_token) is not None
    assert platforms.caller(token_a) is None


@pytest.mark.obligation("CRED-047")
async def test_of_two_exchanges_with_one_token_exactly_one_wins(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    both = [exchange(token_a), exchange(token_a)]

    outcomes = await asyncio.gather(
        *(platforms.complete(planned.id, registration) for registration in both),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    working = [platforms.caller(registration.incoming_token) is not None for registration in both]
    assert working == [not isinstance(outcome, Conflict) for outcome in outcomes]


@pytest.mark.obligation("CRED-042")
async def test_roles_that_were_not_agreed_change_nothing(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    foreign = AgreedRole(EM1, Role.EMSP, "Somebody else")

    with pytest.raises(Conflict, match="did not agree"):
        await platforms.complete(planned.id, exchange(token_a, CPO, foreign))

    assert platforms.caller(token_a) is not None
    assert states(platforms) == {"DE-VWK CPO": PLANNED}


@pytest.mark.obligation("CRED-044", "CRED-020")
async def test_a_later_exchange_adds_and_drops_roles_and_voids_the_old_token(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    first = exchange(token_a, CPO)
    await platforms.complete(planned.id, first)

    second = exchange(first.incoming_token, EMSP)
    await platforms.complete(planned.id, second)

    assert states(platforms) == {"DE-VWK CPO": SUSPENDED, "DE-VWK EMSP": CONNECTED}
    assert platforms.caller(first.incoming_token) is None
    assert platforms.caller(second.incoming_token) is not None


@pytest.mark.obligation("CRED-023", "CRED-026", "CRED-027")
async def test_an_offered_token_lives_beside_the_current_one_until_the_exchange_ends(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    first = exchange(token_a)
    await platforms.complete(planned.id, first)

    withdrawn = await platforms.offer_token(planned.id)
    assert platforms.caller(withdrawn).kind is TokenKind.OFFERED
    await platforms.withdraw_offer(planned.id)
    assert platforms.caller(withdrawn) is None
    assert platforms.caller(first.incoming_token).kind is TokenKind.CURRENT

    offered = await platforms.offer_token(planned.id)
    await platforms.complete(planned.id, exchange(None, incoming=offered))
    assert platforms.caller(offered).kind is TokenKind.CURRENT
    assert platforms.caller(first.incoming_token) is None


async def test_an_offered_token_cannot_be_spent_on_an_exchange(platforms):
    planned, _ = await platforms.create("Voltwerk", [CPO], Quirks())
    offered = await platforms.offer_token(planned.id)

    with pytest.raises(Conflict, match="void"):
        await platforms.complete(planned.id, exchange(offered))


@pytest.mark.obligation("CRED-048")
async def test_a_fresh_token_a_replaces_the_older_one_and_voids_the_rest_when_used(platforms):
    planned, old = await platforms.create("Voltwerk", [CPO], Quirks())
    fresh = await platforms.issue_registration_token(planned.id)
    assert platforms.caller(old) is None
    first = exchange(fresh)
    await platforms.complete(planned.id, first)

    again = await platforms.issue_registration_token(planned.id)
    assert platforms.caller(first.incoming_token).kind is TokenKind.CURRENT
    assert (await platforms.report(planned.id)).has_registration_token
    await platforms.complete(planned.id, exchange(again))
    assert platforms.caller(first.incoming_token) is None
    assert platforms.caller(again) is None
    assert not (await platforms.report(planned.id)).has_registration_token


@pytest.mark.obligation("CRED-028", "HCI-009", "HCI-029")
async def test_the_end_forgets_tokens_and_keeps_the_parties_suspended(platforms, database):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    registration = exchange(token_a)
    await platforms.complete(planned.id, registration)

    platform = await platforms.end(planned.id)

    assert (platform.status, platform.registered) == (SUSPENDED, False)
    assert (platform.endpoints, platform.versions_url) == ((), None)
    assert states(platforms) == {"DE-VWK CPO": SUSPENDED, "DE-VWK EMSP": SUSPENDED}
    assert platforms.caller(registration.incoming_token) is None
    assert platforms.outgoing_token(planned.id) is None
    assert await database.value("select count(*) from token") == 0
    assert platforms.agreed(planned.id) == (CPO, EMSP)


@pytest.mark.obligation("HCI-006")
async def test_a_party_that_was_connected_is_never_planned_again(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(planned.id, exchange(token_a))
    await platforms.end(planned.id)
    await platforms.issue_registration_token(planned.id)
    await platforms.resume(planned.id)
    await platforms.change(planned.id, roles=[])
    await platforms.change(planned.id, roles=[CPO])

    assert states(platforms) == {"DE-VWK CPO": SUSPENDED}

    token = await platforms.issue_registration_token(planned.id)
    await platforms.complete(planned.id, exchange(token))
    assert states(platforms) == {"DE-VWK CPO": CONNECTED}


@pytest.mark.obligation("HCI-008", "HCI-034")
async def test_a_registered_platform_moves_between_connected_and_offline_as_a_whole(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    assert not await platforms.set_status(planned.id, OFFLINE)
    await platforms.complete(planned.id, exchange(token_a, CPO, EMSP))

    assert await platforms.set_status(planned.id, OFFLINE)
    assert not await platforms.set_status(planned.id, OFFLINE)
    assert states(platforms) == {"DE-VWK CPO": OFFLINE, "DE-VWK EMSP": OFFLINE}
    assert platforms.directory().platforms[planned.id].status is OFFLINE

    assert await platforms.set_status(planned.id, CONNECTED)
    assert states(platforms) == {"DE-VWK CPO": CONNECTED, "DE-VWK EMSP": CONNECTED}
    with pytest.raises(ValueError, match="PLANNED"):
        await platforms.set_status(planned.id, PLANNED)


async def test_a_suspended_platform_keeps_its_tokens_but_gets_in_with_none(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    registration = exchange(token_a)
    await platforms.complete(planned.id, registration)

    await platforms.suspend(planned.id)
    assert states(platforms) == {"DE-VWK CPO": SUSPENDED, "DE-VWK EMSP": SUSPENDED}
    assert platforms.caller(registration.incoming_token) is None
    assert not await platforms.set_status(planned.id, CONNECTED)
    with pytest.raises(Conflict, match="suspended"):
        await platforms.complete(planned.id, exchange(registration.incoming_token))

    await platforms.resume(planned.id)
    assert states(platforms) == {"DE-VWK CPO": CONNECTED, "DE-VWK EMSP": PLANNED}
    assert platforms.caller(registration.incoming_token) is not None


@pytest.mark.obligation("HCI-019")
async def test_last_updated_and_the_place_move_only_with_the_content(platforms, database):
    planned, token_a = await platforms.create("Voltwerk", [CPO, EMSP], Quirks())
    created = await places(database)
    registration = exchange(token_a, CPO)
    await platforms.complete(planned.id, registration)
    connected = await places(database)
    assert connected["EMSP"] == created["EMSP"]
    assert connected["CPO"][2:] == created["CPO"][:2]
    assert connected["CPO"][:2] > created["CPO"][:2]
    before = platforms.directory().platforms[planned.id].roles

    again = exchange(registration.incoming_token, CPO)
    await platforms.complete(planned.id, again)
    await platforms.set_status(planned.id, CONNECTED)
    await platforms.change(planned.id, name="Voltwerk AG", quirks={"catch_up": True})
    await platforms.issue_registration_token(planned.id)
    platforms.seen(planned.id)

    assert await places(database) == connected
    assert platforms.directory().platforms[planned.id].roles == before

    await platforms.set_status(planned.id, OFFLINE)
    after = platforms.directory().platforms[planned.id].roles
    assert after[0].last_updated > before[0].last_updated
    assert after[1] == before[1]


async def test_the_operator_changes_name_roles_and_quirks(platforms):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(planned.id, exchange(token_a))

    changed = await platforms.change(
        planned.id, name="Voltwerk AG", roles=[EMSP], quirks={"deadline_s": 5.0, "rate_per_s": 7}
    )

    assert changed.name == "Voltwerk AG"
    assert changed.quirks == Quirks(deadline_s=5.0, rate_per_s=7)
    assert platforms.agreed(planned.id) == (EMSP,)
    assert states(platforms) == {"DE-VWK CPO": SUSPENDED, "DE-VWK EMSP": PLANNED}


async def test_a_party_moves_to_another_platform_once_the_first_gave_it_up(platforms):
    first, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(first.id, exchange(token_a))
    await platforms.end(first.id)
    with pytest.raises(Conflict):
        await platforms.create("New home", [CPO], Quirks())
    await platforms.change(first.id, roles=[])

    second, token = await platforms.create("New home", [CPO], Quirks())
    assert states(platforms) == {"DE-VWK CPO": SUSPENDED}
    await platforms.complete(second.id, exchange(token))

    assert states(platforms) == {"DE-VWK CPO": CONNECTED}
    assert [found.id for found in platforms.directory().hosting(VWK)] == [second.id]


async def test_what_does_not_exist_is_unknown(platforms):
    ghost = PlatformId("ghost")
    for call in (
        platforms.report(ghost),
        platforms.change(ghost, name="x"),
        platforms.issue_registration_token(ghost),
        platforms.complete(ghost, exchange(None)),
        platforms.end(ghost),
        platforms.suspend(ghost),
    ):
        with pytest.raises(Unknown, match="ghost"):
            await call
    assert not await platforms.set_status(ghost, OFFLINE)


async def test_another_process_follows_every_change(platforms, database, until):
    elsewhere = await PostgresPlatforms.open(database, RING, HUB)
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await until(lambda: elsewhere.caller(token_a) is not None)
    registration = exchange(token_a)
    await platforms.complete(planned.id, registration)
    await until(lambda: elsewhere.caller(registration.incoming_token) is not None)
    assert elsewhere.directory() == platforms.directory()
    assert elsewhere.directory().number > 1
    assert elsewhere.outgoing_token(planned.id) == "outgoing-of-voltwerk"
    await elsewhere.close()


async def test_a_process_follows_without_any_notification(platforms, database, until):
    planned, _ = await platforms.create("Voltwerk", [CPO], Quirks())
    await database.execute("update platform set name = 'Silent' where id = $1", planned.id)
    await database.execute("update version set number = number + 1 where subject = 'directory'")

    await until(lambda: platforms.directory().platforms[planned.id].name == "Silent")


async def test_what_another_process_issued_is_known_at_once_to_who_asks(platforms, database):
    elsewhere = await PostgresPlatforms.open(database, RING, HUB)
    await elsewhere._following._tasks.close()  # it hears of nothing any more
    tokens = [(await platforms.create(f"P{number}", [], Quirks()))[1] for number in range(3)]
    assert [elsewhere.caller(token) for token in tokens] == [None] * 3

    await asyncio.gather(*(elsewhere.latest() for _ in range(20)))

    assert None not in [elsewhere.caller(token) for token in tokens]
    await elsewhere.close()


async def test_who_asks_while_the_database_is_away_is_not_kept_waiting(platforms, monkeypatch):
    monkeypatch.setattr("ocpi_hub.storage.following.LATEST_S", 0.05)
    _, token = await platforms.create("Voltwerk", [CPO], Quirks())
    async with AsyncExitStack() as stack:
        for _ in range(4):  # all connections are busy
            await stack.enter_async_context(platforms._database.acquire())
        await asyncio.gather(platforms.latest(), platforms.latest())
    assert platforms.caller(token) is not None


@pytest.mark.obligation("HCI-023")
async def test_signs_of_life_are_shared_between_processes(platforms, database):
    planned, _ = await platforms.create("Voltwerk", [CPO], Quirks())
    elsewhere = await PostgresPlatforms.open(database, RING, HUB)
    assert platforms.last_seen(planned.id) is None

    platforms.seen(planned.id)
    noted = platforms.last_seen(planned.id)
    await platforms._seen.flush()
    await elsewhere._seen.flush()

    assert noted is not None
    shared = elsewhere.last_seen(planned.id)
    assert abs((shared - noted).total_seconds()) < 1
    assert (await elsewhere.report(planned.id)).last_seen == shared
    await elsewhere.close()


async def test_outgoing_tokens_are_sealed_again_with_a_newer_key(platforms, database):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(planned.id, exchange(token_a))

    both = KeyRing([b"n" * 32, b"k" * 32])
    await (await PostgresPlatforms.open(database, both, HUB)).close()
    newest = await PostgresPlatforms.open(database, KeyRing([b"n" * 32]), HUB)

    assert newest.outgoing_token(planned.id) == "outgoing-of-voltwerk"
    await newest.close()
    stranger = await PostgresPlatforms.open(database, KeyRing([b"z" * 32]), HUB)
    assert stranger.outgoing_token(planned.id) is None
    await stranger.close()


async def test_a_sealed_token_moved_to_another_platform_does_not_open(platforms, database):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(planned.id, exchange(token_a))
    other, token = await platforms.create("Other", [EMSP], Quirks())
    await platforms.complete(other.id, exchange(token, EMSP))
    await database.execute(
        "update platform set outgoing_token = (select outgoing_token from platform where id = $1)"
        " where id = $2",
        planned.id,
        other.id,
    )

    opened = await PostgresPlatforms.open(database, RING, HUB)
    assert opened.outgoing_token(planned.id) == "outgoing-of-voltwerk"
    assert opened.outgoing_token(other.id) is None
    await opened.close()


async def test_a_registered_platform_receives_from_the_moment_of_its_registration(
    platforms, database
):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    await platforms.complete(planned.id, exchange(token_a))
    started = await database.row("select x, seq from receiver where platform = $1", planned.id)
    assert started is not None

    await platforms.complete(planned.id, exchange(None))
    assert await database.row("select x, seq from receiver") == started
    await platforms.end(planned.id)
    assert await database.value("select count(*) from receiver") == 0


@pytest.mark.obligation("CRED-033")
async def test_no_token_stands_in_the_database(platforms, database, database_url, postgres):
    planned, token_a = await platforms.create("Voltwerk", [CPO], Quirks())
    registration = exchange(token_a)
    await platforms.complete(planned.id, registration)
    secrets = [
        token_a,
        registration.incoming_token,
        registration.outgoing_token,
        await platforms.offer_token(planned.id),
        await platforms.issue_registration_token(planned.id),
    ]

    process = await asyncio.create_subprocess_exec(
        postgres.bin / "pg_dump", database_url, stdout=asyncio.subprocess.PIPE
    )
    dump, _ = await process.communicate()

    assert process.returncode == 0
    assert digest(registration.incoming_token).hex().encode() in dump
    for secret in secrets:
        assert secret.encode() not in dump
        assert secret.encode().hex().encode() not in dump
