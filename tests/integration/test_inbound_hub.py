"""What ends at the hub: versions, hubclientinfo, and its own copy of Locations."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.ocpi.primitives import ConnectionStatus, parse_datetime
from ocpi_hub.ocpi.status import Status
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.credentials import Credentials
from ocpi_hub.ocpi.v2_2_1.hubclientinfo import ClientInfo
from ocpi_hub.ocpi.v2_2_1.locations import Connector, Evse, Location
from ocpi_hub.ocpi.v2_2_1.versions import Version, VersionDetails
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.client import Refused
from ocpi_hub.storage.database import Database
from tests.build import a_connector, a_location, an_evse
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner
from tests.inbound_house import House, open_house

NEWER = "2026-02-01T00:00:00Z"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


@pytest.fixture
async def cpo(house: House) -> AsyncIterator[FakePartner]:
    async with fake_partner(CPO="NL-CPO") as partner:
        await house.join(partner)
        yield partner


@pytest.fixture
async def emsp(house: House) -> AsyncIterator[FakePartner]:
    async with fake_partner(EMSP="DE-EMP") as partner:
        await house.join(partner)
        yield partner


@pytest.mark.obligation(
    "VER-001", "VER-002", "VER-003", "VER-004", "VER-005", "VER-011", "VER-022", "TR-086",
    "TR-088", "VER-008", "HCI-033",
)  # fmt: skip
async def test_versions_and_details_list_what_is_served(house: House, cpo: FakePartner) -> None:
    listed = (await cpo.call("GET", house.versions_url)).data
    assert {entry["version"] for entry in listed} == {"2.2.1", "2.2"}
    for entry in listed:
        for url in (entry["url"], entry["url"] + "/"):
            details = (await cpo.call("GET", url)).data
            assert details["version"] == entry["version"]
        rows = {(each["identifier"], each["role"]): each["url"] for each in details["endpoints"]}
        assert len(rows) == len(details["endpoints"]) == len(set(rows.values())) == 16
        assert all(url.startswith(entry["url"] + "/") for url in rows.values())
        assert rows["credentials", "SENDER"] == f"{entry['url']}/credentials"
        assert rows["hubclientinfo", "SENDER"] == f"{entry['url']}/sender/hubclientinfo"
        modules = {
            "locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "chargingprofiles",
        }  # fmt: skip
        assert set(rows) == {
            ("credentials", "SENDER"),
            ("hubclientinfo", "SENDER"),
            *((module, side) for module in modules for side in ("SENDER", "RECEIVER")),
        }


async def state(database: Database) -> dict[str, list[str]]:
    """Every row of every table, but for when a platform was last seen."""
    tables = await database.fetch("select tablename from pg_tables where schemaname = 'public'")
    return {
        table: [
            row["text"]
            for row in await database.fetch(
                f"select (to_jsonb(t) - 'last_seen')::text as text from {table} t order by 1"  # noqa: S608 - a name off the catalogue
            )
        ]
        for (table,) in tables
    }


@pytest.mark.obligation("VER-016")
async def test_asking_for_versions_changes_nothing(
    house: House, database: Database, cpo: FakePartner, emsp: FakePartner
) -> None:
    await cpo.put(a_location())
    before, directory = await state(database), house.platforms.directory()
    assert before["platform"]
    assert before["location"]
    answers = [await cpo.call("GET", house.versions_url) for _ in range(100)]
    assert {(answer.http, answer.code) for answer in answers} == {(200, 1000)}
    assert await state(database) == before
    assert house.platforms.directory() is directory
    assert not emsp.record.of("locations")


@pytest.mark.obligation("STAT-010", "STAT-012")
async def test_every_success_is_1000_and_its_data_is_what_the_module_prescribes(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    base = f"{house.url}/ocpi/2.2.1"
    at = {"last_updated": NEWER}
    done = [
        await cpo.put(a_location()),
        await cpo.patch(a_location(), at | {"name": "x"}),
        await cpo.send("PUT", "locations", "NL/CPO/LOC1/E1", body=an_evse() | at),
        await cpo.patch(a_location(), at | {"max_voltage": 400}, "E1", "1"),
    ]
    for answer in done:
        assert (answer.code, answer.json.get("data")) == (1000, None)
    asked = [
        (Version, await cpo.call("GET", house.versions_url)),
        (VersionDetails, await cpo.call("GET", base)),
        (Credentials, await cpo.call("GET", f"{base}/credentials")),
        (ClientInfo, await cpo.call("GET", f"{base}/sender/hubclientinfo")),
        (Location, await emsp.get("locations")),
        (Location, await emsp.get("locations", "LOC1")),
        (Evse, await emsp.get("locations", "LOC1/E1")),
        (Connector, await emsp.get("locations", "LOC1/E1/1")),
        (Location, await cpo.send("GET", "locations", "NL/CPO/LOC1", side=RECEIVER)),
    ]
    for model, answer in asked:
        assert (answer.http, answer.code) == (200, 1000)
        objects = answer.data if isinstance(answer.data, list) else [answer.data]
        assert objects
        for each in objects:
            assert validate(model, each) == ()
    await cpo.rotate()
    farewell = await cpo.call("DELETE", cpo.known_peer.credentials_url)
    assert (farewell.code, farewell.json.get("data")) == (1000, None)


PUBLISHED = {1000, *range(2000, 2005), *range(3000, 3004), *range(4000, 4004)}


@pytest.mark.obligation("STAT-007", "STAT-008")
async def test_the_hub_answers_with_codes_of_the_published_tables_only(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    def armed(misbehaviour: fault.Fault) -> FakePartner:
        emsp.faults.clear()
        emsp.faults.add(misbehaviour)
        return emsp

    async with fake_partner(CPO="NL-NEW") as newcomer:
        _, token_a = await house.invite(newcomer)
        for broken in (fault.http(500), fault.says(b"[]")):
            newcomer.faults.add(broken, fault.on(interface="versions"), times=1)
            with pytest.raises(Refused):
                await newcomer.register(house.versions_url, token_a)
    await cpo.put(a_location())
    await cpo.put(a_location(id="OTHER") | {"evses": 7})
    await cpo.put(a_location(id="OTHER"), to="XX-ZZZ")
    await cpo.put(a_location(), to=armed(fault.html()).party)
    await cpo.put(a_location(), to=armed(fault.unauthorized()).party)
    await cpo.put(a_location(), to=armed(fault.drop()).party)
    await cpo.get("locations", "NOPE", to=None)
    await emsp.get("locations", "NOPE")
    await cpo.send("POST", "tokens", "T1/authorize", side=SENDER, to=None)
    house.door.own.duties["locations"]._store = None  # type: ignore[attr-defined]  # breaks it
    await cpo.put(a_location())
    told = {hop.code for hop in house.journal.incoming}
    # The hub itself never misses a part of what it takes, and 3003 needs an operator who insists.
    assert told == PUBLISHED - {2002, 3003}
    assert {code.value for code in Status} == PUBLISHED


@pytest.mark.obligation("TR-010", "HCI-030", "VER-015", "TR-003", "CRED-026")
async def test_what_each_kind_of_token_opens(house: House, cpo: FakePartner) -> None:
    async with fake_partner(CPO="NL-NEW") as newcomer:
        platform, token_a = await house.invite(newcomer)
        offered = await house.platforms.offer_token(platform)
        base = f"{house.url}/ocpi"
        expected = {
            "versions": (401, 200, 200, 200),
            "2.2.1": (401, 200, 200, 200),
            "2.2.1/credentials": (401, 200, 401, 200),
            "2.2.1/sender/hubclientinfo": (401, 401, 401, 200),
            "2.2.1/sender/locations": (401, 401, 401, 200),
            "2.2.1/nothing": (401, 404, 404, 404),
        }
        for path, statuses in expected.items():
            for token, status in zip(
                (None, token_a, offered, cpo.known_peer.token), statuses, strict=True
            ):
                answer = await cpo.client.call("GET", f"{base}/{path}", token)
                assert (path, answer.http) == (path, status)
                assert answer.code is not None


@pytest.mark.obligation("STAT-030", "TR-033", "TR-051", "VER-019", "HCI-004", "TR-060", "TR-064")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/2.1.1", 404),
        ("GET", "/2.2.1/sender/nosuch", 404),
        ("GET", "/2.2.1/sender", 404),
        ("POST", "/2.2.1/receiver/commands/START_SESSION/1", 404),
        ("GET", "/2.2.1/receiver/chargingprofiles/S1/1", 404),
        ("PUT", "/2.2.1/receiver/locations/NL", 404),
        ("PUT", "/2.2.1/receiver/locations/NL/CPO/L1/E1/C1/X", 404),
        ("PUT", "/2.2.1/receiver/locations/NL/CPO//E1", 404),
        ("PUT", "/2.2.1/receiver/locations/NL/CPO/%2e%2e", 404),
        ("PUT", "/2.2.1/receiver/locations/NL/CPO/%FF", 404),
        ("PUT", "/2.2.1/receiver/locations/NL/CPO/a%00b", 404),
        ("POST", "/2.2.1/receiver/locations/NL/CPO/L1", 405),
        ("PATCH", "/2.2.1/receiver/tariffs/NL/CPO/T1", 405),
        ("POST", "/versions", 405),
        ("DELETE", "/2.2.1", 405),
        ("PUT", "/2.2.1/sender/hubclientinfo", 405),
        ("OPTIONS", "/versions", 405),
        ("HEAD", "/versions", 405),
    ],
)
async def test_unknown_addresses_and_methods_are_told_in_an_envelope(
    house: House, cpo: FakePartner, method: str, path: str, status: int
) -> None:
    from yarl import URL  # noqa: PLC0415 - paths as they are

    url = URL(f"{house.url}/ocpi{path}", encoded=True)
    answer = await cpo.client.call(method, url, cpo.known_peer.token, body=None)
    assert answer.http == status
    assert answer.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert answer.code == 2000
        assert parse_datetime(answer.json["timestamp"])


@pytest.mark.obligation("HCI-032")
async def test_a_partner_that_polls_the_list_of_clients_is_noted(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    url = f"{house.url}/ocpi/2.2.1/sender/hubclientinfo"
    house.journal.hops.clear()
    for partner, path in ((cpo, ""), (emsp, ""), (cpo, "?offset=1"), (cpo, "")):
        assert (await partner.call("GET", url + path)).code == 1000
    noted = [[each for each in hop.findings if "HCI-" in each] for hop in house.journal.incoming]
    assert noted == [[], [], [], ["HCI-032: the list was asked for twice within an hour"]]


@pytest.mark.obligation(
    "HCI-001", "HCI-002", "HCI-003", "HCI-005", "HCI-020", "HCI-021", "HCI-029", "ROUT-002",
    "ROUT-003", "TR-061", "TR-076", "HCI-036",
)  # fmt: skip
async def test_the_list_of_clients(house: House, cpo: FakePartner, emsp: FakePartner) -> None:
    async with fake_partner(CPO="FR-TWO", NSP="FR-TWO") as two:
        platform = await house.join(two)
        await house.platforms.suspend(platform)
    url = f"{house.url}/ocpi/2.2.1/sender/hubclientinfo"
    ids = {"X-Request-ID": "r1", "X-Correlation-ID": "c1"}
    answer = await cpo.call("GET", url, to=emsp.party, sender=cpo.party, headers=ids)
    assert {name: answer.headers[name] for name in ids} == ids
    found = [(each["party_id"], each["role"], each["status"]) for each in answer.data]
    assert found == [
        ("EMP", "EMSP", "CONNECTED"),
        ("TWO", "CPO", "SUSPENDED"),
        ("TWO", "NSP", "SUSPENDED"),
    ]
    assert (answer.headers["X-Total-Count"], answer.headers["X-Limit"]) == ("3", "1000")
    assert not [name for name in answer.headers if name.lower().startswith("ocpi-")]
    pages = [page.data async for page in cpo.client.crawl(url + "?limit=1", cpo.known_peer.token)]
    assert [len(page) for page in pages] == [1, 1, 1]
    assert [one for page in pages for one in page] == answer.data
    since = answer.data[0]["last_updated"]
    later = await cpo.call("GET", url, params={"date_from": since})
    assert later.headers["X-Total-Count"] == "3"
    assert (await cpo.call("GET", url, params={"date_to": since})).data == []
    assert (await cpo.call("GET", url, params={"limit": "0"})).code == 2001
    assert (await cpo.call("GET", url + "?limit=1&limit=2")).code == 2001
    assert (await cpo.call("GET", url, params={"date_from": "yesterday"})).code == 2001


@pytest.mark.obligation(
    "ROUT-202", "ROUT-215", "STAT-004", "STAT-005", "TR-052", "TR-062", "ROUT-401", "ROUT-402",
    "ROUT-408", "STAT-003", "TR-020", "LOC-044",
)  # fmt: skip
async def test_a_push_to_the_hub_is_kept_and_shown(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    created = await cpo.put(a_location())
    assert (created.http, created.code, "data" in created.json) == (201, 1000, False)
    assert created.headers["OCPI-to-party-id"] == "CPO"
    assert created.headers["OCPI-from-party-id"] == "HUB"
    updated = await cpo.put(a_location(name="New", last_updated=NEWER))
    assert (updated.http, updated.code) == (200, 1000)
    await cpo.put(a_location(id="PRIVATE"), to=emsp.party)
    twice = f"{emsp.known_peer.url('locations', SENDER)}?offset=0&offset=1"
    assert (await emsp.call("GET", twice, to=cpo.known_peer.party)).code == 2001
    listed = await emsp.get("locations")
    assert [each["name"] for each in listed.data] == ["New"]
    assert listed.headers["X-Total-Count"] == "1"
    assert listed.headers["OCPI-to-party-id"] == "EMP"
    own = await cpo.send("GET", "locations", "nl/cpo/loc1", side=RECEIVER)
    assert own.data["name"] == "New"
    assert (await cpo.send("GET", "locations", "NL/CPO/NOPE", side=RECEIVER)).http == 404
    assert (await cpo.send("GET", "locations", "BE/CPX/LOC1", side=RECEIVER)).http == 404
    assert len(emsp.record.of("locations.receiver")) == 1


@pytest.mark.obligation("TR-036", "TR-040", "TR-054", "TR-055", "STAT-002")
async def test_a_push_that_breaks_a_rule_is_refused(house: House, cpo: FakePartner) -> None:
    unknown = await cpo.patch(a_location(), {"name": "x", "last_updated": NEWER})
    assert (unknown.http, unknown.code) == (404, 2003)
    for wrong in ({"id": "L2"}, {"party_id": "CPX"}, {"last_updated": None}, {"coordinates": 1}):
        body = a_location() | wrong
        answer = await cpo.send("PUT", "locations", "NL/CPO/LOC1", body=body)
        assert (answer.http, answer.code) == (200, 2001)
    for odd in (b"[]", b'"x"', b"1", b"null"):
        answer = await cpo.send("PUT", "locations", "NL/CPO/LOC1", body=odd)
        assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.obligation("ROUT-226")
async def test_only_the_right_roles_broadcast(emsp: FakePartner) -> None:
    location = a_location(country_code="DE", party_id="EMP")
    assert (await emsp.put(location)).code == 2001


@pytest.mark.obligation(
    "ROUT-312", "ROUT-305", "ROUT-301", "ROUT-302", "ROUT-313", "ROUT-311", "ROUT-409",
    "LOC-034",
)  # fmt: skip
async def test_open_routing_of_locations(house: House, cpo: FakePartner, emsp: FakePartner) -> None:
    opened = await cpo.put(a_location(), to=None)
    assert opened.headers["OCPI-from-party-id"] == "HUB"
    assert not cpo.record.of("locations")
    asked = await emsp.get("locations", "loc1", to=None)
    assert asked.code == 1000
    assert asked.headers["OCPI-from-party-id"] == "CPO"
    (came,) = cpo.record.of("locations.sender")
    assert came.headers["OCPI-to-party-id"] == "CPO"
    assert came.headers["OCPI-from-party-id"] == "EMP"
    assert (await emsp.get("locations", "NOPE", to=None)).http == 404
    async with fake_partner(CPO="BE-CP2") as other:
        await house.join(other)
        await other.put(a_location(country_code="BE", party_id="CP2"))
        assert (await emsp.get("locations", "LOC1", to=None)).code == 4001
        assert (await emsp.get("locations", "LOC1")).code == 2001
        for owner in (cpo, other):
            directed = await emsp.get("locations", "LOC1", to=owner.party)
            assert directed.headers["OCPI-from-party-id"] == owner.party.party_id
            (*_, came) = owner.record.of("locations.sender")
            assert came.segments == ("LOC1",)


@pytest.mark.obligation("LOC-075")
async def test_parts_are_shown_by_id_but_not_what_is_not_published(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    await cpo.put(a_location(id="SECRET", publish=False))
    await cpo.put(a_location(id="OPEN", evses=0) | {"evses": [an_evse("E9")]})
    assert (await emsp.get("locations", "open/e9/1")).data["id"] == a_connector()["id"]
    assert (await emsp.get("locations", "open/e8")).http == 404
    assert (await emsp.get("locations", "SECRET")).code == 1000
    async with fake_partner(NSP="FR-NAV") as navigation:
        await house.join(navigation)
        assert (await navigation.get("locations", "OPEN")).code == 1000
        assert (await navigation.get("locations", "SECRET")).http == 404
        assert (await navigation.get("locations", "SECRET/E1")).http == 404
        assert [each["id"] for each in (await navigation.get("locations")).data] == ["OPEN"]


@pytest.mark.obligation("ROUT-404", "ROUT-405", "ROUT-410", "ROUT-403", "TR-057", "LOC-035")
async def test_the_list_of_all_is_paged_and_follows_its_owners_state(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    async with fake_partner(CPO="BE-CP2") as other:
        platform = await house.join(other)
        for partner, country in ((cpo, "NL"), (other, "BE")):
            for number in range(2):
                location = a_location(
                    country_code=country, party_id=partner.party.party_id, id=f"L{number}"
                )
                assert (await partner.put(location)).http == 201
        url = emsp.known_peer.url("locations", SENDER)
        token, hub = emsp.known_peer.token, emsp.known_peer.party

        async def crawl() -> list[tuple[str, str]]:
            return [
                (each["country_code"], each["id"])
                async for page in emsp.client.crawl(
                    url, token, to=hub, sender=emsp.party, params={"limit": "1"}
                )
                for each in page.data
            ]

        listed = await emsp.get("locations")
        assert {each["party_id"] for each in listed.data} == {"CPO", "CP2"}
        assert listed.headers["OCPI-from-party-id"] == "HUB"
        everything = [("NL", "L0"), ("NL", "L1"), ("BE", "L0"), ("BE", "L1")]
        assert await crawl() == everything
        await house.platforms.set_status(platform, ConnectionStatus.OFFLINE)
        assert await crawl() == everything
        await house.platforms.suspend(platform)
        assert await crawl() == everything[:2]


async def test_a_lenient_partner_gets_the_list_of_all_without_naming_the_hub(
    house: House, cpo: FakePartner
) -> None:
    await cpo.put(a_location())
    async with fake_partner(NSP="FR-NAV") as lenient:
        await house.join(lenient, lenient_list=True)
        assert len((await lenient.get("locations", to=None)).data) == 1
