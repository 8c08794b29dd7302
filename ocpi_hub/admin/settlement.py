"""The terms of billing in an agreement: checked when they are given, kept and shown as they are."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ocpi_hub.admin.door import Question
from ocpi_hub.admin.pages import Text

Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=6, allow_inf_nan=False)]
Party = Annotated[str, Field(pattern=r"^[A-Za-z]{2}-[A-Za-z0-9]{3}$"), AfterValidator(str.upper)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Tolerance(Question):
    """How far a CDR's stated price may be from the hub's before it is held: the larger one."""

    amount: Amount = Decimal(0)
    percent: Percent = Decimal(0)


class Rounding(Question):
    """How the net amount of a CDR is rounded, once; null: the decimals of the currency."""

    mode: Literal["half_up", "half_even", "up"] = "half_up"
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None


class VatFacts(Question):
    """What decides the VAT on documents of a party."""

    party: Party
    country: Country
    vat_id: Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Za-z0-9+*]{2,13}$")] | None = None
    dealer: bool = False
    reverse_charge: bool = False


class Fee(Question):
    """What a party pays to the hub."""

    payer: Party
    kind: Literal["fixed", "per_session", "per_kwh", "percent"]
    value: Amount
    text: Text = ""


class Settlement(Question):
    """`currency` null: that of each CDR. `period_of`: which time puts a CDR into its period."""

    price_source: Literal["cdr_total", "hub_rerated", "lower_of_both"] = "cdr_total"
    tolerance: Tolerance = Tolerance()
    period: Literal["day", "week", "month"] = "month"
    period_of: Literal["session_end_local", "session_end_utc", "receipt_utc"] = "session_end_local"
    currency: Currency | None = None
    rounding: Rounding = Rounding()
    dispute_days: Annotated[int, Field(ge=0, le=365)] = 5
    due_days: Annotated[int, Field(ge=0, le=365)] = 30
    vat: list[VatFacts] = Field([], max_length=2)
    fees: list[Fee] = Field([], max_length=20)
