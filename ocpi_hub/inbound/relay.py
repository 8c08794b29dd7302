"""Handing a request on to the party it is for, and its answer back.

Bytes pass untouched, but between partners of different versions.

At most once, within one deadline, and never again later (TR-090, ROUT-115).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Final

import structlog

from ocpi_hub.inbound.body import Sizes
from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.interpreter import Interpreter
from ocpi_hub.inbound.laps import Laps
from ocpi_hub.modules.outgoing import Call, Failed, Failure, PartnerClient
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.routing import rewrite
from ocpi_hub.routing.decide import Forward

log = structlog.get_logger("inbound")

_LINK_LIVES_S: Final = 24 * 3600  # ROUT-505: some hours; a crawl over night still ends
_LOCATION_LIVES_S: Final = 400 * 24 * 3600  # a CDR is looked at until its year is closed
_FAILED: Mapping[Failure, tuple[int, str]] = {  # ROUT-116
    Failure.NOT_CONNECTED: (Status.RECEIVER_NOT_CONNECTED, "the receiver cannot be reached"),
    Failure.FORBIDDEN: (Status.RECEIVER_NOT_CONNECTED, "the receiver's address is not allowed"),
    Failure.TIMEOUT: (Status.RECEIVER_TIMEOUT, "the receiver did not answer in time"),
    Failure.GARBAGE: (Status.HUB_ERROR, "the receiver answered with no OCPI message"),
}


@dataclass(frozen=True, slots=True)
class Relay:
    """`deadline_s`: the whole time a partner has to answer, unless its quirks say otherwise."""

    client: PartnerClient
    signer: rewrite.Signer
    fresh_id: Callable[[], str]
    deadline_s: float
    sizes: Sizes
    interpreter: Interpreter
    laps: Laps = field(default_factory=Laps)

    async def forward(
        self,
        exchange: Exchange,
        to: Forward,
        url: str | None = None,
        *,
        query: str | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Relay to the party's endpoint, or to the `url` that an address of ours stands for.

        `query` and `body` go instead of the received ones (a response_url is another there).
        """
        exchange.sender, exchange.receiver = to.sender, to.party
        row = exchange.row
        query = exchange.query if query is None else query
        slash = to.platform.quirks.trailing_slash
        target = url or rewrite.join(to.endpoint.url, exchange.path_below, query, slash=slash)
        ids = message.Ids(self.fresh_id(), exchange.ids.correlation_id)
        body = body or exchange.body or None
        foreign = to.platform.version != row.version
        if body and foreign:
            body = await self.interpreter.request(exchange, to, body)
        deadline = to.platform.quirks.deadline_s
        call = Call(
            platform=to.platform.id,
            method=exchange.method,
            url=target,
            headers=rewrite.request_headers(
                _content_type(exchange) if body else None, ids, to.party, to.sender
            ),
            body=body,
            route=row.route.name,
            mode=exchange.mode,
            deadline_s=self.deadline_s if deadline is None else deadline,
            max_answer=self.sizes.answer(row.module.identifier, row.route),
        )
        with self.laps.lap(exchange, to.platform.id):
            failpoint("relay.sending")
            outcome = await self.client.call(call)
            failpoint("relay.sent")
        if isinstance(outcome, Failed):
            code, text = _FAILED[outcome.failure]
            raise Unanswered(text, code, outcome.failure)
        verdict = rewrite.judge(outcome.http, outcome.body)
        if isinstance(verdict, rewrite.Unusable):
            if verdict.alert:
                log.error("inbound.credentials_refused", platform=to.platform.id, http=outcome.http)
            raise verdict.error
        headers = self._headers(exchange, to, target, outcome.headers)
        answer = outcome.body
        if foreign:
            answer = await self.interpreter.answer(exchange, to, answer)
        return Reply(outcome.http, verdict.code, answer, to.party, to.sender, headers)

    def _headers(
        self, exchange: Exchange, to: Forward, target: str, answered: Mapping[str, str]
    ) -> dict[str, str]:
        """The partner's headers that go back; most answers have none."""
        if answered.keys().isdisjoint(rewrite.ANSWER_HEADERS):
            return {}
        passage = rewrite.Passage(
            requester=exchange.known_platform.id,
            sender=to.sender,
            party=to.party,
            platform=to.platform,
            endpoint=to.endpoint,
            hub_url=rewrite.join(exchange.row.url, exchange.path_below),
            target_url=target,
            creating=exchange.method == "POST",
        )
        now = int(time())
        headers, findings = self.signer.answer_headers(
            passage, answered, now + _LINK_LIVES_S, now + _LOCATION_LIVES_S
        )
        exchange.findings += findings
        return headers


class Unanswered(OcpiError):
    """The receiver gave no answer that could be used; `failure` is for the journal."""

    def __init__(self, text: str, code: int, failure: Failure) -> None:
        super().__init__(text, code)
        self.failure = failure


def _content_type(exchange: Exchange) -> str:
    """As received when it says JSON; the body is JSON in any case (TR-030, TR-032)."""
    given = exchange.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() == message.JSON:
        return given
    exchange.findings.append("TR-032: Content-Type is not application/json")
    return message.JSON
