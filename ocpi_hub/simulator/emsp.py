"""A simulated e-mobility provider: takes every location, published or not, for its drivers."""

from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.platform import PlatformRole
from ocpi_hub.simulator.receiver import Receiver


class Emsp(Receiver):
    def __init__(self, name: str, party: PartyRef, meter: LagMeter | None = None) -> None:
        super().__init__(name, PlatformRole(party, Role.EMSP, name), meter)
