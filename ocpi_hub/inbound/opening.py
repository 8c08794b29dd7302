"""Open routing: whom a request means that names no receiver (ROUT-301 to ROUT-314)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ocpi_hub.inbound.asking import ROUTE as AUTHORIZE
from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.own import Own
from ocpi_hub.modules import cdrs, chargingprofiles, commands, sessions, tokens
from ocpi_hub.modules.locations import MODULE as LOCATIONS
from ocpi_hub.modules.memory import Asked, Clue, Clues, Fact, Kind, Lessons, Memory, Relayed
from ocpi_hub.ocpi import dialect
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.routing.decide import Forward

CHECKS: Final[Mapping[str, Callable[[Asked], None]]] = {
    "cdrs.receiver.post": cdrs.check,
    "commands.receiver.post": commands.check,
}
"""What the hub does not forward, by route: a message in which somebody speaks for another."""


def _location(asked: Asked) -> Clue:
    location_id, *part = asked.ids
    return Clue(Kind.LOCATION, location_id, part="".join(part[:1]))


def _sent_directly(relayed: Relayed) -> Fact:
    return Fact(Kind.LOCATION, relayed.ids[2], relayed.sender, None)


_CLUES: Final[Clues] = {
    "locations.sender.get": _location,
    **sessions.CLUES,
    **cdrs.CLUES,
    **commands.CLUES,
    **chargingprofiles.CLUES,
}
_LESSONS: Final[Lessons] = {
    "locations.receiver.put": _sent_directly,
    "locations.receiver.patch": _sent_directly,
    **sessions.LESSONS,
    **cdrs.LESSONS,
    **commands.LESSONS,
    **chargingprofiles.LESSONS,
    **tokens.LESSONS,
}
_BILLED: Final = frozenset(
    {"sessions.receiver.put", "sessions.receiver.patch", "cdrs.receiver.post"}
)
_ACCEPTED = range(1000, 2000)


@dataclass(frozen=True, slots=True)
class Opening:
    own: Own
    memory: Memory

    async def receivers(self, exchange: Exchange, sender: PartyRef) -> Sequence[PartyRef]:
        """All whom the content may mean; nobody guesses between several."""
        find = _CLUES.get(exchange.route)
        if find is None:
            return await self._knowing(exchange) if exchange.route == AUTHORIZE else ()
        clue = find(Asked(sender, exchange.ids_of_object, exchange.value))
        if isinstance(clue, PartyRef):
            return (clue,)
        if exchange.route in _BILLED:  # of a token without its owner, as OCPI 2.2 has it
            owners = await tokens.holders(self.own.store, dialect.token(exchange.body))
            if owners:
                return owners
        if clue is None:
            return ()
        found = clue.receivers(await self.memory.recall(clue.kind, clue.id))
        if clue.kind is Kind.LOCATION:
            found = tuple(dict.fromkeys((*await self._holding(exchange, clue), *found)))
        return found

    async def _knowing(self, exchange: Exchange) -> Sequence[PartyRef]:
        """Whose Token of this uid and type the hub keeps or handed on (ROUT-307)."""
        name = tokens.named(exchange.ids_of_object[0], tokens.token_type(exchange.params))
        held, told = await asyncio.gather(
            self.own.owners(exchange), self.memory.recall(Kind.TOKEN, name)
        )
        return tuple(dict.fromkeys((*held, *(fact.owner for fact in told))))

    async def _holding(self, exchange: Exchange, clue: Clue) -> Sequence[PartyRef]:
        """Whose location of this id the hub keeps; if there are several, those with the EVSE."""
        if exchange.row.module.identifier == LOCATIONS:
            return await self.own.owners(exchange)
        owners = await self.own.store.owners(LOCATIONS, clue.id)
        if len(owners) > 1 and clue.part:
            owners = await self.own.store.owners(LOCATIONS, clue.id, clue.part)
        return owners

    def learn(self, exchange: Exchange, to: Forward, reply: Reply) -> None:
        """Remember whose it is, if the receiver accepted it; costs the relay no waiting."""
        teach = _LESSONS.get(exchange.route)
        if teach is None or reply.code not in _ACCEPTED:
            return
        fact = teach(
            Relayed(to.sender, to.party, exchange.ids_of_object, exchange.value, reply.body)
        )
        if fact is not None:
            self.memory.learn(fact)
