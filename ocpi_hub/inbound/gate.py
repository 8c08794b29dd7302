"""Who calls: from the Authorization header to a platform, and how often it may."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NoReturn

from aiohttp import web

from ocpi_hub.inbound.incoming import Incoming
from ocpi_hub.inbound.throttle import Buckets, TooMany
from ocpi_hub.modules.platforms import Caller, Platforms, TokenKind
from ocpi_hub.ocpi import token
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.ocpi.status import Unauthorized
from ocpi_hub.routing.directory import Platform

_MOST_HEADERS = 10_000
# What tokens open that are not, or not yet, those of a registered partner (TR-010, CRED-026).
_OPENS = {
    TokenKind.REGISTRATION: frozenset({"versions", "credentials"}),
    TokenKind.OFFERED: frozenset({"versions"}),
}

Known = tuple[Caller, Platform]


@dataclass(frozen=True, slots=True)
class Limits:
    """See the settings of the same names."""

    rate_per_s: int
    burst: int
    failed_tokens_per_min: int
    trusted_proxies: tuple[str, ...] = ()


@dataclass(slots=True)
class Gate:
    platforms: Platforms
    limits: Limits
    _rates: Buckets = field(default_factory=Buckets)
    _failures: Buckets = field(default_factory=Buckets)
    _known: dict[str, Known] = field(default_factory=dict)
    _number: int = -1
    _proxies: Sequence[IPv4Network | IPv6Network] = field(init=False)

    def __post_init__(self) -> None:
        self._proxies = tuple(
            ip_network(text, strict=False) for text in self.limits.trusted_proxies
        )

    def known(self, header: str | None) -> Known | None:
        """The holder of the token in this header; None when there is none or it was stopped.

        Tokens of registered partners are remembered by header until the directory changes.
        """
        directory = self.platforms.directory()
        if directory.number != self._number:
            self._known.clear()
            self._number = directory.number
        elif (found := self._known.get(header or "")) is not None:
            return found
        try:
            tokens = token.candidates(header)
        except Unauthorized:
            return None
        caller = next(filter(None, map(self.platforms.caller, tokens)), None)
        platform = directory.platforms.get(caller.platform) if caller is not None else None
        if caller is None or platform is None:
            return None
        if platform.registered and platform.status is ConnectionStatus.SUSPENDED:
            return None
        if caller.kind is TokenKind.CURRENT and len(self._known) < _MOST_HEADERS:
            self._known[header or ""] = (caller, platform)
        return caller, platform

    def refuse(self, address: str) -> NoReturn:
        """Count a failed token; TooMany beyond the limit.

        Only failures are refused, so that a partner behind the same address is not shut out.
        """
        limit = self.limits.failed_tokens_per_min
        wait = self._failures.take(address, limit / 60, limit) if limit else 0
        if wait:
            raise TooMany("too many failed tokens from this address", wait)
        raise Unauthorized

    def pace(self, platform: Platform) -> None:
        """TooMany when a platform sends faster than the operator allows."""
        own = platform.quirks.rate_per_s
        rate = self.limits.rate_per_s if own is None else own
        if not rate:
            return
        burst = (self.limits.burst if own is None else 0) or rate
        wait = self._rates.take(platform.id, rate, burst)
        if wait:
            raise TooMany(f"more than {rate} requests a second", wait)

    def address(self, request: web.BaseRequest) -> str:
        """The address of a client at another door of the hub."""
        lines = request.headers.getall("X-Forwarded-For", ()) if self._proxies else ()
        return self.client(request.remote or "", lines)

    def whence(self, request: Incoming) -> str:
        """The address of a partner."""
        hops = request.headers.get("x-forwarded-for")
        return self.client(request.remote, [hops] if hops else ())

    def client(self, client: str, lines: Iterable[str]) -> str:
        """The client's address; the last hop that is no proxy of ours (X-Forwarded-For).

        Some proxies add a line of their own behind what a client wrote, so all of them count.
        """
        if not self._proxies:
            return client
        hops = [hop.strip() for line in lines for hop in line.split(",")]
        while hops and self._trusted(client):
            client = hops.pop()
        return client

    def _trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def check_opens(caller: Caller, module: str, *, registered: bool) -> None:
    """Unauthorized when this kind of token does not open the module.

    A registered partner may use what it was offered in a renewal as soon as it has answered, and
    that is before the hub has read the answer: no request of it fails meanwhile (CRED-026).
    """
    opens = _OPENS.get(caller.kind)
    if caller.kind is TokenKind.OFFERED and registered and module != "credentials":
        return
    if opens is not None and module not in opens:
        raise Unauthorized
