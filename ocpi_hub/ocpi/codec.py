"""The only JSON of the hub: exact, strict, and able to cut a body into the bytes it is made of.

`decode` reads (numbers as int or Decimal), `encode` writes. The others never decode values: they
give, join and locate the received bytes of members and elements, and rely on a body that `decode`
accepted; anything else is NotJson at worst.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import jiter
import msgspec

from ocpi_hub.ocpi.status import InvalidParameter, NotJson

MAX_DEPTH = 64
MAX_DIGITS = 64
MAX_STRING = 64 * 1024
# A body of 8 MiB can hold four million values, and to read and check those stops everything else
# for seconds; the CDR of a whole week, minute by minute, has 90,000.
MAX_VALUES = 200_000

# What jiter lets pass and PostgreSQL or arithmetic cannot take: NUL, huge numbers, huge exponents.
# Substring searches find every body that can hold one (10 times faster than one pattern); only
# those are walked. Digits and points look alike in the searched copy, so do `e` and `E`.
_ALIKE = bytes.maketrans(b"123456789.E", b"0000000000e")
_MANY_DIGITS = b"0" * (MAX_DIGITS + 1)
# jiter's words for an integer of more than 4300 digits, and for an exponent beyond any Decimal
_OUT_OF_RANGE = ("number out of range", "Internal error")

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NULL = msgspec.Raw(b"null")
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_TO_MEMBER = re.compile(
    rb'[ \t\r\n]*[{,][ \t\r\n]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL
)
_END = re.compile(rb"[ \t\r\n]*\{?[ \t\r\n]*\}[ \t\r\n]*")
_TO_ELEMENT = re.compile(rb"[ \t\r\n]*[\[,][ \t\r\n]*")


def decode(body: bytes) -> Any:
    """The value of a JSON text: str, int, Decimal, bool, None, list, dict.

    NotJson for what is no JSON in UTF-8, and for NUL, duplicate members and more than 64 levels;
    InvalidParameter for numbers of more than 64 digits, strings of more than 64 KiB, and more than
    200,000 values.
    """
    opening = body.count(b"{") + body.count(b"[")
    if opening + body.count(b",") > MAX_VALUES:
        raise InvalidParameter(f"body: more than {MAX_VALUES} values")
    try:
        value = jiter.from_json(
            body, float_mode="decimal", catch_duplicate_keys=True, allow_inf_nan=False
        )
    except ValueError as error:
        if str(error).startswith(_OUT_OF_RANGE):
            raise InvalidParameter(f"body: a number has more than {MAX_DIGITS} digits") from None
        raise NotJson(f"body: {error}") from None
    if opening > MAX_DEPTH:
        _check_depth(value)
    if _suspicious(body.translate(_ALIKE)) or _has_long_run(body):
        for atom in _atoms(value):
            _check_atom(atom)
    return value


def _suspicious(alike: bytes) -> bool:
    return (
        b"\\u0000" in alike
        or b"0e00" in alike
        or b"0e+00" in alike
        or b"0e-00" in alike
        or _MANY_DIGITS in alike
    )


def _has_long_run(body: bytes) -> bool:
    """Whether a text may be too long. Escaped quotes blanked, every second piece is a text."""
    if len(body) <= MAX_STRING:
        return False
    if b"\\\\" in body:
        body = body.replace(b"\\\\", b"  ")
    pieces = body.replace(b'\\"', b"  ").split(b'"')
    return max(map(len, pieces[1::2]), default=0) > MAX_STRING


def _check_depth(value: Any) -> None:
    """Go down level by level; the parser itself stops at 200."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    if level:
        raise NotJson(f"body: nested deeper than {MAX_DEPTH} levels")


def _atoms(value: Any) -> Iterator[Any]:
    """Everything in a value that is no container, names of members too."""
    nodes = [value]
    for node in nodes:  # the list grows while it is walked
        if isinstance(node, dict):
            nodes.extend(node)
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        else:
            yield node


def _check_atom(atom: Any) -> None:
    if isinstance(atom, str):
        if "\0" in atom:
            raise NotJson("body: a text holds the character NUL")
        if len(atom) > MAX_STRING // 4 and len(atom.encode()) > MAX_STRING:
            raise InvalidParameter(f"body: a text is longer than {MAX_STRING} bytes")
    elif isinstance(atom, Decimal):
        _, digits, exponent = atom.as_tuple()
        if len(digits) > MAX_DIGITS or abs(int(exponent)) > MAX_DIGITS:
            raise InvalidParameter(f"body: a number has more than {MAX_DIGITS} digits")
    elif isinstance(atom, int) and abs(atom) >= 10**MAX_DIGITS:
        raise InvalidParameter(f"body: a number has more than {MAX_DIGITS} digits")


def encode(value: Any) -> bytes:
    """Compact JSON of plain values; a Decimal is written as a number with all its digits."""
    return _ENCODER.encode(value)


def members(body: bytes) -> dict[str, bytes]:
    """The members of an object, in order: name -> its value's bytes as received."""
    return {name: bytes(raw) for name, raw in _members(body).items()}


def elements(array: bytes) -> list[bytes]:
    """The elements of an array, each as its bytes were received."""
    return [bytes(raw) for raw in _elements(array)]


def _members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _MEMBERS.decode(body)
    except _UNREADABLE as error:
        raise NotJson(f"body: {error}") from None


def _elements(array: bytes) -> list[msgspec.Raw]:
    try:
        return _ELEMENTS.decode(array)
    except _UNREADABLE as error:
        raise NotJson(f"body: {error}") from None


def join_object(parts: Mapping[str, bytes]) -> bytes:
    """An object of members whose values are JSON already."""
    return encode({name: msgspec.Raw(raw) for name, raw in parts.items()})


def join_array(parts: Iterable[bytes]) -> bytes:
    """An array of elements that are JSON already."""
    return b"[" + b",".join(parts) + b"]"


def merge(body: bytes, patch: bytes) -> bytes:
    """`body` with the members of `patch`; null in a patch changes nothing (TR-038, TR-042).

    `body` as it is when it says all of that already.
    """
    known = _members(body)
    merged = known | {name: raw for name, raw in _members(patch).items() if raw != _NULL}
    return body if merged == known else encode(merged)


def spans(body: bytes) -> dict[str, tuple[int, int]]:
    """Where the value of each member of an object begins and ends in `body`."""
    found, place = {}, 0
    for name, raw in _members(body).items():
        start = _skip(_TO_MEMBER, body, place)
        place = start + len(bytes(raw))
        if body[start:place] != bytes(raw):
            raise NotJson("body: a member occurs twice")
        found[name] = (start, place)
    if not _END.fullmatch(body, place):
        raise NotJson("body: a member occurs twice")
    return found


def element_spans(body: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where each element of the array at `body[start:end]` begins and ends in `body`."""
    found, place = [], start
    for raw in _elements(body[start:end]):
        first = _skip(_TO_ELEMENT, body, place)
        place = first + len(bytes(raw))
        found.append((first, place))
    return found


def _skip(gap: re.Pattern[bytes], body: bytes, place: int) -> int:
    met = gap.match(body, place)
    if met is None:
        raise NotJson("body: a member occurs twice")
    return met.end()
