"""When a list is read, from where on, and what its end proves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpi_hub.modules import pull
from ocpi_hub.modules.pull import Kind, Plan, Rhythm, Seen, State, Tally
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import OcpiError
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.routing.directory import Endpoint, HostedRole, Platform, PlatformId, Quirks
from tests.build import a_location, a_tariff

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RHYTHM = Rhythm(interval=6 * HOUR, full=7 * 24 * HOUR, overlap=HOUR)
READ = State(next_at=AT, synced_at=AT - 6 * HOUR, full_at=AT - 24 * HOUR)
KEPT = ("locations", "tariffs", "tokens")
LARGEST = 1024**2


def partner(quirks: Quirks | None = None, **changes: Any) -> Platform:
    sender = InterfaceRole.SENDER
    return replace(
        Platform(
            id=PlatformId("p"),
            name="p",
            status=ConnectionStatus.CONNECTED,
            registered=True,
            version="2.2.1",
            versions_url="https://p.example/versions",
            endpoints=(
                Endpoint("locations", sender, "https://p.example/locations"),
                Endpoint("tokens", InterfaceRole.RECEIVER, "https://p.example/tokens"),
                Endpoint("sessions", sender, "https://p.example/sessions"),
                Endpoint("tariffs", sender, "https://p.example/tariffs"),
            ),
            roles=(
                HostedRole(PartyRef("NL", "CPO"), Role.CPO, b"{}", ConnectionStatus.CONNECTED, AT),
                HostedRole(PartyRef("NL", "EMP"), Role.EMSP, b"{}", ConnectionStatus.CONNECTED, AT),
                HostedRole(PartyRef("NL", "OLD"), Role.CPO, b"{}", ConnectionStatus.SUSPENDED, AT),
            ),
            quirks=quirks or Quirks(),
        ),
        **changes,
    )


def test_by_itself_the_hub_reads_what_it_keeps_and_the_partner_offers() -> None:
    assert pull.pulled(partner(), KEPT) == ("locations", "tariffs")
    assert pull.pulled(partner(registered=False), KEPT) == ()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [([], ()), (["tariffs"], ("tariffs",)), (["tokens"], ()), (["sessions"], ())],
)
def test_the_operator_names_the_lists_that_are_read(
    wanted: list[str], expected: tuple[str, ...]
) -> None:
    assert pull.pulled(partner(Quirks(pull=wanted)), KEPT) == expected


def test_only_parties_whose_role_owns_such_objects_are_asked_for_them() -> None:
    assert pull.owners(partner(), MODULES["locations"]) == (PartyRef("NL", "CPO"),)
    assert pull.owners(partner(), MODULES["tokens"]) == (PartyRef("NL", "EMP"),)


def test_nothing_is_due_before_its_time() -> None:
    assert pull.due(replace(READ, next_at=AT + HOUR), RHYTHM, AT) is None


def test_the_first_reading_is_a_full_one() -> None:
    assert pull.due(State(next_at=AT), RHYTHM, AT) == Plan(Kind.ALL, None)


def test_later_ones_ask_for_what_changed_with_an_overlap() -> None:
    assert pull.due(READ, RHYTHM, AT) == Plan(Kind.CHANGES, AT - 7 * HOUR)


def test_a_full_one_comes_when_it_was_asked_for_and_every_week() -> None:
    assert pull.due(replace(READ, owed=Kind.ALL), RHYTHM, AT) == Plan(Kind.ALL, None)
    old = replace(READ, full_at=AT - RHYTHM.full)
    assert pull.due(old, RHYTHM, AT) == Plan(Kind.ALL, None)


def test_who_is_offline_is_read_as_soon_as_it_is_back() -> None:
    later = replace(READ, next_at=AT + HOUR)
    assert pull.missed(later, ConnectionStatus.OFFLINE, AT)
    assert not pull.missed(later, ConnectionStatus.CONNECTED, AT)
    assert not pull.missed(READ, ConnectionStatus.OFFLINE, AT), "that is known already"
    failed = replace(later, failures=1)
    assert not pull.missed(failed, ConnectionStatus.OFFLINE, AT), "it waits for its own time"


def test_a_reading_that_came_to_its_end_moves_the_window() -> None:
    asked = replace(READ, owed=Kind.CHANGES, failures=3)
    behind = pull.after(asked, Tally(Kind.CHANGES, AT), RHYTHM, AT + HOUR, 0.5)
    assert behind == State(
        next_at=AT + 7 * HOUR, synced_at=AT, full_at=READ.full_at, owed=None, failures=0
    )
    assert pull.after(asked, Tally(Kind.ALL, AT), RHYTHM, AT, 0.5).full_at == AT


def test_one_that_broke_off_is_tried_again_less_and_less_often_from_the_same_place() -> None:
    state, waits = replace(READ, owed=Kind.ALL), []
    for _ in range(12):
        state = pull.after(state, Tally(Kind.ALL, AT, fault="HTTP 500"), RHYTHM, AT, 0.5)
        waits.append(state.next_at - AT)
        assert (state.synced_at, state.full_at, state.owed) == (READ.synced_at, READ.full_at, "all")
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits == sorted(waits)
    assert waits[-1] == RHYTHM.interval


@pytest.mark.obligation("TR-022", "LOC-005")
def test_two_readings_of_a_partner_are_apart_by_hours_more_or_less_by_chance() -> None:
    done = Tally(Kind.CHANGES, AT)
    first, second = (pull.after(READ, done, RHYTHM, AT, dice).next_at for dice in (0.1, 0.8))
    assert first != second
    assert first != AT + RHYTHM.interval != second
    earliest, latest = (pull.after(READ, done, RHYTHM, AT, dice).next_at for dice in (0, 1))
    assert earliest - AT == timedelta(hours=4.8)
    assert latest - AT == timedelta(hours=7.2)


def test_the_operator_sets_how_often_a_partner_is_read() -> None:
    slow = pull.rhythm_of(RHYTHM, Quirks(pull_hours=1000))
    assert (slow.interval, slow.full) == (1000 * HOUR, 1000 * HOUR)
    assert pull.rhythm_of(RHYTHM, Quirks()) == RHYTHM


@pytest.mark.parametrize(
    ("http", "body"),
    [
        (500, b'{"status_code":1000,"data":[]}'),
        (404, b""),
        (200, b'{"status_code":2000,"data":[]}'),
        (200, b'{"status_code":1000,"data":{}}'),
        (200, b'{"status_code":1000,"data":[{]}'),
        (200, b"<html>"),
    ],
)
def test_what_is_no_page_is_never_taken_for_an_empty_one(http: int, body: bytes) -> None:
    with pytest.raises(pull.Unusable):
        pull.objects(http, body)


@pytest.mark.obligation("TYP-019")
def test_a_list_without_data_has_no_objects() -> None:
    for body in (b'{"status_code":1000}', b'{"status_code":1000, "data" : null }'):
        assert pull.objects(200, body) == []


def test_objects_are_cut_out_of_a_page_as_they_were_sent() -> None:
    body = b'{ "data" : [ {"id": 1.0 } ,\n7, "x" ], "status_code": 1000 }'
    assert pull.objects(200, body) == [b'{"id": 1.0 }', b"7", b'"x"']


def test_a_token_is_known_by_its_uid_and_type() -> None:
    raw = codec.encode(
        {"country_code": "NL", "party_id": "EMP", "uid": "a/b c", "type": "APP_USER"}
    )
    found = pull.identify("tokens", raw, LARGEST)
    assert found.ids == ("a/b c", "APP_USER")
    assert found.message.path == "a%2Fb%20c?type=APP_USER"
    assert found.message.body == raw
    assert found.key("tokens") == ("tokens", "NL", "EMP", "A/B C", "APP_USER")


@pytest.mark.parametrize(
    "raw",
    [
        b"7",
        b"{}",
        b'{"country_code":"NL","party_id":"CPO"}',
        b'{"country_code":"NL","party_id":"CPO","id":"%b"}' % (b"x" * 256),
        b'{"country_code":"NL","party_id":"CPO","id":7}',
        b'{"country_code":"NL","party_id":"CPO","id":""}',
        b'{"country_code":"NL","party_id":"CPO","id":"a","id":"b"}',
        b'{"country_code":"NL","party_id":"CPO","id":"\xff"}',
        b'{"country_code":"NL","party_id":"CPO","id":"L","x":"%b"}' % (b"y" * LARGEST),
    ],
)
def test_an_object_without_identity_is_refused_alone(raw: bytes) -> None:
    with pytest.raises(OcpiError):
        pull.identify("locations", raw, LARGEST)


def seen(count: int, **more: Any) -> Seen:
    keys = {
        pull.identify("locations", codec.encode(a_location(id=str(n))), LARGEST).key("locations")
        for n in range(count)
    }
    return Seen(keys, **more)


def test_only_a_whole_list_proves_that_something_is_gone() -> None:
    assert pull.doubt(seen(2, total=2)) == ""
    assert pull.doubt(seen(2)) == ""
    assert pull.doubt(seen(3, total=2)) == ""
    assert "left the list" in pull.doubt(seen(3, total=2, shrank=True))
    assert "empty" in pull.doubt(Seen())
    assert "identity" in pull.doubt(seen(2, nameless=1))
    assert "of 3" in pull.doubt(seen(2, total=3))


@pytest.mark.obligation("LOC-006", "LOC-007")
def test_a_location_that_is_gone_has_its_evses_removed() -> None:
    location = a_location(3)
    location["evses"][1]["status"] = "REMOVED"
    told = pull.gone("locations", ("LOC/1",), codec.encode(location), "2026-11-01T12:00:00Z")
    assert [ids for ids, _ in told] == [("LOC/1", "E1"), ("LOC/1", "E3")]
    assert [(push.method, push.path) for _, push in told] == [
        ("PATCH", "LOC%2F1/E1"),
        ("PATCH", "LOC%2F1/E3"),
    ]
    assert codec.decode(told[0][1].body) == {
        "status": "REMOVED",
        "last_updated": "2026-11-01T12:00:00Z",
    }


def test_a_tariff_that_is_gone_is_deleted_and_a_token_becomes_invalid() -> None:
    [(ids, push)] = pull.gone("tariffs", ("T1",), codec.encode(a_tariff()), "2026-11-01T12:00:00Z")
    assert (ids, push.method, push.path, push.body) == (("T1",), "DELETE", "T1", b"")
    [(ids, push)] = pull.gone("tokens", ("U", "RFID"), b'{"valid":true}', "2026-11-01T12:00:00Z")
    assert (ids, push.method, push.path) == (("U", "RFID"), "PATCH", "U?type=RFID")
    assert codec.decode(push.body) == {"valid": False, "last_updated": "2026-11-01T12:00:00Z"}
    assert pull.gone("tokens", ("U", "RFID"), b'{"valid":false}', "2026-11-01T12:00:00Z") == []
