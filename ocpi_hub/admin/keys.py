"""Keys: made and deleted within the scopes of who does it, shown once, listed without secret."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from ocpi_hub.admin import pages
from ocpi_hub.admin.door import Ask, Door, Nothing, Question, Reply, Row
from ocpi_hub.admin.platforms import Name
from ocpi_hub.admin.problem import Problem, invalid
from ocpi_hub.modules.keys import Key, Scope


class NewKey(Question):
    name: Name
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    expires_at: pages.Moment | None = None


async def create(door: Door, ask: Ask[NewKey]) -> Reply:
    asked = ask.question
    _check_scopes(ask.actor, asked.scopes, "give")
    _check_expiry(asked.expires_at, door.now())
    key, secret = await door.keys.create(asked.name, asked.scopes, asked.expires_at)
    return Reply({"id": key.id, "key": secret}, key.id, asked.model_dump(mode="json"))


async def listing(door: Door, ask: Ask[pages.Listing]) -> Reply:
    after, limit = pages.place(ask.question.cursor), ask.question.limit
    if after is not None and _key_id(after) is None:
        raise invalid("cursor", "must be the `next` of this list")
    found = await door.keys.list(after, limit + 1)
    return Reply(pages.page(found, limit, view, lambda key: key.id))


async def one(door: Door, ask: Ask[Nothing]) -> Reply:
    return Reply(view(await door.keys.one(_known(ask.id))))


async def remove(door: Door, ask: Ask[Nothing]) -> Reply:
    key_id = _known(ask.id)
    _check_scopes(ask.actor, (await door.keys.one(key_id)).scopes, "delete a key with")
    await door.keys.delete(key_id)
    return Reply(None, key_id)


def view(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def _check_scopes(actor: Key, scopes: frozenset[Scope], what: str) -> None:
    """Nobody gives what they do not have, or takes it from others."""
    if beyond := sorted(scope for scope in scopes if not actor.allows(scope)):
        raise Problem(403, f"a key cannot {what} scopes that it lacks: {', '.join(beyond)}")


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_at", "must lie in the future")


def _known(text: str) -> str:
    """An id that may be one, in its canonical spelling; raises Problem 404."""
    key_id = _key_id(text)
    if key_id is None:
        raise Problem(404, "there is no key with this id")
    return key_id


def _key_id(text: str) -> str | None:
    """The id in its canonical spelling, None when it cannot be one."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


ROWS = (
    Row("POST", "/keys", Scope.KEYS_WRITE, create, NewKey, 201, "key:created"),
    Row("GET", "/keys", Scope.KEYS_WRITE, listing, pages.Listing),
    Row("GET", "/keys/{id}", Scope.KEYS_WRITE, one),
    Row("DELETE", "/keys/{id}", Scope.KEYS_WRITE, remove, status=204, action="key:deleted"),
)
