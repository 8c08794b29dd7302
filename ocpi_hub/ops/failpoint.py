"""Points at which a test ends the process, as a power cut would: nothing is finished or told.

`OCPI_HUB_TEST_FAILPOINT=store.written:40` kills at the fortieth passage of that point (1 unless
told). For tests only: `serve` refuses it where partners must use https, so in production.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Final

VARIABLE: Final = "OCPI_HUB_TEST_FAILPOINT"
POINTS: Final = frozenset(
    {
        "store.loaded",  # a batch of pushes is worked out, not written
        "store.written",  # committed, nobody has an answer
        "line.read",  # answered, no courier knows of it
        "courier.sending",
        "courier.sent",  # the receiver has it, the courier does not know
        "courier.moved",  # the cursor is ahead in memory only
        "spread.saved",
        "callbacks.kept",  # a command's address for results is durable, the command not sent
        "results.found",  # a result came, and was not passed on
        "relay.sending",
        "relay.sent",  # the receiver answered, who asked does not know
        "memory.writing",
    }
)


@dataclass(frozen=True, slots=True)
class Armed:
    name: str
    passages: Iterator[int]
    last: int


def failpoint(name: str) -> None:
    """The process ends here when this point is armed; costs a look otherwise."""
    found = armed()
    if found is not None and found.name == name and next(found.passages) == found.last:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def armed() -> Armed | None:
    """What the environment says, read once. Raises ValueError for what is no point."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    name, _, last = text.partition(":")
    if name not in POINTS or (last and not last.isdecimal()):
        raise ValueError(f"{VARIABLE}: must be one of {', '.join(sorted(POINTS))}, or such a :40")
    return Armed(name, count(1), int(last or 1))
