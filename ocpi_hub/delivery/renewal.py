"""Calls go on while a partner's token is renewed.

A partner forgets its old token when it answers a renewal, a moment before the hub knows the new
one. What it refuses in between by 401 it did not do, so it is sent once more with the new token
(CRED-023); nobody who waits for an answer learns of it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ocpi_hub.modules.outgoing import Answered, Call, Outcome, PartnerClient
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.ocpi import message
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.routing.directory import PlatformId

# From the partner's answer to the stored token: a round trip and a commit.
LONGEST_S: Final = 1.0
LOOK_S: Final = 0.01
_REFUSED: Final = 401


@dataclass(frozen=True, slots=True)
class AcrossRenewals:
    """Implements `PartnerClient` over another one."""

    client: PartnerClient
    platforms: Platforms
    fresh: Callable[[], str] = fresh_id

    async def call(self, call: Call) -> Outcome:
        shown = self.platforms.outgoing_token(call.platform)
        outcome = await self.client.call(call)
        refused = isinstance(outcome, Answered) and outcome.http == _REFUSED
        if refused and call.token is None and await self._renewed(call.platform, shown):
            return await self.client.call(self._anew(call))
        return outcome

    async def _renewed(self, platform: PlatformId, shown: str | None) -> bool:
        """Whether there is another token to show, now or as soon as a renewal has ended."""
        waited_s = 0.0
        while self.platforms.outgoing_token(platform) == shown:
            if waited_s >= LONGEST_S or not self.platforms.renewing(platform):
                return False
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S
        return True

    def _anew(self, call: Call) -> Call:
        """The same call as a request of its own (TR-070)."""
        return replace(call, headers={**call.headers, message.REQUEST_ID: self.fresh()})
