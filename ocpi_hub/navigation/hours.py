"""Whether a station is open: opening times in local time, as compact tuples.

Source: OCPI 2.2.1 Hours, RegularHours, ExceptionalPeriod. Exceptional closings win over
everything, exceptional openings over regular hours.
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

_DAY = 24 * 60


class Hours(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`regular`: weekday 1-7, begin and end in minutes of the local day; periods in UTC seconds."""

    always: bool
    regular: tuple[tuple[int, int, int], ...] = ()
    openings: tuple[tuple[float, float], ...] = ()
    closings: tuple[tuple[float, float], ...] = ()


def minutes(text: str) -> int | None:
    """Minutes since midnight of `HH:MM`; None when it is no time of day (24:00 is one)."""
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal()):
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= _DAY else None  # noqa: PLR2004 - minutes an hour


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # unknown, a folder, or a path that leads outside
        return None


def is_open(hours: Hours, time_zone: str, at: float) -> bool | None:
    """Whether the station is open at `at` (UTC seconds); None when it cannot be told."""
    if _within(hours.closings, at):
        return False
    if hours.always or _within(hours.openings, at):
        return True
    zone = _zone(time_zone)
    if zone is None or not hours.regular:
        return None
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    minute, today = local.hour * 60 + local.minute, local.isoweekday()
    yesterday = (today - 2) % 7 + 1
    return any(
        _covers(begin, end, minute, same_day=day == today, day_after=day == yesterday)
        for day, begin, end in hours.regular
    )


def _covers(begin: int, end: int, minute: int, *, same_day: bool, day_after: bool) -> bool:
    """A period that ends before it begins runs past midnight, although the text forbids it."""
    if end > begin:
        return same_day and begin <= minute < end
    return (same_day and minute >= begin) or (day_after and minute < end)


def _within(periods: tuple[tuple[float, float], ...], at: float) -> bool:
    return any(begin <= at < end for begin, end in periods)
