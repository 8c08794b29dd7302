"""How far a shown status can be trusted: LIVE, AGED, STALE or STATIC, and each operator's rhythm.

The rule. A status reaches us over the operator's link, so it is as good as that link: a plug that
nobody used since the morning is still known to be free while its operator pushes other changes.
Three times count: the *age* of a station (since it was last pushed, or since the newest
`last_updated` of its EVSEs), the *silence* of its operator (since its last push of anything), and
the operator's *rhythm*: the 99th percentile of its gaps between pushes, learned while we listen.

    STALE   the operator's link is not CONNECTED, or the station is older than `stale_s`, or the
            operator has been silent for four times its p99 gap (at least 15 min, at most `stale_s`)
    STATIC  the operator never sent a status change: what it says of its plugs is no live state
    AGED    linked, but silent for longer than its p99 gap (at least 1 min), or the station is older
            than half of `stale_s`
    LIVE    everything else

Counted as free is only what is LIVE or AGED, and what a STATIC operator stated within the last
hour: its first push is a statement too. All else is shown with `available: null`. An operator that
has pushed fewer than 20 times since we listen has no rhythm yet: 15 min until AGED, `stale_s` until
STALE. Times are UTC seconds and come in as arguments.
"""

import math
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Quality(IntEnum):
    LIVE = 0
    AGED = 1
    STALE = 2
    STATIC = 3


class Link(IntEnum):
    """The operator's connection as HubClientInfo tells it; SUSPENDED also when nobody hosts it."""

    CONNECTED = 0
    OFFLINE = 1
    PLANNED = 2
    SUSPENDED = 3


BUCKETS = 44  # half-octaves: 1 s, 1.4 s, 2 s, ... 34 days
_ENOUGH = 20.0
_MEMORY = 1024.0
_FIRST_S = 3600.0
_FLOOR_AGED_S, _FLOOR_STALE_S, _UNLEARNED_S = 60.0, 900.0, 900.0
_PATIENCE = 4.0
_P99 = 0.99


def learn(gaps: NDArray[np.float32], gap_s: float) -> None:
    """Count one gap between two pushes into an operator's histogram (BUCKETS cells), in place.

    Old gaps fade: the counts are halved whenever they reach 1,024.
    """
    gaps[min(BUCKETS - 1, int(2 * math.log2(max(1.0, gap_s))))] += 1
    if gaps.sum() >= _MEMORY:
        gaps /= 2


def limits(gaps: NDArray[np.float32], stale_s: float) -> tuple[float, float]:
    """Silence in seconds after which an operator's stations are AGED, and STALE."""
    total = float(gaps.sum())
    if total < _ENOUGH:
        return min(_UNLEARNED_S, stale_s), stale_s
    p99 = usual_gap(gaps)
    return (
        min(max(p99, _FLOOR_AGED_S), stale_s),
        min(max(_PATIENCE * p99, _FLOOR_STALE_S), stale_s),
    )


def usual_gap(gaps: NDArray[np.float32]) -> float:
    """The 99th percentile of the gaps in seconds: the upper edge of its bucket."""
    bucket = int(np.searchsorted(np.cumsum(gaps), _P99 * float(gaps.sum())))
    return float(2 ** ((bucket + 1) / 2))


def grade(
    *,
    link: NDArray[np.uint8],
    sends_status: NDArray[np.bool_],
    age: Floats,
    silence: Floats,
    aged_after: Floats,
    stale_after: Floats,
    stale_s: float,
) -> NDArray[np.uint8]:
    """The quality of each station; all columns of one length, times in seconds."""
    result: NDArray[Any] = np.where(
        (silence > aged_after) | (age > stale_s / 2), Quality.AGED, Quality.LIVE
    )
    result[(silence > stale_after) | (age > stale_s)] = Quality.STALE
    result[~sends_status] = Quality.STATIC
    result[link != Link.CONNECTED] = Quality.STALE
    return result.astype(np.uint8)


def counted(quality: NDArray[np.uint8], age: Floats) -> NDArray[np.bool_]:
    """Whether a station's plugs may be called free."""
    first = (quality == Quality.STATIC) & (age <= _FIRST_S)
    known: NDArray[np.bool_] = (quality <= Quality.AGED) | first
    return known
