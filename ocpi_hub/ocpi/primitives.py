"""The smallest words of the wire: ids, parties, roles, times, numbers, texts.

Source: OCPI 2.2.1, types.asciidoc; `PartyRef` is the pair of routing headers.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


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
    """The form in which CiStrings are compared, such as `NL` for `nl` (TYP-001)."""
    return ci_string.upper()


@dataclass(frozen=True, slots=True, eq=False)
class PartyRef:
    """A party: country code and party id, spelled as received, compared without regard to case."""

    country_code: str
    party_id: str

    @property
    def key(self) -> tuple[str, str]:
        return fold(self.country_code), fold(self.party_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartyRef) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return f"{self.country_code}-{self.party_id}"


def format_datetime(moment: datetime) -> str:
    """An aware time as OCPI writes it: UTC, `Z`, at most milliseconds (string(25))."""
    utc = moment.astimezone(UTC)
    text = utc.strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = utc.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z?")


def parse_datetime(text: str) -> datetime:
    """An OCPI DateTime, with `Z` or without (UTC either way); ValueError for any other form.

    Fractions beyond microseconds are cut (TYP-009 to TYP-011).
    """
    if not _DATETIME.fullmatch(text):
        raise ValueError("a UTC time such as 2015-06-29T20:39:09Z is expected")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
