"""Outfits: what can be plugged in at an EVSE, and what a driver asks for.

Millions of EVSEs share some hundred sets of outlets. Each set is numbered once, an EVSE keeps the
number, and a wish is answered once for each set instead of once for each EVSE.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_KEPT_WISHES = 256


class Outlet(NamedTuple):
    """A kind of connector on an EVSE: code of the type, whole kW (0: unknown), direct current."""

    code: int
    kw: int
    dc: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """Which outlets are of use: one of the connector codes (none: all), kW from and to, current."""

    connectors: frozenset[int] = frozenset()
    min_kw: float = 0.0
    max_kw: float | None = None
    dc: bool | None = None

    @property
    def anything(self) -> bool:
        return self == ANYTHING

    def accepts(self, outlet: Outlet) -> bool:
        return (
            (not self.connectors or outlet.code in self.connectors)
            and outlet.kw >= self.min_kw
            and (self.max_kw is None or outlet.kw <= self.max_kw)
            and (self.dc is None or outlet.dc == self.dc)
        )


ANYTHING = Wish()


class Outfits:
    """Distinct sets of outlets by number; numbers are never given up."""

    def __init__(self) -> None:
        self.outlets: list[tuple[Outlet, ...]] = []
        self._numbers: dict[tuple[Outlet, ...], int] = {}
        self._answers: dict[Wish, NDArray[np.bool_]] = {}

    def number(self, outlets: tuple[Outlet, ...]) -> int:
        known = self._numbers.get(outlets)
        if known is None:
            known = self._numbers[outlets] = len(self.outlets)
            self.outlets.append(outlets)
        return known

    def matching(self, wish: Wish) -> NDArray[np.bool_]:
        """For each outfit whether one of its outlets fulfils the wish; kept for the next caller."""
        known = self._answers.pop(wish, np.zeros(0, bool))
        if len(known) < len(self.outlets):
            fresh = [
                wish.anything or any(wish.accepts(outlet) for outlet in outlets)
                for outlets in self.outlets[len(known) :]
            ]
            known = np.append(known, np.array(fresh, bool))
        if len(self._answers) >= _KEPT_WISHES:
            del self._answers[next(iter(self._answers))]
        self._answers[wish] = known
        return known
