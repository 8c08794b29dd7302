"""A command on its way: as it came, what the CPO makes of it, what the charge point says."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.v2_2_1.check import read
from ocpi_hub.ocpi.v2_2_1.commands import COMMANDS
from ocpi_hub.simulator.charge import Grant
from ocpi_hub.simulator.outlet import Object, Outlet
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received


class NotTaken(Exception):
    """The CPO does not hand the command on; `result` is a CommandResponseType (CMD-006)."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True, slots=True)
class Order:
    """A command: `body` is valid, `sender` gave it to `owner`."""

    sender: PartyRef
    owner: PartyRef
    body: Object
    correlation_id: str | None

    @classmethod
    def of(cls, received: Received, platform: SimulatedPlatform) -> "Order":
        """Raises InvalidParameter; without routing headers it is from the peer, for the first."""
        body = received.json
        read(COMMANDS[received.segments[0]], body)
        routing = message.read_routing(received.headers)
        return cls(
            sender=routing.sender or platform.known_peer.party,
            owner=routing.to or platform.party,
            body=body,
            correlation_id=received.headers.get(message.CORRELATION_ID),
        )

    @property
    def token(self) -> Object:
        return dict(self.body["token"])

    def grant(self) -> Grant:
        """Whoever a command names may charge: its eMSP knows them (CMD-028)."""
        return Grant(self.token, "COMMAND", self.body.get("authorization_reference"))


Effect = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A CommandResultType, and what then happens."""

    result: str
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of the charge point with this outlet, if it is one that is asked."""

    ask: Callable[[], Outcome]
    outlet: Outlet | None = None
