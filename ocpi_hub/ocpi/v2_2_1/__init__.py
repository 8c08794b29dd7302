"""OCPI 2.2.1: the table of its modules, and one file of models for each that the hub reads.

Whoever asks "is this path known, who may call it, who gets it" asks the table. Broadcast goes from
a module's owners to the opposite side (ROUT-206 to ROUT-208, ROUT-226); what is personal or has a
single receiver is never fanned out (ROUT-211). `versions` has no row: its two documents are how
the rows are found. Models never lose anything: unknown members stay, unknown values of
enumerations stay and leave a finding (`check`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from ocpi_hub.ocpi.primitives import InterfaceRole, Role
from ocpi_hub.ocpi.spec import Family, InterfaceSpec, ModuleSpec, RouteSpec

VERSION = "2.2.1"

_OWNER = ("{country_code}", "{party_id}")
_LOCATION = ("{location_id}", "{evse_uid}?", "{connector_id}?")
_BODY = frozenset({"POST", "PUT", "PATCH"})


def _sender(module: str, *routes: RouteSpec) -> InterfaceSpec:
    return InterfaceSpec(module, InterfaceRole.SENDER, routes)


def _receiver(module: str, *routes: RouteSpec) -> InterfaceSpec:
    return InterfaceSpec(module, InterfaceRole.RECEIVER, routes)


def _list(module: str) -> RouteSpec:
    return RouteSpec(f"{module}.sender.list", "GET", (), listing=True)


def _owned(module: str, path: tuple[str, ...], *methods: str) -> tuple[RouteSpec, ...]:
    """Rows of objects that the pusher owns: its country and party come first (TR-050)."""
    return tuple(
        RouteSpec(
            f"{module}.receiver.{method.lower()}",
            method,
            _OWNER + path,
            owned=True,
            body=method in _BODY,
        )
        for method in methods
    )


_CREDENTIALS = ModuleSpec(
    "credentials",
    Family.CONFIGURATION,
    (
        _sender(  # VER-005
            "credentials",
            RouteSpec("credentials.sender.get", "GET", ()),
            RouteSpec("credentials.sender.post", "POST", (), body=True),
            RouteSpec("credentials.sender.put", "PUT", (), body=True),
            RouteSpec("credentials.sender.delete", "DELETE", ()),
        ),
    ),
)

_HUBCLIENTINFO = ModuleSpec(
    "hubclientinfo",
    Family.CONFIGURATION,
    (_sender("hubclientinfo", _list("hubclientinfo")),),
)

_LOCATIONS = ModuleSpec(
    "locations",
    Family.FUNCTIONAL,
    (
        _sender(
            "locations",
            _list("locations"),
            RouteSpec("locations.sender.get", "GET", _LOCATION),
        ),
        _receiver("locations", *_owned("locations", _LOCATION, "GET", "PUT", "PATCH")),
    ),
    broadcast_from=frozenset({Role.CPO, Role.NAP}),
    broadcast_to=frozenset({Role.EMSP, Role.NSP, Role.NAP, Role.OTHER}),
    get_all=True,
)

_TARIFFS = ModuleSpec(
    "tariffs",
    Family.FUNCTIONAL,
    (
        _sender("tariffs", _list("tariffs")),
        _receiver("tariffs", *_owned("tariffs", ("{tariff_id}",), "GET", "PUT", "DELETE")),
    ),
    broadcast_from=frozenset({Role.CPO, Role.NAP}),
    broadcast_to=frozenset({Role.EMSP, Role.NSP, Role.NAP, Role.OTHER}),
    get_all=True,
)

_SESSIONS = ModuleSpec(
    "sessions",
    Family.FUNCTIONAL,
    (
        _sender(
            "sessions",
            _list("sessions"),
            RouteSpec(
                "sessions.sender.charging_preferences",
                "PUT",
                ("{session_id}", "charging_preferences"),
                body=True,
            ),
        ),
        _receiver("sessions", *_owned("sessions", ("{session_id}",), "GET", "PUT", "PATCH")),
    ),
)

# A CDR's address at its receiver is free; the hub hands out its own (CDR-021, CDR-027).
_CDRS = ModuleSpec(
    "cdrs",
    Family.FUNCTIONAL,
    (
        _sender("cdrs", _list("cdrs")),
        _receiver(
            "cdrs",
            RouteSpec("cdrs.receiver.post", "POST", (), body=True),
            RouteSpec("cdrs.receiver.get", "GET", ("{cdr_id}",)),
        ),
    ),
)

_TOKENS = ModuleSpec(
    "tokens",
    Family.FUNCTIONAL,
    (
        _sender(
            "tokens",
            _list("tokens"),
            RouteSpec("tokens.sender.authorize", "POST", ("{token_uid}", "authorize")),
        ),
        _receiver("tokens", *_owned("tokens", ("{token_uid}",), "GET", "PUT", "PATCH")),
    ),
    broadcast_from=frozenset({Role.EMSP, Role.OTHER}),
    broadcast_to=frozenset({Role.CPO}),
    get_all=True,
)

# Results come to an address that the sender of the command made up; `uid` is the hub's (ROUT-606).
_COMMANDS = ModuleSpec(
    "commands",
    Family.FUNCTIONAL,
    (
        _sender(
            "commands",
            RouteSpec("commands.sender.post", "POST", ("{command}", "{uid}"), body=True),
        ),
        _receiver(
            "commands", RouteSpec("commands.receiver.post", "POST", ("{command}",), body=True)
        ),
    ),
)

_CHARGINGPROFILES = ModuleSpec(
    "chargingprofiles",
    Family.FUNCTIONAL,
    (
        _sender(
            "chargingprofiles",
            RouteSpec("chargingprofiles.sender.post", "POST", ("{uid}",), body=True),
            RouteSpec("chargingprofiles.sender.put", "PUT", ("{session_id}",), body=True),
        ),
        _receiver(
            "chargingprofiles",
            RouteSpec("chargingprofiles.receiver.get", "GET", ("{session_id}",)),
            RouteSpec("chargingprofiles.receiver.put", "PUT", ("{session_id}",), body=True),
            RouteSpec("chargingprofiles.receiver.delete", "DELETE", ("{session_id}",)),
        ),
    ),
)

MODULES: Mapping[str, ModuleSpec] = MappingProxyType(
    {
        module.identifier: module
        for module in (
            _CREDENTIALS,
            _HUBCLIENTINFO,
            _LOCATIONS,
            _TARIFFS,
            _SESSIONS,
            _CDRS,
            _TOKENS,
            _COMMANDS,
            _CHARGINGPROFILES,
        )
    }
)
