"""Whether receivers hold what the operators of the stations hold."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.owned import Object, key_of
from ocpi_hub.simulator.receiver import Receiver
from ocpi_hub.simulator.scsp import employer
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.token_book import key_of as token_key

_PAUSE_S = 0.3

Objects = Mapping[Any, Object]


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts of objects, and one example of those that are missing or not equal."""

    missing: int = 0
    unequal: int = 0
    example: str | None = None

    def __str__(self) -> str:
        example = f", such as {self.example}" if self.example else ""
        return f"{self.missing} objects missing, {self.unequal} not equal{example}"

    @property
    def none(self) -> bool:
        return not self.missing and not self.unequal

    @classmethod
    def between(cls, owned: Objects, held: Objects) -> "Difference":
        """What lacks in `held`, or is another there; more than that may be held."""
        missing = [key for key in owned if key not in held]
        unequal = [key for key, object_ in owned.items() if key in held and held[key] != object_]
        examples = (_name(owned[key]) for key in (*missing, *unequal))
        return cls(len(missing), len(unequal), next(examples, None))

    def plus(self, other: "Difference") -> "Difference":
        return Difference(
            self.missing + other.missing,
            self.unequal + other.unequal,
            self.example or other.example,
        )


Look = Callable[[Sequence[Cpo], Receiver], Difference]


def difference(cpos: Sequence[Cpo], receiver: Receiver) -> Difference:
    """Of the locations."""
    owned = {key: each for cpo in cpos for key, each in cpo.locations.items()}
    return Difference.between(owned, receiver.copy.held)


def everything(cpos: Sequence[Cpo], receiver: Receiver) -> Difference:
    """Of locations, tariffs; at an eMSP also of sessions, CDRs, and of its tokens at the CPOs."""
    found = difference(cpos, receiver)
    tariffs = {key: each for cpo in cpos for key, each in cpo.tariffs.held.items()}
    pairs: list[tuple[Objects, Objects]] = [(tariffs, receiver.tariffs.held)]
    if isinstance(receiver, Emsp):
        pairs += _roaming(cpos, receiver)
    for owned, held in pairs:
        found = found.plus(Difference.between(owned, held))
    return found


def _roaming(cpos: Sequence[Cpo], emsp: Emsp) -> Iterator[tuple[Objects, Objects]]:
    for cpo in cpos:
        told = [case.told for case in cpo.charges.cases.values()]
        yield _of(emsp, told), emsp.sessions.held
        yield _of(emsp, cpo.ledger.cdrs.values()), emsp.cdrs.held
        issued = {token_key(token): token for token in emsp.issuer.book}
        known = [token for token in cpo.whitelist if owner_of(token) == emsp.party]
        yield issued, {token_key(token): token for token in known}


def _of(emsp: Emsp, told: Iterable[Object]) -> Objects:
    """Sessions or CDRs of its drivers."""
    return {key_of(each): each for each in told if employer(each) == emsp.party}


def _name(object_: Object) -> str:
    return fold(object_.get("id") or object_["uid"])


async def settled(
    cpos: Sequence[Cpo], receivers: Sequence[Receiver], deadline_s: float, look: Look = difference
) -> dict[str, Difference]:
    """The differences by receiver, once there are none or the deadline is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        found = {receiver.name: look(cpos, receiver) for receiver in receivers}
        if all(each.none for each in found.values()) or loop.time() > end:
            return found
        await asyncio.sleep(_PAUSE_S)
