import numpy as np
import pytest

from ocpi_hub.navigation.operators import Operators
from ocpi_hub.navigation.quality import BUCKETS, Link, Quality, counted, grade, learn, limits
from ocpi_hub.ocpi.primitives import PartyRef

DAY = 86_400.0


def one(*, link=Link.CONNECTED, sends=True, age=0.0, silence=0.0, aged=60.0, stale=900.0):
    grades = grade(
        link=np.array([link], np.uint8),
        sends_status=np.array([sends]),
        age=np.array([age]),
        silence=np.array([silence]),
        aged_after=np.array([aged]),
        stale_after=np.array([stale]),
        stale_s=DAY,
    )
    return Quality(grades[0]), bool(counted(grades, np.array([age]))[0])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (Quality.LIVE, True)),
        # nobody charged here for ten hours, but the operator pushes others: still known
        ({"age": 36_000.0, "silence": 5.0}, (Quality.LIVE, True)),
        ({"age": 50_000.0, "silence": 5.0}, (Quality.AGED, True)),
        ({"silence": 61.0}, (Quality.AGED, True)),
        ({"silence": 901.0}, (Quality.STALE, False)),
        ({"age": DAY + 1, "silence": 5.0}, (Quality.STALE, False)),
        ({"link": Link.OFFLINE}, (Quality.STALE, False)),
        ({"link": Link.PLANNED}, (Quality.STALE, False)),
        ({"link": Link.OFFLINE, "sends": False}, (Quality.STALE, False)),
        ({"sends": False}, (Quality.STATIC, True)),
        ({"sends": False, "age": 3601.0}, (Quality.STATIC, False)),
    ],
)
def test_quality_follows_link_age_and_silence(given, expected):
    assert one(**given) == expected


def test_an_operator_without_a_rhythm_has_until_stale_s():
    assert limits(np.zeros(BUCKETS, np.float32), DAY) == (900.0, DAY)
    assert limits(np.zeros(BUCKETS, np.float32), 10.0) == (10.0, 10.0)


@pytest.mark.parametrize(
    ("gap", "aged", "stale"),
    [(1.0, 60.0, 900.0), (600.0, 724.0, 2896.0), (40_000.0, 46_341.0, DAY), (1e9, DAY, DAY)],
)
def test_a_rhythm_is_learned_within_bounds(gap, aged, stale):
    gaps = np.zeros(BUCKETS, np.float32)
    for _ in range(100):
        learn(gaps, gap)
    assert limits(gaps, DAY) == pytest.approx((aged, stale), abs=1)


def test_an_old_rhythm_is_forgotten():
    gaps = np.zeros(BUCKETS, np.float32)
    for gap in [3600.0] * 2000 + [2.0] * 12_000:
        learn(gaps, gap)
    assert gaps.sum() <= 1024
    assert limits(gaps, DAY) == (60.0, 900.0)


def test_rare_long_gaps_do_not_count_but_one_in_fifty_does():
    for rare, stale in ((200, 900.0), (50, 4 * 3600.0)):
        gaps = np.zeros(BUCKETS, np.float32)
        for number in range(1, 1001):
            learn(gaps, 3000.0 if number % rare == 0 else 1.0)
        assert limits(gaps, DAY)[1] == pytest.approx(stale, rel=0.3)


def test_what_is_remembered_from_the_store_teaches_no_gap():
    operators = Operators(DAY)
    row = operators.row(PartyRef("NL", "ABC"))
    assert operators.links[row] == Link.SUSPENDED
    operators.recall(row, 1000.0)
    operators.beat(row, 50_000.0)
    assert operators.gaps[row].sum() == 0
    operators.beat(row, 50_060.0)
    assert operators.gaps[row].sum() == 1
    assert operators.heard[row] == 50_060.0


def test_more_operators_than_room_keep_what_they_know():
    operators = Operators(DAY)
    rows = [operators.row(PartyRef("NL", f"{number:03d}")) for number in range(200)]
    assert rows == list(range(200))
    operators.beat(rows[3], 77.0)
    assert operators.row(PartyRef("nl", "003")) == 3
    operators.row(PartyRef("DE", "ABC"))
    assert operators.heard[3] == 77.0
    assert operators.stale_after[199] == DAY
