"""One side of a comparison: a server under a load, and what a request cost it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench import load
from tests.bench.load import Load, Result
from tests.bench.process import spent
from tests.bench.row import Row, alternate, median


@dataclass(frozen=True, slots=True)
class Side:
    """A server by its process, and the loads that are put on it, one in each round."""

    pid: int
    loads: Iterator[Load]


@dataclass(frozen=True, slots=True)
class Measure:
    """`cpu`: seconds of processor time of the server process for one request."""

    result: Result
    cpu: float


async def measure(side: Side) -> Measure:
    before = spent(side.pid)
    result = await load.run(next(side.loads))
    return Measure(result, (spent(side.pid) - before) / result.done)


async def compare(what: str, ours: Side, floor: Side, goal: float, rounds: int) -> Row:
    """The two in turn; medians of the rates, and of the processor times."""
    found = await alternate(
        {"ours": lambda: measure(ours), "floor": lambda: measure(floor)}, rounds
    )
    rate = {name: median([each.result.rate for each in some]) for name, some in found.items()}
    cpu = {name: median([each.cpu for each in some]) for name, some in found.items()}
    return Row(what, rate["ours"], goal, rate["floor"], cpu=cpu["floor"] / cpu["ours"])


def spread(requests: Sequence[bytes], connections: int) -> list[Sequence[bytes]]:
    """One script for each connection."""
    return [requests[at::connections] for at in range(connections)]
