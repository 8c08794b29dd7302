"""A simulated navigation provider: starts with a crawl, then follows pushes, and draws a map."""

from collections.abc import Iterator
from typing import Any

from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.platform import PlatformRole
from ocpi_hub.simulator.receiver import Receiver


class Nsp(Receiver):
    def __init__(self, name: str, party: PartyRef, meter: LagMeter | None = None) -> None:
        super().__init__(name, PlatformRole(party, Role.NSP, name), meter)

    def on_the_map(self) -> Iterator[dict[str, Any]]:
        """Published locations with at least one EVSE that is not REMOVED (LOC-008, LOC-065)."""
        return (
            location
            for location in self.copy
            if location["publish"]
            and any(evse["status"] != "REMOVED" for evse in location.get("evses", ()))
        )
