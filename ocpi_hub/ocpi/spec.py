"""The rows of the protocol: modules, and the requests that each of their interfaces takes.

HTTP routes, version details, authorisation, metric names and the published OpenAPI document are
all made from these rows; `v2_2_1/__init__.py` holds the table itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from ocpi_hub.ocpi.primitives import InterfaceRole, Role
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource

_RAW = re.compile(r"(?:[!$&-.0-;=@-~]|%[0-9A-Fa-f]{2})+")  # visible, without / ? #, whole escapes
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOTS = (".", "..")  # HTTP clients resolve them, and so would reach another path


class Family(StrEnum):
    """Configuration modules end at the hub; functional modules are routed (ROUT-002, ROUT-003)."""

    CONFIGURATION = "configuration"
    FUNCTIONAL = "functional"


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One kind of request on one interface of a module.

    `name` is how logs and metrics call it, such as `locations.receiver.put`. `path` is a tuple of
    segment names after the module's endpoint; a name in braces is a parameter, a trailing `?`
    marks an optional parameter. `listing` is true for paginated lists, `owned` when the first two
    segments are the owner's country and party, `body` when a JSON body is required.
    """

    name: str
    method: str
    path: tuple[str, ...]
    listing: bool = False
    owned: bool = False
    body: bool = False


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """One side of a module: its routes, and whether it is published in the version details."""

    module: str
    role: InterfaceRole
    routes: tuple[RouteSpec, ...]


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """A module: who may push it by broadcast, and who then gets it (ROUT-206 to 208, ROUT-226).

    `broadcast_from` is empty for modules that may never be fanned out (ROUT-211).
    """

    identifier: str
    family: Family
    interfaces: tuple[InterfaceSpec, ...]
    broadcast_from: frozenset[Role] = frozenset()
    broadcast_to: frozenset[Role] = frozenset()
    get_all: bool = False

    def interface(self, role: InterfaceRole) -> InterfaceSpec | None:
        return next((side for side in self.interfaces if side.role is role), None)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a path: `raw` percent-encoded as received, `text` what it says."""

    raw: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the table and the parameters of its path, by name without braces, in order."""

    route: RouteSpec
    parameters: Mapping[str, Segment]


def match(side: InterfaceSpec, method: str, raw_segments: Sequence[str]) -> Match:
    """Find the row for a request below an interface's endpoint.

    `raw_segments` is the rest of the path, split at slashes and still percent-encoded; one empty
    segment at the end (a trailing slash, TR-088) is ignored. NoSuchResource when no row has such
    a path (STAT-030), MethodNotAllowed when only other methods do (TR-033).
    """
    if raw_segments and not raw_segments[-1]:
        raw_segments = raw_segments[:-1]
    segments = [_segment(raw) for raw in raw_segments]
    fitting = [
        (row, found) for row in side.routes if (found := _fit(row.path, segments)) is not None
    ]
    for row, found in fitting:
        if row.method == method:
            return Match(row, found)
    if fitting:
        raise MethodNotAllowed(f"{method}: not applicable here (TR-033)")
    raise NoSuchResource(f"path: unknown below {side.module} {side.role} (STAT-030)")


def _segment(raw: str) -> Segment:
    if not _RAW.fullmatch(raw):
        raise NoSuchResource("path: an empty or badly encoded segment (STAT-030)")
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise NoSuchResource("path: a segment is no UTF-8 (STAT-030)") from None
    if _CONTROL.search(text) or text in _DOTS:
        raise NoSuchResource("path: a segment that cannot name anything (STAT-030)")
    return Segment(raw, text)


def _fit(path: tuple[str, ...], segments: Sequence[Segment]) -> dict[str, Segment] | None:
    """The parameters when the segments fit the path, None otherwise."""
    required = sum(not name.endswith("?") for name in path)
    if not required <= len(segments) <= len(path):
        return None
    found = {}
    for name, segment in zip(path, segments, strict=False):
        if name.startswith("{"):
            found[name.strip("{}?")] = segment
        elif name != segment.text:
            return None
    return found
