"""What the hub admits when a Location, an EVSE or a connector is pushed to it."""

import json

import pytest

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.locations import Locations, admit
from ocpi_hub.modules.store import Written
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource

CP1 = PartyRef("NL", "CP1")
AT = "2026-01-01T00:00:00Z"
CONNECTOR = {
    "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE",
    "max_voltage": 230, "max_amperage": 32, "last_updated": AT,
}  # fmt: skip
EVSE = {"uid": "E1", "status": "AVAILABLE", "connectors": [CONNECTOR], "last_updated": AT}
LOCATION = {
    "country_code": "NL", "party_id": "CP1", "id": "L1", "publish": True, "address": "Plein 1",
    "city": "Utrecht", "country": "NLD", "time_zone": "Europe/Amsterdam",
    "coordinates": {"latitude": "52.00000", "longitude": "5.00000"}, "evses": [EVSE],
    "last_updated": AT,
}  # fmt: skip
DEPTHS = [(("L1",), LOCATION), (("L1", "E1"), EVSE), (("L1", "E1", "1"), CONNECTOR)]


class Shelf:
    """A store that takes every push and holds what it is given."""

    def __init__(self, **held):
        self.pushes = []
        self.held = {}
        for name, body in held.items():
            country, party, *ids = name.split("_")
            key = ObjectKey("locations", country, party, *ids)
            self.held[key] = json.dumps(body).encode()

    async def push(self, push):
        self.pushes.append(push)
        return Written.CREATED

    async def one(self, key):
        return self.held.get(key)

    async def owners(self, _, object_id):
        keys = [key for key in self.held if key.id == object_id.upper() and not key.part]
        return [PartyRef(key.country_code, key.party_id) for key in keys]


async def test_a_push_reaches_the_store_with_its_bytes_and_time():
    shelf = Shelf()
    raw = json.dumps(LOCATION).encode()
    message = Message("PUT", "L1", raw)
    taken = await Locations(shelf).push(
        CP1, ("L1",), message, LOCATION, origin="p", correlation_id="c"
    )
    (push,) = shelf.pushes
    assert taken.written is Written.CREATED
    assert taken.findings == ()
    assert (push.module, push.owner, push.ids, push.message) == ("locations", CP1, ("L1",), message)
    assert push.last_updated.isoformat() == "2026-01-01T00:00:00+00:00"
    assert (push.origin, push.correlation_id) == ("p", "c")


@pytest.mark.parametrize(("ids", "body"), DEPTHS)
def test_valid_objects_are_admitted_at_each_depth(ids, body):
    assert admit(CP1, ids, "PUT", body) == ()
    assert admit(CP1, ids, "PATCH", {"last_updated": AT}) == ()


@pytest.mark.obligation("TR-054", "LOC-049", "TYP-001")
@pytest.mark.parametrize(("ids", "body"), DEPTHS)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_id_that_differs_from_the_url_is_refused_but_not_its_case(ids, body, method):
    member = "uid" if len(ids) == 2 else "id"
    with pytest.raises(InvalidParameter, match=f"^{member}: "):
        admit(CP1, ids, method, body | {member: "other"})
    assert admit(CP1, (*ids[:-1], ids[-1].lower()), method, body) == ()


@pytest.mark.obligation("TR-055", "LOC-048")
@pytest.mark.parametrize(("member", "other"), [("country_code", "BE"), ("party_id", "CP2")])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_owner_that_differs_from_the_url_is_refused(member, other, method):
    with pytest.raises(InvalidParameter, match=f"^{member}: "):
        admit(CP1, ("L1",), method, LOCATION | {member: other})
    admit(PartyRef("nl", "cp1"), ("L1",), method, LOCATION)


@pytest.mark.obligation("TR-039", "LOC-057")
@pytest.mark.parametrize("ids", [ids for ids, _ in DEPTHS])
@pytest.mark.parametrize("body", [{}, {"last_updated": None}])
def test_a_patch_without_last_updated_is_refused(ids, body):
    with pytest.raises(InvalidParameter, match="last_updated"):
        admit(CP1, ids, "PATCH", body)


@pytest.mark.obligation("TR-036", "LOC-053")
@pytest.mark.parametrize(("ids", "body"), DEPTHS)
def test_a_put_without_last_updated_is_refused(ids, body):
    incomplete = {name: value for name, value in body.items() if name != "last_updated"}
    with pytest.raises(InvalidParameter, match="last_updated"):
        admit(CP1, ids, "PUT", incomplete)


@pytest.mark.obligation("TYP-011")
@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01 00:00:00", "2026-01-01T00:00:00+01:00"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_other_forms_of_time_are_refused(text, method):
    with pytest.raises(InvalidParameter, match="last_updated"):
        admit(CP1, ("L1", "E1"), method, EVSE | {"last_updated": text})


@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidParameter, match=r"^body: "):
        admit(CP1, ("L1",), "PUT", body)


@pytest.mark.parametrize(
    ("ids", "body", "where"),
    [
        (("L1",), LOCATION | {"evses": [EVSE, EVSE | {"uid": "e1"}]}, r"evses\.1\.uid"),
        (
            ("L1",),
            LOCATION | {"evses": [EVSE | {"connectors": [CONNECTOR] * 2}]},
            r"evses\.0\.connectors\.1\.id",
        ),
        (("L1", "E1"), EVSE | {"connectors": [CONNECTOR] * 2}, r"connectors\.1\.id"),
    ],
)
def test_ids_that_occur_twice_are_refused(ids, body, where):
    for method in ("PUT", "PATCH"):
        with pytest.raises(InvalidParameter, match=f"^{where}: "):
            admit(CP1, ids, method, body)


@pytest.mark.obligation("LOC-131")
def test_unknown_members_and_values_are_admitted_and_unknown_values_noted():
    findings = admit(CP1, ("L1", "E1"), "PUT", EVSE | {"status": "DANCING", "mood": 3})
    assert len(findings) == 1
    assert "status" in findings[0]


async def test_nothing_is_stored_of_what_is_refused():
    shelf = Shelf()
    with pytest.raises(InvalidParameter):
        await Locations(shelf).push(
            CP1, ("L1",), Message("PATCH", "L1", b"{}"), {}, origin="p", correlation_id="c"
        )
    assert shelf.pushes == []


@pytest.mark.obligation("LOC-029", "LOC-030", "LOC-033")
async def test_each_depth_is_read_whatever_the_case_of_its_ids():
    duty = Locations(Shelf(NL_CP1_L1=LOCATION, NL_CP1_L1_E1=EVSE))
    for ids, body in DEPTHS:
        lower = [one.lower() for one in ids]
        assert json.loads(await duty.one(PartyRef("nl", "cp1"), lower)) == body


@pytest.mark.obligation("LOC-032", "LOC-043")
@pytest.mark.parametrize("ids", [("L9",), ("L1", "E9"), ("L1", "E1", "9"), ("L1", "E9", "1")])
async def test_what_is_not_held_is_not_found(ids):
    duty = Locations(Shelf(NL_CP1_L1=LOCATION, NL_CP1_L1_E1=EVSE))
    for owner in (CP1, PartyRef("BE", "CP1")):
        with pytest.raises(NoSuchResource) as refused:
            await duty.one(owner, ids)
        assert (refused.value.code, refused.value.http) == (2003, 404)
