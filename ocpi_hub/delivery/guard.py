"""Which URLs and which final addresses the hub may call.

Pure. Partners choose the URLs that the hub calls with a token, so every one of them is judged
twice: the text before a connection is looked for, and the address at the moment a socket is made
for it, after all name resolution (a rebinding resolver passes the first and not the second).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

PUBLISHED_URL = 255
"""Longest URL that a partner may hand over (types: URL, string(255); TYP-014)."""

_BASE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
DEFAULT_PORT = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535
_SCHEME = len("https://")  # no slash behind a shorter one can be the first of the path
# What resolvers read as an IPv4 address in disguise: 2130706433, 0x7f.1, 127.1 (WHATWG URL,
# "ends in a number").
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)

# Allowed only where the operator allows private networks (development).
_PRIVATE = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "carrier-grade NAT": ("100.64.0.0/10",),
}
# Never allowed. `ipaddress.is_global` is no substitute: it is true for several of these.
_NEVER = {
    "cloud metadata": ("168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::254/128"),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "site-local": ("fec0::/10",),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("192.0.0.0/24", "240.0.0.0/4", "100::/64", "100:0:0:1::/64", "5f00::/16"),
    "documentation": (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ),
    "benchmarking": ("198.18.0.0/15",),
    "protocol assignments, Teredo, ORCHID": ("2001::/23",),
    "6to4": ("192.88.99.0/24", "2002::/16"),
    "local NAT64": ("64:ff9b:1::/48",),
}
_DENIED = {
    name: tuple(ip_network(cidr) for cidr in cidrs) for name, cidrs in (_NEVER | _PRIVATE).items()
}
# The prefixes that carry an IPv4 address to which the packets really go.
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_IPV4_BITS = 0xFFFF_FFFF


class Policy(NamedTuple):
    """`allow_private`: loopback and private networks too; `require_https`: nothing but https."""

    allow_private: bool = False
    require_https: bool = True


class Origin(NamedTuple):
    """Scheme, host (lower case, no brackets, no final dot) and port of a URL."""

    scheme: str
    host: str
    port: int


class Place(NamedTuple):
    """Where a URL leads: to which server, and what is asked of it (path and query)."""

    origin: Origin
    target: str


def check_url(url: str, policy: Policy, longest: int = PUBLISHED_URL) -> str | None:
    """Why this URL may not be called, or None when its text gives no reason against it."""
    found = allowed(url, policy, longest)
    return found if isinstance(found, str) else None


def allowed(url: str, policy: Policy, longest: int = PUBLISHED_URL) -> Place | str:
    """Where a URL leads, or why it may not be called."""
    if len(url) > longest:
        return f"longer than {longest} characters"
    if "#" in url:
        return "has a fragment"
    found = place(url)
    if found is None:
        return (
            "is no plain http or https URL (user information, odd host, blanks or odd characters)"
        )
    return _check_origin(found.origin, policy) or found


def check_address(address: str, policy: Policy) -> str | None:
    """Why no socket may be opened to this IP address, or None."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "is no IP address"
    return _judge(parsed, policy)


def place(url: str) -> Place | None:
    """Where a URL leads, or None when it is not of the plain form that the hub calls."""
    end = url.find("/", _SCHEME)
    base, target = (url, "/") if end < 0 else (url[:end], url[end:])
    if "?" in base:
        base, _, query = url.partition("?")
        target = f"/?{query}"
    found = _origin(base)
    plain = target.isascii() and target.isprintable() and " " not in target
    return Place(found, target) if plain and found is not None else None


def origin(url: str) -> Origin | None:
    """The server to which a URL leads, or None as for `place`."""
    found = place(url)
    return found.origin if found is not None else None


@lru_cache(4096)
def _origin(base: str) -> Origin | None:
    match = _BASE.fullmatch(base)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    host = match["host"].lower().strip("[]").removesuffix(".")
    port = int(match["port"]) if match["port"] else DEFAULT_PORT[scheme]
    return Origin(scheme, host, port)


def same_origin(url: str, known: Iterable[str]) -> bool:
    """Whether a URL has the scheme, host and port of one of the known URLs (ROUT-508)."""
    wanted = origin(url)
    return wanted is not None and wanted in origins(known)


def origins(urls: Iterable[str]) -> frozenset[Origin]:
    """Where these URLs lead."""
    found = (origin(url) for url in urls)
    return frozenset(one for one in found if one is not None)


@lru_cache(4096)
def _check_origin(found: Origin, policy: Policy) -> str | None:
    if not 0 < found.port <= _HIGHEST_PORT:
        return "has an impossible port"
    if policy.require_https and found.scheme != "https":
        return "is not https"
    return _check_host(found.host, policy)


def _check_host(host: str, policy: Policy) -> str | None:
    try:
        parsed = ip_address(host)
    except ValueError:
        return _check_name(host, policy)
    return _judge(parsed, policy)


def _check_name(host: str, policy: Policy) -> str | None:
    if not host or ":" in host:
        return "has no usable host"
    if _ENDS_IN_NUMBER.fullmatch(host):
        return "has a number as host"
    if not policy.allow_private and (host == "localhost" or host.endswith(".localhost")):
        return "leads to a loopback address"
    return None


def _judge(address: IPv4Address | IPv6Address, policy: Policy) -> str | None:
    for name, networks in _DENIED.items():
        if any(address in network for network in networks):
            allowed = policy.allow_private and name in _PRIVATE
            return None if allowed else f"leads to a {name} address"
    if isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST:
        return None
    if address in _MAPPED or address in _NAT64:
        return _judge(IPv4Address(int(address) & _IPV4_BITS), policy)
    return "leads to an address that is not global unicast"
