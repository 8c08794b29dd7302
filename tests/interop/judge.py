"""What a stranger says of our objects: the types of `ocpi-types`, a class for each kind.

`faults` reads an object into the stranger's class and writes it out again: a required member that
is missing, a wrong type or an unknown value stops the reading, and a member that OCPI does not
name is gone from what was written. Lengths and formats it does not look at.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ocpi_types import v2_2_1 as stranger

from tests import build


def faults(kind: str, value: Any) -> list[str]:
    """What is wrong with an object of this class (`Location`, `Cdr`, ...); empty if nothing is."""
    plain = _plain(value)
    try:
        written = getattr(stranger, kind).from_dict(plain).to_dict()
    except (AssertionError, ValueError, KeyError, AttributeError) as error:
        return [f"{kind}: {error!r} in {plain}"]
    return [f"{kind}{path}" for path in _lost(plain, written)]


def patch_faults(kind: str, patch: Any) -> list[str]:
    """A PATCH names some members; they must fit into a whole object."""
    return faults(kind, WHOLE[kind] | patch)


WHOLE = {
    "Location": build.a_location(),
    "Evse": build.an_evse(),
    "Connector": build.a_connector(),
    "Session": build.a_session(),
    "Token": build.a_token(),
}


def _plain(value: Any) -> Any:
    """Without members that are null, which is the same as absent; numbers as Python has them."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _lost(given: Any, written: Any, path: str = "") -> Iterator[str]:
    """Where something was dropped or changed."""
    if isinstance(given, dict) and isinstance(written, dict):
        for name, each in given.items():
            yield from _lost(each, written.get(name), f"{path}.{name}")
    elif isinstance(given, list) and isinstance(written, list) and len(given) == len(written):
        for one, other in zip(given, written, strict=True):
            yield from _lost(one, other, f"{path}[]")
    elif given != written:
        yield path
