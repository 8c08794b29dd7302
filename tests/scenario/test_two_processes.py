"""Two processes on one database, an operator at both doors: all receivers end up with one truth."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, format_datetime
from ocpi_hub.simulator.cpo import Cpo
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.storage.database import Database
from tests.build import a_connector, a_location, an_evse
from tests.hub import Hub, running_house

CPO = PartyRef("NL", "CPO")
LOCATIONS, EVSES = ("LOC1", "LOC2", "LOC3"), ("E1", "E2", "E3")
LANES, PUSHES = 6, 80
UNKNOWN = 2003

Push = tuple[str, str, dict[str, Any]]


class Operator:
    """Random pushes, each younger than all before."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be had again
        self._at = datetime(2026, 2, 1, tzinfo=UTC)

    def push(self) -> Push:
        self._at += timedelta(seconds=1)
        location, evse = self._one(LOCATIONS), self._one(EVSES)
        make = self._random.choices(
            (self._location, self._location_patch, self._evse, self._evse_patch, self._connector),
            (1, 6, 1, 16, 1),  # whole objects heal what was lost before
        )[0]
        method, path, body = make(location, evse)
        return method, path, body | {"last_updated": format_datetime(self._at)}

    def _one(self, of: Any) -> Any:
        return self._random.choice(of)

    def _word(self) -> str:
        return f"word {self._random.randint(0, 999)}"

    def _location(self, location: str, _: str) -> Push:
        shown = self._random.sample(EVSES, self._random.randint(0, 3))
        evses = [an_evse(uid, status=self._one(("AVAILABLE", "CHARGING"))) for uid in shown]
        return "PUT", location, a_location(id=location, name=self._word()) | {"evses": evses}

    def _location_patch(self, location: str, _: str) -> Push:
        return "PATCH", location, {self._one(("name", "address", "city")): self._word()}

    def _evse(self, location: str, evse: str) -> Push:
        return "PUT", f"{location}/{evse}", an_evse(evse, floor_level=self._one("123"))

    def _evse_patch(self, location: str, evse: str) -> Push:
        name = self._one(("floor_level", "physical_reference"))
        return "PATCH", f"{location}/{evse}", {name: str(self._random.randint(0, 9999))}

    def _connector(self, location: str, evse: str) -> Push:
        connector = a_connector("1", max_voltage=self._random.randint(200, 900))
        return "PUT", f"{location}/{evse}/1", connector


async def send(cpo: Cpo, hub: Hub, push: Push) -> None:
    method, path, body = push
    url = f"{hub.url}/ocpi/2.2.1/receiver/locations/NL/CPO/{path}"
    answer = await cpo.client.call(
        method, url, cpo.known_peer.token, body=codec.encode(body), to=PartyRef("NL", "HUB"),
        sender=CPO,
    )  # fmt: skip
    assert answer.code in {1000, UNKNOWN}, answer.body


async def older_writers(database: Database) -> None:
    """Others use the database as well, and so hide for a while what comes behind them."""
    while True:
        async with database.transaction() as connection:
            await connection.fetchval("select pg_current_xact_id()")
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.005)


async def truth(cpo: Cpo) -> dict[str, Any]:
    """What the hub holds, as the operator reads it back."""
    held = {}
    for name in LOCATIONS:
        url = cpo.known_peer.url("locations", InterfaceRole.RECEIVER) + f"/NL/CPO/{name}"
        answer = await cpo.client.call(
            "GET", url, cpo.known_peer.token, to=PartyRef("NL", "HUB"), sender=CPO
        )
        if answer.code == 1000:
            held[name] = codec.decode(answer.body)["data"]
    return held


def differences(held: dict[str, Any], copies: dict[str, Any]) -> Iterator[str]:
    """What a copy says otherwise than the hub; an EVSE that no list shows may be in a copy."""
    for name, location in held.items():
        other = copies.get(name, {})
        told = {evse["uid"]: evse for evse in other.get("evses", ())}
        yield from (f"{name}/{e['uid']}" for e in location["evses"] if told.get(e["uid"]) != e)
        own = {"evses", "last_updated"}
        yield from (
            f"{name}.{key}" for key in location.keys() - own if other.get(key) != location[key]
        )


async def agreement(held: dict[str, Any], receiver: Emsp) -> None:
    """Wait until a copy says what the hub says; the differences are told after 15 s."""
    found: list[str] = []
    for _ in range(300):
        found = list(differences(held, {location["id"]: location for location in receiver.copy}))
        if not found:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{receiver.name}: {found}")


@pytest.mark.timeout(120)
@pytest.mark.obligation("ROUT-220", "TR-041")
@pytest.mark.parametrize("seed", [1, 2])
async def test_all_receivers_end_up_with_what_the_hub_holds(
    database: Database, database_url: str, seed: int
) -> None:
    async with (
        running_house(database_url) as one,
        running_house(database_url) as two,
        Cpo("Operator", [a_location()]) as cpo,
        Emsp("One", PartyRef("DE", "EM1")) as first,
        Emsp("Two", PartyRef("FR", "EM2")) as second,
    ):
        for partner, hub in ((cpo, one), (first, one), (second, two)):
            await hub.connect(partner)
        operator, pace = Operator(seed), random.Random(seed)  # noqa: S311
        others = [asyncio.ensure_future(older_writers(database)) for _ in range(3)]

        async def lane() -> None:
            for _ in range(PUSHES):
                await send(cpo, pace.choice((one, two)), operator.push())

        await asyncio.gather(*(lane() for _ in range(LANES)))
        for other in others:
            other.cancel()
        held = await truth(cpo)
        assert held
        for receiver in (first, second):
            await agreement(held, receiver)
