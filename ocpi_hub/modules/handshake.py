"""Getting to know a partner: its versions, its endpoints, its credentials object.

Both directions of a registration begin with these calls. They are bounded in time as a whole, and
an answer that cannot be used says in which step and why (CRED-015, CRED-049, VER-020).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ocpi_hub.modules.outgoing import Call, Failed, PartnerClient
from ocpi_hub.modules.platforms import AnnouncedRole
from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ocpi.v2_2_1 import check
from ocpi_hub.ocpi.v2_2_1.credentials import Credentials
from ocpi_hub.routing.directory import Endpoint, PlatformId

_LONGEST_URL = 255
_LONGEST_IDENTIFIER = 255
_MOST_ENDPOINTS = 200  # the text knows a dozen; each request to a partner looks through them
_SUCCESS: Final = range(1000, 2000)
_OK = frozenset({200, 201})


class PartnerUnusable(Exception):
    """A partner's answer cannot be used; `step` is versions, details or credentials."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step


class NoCommonVersion(PartnerUnusable):
    """The partner does not offer the version that is asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a partner's versions and details say."""

    version: str
    endpoints: tuple[Endpoint, ...]

    @property
    def credentials_url(self) -> str | None:
        """The role of a credentials endpoint has no meaning (VER-006)."""
        return next((e.url for e in self.endpoints if e.module == "credentials"), None)


@dataclass(frozen=True, slots=True)
class Introduction:
    """A partner's credentials object: where it is, who it hosts, and the token to show to it."""

    token: str
    url: str
    roles: tuple[AnnouncedRole, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Calls to one partner with one token, all within one deadline (loop time)."""

    client: PartnerClient
    platform: PlatformId
    token: str | None
    correlation_id: str
    fresh_id: Callable[[], str]
    until: float

    async def discover(self, versions_url: str, wanted: Sequence[str]) -> Found:
        """Versions, then details of the first of `wanted` that the partner has."""
        listed = _by_version(await self.ask("versions", "GET", versions_url))
        version = next((version for version in wanted if version in listed), None)
        if version is None:
            raise NoCommonVersion("versions", f"no version of {', '.join(wanted)} is offered")
        details = await self.ask("details", "GET", listed[version])
        return Found(version, _endpoints(details, version))

    async def ask(self, step: str, method: str, url: str, body: bytes | None = None) -> bytes:
        """The `data` of one successful answer, as raw JSON."""
        left = self.until - asyncio.get_running_loop().time()
        if left <= 0:
            raise PartnerUnusable(step, "no time left")
        headers = {
            message.REQUEST_ID: self.fresh_id(),
            message.CORRELATION_ID: self.correlation_id,
        }
        if body is not None:
            headers[message.CONTENT_TYPE] = message.JSON
        outcome = await self.client.call(
            Call(
                platform=self.platform,
                method=method,
                url=url,
                headers=headers,
                body=body,
                route=f"{step}.{method.lower()}",
                mode="configuration",
                deadline_s=left,
                token=self.token,
            )
        )
        if isinstance(outcome, Failed):
            raise PartnerUnusable(step, f"{method} {_shown(url)}: {outcome.detail}")
        return _data(step, outcome.http, outcome.body)


def introduction(value: Any, body: bytes) -> Introduction:
    """Read a credentials object, decoded and as bytes; InvalidParameter names what is wrong."""
    checked, _ = check.read(Credentials, value)
    roles = codec.elements(codec.members(body)["roles"])
    return Introduction(
        checked.token,
        checked.url,
        tuple(
            AnnouncedRole(
                role.party,
                role.role,
                codec.members(raw)["business_details"],
            )
            for role, raw in zip(checked.roles, roles, strict=True)
        ),
    )


def _data(step: str, http: int, body: bytes) -> bytes:
    code = message.status_of(body)
    if http not in _OK or code not in _SUCCESS:
        what = "and no OCPI answer" if code is None else f"and status_code {code}"
        raise PartnerUnusable(step, f"answered with HTTP {http} {what}")
    try:
        codec.decode(body)
        return codec.members(body).get("data", b"null")
    except OcpiError as error:
        raise PartnerUnusable(step, error.message) from None


def _by_version(data: bytes) -> Mapping[str, str]:
    listed = codec.decode(data)
    if not isinstance(listed, list):
        raise PartnerUnusable("versions", "data is no list")
    return {
        entry["version"]: entry["url"]
        for entry in listed
        if isinstance(entry, dict)
        and isinstance(entry.get("version"), str)
        and absolute(entry.get("url"))
    }


def _endpoints(data: bytes, version: str) -> tuple[Endpoint, ...]:
    """The endpoints of a details answer; entries with unknown roles are not for us (VER-010)."""
    details = codec.decode(data)
    if not isinstance(details, dict) or details.get("version") != version:
        raise PartnerUnusable("details", f"not the details of version {version}")
    entries = details.get("endpoints")
    if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_ENDPOINTS:
        raise PartnerUnusable("details", f"endpoints: 1 to {_MOST_ENDPOINTS} are required")
    return tuple(endpoint for entry in entries if (endpoint := _endpoint(entry)) is not None)


def _endpoint(entry: Any) -> Endpoint | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("identifier"), str):
        raise PartnerUnusable("details", "endpoints: an entry has no identifier")
    identifier = entry["identifier"]
    if len(identifier) > _LONGEST_IDENTIFIER:
        raise PartnerUnusable("details", f"endpoints: {identifier[:40]}... is too long a name")
    if not absolute(entry.get("url")):
        raise PartnerUnusable("details", f"endpoints: {identifier} has no absolute url")
    try:
        role = InterfaceRole(str(entry.get("role")))
    except ValueError:
        if identifier != "credentials":
            return None
        role = InterfaceRole.SENDER
    return Endpoint(identifier, role, entry["url"])


def absolute(url: object) -> bool:
    """Whether this is an http(s) URL of at most 255 characters (TYP-014)."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _shown(url: str) -> str:
    return url.partition("?")[0]
