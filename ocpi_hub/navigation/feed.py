"""The feed: keeps the index up with the number line and with the directory.

At start it reads the whole line, each object once at its latest state; then it follows the wakes.
The index has no copy of its own on disk: what is on the line is the truth, in every process.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from ocpi_hub.modules.line import Change, Line
from ocpi_hub.navigation import project
from ocpi_hub.navigation.gate import Reject
from ocpi_hub.navigation.index import Gone, Index, key_of
from ocpi_hub.navigation.quality import Link
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.routing.directory import Directory

log = structlog.get_logger("navigation")

_SLICE = 200  # changes applied before others may run: about 5 ms of whole Locations
_SETTLE_S = 1.0  # at most one new grid a second
_LINKS = {status: Link[status.value] for status in ConnectionStatus}


class _ClientInfo(msgspec.Struct):
    role: str = ""
    status: ConnectionStatus | None = None


class Audience(Protocol):
    """Who is told of changes (the streams)."""

    def changed(self, key: bytes, row: int) -> None:
        """A station has a new state."""

    def lost(self, key: bytes, gone: Gone) -> None:
        """A station left a place or the index; `changed` follows when it came back."""


class Feed:
    """`directory` gives the newest snapshot, `clock` aware UTC times, `batch` changes a read."""

    def __init__(
        self,
        *,
        line: Line,
        directory: Callable[[], Directory],
        index: Index,
        audience: Audience,
        clock: Callable[[], datetime],
        batch: int = 1000,
    ) -> None:
        self._line = line
        self._directory = directory
        self._index = index
        self._audience = audience
        self._clock = clock
        self._batch = batch
        self._known: Directory | None = None
        self._settled_at = 0.0
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Load, then follow for ever; when the line fails, run again and go on from there."""
        await self.catch_up()
        if not self.ready.is_set():
            self._index.rebuild()
            self._index.sweep(self._now())
            self.ready.set()
            log.info("navigation.loaded", stations=len(self._index), plugs=self._index.plugs)
        async for _ in self._line.wakes():
            await self.catch_up()
            await self._settle()

    async def catch_up(self) -> None:
        """Apply everything behind the index's place."""
        self._follow_directory()
        while changes := await self._line.after(self._index.place, self._batch):
            for start in range(0, len(changes), _SLICE):
                self.apply(changes[start : start + _SLICE])
                await asyncio.sleep(0)

    def apply(self, changes: Sequence[Change]) -> None:
        """Bring changes of the line, in its order, into the index."""
        now = self._now()
        live = self.ready.is_set()
        beaten: set[PartyRef] = set()
        for change in changes:
            if change.key.module == "locations":
                if live and change.owner not in beaten:
                    beaten.add(change.owner)
                    self._beat(change, now)
                self._location(change, now, live=live)
            elif change.key.module == "hubclientinfo":
                self._client_info(change)
            self._index.place = change.place

    def _location(self, change: Change, now: float, *, live: bool) -> None:
        key = key_of(change.owner, change.key.id)
        pushed = change.key.part or change.message.method == "PUT"
        heard = now if live and pushed else None
        owner = self._owner(change.owner)
        if change.key.part:
            self._evse(change, key, owner, heard, now)
        elif not change.public:
            self._drop(key, "not_published")  # LOC-065, LOC-075
        else:
            self._site(change, key, heard, now)

    def _site(self, change: Change, key: bytes, heard: float | None, now: float) -> None:
        try:
            site = project.site(change.state)
        except Reject as reason:
            self._drop(key, str(reason))
            return
        row, gone = self._index.put(key, change.owner, site, change.place, heard=heard, now=now)
        if gone is not None:
            self._audience.lost(key, gone)
        self._audience.changed(key, row)

    def _evse(
        self, change: Change, key: bytes, owner: int, heard: float | None, now: float
    ) -> None:
        """A single EVSE that its Location lists; a Location that is not here is not for the map."""
        self._index.operators.sends_status[owner] = True
        if not change.listed:
            return
        try:
            plug = project.plug(change.state)
        except Reject:
            return
        row = self._index.flip(key, plug, change.place, heard=heard, now=now)
        if row is not None:
            self._audience.changed(key, row)

    def _drop(self, key: bytes, reason: str) -> None:
        gone = self._index.drop(key, reason)
        if gone is not None:
            self._audience.lost(key, gone)

    # -- operators ---------------------------------------------------------------------------

    def _owner(self, party: PartyRef) -> int:
        """The operator's row; a new one gets its link from the directory."""
        operators = self._index.operators
        row = operators.find(party)
        if row is None:
            row = operators.row(party)
            operators.links[row], operators.names[row] = described(self._directory(), party)
        return row

    def _beat(self, change: Change, now: float) -> None:
        """A sign of life; after a silence all stations of the operator count as changed.

        So a cursor from before the silence gets them again, in every process.
        """
        owner, operators = self._owner(change.owner), self._index.operators
        first = bool(change.key.part) and not operators.sends_status[owner]
        silence = now - operators.heard[owner]
        operators.beat(owner, now)
        if first or silence > operators.aged_after[owner]:
            self._renew(owner, change)

    def _client_info(self, change: Change) -> None:
        """A connection changed: its operator's stations look different from this place on.

        The line may be ahead of the directory, which would still call a lost operator linked.
        """
        owner = self._index.operators.find(change.owner)
        self._follow_directory()
        if owner is None:
            return
        told = msgspec.json.decode(change.state, type=_ClientInfo)
        if told.role == Role.CPO and told.status is not None:
            self._index.relink(owner, _LINKS[told.status], change.place)
        self._renew(owner, change)

    def _renew(self, owner: int, change: Change) -> None:
        for row in self._index.renew(owner, change.place).tolist():
            self._audience.changed(self._index.key(row), row)

    def _follow_directory(self) -> None:
        """Take over what the newest snapshot says of links and names."""
        directory = self._directory()
        if directory is self._known:
            return
        self._known = directory
        for owner, party in enumerate(self._index.operators.parties):
            link, self._index.operators.names[owner] = described(directory, party)
            for row in self._index.relink(owner, link, self._index.place).tolist():
                self._audience.changed(self._index.key(row), row)

    # -- upkeep ------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Give new and moved stations their place in a grid that is sorted in a thread."""
        now = self._now()
        if self._index.unsettled and now - self._settled_at >= _SETTLE_S:
            self._settled_at = now
            self._index.swap(await asyncio.to_thread(self._index.settle().grid))

    def _now(self) -> float:
        return self._clock().timestamp()


def described(directory: Directory, party: PartyRef) -> tuple[Link, str]:
    """Link and business name of the owner of Locations: its CPO role, else any; the best link.

    An owner that nobody hosts any more counts as SUSPENDED: its stations are not shown.
    """
    hosted = [role for _, role in directory.hosted_roles() if role.party == party]
    found = [role for role in hosted if role.role is Role.CPO] or hosted
    if not found:
        return Link.SUSPENDED, ""
    best = min(found, key=lambda role: _LINKS[role.status])
    return _LINKS[best.status], project.business_name(best.business_details)
