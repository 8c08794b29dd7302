"""Asking every eMSP about a Token of which the hub does not know whose it is (ROUT-308).

For hubs whose eMSPs do not broadcast their Tokens. All are asked at once and the slowest is waited
for, since only then it is certain that no other knows the Token: two that do are no answer.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.relay import Relay
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.routing.decide import Forward, Request, forward
from ocpi_hub.routing.directory import Directory

ROUTE: Final = "tokens.sender.authorize"
DEADLINE_S: Final = 4.0  # a driver stands at the charger (TOK-009)
_KNOWN: Final = frozenset({*range(1000, 2000), Status.NOT_ENOUGH_INFORMATION})


@dataclass(frozen=True, slots=True)
class Asking:
    relay: Relay
    deadline_s: float = DEADLINE_S

    async def ask(
        self, exchange: Exchange, request: Request, sender: PartyRef, directory: Directory
    ) -> Reply | None:
        """The answer of the only eMSP that knows the Token, None when none does.

        Raises OcpiError with 4001 when several know it.
        """
        asked = list(self._asked(request, sender, directory))
        replies = await asyncio.gather(*(self._one(exchange, to) for to in asked))
        known = [reply for reply in replies if reply is not None and reply.code in _KNOWN]
        exchange.sender = sender
        if len(known) > 1:
            raise OcpiError(
                "several parties know a token with this uid: name one in OCPI-to-*",
                Status.UNKNOWN_RECEIVER,
            )
        if not known:
            return None
        exchange.receiver = known[0].sender
        return known[0]

    def _asked(self, request: Request, sender: PartyRef, directory: Directory) -> Iterator[Forward]:
        """The parties that may own Tokens and can be asked now, each once."""
        owners = dict.fromkeys(
            hosted.party
            for _, hosted in directory.hosted_roles()
            if hosted.role in request.spec.broadcast_from
        )
        for owner in owners:
            to = forward(request, sender, owner, directory)
            if owner != sender and isinstance(to, Forward):
                yield to

    async def _one(self, exchange: Exchange, to: Forward) -> Reply | None:
        """A party's answer, None when there is none in time."""
        quirks = to.platform.quirks
        deadline_s = min(quirks.deadline_s or self.relay.deadline_s, self.deadline_s)
        hurried = replace(to.platform, quirks=replace(quirks, deadline_s=deadline_s))
        try:
            return await self.relay.forward(replace(exchange), replace(to, platform=hurried))
        except OcpiError:
            return None
