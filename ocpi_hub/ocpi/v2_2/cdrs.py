"""CDRs of 2.2: tokens without their owner, a postal code always, short signed texts."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open
from ocpi_hub.ocpi.primitives import CiString, Id, Some, String
from ocpi_hub.ocpi.v2_2.locations import ConnectorType, PowerType
from ocpi_hub.ocpi.v2_2_1 import cdrs as newer
from ocpi_hub.ocpi.v2_2_1.location_enums import TokenType


class CdrToken(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = newer.CdrToken.RULES

    uid: Id
    type: Annotated[TokenType | str, Open(TokenType, "TOK-044")]
    contract_id: Id


class CdrLocation(newer.CdrLocation):
    postal_code: Annotated[str, String(10)]
    connector_standard: ConnectorType
    connector_power_type: PowerType


class SignedValue(newer.SignedValue):
    plain_data: Annotated[str, CiString(512)]
    signed_data: Annotated[str, CiString(512)]


class SignedData(newer.SignedData):
    signed_values: Some[SignedValue]


class Cdr(newer.Cdr):
    cdr_token: CdrToken  # type: ignore[assignment] # in 2.2 a part of what it is in 2.2.1
    cdr_location: CdrLocation
    signed_data: SignedData | None = None
