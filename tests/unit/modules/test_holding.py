"""What PUT and PATCH do at each depth to a Location that is held."""

import json
from dataclasses import replace

import pytest

from ocpi_hub.modules.holding import Held, apply
from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Written
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource

T1, T2, T3, T4 = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4))


def connector(connector_id="1", at=T1, **more):
    return {
        "id": connector_id, "standard": "IEC_62196_T2", "format": "SOCKET",
        "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 32, "last_updated": at,
    } | more  # fmt: skip


def evse(uid="E1", at=T1, **more):
    return {
        "uid": uid,
        "status": "AVAILABLE",
        "connectors": [connector()],
        "last_updated": at,
    } | more


def location(*evses, at=T1, **more):
    return {
        "country_code": "NL", "party_id": "CP1", "id": "L1", "publish": True, "address": "Plein 1",
        "city": "Utrecht", "country": "NLD", "time_zone": "Europe/Amsterdam",
        "coordinates": {"latitude": "52.00000", "longitude": "5.00000"},
        "evses": list(evses), "last_updated": at,
    } | more  # fmt: skip


def push(method, path, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = moment(stamp(json.loads(raw)["last_updated"]))
    message = Message(method, path, raw)
    return Push("locations", PartyRef("NL", "CP1"), tuple(path.split("/")), message, at, "p", "c")


def empty():
    return Held(ObjectKey("locations", "NL", "CP1", "L1"), known=False)


@pytest.fixture
def held():
    fresh = empty()
    assert apply(fresh, push("PUT", "L1", location(evse(), evse("E2")))) is Written.CREATED
    return fresh


def shown(held):
    return json.loads(held.body())


@pytest.mark.obligation("LOC-045", "TR-052")
def test_put_creates_and_replaces_a_location(held):
    assert apply(held, push("PUT", "L1", location(at=T2, name="new"))) is Written.UPDATED
    assert shown(held) == location(at=T2, name="new")


@pytest.mark.obligation("TR-037", "LOC-047")
def test_members_missing_from_a_put_are_gone():
    held = empty()
    apply(held, push("PUT", "L1", location(name="old")))
    apply(held, push("PUT", "L1", location(at=T2)))
    assert "name" not in shown(held)


@pytest.mark.obligation("TR-038", "LOC-056")
def test_a_patch_changes_only_its_members(held):
    patch = {"status": "CHARGING", "last_updated": T2}
    assert apply(held, push("PATCH", "L1/E1", patch)) is Written.UPDATED
    assert shown(held)["evses"] == [evse(at=T2, status="CHARGING"), evse("E2")]


@pytest.mark.obligation("TR-042", "LOC-059")
def test_null_in_a_patch_changes_nothing(held):
    apply(held, push("PATCH", "L1", {"city": None, "name": "N", "last_updated": T2}))
    assert shown(held)["city"] == "Utrecht"
    assert shown(held)["name"] == "N"


@pytest.mark.obligation("LOC-060")
def test_a_list_in_a_patch_replaces_the_list(held):
    apply(held, push("PATCH", "L1/E1/1", {"tariff_ids": ["1", "2"], "last_updated": T2}))
    apply(held, push("PATCH", "L1/E1/1", {"tariff_ids": ["15"], "last_updated": T3}))
    assert shown(held)["evses"][0]["connectors"][0]["tariff_ids"] == ["15"]


def test_evses_in_a_patch_of_a_location_replace_its_list(held):
    apply(held, push("PATCH", "L1", {"evses": [evse("E3", at=T2)], "last_updated": T2}))
    assert shown(held) == location(evse("E3", at=T2), at=T2)


@pytest.mark.obligation("LOC-050", "LOC-052", "LOC-058", "LOC-018")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_evse_moves_its_location_with_its_own_timestamp(held, method):
    at = "2026-01-02T00:00:00.123"
    apply(held, push(method, "L1/E1", evse(at=at)))
    assert shown(held)["last_updated"] == at


@pytest.mark.obligation("LOC-051", "LOC-058", "LOC-018")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_connector_moves_its_evse_and_its_location(held, method):
    apply(held, push(method, "L1/E1/1", connector(at=T3)))
    assert shown(held)["last_updated"] == T3
    assert shown(held)["evses"][0]["last_updated"] == T3
    assert shown(held)["evses"][1]["last_updated"] == T1


def test_a_connector_older_than_its_evse_does_not_turn_it_back(held):
    apply(held, push("PATCH", "L1/E1", {"status": "CHARGING", "last_updated": T4}))
    assert apply(held, push("PUT", "L1/E1/1", connector(at=T2))) is Written.UPDATED
    assert shown(held)["evses"][0]["last_updated"] == T4


def test_a_new_connector_is_added_and_a_known_one_replaced_whatever_its_case(held):
    assert apply(held, push("PUT", "L1/E1/b", connector("b", at=T2))) is Written.CREATED
    assert apply(held, push("PUT", "L1/E1/B", connector("B", at=T3))) is Written.UPDATED
    assert [one["id"] for one in shown(held)["evses"][0]["connectors"]] == ["1", "B"]


def test_a_new_evse_stands_behind_the_others(held):
    assert apply(held, push("PUT", "L1/E0", evse("E0", at=T2))) is Written.CREATED
    assert [one["uid"] for one in shown(held)["evses"]] == ["E1", "E2", "E0"]


@pytest.mark.obligation("LOC-055")
def test_an_evse_left_out_of_a_put_is_not_listed_but_kept(held):
    apply(held, push("PUT", "L1", location(evse("E2"), at=T2)))
    assert [one["uid"] for one in shown(held)["evses"]] == ["E2"]
    assert not held.evses["E1"].listed
    apply(held, push("PATCH", "L1/E1", {"status": "REMOVED", "last_updated": T3}))
    assert json.loads(held.evses["E1"].body)["status"] == "REMOVED"
    assert [one["uid"] for one in shown(held)["evses"]] == ["E2"]
    apply(held, push("PUT", "L1/E1", evse(at=T4)))
    assert [one["uid"] for one in shown(held)["evses"]] == ["E2", "E1"]


@pytest.mark.obligation("TR-040", "LOC-054")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "L1"),
        ("PUT", "L1/E1"),
        ("PATCH", "L1/E1"),
        ("PUT", "L1/E1/1"),
        ("PATCH", "L1/E1/1"),
    ],
)
def test_what_needs_a_location_is_refused_without_one(method, path):
    held = empty()
    with pytest.raises(NoSuchResource) as refused:
        apply(held, push(method, path, {"uid": "E1", "last_updated": T2}))
    assert (refused.value.code, refused.value.http) == (2003, 404)
    assert held == empty()


@pytest.mark.obligation("TR-040", "LOC-054")
@pytest.mark.parametrize("request_line", ["PATCH L1/E9", "PUT L1/E9/1", "PATCH L1/E1/9"])
def test_parts_of_something_unknown_are_refused(held, request_line):
    with pytest.raises(NoSuchResource) as refused:
        apply(held, push(*request_line.split(), {"id": "9", "last_updated": T2}))
    assert refused.value.code == 2003


@pytest.mark.obligation("ROUT-222")
@pytest.mark.parametrize(
    ("request_line", "body"),
    [
        ("PUT L1", location(at=T2, name="old")),
        ("PATCH L1", {"name": "old", "last_updated": T2}),
        ("PUT L1/E1", evse(at=T2)),
        ("PATCH L1/E1", {"status": "BLOCKED", "last_updated": T2}),
        ("PUT L1/E1/1", connector(at=T2)),
        ("PATCH L1/E1/1", {"max_voltage": 1, "last_updated": T2}),
    ],
)
def test_what_is_older_than_what_is_held_changes_nothing(held, request_line, body):
    apply(held, push("PUT", "L1/E1/1", connector(at=T3)))
    before = held.body()
    assert apply(held, push(*request_line.split(), body)) is Written.STALE
    assert held.body() == before


def test_the_same_moment_spelled_otherwise_is_not_older(held):
    patch = {"status": "CHARGING", "last_updated": "2026-01-01T00:00:00"}
    assert apply(held, push("PATCH", "L1/E1", patch)) is Written.UPDATED


@pytest.mark.parametrize(
    ("request_line", "body"),
    [
        ("PUT L1", location(evse(), evse("E2"))),
        ("PATCH L1", {"city": "Utrecht", "name": None, "last_updated": T1}),
        ("PUT L1/E1", evse()),
        ("PATCH L1/E1", {"status": "AVAILABLE", "last_updated": T1}),
        ("PUT L1/E1/1", connector()),
        ("PATCH L1/E1/1", {"max_voltage": 230, "last_updated": T1}),
    ],
)
def test_what_is_held_already_changes_nothing(held, request_line, body):
    before = held.evses.copy()
    assert apply(held, push(*request_line.split(), body)) is Written.UNCHANGED
    assert held.evses == before


@pytest.mark.obligation("LOC-066")
def test_a_patch_that_breaks_a_rule_of_the_whole_is_refused(held):
    before = held.body()
    patch = {"publish_allowed_to": [{"group_id": "G1"}], "last_updated": T2}
    with pytest.raises(InvalidParameter, match="publish_allowed_to"):
        apply(held, push("PATCH", "L1", patch))
    assert held.body() == before


@pytest.mark.obligation("LOC-042", "LOC-001")
def test_a_location_is_shown_byte_for_byte_as_it_came():
    held = empty()
    raw = json.dumps(location(evse(), evse("E2"), x={"evses": [evse()]}), indent=3).encode()
    apply(held, push("PUT", "L1", raw))
    assert held.body() == raw


def test_a_location_with_all_its_evses_grows_no_larger_than_it_may(held):
    held.most = held.size + 10
    before = held.body()
    for too_large in (
        push("PUT", "L1/E3", evse("E3", at=T2)),
        push("PATCH", "L1/E1", {"floor_level": "x" * 30, "last_updated": T2}),
        push("PUT", "L1", location(evse(), at=T2, name="n" * 2000)),
        push("PATCH", "L1", {"name": "n" * 30, "last_updated": T2}),
        push("PUT", "L1", location(evse("E3"), at=T2)),  # those that it leaves out are kept
    ):
        with pytest.raises(InvalidParameter, match="at most"):
            apply(held, too_large)
        assert held.body() == before
    assert apply(held, push("PATCH", "L1/E1", {"status": "BLOCKED", "last_updated": T2})) is (
        Written.UPDATED
    )


def test_what_came_in_one_piece_is_as_large_as_it_was():
    whole = json.dumps(location(evse(), evse("E2"))).encode()
    fresh = empty()
    fresh.most = len(whole)
    assert apply(fresh, push("PUT", "L1", whole)) is Written.CREATED


def test_what_is_too_large_already_may_become_smaller(held):
    held.most = 10
    assert apply(held, push("PUT", "L1/E1", evse(at=T2, connectors=[]))) is Written.UPDATED


FAR = "9999-12-31T23:59:59Z"
HORIZON = moment(stamp(T4))


@pytest.mark.parametrize(
    ("request_line", "body"),
    [
        (("PUT", "L1"), location(at=T2)),
        (("PATCH", "L1"), {"name": "new", "last_updated": T2}),
        (("PUT", "L1/E1"), evse(at=T2)),
        (("PATCH", "L1/E1"), {"status": "BLOCKED", "last_updated": T2}),
        (("PUT", "L1/E1/1"), connector(at=T2)),
    ],
)
def test_a_stamp_far_in_the_future_freezes_nothing(request_line, body):
    held = empty()
    far = location(evse(at=FAR, connectors=[connector(at=FAR)]), at=FAR)
    assert apply(held, push("PUT", "L1", far)) is Written.CREATED
    late = push(*request_line, body)
    assert apply(held, late) is Written.STALE
    assert apply(held, replace(late, horizon=HORIZON)) is Written.UPDATED


def test_of_two_stamps_far_in_the_future_the_later_one_counts(held):
    assert apply(held, push("PATCH", "L1", {"name": "a", "last_updated": FAR})) is Written.UPDATED
    earlier = push("PATCH", "L1", {"name": "b", "last_updated": "9998-01-01T00:00:00Z"})
    assert apply(held, replace(earlier, horizon=HORIZON)) is Written.STALE


def test_a_stamp_within_the_horizon_is_as_true_as_any_other(held):
    assert apply(held, push("PATCH", "L1", {"name": "a", "last_updated": T3})) is Written.UPDATED
    earlier = push("PATCH", "L1", {"name": "b", "last_updated": T2})
    assert apply(held, replace(earlier, horizon=HORIZON)) is Written.STALE
