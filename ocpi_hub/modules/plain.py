"""What a push does to an object of one piece that the hub holds: a Tariff, a Token. Pure.

PUT replaces and PATCH merges (TR-037, TR-038). DELETE leaves a mark without a body that stays on
the line, so that all who got the object get the deletion; a later PUT brings the object back. A
push older than what is held changes nothing and takes no place on the line (ROUT-222); neither
does one that says what is held already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ocpi_hub.modules.holding import Writing, older, says_the_same, text_of
from ocpi_hub.modules.line import ObjectKey
from ocpi_hub.modules.stamp import stamp
from ocpi_hub.modules.store import Push, Written
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import NoSuchResource, Status

_UNKNOWN: Mapping[str, Status] = {"tokens": Status.UNKNOWN_TOKEN}  # TR-040


@dataclass(slots=True)
class Plain:
    """`body` is None for an object that is unknown or deleted; `last_updated` is its last stamp."""

    key: ObjectKey
    body: bytes | None = None
    last_updated: str | None = None
    writing: Writing | None = None


def apply(held: Plain, push: Push) -> Written:
    """Change `held` as the push says; on an error it stays as it was.

    Raises NoSuchResource for a PATCH or DELETE of something unknown (TR-040, TAR-017).
    """
    return _ACTIONS[push.message.method](held, push)


def unknown(module: str, what: str) -> NoSuchResource:
    """The answer for an object that the hub does not hold."""
    return NoSuchResource(f"the hub holds no {what}", _UNKNOWN.get(module, Status.CLIENT_ERROR))


def _put(held: Plain, push: Push) -> Written:
    body, since = push.message.body, held.last_updated
    if since is not None and older(push, since):
        return Written.STALE
    if held.body is not None and since is not None and says_the_same(held.body, since, push, body):
        return Written.UNCHANGED
    written = Written.CREATED if held.body is None else Written.UPDATED
    _replace(held, push, body)
    return written


def _patch(held: Plain, push: Push) -> Written:
    if held.body is None or held.last_updated is None:
        raise _not_held(push)
    if older(push, held.last_updated):
        return Written.STALE
    merged = codec.merge(held.body, push.message.body)
    if merged == held.body:
        return Written.UNCHANGED
    _replace(held, push, merged)
    return Written.UPDATED


def _delete(held: Plain, push: Push) -> Written:
    if held.body is None:
        raise _not_held(push)
    held.body, held.writing = None, _again(held, push)
    return Written.UPDATED


def _replace(held: Plain, push: Push, body: bytes) -> None:
    held.last_updated = stamp(text_of(codec.members(body), "last_updated"))
    held.body, held.writing = body, _again(held, push)


def _again(held: Plain, push: Push) -> Writing:
    return Writing(push, held.writing.times + 1 if held.writing is not None else 1)


def _not_held(push: Push) -> NoSuchResource:
    return unknown(push.module, f"{'/'.join(push.ids)} of {push.owner} in {push.module}")


_ACTIONS: Mapping[str, Callable[[Plain, Push], Written]] = {
    "PUT": _put,
    "PATCH": _patch,
    "DELETE": _delete,
}
