"""The journal: one row per hop of a message, for operators and for certification.

Bodies are masked before they are kept. Recording never waits and never fails a message: the
queue is bounded, and what does not fit is counted in `ocpi_hub_journal_dropped_total`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.routing.directory import PlatformId


class Direction(StrEnum):
    """IN: a partner called the hub. OUT: the hub called a partner."""

    IN = "IN"
    OUT = "OUT"


@dataclass(slots=True)
class Hop:
    """One request and its answer on one connection; not frozen, since that is dear for so many.

    `route` names the row of the table (`locations.receiver.patch`), `mode` is direct, broadcast,
    open, get-all, own or configuration. `http` and `code` are None when no answer came; `outcome`
    then says why (`timeout`, `not-connected`, ...). `duration_ms` is wall time of the hop.
    `findings` are conformance remarks (`TR-075: X-Request-ID missing`).
    """

    at: datetime
    direction: Direction
    platform: PlatformId | None
    route: str
    mode: str
    method: str
    url: str
    request_id: str
    correlation_id: str
    sender: PartyRef | None
    receiver: PartyRef | None
    http: int | None
    code: int | None
    outcome: str
    duration_ms: float
    request_body: bytes = b""
    response_body: bytes = b""
    findings: tuple[str, ...] = ()


class Journal(Protocol):
    def record(self, hop: Hop) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredHop:
    """A hop as read back; bodies are masked and None in lists."""

    id: int
    hop: Hop


class Messages(Protocol):
    """The journal as operators search it."""

    async def search(
        self, filters: Mapping[str, str], before: int | None, limit: int
    ) -> Sequence[StoredHop]:
        """Newest first, older than row `before`.

        Filters: correlation_id, request_id, route, mode, direction, platform, sender, receiver
        (`NL-ABC`), http, code, outcome, since, until (ISO times). Raises ValueError for a value
        that cannot be one, naming the filter.
        """

    async def one(self, message_id: int) -> StoredHop:
        """One row with its bodies; raises Unknown."""
