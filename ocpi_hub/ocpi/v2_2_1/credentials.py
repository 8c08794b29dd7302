"""What two platforms tell each other when they connect (credentials.asciidoc).

The hub consumes these objects, so what elsewhere is a finding refuses them here: unknown roles
(TYP-005, TYP-015) and control characters in a name (TYP-004).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from ocpi_hub.ocpi.finding import OcpiModel, breach
from ocpi_hub.ocpi.primitives import (
    BusinessDetails,
    CountryCode,
    EndpointUrl,
    PartyId,
    PartyRef,
    Role,
    Some,
    String,
)


class CredentialsRole(OcpiModel):
    """A party in a role on the platform."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "CRED-038",
        "role": "TYP-015",
        "country_code": "TYP-023",
        "party_id": "TYP-023",
        "business_details": "TYP-022",
    }

    role: Role
    business_details: BusinessDetails
    party_id: PartyId
    country_code: CountryCode

    @model_validator(mode="after")
    def _has_a_printable_name(self) -> Self:
        if not self.business_details.name.isprintable():
            raise breach("business_details.name", "control characters in a text", "TYP-004")
        return self

    @property
    def party(self) -> PartyRef:
        return PartyRef(self.country_code, self.party_id)


class Credentials(OcpiModel):
    """A plain token, the address of the versions list, and every role once."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CRED-034", "token": "CRED-035"}

    token: Annotated[str, String(64, "^[!-~]{1,64}$", refuse=True)]
    url: EndpointUrl
    roles: Some[CredentialsRole]

    @model_validator(mode="after")
    def _lists_every_role_once(self) -> Self:
        triples = [(role.party, role.role) for role in self.roles]
        if len(set(triples)) < len(triples):
            raise breach("roles", "a party is listed twice in one role", "CRED-036")
        return self
