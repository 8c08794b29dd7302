"""What a partner's messages broke without being refused, summed up by rule.

So that an operator can tell a partner what to mend. Storage implements `Findings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ocpi_hub.routing.directory import PlatformId


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule`: id of the duty. `count`: messages. `text`: the remark in `message`, the latest."""

    rule: str
    count: int
    first_seen: datetime
    last_seen: datetime
    text: str
    message: int


class Findings(Protocol):
    async def of(
        self, platform: PlatformId, since: datetime | None, until: datetime | None
    ) -> Sequence[Finding]:
        """Those in messages that the journal holds, by rule; `since` inclusive, `until` not."""
