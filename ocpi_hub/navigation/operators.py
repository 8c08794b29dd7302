"""The operators in the index: who owns a station, how it is linked, and its rhythm of pushing."""

import numpy as np

from ocpi_hub.navigation import quality
from ocpi_hub.navigation.quality import Link
from ocpi_hub.ocpi.primitives import PartyRef


class Operators:
    """Columns with one row per owner of Locations; rows are never given up.

    `links`, `heard` (UTC seconds of the last push), `sends_status`, `aged_after` and `stale_after`
    (seconds of silence) are read by searches.
    """

    def __init__(self, stale_s: float) -> None:
        self.stale_s = stale_s
        self.parties: list[PartyRef] = []
        self.names: list[str] = []
        self._rows: dict[PartyRef, int] = {}
        self._listening: list[bool] = []
        self.links = np.zeros(0, np.uint8)
        self.heard = np.zeros(0)
        self.sends_status = np.zeros(0, bool)
        self.aged_after = np.zeros(0)
        self.stale_after = np.zeros(0)
        self.gaps = np.zeros((0, quality.BUCKETS), np.float32)

    def __len__(self) -> int:
        return len(self.parties)

    def find(self, party: PartyRef) -> int | None:
        return self._rows.get(party)

    def row(self, party: PartyRef) -> int:
        """The operator's row; a new one is SUSPENDED (not shown) until its link is known."""
        row = self._rows.get(party)
        if row is not None:
            return row
        row = self._rows[party] = len(self.parties)
        self.parties.append(party)
        self.names.append("")
        self._listening.append(False)
        if row >= len(self.links):
            self._grow()
        return row

    def _grow(self) -> None:
        more = max(64, len(self.links))
        aged, stale = quality.limits(np.zeros(quality.BUCKETS, np.float32), self.stale_s)
        self.links = np.append(self.links, np.full(more, Link.SUSPENDED, np.uint8))
        self.heard = np.append(self.heard, np.zeros(more))
        self.sends_status = np.append(self.sends_status, np.zeros(more, bool))
        self.aged_after = np.append(self.aged_after, np.full(more, aged))
        self.stale_after = np.append(self.stale_after, np.full(more, stale))
        self.gaps = np.vstack([self.gaps, np.zeros((more, quality.BUCKETS), np.float32)])

    def beat(self, row: int, now: float) -> None:
        """The operator pushed something at `now`; call once for all that came together."""
        if self._listening[row] and now > self.heard[row]:
            quality.learn(self.gaps[row], now - self.heard[row])
            self.aged_after[row], self.stale_after[row] = quality.limits(
                self.gaps[row], self.stale_s
            )
        self._listening[row] = True
        self.heard[row] = max(self.heard[row], now)

    def recall(self, row: int, at: float) -> None:
        """The operator pushed something at `at`, before we listened: no gap is learned from it."""
        self.heard[row] = max(self.heard[row], at)
