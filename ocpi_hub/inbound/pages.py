"""The headers of a list that the hub answers itself."""

from collections.abc import Sequence

from ocpi_hub.ocpi import message, paging


def paged(
    url: str, params: Sequence[tuple[str, str]], offset: int, limit: int, total: int
) -> dict[str, str]:
    """X-Total-Count, X-Limit, and the Link to the next page unless this is the last one."""
    headers = {message.TOTAL_COUNT: str(total), message.LIMIT: str(limit)}
    if offset + limit < total:
        headers[message.LINK] = paging.next_link(url, params, offset + limit, limit)
    return headers
