"""The hub's clock is an hour off, and is put right while it runs: nobody is worse off for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from ocpi_hub.inbound import door, relay
from ocpi_hub.ocpi import paging
from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.ops import identity
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.simulator.server import Reply
from ocpi_hub.storage import objects
from tests.build import a_location, a_token
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.hub import running_house

HOUR = timedelta(hours=1)
Clock = Callable[[timedelta], None]


@pytest.fixture
def wrong_by(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Puts this process's clock ahead or back; steady clocks and the database's go on."""

    def put(off: timedelta) -> None:
        class Off(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + off

        for module in (identity, objects):
            monkeypatch.setattr(module, "datetime", Off)
        for module in (door, relay):
            monkeypatch.setattr(module, "time", lambda: time.time() + off.total_seconds())

    return put


def true_time(**later: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**later))


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
@pytest.mark.obligation("HCI-024")
async def test_a_hub_with_a_wrong_clock_serves_everybody_and_stays_so_when_it_is_put_right(
    database_url: str, wrong_by: Clock, off: timedelta
) -> None:
    wrong_by(off)
    async with (
        running_house(database_url, alive={"interval_s": 2, "retry_s": 0.1}) as hub,
        fake_partner(CPO="NL-CPO") as cpo,
        fake_partner(EMSP="DE-EM1") as emsp,
        fake_partner(NSP="FR-NV1") as silent,
    ):
        cpo.answers("commands", RECEIVER, Reply(data=b'{"result":"ACCEPTED","timeout":30}'))
        operator = await hub.connect(cpo)
        await hub.connect(emsp)
        platform = await hub.connect(silent)

        # Objects with the right time, and of partners whose clocks are wrong the other way.
        for number, minutes in enumerate((0, -50, 50)):
            at = true_time(minutes=minutes)
            assert (await cpo.put(a_location(id=f"LOC{number}", last_updated=at))).code == 1000
        assert len(await emsp.received("locations.receiver", "PUT", count=3)) == 3
        later = {"status": "CHARGING", "last_updated": true_time(minutes=1)}
        assert (await cpo.patch(a_location(id="LOC0"), later, "E1")).code == 1000
        await emsp.received("locations.receiver", "PATCH")
        found = await hub.admin("GET", f"/platforms/{operator}/findings")
        assert found["items"] == []

        # What the hub gave out under the wrong clock.
        more = f'<{cpo.url("locations", SENDER)}?offset=1>; rel="next"'
        cpo.answers("locations", SENDER, Reply(data=b"[]", headers={"Link": more}))
        page = await emsp.get("locations", to=cpo.party)
        link = str(paging.next_url(page.headers["Link"]))
        token = a_token(country_code="DE", party_id="EM1")
        where = {"response_url": emsp.url("commands", SENDER) + "/1", "token": token}
        command = {**where, "location_id": "LOC0"}
        asked = await emsp.send("POST", "commands", "START_SESSION", body=command, to=cpo.party)
        assert asked.code == 1000
        stand_in = (await cpo.received("commands.receiver"))[-1].json["response_url"]
        expires = true_time(minutes=90)
        made = await hub.admin(
            "POST", "/keys", {"name": "car", "scopes": ["nav:read"], "expires_at": expires}
        )

        # Who is silent is asked, and who talks is not.
        async with talking(emsp):
            for partner in (emsp, silent):
                partner.record.clear()
            await silent.received("versions", count=2, deadline_s=15)
            wrong_by(timedelta())
            silent.record.clear()
            await silent.received("versions", deadline_s=15)
        assert emsp.record.of("versions") == []
        assert await hub.status(platform) == "CONNECTED"
        result = b'{"result":"ACCEPTED"}'
        assert (await cpo.call("POST", stand_in, body=result)).code == 1000
        assert [each.body for each in emsp.record.of("commands.sender")] == [result]
        assert (await emsp.call("GET", link)).code == 1000
        assert (await hub.call("GET", "/nav/v1/meta", key=made["key"]))[0] == 200
        wrong_by(2 * HOUR)  # its time is over, and only its
        assert (await hub.call("GET", "/nav/v1/meta", key=made["key"]))[0] == 401
        assert (await cpo.put(a_location(id="LAST", last_updated=true_time()))).code == 1000


@asynccontextmanager
async def talking(partner: FakePartner) -> AsyncIterator[None]:
    """It asks the hub for its versions all the time."""

    async def talk() -> None:
        while True:
            await partner.call("GET", partner.known_peer.versions_url)
            await asyncio.sleep(0.1)

    tasks = Tasks()
    _ = tasks.spawn("talking", talk())
    yield
    await tasks.close()
