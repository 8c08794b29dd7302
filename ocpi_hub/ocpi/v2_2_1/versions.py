"""The two documents by which platforms find each other (version_information_endpoint.asciidoc)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open
from ocpi_hub.ocpi.primitives import EndpointUrl, InterfaceRole, Some, String


class Version(OcpiModel):
    """An entry of the versions list; readers skip numbers that they do not know (VER-010)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "VER-001"}

    version: Annotated[str, String(255)]
    url: EndpointUrl


class EndpointEntry(OcpiModel):
    """One interface of one module; custom modules may stand here too (VER-010)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "VER-003", "url": "VER-020"}

    identifier: Annotated[str, String(255)]
    role: Annotated[InterfaceRole | str, Open(InterfaceRole, "VER-009")]
    url: EndpointUrl


class VersionDetails(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "VER-002", "endpoints": "VER-020"}

    version: Annotated[str, String(255)]
    endpoints: Some[EndpointEntry]
