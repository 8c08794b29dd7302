"""What is odd about objects that were relayed: nobody refuses them, operators may want to know.

Pure. The same models that the hub asks of what it keeps itself (ROUT-216).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ocpi_hub.ocpi import v2_2, v2_2_1
from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2 import cdrs as cdrs_2_2
from ocpi_hub.ocpi.v2_2 import locations as locations_2_2
from ocpi_hub.ocpi.v2_2 import sessions as sessions_2_2
from ocpi_hub.ocpi.v2_2_1 import (
    cdrs,
    chargingprofiles,
    commands,
    locations,
    sessions,
    tariffs,
    tokens,
)
from ocpi_hub.ocpi.v2_2_1.check import validate

Row = tuple[str, int]
"""A route, and how many ids are in the URL."""

_NEWEST: Final[Mapping[Row, type[OcpiModel]]] = {
    ("locations.receiver.put", 3): locations.Location,
    ("locations.receiver.put", 4): locations.Evse,
    ("locations.receiver.put", 5): locations.Connector,
    ("locations.receiver.patch", 3): locations.LocationPatch,
    ("locations.receiver.patch", 4): locations.EvsePatch,
    ("locations.receiver.patch", 5): locations.ConnectorPatch,
    ("tariffs.receiver.put", 3): tariffs.Tariff,
    ("tokens.receiver.put", 3): tokens.Token,
    ("tokens.receiver.patch", 3): tokens.TokenPatch,
    ("tokens.sender.authorize", 2): tokens.LocationReferences,
    ("sessions.receiver.put", 3): sessions.Session,
    ("sessions.receiver.patch", 3): sessions.SessionPatch,
    ("sessions.sender.charging_preferences", 2): sessions.ChargingPreferences,
    ("cdrs.receiver.post", 0): cdrs.Cdr,
    ("commands.sender.post", 2): commands.CommandResult,
    ("chargingprofiles.receiver.put", 1): chargingprofiles.SetChargingProfile,
    ("chargingprofiles.sender.put", 1): chargingprofiles.ActiveChargingProfile,
    ("chargingprofiles.sender.post", 1): chargingprofiles.ChargingProfileResult,
}
_MODELS: Final[Mapping[str, Mapping[Row, type[OcpiModel]]]] = MappingProxyType(
    {
        v2_2_1.VERSION: _NEWEST,
        v2_2.VERSION: {
            **_NEWEST,
            ("locations.receiver.put", 3): locations_2_2.Location,
            ("locations.receiver.put", 4): locations_2_2.Evse,
            ("locations.receiver.put", 5): locations_2_2.Connector,
            ("sessions.receiver.put", 3): sessions_2_2.Session,
            ("sessions.receiver.patch", 3): sessions_2_2.SessionPatch,
            ("cdrs.receiver.post", 0): cdrs_2_2.Cdr,
        },
    }
)
_COMMAND: Final = "commands.receiver.post"
_OWNED: Final = 3  # country, party, id
_REFUSAL = re.compile(r"(.+) \(([A-Z]+-[0-9]+)\)")


def remarks(version: str, route: str, ids: Sequence[str], value: Any) -> tuple[str, ...]:
    """Findings such as `SES-048: kwh: required, but absent`."""
    model = model_of(version, route, ids)
    return () if model is None else (*_elsewhere(route, ids, value), *_findings(model, value))


def model_of(version: str, route: str, ids: Sequence[str]) -> type[OcpiModel] | None:
    if route == _COMMAND:
        return commands.COMMANDS.get(ids[0])
    return _MODELS.get(version, _NEWEST).get((route, len(ids)))


def _findings(model: type[OcpiModel], value: Any) -> Iterator[str]:
    try:
        yield from validate(model, value)
    except InvalidParameter as refusal:
        for part in refusal.message.split("; "):
            told = _REFUSAL.fullmatch(part)
            if told is not None:
                yield f"{told[2]}: {told[1]}"


def _elsewhere(route: str, ids: Sequence[str], value: Any) -> Iterator[str]:
    """An object that says it is another than its URL says (TR-054)."""
    if len(ids) != _OWNED or not isinstance(value, dict):
        return
    own_id = "uid" if route.startswith("tokens.") else "id"
    for member, expected in zip(("country_code", "party_id", own_id), ids, strict=True):
        found = value.get(member)
        if isinstance(found, str) and fold(found) != fold(expected):
            yield f"TR-054: {member}: differs from the URL's {expected}"
