"""A session from the card to the bill, between a CPO and an eMSP."""

from datetime import timedelta

from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.vehicle import VEHICLES, Visit

CPO = PartyRef("NL", "CPO")


async def test_a_driver_charges_and_the_emsp_gets_session_and_bill(cpo, emsp):
    location = next(iter(cpo.locations.values()))
    [outlet, *_] = cpo.outlets(CPO, location["id"])
    token = emsp.issuer.book.usable("RFID")[0]
    await emsp.issuer.push(token)
    assert len(cpo.whitelist) == 1
    start = now()
    visit = Visit(VEHICLES[0], charged=20, wanted=40)
    charge = await cpo.swipe(token["uid"], outlet, at=start, visit=visit)
    assert charge is not None
    for minutes in range(1, 60):
        await cpo.charges.advance(charge, start + timedelta(minutes=minutes))
    await cpo.swipe(token["uid"], outlet, at=start + timedelta(minutes=60))
    session = emsp.sessions.one(CPO, charge.id)
    [cdr] = list(emsp.cdrs)
    assert session["status"] == "COMPLETED"
    assert session == cpo.charges.cases[charge.id.upper()].told
    assert cdr["total_energy"] == session["kwh"]
    assert not cpo.ledger.unsent
    assert cpo.charges.news == {"accepted": len(emsp.record.of("sessions.receiver"))}
