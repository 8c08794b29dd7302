"""The cars' cursor: an epoch and a place on the number line, as one text `e{epoch}-{x}.{seq}`.

Both halves of the place are needed: a read of the line may end in the middle of a transaction, so
x alone would not say which of its changes a client has seen. Cursors of one epoch compare as the
line is ordered, in every process. The epoch changes when the line loses its continuity (a restore
from a backup); a cursor of another epoch means nothing.
"""

import re
from typing import NamedTuple

from ocpi_hub.modules.line import Place

_TEXT = re.compile(r"e(\d{1,18})-(\d{1,19})\.(\d{1,19})")
_BIGGEST = 2**63 - 1  # places are kept in 64-bit columns


class Cursor(NamedTuple):
    epoch: int
    place: Place

    def __str__(self) -> str:
        return f"e{self.epoch}-{self.place.x}.{self.place.seq}"


def read(text: str) -> Cursor | None:
    """The cursor behind a text; None when it is none."""
    match = _TEXT.fullmatch(text.strip()) if text.isascii() else None
    if match is None:
        return None
    epoch, x, seq = (int(part) for part in match.groups())
    return Cursor(epoch, Place(x, seq)) if max(x, seq) <= _BIGGEST else None
