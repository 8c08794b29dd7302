"""A list that others fetch: a window of time over `last_updated`, and pages of it.

Cpo and eMSP serve every list of theirs by this: locations, tariffs, sessions, CDRs, tokens.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi import codec, message, paging
from ocpi_hub.ocpi.primitives import parse_datetime
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply

LONGEST_PAGE = 100

Object = dict[str, Any]


def page(objects: Iterable[Object], received: Received, url: str) -> Reply:
    """The page that the query asks for (PAG-003 to PAG-009); `url` is that of the list.

    Raises InvalidParameter for a query that cannot be read.
    """
    query = paging.read_query(received.query)
    found = [each for each in objects if within(each, query.date_from, query.date_to)]
    limit = min(query.limit or LONGEST_PAGE, LONGEST_PAGE)
    end = query.offset + limit
    headers = {message.TOTAL_COUNT: str(len(found)), message.LIMIT: str(LONGEST_PAGE)}
    if end < len(found):
        params = list(received.query.items())
        headers[message.LINK] = paging.next_link(url, params, end, limit)
    return Reply(codec.encode(found[query.offset : end]), headers=headers)


def within(held: Object, start: datetime | None, end: datetime | None) -> bool:
    """`start` inclusive, `end` exclusive."""
    moment = parse_datetime(held["last_updated"])
    return (start is None or moment >= start) and (end is None or moment < end)
