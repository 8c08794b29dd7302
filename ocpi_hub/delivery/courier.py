"""The courier: takes one receiver along the number line, at the receiver's own pace."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from ocpi_hub.delivery import attempt
from ocpi_hub.delivery.attempt import Held, Verdict, Way
from ocpi_hub.modules.line import ORIGIN, Change, Line, Message, ObjectKey, Place
from ocpi_hub.modules.outgoing import Call, PartnerClient
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.receivers import Receiver
from ocpi_hub.modules.store import Store
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import Platform, PlatformId

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Road:
    """What all couriers share. `probe` tells whether a platform lives now; `head` ends the line."""

    line: Line
    head: Callable[[], Place]
    store: Store
    platforms: Platforms
    client: PartnerClient
    modules: Mapping[str, Mapping[str, ModuleSpec]]
    probe: Callable[[PlatformId], Awaitable[bool]]
    fresh: Callable[[], str]
    lanes: int
    metrics: Metrics


class Courier:
    """`cursor`: up to there all was attempted or may be skipped. `counts`: outcomes so far.

    `whole`: where the cursor last was with nothing ahead of it (see `Change.outgoing`).
    """

    def __init__(self, receiver: Receiver, road: Road) -> None:
        self.platform = receiver.platform
        self.cursor = receiver.cursor
        self.whole = ORIGIN
        self._began = receiver.cursor
        self._inherited: Place | None = None  # the end of the line when this courier began
        self._withdrawn: dict[ObjectKey, Place] = {}  # told since the cursor was whole
        self._put_whole: set[ObjectKey] = set()  # by a repair, in this batch
        self.counts: Counter[str] = Counter()
        self.wake = asyncio.Event()
        self.stopped = False
        self._road = road
        self._counter = cache(road.metrics.deliveries.labels)
        self._known: Platform | None = None
        self._ways: dict[tuple[str, bool, PartyRef | None], Way | None] = {}

    async def run(self) -> None:
        """Deliver until stopped; a fault of the surroundings ends it, and it can be run again."""
        while not self.stopped:
            self.wake.clear()
            while await self._step():
                pass
            await self.wake.wait()

    def stop(self) -> None:
        """Finish the requests in hand and begin no other."""
        self.stopped = True
        self.wake.set()

    async def _step(self) -> bool:
        """One batch; False when there is nothing (more) to do before the next wake."""
        if self.stopped:
            return False
        if self._reachable() is None:
            await self._stay_away()
            return False
        changes = await self._ahead()
        if changes is None:
            return False
        if not changes:
            self.whole = self.cursor
            self._withdrawn.clear()
        await self._deliver(changes)
        return bool(changes)

    async def _ahead(self) -> Sequence[Change] | None:
        """What comes next.

        Who served the receiver before may have told more than it could save: up to where the line
        ended then, things are told as they are now, and nothing older follows (ROUT-220).
        """
        line = self._road.line
        if self._inherited is None:
            self._inherited = await line.head()
        read = line.anew if self.cursor < self._inherited else line.after
        return await read(self.cursor, BATCH)

    def _reachable(self) -> Platform | None:
        found = self._registered()
        return found if found is not None and found.connected and not self.stopped else None

    def _registered(self) -> Platform | None:
        return self._road.platforms.directory().platforms.get(self.platform)

    async def _stay_away(self) -> None:
        """Go along without telling: what is missed now is not sent later (ROUT-219, ROUT-227)."""
        found = self._registered()
        if found is not None and found.quirks.catch_up:
            return
        self.cursor = max(self.cursor, self._road.head())
        while missed := await self._road.line.after(self.cursor, BATCH):
            self.cursor = missed[-1].place
        self.whole = self.cursor

    async def _deliver(self, changes: Sequence[Change]) -> None:
        batch = _Batch(changes, self)
        self._put_whole.clear()
        lanes = min(self._road.lanes, len(batch.chains))
        if lanes == 1:
            await self._walk(batch)
        elif lanes:
            async with asyncio.TaskGroup() as group:
                for _ in range(lanes):
                    group.create_task(self._walk(batch))

    async def _walk(self, batch: "_Batch") -> None:
        """One lane: takes chain after chain, each in order, until the receiver is gone."""
        while batch.chains:
            for index in batch.chains.popleft():
                if not await self._tell(batch.changes[index], batch.start):
                    return
                batch.finish(index)
                failpoint("courier.moved")

    async def _tell(self, change: Change, whole: Place) -> bool:
        """Tell the receiver of one change; False when the receiver went away meanwhile."""
        platform = self._reachable()
        if platform is None:
            return False
        if change.key.whole in self._put_whole:
            return True
        if change.key.module == attempt.CLIENT_INFO:
            seen = await self._seen(change, whole, platform)
            if seen is None:
                return True
            change = seen
        turned, change = change.turned, self._as_told(change, whole)
        way = self._way(change, platform)
        if way is None:
            return True
        for call in attempt.requests(change, whole, way, self._road.fresh):
            found = await self._attempt(call, change, way)
            if found is Verdict.GIVE_UP and self._reachable() is None:
                return False
            self._count(found)
        if turned > whole:
            self._withdrawn[change.key] = turned
        return True

    def _as_told(self, change: Change, whole: Place) -> Change:
        """A Location that was withdrawn is told once more to all who could see it (LOC-075)."""
        if change.public or change.turned <= max(whole, self._began):
            return change
        if self._withdrawn.get(change.key) == change.turned:
            return change
        return replace(change, public=True, turned=ORIGIN)

    async def _seen(self, change: Change, whole: Place, platform: Platform) -> Change | None:
        """A connection as the platform sees it; the line may be ahead of the directory."""
        platforms = self._road.platforms
        if platforms.directory().agreements is None:
            return change
        await platforms.latest()
        return attempt.as_seen(change, whole, platform, platforms.directory())

    def _way(self, change: Change, platform: Platform) -> Way | None:
        """How the platform is told of such a change; remembered as long as the platform's entry."""
        if change.origin == platform.id:
            return None
        if platform is not self._known:
            self._known, self._ways = platform, {}
        directory = self._road.platforms.directory()
        owner = None if directory.agreements is None else change.owner
        kind = change.key.module, change.public, owner
        if kind not in self._ways:
            spec = self._road.modules.get(platform.version or "", {}).get(change.key.module)
            self._ways[kind] = attempt.way(change, platform, spec, directory)
        return self._ways[kind]

    async def _attempt(self, call: Call, change: Change, way: Way) -> Verdict:
        failpoint("courier.sending")
        found = attempt.verdict(call.method, await self._road.client.call(call))
        failpoint("courier.sent")
        if found is Verdict.DELIVERED:
            return found
        if found is Verdict.RETRY:
            if self.stopped or not await self._road.probe(self.platform) or not self._reachable():
                return Verdict.GIVE_UP
            again = self._anew(call)
            found = attempt.final(again.method, await self._road.client.call(again))
        if found is Verdict.REPAIR:
            return await self._repair(call, change, way)
        return found

    async def _repair(self, call: Call, change: Change, way: Way) -> Verdict:
        """GET the object at the receiver; PUT it in full when it is missing or older (TR-041)."""
        if self._reachable() is None:
            return Verdict.GIVE_UP
        shown = {
            name: value for name, value in call.headers.items() if name != message.CONTENT_TYPE
        }
        look = Message("GET", change.state_path, b"")
        asked = attempt.request(change, look, way, shown)
        found = attempt.held(await self._road.client.call(self._anew(asked)), change.last_updated)
        push = await self._full(change, found)
        if push is not None:
            push = attempt.spoken(push, change, way)
        if push is None:
            return Verdict.DELIVERED if found is Held.CURRENT else Verdict.GIVE_UP
        put = self._anew(attempt.request(change, push, way, shown))
        done = attempt.accepted(await self._road.client.call(put))
        if done and found is Held.MISSING and change.key != change.key.whole:
            # It was put as it is now: what is in hand of it is older, and what was read meanwhile.
            self._put_whole.add(change.key.whole)
            self._inherited = await self._road.line.head()
        return Verdict.REPAIR if done else Verdict.GIVE_UP

    async def _full(self, change: Change, found: Held) -> Message | None:
        """The object to put; the whole Location where one of its EVSEs is missing."""
        if found is Held.STALE:
            return change.full
        if found is not Held.MISSING:
            return None
        if change.key == change.key.whole:
            return None if change.public and attempt.withdrawn(change.state) else change.full
        whole = await self._road.store.one(change.key.whole)
        if whole is None or (change.public and attempt.withdrawn(whole)):
            return None  # not published any more, which the receiver may not be entitled to see
        return Message("PUT", change.state_path.partition("/")[0], whole)

    def _anew(self, call: Call) -> Call:
        """The same call as a request of its own (TR-070)."""
        return replace(call, headers={**call.headers, message.REQUEST_ID: self._road.fresh()})

    def _count(self, found: Verdict) -> None:
        self.counts[found.value] += 1
        self._counter(found.value).value += 1


class _Batch:
    """Changes in hand. The cursor follows the longest beginning in which all is done."""

    def __init__(self, changes: Sequence[Change], courier: Courier) -> None:
        self.changes = changes
        self.start = courier.whole
        self.chains = deque(attempt.chains(changes))
        self._courier = courier
        self._open = set(range(len(changes)))
        self._next = 0

    def finish(self, index: int) -> None:
        self._open.discard(index)
        while self._next < len(self.changes) and self._next not in self._open:
            self._courier.cursor = self.changes[self._next].place
            self._next += 1
