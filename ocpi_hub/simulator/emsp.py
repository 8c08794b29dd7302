"""A simulated e-mobility provider: takes every location, published or not, for its drivers."""

from typing import Any

from ocpi_hub.ocpi.primitives import PartyRef, Role, fold
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.platform import PlatformRole
from ocpi_hub.simulator.receiver import Receiver


class Emsp(Receiver):
    def __init__(self, name: str, party: PartyRef, meter: LagMeter | None = None) -> None:
        super().__init__(name, PlatformRole(party, Role.EMSP, name), meter)

    def shows(self, location: dict[str, Any], token: dict[str, Any] | None) -> bool:
        """Whether its app shows a Location to the owner of a Token, or to anybody (LOC-065).

        One that is not published is for those who match all that some entry says (LOC-067).
        """
        entries = location.get("publish_allowed_to") or ()
        return bool(location["publish"]) or (
            token is not None and any(_matches(entry, token) for entry in entries)
        )


def _matches(entry: dict[str, Any], token: dict[str, Any]) -> bool:
    said = {name: value for name, value in entry.items() if value is not None}
    return bool(said) and all(
        fold(str(token.get(name, ""))) == fold(value) for name, value in said.items()
    )
