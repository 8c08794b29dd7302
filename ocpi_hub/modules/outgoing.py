"""Calls to partners as duties see them: one request, one deadline, one outcome.

`delivery` implements `PartnerClient`. A partner's failure is a value, not an exception: either an
`Answered` or a `Failed` that says how far the request got (ROUT-116).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ocpi_hub.ocpi import message
from ocpi_hub.routing.directory import PlatformId


class Failure(StrEnum):
    """How a call failed; the value is what the journal shows.

    NOT_CONNECTED: nothing was handed over (DNS, refused, TLS, connect time-out, breaker, lanes).
    TIMEOUT: handed over, no complete answer in time, or the connection broke before the answer.
    GARBAGE: an answer came that cannot be used (no HTTP, too large, bad encoding, redirect).
    FORBIDDEN: the guard does not let the hub call this address (private, not https, ...).
    """

    NOT_CONNECTED = "not-connected"
    TIMEOUT = "timeout"
    GARBAGE = "garbage"
    FORBIDDEN = "forbidden"


@dataclass(slots=True)
class Call:
    """One outgoing request, never changed; not frozen, since that is dear for so many.

    `headers` are complete but for Authorization, which the client adds.

    `token`: shown instead of the platform's stored one (registration); `deadline_s`: the whole
    time from now to the last byte of the answer. `max_answer`: bytes of
    the answer, None for the client's own limit. `route` and `mode` are for journal and metrics.
    """

    platform: PlatformId
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    route: str
    mode: str
    deadline_s: float | None = None
    token: str | None = None
    max_answer: int | None = None


@dataclass(slots=True)
class Answered:
    """A whole answer: status line, headers (names in lower case), body after decompression.

    `code`: the status_code of its envelope, None when the body is none. Never changed, as a call.
    """

    http: int
    headers: dict[str, str]
    body: bytes
    code: int | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.code = message.status_of(self.body)


@dataclass(frozen=True, slots=True)
class Failed:
    failure: Failure
    detail: str


Outcome = Answered | Failed


class PartnerClient(Protocol):
    async def call(self, call: Call) -> Outcome:
        """Make one call within its deadline; journals it; never raises for a partner's fault."""
