"""The Authorization header: `Token` and the credentials token in Base64.

Both samples printed in the text decode to a token and a line feed, and many 2.2 peers send the
token as it is; so one header can mean two tokens (TR-005 to TR-008).
"""

import binascii
import re
from base64 import b64decode, b64encode

from ocpi_hub.ocpi.status import Unauthorized

_TOKEN = re.compile(r"[!-~]{1,64}")
_SCHEME = "token"


def acceptable(token: str) -> bool:
    """Whether this can be a credentials token: 1 to 64 characters U+0021 to U+007E (CRED-035)."""
    return _TOKEN.fullmatch(token) is not None


def authorization(token: str, *, raw: bool = False) -> str:
    """The header's value; `raw` for peers that expect the token unencoded (TR-009)."""
    return f"Token {token if raw else b64encode(token.encode()).decode()}"


def candidates(header: str | None) -> tuple[str, ...]:
    """The tokens that a header can mean, likeliest first; Unauthorized when there is none."""
    scheme, _, value = (header or "").strip().partition(" ")
    if scheme.lower() != _SCHEME:
        raise Unauthorized
    value = value.strip()
    found = tuple(dict.fromkeys(t for t in (_decoded(value), value) if acceptable(t)))
    if not found:
        raise Unauthorized
    return found


def _decoded(value: str) -> str:
    """The text that was Base64-encoded, without trailing white space; empty if there is none."""
    try:
        return b64decode(value, validate=True).decode().rstrip()
    except (binascii.Error, ValueError):
        return ""
