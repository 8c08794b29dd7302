"""Around the payload: the envelope of answers, routing headers, message ids.

Source: OCPI 2.2.1, transport_and_format.asciidoc.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeGuard

import msgspec

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, format_datetime
from ocpi_hub.ocpi.status import InvalidParameter, Status

AUTHORIZATION = "Authorization"
TO_COUNTRY = "OCPI-to-country-code"
TO_PARTY = "OCPI-to-party-id"
FROM_COUNTRY = "OCPI-from-country-code"
FROM_PARTY = "OCPI-from-party-id"
ROUTING = tuple(name.lower() for name in (TO_COUNTRY, TO_PARTY, FROM_COUNTRY, FROM_PARTY))
REQUEST_ID = "X-Request-ID"
CORRELATION_ID = "X-Correlation-ID"
LINK = "Link"
LOCATION = "Location"
TOTAL_COUNT = "X-Total-Count"
LIMIT = "X-Limit"
CONTENT_TYPE = "Content-Type"
JSON = "application/json"

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_PARTY = re.compile(r"[A-Za-z0-9]{3}")
_LONGEST_ID = 64
_REQUEST_ID, _CORRELATION_ID = REQUEST_ID.lower(), CORRELATION_ID.lower()


def envelope(
    at: datetime,
    *,
    data: bytes | None = None,
    code: int = Status.SUCCESS,
    message: str | None = None,
) -> bytes:
    """An answer's body; `data` is JSON already and stays as it is (TR-060, TR-062).

    A message may repeat what came in a header, which need not be UTF-8.
    """
    told = b"" if message is None else b'"status_message":%b,' % codec.encode(_sayable(message))
    rest = b'"status_code":%d,%b"timestamp":"%b"}' % (code, told, format_datetime(at).encode())
    return b"{" + rest if data is None else b"".join((b'{"data":', data, b",", rest))


def _sayable(text: str) -> str:
    return text.encode(errors="replace").decode()


class _Answer(msgspec.Struct):
    status_code: int


_ANSWER = msgspec.json.Decoder(_Answer)


def status_of(body: bytes) -> int | None:
    """The status code of an answer; None when the body is no OCPI envelope."""
    try:
        code = _ANSWER.decode(body).status_code
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return code if 1000 <= code <= 9999 else None  # noqa: PLR2004 - four digits (TR-060)


@dataclass(frozen=True, slots=True)
class Routing:
    """The two pairs of routing headers; None where a pair is absent."""

    to: PartyRef | None
    sender: PartyRef | None


class Given(dict[str, str]):
    """Headers by lower-case name, for those who read them more than once."""


def given(headers: Mapping[str, str]) -> Given:
    """Headers by lower-case name (TR-013); values sent twice are joined as HTTP has it."""
    if isinstance(headers, Given):
        return headers
    found = Given()
    for name, value in headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def read_routing(headers: Mapping[str, str]) -> Routing:
    """The pairs of a request; InvalidParameter for half a pair or an impossible id (ROUT-005)."""
    named = given(headers)
    return Routing(
        to=_pair(named, TO_COUNTRY, TO_PARTY), sender=_pair(named, FROM_COUNTRY, FROM_PARTY)
    )


def _pair(named: Given, country_name: str, party_name: str) -> PartyRef | None:
    country, party = named.get(country_name.lower()), named.get(party_name.lower())
    if country is None and party is None:
        return None
    return _party(country, party, country_name, party_name)


@lru_cache(4096)
def _party(country: str | None, party: str | None, country_name: str, party_name: str) -> PartyRef:
    """Remembered, since the same parties are named again and again."""
    if country is None or party is None:
        missing = country_name if country is None else party_name
        raise InvalidParameter(f"{missing}: the two headers of a pair come together (ROUT-005)")
    if not _COUNTRY.fullmatch(country):
        raise InvalidParameter(f"{country_name}: two letters are expected (ROUT-005)")
    if not _PARTY.fullmatch(party):
        raise InvalidParameter(f"{party_name}: three letters or digits are expected (ROUT-005)")
    return PartyRef(country, party)


def routing_headers(to: PartyRef | None, sender: PartyRef | None) -> dict[str, str]:
    """The headers of the pairs that are given."""
    headers: dict[str, str] = {}
    if to is not None:
        headers |= {TO_COUNTRY: to.country_code, TO_PARTY: to.party_id}
    if sender is not None:
        headers |= {FROM_COUNTRY: sender.country_code, FROM_PARTY: sender.party_id}
    return headers


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a message: of this hop, and of the whole way."""

    request_id: str
    correlation_id: str


def read_ids(headers: Mapping[str, str], fresh: Callable[[], str]) -> tuple[Ids, tuple[str, ...]]:
    """The ids of a request, fresh ones where it has none that can be used, and what was wrong."""
    named = given(headers)
    request_id, correlation_id = named.get(_REQUEST_ID), named.get(_CORRELATION_ID)
    if _usable(request_id) and _usable(correlation_id):
        return Ids(request_id, correlation_id), ()
    sent = {REQUEST_ID: request_id, CORRELATION_ID: correlation_id}
    findings = tuple(
        f"TR-075: {name} {'missing' if value is None else 'unusable'}"
        for name, value in sent.items()
        if not _usable(value)
    )
    return Ids(*(value if _usable(value) else fresh() for value in sent.values())), findings


def _usable(sent: str | None) -> TypeGuard[str]:
    return bool(sent and len(sent) <= _LONGEST_ID and sent.isascii() and sent.isprintable())
