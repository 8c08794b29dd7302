"""The table of modules and the matcher that reads it."""

import pytest

from ocpi_hub.ocpi import v2_2, v2_2_1
from ocpi_hub.ocpi.primitives import InterfaceRole, Role
from ocpi_hub.ocpi.spec import Family, Segment, match
from ocpi_hub.ocpi.status import MethodNotAllowed, NoSuchResource

SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
FUNCTIONAL = {
    "cdrs", "chargingprofiles", "commands", "locations", "sessions", "tariffs", "tokens",
}  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def ask(module, role, method, path, slash=""):
    side = v2_2_1.MODULES[module].interface(role)
    assert side is not None
    segments = path.split("/") if path else []
    return match(side, method, [*segments, ""] if slash else segments)


# What the method tables of the text allow, and what the row is called.
ALLOWED = {
    ("credentials", SENDER, ""): {
        "GET": "credentials.sender.get",
        "POST": "credentials.sender.post",
        "PUT": "credentials.sender.put",
        "DELETE": "credentials.sender.delete",
    },
    ("hubclientinfo", SENDER, ""): {"GET": "hubclientinfo.sender.list"},
    ("locations", SENDER, ""): {"GET": "locations.sender.list"},
    ("locations", SENDER, "L1"): {"GET": "locations.sender.get"},
    ("locations", SENDER, "L1/E1"): {"GET": "locations.sender.get"},
    ("locations", SENDER, "L1/E1/1"): {"GET": "locations.sender.get"},
    **{
        ("locations", RECEIVER, path): {
            "GET": "locations.receiver.get",
            "PUT": "locations.receiver.put",
            "PATCH": "locations.receiver.patch",
        }
        for path in ("NL/CP1/L1", "NL/CP1/L1/E1", "NL/CP1/L1/E1/1")
    },
    ("tariffs", SENDER, ""): {"GET": "tariffs.sender.list"},
    ("tariffs", RECEIVER, "NL/CP1/T1"): {
        "GET": "tariffs.receiver.get",
        "PUT": "tariffs.receiver.put",
        "DELETE": "tariffs.receiver.delete",
    },
    ("sessions", SENDER, ""): {"GET": "sessions.sender.list"},
    ("sessions", SENDER, "S1/charging_preferences"): {
        "PUT": "sessions.sender.charging_preferences"
    },
    ("sessions", RECEIVER, "NL/CP1/S1"): {
        "GET": "sessions.receiver.get",
        "PUT": "sessions.receiver.put",
        "PATCH": "sessions.receiver.patch",
    },
    ("cdrs", SENDER, ""): {"GET": "cdrs.sender.list"},
    ("cdrs", RECEIVER, ""): {"POST": "cdrs.receiver.post"},
    ("cdrs", RECEIVER, "C1"): {"GET": "cdrs.receiver.get"},
    ("tokens", SENDER, ""): {"GET": "tokens.sender.list"},
    ("tokens", SENDER, "0102/authorize"): {"POST": "tokens.sender.authorize"},
    ("tokens", RECEIVER, "DE/EM1/0102"): {
        "GET": "tokens.receiver.get",
        "PUT": "tokens.receiver.put",
        "PATCH": "tokens.receiver.patch",
    },
    ("commands", SENDER, "START_SESSION/u1"): {"POST": "commands.sender.post"},
    ("commands", RECEIVER, "START_SESSION"): {"POST": "commands.receiver.post"},
    ("chargingprofiles", SENDER, "S1"): {
        "POST": "chargingprofiles.sender.post",
        "PUT": "chargingprofiles.sender.put",
    },
    ("chargingprofiles", RECEIVER, "S1"): {
        "GET": "chargingprofiles.receiver.get",
        "PUT": "chargingprofiles.receiver.put",
        "DELETE": "chargingprofiles.receiver.delete",
    },
}  # fmt: skip


@pytest.mark.parametrize(("where", "rows"), ALLOWED.items(), ids=map(str, ALLOWED))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_each_path_takes_the_methods_of_the_text_and_no_other(where, rows, method, slash):
    module, role, path = where
    if method in rows:
        assert ask(module, role, method, path, slash).route.name == rows[method]
    else:
        with pytest.raises(MethodNotAllowed) as refusal:
            ask(module, role, method, path, slash)
        assert refusal.value.http == 405


def test_every_row_of_the_table_is_in_this_test():
    known = {name for rows in ALLOWED.values() for name in rows.values()}
    rows = [
        row
        for module in v2_2_1.MODULES.values()
        for side in module.interfaces
        for row in side.routes
    ]
    assert {row.name for row in rows} == known
    assert len(rows) == len(known)


@pytest.mark.parametrize(
    ("module", "role", "path"),
    [
        ("locations", RECEIVER, ""), ("locations", RECEIVER, "NL/CP1"),
        ("locations", RECEIVER, "NL/CP1/L1/E1/1/x"), ("locations", SENDER, "L1/E1/1/x"),
        ("tokens", SENDER, "0102"), ("tokens", SENDER, "0102/Authorize"),
        ("sessions", SENDER, "S1"), ("cdrs", RECEIVER, "C1/x"), ("commands", RECEIVER, ""),
        ("credentials", SENDER, "x"), ("hubclientinfo", SENDER, "NL/CP1"),
    ],
)  # fmt: skip
def test_paths_that_no_row_has_are_no_resource(module, role, path):
    for method in METHODS:
        with pytest.raises(NoSuchResource) as refusal:
            ask(module, role, method, path)
        assert (refusal.value.http, refusal.value.code) == (404, 2000)


def test_parameters_are_given_raw_and_decoded_in_order():
    found = ask("locations", RECEIVER, "PATCH", "NL/CP1/L%2F1%20a/DE*E1")
    assert found.parameters == {
        "country_code": Segment("NL", "NL"),
        "party_id": Segment("CP1", "CP1"),
        "location_id": Segment("L%2F1%20a", "L/1 a"),
        "evse_uid": Segment("DE*E1", "DE*E1"),
    }
    assert list(found.parameters) == ["country_code", "party_id", "location_id", "evse_uid"]
    assert found.route.owned
    assert found.route.body


@pytest.mark.parametrize(
    "segment",
    ["", ".", "..", "%2e%2e", "%00", "a%0Ab", "%7f", "%C2%85", "%", "%4", "%zz", "%ff", "a b", "é",
     "a?b", "a#b", "a\x00", "\n"],
)  # fmt: skip
def test_segments_that_cannot_name_anything_are_no_resource(segment):
    side = v2_2_1.MODULES["locations"].interface(RECEIVER)
    assert side is not None
    with pytest.raises(NoSuchResource):
        match(side, "GET", ["NL", "CP1", segment, "E1"])
    with pytest.raises(NoSuchResource):
        match(side, "GET", ["NL", "CP1", "L1", segment, ""])


@pytest.mark.obligation("VER-007")
def test_every_functional_module_has_both_sides_and_hubclientinfo_the_senders():
    sides = {
        (module.identifier, side.role)
        for module in v2_2_1.MODULES.values()
        for side in module.interfaces
    }
    functional = {(name, role) for name in FUNCTIONAL for role in InterfaceRole}
    assert sides == functional | {("credentials", SENDER), ("hubclientinfo", SENDER)}
    assert all(
        (spec.family is Family.FUNCTIONAL) == (name in FUNCTIONAL)
        for name, spec in v2_2_1.MODULES.items()
    )
    assert v2_2_1.MODULES["credentials"].interface(RECEIVER) is None


def test_lists_and_owned_paths_are_marked():
    for module in v2_2_1.MODULES.values():
        for side in module.interfaces:
            for row in side.routes:
                assert row.listing == row.name.endswith(".list")
                assert row.owned == (row.path[:2] == ("{country_code}", "{party_id}"))
                assert not (row.body and row.method in ("GET", "DELETE"))


def test_broadcast_goes_from_owners_to_the_opposite_side_only():
    pushed = {
        name: (spec.broadcast_from, spec.broadcast_to)
        for name, spec in v2_2_1.MODULES.items()
        if spec.broadcast_from or spec.broadcast_to
    }
    from_cpo = (
        frozenset({Role.CPO, Role.NAP}),
        frozenset({Role.EMSP, Role.NSP, Role.NAP, Role.OTHER}),
    )
    from_emsp = (frozenset({Role.EMSP, Role.OTHER}), frozenset({Role.CPO}))
    assert pushed == {"locations": from_cpo, "tariffs": from_cpo, "tokens": from_emsp}


def test_get_all_is_offered_for_what_is_broadcast():
    assert {name for name, spec in v2_2_1.MODULES.items() if spec.get_all} == {
        "locations", "tariffs", "tokens",
    }  # fmt: skip


@pytest.mark.obligation("VER-022")
def test_versions_are_named_as_the_wire_names_them():
    assert (v2_2_1.VERSION, v2_2.VERSION) == ("2.2.1", "2.2")
    assert v2_2.MODULES is v2_2_1.MODULES
