"""The Sender interface of sessions: the list, and what drivers prefer.

The only profile beside REGULAR is CHEAP, where there is a tariff for it: the CPO chooses when to
charge, so it has to know how much is needed and until when (SES-016).
"""

import math
from datetime import datetime
from decimal import Decimal

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, Status
from ocpi_hub.ocpi.v2_2_1.check import read
from ocpi_hub.ocpi.v2_2_1.sessions import ChargingPreferences
from ocpi_hub.simulator.charge import Cap, Charge
from ocpi_hub.simulator.charges import Charges
from ocpi_hub.simulator.ledger import concerns
from ocpi_hub.simulator.pages import page
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.tariff_desk import TariffDesk

_MODULE = "sessions"
_CAPABLE = "CHARGING_PREFERENCES_CAPABLE"
_PREFERENCE = "preference"  # the name of its cap
_REGULAR = "REGULAR"


class SessionDesk:
    """The list has what was pushed, to each eMSP its own."""

    def __init__(self, platform: SimulatedPlatform, charges: Charges, tariffs: TariffDesk) -> None:
        self._platform = platform
        self._charges = charges
        self._tariffs = tariffs
        rows = {("GET", ""): self._page, ("PUT", "*/charging_preferences"): self._prefer}
        platform.serve(_MODULE, InterfaceRole.SENDER, Routes(_MODULE, rows))

    async def _page(self, received: Received) -> Reply:
        if "date_from" not in received.query:
            raise InvalidParameter("date_from: required in the list of sessions (SES-006)")
        told = (case.told for case in self._charges.cases.values())
        mine = [each for each in told if concerns(self._platform, received, each)]
        return page(mine, received, self._platform.url(_MODULE, InterfaceRole.SENDER))

    async def _prefer(self, received: Received) -> Reply:
        wanted, _ = read(ChargingPreferences, received.json)
        charge = self._charges.find(received.segments[0])
        if charge is None or not concerns(self._platform, received, charge.session()):
            raise NoSuchResource("sessions: no such session", Status.INVALID_PARAMETER)
        if not charge.place.able(_CAPABLE):
            raise NoSuchResource(
                f"sessions: its EVSE is not {_CAPABLE} (SES-014)", Status.INVALID_PARAMETER
            )
        if not charge.running:
            raise InvalidParameter(f"sessions: {charge.id} is {charge.status} (SES-017)")
        return Reply(codec.encode(await self._judge(charge, wanted)))

    async def _judge(self, charge: Charge, wanted: ChargingPreferences) -> str:
        """A ChargingPreferencesResponse; what is ACCEPTED counts at once."""
        tariff = self._tariffs.of(charge.place, wanted.profile_type)
        if tariff is None:
            return "PROFILE_TYPE_NOT_SUPPORTED"
        if wanted.profile_type != _REGULAR:
            if wanted.departure_time is None:
                return "DEPARTURE_REQUIRED"
            if wanted.energy_need is None:
                return "ENERGY_NEED_REQUIRED"
            cap = _patient(charge, wanted.departure_time, wanted.energy_need)
            if cap is None:
                return "NOT_POSSIBLE"
            charge.caps[_PREFERENCE] = cap
        else:
            charge.caps.pop(_PREFERENCE, None)
        if tariff["id"] != charge.tariff["id"]:
            await self._charges.reprice(charge, tariff)
        return "ACCEPTED"


def _patient(charge: Charge, departure: datetime, kwh: Decimal) -> Cap | None:
    """As little power as brings the energy in time; None where all there is would be too little."""
    seconds = (departure - charge.meter.at).total_seconds()
    if seconds <= 0:
        return None
    watts = math.ceil(kwh * 3_600_000 / Decimal(seconds))
    return None if watts > charge.outlet.watts else lambda _: watts
