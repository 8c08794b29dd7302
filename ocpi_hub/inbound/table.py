"""Which row of the table a path and a method mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ocpi_hub.modules.versions import Tables, endpoint_url, offered
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.spec import Family, ModuleSpec, RouteSpec
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource

_DEEPEST_PREFIX = 5  # "", ocpi, version, interface, module

_VERSIONS = ModuleSpec("versions", Family.CONFIGURATION, ())
_LIST = RouteSpec("versions.list", "GET", ())
_DETAILS = RouteSpec("versions.details", "GET", ())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table at its place: below `url` of the hub."""

    version: str
    module: ModuleSpec
    role: InterfaceRole
    route: RouteSpec
    url: str

    def takes(self, segments: tuple[str, ...]) -> bool:
        path = self.route.path
        least = sum(not name.endswith("?") for name in path)
        return least <= len(segments) <= len(path) and all(
            name.startswith("{") or name == given
            for name, given in zip(path, segments, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A row, and what follows its endpoint in the URL: as received, and decoded."""

    row: Row
    path: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows by the path of their endpoint, such as `/ocpi/2.2.1/receiver/locations`."""

    sides: Mapping[str, tuple[Row, ...]]

    def find(self, method: str, path: str) -> Hit:
        """`/x` and `/x/` are the same (TR-088); raises NoSuchResource or MethodNotAllowed."""
        path = path.removesuffix("/")
        rows, rest = self.sides.get(path), ""
        if rows is None:
            parts = path.split("/", _DEEPEST_PREFIX)
            rest = parts.pop() if len(parts) > _DEEPEST_PREFIX else ""
            rows = self.sides.get("/".join(parts)) if rest else None
            if rows is None:
                raise NoSuchResource("there is nothing at this address")
        ids = _decoded(rest)
        known = [row for row in rows if row.takes(ids)]
        for row in known:
            if row.route.method == method:
                return Hit(row, rest, ids)
        if known:
            allowed = ", ".join(sorted(row.route.method for row in known))
            raise MethodNotAllowed(f"{method} is not one of {allowed}")
        raise NoSuchResource("there is nothing at this address")


def table(public_url: str, tables: Tables) -> Table:
    """All that the hub answers; paths do not depend on where the hub is published."""
    sides: dict[str, list[Row]] = {}
    for path, row in _rows(public_url, tables):
        sides.setdefault(path, []).append(row)
    return Table({path: tuple(rows) for path, rows in sides.items()})


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
                    yield path, Row(version, module, side.role, route, public_url + path)


def _decoded(rest: str) -> tuple[str, ...]:
    """The segments of a sub-path; none may be empty, step upwards or hide what cannot be read."""
    if not rest:
        return ()
    try:
        ids = tuple(unquote(segment, errors="strict") for segment in rest.split("/"))
    except UnicodeDecodeError:
        raise NoSuchResource("the address is not UTF-8") from None
    if not rest.isascii() or not all(
        segment.isprintable() and segment not in {"", ".", ".."} for segment in ids
    ):
        raise NoSuchResource("there is nothing at this address")
    return ids
