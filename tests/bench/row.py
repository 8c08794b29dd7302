"""A row of the table: what was measured, beside what, and whether the goal is reached."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison or one limit.

    `ours` and `floor` are in `unit`; without a floor, `ours` may be at most `goal`, with one
    `ours / floor` must be at least `goal`. `cpu` is the same ratio by the processor time that the
    two server processes spent on a request, which a busy machine disturbs less.
    """

    what: str
    ours: float
    goal: float
    floor: float | None = None
    unit: str = "/s"
    cpu: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.floor is None else self.ours / self.floor

    @property
    def reached(self) -> bool:
        return self.ours <= self.goal if self.ratio is None else self.ratio >= self.goal


async def alternate(
    sides: Mapping[str, Callable[[], Awaitable[T]]], rounds: int
) -> dict[str, list[T]]:
    """Run the sides in turn, A B A B, after one round of each that does not count."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            result = await side()
            if number:
                found[name].append(result)
    return found


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
