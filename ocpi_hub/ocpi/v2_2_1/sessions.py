"""Sessions and charging preferences (mod_sessions.asciidoc).

What only the history of a session can show, such as a PATCH after COMPLETED, is not seen here.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable, patch_of
from ocpi_hub.ocpi.primitives import (
    CiString,
    CountryCode,
    DateTime,
    Flag,
    Id,
    Many,
    Number,
    PartyId,
    Price,
    String,
)
from ocpi_hub.ocpi.v2_2_1.cdr_enums import AuthMethod
from ocpi_hub.ocpi.v2_2_1.cdrs import NOT_AVAILABLE, CdrToken, ChargingPeriod, too_much
from ocpi_hub.ocpi.v2_2_1.session_enums import ProfileType, SessionStatus


class ChargingPreferences(OcpiModel):
    """What the driver wants: `energy_need` in kWh; `discharge_allowed` absent is false."""

    RULES: ClassVar[Mapping[str, str]] = {"": "SES-019"}

    profile_type: Annotated[ProfileType | str, Open(ProfileType, "SES-021")]
    departure_time: DateTime | None = None
    energy_need: Number | None = None
    discharge_allowed: Flag | None = None


class Session(Remarkable):
    """One charging session; absent `total_cost` is unknown, not free (SES-053)."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "SES-048",
        "country_code": "SES-046",
        "party_id": "SES-046",
        "id": "SES-046",
        "start_date_time": "SES-047",
        "authorization_reference": "SES-050",
        "location_id": "SES-051",
        "evse_uid": "SES-051",
        "connector_id": "SES-051",
        "meter_id": "SES-052",
        "charging_periods": "SES-052",
        "total_cost": "SES-052",
    }

    country_code: CountryCode
    party_id: PartyId
    id: Id
    start_date_time: DateTime
    end_date_time: DateTime | None = None
    kwh: Number
    cdr_token: CdrToken
    auth_method: Annotated[AuthMethod | str, Open(AuthMethod, "CDR-057")]
    authorization_reference: Annotated[str, CiString(36)] | None = None
    location_id: Id
    evse_uid: Id
    connector_id: Id
    meter_id: Annotated[str, String(255)] | None = None
    currency: Annotated[str, String(3, "^[A-Z]{3}$", "SES-048", "no ISO 4217 code:")]
    charging_periods: Many[ChargingPeriod] = ()
    total_cost: Price | None = None
    status: Annotated[SessionStatus | str, Open(SessionStatus, "SES-042")]
    last_updated: DateTime

    def remarks(self) -> Iterator[Remark]:
        if self.status != SessionStatus.RESERVATION:
            for name, value in (("evse_uid", self.evse_uid), ("connector_id", self.connector_id)):
                if value == NOT_AVAILABLE:
                    yield name, "#NA, but this is no reservation", "SES-051"
        if self.location_id == NOT_AVAILABLE:
            yield "location_id", "#NA, but every session has one", "MTYP-014"
        if too_much(self.charging_periods, self.kwh):
            yield "charging_periods", "ENERGY is far more than kwh; is it in Wh?", "SES-056"


SessionPatch = patch_of(Session, "TR-039")
