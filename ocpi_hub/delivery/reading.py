"""A reading: one pull of one list of a partner, from the first page to what became of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Final

import structlog

from ocpi_hub.delivery import crawl
from ocpi_hub.delivery.client import PULL
from ocpi_hub.delivery.crawl import Broken, Manner
from ocpi_hub.delivery.intake import Intake
from ocpi_hub.modules import pull
from ocpi_hub.modules.journal import Direction, Hop, Journal
from ocpi_hub.modules.outgoing import Call, Failed, Failure, Outcome, PartnerClient
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.pull import Duty, Found, Held, Kind, Plan, PullBook, Tally, Vanished
from ocpi_hub.modules.store import Store
from ocpi_hub.ocpi import codec, message
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, format_datetime
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.routing.directory import Platform
from ocpi_hub.settings import Pull as Settings

LONGEST: Final = timedelta(hours=12)  # of one reading, however slow the partner
NAMED: Final = 20  # vanished objects that the finding names

log = structlog.get_logger("delivery")

_ABSENT: Final[Mapping[str, str]] = {
    "locations": "LOC-025",
    "tariffs": "TAR-004",
    "tokens": "TOK-005",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What all readings share. `duties`: what the hub keeps copies of; `modules`: by OCPI version.

    `largest`: bytes of one object; `longest_page`: of one answer.
    """

    book: PullBook
    platforms: Platforms
    client: PartnerClient
    duties: Mapping[str, Duty]
    store: Store
    journal: Journal
    modules: Mapping[str, Mapping[str, ModuleSpec]]
    settings: Settings
    largest: int
    longest_page: int
    fresh: Callable[[], str] = fresh_id
    clock: Callable[[], datetime] = now
    dice: Callable[[], float] = random


class Reading:
    """Of each party whose objects the platform may list, page by page."""

    def __init__(
        self, ground: Ground, platform: Platform, module: str, plan: Plan, began: datetime
    ) -> None:
        self._ground = ground
        self._platform = platform
        self._module = module
        self._plan = plan
        self._at = began
        self._tally = Tally(plan.kind, self._at)
        self._owners = pull.owners(platform, ground.modules[platform.version or ""][module])
        self._correlation_id = ground.fresh()
        self._intake = Intake(
            module,
            platform.id,
            self._owners,
            ground.duties[module],
            self._tally,
            correlation_id=self._correlation_id,
            largest=ground.largest,
        )

    async def run(self) -> Tally:
        """What it came to; a fault of the partner or of the store is told there."""
        tally = self._tally
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                work = self._all if self._plan.kind is Kind.ALL else self._read
                await work()
        except Broken as error:
            tally.fault = error.why
            if error.rule:
                self._intake.findings.add(f"{error.rule}: {error.why}")
        except TimeoutError:
            tally.fault = f"not done within {LONGEST}"
        except Exception as error:  # noqa: BLE001 - whatever happened, the next try comes in its turn
            tally.fault = "the hub failed; its log tells why"
            log.warning("pull.failed", platform=self._platform.id, error=repr(error))
        finally:
            await self._intake.close()
        tally.ended_at = self._ground.clock()
        self._tell()
        return tally

    async def _all(self) -> None:
        """Everything, and then what of the hub's copy was not among it (LOC-025)."""
        held = partial(self._ground.book.held, self._module, self._owners)
        before = await held()
        await self._read()
        if missing := pull.unlisted(before, before, self._intake.seen):
            missing = pull.unlisted(missing, await held(), self._intake.seen)
        if missing:
            await self._part_with(missing)

    async def _read(self) -> None:
        """Page by page; what was read stays, even where the list breaks off."""
        try:
            await self._walk_all()
        finally:
            await self._intake.settle()

    async def _walk_all(self) -> None:
        """Once is enough where one party is listed the objects of others too."""
        asked: set[PartyRef] = set()
        for owner in self._owners:
            if self._intake.owners_seen - asked:
                break
            asked.add(owner)
            await self._walk(self._manner(owner))
            await self._intake.settle()

    async def _walk(self, manner: Manner) -> None:
        seen = self._intake.seen
        total: int | None = None
        lead = crawl.by_offset if self._platform.quirks.offset_paging else crawl.by_link
        async with aclosing(crawl.pages(manner.call.url, manner, lead)) as pages:
            async for page in pages:
                self._tally.pages += 1
                if total is not None and page.total is not None:
                    seen.shrank |= page.total < total
                total = page.total
                await self._intake.take(page.objects)
        if total is not None:
            seen.total = (seen.total or 0) + total

    def _manner(self, owner: PartyRef) -> Manner:
        ground = self._ground
        endpoint = self._platform.endpoint(self._module, InterfaceRole.SENDER)
        query = {"limit": str(ground.settings.limit)}
        if self._plan.date_from is not None:
            query = {"date_from": format_datetime(self._plan.date_from), **query}
        hub = ground.platforms.directory().hub
        call = Call(
            platform=self._platform.id,
            method="GET",
            url=crawl.first(
                endpoint.url if endpoint else "",
                query,
                slash=self._platform.quirks.trailing_slash,
            ),
            headers={
                **message.routing_headers(owner, hub),
                message.CORRELATION_ID: self._correlation_id,
            },
            body=None,
            route=self._route,
            mode=PULL,
            deadline_s=ground.settings.deadline_s,
            max_answer=ground.longest_page,
        )
        return Manner(call, self._send, ground.fresh)

    @property
    def _route(self) -> str:
        return f"{self._module}.sender.get"

    async def _send(self, call: Call) -> Outcome:
        """A partner that went away meanwhile is not asked on."""
        found = self._ground.platforms.directory().platforms.get(call.platform)
        if found is None or not found.connected:
            return Failed(Failure.NOT_CONNECTED, "the partner is not connected")
        return await self._ground.client.call(call)

    async def _part_with(self, gone: Sequence[Held]) -> None:
        """Tell it, and remove it where that is the policy and the list leaves no doubt."""
        self._tally.vanished = len(gone)
        why = "by this partner's policy"
        if self._platform.quirks.vanished == Vanished.REMOVE:
            why = pull.doubt(self._intake.seen)
        names = ", ".join("/".join((str(one.owner), *one.ids)) for one in gone[:NAMED])
        done = f"kept: {why}" if why else "removed"
        self._intake.findings.add(
            f"{_ABSENT[self._module]}: {len(gone)} {self._module} are not listed any more, "
            f"{done} ({names}{', ...' if len(gone) > NAMED else ''})"
        )
        if not why:
            await self._remove(gone)

    async def _remove(self, gone: Sequence[Held]) -> None:
        at = format_datetime(self._ground.clock())
        for one in gone:
            body = await self._ground.store.one(one.key)
            if body is None:
                continue
            pushes = pull.gone(self._module, one.ids, body, at)
            try:
                for ids, push in pushes:
                    value = codec.decode(push.body) if push.body else None
                    _ = await self._intake.push(Found(one.owner, ids, push, value))
            except OcpiError as error:
                raise Broken(error.message) from None
            self._tally.removed += bool(pushes)

    def _tell(self) -> None:
        """The log tells that it happened, the journal what was odd."""
        tally, findings = self._tally, self._intake.findings
        log.info(
            "pull.ended",
            platform=self._platform.id,
            module=self._module,
            kind=tally.kind.value,
            objects=tally.objects,
            changed=tally.changed,
            bad=tally.bad + tally.foreign,
            fault=tally.fault,
        )
        if not findings.told:
            return
        ended = tally.ended_at or self._at
        more = (f"... and {findings.more} more",) if findings.more else ()
        endpoint = self._platform.endpoint(self._module, InterfaceRole.SENDER)
        self._ground.journal.record(
            Hop(
                at=ended,
                direction=Direction.OUT,
                platform=self._platform.id,
                route=self._route,
                mode=PULL,
                method="GET",
                url=endpoint.url if endpoint else "",
                request_id="",
                correlation_id=self._correlation_id,
                sender=None,
                receiver=None,
                http=None,
                code=None,
                outcome="findings",
                duration_ms=(ended - self._at).total_seconds() * 1000,
                response_body=codec.join_array(findings.objects),
                findings=(*findings.told, *more),
            )
        )
