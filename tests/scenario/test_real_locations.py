"""All 8,230 public charging locations of a country through the hub, compared object by object."""

from pathlib import Path

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.stations import Object, load_file
from tests.data import REAL_LOCATIONS
from tests.hub import served


def key(location: Object) -> tuple[str, str, str]:
    return tuple(fold(location[name]) for name in ("country_code", "party_id", "id"))  # type: ignore[return-value] # three names


@pytest.mark.skipif(not REAL_LOCATIONS.is_file(), reason="the file of real locations is not here")
@pytest.mark.timeout(300)
@pytest.mark.obligation(
    "ROUT-404", "ROUT-405", "PAG-006", "PAG-007", "PAG-010", "LOC-015", "TR-081",
)  # fmt: skip
async def test_every_real_location_arrives_is_listed_and_is_on_the_map(
    database_url: str, tmp_path: Path
) -> None:
    locations = load_file(REAL_LOCATIONS)
    sent = {key(location): location for location in locations}
    async with (
        served(tmp_path, database_url) as (hub, _),
        Cpo("France", locations) as cpo,
        Emsp("Provider", PartyRef("DE", "EM1")) as emsp,
    ):
        await hub.connect(emsp)
        await hub.connect(cpo)
        await cpo.push_all(lanes=16)
        assert cpo.outcomes == {"accepted": len(locations)}

        await emsp.record.until(lambda: len(emsp.copy) == len(sent), 120)
        assert {key(location): location for location in emsp.copy} == sent

        listed: list[Object] = []
        url = emsp.known_peer.url("locations", InterfaceRole.SENDER)
        async for page in emsp.client.crawl(
            url, emsp.known_peer.token, to=emsp.known_peer.party, sender=emsp.party
        ):
            assert page.headers["X-Total-Count"] == str(len(sent))
            listed += page.data
        assert len(listed) == len(sent)
        assert {key(location): location for location in listed} == sent

        car = await hub.car_key()
        status, meta = await hub.call("GET", "/nav/v1/meta", key=car)
        assert status == 200
        shown = meta["stations"] + sum(meta["not_indexed"].values())
        assert shown == len(sent), meta["not_indexed"]
        assert meta["stations"] > 0.98 * len(sent)
        for location in listed[::400]:
            ident = "*".join((location["country_code"], location["party_id"], location["id"]))
            status, station = await hub.call("GET", f"/nav/v1/stations/{ident}", key=car)
            if status == 404:
                continue  # not indexed: counted above
            evses = {evse["uid"]: evse["status"] for evse in station["evses"]}
            assert evses == {evse["uid"]: evse["status"] for evse in location["evses"]}
