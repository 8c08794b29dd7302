"""Windows and pages of list requests, and the Link to the next page.

Source: OCPI 2.2.1, transport_and_format.asciidoc: Pagination.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from ocpi_hub.ocpi.primitives import parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter

_COUNT = re.compile(r"[0-9]{1,12}")
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for; `date_from` inclusive, `date_to` exclusive, aware UTC."""

    date_from: datetime | None
    date_to: datetime | None
    offset: int
    limit: int | None


def read_query(params: Mapping[str, str]) -> Query:
    """The paging parameters of a query; InvalidParameter names the bad one (PAG-017, PAG-019)."""
    return Query(
        date_from=_moment(params, "date_from"),
        date_to=_moment(params, "date_to"),
        offset=_count(params, "offset", least=0) or 0,
        limit=_count(params, "limit", least=1),
    )


def _once(params: Mapping[str, str], name: str) -> str | None:
    """A parameter's value; a query may name it twice, and then nobody knows which was meant."""
    values = [value for key, value in params.items() if key == name]
    if len(values) > 1:
        raise InvalidParameter(f"{name}: given more than once (PAG-017)")
    return values[0] if values else None


def _moment(params: Mapping[str, str], name: str) -> datetime | None:
    text = _once(params, name)
    if text is None:
        return None
    try:
        return parse_datetime(text)
    except ValueError as error:
        raise InvalidParameter(f"{name}: {error} (PAG-017)") from None


def _count(params: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = _once(params, name)
    if text is None:
        return None
    if not _COUNT.fullmatch(text) or int(text) < least:
        raise InvalidParameter(f"{name}: a whole number from {least} is expected (PAG-017)")
    return int(text)


def next_link(url: str, params: Sequence[tuple[str, str]], offset: int, limit: int) -> str:
    """The Link header to the page at `offset`, filters kept (PAG-008, PAG-009)."""
    kept = [(name, value) for name, value in params if name not in ("offset", "limit")]
    query = urlencode([*kept, ("offset", offset), ("limit", limit)], errors="replace")
    return f'<{url}{"&" if "?" in url else "?"}{query}>; rel="next"'


def next_url(link_header: str | None) -> str | None:
    """The address of the next page; None when there is none or the header cannot be read."""
    for url, parameters in _LINK.findall(link_header or ""):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return url.strip() or None
    return None
