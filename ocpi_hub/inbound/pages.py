"""Lists that the hub answers itself: what a query asks for, and the headers of a page.

Crawlers ask for the same pages again and again, so both are remembered.
"""

from functools import lru_cache
from urllib.parse import parse_qsl

from multidict import MultiDict

from ocpi_hub.ocpi import message, paging

Params = tuple[tuple[str, str], ...]


@lru_cache(1024)
def asked(query: str) -> tuple[paging.Query, Params]:
    """What a raw query asks for, and all its parameters; raises as `paging.read_query`."""
    params = tuple(parse_qsl(query, keep_blank_values=True))
    return paging.read_query(MultiDict(params)), params


@lru_cache(1024)
def paged(
    url: str, params: Params, behind: int, limit: int, total: int, *, most: int
) -> dict[str, str]:
    """X-Total-Count, X-Limit, and the Link to the next page unless this is the last one.

    `behind`: the offset behind the last object of this page (a heavy page holds less than `limit`).

    X-Limit is what a page can hold at `most`, whatever `limit` was asked for (PAG-011, PAG-012).
    The headers are shared: they are not to be changed.
    """
    headers = {message.TOTAL_COUNT: str(total), message.LIMIT: str(most)}
    if behind < total:
        headers[message.LINK] = paging.next_link(url, params, behind, limit)
    return headers
