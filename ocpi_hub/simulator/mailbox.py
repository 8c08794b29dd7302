"""Results that come later: each request has an address of its own, and its result comes there.

An address stays good after its result, since a reservation may be cancelled at it hours later
(CMD-018); the oldest ones are forgotten.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.simulator.client import Answer, Refused
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply

_KEPT = 10_000  # requests
_LONGEST_WAIT_S = 600.0  # whatever the other side announces

Object = dict[str, Any]


@dataclass(slots=True)
class Pending:
    """A request and what came of it: the answer at once, results at `url`, the first one counts.

    `answered_s` and `resulted_s` are seconds since it was sent, None until then.
    """

    what: str
    url: str
    response: Object = field(default_factory=dict)
    results: list[Object] = field(default_factory=list)
    answered_s: float | None = None
    resulted_s: float | None = None
    _sent: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def accepted(self) -> bool:
        return self.response.get("result") == "ACCEPTED"

    async def result(self) -> Object | None:
        """The first result; None when none is to come, or none came in time (CMD-014)."""
        if not self.accepted:
            return None
        try:
            async with asyncio.timeout(min(float(self.response["timeout"]), _LONGEST_WAIT_S)):
                await self._came.wait()
        except TimeoutError:
            return None
        return self.results[0]

    def answered(self, answer: Answer) -> None:
        """Raises Refused when the exchange failed; a refusal of what was asked is none."""
        if not answer.ok:
            raise Refused(self.what, answer)
        self.response, self.answered_s = answer.data, self._elapsed()

    def take(self, result: Object) -> None:
        self.results.append(result)
        if self.resulted_s is None:
            self.resulted_s = self._elapsed()
        self._came.set()

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._sent


class Mailbox:
    """The addresses of one module of a platform, `{module}/{what}/{unique}` or `{module}/{unique}`.

    `requests` holds the last ones, oldest first.
    """

    def __init__(self, platform: SimulatedPlatform, module: str) -> None:
        self._platform = platform
        self._module = module
        self._open: dict[tuple[str, ...], Pending] = {}

    @property
    def requests(self) -> Sequence[Pending]:
        return tuple(self._open.values())

    def open(self, what: str, *folder: str) -> Pending:
        """A new address below `folder`, unlike any other (CMD-012, CHP-014)."""
        path = (*folder, fresh_id())
        base = self._platform.url(self._module, InterfaceRole.SENDER)
        pending = self._open[path] = Pending(what, "/".join([base, *path]))
        if len(self._open) > _KEPT:
            self._open.pop(next(iter(self._open)))
        return pending

    async def post(self, received: Received) -> Reply:
        """A result came, to be answered without data (CMD-052, CHP-020)."""
        pending = self.at(received)
        result = received.json
        if not isinstance(result, dict) or not isinstance(result.get("result"), str):
            raise InvalidParameter("result: required")
        pending.take(result)
        return Reply()

    def at(self, received: Received) -> Pending:
        """The request whose address this is; raises NoSuchResource."""
        pending = self._open.get(received.segments)
        if pending is None:
            raise NoSuchResource(f"{self._module}: nobody waits at this address")
        return pending
