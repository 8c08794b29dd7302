"""Whom a platform can reach through the hub (mod_hub_client_info.asciidoc)."""

from collections.abc import Mapping
from typing import ClassVar

from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import ConnectionStatus, CountryCode, DateTime, PartyId, Role


class ClientInfo(OcpiModel):
    """One party in one role, and whether it is connected; all fields required (HCI-002)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "HCI-002", "status": "HCI-005", "role": "HCI-036"}

    party_id: PartyId
    country_code: CountryCode
    role: Role
    status: ConnectionStatus
    last_updated: DateTime
