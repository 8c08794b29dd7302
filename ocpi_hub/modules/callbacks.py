"""Results that come later: the partner's `response_url` and the hub's stand-in for it.

Whoever does what was asked has no credentials at the requester, so it is given an address of the
hub (ROUT-601). What that address stands for is durable before the request goes on, serves more
than once (ROUT-605), and ends after its time. `storage` implements `Callbacks`.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError
from ocpi_hub.routing.directory import PlatformId

MEMBER: Final = "response_url"
LONGEST_URL: Final = 255  # types: URL, string(255)
MARGIN: Final = timedelta(hours=24)
_LONGEST: Final = timedelta(days=400)  # whatever a partner announces
_DURATION = re.compile(r"duration=")


@dataclass(frozen=True, slots=True)
class Callback:
    """What a stand-in means: whose result may come, and where it goes.

    `command` is START_SESSION and so on; of charging profiles it is the method of the request.
    """

    uid: str
    response_url: str
    module: str
    command: str
    requester: PartyRef
    requester_platform: PlatformId
    target: PartyRef
    target_platform: PlatformId
    correlation_id: str
    expires: datetime


class Callbacks(Protocol):
    async def keep(self, callback: Callback) -> None:
        """Store durably; raises OcpiError (SERVER_ERROR) when that is not possible."""

    async def find(self, uid: str) -> Callback | None:
        """Also one that expired a while ago: `expires` tells."""

    async def prolong(self, uid: str, until: datetime) -> None:
        """Keep it until then at least; never fails, since the request was passed on already."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A response_url, and where its value stands in the text that was received."""

    url: str
    start: int
    end: int


def in_body(body: bytes, value: Any) -> Spot:
    """The response_url of a body; `value` is what it says. InvalidParameter without one."""
    url = value.get(MEMBER) if isinstance(value, dict) else None
    if not isinstance(url, str):
        raise InvalidParameter(f"{MEMBER}: required, a URL")
    return Spot(url, *codec.spans(body)[MEMBER])


def in_query(query: str) -> Spot:
    """The response_url of a query, encoded or not (ROUT-612).

    One that shows `?` and `=` is not encoded: what follows belongs to it, but for `duration`.
    """
    pieces = query.split("&")
    places = [place for place, piece in enumerate(pieces) if _name(piece) == MEMBER]
    if len(places) != 1:
        raise InvalidParameter(f"{MEMBER}: required in the query, once")
    place = places[0]
    name, _, value = pieces[place].partition("=")
    start = sum(len(piece) + 1 for piece in pieces[:place]) + len(name) + 1
    if "=" not in value.partition("?")[2]:
        return Spot(unquote(value), start, start + len(value))
    for piece in pieces[place + 1 :]:
        if _DURATION.match(piece):
            break
        value += f"&{piece}"
    return Spot(value, start, start + len(value))


def body_with(body: bytes, spot: Spot, url: str) -> bytes:
    """The body with another response_url; all other bytes stay."""
    return body[: spot.start] + codec.encode(url) + body[spot.end :]


def query_with(query: str, spot: Spot, url: str) -> str:
    """The query with another response_url, encoded; all else stays."""
    return query[: spot.start] + quote(url, safe="") + query[spot.end :]


def lifetime(value: Any, now: datetime) -> datetime:
    """Until when results may come: a reservation may be cancelled until it ends (CMD-018)."""
    try:
        until = parse_datetime(value["expiry_date"])
    except (LookupError, TypeError, ValueError):
        until = now
    return min(max(until, now), now + _LONGEST) + MARGIN


def announced(answer: bytes, now: datetime) -> datetime:
    """The same by the time-out in a CommandResponse or ChargingProfileResponse (CMD-049)."""
    try:
        seconds = codec.decode(answer)["data"]["timeout"]
    except (OcpiError, LookupError, TypeError):
        seconds = None
    if not isinstance(seconds, int) or not 0 <= seconds < _LONGEST.total_seconds():
        return now
    return now + timedelta(seconds=seconds) + MARGIN


def _name(piece: str) -> str:
    return unquote(piece.partition("=")[0])
