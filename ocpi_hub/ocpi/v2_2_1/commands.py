"""Commands, the CPO's response and the charge point's result (mod_commands.asciidoc)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from ocpi_hub.ocpi.finding import OcpiModel, Open, breach
from ocpi_hub.ocpi.primitives import (
    CiString,
    DateTime,
    DisplayText,
    EndpointUrl,
    Id,
    Many,
    Whole,
)
from ocpi_hub.ocpi.v2_2_1.tokens import Token

_Reference = Annotated[str, CiString(36)]


class CommandType(StrEnum):
    CANCEL_RESERVATION = "CANCEL_RESERVATION"
    RESERVE_NOW = "RESERVE_NOW"
    START_SESSION = "START_SESSION"
    STOP_SESSION = "STOP_SESSION"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"


class CommandResponseType(StrEnum):
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class CommandResultType(StrEnum):
    ACCEPTED = "ACCEPTED"
    CANCELED_RESERVATION = "CANCELED_RESERVATION"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"


class CommandResponse(OcpiModel):
    """What the CPO says at once; the result follows within `timeout` seconds, or not at all."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-008"}

    result: Annotated[CommandResponseType | str, Open(CommandResponseType, "CMD-009")]
    timeout: Annotated[int, Whole(0)]
    message: Many[DisplayText] = ()


class CommandResult(OcpiModel):
    """What the charge point said later; ACCEPTED is no effect yet (CMD-019)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-015"}

    result: Annotated[CommandResultType | str, Open(CommandResultType, "CMD-016")]
    message: Many[DisplayText] = ()


class CancelReservation(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-020", "response_url": "CMD-046"}

    response_url: EndpointUrl
    reservation_id: Id


class ReserveNow(OcpiModel):
    """Reserves a Location or an EVSE for a token until `expiry_date`; never a connector."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-022", "response_url": "CMD-046"}

    response_url: EndpointUrl
    token: Token
    expiry_date: DateTime
    reservation_id: Id
    location_id: Id
    evse_uid: Id | None = None
    authorization_reference: _Reference | None = None


class StartSession(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-036", "response_url": "CMD-046"}

    response_url: EndpointUrl
    token: Token
    location_id: Id
    evse_uid: Id | None = None
    connector_id: Id | None = None
    authorization_reference: _Reference | None = None

    @model_validator(mode="after")
    def _names_the_evse_of_its_connector(self) -> Self:
        if self.connector_id is not None and self.evse_uid is None:
            raise breach("evse_uid", "required beside connector_id", "CMD-037")
        return self


class StopSession(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-041", "response_url": "CMD-046"}

    response_url: EndpointUrl
    session_id: Id


class UnlockConnector(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CMD-043", "response_url": "CMD-046"}

    response_url: EndpointUrl
    location_id: Id
    evse_uid: Id
    connector_id: Id


COMMANDS: Mapping[str, type[OcpiModel]] = MappingProxyType(
    {
        CommandType.CANCEL_RESERVATION: CancelReservation,
        CommandType.RESERVE_NOW: ReserveNow,
        CommandType.START_SESSION: StartSession,
        CommandType.STOP_SESSION: StopSession,
        CommandType.UNLOCK_CONNECTOR: UnlockConnector,
    }
)
