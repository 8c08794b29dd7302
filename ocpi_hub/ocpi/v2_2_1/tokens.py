"""Tokens and real-time authorization (mod_tokens.asciidoc)."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable, patch_of
from ocpi_hub.ocpi.primitives import (
    CiString,
    CountryCode,
    DateTime,
    DisplayText,
    Flag,
    Id,
    Many,
    PartyId,
    String,
)
from ocpi_hub.ocpi.v2_2_1.location_enums import TokenType
from ocpi_hub.ocpi.v2_2_1.session_enums import ProfileType

_LONGEST_GROUP = 20  # what OCPP 1.5 and 1.6 can tell a charger


class AllowedType(StrEnum):
    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


class WhitelistType(StrEnum):
    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class EnergyContract(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "TOK-043"}

    supplier_name: Annotated[str, String(64)]
    contract_id: Annotated[str, String(64)] | None = None


class Token(Remarkable):
    """What a driver shows; `valid` is false for one that is not to be used any more."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "TOK-036",
        "visual_number": "TOK-037",
        "group_id": "TOK-037",
        "language": "TOK-037",
        "default_profile_type": "TOK-037",
        "energy_contract": "TOK-037",
    }

    country_code: CountryCode
    party_id: PartyId
    uid: Id
    type: Annotated[TokenType | str, Open(TokenType, "TOK-044")]
    contract_id: Id
    visual_number: Annotated[str, String(64)] | None = None
    issuer: Annotated[str, String(64)]
    group_id: Id | None = None
    valid: Flag
    whitelist: Annotated[WhitelistType | str, Open(WhitelistType, "TOK-046")]
    language: Annotated[str, String(2, "^[a-z]{2}$", "TOK-037", "no ISO 639-1 code:")] | None = None
    default_profile_type: Annotated[ProfileType | str, Open(ProfileType, "SES-021")] | None = None
    energy_contract: EnergyContract | None = None
    last_updated: DateTime

    def remarks(self) -> Iterator[Remark]:
        if self.group_id and len(self.group_id) > _LONGEST_GROUP:
            yield "group_id", "longer than the 20 characters of OCPP 1.6", "TOK-040"


class LocationReferences(OcpiModel):
    """Where the driver stands; without `evse_uids` the whole Location is meant."""

    RULES: ClassVar[Mapping[str, str]] = {"": "TOK-035"}

    location_id: Id
    evse_uids: Many[Id] = ()


class AuthorizationInfo(Remarkable):
    """The eMSP's answer, with the token itself and where it may charge."""

    RULES: ClassVar[Mapping[str, str]] = {"": "TOK-031"}

    allowed: Annotated[AllowedType | str, Open(AllowedType, "TOK-034")]
    token: Token
    location: LocationReferences | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None
    info: DisplayText | None = None

    def remarks(self) -> Iterator[Remark]:
        if self.location is not None and self.allowed != AllowedType.ALLOWED:
            yield "location", "only where charging is allowed", "TOK-032"


TokenPatch = patch_of(Token, "TR-039")
