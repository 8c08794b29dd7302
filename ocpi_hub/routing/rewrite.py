"""What changes when a message crosses the hub: address, party headers, ids, Link and Location.

Bodies pass untouched. Addresses of a partner in `Link` and `Location` would be useless to the
requester, who has no credentials there, so they become addresses of the hub that carry the
partner's address in one signed parameter (ROUT-501 to ROUT-508). Nothing is stored.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from ocpi_hub.ocpi import message, paging
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, OcpiError, Status
from ocpi_hub.routing.directory import Endpoint, Platform, PlatformId

PARAMETER: Final = "hub-route"
_READABLE = ("date_from", "date_to", "offset", "limit")
_LONGEST_URL = 4000  # many servers and proxies stop at 8 KiB for the whole request line
_MAC_BYTES = 16
_SUCCESS = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_OWN_TOKEN_REFUSED = frozenset({401, 403, 407})
_THROTTLED = 429
_NOT_FOUND = 404
_PRINTABLE = re.compile(r"[!-~]+")
ANSWER_HEADERS: Final = frozenset({"link", "location", "x-total-count", "x-limit"})
_PASSED = (("x-total-count", message.TOTAL_COUNT), ("x-limit", message.LIMIT))


def join(endpoint: str, path: str, query: str = "", *, slash: bool = False) -> str:
    """The partner's endpoint + sub-path + query, joined by one slash, nothing re-encoded.

    A query in the published address is kept in front (TR-087, ROUT-103). `slash`: the path ends
    with one.
    """
    base, _, published = endpoint.partition("?")
    url = f"{base.rstrip('/')}/{path}" if path else base
    if slash:
        url = f"{url.rstrip('/')}/"
    queries = "&".join(filter(None, (published, query)))
    return f"{url}?{queries}" if queries else url


def request_headers(
    content_type: str | None, ids: message.Ids, to: PartyRef, sender: PartyRef
) -> dict[str, str]:
    """All that a forwarded request shows, but for the token; `content_type` only with a body."""
    headers = message.routing_headers(to, sender)
    headers[message.REQUEST_ID] = ids.request_id
    headers[message.CORRELATION_ID] = ids.correlation_id
    if content_type is not None:
        headers["Content-Type"] = content_type
    return headers


@dataclass(frozen=True, slots=True)
class Relayable:
    """A partner's answer that goes back as it came; `code` is its status_code."""

    code: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """A partner's answer that the hub replaces by its own; `alert` when operators must act."""

    code: int
    message: str
    http: int = 200
    alert: bool = False

    @property
    def error(self) -> OcpiError:
        return OcpiError(self.message, self.code, self.http)


def judge(http: int, body: bytes) -> Relayable | Unusable:
    """What becomes of a partner's whole answer (STAT-026, STAT-028, STAT-029)."""
    if http in _OWN_TOKEN_REFUSED:
        return Unusable(
            Status.RECEIVER_NOT_CONNECTED,
            f"the receiver refuses the hub's credentials (HTTP {http})",
            alert=True,
        )
    usable = http in _SUCCESS or (http in _CLIENT_ERRORS and http != _THROTTLED)
    code = message.status_of(body) if usable else None
    if code is not None:
        return Relayable(code)
    if http == _NOT_FOUND:
        return Unusable(Status.CLIENT_ERROR, "the receiver does not know this resource", _NOT_FOUND)
    what = "no OCPI message" if http in _SUCCESS else f"HTTP {http}"
    return Unusable(Status.HUB_ERROR, f"the receiver answered with {what}")


@dataclass(frozen=True, slots=True)
class Passage:
    """Whose answer goes to whom, and the two addresses of the resource.

    `hub_url` is the requested address at the hub without its query, `target_url` the partner's
    address that was called, `endpoint` the partner's endpoint below which it lies. `creating`
    is true for a POST, whose answer may say where the new object is.
    """

    requester: PlatformId
    sender: PartyRef
    party: PartyRef
    platform: Platform
    endpoint: Endpoint
    hub_url: str
    target_url: str
    creating: bool = False


@dataclass(frozen=True, slots=True)
class Followed:
    """What a signed address leads to: FROM, TO, and the address at the partner.

    `address` starts with `+` when it is what follows the partner's endpoint.
    """

    sender: PartyRef
    party: PartyRef
    address: str

    def url(self, platform: Platform, endpoint: Endpoint) -> str:
        """The partner's address; NoSuchResource when it is none of its own (any more, ROUT-508)."""
        url = endpoint.url + self.address[1:] if self.address.startswith("+") else self.address
        if origin(url) not in origins(platform):
            raise NoSuchResource(f"{PARAMETER}: the receiver has moved, start the list again")
        return url


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes and reads the hub's stand-ins for partners' addresses.

    `key` is secret and the same in every process. Times are Unix seconds.
    """

    key: bytes

    def answer_headers(
        self,
        passage: Passage,
        answered: Mapping[str, str],
        link_expires: int,
        location_expires: int,
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """The partner's headers that pass (names in lower case come in), and findings."""
        headers = {name: answered[low] for low, name in _PASSED if low in answered}
        findings: list[str] = []
        following = paging.next_url(answered.get("link"))
        if following is not None:
            link = self._stand_in(passage, following, link_expires)
            if link is None:
                findings.append("ROUT-507: Link leads nowhere the hub may call, dropped")
            else:
                headers["Link"] = f'<{link}>; rel="next"'
        if passage.creating and (location := answered.get("location")) is not None:
            stand_in = self._stand_in(passage, location, location_expires, below=True)
            if stand_in is None:
                findings.append("ROUT-507: Location leads nowhere the hub may call, dropped")
            else:
                headers["Location"] = stand_in
        return headers, tuple(findings)

    def _stand_in(
        self, passage: Passage, address: str, expires: int, *, below: bool = False
    ) -> str | None:
        """The hub's address for the partner's; `below`: named like it, as a CDR is (CDR-027)."""
        target = _resolved(passage.target_url, address)
        if target is None or origin(target) not in origins(passage.platform):
            return None
        readable = [
            (name, value) for name, value in parse_qsl(urlsplit(target).query) if name in _READABLE
        ]
        sealed = self._seal(passage, target, expires)
        base = f"{passage.hub_url}/{_name(target)}" if below else passage.hub_url
        url = f"{base}?{urlencode([*readable, (PARAMETER, sealed)])}"
        return url if len(url) <= _LONGEST_URL else None

    def _seal(self, passage: Passage, target: str, expires: int) -> str:
        short = _shortened(passage.endpoint.url, target)
        text = f"{expires // 60:x} {passage.sender} {passage.party} {short}".encode()
        mac = self._mac(passage.requester, passage.endpoint.module, passage.endpoint.role, text)
        return base64.urlsafe_b64encode(mac + text).rstrip(b"=").decode()

    def follow(
        self, sealed: str, requester: PlatformId, module: str, role: InterfaceRole, now: int
    ) -> Followed:
        """What `requester` was given for this module and interface.

        Raises NoSuchResource for anything that this hub did not sign for this caller (ROUT-503),
        InvalidParameter when it is too old (ROUT-505).
        """
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(requester, module, role, text)):
            raise NoSuchResource(f"{PARAMETER}: not an address that this hub gave to you")
        expires, sender, party, address = text.decode().split(" ", 3)
        if int(expires, 16) * 60 < now:
            raise InvalidParameter(f"{PARAMETER}: this address expired, start the list again")
        return Followed(_party(sender), _party(party), address)

    def _mac(self, requester: PlatformId, module: str, role: InterfaceRole, text: bytes) -> bytes:
        bound = f"{requester}\n{module}\n{role}\n".encode()
        return hmac.digest(self.key, bound + text, hashlib.sha256)[:_MAC_BYTES]


def origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port to which a token would go; None for what is no plain http address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def origins(platform: Platform) -> frozenset[tuple[str, str, int | None]]:
    """The origins of a partner's registered endpoints (ROUT-508)."""
    found = (origin(endpoint.url) for endpoint in platform.endpoints)
    return frozenset(one for one in found if one is not None)


def _resolved(base: str, address: str) -> str | None:
    """An absolute address without fragment, or None when it cannot be one (ROUT-507).

    One that is absolute already stays as it is: joining would tidy it up.
    """
    if not _PRINTABLE.fullmatch(address):
        return None
    url = address.partition("#")[0]
    try:
        url = url if urlsplit(url).scheme else urljoin(base, url)
    except ValueError:
        return None
    return url if origin(url) is not None else None


def _name(url: str) -> str:
    """The last segment of a path, as it is."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2] or "1"


def _shortened(endpoint: str, url: str) -> str:
    return f"+{url.removeprefix(endpoint)}" if url.startswith(endpoint) else url


def _party(text: str) -> PartyRef:
    country, _, party = text.partition("-")
    return PartyRef(country, party)
