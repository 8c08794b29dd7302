"""What crosses the hub, byte for byte, between partners that really listen."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.modules.journal import Direction
from ocpi_hub.ocpi import codec, message, token
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply, accept
from ocpi_hub.storage.database import Database
from tests.build import a_location, as_bytes
from tests.fake_partner import RECEIVER, SENDER, FakePartner, fake_partner, party
from tests.inbound_house import House, open_house

ODD = (
    b'{ "country_code":"NL" , "id":"L 1","x":1.50 ,"name":null, "city":"#NA",'
    b' "last_updated":"1 May"}'
)


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
        partner.serve("sessions", RECEIVER, accept)
        yield partner


@pytest.mark.obligation(
    "ROUT-101", "ROUT-102", "ROUT-103", "ROUT-104", "ROUT-108", "ROUT-020", "ROUT-021",
    "ROUT-022", "ROUT-008", "ROUT-001", "VER-009", "TR-080", "TR-042",
)  # fmt: skip
async def test_a_push_arrives_as_it_was_sent_and_its_answer_comes_back(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    ids = {"X-Request-ID": "r1", "X-Correlation-ID": "c1", "Cookie": "secret=1"}
    url = f"{house.url}/ocpi/2.2.1/receiver/locations/NL/CPO/L%201?q=a%2Fb"
    answer = await cpo.client.call(
        "PATCH", url, cpo.known_peer.token, body=ODD, to=emsp.party, sender=cpo.party, headers=ids
    )
    (came,) = await emsp.received("locations")
    assert came.method == "PATCH"
    assert came.path == "/ocpi/2.2.1/receiver/locations/NL/CPO/L%201"
    assert dict(came.query) == {"q": "a/b"}
    assert came.body == ODD
    (shown, *_) = token.candidates(came.headers["Authorization"])
    assert shown == emsp.tokens.current != cpo.known_peer.token
    assert "Cookie" not in came.headers
    assert came.headers["Host"] == f"127.0.0.1:{emsp.server.port}"
    assert came.headers["X-Correlation-ID"] == "c1"
    assert came.headers["X-Request-ID"] != "r1"
    assert came.headers["OCPI-to-party-id"] == "EMP"
    assert came.headers["OCPI-from-party-id"] == "CPO"
    assert answer.headers["X-Request-ID"] == "r1"
    assert answer.headers["X-Correlation-ID"] == "c1"
    assert answer.headers["OCPI-to-party-id"] == "CPO"
    assert answer.headers["OCPI-from-party-id"] == "EMP"
    hop = house.journal.incoming[-1]
    assert (hop.route, hop.mode) == ("locations.receiver.patch", "direct")
    assert hop.response_body == answer.body


@pytest.mark.obligation("ROUT-009", "ROUT-024", "ROUT-106", "STAT-009", "STAT-026", "STAT-006")
async def test_what_the_receiver_says_goes_back_unchanged(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    body = b'{"status_code": 2942 , "status_message":"M","timestamp":"yesterday"}'
    emsp.faults.add(fault.http(201, body, OCPI_from_party_id="XXX", X_Request_ID="other"))
    ids = {"X-Request-ID": "r1", "X-Correlation-ID": "c1"}
    answer = await cpo.put(a_location(), to=emsp.party, headers=ids)
    assert (answer.http, answer.body) == (201, body)
    assert answer.headers["OCPI-from-party-id"] == "EMP"
    assert {name: answer.headers[name] for name in ids} == ids


@pytest.mark.obligation("STAT-011", "ROUT-106")
@pytest.mark.parametrize("data", ["", '"data":"boom",', '"data":null,', '"data":[{"evses":7}],'])
async def test_data_beside_an_error_is_nobodys_business(
    cpo: FakePartner, emsp: FakePartner, data: str
) -> None:
    body = f'{{"status_code":3000,{data}"timestamp":"2026-01-01T00:00:00Z"}}'.encode()
    cpo.answers("locations", SENDER, Reply(raw=body))
    for path in ("", "LOC1"):
        answer = await emsp.get("locations", path, to=cpo.party)
        assert (answer.http, answer.body) == (200, body)
        assert answer.headers["OCPI-from-party-id"] == "CPO"


@pytest.mark.obligation("ROUT-007", "ROUT-004", "TYP-001", "TR-013")
async def test_a_missing_from_is_filled_in_and_case_does_not_matter(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    url = f"{house.url}/ocpi/2.2.1/receiver/locations/nl/cpo/L1/"
    headers = {"ocpi-TO-country-code": "de", "OCPI-TO-PARTY-ID": "emp"}
    body = as_bytes(a_location())
    await cpo.client.call("PUT", url, cpo.known_peer.token, body=body, headers=headers)
    (came,) = await emsp.received("locations")
    assert came.headers["OCPI-from-party-id"] == "CPO"
    assert came.path.endswith("/nl/cpo/L1")


@pytest.mark.obligation("ROUT-014")
@pytest.mark.parametrize(
    ("to", "sender", "count"),
    [(None, None, 1), ("DE-EMP", "NL-CPO", 1), ("NL-CPO", "FR-EMP", 1), ("nl-cpo", "DE-EMP", 0)],
    ids=["none", "unswapped", "another", "swapped"],
)
async def test_who_leaves_the_pairs_out_or_does_not_swap_them_has_a_finding(
    house: House,
    cpo: FakePartner,
    emsp: FakePartner,
    *,
    to: str | None,
    sender: str | None,
    count: int,
) -> None:
    def noted(direction: Direction) -> list[str]:
        hops = [hop for hop in house.journal.hops if hop.direction is direction]
        return [each for hop in hops for each in hop.findings if each.startswith("ROUT-014")]

    await cpo.put(a_location(), to=emsp.party)
    assert noted(Direction.IN) == noted(Direction.OUT) == []
    url = f"{cpo.known_peer.url('locations', RECEIVER)}/NL/CPO/LOC1"
    pairs = message.routing_headers(to and party(to), sender and party(sender))
    said = {name.replace("-", "_"): value for name, value in pairs.items()}
    emsp.faults.add(fault.http(200, message.envelope(now()), **said))
    for _ in range(2):
        await cpo.client.call(
            "PUT", url, cpo.known_peer.token, body=as_bytes(a_location()), to=emsp.party
        )
    assert noted(Direction.IN) == ["ROUT-014: the request does not name its sender"] * 2
    assert len(noted(Direction.OUT)) == count  # once, as all its answers are like this


@pytest.mark.obligation("ROUT-006", "ROUT-803", "TR-053", "ROUT-005", "ROUT-303", "STAT-014")
async def test_nobody_speaks_for_somebody_else(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    forged = await cpo.put(a_location(), to=emsp.party, sender=emsp.party)
    assert (forged.http, forged.code) == (200, 2001)
    foreign = await cpo.put(a_location(party_id="XXX"), to=emsp.party)
    assert foreign.http == 404
    for half in ({"OCPI-to-party-id": "EMP"}, {"OCPI-to-party-id": "", "OCPI-to-country-code": ""}):
        answer = await cpo.put(a_location(), to=None, headers=half)
        assert (answer.http, answer.code) == (200, 2001)
    assert not emsp.record.requests
    assert answer.headers["OCPI-to-party-id"] == "CPO"
    assert answer.headers["OCPI-from-party-id"] == "HUB"


@pytest.mark.obligation(
    "STAT-022", "STAT-023", "STAT-025", "STAT-027", "ROUT-010", "ROUT-011", "ROUT-113", "HCI-028"
)
async def test_the_hub_says_why_it_could_not_deliver(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    unknown = await cpo.put(a_location(), to="FR-XXX")
    assert (unknown.http, unknown.code) == (200, 4001)
    assert unknown.headers["OCPI-from-party-id"] == "HUB"
    lacking = await cpo.send("PUT", "tokens", "NL/CPO/T1", body={}, to=emsp.party)
    assert (lacking.http, lacking.code) == (200, 4000)
    async with fake_partner(EMSP="FR-NEW") as planned:
        await house.invite(planned)
        assert (await cpo.put(a_location(), to="FR-NEW")).code == 4003
    await emsp.vanish()
    gone = await cpo.put(a_location(), to=emsp.party)
    assert (gone.http, gone.code) == (200, 4003)
    assert house.journal.incoming[-1].outcome == "not-connected"


@pytest.mark.obligation("STAT-024", "ROUT-114", "ROUT-115", "ROUT-116")
async def test_a_silent_receiver_is_4002_and_asked_once(house: House, cpo: FakePartner) -> None:
    async with fake_partner(EMSP="FR-EMP") as slow:
        await house.join(slow, deadline_s=0.3)
        slow.faults.add(fault.hang())
        answer = await cpo.put(a_location(), to="FR-EMP")
        assert (answer.http, answer.code) == (200, 4002)
        assert len(slow.record.requests) == 1


@pytest.mark.obligation("STAT-028", "STAT-029", "STAT-017")
@pytest.mark.parametrize(
    ("misbehaviour", "http", "code"),
    [
        (fault.http(502, b"<html>"), 200, 4000),
        (fault.code(3000, status=500), 200, 4000),
        (fault.html(), 200, 4000),
        (fault.http(204), 200, 4000),
        (fault.unauthorized(), 200, 4003),
        (fault.http(403, b"no"), 200, 4003),
        (fault.code(2004, status=404), 404, 2004),
        (fault.http(404), 404, 2000),
        (fault.code(2000, status=405), 405, 2000),
        (fault.http(429), 200, 4000),
        (fault.redirect("http://127.0.0.1:1/"), 200, 4000),
        (fault.drop(), 200, 4002),
    ],
)
async def test_answers_that_cannot_be_passed_on_become_the_hubs_own(
    cpo: FakePartner, emsp: FakePartner, misbehaviour: fault.Fault, http: int, code: int
) -> None:
    emsp.faults.add(misbehaviour)
    answer = await cpo.put(a_location(), to=emsp.party)
    assert (answer.http, answer.code) == (http, code)


async def _pages(received: Received) -> Reply:
    """A list in two pages; the second is found by a cursor only."""
    if received.query.get("cursor") == "a/b+c=":
        return Reply(b'[{"id":"2"}]', headers={"X-Total-Count": "2", "X-Limit": "1"})
    link = "</ocpi/2.2.1/sender/locations?cursor=a%2Fb%2Bc%3D&offset=1&limit=1>"
    headers = {"Link": f'<https://x.example/>; rel="prev", {link}; rel="next"'}
    return Reply(b'[{"id":"1"}]', headers={**headers, "X-Total-Count": "2", "X-Limit": "1"})


@pytest.mark.obligation("ROUT-501", "ROUT-502", "ROUT-503", "ROUT-504", "ROUT-505", "ROUT-507")
async def test_a_list_is_crawled_through_links_of_the_hub(
    house: House, cpo: FakePartner, emsp: FakePartner
) -> None:
    cpo.serve("locations", SENDER, _pages)
    first = await emsp.get("locations", to=cpo.party)
    assert first.headers["X-Total-Count"] == "2"
    assert first.headers["X-Limit"] == "1"
    link = first.headers["Link"]
    assert link.startswith(f"<{house.url}/ocpi/2.2.1/sender/locations?")
    assert "offset=1&limit=1" in link
    assert "x.example" not in link
    url = link.partition("<")[2].partition(">")[0]
    shown = emsp.known_peer.token
    second = await emsp.client.call("GET", url, shown)
    assert second.data == [{"id": "2"}]
    assert "Link" not in second.headers
    assert second.headers["OCPI-from-party-id"] == "CPO"
    repeated = await emsp.client.call("GET", url, shown, to=cpo.party, sender=emsp.party)
    assert repeated.data == [{"id": "2"}]
    other = await emsp.client.call("GET", url, shown, to=party("FR-XXX"), sender=emsp.party)
    assert other.code == 2001
    thief = await cpo.client.call("GET", url, cpo.known_peer.token)
    assert thief.http == 404
    bent = await emsp.client.call("GET", url[:-3] + "AAA", shown)
    assert bent.http == 404


@pytest.mark.obligation("ROUT-508")
async def test_a_link_to_a_foreign_host_is_dropped(cpo: FakePartner, emsp: FakePartner) -> None:
    cpo.faults.add(
        fault.http(
            200,
            b'{"status_code":1000,"data":[],"timestamp":"2026-01-01T00:00:00Z"}',
            Link='<https://evil.example/x>; rel="next"',
        )
    )
    answer = await emsp.get("locations", to=cpo.party)
    assert answer.code == 1000
    assert "Link" not in answer.headers


@pytest.mark.obligation("ROUT-506", "CDR-027")
async def test_the_location_of_a_cdr_leads_through_the_hub(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    async def cdrs(received: Received) -> Reply:
        if received.method == "POST":
            return Reply(http=201, headers={"Location": "/ocpi/2.2.1/receiver/cdrs/odd/77?v=1"})
        return Reply(codec.encode([*received.segments, received.query["v"]]))

    emsp.serve("cdrs", RECEIVER, cdrs)
    posted = await cpo.send("POST", "cdrs", body={"id": "77"}, to=emsp.party)
    assert posted.http == 201
    url = posted.headers["Location"]
    assert "/ocpi/2.2.1/receiver/cdrs/77?" in url
    found = await cpo.client.call("GET", url, cpo.known_peer.token)
    assert found.data == ["odd", "77", "1"]


@pytest.mark.obligation("ROUT-117", "STAT-015", "STAT-016")
async def test_writes_on_sender_interfaces_are_relayed_too(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    emsp.serve("tokens", SENDER, accept)
    emsp.faults.add(fault.code(2002))
    asked = await cpo.send("POST", "tokens", "T1/authorize", side=SENDER, to=emsp.party)
    assert asked.code == 2002
    chosen = await emsp.send(
        "PUT", "sessions", "S1/charging_preferences", side=SENDER, body={}, to=cpo.party
    )
    assert chosen.code == 1000
    assert cpo.record.of("sessions.sender", "PUT")[0].segments == ("S1", "charging_preferences")


@pytest.mark.obligation("ROUT-211", "ROUT-406", "ROUT-304", "ROUT-308", "STAT-013")
async def test_what_is_for_one_receiver_is_never_for_all(
    cpo: FakePartner, emsp: FakePartner
) -> None:
    assert (await cpo.send("POST", "cdrs", body={})).code == 2001
    assert (await cpo.send("PUT", "sessions", "NL/CPO/S1", body={})).code == 2001
    refused = await emsp.get("cdrs")
    assert (refused.code, refused.data) == (2001, None)
    assert (await emsp.get("locations", to=None)).code == 2001
    unknown = await cpo.send("POST", "tokens", "T1/authorize", side=SENDER, to=None)
    assert (unknown.http, unknown.code) == (404, 2004)
    assert not emsp.record.requests


@pytest.mark.obligation("ROUT-112")
async def test_a_platform_may_talk_to_its_own_party(house: House) -> None:
    async with fake_partner(CPO="NL-ONE", EMSP="NL-TWO") as both:
        await house.join(both)
        answer = await both.put(a_location(party_id="ONE"), to="NL-TWO", sender="NL-ONE")
        assert answer.code == 1000
        assert len(both.record.of("locations.receiver")) == 1
        unclear = await both.send("GET", "locations", side=SENDER, to="NL-ONE", sender=None)
        assert unclear.code in {1000, 2001}


@pytest.mark.obligation("HCI-026", "HCI-023")
async def test_any_authenticated_request_brings_a_platform_back(
    house: House, cpo: FakePartner
) -> None:
    (platform,) = house.platforms.directory().platforms
    await house.platforms.set_status(platform, ConnectionStatus.OFFLINE)
    assert (await cpo.call("GET", house.versions_url)).code == 1000
    assert house.platforms.directory().platforms[platform].connected
    assert house.heard[-1] == platform
    assert house.platforms.last_seen(platform) is not None


@pytest.mark.obligation("TR-071", "TR-072", "TR-075", "TR-064")
async def test_every_answer_repeats_the_ids(house: House, cpo: FakePartner) -> None:
    ids = {"X-Request-ID": fresh_id(), "X-Correlation-ID": fresh_id()}
    for shown, path in ((None, "versions"), (cpo.known_peer.token, "nothing")):
        answer = await cpo.client.call("GET", f"{house.url}/ocpi/{path}", shown, headers=ids)
        assert answer.code == 2000
        assert {name: answer.headers[name] for name in ids} == ids
    without = {"X-Request-ID": "", "X-Correlation-ID": "x" * 65}
    answer = await cpo.call("GET", house.versions_url, headers=without)
    assert answer.http == 200
    assert answer.headers["X-Request-ID"]
    assert len(house.journal.incoming[-1].findings) == 2
