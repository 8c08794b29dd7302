"""Tariffs (mod_tariffs.asciidoc). The hub passes them on and prices nothing.

What a reader could not price without guessing is a finding.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable
from ocpi_hub.ocpi.primitives import (
    CountryCode,
    DateTime,
    DisplayText,
    Id,
    Many,
    Number,
    PartyId,
    Price,
    Some,
    String,
    Url,
    Whole,
)
from ocpi_hub.ocpi.v2_2_1.locations import EnergyMix
from ocpi_hub.ocpi.v2_2_1.tariff_enums import (
    DayOfWeek,
    ReservationRestrictionType,
    TariffDimensionType,
    TariffType,
)

_Clock = Annotated[
    str, String(5, "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", "TAR-053", "no time of day HH:MM:")
]
_Date = Annotated[
    str,
    String(10, "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$", "TAR-054", "no date:"),
]
_OF_RESERVATIONS = frozenset({TariffDimensionType.FLAT, TariffDimensionType.TIME})


class PriceComponent(OcpiModel):
    """What one dimension costs: `price` per kWh, hour or occurrence without VAT, `vat` in %.

    Absent `vat` is no VAT, which is not 0 % (TAR-044). `step_size` in Wh or seconds; the text's own
    example of a free tariff has 0 (TAR-040).
    """

    RULES: ClassVar[Mapping[str, str]] = {"": "TAR-042"}

    type: Annotated[TariffDimensionType | str, Open(TariffDimensionType, "TAR-049")]
    price: Number
    vat: Number | None = None
    step_size: Annotated[int, Whole(0)]


class TariffRestrictions(OcpiModel):
    """When an element applies: all that are given hold together (TAR-051).

    Energy in kWh, current in A, power in kW, durations in seconds; times and dates are local.
    """

    RULES: ClassVar[Mapping[str, str]] = {
        "": "TAR-051",
        "start_time": "TAR-053",
        "end_time": "TAR-053",
        "start_date": "TAR-054",
        "end_date": "TAR-054",
        "min_duration": "TAR-058",
        "max_duration": "TAR-058",
        "day_of_week": "TAR-059",
    }

    start_time: _Clock | None = None
    end_time: _Clock | None = None
    start_date: _Date | None = None
    end_date: _Date | None = None
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: Annotated[int, Whole(0)] | None = None
    max_duration: Annotated[int, Whole(0)] | None = None
    day_of_week: Many[Annotated[DayOfWeek | str, Open(DayOfWeek, "TAR-059")]] = ()
    reservation: (
        Annotated[ReservationRestrictionType | str, Open(ReservationRestrictionType, "TAR-061")]
        | None
    ) = None

    @property
    def restrict(self) -> bool:
        return any(value is not None and value != () for _, value in self)


class TariffElement(Remarkable):
    RULES: ClassVar[Mapping[str, str]] = {"": "TAR-022", "restrictions": "TAR-051"}

    price_components: Some[PriceComponent]
    restrictions: TariffRestrictions | None = None

    @property
    def reserves(self) -> bool:
        """Whether it prices reservations, and nothing else (TAR-061)."""
        return self.restrictions is not None and self.restrictions.reservation is not None

    @property
    def restricted(self) -> bool:
        return self.restrictions is not None and self.restrictions.restrict

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(component.type for component in self.price_components)

    def remarks(self) -> Iterator[Remark]:
        if self.reserves and not _OF_RESERVATIONS.issuperset(self.dimensions):
            yield "price_components", "a reservation costs FLAT or TIME only", "TAR-062"
        if len(set(self.dimensions)) < len(self.dimensions):
            yield "price_components", "a dimension is priced twice", "TAR-069"


class Tariff(Remarkable):
    """What charging costs; without `type` for all sessions (TAR-023)."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "TAR-021",
        "elements": "TAR-022",
        "type": "TAR-023",
        "tariff_alt_text": "TAR-026",
        "tariff_alt_url": "TAR-026",
        "min_price": "TAR-028",
        "max_price": "TAR-029",
        "start_date_time": "TAR-031",
        "end_date_time": "TAR-031",
        "energy_mix": "TAR-034",
    }

    country_code: CountryCode
    party_id: PartyId
    id: Id
    currency: Annotated[str, String(3, "^[A-Z]{3}$", "TAR-021", "no ISO 4217 code:")]
    type: Annotated[TariffType | str, Open(TariffType, "TAR-024")] | None = None
    tariff_alt_text: Many[DisplayText] = ()
    tariff_alt_url: Url | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    elements: Some[TariffElement]
    start_date_time: DateTime | None = None
    end_date_time: DateTime | None = None
    energy_mix: EnergyMix | None = None
    last_updated: DateTime

    def remarks(self) -> Iterator[Remark]:
        """A dimension costs nothing where no element applies, which is seldom meant."""
        start, end = self.start_date_time, self.end_date_time
        if start is not None and end is not None and end <= start:
            yield "end_date_time", "not later than start_date_time", "TAR-031"
        missing = self._dimensions(restricted=True) - self._dimensions(restricted=False)
        for dimension in sorted(missing):
            yield "elements", f"{dimension} is priced under restrictions only", "TAR-038"

    def _dimensions(self, *, restricted: bool) -> set[str]:
        """What the elements price that are for charging and restricted, or not."""
        return {
            dimension
            for element in self.elements
            if not element.reserves and element.restricted is restricted
            for dimension in element.dimensions
            if isinstance(dimension, TariffDimensionType)
        }
