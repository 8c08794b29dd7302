"""An outlet: a Connector with the EVSE and the Location that it is in, as a CPO looks at it."""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.simulator.stations import owner_of

Object = dict[str, Any]

_PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}
_ADDRESS, _STATE = 45, 20  # what a CDR takes of them (CDR-068)
_OPTIONAL = ("name", "postal_code", "state")


@dataclass(frozen=True, slots=True)
class Outlet:
    """The three objects are the CPO's own, and change with them."""

    location: Object
    evse: Object
    connector: Object

    @property
    def owner(self) -> PartyRef:
        return owner_of(self.location)

    @property
    def direct(self) -> bool:
        return bool(self.connector["power_type"] == "DC")

    @property
    def watts(self) -> int:
        """The most it gives."""
        return int(self.connector.get("max_electric_power") or self.watts_of(self._amperes))

    @property
    def _amperes(self) -> int:
        return int(self.connector["max_amperage"])

    def watts_of(self, amperes: float) -> int:
        """Of a current in each phase (CHP-036)."""
        phases = _PHASES.get(self.connector["power_type"], 1)
        return int(amperes * self.connector["max_voltage"] * phases)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.location["time_zone"])

    def able(self, capability: str) -> bool:
        return capability in (self.evse.get("capabilities") or ())

    def snapshot(self) -> "Outlet":
        """As it is now, whatever changes later (CDR-030)."""
        return Outlet(*copy.deepcopy((self.location, self.evse, self.connector)))

    def references(self) -> Object:
        """As LocationReferences of an authorization (TOK-035)."""
        return {"location_id": self.location["id"], "evse_uids": [self.evse["uid"]]}

    def of_session(self) -> Object:
        return {
            "location_id": self.location["id"],
            "evse_uid": self.evse["uid"],
            "connector_id": self.connector["id"],
        }

    def of_cdr(self) -> Object:
        """The CdrLocation: enough to know the place when the Location is gone (CDR-067)."""
        here = self.location
        more = {name: here[name] for name in _OPTIONAL if here.get(name)}
        if "state" in more:
            more["state"] = more["state"][:_STATE]
        return {
            "id": here["id"],
            **more,
            "address": here["address"][:_ADDRESS],
            "city": here["city"],
            "country": here["country"],
            "coordinates": here["coordinates"],
            "evse_uid": self.evse["uid"],
            "evse_id": self.evse.get("evse_id") or self.evse["uid"],
            "connector_id": self.connector["id"],
            "connector_standard": self.connector["standard"],
            "connector_format": self.connector["format"],
            "connector_power_type": self.connector["power_type"],
        }


def outlets(location: Object) -> Iterator[Outlet]:
    for evse in location.get("evses") or ():
        for connector in evse["connectors"]:
            yield Outlet(location, evse, connector)


def pick(
    found: Iterable[Outlet], evse_uid: str | None = None, connector_id: str | None = None
) -> list[Outlet]:
    """Those of an EVSE and a Connector, where they are named."""
    return [
        each
        for each in found
        if evse_uid is None or fold(each.evse["uid"]) == fold(evse_uid)
        if connector_id is None or fold(each.connector["id"]) == fold(connector_id)
    ]
