"""What the hub asks of every push that is addressed to it, and what it says of one that it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocpi_hub.modules.store import Written
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.ocpi.status import InvalidParameter


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a push, and the conformance remarks on it for the journal."""

    written: Written
    findings: tuple[str, ...]


def an_object(value: Any) -> Mapping[str, Any]:
    """The body as an object; InvalidParameter when it is none."""
    if not isinstance(value, dict):
        raise InvalidParameter("body: must be a JSON object")
    return value


def same(member: str, value: Mapping[str, Any], expected: str) -> None:
    """A member that is there says the same as the URL, in whatever case (TR-054, TR-055)."""
    found = value.get(member)
    if found is None:
        return
    if not isinstance(found, str) or fold(found) != fold(expected):
        raise InvalidParameter(f"{member}: differs from the URL's {expected}")
