"""The rows of the protocol: modules, and the requests that each of their interfaces takes.

HTTP routes, version details, authorisation, metric names and the published OpenAPI document are
all made from these rows; `v2_2_1/__init__.py` holds the table itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from ocpi_hub.ocpi.primitives import InterfaceRole, Role


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
    """A module: who may push it by broadcast, and who then gets it (ROUT-206 to ROUT-208, ROUT-226).

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
