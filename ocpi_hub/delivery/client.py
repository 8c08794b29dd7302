"""The client: every call to a partner, with token, lane, breaker, deadline and journal.

A partner's failure is a value. Nothing here tries again: who called decides what follows.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Final

from ocpi_hub.delivery import guard
from ocpi_hub.delivery.breaker import Breaker, State
from ocpi_hub.delivery.lanes import Full, Lanes
from ocpi_hub.delivery.transport import AiohttpTransport, Prepared, Transport
from ocpi_hub.modules.journal import Direction, Hop, Journal
from ocpi_hub.modules.outgoing import Answered, Call, Failed, Failure, Outcome
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.ocpi import message, token
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.routing.directory import Platform, PlatformId
from ocpi_hub.settings import Delivery

# Registration and probes find out whether a partner lives: they pass an open breaker.
CONFIGURATION: Final = "configuration"
# Spread keeps its own lanes for each receiver: it takes only one of the total.
BROADCAST: Final = "broadcast"
LONGEST_URL: Final = 4096


class HttpClient:
    """Implements `PartnerClient`.

    `unreachable` is called with every platform that could not be reached; set it before use.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        platforms: Platforms,
        journal: Journal,
        metrics: Metrics,
        settings: Delivery,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.unreachable: Callable[[PlatformId], object] = lambda _: None
        self._transport = transport
        self._platforms = platforms
        self._journal = journal
        self._metrics = metrics
        self._settings = settings
        self._clock = clock
        self._policy = policy(settings)
        self._lanes = Lanes(settings.relay_lanes, settings.total)
        self._breakers: dict[PlatformId, Breaker] = {}

    @classmethod
    def open(
        cls, platforms: Platforms, journal: Journal, metrics: Metrics, settings: Delivery
    ) -> "HttpClient":
        """A client over aiohttp; inside the running loop."""
        return cls(
            AiohttpTransport(policy(settings)),
            platforms=platforms,
            journal=journal,
            metrics=metrics,
            settings=settings,
        )

    async def close(self) -> None:
        await self._transport.close()

    def breaker(self, platform: PlatformId) -> Breaker:
        """What this process learnt about the partner; for others only to read."""
        return self._breakers.setdefault(platform, Breaker())

    def inbound_seen(self, platform: PlatformId) -> None:
        """The partner just called the hub with its token."""
        self.breaker(platform).inbound_seen(monotonic())

    async def call(self, call: Call) -> Outcome:
        at, started = self._clock(), monotonic()
        outcome = await self._attempt(call)
        if isinstance(outcome, Answered):
            self._platforms.seen(call.platform)
        self._record(call, outcome, at, monotonic() - started)
        return outcome

    async def _attempt(self, call: Call) -> Outcome:
        platform = self._platforms.directory().platforms.get(call.platform)
        reason = guard.check_url(call.url, self._policy, LONGEST_URL)
        if reason is not None:
            return Failed(Failure.FORBIDDEN, f"the URL {reason}")
        shown = call.token or self._platforms.outgoing_token(call.platform)
        if shown is None:
            return Failed(Failure.NOT_CONNECTED, "there is no token for this platform")
        if call.token is None and not _at_home(call.url, platform):
            return Failed(Failure.FORBIDDEN, "the URL is none of this platform's origins")
        raw = platform is not None and platform.quirks.raw_token
        return await self._admitted(call, token.authorization(shown, raw=raw), platform)

    async def _admitted(self, call: Call, authorization: str, platform: Platform | None) -> Outcome:
        if call.mode == CONFIGURATION:
            return await self._in_lane(call, authorization, platform)
        if not self._admits(call.platform):
            self.unreachable(call.platform)
            return Failed(Failure.NOT_CONNECTED, "the breaker is open")
        outcome = await self._in_lane(call, authorization, platform)
        if isinstance(outcome, Failed) and outcome.failure is Failure.NOT_CONNECTED:
            self.unreachable(call.platform)
        return outcome

    async def _in_lane(self, call: Call, authorization: str, platform: Platform | None) -> Outcome:
        deadline_s, started = self._deadline(call, platform), monotonic()
        waits = call.mode in (CONFIGURATION, BROADCAST)
        wait_s = deadline_s if waits else min(self._settings.lane_wait_s, deadline_s)
        breaker = self.breaker(call.platform)
        try:
            async with self._lanes.hold(None if waits else call.platform, wait_s):
                left = deadline_s - (monotonic() - started)
                outcome = await self._transport.send(_prepared(call, authorization, left))
        except Full:
            breaker.abandoned(monotonic())
            return Failed(Failure.NOT_CONNECTED, "every lane is taken")
        except asyncio.CancelledError:
            breaker.abandoned(monotonic())
            raise
        self._learn(call.platform, outcome)
        return outcome

    def _deadline(self, call: Call, platform: Platform | None) -> float:
        own = platform.quirks.deadline_s if platform is not None else None
        return call.deadline_s or own or self._settings.deadline_s

    def _admits(self, platform: PlatformId) -> bool:
        breaker, at = self.breaker(platform), monotonic()
        seen = self._platforms.last_seen(platform)
        if breaker.state is not State.CLOSED and seen is not None:
            ago = (self._clock() - seen).total_seconds()
            if at - ago > breaker.opened_at:
                breaker.inbound_seen(at)
        return breaker.admits(at)

    def _learn(self, platform: PlatformId, outcome: Outcome) -> None:
        breaker, at = self.breaker(platform), monotonic()
        if isinstance(outcome, Answered) or outcome.failure is Failure.GARBAGE:
            breaker.succeeded(at)  # what answers is alive, whatever it says
        elif outcome.failure is Failure.FORBIDDEN:
            breaker.abandoned(at)
        else:
            breaker.failed(at)

    def _record(self, call: Call, outcome: Outcome, at: datetime, took_s: float) -> None:
        self._metrics.calls.labels(call.route, _name(outcome)).inc()
        self._metrics.call_seconds.labels(call.route).observe(took_s)
        self._journal.record(_hop(call, outcome, at, took_s * 1000))


def policy(settings: Delivery) -> guard.Policy:
    return guard.Policy(settings.allow_private, settings.require_https)


def _at_home(url: str, platform: Platform | None) -> bool:
    """Whether a stored token may be shown there: only to the partner's own origins (ROUT-508)."""
    if platform is None:
        return False
    known = (endpoint.url for endpoint in platform.endpoints)
    return guard.same_origin(url, (*known, platform.versions_url or ""))


def _prepared(call: Call, authorization: str, left_s: float) -> Prepared:
    headers = {**call.headers, message.AUTHORIZATION: authorization}
    if call.body is not None and not _has(headers, message.CONTENT_TYPE):
        headers[message.CONTENT_TYPE] = message.JSON  # TR-030
    return Prepared(call.method, call.url, headers, call.body, left_s, call.max_answer)


def _has(headers: Mapping[str, str], name: str) -> bool:
    return name in headers or any(given.lower() == name.lower() for given in headers)


def _hop(call: Call, outcome: Outcome, at: datetime, took_ms: float) -> Hop:
    answered = outcome if isinstance(outcome, Answered) else None
    request_id = call.headers.get(message.REQUEST_ID, "")
    return Hop(
        at=at,
        direction=Direction.OUT,
        platform=call.platform,
        route=call.route,
        mode=call.mode,
        method=call.method,
        url=call.url,
        request_id=request_id,
        correlation_id=call.headers.get(message.CORRELATION_ID, ""),
        sender=_party(call.headers, message.FROM_COUNTRY, message.FROM_PARTY),
        receiver=_party(call.headers, message.TO_COUNTRY, message.TO_PARTY),
        http=answered.http if answered else None,
        code=message.status_of(answered.body) if answered else None,
        outcome=_name(outcome),
        duration_ms=took_ms,
        request_body=call.body or b"",
        response_body=answered.body if answered else b"",
        findings=_findings(answered, request_id),
    )


def _name(outcome: Outcome) -> str:
    return "answered" if isinstance(outcome, Answered) else outcome.failure.value


def _party(headers: Mapping[str, str], country: str, party: str) -> PartyRef | None:
    pair = headers.get(country), headers.get(party)
    return PartyRef(pair[0], pair[1]) if pair[0] and pair[1] else None


def _findings(answered: Answered | None, request_id: str) -> tuple[str, ...]:
    if answered is None or answered.headers.get("x-request-id") == request_id:
        return ()
    return ("TR-071: X-Request-ID is not repeated in the answer",)
