"""What is played: the choices of whoever starts it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Script:
    """What is played.

    `for_s` ends it by itself, so many seconds after everything was pushed. `rate` is status changes
    a second, unless `speed` (simulated seconds a second) is given. `locations`: a .jsonl or
    .jsonl.gz file instead of `stations` made-up ones. `drivers` of each eMSP are on the road.
    `plain`: lines, no live table.
    """

    stations: int = 3000
    locations: Path | None = None
    rate: float = 40.0
    speed: float | None = None
    cpos: int = 2
    emsps: int = 2
    for_s: float | None = None
    plain: bool = False
    seed: int = 1
    drivers: int = 8
