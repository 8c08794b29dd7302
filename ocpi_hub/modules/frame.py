"""A Location taken apart into its frame and its EVSEs, and put together again byte for byte.

A status change then rewrites one EVSE of some hundred bytes and not the whole Location. The frame
is the received text with three kinds of marks, bytes that cannot occur in valid JSON:

    EVSE   0x01  stands for one element of `evses`
    STAMP  0x02  stands before and after the value of the top-level `last_updated`
    MORE   0x03  stands where EVSEs that came later are added
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import InvalidParameter

EVSE = b"\x01"
STAMP = b"\x02"
MORE = b"\x03"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Split:
    """A frame, and the bytes of each element of `evses` in order."""

    frame: bytes
    evses: tuple[bytes, ...]


def split(body: bytes) -> Split:
    """Take a Location apart. `body` is an object that `codec.decode` accepted.

    Raises InvalidParameter when `evses` is neither a list nor null nor absent.
    """
    spans = codec.spans(body)
    evses, marks = _list_marks(body, spans)
    if "last_updated" in spans:
        start, end = spans["last_updated"]
        marks += [((start, start), STAMP), ((end, end), STAMP)]
    return Split(_replaced(body, marks), evses)


def _list_marks(
    body: bytes, spans: dict[str, Span]
) -> tuple[tuple[bytes, ...], list[tuple[Span, bytes]]]:
    """The EVSEs, and what replaces which bytes of the body."""
    if "evses" not in spans:
        end = body.rindex(b"}")
        return (), [((end, end), MORE)]
    start, end = spans["evses"]
    if body[start:end] == b"null":
        return (), [((start, start), MORE)]
    if not body.startswith(b"[", start):
        raise InvalidParameter("evses: must be a list of EVSEs")
    elements = codec.element_spans(body, start, end)
    last = elements[-1][1] if elements else start + 1
    marks = [(span, EVSE) for span in elements]
    return tuple(body[a:b] for a, b in elements), [*marks, ((last, last), MORE)]


def _replaced(body: bytes, marks: list[tuple[Span, bytes]]) -> bytes:
    pieces, place = [], 0
    for (start, end), mark in sorted(marks):
        pieces += [body[place:start], mark]
        place = end
    return b"".join([*pieces, body[place:]])


def weight(frame: bytes) -> int:
    """Bytes of a frame without its marks."""
    return len(frame.translate(None, EVSE + STAMP + MORE))


def assemble(frame: bytes, evses: Sequence[bytes], moved: str | None = None) -> bytes:
    """The Location: its own EVSEs first, in order, then those that came later.

    `moved`: the `last_updated` of a younger child, shown instead (LOC-050, LOC-058).
    """
    pieces = frame.split(EVSE)
    inside = len(pieces) - 1
    parts = [b""] * (2 * inside + 1)
    parts[::2] = pieces
    parts[1::2] = evses[:inside]
    before, _, after = b"".join(parts).partition(MORE)
    body = before + _added(inside, evses[inside:], after)
    head, own, tail = body.split(STAMP) if STAMP in body else (body, b"", b"")
    return head + (own if moved is None else b'"' + moved.encode() + b'"') + tail


def assemble_all(frames: Sequence[bytes], evses: Sequence[bytes]) -> bytes:
    """An array of Locations that are as they were pushed, in a few steps for all of them together.

    `evses`: those of each Location that has any, joined by the mark EVSE; each frame has as many
    places as it has EVSEs.
    """
    pieces = b",".join(frames).replace(MORE, b"").replace(STAMP, b"").split(EVSE)
    parts = [b""] * (2 * len(pieces) - 1)
    parts[::2] = pieces
    parts[1::2] = EVSE.join(evses).split(EVSE) if evses else ()
    return b"".join((b"[", *parts, b"]"))


def _added(inside: int, more: Sequence[bytes], after: bytes) -> bytes:
    """What stands behind the mark MORE once `more` EVSEs are added to the `inside` ones."""
    if not more:
        return after
    joined = b",".join(more)
    if after.startswith(b"}"):
        return b',"evses":[' + joined + b"]" + after
    if after.startswith(b"null"):
        return b"[" + joined + b"]" + after.removeprefix(b"null")
    return (b"," if inside else b"") + joined + after
