"""The headers of a list that the hub answers itself."""

from collections.abc import Sequence

from ocpi_hub.ocpi import message, paging


def paged(
    url: str, params: Sequence[tuple[str, str]], offset: int, limit: int, total: int, *, most: int
) -> dict[str, str]:
    """X-Total-Count, X-Limit, and the Link to the next page unless this is the last one.

    X-Limit is what a page can hold at `most`, whatever `limit` was asked for (PAG-011, PAG-012).
    """
    headers = {message.TOTAL_COUNT: str(total), message.LIMIT: str(most)}
    if offset + limit < total:
        headers[message.LINK] = paging.next_link(url, params, offset + limit, limit)
    return headers
