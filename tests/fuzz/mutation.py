"""Bytes made from other bytes: seeded, so that every run of a seed is the same."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

_NUMBERS = (b"0", b"1", b"-1", b"64", b"65", b"255", b"8190", b"65536", b"4294967296", b"1" * 70)
_BYTES = (b"\x00", b"\xff", b"\x80", b"\r", b"\n", b" ", b"\t", b'"', b"\\", b"%", b"\x7f")


class Mutator:
    """Turns a known input into a new one; `tokens` are what the target's grammar knows."""

    def __init__(self, known: Sequence[bytes], tokens: Sequence[bytes], longest: int, seed: int):
        self.known = list(known)
        self._tokens = (*tokens, *_NUMBERS, *_BYTES)
        self._longest = longest
        self._random = Random(seed)  # noqa: S311 - reproducible, not secret
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._flip,
            self._put,
            self._put,
            self._cut,
            self._replace,
            self._repeat,
            self._swap,
            self._graft,
            self._truncate,
        )

    def __iter__(self) -> Iterator[bytes]:
        while True:
            made = self._random.choice(self.known)
            for _ in range(self._random.choice((1, 1, 2, 3, 6))):
                made = self._random.choice(self._ways)(made)[: self._longest]
            yield made

    def _span(self, text: bytes, longest: int = 12) -> tuple[int, int]:
        start = self._random.randint(0, len(text))
        return start, min(len(text), start + self._random.randint(0, longest))

    def _flip(self, text: bytes) -> bytes:
        if not text:
            return text
        at = self._random.randrange(len(text))
        return text[:at] + bytes([text[at] ^ (1 << self._random.randrange(8))]) + text[at + 1 :]

    def _put(self, text: bytes) -> bytes:
        at = self._random.randint(0, len(text))
        return text[:at] + self._random.choice(self._tokens) + text[at:]

    def _cut(self, text: bytes) -> bytes:
        start, end = self._span(text)
        return text[:start] + text[end:]

    def _replace(self, text: bytes) -> bytes:
        start, end = self._span(text)
        return text[:start] + self._random.choice(self._tokens) + text[end:]

    def _repeat(self, text: bytes) -> bytes:
        start, end = self._span(text, 40)
        return text[:end] + text[start:end] * self._random.choice((1, 2, 7, 70)) + text[end:]

    def _swap(self, text: bytes) -> bytes:
        start, end = self._span(text)
        to = self._random.randint(0, len(text))
        rest = text[:start] + text[end:]
        return rest[:to] + text[start:end] + rest[to:]

    def _graft(self, text: bytes) -> bytes:
        other = self._random.choice(self.known)
        start, end = self._span(other, 200)
        at = self._random.randint(0, len(text))
        return text[:at] + other[start:end] + text[at:]

    def _truncate(self, text: bytes) -> bytes:
        return text[: self._random.randint(0, len(text))]


def pieces(text: bytes, seed: int) -> list[bytes]:
    """The same bytes in pieces as a network might cut them."""
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    cuts = sorted(random.randint(0, len(text)) for _ in range(random.choice((0, 0, 1, 2, 5))))
    ends = [*cuts, len(text)]
    return [text[start:end] for start, end in zip([0, *cuts], ends, strict=True) if start < end]


def stretched(text: bytes, times: int) -> Iterator[bytes]:
    """Longer texts of the same kind: all of it repeated, and single parts of it."""
    yield text * times
    for parts in (2, 5):
        at = len(text) // parts
        yield text[:at] + text[at : at + 8] * (times * max(1, len(text) // 8)) + text[at:]
