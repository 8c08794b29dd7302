"""Charging profiles: limits over time, responses and results (mod_charging_profiles.asciidoc)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from ocpi_hub.ocpi.finding import OcpiModel, Open, Remark, Remarkable
from ocpi_hub.ocpi.primitives import DateTime, EndpointUrl, Many, Number, Whole


class ChargingProfileResponseType(StrEnum):
    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class ChargingProfileResultType(StrEnum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


class ChargingRateUnit(StrEnum):
    """W is the total power, A the current of each phase (CHP-036)."""

    W = "W"
    A = "A"


class ChargingProfilePeriod(Remarkable):
    """From `start_period` seconds after the profile's start until the next period."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-038"}

    start_period: Annotated[int, Whole(0)]
    limit: Number

    def remarks(self) -> Iterator[Remark]:
        if not _one_decimal(self.limit):
            yield "limit", "more than one decimal digit", "CHP-037"


class ChargingProfile(Remarkable):
    """Without `start_date_time` relative to the start of charging, without `duration` open-ended.

    `duration` in seconds.
    """

    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-034"}

    start_date_time: DateTime | None = None
    duration: Annotated[int, Whole(0)] | None = None
    charging_rate_unit: Annotated[ChargingRateUnit | str, Open(ChargingRateUnit, "CHP-036")]
    min_charging_rate: Number | None = None
    charging_profile_period: Many[ChargingProfilePeriod] = ()

    def remarks(self) -> Iterator[Remark]:
        if self.min_charging_rate is not None and not _one_decimal(self.min_charging_rate):
            yield "min_charging_rate", "more than one decimal digit", "CHP-037"
        starts = [period.start_period for period in self.charging_profile_period]
        if starts != sorted(set(starts)):
            yield "charging_profile_period", "start_period does not ascend", "CHP-038"


class ActiveChargingProfile(OcpiModel):
    """All periods count from this `start_date_time`, when the charge point worked it out."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-033"}

    start_date_time: DateTime
    charging_profile: ChargingProfile


class SetChargingProfile(OcpiModel):
    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-029"}

    charging_profile: ChargingProfile
    response_url: EndpointUrl


class ChargingProfileResponse(OcpiModel):
    """What the CPO says at once; the result follows within `timeout` seconds, or not at all."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-015"}

    result: Annotated[
        ChargingProfileResponseType | str, Open(ChargingProfileResponseType, "CHP-016")
    ]
    timeout: Annotated[int, Whole(0)]


class ActiveChargingProfileResult(Remarkable):
    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-030"}

    result: Annotated[ChargingProfileResultType | str, Open(ChargingProfileResultType, "CHP-032")]
    profile: ActiveChargingProfile | None = None

    def remarks(self) -> Iterator[Remark]:
        if self.result == ChargingProfileResultType.ACCEPTED and self.profile is None:
            yield "profile", "absent, but the result is ACCEPTED", "CHP-030"


class ChargingProfileResult(OcpiModel):
    """What became of a profile that was set."""

    RULES: ClassVar[Mapping[str, str]] = {"": "CHP-031"}

    result: Annotated[ChargingProfileResultType | str, Open(ChargingProfileResultType, "CHP-032")]


class ClearProfileResult(ChargingProfileResult):
    """What became of a profile that was taken away."""


def _one_decimal(number: Decimal) -> bool:
    return number * 10 == (number * 10).to_integral_value()
