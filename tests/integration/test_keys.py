"""API keys on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.platforms import Unknown
from ocpi_hub.storage.database import Database
from ocpi_hub.storage.keys import PostgresKeys

NAV = frozenset({Scope.NAV_READ, Scope.NAV_STREAM})
BOOTSTRAP = "first-key-of-the-operator"


@pytest.fixture
async def keys(database: Database) -> AsyncIterator[PostgresKeys]:
    opened = await PostgresKeys.open(database, BOOTSTRAP)
    yield opened
    await opened.close()


async def test_a_key_opens_with_its_secret_and_allows_its_scopes(keys):
    key, secret = await keys.create("car maker", NAV, None)

    assert secret.startswith("ohk_")
    assert keys.lookup(secret) == key
    assert (key.name, key.scopes, key.expires_at) == ("car maker", NAV, None)
    assert key.allows(Scope.NAV_READ)
    assert not key.allows(Scope.PLATFORMS_READ)
    assert keys.lookup(secret[:-1]) is None
    assert keys.lookup("") is None


async def test_an_expired_key_opens_nothing(keys):
    now = datetime.now(UTC)
    _, expired = await keys.create("old", NAV, now - timedelta(seconds=1))
    fresh, secret = await keys.create("new", NAV, now + timedelta(hours=1))

    assert keys.lookup(expired) is None
    assert keys.lookup(secret) == fresh


async def test_a_deleted_key_opens_nothing_here_and_elsewhere(keys, database, until):
    elsewhere = await PostgresKeys.open(database)
    key, secret = await keys.create("car maker", NAV, None)
    await until(lambda: elsewhere.lookup(secret) is not None)

    await keys.delete(key.id)

    assert keys.lookup(secret) is None
    await until(lambda: elsewhere.lookup(secret) is None)
    with pytest.raises(Unknown, match=key.id):
        await keys.delete(key.id)
    await elsewhere.close()


async def test_keys_are_listed_in_order_of_creation_page_by_page(keys):
    made = [(await keys.create(f"key {number}", NAV, None))[0] for number in range(5)]

    assert await keys.list(None, 2) == made[:2]
    assert await keys.list(made[1].id, 10) == made[2:]
    assert await keys.list(made[4].id, 10) == []


async def test_the_bootstrap_key_has_all_scopes_and_is_never_stored(keys, psql):
    key = keys.lookup(BOOTSTRAP)

    assert key is not None
    assert all(key.allows(scope) for scope in Scope)
    assert await keys.list(None, 10) == []


async def test_without_a_bootstrap_key_the_empty_secret_opens_nothing(database):
    keys = await PostgresKeys.open(database, "")
    assert keys.lookup("") is None
    await keys.close()


async def test_only_the_digest_of_a_key_is_kept(keys, database):
    _, secret = await keys.create("car maker", NAV, None)
    row = str(dict(await database.row("select * from api_key")))
    assert secret not in row
    assert secret.removeprefix("ohk_") not in row
