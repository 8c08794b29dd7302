"""The enumerations of locations as 2.2 has them: those of 2.2.1 without what that one added."""

from enum import StrEnum

from ocpi_hub.ocpi.v2_2_1 import location_enums as newer

NEW_CAPABILITIES = frozenset({newer.Capability.START_SESSION_CONNECTOR_REQUIRED})
NEW_POWER_TYPES = frozenset({newer.PowerType.AC_2_PHASE, newer.PowerType.AC_2_PHASE_SPLIT})
NEW_CONNECTOR_TYPES = frozenset(
    {
        newer.ConnectorType.CHAOJI,
        newer.ConnectorType.DOMESTIC_M,
        newer.ConnectorType.DOMESTIC_N,
        newer.ConnectorType.DOMESTIC_O,
        newer.ConnectorType.GBT_AC,
        newer.ConnectorType.GBT_DC,
        newer.ConnectorType.NEMA_5_20,
        newer.ConnectorType.NEMA_6_30,
        newer.ConnectorType.NEMA_6_50,
        newer.ConnectorType.NEMA_10_30,
        newer.ConnectorType.NEMA_10_50,
        newer.ConnectorType.NEMA_14_30,
        newer.ConnectorType.NEMA_14_50,
    }
)


def _without(enumeration: type[StrEnum], added: frozenset[StrEnum]) -> type[StrEnum]:
    """An enumeration of the same name with the values that are left."""
    left = [(each.name, each.value) for each in enumeration if each not in added]
    return StrEnum(enumeration.__name__, left)  # type: ignore[return-value] # a class in this form


CAPABILITY = _without(newer.Capability, NEW_CAPABILITIES)
CONNECTOR_TYPE = _without(newer.ConnectorType, NEW_CONNECTOR_TYPES)
POWER_TYPE = _without(newer.PowerType, NEW_POWER_TYPES)
