"""The smallest words of the wire: ids, parties, roles, times, numbers, texts.

Source: OCPI 2.2.1, types.asciidoc; `PartyRef` is the pair of routing headers. The classes with a
core schema are metadata for pydantic: `Annotated[str, CiString(36)]`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ocpi_hub.ocpi.finding import OcpiModel, Open, tolerate


class Role(StrEnum):
    """What a party does in the market (types: Role enum)."""

    CPO = "CPO"
    EMSP = "EMSP"
    HUB = "HUB"
    NAP = "NAP"
    NSP = "NSP"
    OTHER = "OTHER"
    SCSP = "SCSP"


class InterfaceRole(StrEnum):
    """Which side of a module an endpoint is: the data owner's or the data taker's."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class ConnectionStatus(StrEnum):
    """Whether the hub can reach a party (hubclientinfo: ConnectionStatus enum)."""

    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


def fold(ci_string: str) -> str:
    """The form in which CiStrings are compared, such as `NL` for `nl` (TYP-001).

    Other signs than ASCII stay: the upper case of some is ASCII (`ß`), and they would pass for
    somebody else's.
    """
    return ci_string.upper() if ci_string.isascii() else ci_string


@dataclass(frozen=True, slots=True, eq=False)
class PartyRef:
    """A party: country code and party id, spelled as received, compared without regard to case."""

    country_code: str
    party_id: str
    key: tuple[str, str] = field(init=False, repr=False)
    """Folded; what parties are compared by."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (fold(self.country_code), fold(self.party_id)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartyRef) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return f"{self.country_code}-{self.party_id}"


def format_datetime(moment: datetime) -> str:
    """An aware time as OCPI writes it: UTC, `Z`, at most milliseconds (string(25))."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    fraction = "milliseconds" if utc.microsecond >= 1000 else "seconds"  # noqa: PLR2004 - in one
    return utc.isoformat(timespec=fraction)[:-6] + "Z"


_DATETIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z?"
_is_datetime = re.compile(_DATETIME).fullmatch


def parse_datetime(text: str) -> datetime:
    """An OCPI DateTime, with `Z` or without (UTC either way); ValueError for any other form.

    Fractions beyond microseconds are cut (TYP-009 to TYP-011).
    """
    if not _is_datetime(text):
        raise ValueError("a UTC time such as 2015-06-29T20:39:09Z is expected")
    return _moment(text)


@lru_cache(4096)  # an object and its parts often bear the same one
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text if text[-1] == "Z" else f"{text}Z")


@dataclass(frozen=True, slots=True)
class CiString:
    """Printable ASCII of at most so many characters, compared by `fold` (TYP-001, TYP-003)."""

    most: int
    least: int = 0

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(
            strict=True, min_length=self.least, max_length=self.most, pattern="^[ -~]*$"
        )


@dataclass(frozen=True, slots=True)
class String:
    """A text of at most so many characters, not bytes (TYP-006), in one form.

    Another form is a finding under `rule`, or refuses the object when `refuse` is set. The default
    form is printable (TYP-004): public data is full of stray tabs, so they cost nobody a location.
    """

    most: int
    form: str = r"^[^\x00-\x1f\x7f-\x9f]*$"
    rule: str = "TYP-004"
    text: str = "control characters in"
    refuse: bool = False

    def obeys(self, value: Any) -> bool:
        return re.fullmatch(self.form, value) is not None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        obeyed = core_schema.str_schema(strict=True, max_length=self.most, pattern=self.form)
        if self.refuse:
            return obeyed
        tolerated = core_schema.str_schema(strict=True, max_length=self.most)
        return tolerate(obeyed, tolerated)


class _DateTime:
    """The text of a DateTime in, an aware UTC time out; `Z` when dumped (TYP-007)."""

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            _moment,
            core_schema.str_schema(strict=True, pattern=f"^{_DATETIME}$"),
            serialization=core_schema.plain_serializer_function_ser_schema(format_datetime),
        )


class _Number:
    """Integers and Decimals in, a Decimal out; no texts, no floats (MTYP-008, TYP-013)."""

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        exact = core_schema.union_schema(
            [core_schema.is_instance_schema(Decimal), core_schema.int_schema(strict=True)],
            mode="left_to_right",
            custom_error_type="number",
            custom_error_message="a number is expected",
        )
        return core_schema.no_info_after_validator_function(Decimal, exact)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer within bounds; `230.0` is one too, a text is none."""

    least: int | None = None
    most: int | None = None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        decimal = core_schema.is_instance_schema(Decimal)
        integral = core_schema.int_schema(ge=self.least, le=self.most)
        return core_schema.union_schema(
            [
                core_schema.int_schema(strict=True, ge=self.least, le=self.most),
                core_schema.chain_schema([decimal, integral]),
            ],
            mode="left_to_right",
            custom_error_type="whole",
            custom_error_message="an integer in its range is expected",
        )


_MOST_ENTRIES = 10_000


def _bounded(value: Any) -> Any:
    """Lists stop at their first broken entry and hold at most 10,000.

    A body of 1 MiB can hold a million broken entries, and to report them all took 20 s and 2 GB.
    """
    if isinstance(value, list) and len(value) > _MOST_ENTRIES:
        raise PydanticCustomError("too_long", "more than 10,000 entries")
    return value


def _none_is_empty(value: Any) -> Any:
    return () if value is None else _bounded(value)


def _at_least_one(value: Any) -> Any:
    """After the entries, since a tuple's own minimum counts broken entries as missing."""
    if not value:
        raise PydanticCustomError("too_short", "at least one entry is required")
    return value


T = TypeVar("T")

Flag = Annotated[bool, Strict()]
DateTime = Annotated[datetime, _DateTime()]
Number = Annotated[Decimal, _Number()]
_List = Annotated[tuple[T, ...], Field(fail_fast=True)]
Many = Annotated[_List[T], BeforeValidator(_none_is_empty)]  # cardinality * (TYP-017)
Some = Annotated[_List[T], BeforeValidator(_bounded), AfterValidator(_at_least_one)]  # + (TYP-018)

Id = Annotated[str, CiString(36, least=1)]
CountryCode = Annotated[str, String(2, "^[A-Za-z]{2}$", refuse=True)]
PartyId = Annotated[str, String(3, "^[A-Za-z0-9]{3}$", refuse=True)]
Url = Annotated[
    str, String(255, r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$", "TYP-014", "no absolute URL:")
]
# Addresses that the hub calls; anything else is unusable (VER-020).
EndpointUrl = Annotated[str, String(255, r"^https?://[!-~]+$", refuse=True)]


class DisplayText(OcpiModel):
    """A text for people, in a language of ISO 639-1; markup is a finding (MTYP-007)."""

    RULES: ClassVar[Mapping[str, str]] = {"": "TYP-021"}

    language: Annotated[str, String(2, "^[A-Za-z]{2}$", refuse=True)]
    text: Annotated[str, String(512, r"^[^<>\x00-\x1f\x7f-\x9f]*$", "MTYP-007", "markup in")]


class Price(OcpiModel):
    """An amount without and with VAT."""

    RULES: ClassVar[Mapping[str, str]] = {"": "MTYP-010"}

    excl_vat: Number
    incl_vat: Number | None = None


class ImageCategory(StrEnum):
    CHARGER = "CHARGER"
    ENTRANCE = "ENTRANCE"
    LOCATION = "LOCATION"
    NETWORK = "NETWORK"
    OPERATOR = "OPERATOR"
    OTHER = "OTHER"
    OWNER = "OWNER"


class Image(OcpiModel):
    """Where to fetch a picture; width and height in pixels."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-123"}

    url: Url
    thumbnail: Url | None = None
    category: Annotated[ImageCategory | str, Open(ImageCategory, "LOC-125")]
    type: Annotated[str, CiString(4)]
    width: Annotated[int, Whole(0, 99999)] | None = None
    height: Annotated[int, Whole(0, 99999)] | None = None


class BusinessDetails(OcpiModel):
    """Who is behind a party, an operator or an owner."""

    RULES: ClassVar[Mapping[str, str]] = {"": "LOC-109"}

    name: Annotated[str, String(100)]
    website: Url | None = None
    logo: Image | None = None
