"""Versions: the two documents from which partners learn what the hub offers and where.

Made from the tables and the public address, once; they change only with a release (VER-016).
"""

from collections.abc import Iterator, Mapping

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.spec import Family, ModuleSpec

# The functional modules that the hub relays.
SERVED = frozenset(
    {"locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "chargingprofiles"}
)

Tables = Mapping[str, Mapping[str, ModuleSpec]]
"""The table of modules of each version that the hub speaks, newest first."""


def offered(modules: Mapping[str, ModuleSpec]) -> Iterator[ModuleSpec]:
    """The modules of a version that are answered; all others do not exist here (VER-007)."""
    for module in modules.values():
        if module.family is Family.CONFIGURATION or module.identifier in SERVED:
            yield module


def versions_url(public_url: str) -> str:
    return f"{public_url}/ocpi/versions"


def details_url(public_url: str, version: str) -> str:
    return f"{public_url}/ocpi/{version}"


def endpoint_url(public_url: str, version: str, module: str, role: InterfaceRole) -> str:
    """Where an interface of the hub lives; credentials are the same from both sides."""
    base = details_url(public_url, version)
    return f"{base}/credentials" if module == "credentials" else f"{base}/{role.lower()}/{module}"


def versions_list(public_url: str, tables: Tables) -> bytes:
    """The `data` of the versions endpoint (VER-001)."""
    return codec.encode(
        [{"version": version, "url": details_url(public_url, version)} for version in tables]
    )


def version_details(
    public_url: str, version: str, modules: Mapping[str, ModuleSpec], *, slash: bool = False
) -> bytes:
    """The `data` of a version's details: every published interface (VER-002, VER-003).

    `slash`: the addresses end with one, for partners that put ids right behind them.
    """
    end = "/" if slash else ""
    endpoints = [
        {
            "identifier": module.identifier,
            "role": side.role,
            "url": endpoint_url(public_url, version, module.identifier, side.role) + end,
        }
        for module in offered(modules)
        for side in module.interfaces
    ]
    return codec.encode({"version": version, "endpoints": endpoints})
