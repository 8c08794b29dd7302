"""Which row of the table a path and a method mean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ocpi_hub.modules.versions import Tables, endpoint_url, offered
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.spec import Family, ModuleSpec, RouteSpec
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource

_DEEPEST_PREFIX = 5  # "", ocpi, version, interface, module

_STEPS = frozenset({"", ".", ".."})
# What a partner's server may take for a step: behind an encoded slash, with parameters (`..;`), or
# encoded twice. It would lead the hub's token to other objects, up to the partner's credentials.
_STEP = re.compile(r"(?:^|[/\\])\.{0,2}(?:;[^/\\]*)?(?=[/\\]|$)")
_VERSIONS = ModuleSpec("versions", Family.CONFIGURATION, ())
_LIST = RouteSpec("versions.list", "GET", ())
_DETAILS = RouteSpec("versions.details", "GET", ())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table at its place: below `url` of the hub.

    `fixed` are the segments that are names and no parameters, such as `authorize`.
    """

    version: str
    module: ModuleSpec
    role: InterfaceRole
    route: RouteSpec
    url: str
    fixed: tuple[tuple[int, str], ...] = ()

    @property
    def lengths(self) -> range:
        """How many segments may follow the endpoint."""
        path = self.route.path
        return range(sum(not name.endswith("?") for name in path), len(path) + 1)

    def takes(self, segments: tuple[str, ...]) -> bool:
        """Whether segments of a fitting number have the fixed names of this row."""
        return not self.fixed or all(segments[place] == name for place, name in self.fixed)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row, and what follows its endpoint in the URL: as received, and decoded."""

    row: Row
    path: str
    ids: tuple[str, ...]


Side = Mapping[int, tuple[Row, ...]]
"""The rows of one endpoint by the number of segments behind it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The sides by the path of their endpoint, such as `/ocpi/2.2.1/receiver/locations`."""

    sides: Mapping[str, Side]

    def find(self, method: str, path: str) -> Hit:
        """`/x` and `/x/` are the same (TR-088); raises NoSuchResource or MethodNotAllowed."""
        path = path.removesuffix("/")
        side, rest = self.sides.get(path), ""
        if side is None:
            parts = path.split("/", _DEEPEST_PREFIX)
            rest = parts.pop() if len(parts) > _DEEPEST_PREFIX else ""
            side = self.sides.get("/".join(parts)) if rest else None
            if side is None:
                raise NoSuchResource("there is nothing at this address")
        ids = _decoded(rest)
        rows = side.get(len(ids), ())
        for row in rows:
            if row.route.method == method and row.takes(ids):
                return Hit(row, rest, ids)
        if allowed := ", ".join(sorted(row.route.method for row in rows if row.takes(ids))):
            raise MethodNotAllowed(f"{method} is not one of {allowed}")
        raise NoSuchResource("there is nothing at this address")


def table(public_url: str, tables: Tables) -> Table:
    """All that the hub answers; paths do not depend on where the hub is published."""
    sides: dict[str, dict[int, tuple[Row, ...]]] = {}
    for path, row in _rows(public_url, tables):
        side = sides.setdefault(path, {})
        for length in row.lengths:
            side[length] = (*side.get(length, ()), row)
    return Table(sides)


def _rows(public_url: str, tables: Tables) -> Iterator[tuple[str, Row]]:
    for version, modules in tables.items():
        sender = InterfaceRole.SENDER
        yield (
            "/ocpi/versions",
            Row(version, _VERSIONS, sender, _LIST, f"{public_url}/ocpi/versions"),
        )
        details = f"/ocpi/{version}"
        yield details, Row(version, _VERSIONS, sender, _DETAILS, public_url + details)
        for module in offered(modules):
            for side in module.interfaces:
                path = endpoint_url("", version, module.identifier, side.role)
                for route in side.routes:
                    fixed = tuple(
                        (place, name)
                        for place, name in enumerate(route.path)
                        if not name.startswith("{")
                    )
                    yield path, Row(version, module, side.role, route, public_url + path, fixed)


def _decoded(rest: str) -> tuple[str, ...]:
    """The segments of a sub-path; none may be empty, step upwards or hide what cannot be read."""
    if not rest:
        return ()
    segments = rest.split("/")
    if "%" in rest:
        try:
            segments = [unquote(segment, errors="strict") for segment in segments]
        except UnicodeDecodeError:
            raise NoSuchResource("the address is not UTF-8") from None
    if not (rest.isascii() and "".join(segments).isprintable()) or not _STEPS.isdisjoint(segments):
        raise NoSuchResource("there is nothing at this address")
    odd = "%" in rest or ";" in rest or "\\" in rest
    if odd and any(_STEP.search(text) for text in (*segments, *map(unquote, segments))):
        raise NoSuchResource("there is nothing at this address")
    return tuple(segments)
