"""Every door answers what its document says, whatever it is asked: schemathesis asks."""

import asyncio
import base64
from uuid import uuid4

import pytest
import yaml

from ocpi_hub.modules.versions import SERVED
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import parse_datetime
from ocpi_hub.ocpi.status import Status
from tests.build import a_location
from tests.contract.asking import FOLDER, IDS, Interview, told, tuned
from tests.fake_partner import FakePartner, fake_partner
from tests.hub import Hub, running_house

pytestmark = pytest.mark.timeout(120)  # a slow machine asks as much as a fast one

NOWHERE = "http://127.0.0.1:9/versions"
LONGEST_ADDRESS = 8000
TAGS = [
    tag["name"]
    for tag in yaml.safe_load((FOLDER / "ocpi-2.2.1.yaml").read_text(encoding="utf-8"))["tags"]
]
CODES = set(Status) - {Status.SERVER_ERROR}
MEMBERS = {
    "country_code": ["NL"],
    "party_id": ["ONE"],
    "publish": [True],
    "twentyfourseven": [True],
    "regular_hours": [[]],
    "publish_allowed_to": [[]],
}
NAMES = ("location_id", "evse_uid", "connector_id", "tariff_id", "session_id", "cdr_id")


@pytest.fixture
async def hub(database_url):
    async with running_house(database_url) as running:
        yield running


def an_envelope(case, answer):
    """An OCPI envelope in UTF-8, and both ids."""
    value = codec.decode(answer.content)
    assert isinstance(value, dict), told(case, answer)
    assert value["status_code"] in CODES, told(case, answer)
    parse_datetime(value["timestamp"])
    assert answer.headers["Content-Type"] == "application/json", told(case, answer)
    assert answer.headers["X-Request-ID"], told(case, answer)
    assert answer.headers["X-Correlation-ID"], told(case, answer)


def a_problem(case, answer):
    """Whatever fails is a problem document, unless the address is longer than HTTP reads."""
    if answer.status_code >= 400 and len(answer.request.url) < LONGEST_ADDRESS:
        assert answer.headers["Content-Type"].startswith("application/problem+json"), told(
            case, answer
        )
        assert answer.json()["status"] == answer.status_code


def as_partner(hub: Hub, partner: FakePartner, other: FakePartner) -> Interview:
    """Questions of a partner to the hub and to another partner, and for nobody in particular."""
    here = f"{partner.versions_url}/x"
    document = tuned(
        "ocpi-2.2.1",
        {
            "to_country": ["NL"],
            "to_party": ["HUB", "HUB", "TWO", "NIX"],
            "from_country": ["NL"],
            "from_party": ["ONE"],
            "country_code": ["NL", "nl"],
            "party_id": ["ONE", "One"],
            "response_url": [here, NOWHERE],
            "uid": ["1"],
            "id": ["1"],
            "token_uid": ["1"],
        }
        | dict.fromkeys(NAMES, IDS),
        MEMBERS | {"response_url": [here, NOWHERE]},
    )
    document["components"]["schemas"]["Credentials"]["properties"]["url"] = {"enum": [NOWHERE]}
    token = base64.b64encode(partner.known_peer.token.encode()).decode()
    return Interview(
        f"{hub.url}/ocpi", "ocpi-2.2.1", document, {"Authorization": f"Token {token}"}, an_envelope
    )


def everybody(party: str) -> FakePartner:
    """A platform that offers and may do everything."""
    return fake_partner(CPO=party, EMSP=party, SCSP=party)


@pytest.mark.parametrize("tag", TAGS)
async def test_the_partners_door_answers_what_its_document_says(hub, tag):
    async with everybody("NL-ONE") as one, everybody("NL-TWO") as two:
        await hub.connect(one)
        await hub.connect(two)
        interview = as_partner(hub, one, two)
        interview.whole = tag not in SERVED
        await asyncio.to_thread(interview.hold, tag)
        asked = interview.statuses
        assert any(200 in statuses for statuses in asked.values()), asked


async def test_the_operators_door_answers_what_its_document_says(hub):
    async with fake_partner(CPO="NL-ONE") as one:
        await hub.connect(one)
        await hub.car_key()
        rooms = [await hub.admin("GET", f"/{room}") for room in ("platforms", "keys")]
        ids = [str(uuid4()), *(room["items"][0]["id"] for room in rooms)]
        document = tuned(
            "admin",
            {"platformId": ids[:2], "id": ids},
            {"versions_url": [NOWHERE], "country_code": ["NL"], "party_id": ["ONE", "TWO"]},
        )
        headers = {"Authorization": f"Bearer {hub.admin_key}"}
        interview = Interview(f"{hub.url}/admin/v1", "admin", document, headers, a_problem)
        await asyncio.to_thread(interview.hold)
        asked = interview.statuses
        assert any(200 in statuses for statuses in asked.values()), asked


async def test_the_cars_door_answers_what_its_document_says(hub):
    async with fake_partner(CPO="NL-ONE") as one:
        await hub.connect(one)
        await one.put(a_location(country_code="NL", party_id="ONE"))
        places = {"lat": [52.09, 52], "lon": [5.11, 5], "id": ["NL*ONE*LOC1", "nl*one*loc2"]}
        document = tuned("navigation", places, {})
        headers = {"Authorization": f"Bearer {await hub.car_key()}"}
        interview = Interview(
            f"{hub.url}/nav/v1", "navigation", document, headers, a_problem, examples=25
        )
        await asyncio.to_thread(interview.hold, without=frozenset({"stream"}))
        asked = interview.statuses
        assert all(200 in statuses for statuses in asked.values()), asked
