"""What a pulled page brings goes into the store as if its owners had pushed it.

Objects go in side by side, so that they share commits; a few are checked at a time, so that
relays pass in between. A bad object is left out and told, its page stays (TR-035).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ocpi_hub.delivery.crawl import Broken
from ocpi_hub.modules import pull
from ocpi_hub.modules.pull import Duty, Found, Seen, Tally
from ocpi_hub.modules.store import Written
from ocpi_hub.modules.taken import Taken
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.routing.directory import PlatformId

SLICE: Final = 8  # objects checked without a pause: about a millisecond
PENDING: Final = 400  # two commits' worth (storage.writer)
MOST: Final = 2_000_000  # objects of one pull; their keys are kept in memory
FINDINGS: Final = 100  # told of one pull
SHOWN: Final = 4096  # bytes of bad objects that the journal gets
_OURS: Final = frozenset({Status.SERVER_ERROR, Status.HUB_ERROR})  # not the object's fault
_CHANGED: Final = frozenset({Written.CREATED, Written.UPDATED})


@dataclass(slots=True)
class Findings:
    """What is odd about objects of a list, for the journal; bounded, the rest is counted."""

    told: list[str] = field(default_factory=list)
    objects: list[bytes] = field(default_factory=list)
    more: int = 0

    def add(self, text: str, raw: bytes = b"") -> None:
        if len(self.told) >= FINDINGS:
            self.more += 1
            return
        self.told.append(text)
        if raw and sum(map(len, self.objects)) + len(raw) <= SHOWN:
            self.objects.append(raw)


class Intake:
    """Takes the objects of one platform's list of one module into the hub's copy.

    `seen`: what the list held; `owners_seen`: whose objects were among it.
    """

    def __init__(
        self,
        module: str,
        platform: PlatformId,
        owners: Sequence[PartyRef],
        duty: Duty,
        tally: Tally,
        *,
        correlation_id: str,
        largest: int,
    ) -> None:
        self.seen = Seen()
        self.findings = Findings()
        self.owners_seen: set[PartyRef] = set()
        self._module = module
        self._platform = platform
        self._owners = frozenset(owners)
        self._duty = duty
        self._tally = tally
        self._correlation_id = correlation_id
        self._largest = largest
        self._places = asyncio.Semaphore(PENDING)
        self._tasks = Tasks()
        self._fault = ""

    async def take(self, raws: Sequence[bytes]) -> None:
        """Begin to store these objects, waiting when many are on their way; raises Broken."""
        for number, raw in enumerate(raws):
            if self._tally.objects >= MOST:
                raise Broken(f"more than {MOST} objects")
            self._tally.objects += 1
            await self._places.acquire()
            if self._fault:
                raise Broken(self._fault)
            _ = self._tasks.spawn("pull.object", self._store(raw))
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Wait until everything is stored; raises Broken when something could not be."""
        for _ in range(PENDING):
            await self._places.acquire()
        for _ in range(PENDING):
            self._places.release()
        if self._fault:
            raise Broken(self._fault)

    async def close(self) -> None:
        await self._tasks.close()

    async def _store(self, raw: bytes) -> None:
        try:
            await self._take(raw)
        finally:
            self._places.release()

    async def _take(self, raw: bytes) -> None:
        try:
            found = pull.identify(self._module, raw, self._largest)
        except OcpiError as error:
            self.seen.nameless += 1
            return self._bad(f"an object without identity ({_beginning(raw)})", error, raw)
        self.seen.keys.add(found.key(self._module))
        if found.owner not in self._owners:
            return self._foreign(found, raw)
        self.owners_seen.add(found.owner)
        try:
            self._count(found, await self.push(found))
        except OcpiError as error:
            if error.code in _OURS:
                self._fault = self._fault or error.message
                return None
            return self._bad(_name(found), error, raw)
        return None

    async def push(self, found: Found) -> Taken:
        """Store one push of an owner on this platform; raises OcpiError."""
        return await self._duty.push(
            found.owner,
            found.ids,
            found.message,
            found.value,
            origin=self._platform,
            correlation_id=self._correlation_id,
        )

    def _count(self, found: Found, taken: Taken) -> None:
        self._tally.changed += taken.written in _CHANGED
        self._tally.stale += taken.written is Written.STALE
        for finding in taken.findings:
            self.findings.add(f"{finding} ({_name(found)})")

    def _bad(self, name: str, error: OcpiError, raw: bytes) -> None:
        self._tally.bad += 1
        self.findings.add(f"TR-035: {self._module} {name} left out: {error.message}", raw)

    def _foreign(self, found: Found, raw: bytes) -> None:
        self._tally.foreign += 1
        self.findings.add(
            f"ROUT-216: {self._module} {_name(found)} left out: {found.owner} has no role on this "
            "platform that owns such objects",
            raw,
        )


def _name(found: Found) -> str:
    return f"{found.owner}/{'/'.join(found.ids)}"


def _beginning(raw: bytes) -> str:
    return raw[:40].decode(errors="replace")
