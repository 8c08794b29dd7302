"""The list of a Sender interface: a window over last_updated, a page of it, where it goes on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi import codec, message, paging
from ocpi_hub.ocpi.primitives import parse_datetime
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply

PAGE = 100  # objects that a page has at most


def page(objects: Iterable[dict[str, Any]], received: Received, url: str) -> Reply:
    """What a list request asks for; `url` is the address of the list, for the Link.

    Raises InvalidParameter for bad parameters (PAG-017).
    """
    query = paging.read_query(received.query)
    matching = [each for each in objects if within(each, query.date_from, query.date_to)]
    limit = min(query.limit or PAGE, PAGE)
    end = query.offset + limit
    headers = {message.TOTAL_COUNT: str(len(matching)), message.LIMIT: str(PAGE)}
    if end < len(matching):
        params = list(received.query.items())
        headers[message.LINK] = paging.next_link(url, params, end, limit)
    return Reply(codec.encode(matching[query.offset : end]), headers=headers)


def within(held: dict[str, Any], start: datetime | None, end: datetime | None) -> bool:
    """Whether last_updated is in the window: from `start` on, before `end`."""
    moment = parse_datetime(held["last_updated"])
    return (start is None or moment >= start) and (end is None or moment < end)
