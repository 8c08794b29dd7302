"""What is odd about relayed objects is told, and nothing is refused."""

from typing import Any

import pytest

from ocpi_hub.modules.remarks import model_of, remarks
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.v2_2_1 import MODULES
from tests.build import a_cdr, a_cdr_token, a_location, a_session, a_token, as_bytes

SESSION_IDS = ("NL", "CPO", "S1")


def without(value: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in members}


def said_of(route: str, ids: tuple[str, ...], value: Any, version: str = "2.2.1") -> Any:
    """As the door reads it: numbers as they are written."""
    return remarks(version, route, ids, codec.decode(as_bytes(value)))


def of_session(value: Any, version: str = "2.2.1", method: str = "put") -> tuple[str, ...]:
    found: tuple[str, ...] = said_of(f"sessions.receiver.{method}", SESSION_IDS, value, version)
    return found


def test_a_sound_object_leaves_no_finding() -> None:
    assert of_session(a_session()) == ()
    assert of_session({"kwh": 2, "last_updated": "2026-01-01T00:00:00Z"}, method="patch") == ()
    assert said_of("cdrs.receiver.post", (), a_cdr()) == ()
    assert said_of("locations.receiver.put", ("NL", "CPO", "LOC1"), a_location()) == ()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (without(a_session(), "kwh"), "kwh: required, but absent"),
        (a_session(status="ON"), "status: unknown value 'ON'"),
        (a_session(kwh="1"), "kwh: "),
        (a_session(party_id="CP2"), "TR-054: party_id: differs from the URL's CPO"),
        ([], "body: an object is expected"),
    ],
)
def test_what_is_odd_is_told_with_its_rule(value: Any, told: str) -> None:
    (finding,) = of_session(value)
    rule, _, text = finding.partition(": ")
    assert rule.rpartition("-")[2].isdigit()
    assert told in finding or text.startswith(told)


def test_an_older_version_is_measured_by_its_own_rules() -> None:
    old = a_session(cdr_token=without(a_cdr_token(), "country_code", "party_id"))
    assert of_session(old, "2.2") == ()
    assert len(of_session(old)) == 2


def test_each_command_has_its_own_object_and_unknown_ones_none() -> None:
    start = {"response_url": "https://x.example/1", "token": a_token(), "location_id": "LOC1"}
    assert said_of("commands.receiver.post", ("START_SESSION",), start) == ()
    (finding,) = said_of("commands.receiver.post", ("STOP_SESSION",), start)
    assert "session_id" in finding
    assert said_of("commands.receiver.post", ("FOO",), {}) == ()


def test_every_body_of_the_table_has_a_model_but_that_of_a_command_by_agreement() -> None:
    unknown = {
        route.name
        for module in MODULES.values()
        for side in module.interfaces
        for route in side.routes
        if route.body and module.identifier != "credentials"
        if model_of("2.2.1", route.name, route.path) is None
    }
    assert unknown == {"commands.receiver.post"}
