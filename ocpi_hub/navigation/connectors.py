"""Connector types: OCPI names, the short names that drivers use, and one code for each.

Source: OCPI 2.2.1 ConnectorType, and the two names that 2.3.0 added. A name that is not in the
table gets the code OTHER: it is counted and shown, and never a reason to refuse a Location.
"""

from collections.abc import Iterable

_OCPI = (
    "CHADEMO", "CHAOJI", "DOMESTIC_A", "DOMESTIC_B", "DOMESTIC_C", "DOMESTIC_D", "DOMESTIC_E",
    "DOMESTIC_F", "DOMESTIC_G", "DOMESTIC_H", "DOMESTIC_I", "DOMESTIC_J", "DOMESTIC_K",
    "DOMESTIC_L", "DOMESTIC_M", "DOMESTIC_N", "DOMESTIC_O", "GBT_AC", "GBT_DC",
    "IEC_60309_2_SINGLE_16", "IEC_60309_2_THREE_16", "IEC_60309_2_THREE_32",
    "IEC_60309_2_THREE_64", "IEC_62196_T1", "IEC_62196_T1_COMBO", "IEC_62196_T2",
    "IEC_62196_T2_COMBO", "IEC_62196_T3A", "IEC_62196_T3C", "NEMA_5_20", "NEMA_6_30",
    "NEMA_6_50", "NEMA_10_30", "NEMA_10_50", "NEMA_14_30", "NEMA_14_50",
    "PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN", "TESLA_R", "TESLA_S", "MCS", "SAE_J3400",
)  # fmt: skip
CODES = {name: code for code, name in enumerate(_OCPI)}
OTHER = len(_OCPI)

ALIASES: dict[str, tuple[str, ...]] = {
    "CCS": ("IEC_62196_T1_COMBO", "IEC_62196_T2_COMBO"),
    "CCS1": ("IEC_62196_T1_COMBO",),
    "CCS2": ("IEC_62196_T2_COMBO",),
    "TYPE1": ("IEC_62196_T1",),
    "TYPE2": ("IEC_62196_T2",),
    "TYPE3": ("IEC_62196_T3A", "IEC_62196_T3C"),
    "NACS": ("SAE_J3400", "TESLA_S"),
    "TESLA": ("TESLA_R", "TESLA_S"),
    "GBT": ("GBT_AC", "GBT_DC"),
    "SCHUKO": ("DOMESTIC_F",),
    "CEE_BLUE": ("IEC_60309_2_SINGLE_16",),
    "CEE_RED": ("IEC_60309_2_THREE_16", "IEC_60309_2_THREE_32", "IEC_60309_2_THREE_64"),
}
_SHOWN = {
    "IEC_62196_T1_COMBO": "CCS1", "IEC_62196_T2_COMBO": "CCS2", "IEC_62196_T1": "TYPE1",
    "IEC_62196_T2": "TYPE2", "SAE_J3400": "NACS", "DOMESTIC_F": "SCHUKO",
}  # fmt: skip
SHOWN = (*(_SHOWN.get(name, name) for name in _OCPI), "OTHER")
_DC = frozenset({"CHADEMO", "CHAOJI", "GBT_DC", "IEC_62196_T1_COMBO", "IEC_62196_T2_COMBO", "MCS"})


def code(standard: str) -> int:
    return CODES.get(standard.upper(), OTHER)


def is_dc(standard: str, power_type: str) -> bool:
    """Whether a connector gives direct current; by its type when the power type says nothing."""
    return power_type.upper() == "DC" if power_type else standard.upper() in _DC


def codes(names: Iterable[str]) -> frozenset[int]:
    """The codes behind aliases and OCPI names; raises ValueError with the first unknown one."""
    found: set[int] = set()
    for name in names:
        wanted = name.strip().upper()
        ocpi = ALIASES.get(wanted, (wanted,))
        if ocpi[0] not in CODES and wanted != "OTHER":
            raise ValueError(name)
        found.update(code(each) for each in ocpi)
    return frozenset(found)
