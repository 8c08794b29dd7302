"""The recent part of the number line in memory, so that many receivers cost one reader."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ocpi_hub.modules.line import ORIGIN, Change, ObjectKey, Place

CHANGES = 20_000
BYTES = 64 * 1024 * 1024


class Ring:
    """Changes behind `start` up to `head`, at most `changes` of them and `size` bytes.

    Grows only at the head. An object that changes again leaves its older entry superseded: it is
    skipped from then on and forgotten with its time. `whole` is the last place at which nothing
    visible lay ahead.
    """

    def __init__(self, start: Place, changes: int = CHANGES, size: int = BYTES) -> None:
        self.start = start
        self.head = start
        self.whole = ORIGIN
        self._most = changes
        self._size = size
        self._held = 0
        self._places: list[Place] = []
        self._changes: list[Change] = []
        self._latest: dict[ObjectKey, Place] = {}

    def covers(self, cursor: Place) -> bool:
        return cursor >= self.start

    def extend(self, changes: Iterable[Change]) -> None:
        """Add changes behind the head, oldest first."""
        for change in map(self._told, changes):
            self._places.append(change.place)
            self._changes.append(change)
            self._latest[change.key] = change.place
            self._held += _weight(change)
            self.head = change.place
        if len(self._changes) > self._most or self._held > self._size:
            self._shrink()

    def settle(self) -> None:
        """All that was visible has been read."""
        self.whole = self.head

    def _told(self, change: Change) -> Change:
        """The change; one whose predecessor was never seen here stands for several.

        A row shows only its latest state: while it moved on to a place that no reader may see yet,
        the head could pass the place where it was.
        """
        before = change.previous
        if before <= self.whole or self._latest.get(change.key) == before:
            return change
        return replace(change, previous=change.place)

    def after(self, cursor: Place, limit: int) -> Sequence[Change]:
        """The latest changes of their objects behind a cursor that is covered."""
        found: list[Change] = []
        for index in range(bisect_right(self._places, cursor), len(self._changes)):
            change = self._changes[index]
            if self._latest[change.key] == change.place:
                found.append(change)
                if len(found) == limit:
                    break
        return found

    def _shrink(self) -> None:
        """Forget the oldest, an eighth more than needed, so that it is not done for each change."""
        most, size = self._most * 7 // 8, self._size * 7 // 8
        gone = 0
        while len(self._changes) - gone > most or self._held > size:
            change = self._changes[gone]
            self._held -= _weight(change)
            if self._latest[change.key] == change.place:
                del self._latest[change.key]
            self.start = change.place
            gone += 1
        del self._changes[:gone], self._places[:gone]


def _weight(change: Change) -> int:
    """Bytes that a change keeps in memory, roughly; the message of a PUT often is its state."""
    own = 0 if change.message.body is change.state else len(change.message.body)
    return 600 + len(change.state) + own
