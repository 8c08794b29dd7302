"""What happened: the journal of messages and the audit log, newest first, read only."""

from typing import Annotated, Any

from pydantic import Field

from ocpi_hub.admin import pages
from ocpi_hub.admin.door import Ask, Door, Nothing, Reply, Row
from ocpi_hub.admin.pages import Moment, Text
from ocpi_hub.admin.problem import Problem
from ocpi_hub.modules.journal import Direction, StoredHop
from ocpi_hub.modules.keys import AuditEntry, Scope
from ocpi_hub.ops.logging import mask

Party = Annotated[str, Field(pattern=r"^[A-Za-z]{2}-[A-Za-z0-9]{3}$")]


class MessageListing(pages.Listing):
    """Filters narrow; a row must match all that are given. `since` is inclusive, `until` is not."""

    correlation_id: Text | None = None
    request_id: Text | None = None
    route: Text | None = None
    mode: Text | None = None
    direction: Direction | None = None
    platform: Text | None = None
    sender: Party | None = None
    receiver: Party | None = None
    http: Annotated[int, Field(ge=100, le=599)] | None = None
    code: Annotated[int, Field(ge=1000, le=9999)] | None = None
    outcome: Text | None = None
    since: Moment | None = None
    until: Moment | None = None


class AuditListing(pages.Listing):
    actor: Text | None = None
    action: Text | None = None
    target: Text | None = None


async def messages(door: Door, ask: Ask[MessageListing]) -> Reply:
    before, limit = _before(ask.question), ask.question.limit
    try:
        found = await door.messages.search(_filters(ask.question), before, limit + 1)
    except ValueError as error:
        raise Problem(400, str(error)) from None
    return Reply(pages.page(found, limit, _hop, lambda stored: str(stored.id)))


async def message(door: Door, ask: Ask[Nothing]) -> Reply:
    try:
        number = pages.row_number(ask.id)
    except Problem:
        number = None
    if number is None:
        raise Problem(404, "there is no message with this id")
    stored = await door.messages.one(number)
    bodies = {
        "request_body": _body(stored.hop.request_body),
        "response_body": _body(stored.hop.response_body),
    }
    return Reply(_hop(stored) | bodies)


async def audit(door: Door, ask: Ask[AuditListing]) -> Reply:
    before, limit = _before(ask.question), ask.question.limit
    found = await door.audit.list(before, limit + 1, _filters(ask.question))
    return Reply(pages.page(found, limit, _entry, lambda entry: str(entry.id)))


def _before(asked: pages.Listing) -> int | None:
    return pages.row_number(pages.place(asked.cursor))


def _filters(asked: pages.Listing) -> dict[str, str]:
    """The filters that are given, as text; times in ISO 8601."""
    given = asked.model_dump(mode="json", exclude_none=True, exclude={"cursor", "limit"})
    return {name: str(value) for name, value in given.items()}


def _hop(stored: StoredHop) -> dict[str, Any]:
    hop = stored.hop
    return {
        "id": stored.id,
        "at": hop.at,
        "direction": hop.direction,
        "platform": hop.platform,
        "route": hop.route,
        "mode": hop.mode,
        "method": hop.method,
        "url": mask(hop.url),
        "request_id": hop.request_id,
        "correlation_id": hop.correlation_id,
        "sender": str(hop.sender) if hop.sender else None,
        "receiver": str(hop.receiver) if hop.receiver else None,
        "http": hop.http,
        "code": hop.code,
        "outcome": hop.outcome,
        "duration_ms": hop.duration_ms,
        "findings": hop.findings,
    }


def _body(body: bytes) -> str:
    """A body as text. The journal masks what it keeps; masked again, lest one slip through."""
    return mask(body.decode(errors="replace"))


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "target": entry.target,
        "details": entry.details,
    }


ROWS = (
    Row("GET", "/messages", Scope.MESSAGES_READ, messages, MessageListing),
    Row("GET", "/messages/{id}", Scope.MESSAGES_READ, message),
    Row("GET", "/audit", Scope.AUDIT_READ, audit, AuditListing),
)
