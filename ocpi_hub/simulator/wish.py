"""What a driver has in mind for one stop: how to begin, how long to stay, what may go wrong."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_WAYS_SHARE = (6, 1, 3)  # of app, reservation, card
_CHANGES_MIND = 0.2  # of those who reserve
_STUCK = 0.1  # of the cables
_PATIENT = 0.15  # of the drivers, who want it cheap or slow
_SLOW_W = 7_400.0


class Way(StrEnum):
    """How charging begins: by a command from the app, after a reservation, or with the card."""

    APP = "app"
    RESERVE = "reserved"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Wish:
    """`stays_s` are seconds at the plug. `cancels`: a reservation that is taken back.

    `limit_w` is a charging profile to set, `cheap` a preference for patience, `stuck` a cable that
    only the helpdesk gets out.
    """

    way: Way = Way.APP
    stays_s: float = 5.0
    cancels: bool = False
    limit_w: float | None = None
    cheap: bool = False
    stuck: bool = False


def wishes(seed: str, stay_s: float) -> Iterator[Wish]:
    """One after the other, for ever; stays are `stay_s` on average, half to one and a half."""
    chance = random.Random(seed)  # noqa: S311 - seeded, nothing secret
    while True:
        way = chance.choices(tuple(Way), _WAYS_SHARE)[0]
        yield Wish(
            way=way,
            stays_s=stay_s * chance.uniform(0.5, 1.5),
            cancels=way is Way.RESERVE and chance.random() < _CHANGES_MIND,
            limit_w=_SLOW_W if chance.random() < _PATIENT else None,
            cheap=chance.random() < _PATIENT,
            stuck=chance.random() < _STUCK,
        )
