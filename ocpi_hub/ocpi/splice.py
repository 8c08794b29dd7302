"""Changes to a few places of a JSON body; all other bytes stay as they were received.

Where a place has not the shape that the edits expect, nothing is changed. A body is walked once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from ocpi_hub.ocpi import codec

EACH = "*"
Span = tuple[int, int]
Splice = tuple[Span, bytes]
Change = Callable[[bytes | None], bytes | None]
"""Gets the bytes of a value, None when it is absent; returns those to put, None to leave it out."""

_OPENING = re.compile(rb"[ \t\r\n]*([\[{])")


@dataclass(frozen=True, slots=True)
class Edits:
    """What is to change at one place, and below it: by member, or `*` for each element."""

    change: Change | None = None
    below: Mapping[str, "Edits"] = field(default_factory=dict)

    def at(self, path: Sequence[str], change: Change) -> "Edits":
        if not path:
            return replace(self, change=change)
        step, *rest = path
        node = self.below.get(step, Edits()).at(rest, change)
        return replace(self, below={**self.below, step: node})


def changed(body: bytes, node: Edits) -> bytes:
    """The body with all changes made."""
    parts: list[bytes] = []
    last = 0
    for (start, end), new in _splices(body, (0, len(body)), node):
        parts += body[last:start], new
        last = end
    return b"".join((*parts, body[last:])) if parts else body


def _splices(body: bytes, span: Span, node: Edits) -> list[Splice]:
    """What to put where, from front to back."""
    each = node.below.get(EACH)
    if each is not None:
        return _in_array(body, span, each) if opens(body, span, b"[") else []
    return _in_object(body, span, node.below) if opens(body, span, b"{") else []


def _in_array(body: bytes, span: Span, each: Edits) -> list[Splice]:
    spans = codec.element_spans(body, *span)
    found: list[Splice] = []
    gone = set()
    for place, element in enumerate(spans):
        old = body[slice(*element)]
        new = old if each.change is None else each.change(old)
        if new is None:
            gone.add(place)
        elif new != old:
            found.append((element, new))
        else:
            found += _splices(body, element, each)
    return _sorted(found, _without(body, spans, gone))


def _in_object(body: bytes, span: Span, below: Mapping[str, Edits]) -> list[Splice]:
    held = members(body, span)
    found: list[Splice] = []
    gone = set()
    added = b""
    for name, node in below.items():
        place = held.get(name)
        old = body[slice(*place)] if place is not None else None
        new = old if node.change is None else node.change(old)
        if new == old:
            found += _splices(body, place, node) if place is not None else []
        elif new is None:
            gone.add(list(held).index(name))
        elif place is not None:
            found.append((place, new))
        else:
            added += b"," + codec.encode(name) + b":" + new
    if added:
        head = body.index(b"{", span[0]) + 1
        found.append(((head, head), added[1:] + (b"," if held else b"")))
    removed = _without(body, _extents(body, span, held), gone) if gone else ()
    return _sorted(found, removed)


def _sorted(found: list[Splice], removed: Iterable[Splice]) -> list[Splice]:
    return sorted((*found, *removed), key=itemgetter(0))


def _extents(body: bytes, span: Span, found: Mapping[str, Span]) -> list[Span]:
    """Where each member begins, its name included, and ends."""
    extents, last = [], span[0]
    for start, end in found.values():
        extents.append((body.index(b'"', last, start), end))
        last = end
    return extents


def _without(body: bytes, items: Sequence[Span], gone: set[int]) -> Iterator[tuple[Span, bytes]]:
    """Take items out of a list: each with the comma behind it, those at the end with all before."""
    kept = [place for place in range(len(items)) if place not in gone]
    last = kept[-1] if kept else -1
    for place in sorted(gone):
        start, end = items[place]
        if place < last:
            yield (start, body.index(b",", end) + 1), b""
    if last < len(items) - 1 and gone:
        yield (items[last][1] if kept else items[0][0], items[-1][1]), b""


def members(body: bytes, span: Span | None = None) -> dict[str, Span]:
    """The spans of an object's values within the whole body, none when it is no object."""
    start, end = span or (0, len(body))
    if not opens(body, (start, end), b"{"):
        return {}
    return {
        name: (first + start, last + start)
        for name, (first, last) in codec.spans(body[start:end]).items()
    }


def opens(body: bytes, span: Span, opening: bytes) -> bool:
    """Whether an object (`{`) or an array (`[`) begins there."""
    met = _OPENING.match(body, *span)
    return met is not None and met[1] == opening
