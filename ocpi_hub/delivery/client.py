"""The client: every call to a partner, with token, lane, breaker, deadline and journal.

A partner's failure is a value. Nothing here tries again: who called decides what follows.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from math import inf
from time import monotonic
from typing import Final

from ocpi_hub.delivery import guard
from ocpi_hub.delivery.breaker import Breaker, State
from ocpi_hub.delivery.guard import Place
from ocpi_hub.delivery.lanes import Full, Lanes
from ocpi_hub.delivery.partner import Partner
from ocpi_hub.delivery.transport import HttpTransport, Prepared, Transport
from ocpi_hub.modules.journal import Direction, Hop, Journal
from ocpi_hub.modules.outgoing import Answered, Call, Failed, Failure, Outcome
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.ops.metrics import Metrics
from ocpi_hub.ops.tally import Count, Span
from ocpi_hub.routing.directory import Platform, PlatformId
from ocpi_hub.settings import Delivery

# Registration and probes find out whether a partner lives: they pass an open breaker.
CONFIGURATION: Final = "configuration"
# Spread keeps its own lanes for each receiver: it takes only one of the total.
BROADCAST: Final = "broadcast"
# Pulling reads one page of a partner at a time, of a few partners: it takes no relay's lane.
PULL: Final = "pull"
_PATIENT: Final = frozenset(
    {CONFIGURATION, BROADCAST, PULL}
)  # they wait for a lane, nobody for them
LONGEST_URL: Final = 4096
_READ_BACK: Final = ("locations", "tariffs", "sessions", "tokens", "cdrs")
_ONE_OBJECT: Final = frozenset(
    {
        "commands.receiver.post",
        "tokens.sender.authorize",
        "locations.sender.get",
        *(f"chargingprofiles.receiver.{method}" for method in ("get", "put", "delete")),
        *(f"{module}.receiver.get" for module in _READ_BACK),
    }
)
# Where `data` comes first, as with those who answer so; a relayed answer is not read for this.
# What the answer to a routed request says, by what the request said (ROUT-008).
_SWAPPED: Final = (
    (message.FROM_COUNTRY, message.TO_COUNTRY.lower()),
    (message.FROM_PARTY, message.TO_PARTY.lower()),
    (message.TO_COUNTRY, message.FROM_COUNTRY.lower()),
    (message.TO_PARTY, message.FROM_PARTY.lower()),
)
_LIST: Final = re.compile(rb'\s*\{\s*"data"\s*:\s*\[')
ANSWERED: Final = "answered"


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
        max_answer: int = 1024**2,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.unreachable: Callable[[PlatformId], object] = lambda _: None
        self._transport = transport
        self._platforms = platforms
        self._journal = journal
        self._metrics = metrics
        self._settings = settings
        self._max_answer = max_answer
        self._clock = clock
        self._policy = policy(settings)
        self._lanes = Lanes(settings.relay_lanes, settings.total)
        self._partners: dict[PlatformId, Partner] = {}
        self._meters = cache(self._meter)

    @classmethod
    def open(
        cls,
        platforms: Platforms,
        journal: Journal,
        metrics: Metrics,
        settings: Delivery,
        max_answer: int = 1024**2,
    ) -> "HttpClient":
        """A client on its own transport; inside the running loop.

        `max_answer`: bytes of an answer where the call does not say.
        """
        return cls(
            HttpTransport(policy(settings)),
            platforms=platforms,
            journal=journal,
            metrics=metrics,
            settings=settings,
            max_answer=max_answer,
        )

    async def close(self) -> None:
        await self._transport.close()

    def breaker(self, platform: PlatformId) -> Breaker:
        """What this process learnt about the partner; for others only to read."""
        return self._partner(platform).breaker

    def inbound_seen(self, platform: PlatformId) -> None:
        """The partner just called the hub with its token."""
        self._partner(platform).breaker.inbound_seen(monotonic())

    def refused(self, url: str) -> str | None:
        """Why the text of an address keeps the hub from calling it, or None."""
        return guard.check_url(url, self._policy)

    async def call(self, call: Call) -> Outcome:
        at, started = self._clock(), monotonic()
        partner = self._partner(call.platform)
        platform = self._platforms.directory().platforms.get(call.platform)
        request = self._prepare(call, partner, platform)
        outcome: Outcome
        if isinstance(request, Failed):
            outcome = request
        else:
            until = started + self._deadline(call, platform)
            outcome = await self._in_lane(call, request, partner, until)
        self._tell(call, outcome)
        self._record(call, outcome, at, monotonic() - started, partner)
        return outcome

    def _prepare(
        self, call: Call, partner: Partner, platform: Platform | None
    ) -> Prepared | Failed:
        """What goes out, or why nothing may."""
        place = guard.allowed(call.url, self._policy, LONGEST_URL)
        if isinstance(place, str):
            return Failed(Failure.FORBIDDEN, f"the URL {place}")
        shown = call.token or self._platforms.outgoing_token(call.platform)
        if shown is None:
            return Failed(Failure.NOT_CONNECTED, "there is no token for this platform")
        if call.token is None and not partner.at_home(place.origin, platform):
            return Failed(Failure.FORBIDDEN, "the URL is none of this platform's origins")
        if call.mode != CONFIGURATION and not self._admits(call.platform, partner.breaker):
            return Failed(Failure.NOT_CONNECTED, "the breaker is open")
        raw = platform is not None and platform.quirks.raw_token
        return _prepared(call, place, partner.authorization(shown, raw=raw), self._max_answer)

    def _tell(self, call: Call, outcome: Outcome) -> None:
        """Tell those who look after the partner whether it was there."""
        if isinstance(outcome, Answered):
            self._platforms.seen(call.platform)
        elif outcome.failure is Failure.NOT_CONNECTED and call.mode != CONFIGURATION:
            self.unreachable(call.platform)

    async def _in_lane(
        self, call: Call, request: Prepared, partner: Partner, until: float
    ) -> Outcome:
        left_s = until - monotonic()
        own, wait_s = (
            (None, left_s)
            if call.mode in _PATIENT
            else (call.platform, min(self._settings.lane_wait_s, left_s))
        )
        try:
            await self._lanes.take(own, wait_s)
            try:
                outcome = await self._transport.send(request, until - monotonic())
            finally:
                self._lanes.give(own)
        except Full:
            partner.breaker.abandoned(monotonic())
            return Failed(Failure.NOT_CONNECTED, "every lane is taken")
        except asyncio.CancelledError:
            partner.breaker.abandoned(monotonic())
            raise
        _learn(partner.breaker, outcome)
        return outcome

    def _deadline(self, call: Call, platform: Platform | None) -> float:
        own = platform.quirks.deadline_s if platform is not None else None
        return call.deadline_s or own or self._settings.deadline_s

    def _admits(self, platform: PlatformId, breaker: Breaker) -> bool:
        at = monotonic()
        if breaker.state is not State.CLOSED:
            seen = self._platforms.last_seen(platform)
            ago = (self._platforms.clock() - seen).total_seconds() if seen is not None else inf
            if at - ago > breaker.opened_at:
                breaker.inbound_seen(at)
        return breaker.admits(at)

    def _partner(self, platform: PlatformId) -> Partner:
        if platform not in self._partners:
            self._partners[platform] = Partner()
        return self._partners[platform]

    def _meter(self, route: str, name: str) -> tuple[Count, Span]:
        """The metrics of one row of the table with one outcome; looking them up is dear."""
        calls, seconds = self._metrics.calls, self._metrics.call_seconds
        return calls.labels(route, name), seconds.labels(route)

    def _record(
        self, call: Call, outcome: Outcome, at: datetime, took_s: float, partner: Partner
    ) -> None:
        answered = outcome if isinstance(outcome, Answered) else None
        name = outcome.failure.value if isinstance(outcome, Failed) else ANSWERED
        calls, seconds = self._meters(call.route, name)
        calls.value += 1
        seconds.observe(took_s)
        hop = _hop(call, answered, name, at, took_s * 1000)
        if answered is not None and _unswapped(call, answered):
            hop.findings += partner.unswapped(monotonic())
        self._journal.record(hop)


def policy(settings: Delivery) -> guard.Policy:
    return guard.Policy(settings.allow_private, settings.require_https)


def _learn(breaker: Breaker, outcome: Outcome) -> None:
    at = monotonic()
    if isinstance(outcome, Answered) or outcome.failure is Failure.GARBAGE:
        breaker.succeeded(at)  # what answers is alive, whatever it says
    elif outcome.failure is Failure.FORBIDDEN:
        breaker.abandoned(at)
    else:
        breaker.failed(at)


def _prepared(call: Call, place: Place, authorization: str, most: int) -> Prepared:
    headers = {**call.headers, message.AUTHORIZATION: authorization}
    if call.body is not None and not _has(headers, message.CONTENT_TYPE):
        headers[message.CONTENT_TYPE] = message.JSON  # TR-030
    return Prepared(
        call.method, place.origin, place.target, headers, call.body, call.max_answer or most
    )


def _has(headers: Mapping[str, str], name: str) -> bool:
    return name in headers or any(given.lower() == name.lower() for given in headers)


def _hop(call: Call, answered: Answered | None, name: str, at: datetime, took_ms: float) -> Hop:
    shown = call.headers
    request_id = shown.get(message.REQUEST_ID, "")
    return Hop(
        at=at,
        direction=Direction.OUT,
        platform=call.platform,
        route=call.route,
        mode=call.mode,
        method=call.method,
        url=call.url,
        request_id=request_id,
        correlation_id=shown.get(message.CORRELATION_ID, ""),
        sender=_party(shown.get(message.FROM_COUNTRY), shown.get(message.FROM_PARTY)),
        receiver=_party(shown.get(message.TO_COUNTRY), shown.get(message.TO_PARTY)),
        http=answered.http if answered else None,
        code=answered.code if answered else None,
        outcome=name,
        duration_ms=took_ms,
        request_body=call.body or b"",
        response_body=answered.body if answered else b"",
        findings=_findings(call, answered, request_id),
    )


@lru_cache(1024)
def _party(country: str | None, party: str | None) -> PartyRef | None:
    return PartyRef(country, party) if country and party else None


def _findings(call: Call, answered: Answered | None, request_id: str) -> tuple[str, ...]:
    if answered is None:
        return ()
    found = []
    if answered.headers.get("x-request-id") != request_id:
        found.append("TR-071: X-Request-ID is not repeated in the answer")
    if call.route in _ONE_OBJECT and call.mode != PULL and _LIST.match(answered.body):
        found.append("TR-061: data: an object is expected, not a list")
    return tuple(found)


def _unswapped(call: Call, answered: Answered) -> bool:
    """Whether the answer to a routed request does not have its pairs the other way round."""
    if message.TO_PARTY not in call.headers:
        return False
    return any(
        answered.headers.get(theirs, "").lower() != call.headers.get(ours, "").lower()
        for ours, theirs in _SWAPPED
    )
