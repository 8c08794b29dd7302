"""Lists: `{"items": [...], "next": CURSOR|null}`, walked by an opaque cursor."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field

from ocpi_hub.admin.door import Question
from ocpi_hub.admin.problem import invalid

LIMIT = 50
MOST = 200
_VERSION = "1:"
_MOST_ROW = 2**63 - 1  # bigint

Item = TypeVar("Item")


def printable(text: str) -> str:
    """Text that a person can read: no control characters, no NUL, no lone surrogates."""
    if not text.isprintable():
        raise ValueError("must consist of printable characters")
    return text


def _in_utc(moment: datetime) -> datetime:
    """The first and the last day have hours that are in no year of UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from None


Text = Annotated[str, Field(max_length=255), AfterValidator(printable)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Listing(Question):
    cursor: Annotated[str, Field(max_length=1024)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = LIMIT


def seal(place: str) -> str:
    """A cursor for a place in a list; clients hand it back as it is."""
    return base64.urlsafe_b64encode((_VERSION + place).encode()).decode().rstrip("=")


def place(cursor: str | None) -> str | None:
    """The place that a cursor stands for; raises Problem 400 for one that we did not make."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    if not text.startswith(_VERSION) or seal(text.removeprefix(_VERSION)) != cursor:
        raise invalid("cursor", "must be the `next` of an earlier answer")
    return text.removeprefix(_VERSION)


def row_number(text: str | None) -> int | None:
    """A cursor's place as a row number; raises Problem 400."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _MOST_ROW):  # noqa: PLR2004 - digits of a bigint
        raise invalid("cursor", "must be the `next` of this list")
    return int(text)


def page(
    found: Sequence[Item],
    limit: int,
    view: Callable[[Item], Mapping[str, Any]],
    mark: Callable[[Item], str],
) -> dict[str, Any]:
    """The answer, from up to `limit + 1` items found: one more tells that the list goes on."""
    shown = found[:limit]
    more = len(found) > limit
    return {
        "items": [view(item) for item in shown],
        "next": seal(mark(shown[-1])) if more else None,
    }
