"""Locations of 2.2: shorter texts, and enumerations without what 2.2.1 added."""

from typing import Annotated

from ocpi_hub.ocpi.finding import Open
from ocpi_hub.ocpi.primitives import Many, Some, String
from ocpi_hub.ocpi.v2_2.location_enums import CAPABILITY, CONNECTOR_TYPE, POWER_TYPE
from ocpi_hub.ocpi.v2_2_1 import locations as newer

PowerType = Annotated[str, Open(POWER_TYPE, "LOC-113")]
ConnectorType = Annotated[str, Open(CONNECTOR_TYPE, "LOC-114")]


class Connector(newer.Connector):
    standard: ConnectorType
    power_type: PowerType


class Evse(newer.Evse):
    capabilities: Many[Annotated[str, Open(CAPABILITY, "LOC-110")]] = ()
    connectors: Some[Connector]


class Location(newer.Location):
    address: Annotated[str, String(45)]
    state: Annotated[str, String(20)] | None = None
    evses: Many[Evse] = ()
