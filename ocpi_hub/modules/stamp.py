"""An OCPI DateTime as text that sorts: the received spelling is kept, nothing is written again.

`2015-06-29T22:39:09.5Z` is kept as `2015-06-29T22:39:09.5 Z`: a blank sorts before the point and
before digits, so that plain comparison of these texts is comparison of the times (TYP-012).
"""

from datetime import UTC, datetime, timedelta

from ocpi_hub.ocpi.primitives import parse_datetime

AHEAD = timedelta(days=1)  # clocks are off by hours at most (time zones), not by a day
EARLIEST = ""
LATEST = "~"


def stamp(text: str) -> str:
    """The sortable spelling of a valid DateTime text."""
    return text.replace("Z", " Z")


def spelled(stamp: str) -> str:
    """The text as it was received."""
    return stamp.replace(" ", "")


def moment(stamp: str) -> datetime:
    return parse_datetime(spelled(stamp))


def bound(at: datetime) -> str:
    """A stamp is >= this bound if and only if its time is at or after `at`."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return text.rstrip("0") if "." in text else text
