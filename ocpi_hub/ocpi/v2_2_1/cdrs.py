"""CDRs (mod_cdrs.asciidoc): the sealed record that is billed.

The hub settles nothing, so sums that do not add up, periods out of order and the like are findings.
Refused is what two parties could not even refer to: no id, a credit of nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable, breach
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
    Some,
    String,
    Whole,
    fold,
)
from ocpi_hub.ocpi.v2_2_1.cdr_enums import SESSION_ONLY, SIGNED, AuthMethod, CdrDimensionType
from ocpi_hub.ocpi.v2_2_1.location_enums import (
    ConnectorFormat,
    ConnectorType,
    PowerType,
    TokenType,
)
from ocpi_hub.ocpi.v2_2_1.locations import GeoLocation
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff

NOT_AVAILABLE = "#NA"
_LONGEST_ID = 36  # of a CDR that credits nothing
_UNSIGNED = frozenset(CdrDimensionType) - SIGNED
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what stands for a time that nobody knows
_CENT = Decimal("0.01")
_MINUTE = Decimal(1) / 60  # hours
_WH = 10  # kWh that were meant as Wh are 1000 times too many


def _printable(most: int) -> str:
    return rf"^[^\x00-\x1f\x7f-\x9f]{{0,{most}}}$"


class CdrToken(OcpiModel):
    """Who charged: the token and its owner, as they were."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CDR-072"}

    country_code: CountryCode
    party_id: PartyId
    uid: Id
    type: Annotated[TokenType | str, Open(TokenType, "TOK-044")]
    contract_id: Id


class CdrDimension(Remarkable):
    """kWh, hours, A over all phases, kW, or per cent, by `type` (CDR-060)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CDR-058"}

    type: Annotated[CdrDimensionType | str, Open(CdrDimensionType, "CDR-059")]
    volume: Number

    def remarks(self) -> Iterator[Remark]:
        if self.type == CdrDimensionType.STATE_OF_CHARGE and not 0 <= self.volume <= 100:  # noqa: PLR2004 - per cent
            yield "volume", "STATE_OF_CHARGE is a percentage", "CDR-060"
        elif self.volume < 0 and self.type in _UNSIGNED:
            yield "volume", f"{self.type} cannot be negative", "CDR-061"


class ChargingPeriod(OcpiModel):
    """Ends where the next one starts; without `tariff_id` no tariff is relevant (CDR-065)."""

    RULES: ClassVar[Mapping[str, str]] = {
        "": "CDR-064",
        "dimensions": "CDR-046",
        "tariff_id": "CDR-065",
    }

    start_date_time: DateTime
    dimensions: Some[CdrDimension]
    tariff_id: Id | None = None


class CdrLocation(OcpiModel):
    """Where it was. A Location's longer address and state are found, not refused (CDR-068)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CDR-067", "evse_id": "CDR-069"}

    id: Id
    name: Annotated[str, String(255)] | None = None
    address: Annotated[str, String(255, _printable(45), "CDR-068", "not within 45 characters:")]
    city: Annotated[str, String(45)]
    postal_code: Annotated[str, String(10)] | None = None
    state: (
        Annotated[str, String(45, _printable(20), "CDR-068", "not within 20 characters:")] | None
    ) = None
    country: Annotated[str, String(3, "^[A-Z]{3}$", "CDR-067", "no ISO 3166-1 alpha-3 code:")]
    coordinates: GeoLocation
    evse_uid: Id
    evse_id: Annotated[str, CiString(48)]
    connector_id: Id
    connector_standard: Annotated[ConnectorType | str, Open(ConnectorType, "LOC-114")]
    connector_format: Annotated[ConnectorFormat | str, Open(ConnectorFormat, "LOC-113")]
    connector_power_type: Annotated[PowerType | str, Open(PowerType, "LOC-113")]

    @property
    def without_connector(self) -> bool:
        return NOT_AVAILABLE in {self.evse_uid, self.evse_id, self.connector_id}


class SignedValue(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CDR-074"}

    nature: Annotated[str, CiString(32)]
    plain_data: Annotated[str, String(5000, r"^[\s\S]*$")]
    signed_data: Annotated[str, String(5000, r"^[\s\S]*$")]


class SignedData(OcpiModel):
    """What the meter signed; every sign of it counts (CDR-075)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CDR-073"}

    encoding_method: Annotated[str, CiString(36)]
    encoding_method_version: Annotated[int, Whole()] | None = None
    public_key: Annotated[str, String(512, r"^[\s\S]*$")] | None = None
    signed_values: Some[SignedValue]
    url: Annotated[str, String(512)] | None = None


class Cdr(Remarkable):
    """Energy in kWh, times in hours, costs in `currency`.

    Of a credit only `total_cost` is negative (CDR-009).
    """

    RULES: ClassVar[Mapping[str, str]] = {
        "": "CDR-049",
        "country_code": "CDR-038",
        "party_id": "CDR-038",
        "id": "CDR-038",
        "start_date_time": "CDR-040",
        "end_date_time": "CDR-040",
        "session_id": "CDR-042",
        "cdr_token": "CDR-043",
        "auth_method": "CDR-043",
        "authorization_reference": "CDR-045",
        "cdr_location": "CDR-043",
        "currency": "CDR-043",
        "tariffs": "CDR-047",
        "charging_periods": "CDR-046",
        "total_cost": "CDR-043",
        "total_energy": "CDR-043",
        "total_time": "CDR-043",
        "last_updated": "CDR-043",
    }

    country_code: CountryCode
    party_id: PartyId
    id: Annotated[str, CiString(39, least=1)]
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: Id | None = None
    cdr_token: CdrToken
    auth_method: Annotated[AuthMethod | str, Open(AuthMethod, "CDR-057")]
    authorization_reference: Annotated[str, CiString(36)] | None = None
    cdr_location: CdrLocation
    meter_id: Annotated[str, String(255)] | None = None
    currency: Annotated[str, String(3, "^[A-Z]{3}$", "CDR-043", "no ISO 4217 code:")]
    tariffs: Many[Tariff] = ()
    charging_periods: Some[ChargingPeriod]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Number
    total_energy_cost: Price | None = None
    total_time: Number
    total_time_cost: Price | None = None
    total_parking_time: Number | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: Annotated[str, String(255)] | None = None
    invoice_reference_id: Annotated[str, CiString(39)] | None = None
    credit: Flag | None = None
    credit_reference_id: Annotated[str, CiString(39)] | None = None
    home_charging_compensation: Flag | None = None
    last_updated: DateTime

    @model_validator(mode="after")
    def _credits_something(self) -> Self:
        if self.credit and not self.credit_reference_id:
            raise breach("credit_reference_id", "required beside credit", "CDR-008")
        if not self.credit and len(self.id) > _LONGEST_ID:
            raise breach("id", "longer than 36 characters, but no credit", "CDR-039")
        if self.credit and fold(self.id) == fold(self.credit_reference_id or ""):
            raise breach("id", "that of the CDR which is credited", "CDR-007")
        return self

    def remarks(self) -> Iterator[Remark]:
        yield from self._about_credit()
        yield from self._about_time()
        yield from self._about_energy()
        yield from self._about_periods()
        yield from self._about_money()

    def _about_credit(self) -> Iterator[Remark]:
        if not self.credit and self.credit_reference_id:
            yield "credit_reference_id", "set, but credit is not", "CDR-056"
        if not self.credit and self.total_cost.excl_vat < 0:
            yield "total_cost", "negative, but this is no credit", "CDR-010"

    def _about_time(self) -> Iterator[Remark]:
        if _EPOCH in {self.start_date_time, self.end_date_time}:
            yield "start_date_time", "1970 stands for an unknown time", "CDR-041"
            return
        span = Decimal((self.end_date_time - self.start_date_time).total_seconds()) / 3600
        if span < 0:
            yield "end_date_time", "earlier than start_date_time", "CDR-040"
        spent = self.total_time + self._volume(CdrDimensionType.RESERVATION_TIME)
        if not self.total_time - _MINUTE <= span <= spent + _MINUTE:
            yield "total_time", "not the hours from start to end", "CDR-052"
        if (self.total_parking_time or 0) > self.total_time + _MINUTE:
            yield "total_parking_time", "longer than total_time", "CDR-053"

    def _about_energy(self) -> Iterator[Remark]:
        if self.cdr_location.without_connector and self.total_energy > 0:
            yield "cdr_location", "#NA, but energy was charged", "CDR-069"
        if too_much(self.charging_periods, self.total_energy):
            yield "charging_periods", "ENERGY is far more than total_energy; in Wh?", "CDR-060"

    def _about_periods(self) -> Iterator[Remark]:
        starts = [self.start_date_time, *(each.start_date_time for each in self.charging_periods)]
        if starts != sorted(starts):
            yield "charging_periods", "not in the order of time", "CDR-066"
        known = {fold(tariff.id) for tariff in self.tariffs}
        for place, period in enumerate(self.charging_periods):
            if period.tariff_id and fold(period.tariff_id) not in known:
                yield f"charging_periods.{place}.tariff_id", "not among tariffs", "CDR-047"
            if not SESSION_ONLY.isdisjoint(dimension.type for dimension in period.dimensions):
                yield f"charging_periods.{place}.dimensions", "one is for Sessions only", "CDR-059"

    def _about_money(self) -> Iterator[Remark]:
        if any(tariff.currency != self.currency for tariff in self.tariffs):
            yield "currency", "not that of tariffs", "CDR-076"
        costs = [cost.excl_vat for cost in self._costs()]
        bounded = any(tariff.min_price or tariff.max_price for tariff in self.tariffs)
        gap = abs(abs(self.total_cost.excl_vat) - sum(costs, Decimal(0)))
        if costs and not bounded and gap > _CENT * len(costs):
            yield "total_cost", "not the sum of the costs", "CDR-050"

    def _costs(self) -> Iterator[Price]:
        for cost in (
            self.total_fixed_cost,
            self.total_energy_cost,
            self.total_time_cost,
            self.total_parking_cost,
            self.total_reservation_cost,
        ):
            if cost is not None:
                yield cost

    def _volume(self, dimension: CdrDimensionType) -> Decimal:
        return volume(self.charging_periods, dimension)


def volume(periods: Sequence[ChargingPeriod], wanted: CdrDimensionType) -> Decimal:
    """How much of a dimension all periods have together."""
    return sum(
        (each.volume for period in periods for each in period.dimensions if each.type == wanted),
        Decimal(0),
    )


def too_much(periods: Sequence[ChargingPeriod], kwh: Decimal) -> bool:
    """Whether the periods' ENERGY can only be in Wh; nobody rescales it silently (SES-056)."""
    return volume(periods, CdrDimensionType.ENERGY) > _WH * max(kwh, Decimal(1))
