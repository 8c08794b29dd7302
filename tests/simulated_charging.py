"""What tests of simulated charging have in common: tokens, outlets of a kind, a car."""

from datetime import timedelta
from typing import Any

from ocpi_hub.simulator.charge import Charge, Grant
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.outlet import Outlet
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.vehicle import VEHICLES
from ocpi_hub.simulator.visit import Visit
from tests.build import LONG_AGO

Object = dict[str, Any]

VISIT = Visit(VEHICLES[1], charged=20, wanted=90)


def a_token(uid: str = "04AABB", owner: str = "DE-EMP", **overrides: Any) -> Object:
    """A valid card whose eMSP allows to use the whitelist."""
    country, party = owner.split("-")
    return {
        "country_code": country,
        "party_id": party,
        "uid": uid,
        "type": "RFID",
        "contract_id": f"{country}-{party}-C1",
        "issuer": party,
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": LONG_AGO,
    } | overrides


def outlets_of(cpo: Cpo, *, direct: bool = False) -> list[Outlet]:
    """Those that are DC, or AC."""
    return [
        outlet
        for location in cpo.locations.values()
        for outlet in cpo.outlets(owner_of(location), location["id"])
        if outlet.direct == direct
    ]


async def charging(cpo: Cpo, outlet: Outlet | None = None, **token: Any) -> Charge:
    """A session that goes on, at an AC outlet unless another is given."""
    grant = Grant(a_token(**token), "WHITELIST")
    return await cpo.charges.begin(outlet or outlets_of(cpo)[0], grant, VISIT)


async def pass_time(cpo: Cpo, charge: Charge, minutes: float) -> None:
    await cpo.charges.advance(charge, charge.meter.at + timedelta(minutes=minutes))
