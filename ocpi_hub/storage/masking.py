"""A hop as the journal keeps it: secrets masked, bodies cut, text that PostgreSQL takes."""

import re
from functools import lru_cache
from typing import Any

from ocpi_hub.modules.journal import Hop
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.logging import MASK, mask

KEPT = 64 * 1024  # bytes of a body
_TEXT = 2048  # characters of a URL or id
# A secret whose name is written with escapes. Possessive and bounded: the time must grow with the
# length of a body only, whatever a partner sends.
_ESCAPED = re.compile(
    r'("(?=[^"]{0,80}\\u00)(?:[^"\\]|\\u00[0-9a-fA-F]{2}){1,40}+"\s*+:\s*+)"(?:[^"\\]|\\.)*+("|$)'
)
_QUERY = re.compile(r"([?&;](?:token|api_?key|key|password|secret)=)[^&#]*", re.IGNORECASE)


def columns(hop: Hop) -> tuple[Any, ...]:
    """One row, in the order of `COLUMNS`."""
    return (
        hop.at,
        hop.direction.value,
        hop.platform,
        hop.route,
        hop.mode,
        hop.method,
        masked_url(hop.url),
        text(hop.request_id),
        text(hop.correlation_id),
        _party(hop.sender),
        _party(hop.receiver),
        hop.http,
        hop.code,
        _outcome(hop.outcome),
        hop.duration_ms,
        masked_body(hop.request_body),
        masked_body(hop.response_body),
        [mask(text(finding)) for finding in hop.findings],
    )


COLUMNS = (
    "at", "direction", "platform", "route", "mode", "method", "url", "request_id",
    "correlation_id", "sender", "receiver", "http", "code", "outcome", "duration_ms",
    "request_body", "response_body", "findings",
)  # fmt: skip


def masked_body(body: bytes) -> bytes:
    """The first 64 KiB without tokens, keys and passwords; all other bytes as they are."""
    if not body:
        return body
    plain = body[:KEPT].decode("latin-1")  # every byte is one character, and comes back as it was
    plain = mask(plain)
    if "\\u00" in plain:
        plain = _ESCAPED.sub(rf'\1"{MASK}"', plain)
    return plain.encode("latin-1")


@lru_cache(256)
def _outcome(said: str) -> str:
    return mask(text(said))


def masked_url(url: str) -> str:
    return _QUERY.sub(rf"\1{MASK}", mask(text(url)))


def text(received: str) -> str:
    """At most 2048 characters, without NUL and lone surrogates, which PostgreSQL refuses."""
    cut = received[:_TEXT]
    if cut.isascii() and "\x00" not in cut:
        return cut
    cut = cut.replace("\x00", "\\0")
    return cut.encode("utf-8", "backslashreplace").decode()


def _party(party: PartyRef | None) -> str | None:
    return None if party is None else text("-".join(party.key))
