"""Locations, EVSEs and connectors (mod_locations.asciidoc).

A PATCH has models of its own, in which everything but `last_updated` is optional (TR-039).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable, breach, patch_of
from ocpi_hub.ocpi.primitives import (
    BusinessDetails,
    CiString,
    CountryCode,
    DateTime,
    DisplayText,
    Flag,
    Id,
    Image,
    Many,
    Number,
    PartyId,
    Some,
    String,
    Url,
    Whole,
)
from ocpi_hub.ocpi.v2_2_1.location_enums import (
    Capability,
    ConnectorFormat,
    ConnectorType,
    EnergySourceCategory,
    EnvironmentalImpactCategory,
    Facility,
    ParkingRestriction,
    ParkingType,
    PowerType,
    Status,
    TokenType,
)

_Clock = Annotated[str, String(5, "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", refuse=True)]
_Latitude = Annotated[str, String(10, r"^-?[0-9]{1,2}\.[0-9]{5,7}$", refuse=True)]
_Longitude = Annotated[str, String(11, r"^-?[0-9]{1,3}\.[0-9]{5,7}$", refuse=True)]
_Country = Annotated[str, String(3, "^[A-Z]{3}$", "LOC-082", "no ISO 3166-1 alpha-3 code:")]
_TimeZone = Annotated[
    str, String(255, "^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$", "LOC-085", "no IANA time zone:")
]
_Status = Annotated[Status | str, Open(Status, "LOC-126")]


class GeoLocation(OcpiModel):
    """A point in WGS 84; decimal degrees as text with 5 to 7 decimals."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-107"}

    latitude: _Latitude
    longitude: _Longitude


class AdditionalGeoLocation(GeoLocation):
    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-108"}

    name: DisplayText | None = None


class PublishTokenType(OcpiModel):
    """Which tokens may see a location that is not published: all fields that are set must match."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-073"}

    uid: Id | None = None
    type: Annotated[TokenType | str, Open(TokenType, "LOC-073")] | None = None
    visual_number: Annotated[str, String(64)] | None = None
    issuer: Annotated[str, String(64)] | None = None
    group_id: Id | None = None

    @model_validator(mode="after")
    def _names_a_token(self) -> Self:
        if self.uid is None and self.visual_number is None and self.group_id is None:
            raise breach("uid", "one of uid, visual_number and group_id is required", "LOC-070")
        if self.uid is not None and self.type is None:
            raise breach("type", "required beside uid", "LOC-071")
        if self.visual_number is not None and self.issuer is None:
            raise breach("issuer", "required beside visual_number", "LOC-072")
        return self


class EnergySource(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-116"}

    source: Annotated[EnergySourceCategory | str, Open(EnergySourceCategory, "LOC-116")]
    percentage: Number


class EnvironmentalImpact(OcpiModel):
    """`amount` in grams per kWh."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-117"}

    category: Annotated[
        EnvironmentalImpactCategory | str, Open(EnvironmentalImpactCategory, "LOC-117")
    ]
    amount: Number


class EnergyMix(Remarkable):
    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-115"}

    is_green_energy: Flag
    energy_sources: Many[EnergySource] = ()
    environ_impact: Many[EnvironmentalImpact] = ()
    supplier_name: Annotated[str, String(64)] | None = None
    energy_product_name: Annotated[str, String(64)] | None = None

    def remarks(self) -> Iterator[Remark]:
        total = sum((source.percentage for source in self.energy_sources), Decimal(0))
        if self.energy_sources and total != 100:  # noqa: PLR2004 - per cent
            yield "energy_sources", "percentages do not add up to 100", "LOC-116"


class RegularHours(Remarkable):
    """Open on a weekday (1 is Monday) from begin to end, local wall time."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-122"}

    weekday: Annotated[int, Whole(1, 7)]
    period_begin: _Clock
    period_end: _Clock

    def remarks(self) -> Iterator[Remark]:
        if self.period_end <= self.period_begin:
            yield "period_end", "not later than period_begin", "LOC-122"


class ExceptionalPeriod(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-118"}

    period_begin: DateTime
    period_end: DateTime

    def overlaps(self, other: Self) -> bool:
        return self.period_begin < other.period_end and other.period_begin < self.period_end


class Hours(Remarkable):
    """Opening times: always, or by weekday; exceptions come on top."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-119"}

    twentyfourseven: Flag
    regular_hours: Many[RegularHours] = ()
    exceptional_openings: Many[ExceptionalPeriod] = ()
    exceptional_closings: Many[ExceptionalPeriod] = ()

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.twentyfourseven and self.regular_hours:
            raise breach("regular_hours", "only when twentyfourseven is false", "LOC-119")
        if not self.twentyfourseven and not self.regular_hours:
            raise breach("regular_hours", "required when twentyfourseven is false", "LOC-119")
        return self

    def remarks(self) -> Iterator[Remark]:
        for place, closing in enumerate(self.exceptional_closings):
            if any(closing.overlaps(opening) for opening in self.exceptional_openings):
                yield f"exceptional_closings.{place}", "while exceptionally open", "LOC-121"


class StatusSchedule(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-127"}

    period_begin: DateTime
    period_end: DateTime | None = None
    status: _Status


class Connector(OcpiModel):
    """`max_voltage` in V (line to neutral for AC_3_PHASE), `max_amperage` in A, power in W."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "LOC-099",
        "id": "LOC-098",
        "tariff_ids": "LOC-102",
        "terms_and_conditions": "LOC-105",
    }

    id: Id
    standard: Annotated[ConnectorType | str, Open(ConnectorType, "LOC-114")]
    format: Annotated[ConnectorFormat | str, Open(ConnectorFormat, "LOC-113")]
    power_type: Annotated[PowerType | str, Open(PowerType, "LOC-113")]
    max_voltage: Annotated[int, Whole()]
    max_amperage: Annotated[int, Whole()]
    max_electric_power: Annotated[int, Whole()] | None = None
    tariff_ids: Many[Id] = ()
    terms_and_conditions: Url | None = None
    last_updated: DateTime


class Evse(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {
        "": "LOC-094",
        "uid": "LOC-090",
        "evse_id": "LOC-092",
        "status": "LOC-093",
        "connectors": "LOC-093",
        "last_updated": "LOC-093",
    }

    uid: Id
    evse_id: Annotated[str, CiString(48)] | None = None
    status: _Status
    status_schedule: Many[StatusSchedule] = ()
    capabilities: Many[Annotated[Capability | str, Open(Capability, "LOC-110")]] = ()
    connectors: Some[Connector]
    floor_level: Annotated[str, String(4)] | None = None
    coordinates: GeoLocation | None = None
    physical_reference: Annotated[str, String(16)] | None = None
    directions: Many[DisplayText] = ()
    parking_restrictions: Many[
        Annotated[ParkingRestriction | str, Open(ParkingRestriction, "LOC-125")]
    ] = ()
    images: Many[Image] = ()
    last_updated: DateTime


class Location(Remarkable):
    """A place with its EVSEs; `charging_when_closed` absent means true (LOC-088)."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "LOC-086",
        "country_code": "LOC-076",
        "party_id": "LOC-077",
        "id": "LOC-078",
        "publish": "LOC-079",
        "name": "LOC-080",
        "address": "LOC-080",
        "city": "LOC-080",
        "postal_code": "LOC-080",
        "state": "LOC-080",
        "country": "LOC-080",
        "coordinates": "LOC-083",
        "related_locations": "LOC-083",
        "evses": "LOC-084",
        "time_zone": "LOC-085",
        "last_updated": "LOC-089",
    }

    country_code: CountryCode
    party_id: PartyId
    id: Id
    publish: Flag
    publish_allowed_to: Many[PublishTokenType] = ()
    name: Annotated[str, String(255)] | None = None
    address: Annotated[str, String(255)]
    city: Annotated[str, String(45)]
    postal_code: Annotated[str, String(10)] | None = None
    state: Annotated[str, String(45)] | None = None
    country: _Country
    coordinates: GeoLocation
    related_locations: Many[AdditionalGeoLocation] = ()
    parking_type: Annotated[ParkingType | str, Open(ParkingType, "LOC-125")] | None = None
    evses: Many[Evse] = ()
    directions: Many[DisplayText] = ()
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: Many[Annotated[Facility | str, Open(Facility, "LOC-125")]] = ()
    time_zone: _TimeZone
    opening_times: Hours | None = None
    charging_when_closed: Flag | None = None
    images: Many[Image] = ()
    energy_mix: EnergyMix | None = None
    last_updated: DateTime

    @model_validator(mode="after")
    def _hides_from_all_but_some(self) -> Self:
        if self.publish and self.publish_allowed_to:
            raise breach("publish_allowed_to", "only when publish is false", "LOC-066")
        return self

    def remarks(self) -> Iterator[Remark]:
        """A Location is as new as its newest part, an EVSE as its newest connector."""
        for place, evse in enumerate(self.evses):
            if evse.last_updated > self.last_updated:
                yield f"evses.{place}.last_updated", "later than the Location's", "LOC-089"
            if any(connector.last_updated > evse.last_updated for connector in evse.connectors):
                yield f"evses.{place}.connectors", "later than the EVSE's last_updated", "LOC-089"


LocationPatch = patch_of(Location, "TR-039")
EvsePatch = patch_of(Evse, "TR-039")
ConnectorPatch = patch_of(Connector, "TR-039")
