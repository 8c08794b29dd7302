"""An interface of a simulated platform as a table: which method on which path does what.

    platform.serve("sessions", InterfaceRole.SENDER, Routes("sessions", {
        ("GET", ""): self._listed,
        ("PUT", "*/charging_preferences"): self._prefer,
    }))

A `*` stands for one segment that is not empty. A path of no row is 404, another method on the path
of a row is 405.
"""

from collections.abc import Mapping

from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Handler, Reply

_Pattern = tuple[str, ...]


class Routes:
    """A Handler. `rows`: (method, pattern behind the module) and what answers."""

    def __init__(self, module: str, rows: Mapping[tuple[str, str], Handler]) -> None:
        self._module = module
        self._rows: dict[_Pattern, dict[str, Handler]] = {}
        for (method, pattern), handler in rows.items():
            path = tuple(pattern.split("/")) if pattern else ()
            self._rows.setdefault(path, {})[method] = handler

    async def __call__(self, received: Received) -> Reply:
        methods: dict[str, Handler] = {}
        for pattern, handlers in self._rows.items():
            if _fits(pattern, received.segments):
                methods |= handlers
        if not methods:
            raise NoSuchResource(f"{self._module}: nothing at /{'/'.join(received.segments)}")
        if received.method not in methods:
            raise MethodNotAllowed(f"{received.method}: only {', '.join(sorted(methods))}")
        return await methods[received.method](received)


def _fits(pattern: _Pattern, segments: _Pattern) -> bool:
    return len(pattern) == len(segments) and all(
        bool(found) if wanted == "*" else found == wanted
        for wanted, found in zip(pattern, segments, strict=True)
    )


def asker(received: Received) -> PartyRef | None:
    """The party in the FROM headers; None where there are none."""
    return message.read_routing(received.headers).sender
