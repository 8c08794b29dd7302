"""Whatever bytes come, they are read or refused, in as many steps as they are long."""

import sys
from itertools import islice

import pytest

from tests.fuzz.mutation import Mutator, stretched
from tests.fuzz.targets import TARGETS, corpus

SEED = 20261124
MUTATIONS = {"connection": 2000, "json": 10_000, "link": 10_000, "answer": 10_000}
STEPS_A_BYTE = 3  # what the shortest requests of a connection take
names = pytest.mark.parametrize("name", sorted(TARGETS))
inputs = pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name in sorted(TARGETS) for file in corpus(name)]
)


@inputs
def test_known_inputs_are_read_or_refused(name, file):
    assert TARGETS[name].run(corpus(name)[file])


@names
def test_inputs_made_of_them_are_read_or_refused(name):
    target = TARGETS[name]
    known = list(corpus(name).values())
    assert known
    mutator = Mutator(known, target.tokens, target.longest, SEED)
    for data in islice(mutator, MUTATIONS.get(name, 20_000)):
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{name}: {data!r}") from error


def steps(name: str, data: bytes) -> int:
    """Lines of the hub that run for an input."""
    count = 0

    def traced(frame, event, _):
        nonlocal count
        if "ocpi_hub" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        TARGETS[name].run(data)
    finally:
        sys.settrace(before)
    return count


@names
def test_an_input_four_times_as_long_takes_about_four_times_the_steps(name):
    target = TARGETS[name]
    for file, data in corpus(name).items():
        room = max(1, target.longest // 8 // max(1, len(data)))
        for short, long in zip(
            stretched(data, min(room, 8)), stretched(data, 4 * min(room, 8)), strict=True
        ):
            few, many = steps(name, short), steps(name, long)
            linear = max(5 * few + 500, STEPS_A_BYTE * len(long))
            assert many <= linear, f"{file}: {few} and {many} steps"


@names
def test_the_longest_inputs_come_to_an_end(name):
    """What the interpreter does not count, such as patterns: were it quadratic, it would not."""
    target = TARGETS[name]
    for data in corpus(name).values():
        times = max(1, target.longest * 4 // max(1, len(data)))
        for long in stretched(data, times):
            assert target.run(long[: target.longest * 4])
