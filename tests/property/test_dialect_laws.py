"""Laws of the dialect: 2.2 comes back to the byte, and bytes change as values would."""

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.dialect import Kind, answered, told
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import OcpiError

OWNER = {"country_code": "NL", "party_id": "TST"}
EMSP = PartyRef(*OWNER.values())
blanks = st.text(" \t\r\n", max_size=2)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
atoms = st.none() | st.booleans() | st.integers() | texts
others = st.dictionaries(texts.map("x".__add__), atoms, max_size=3)

connectors = st.fixed_dictionaries(
    {},
    optional={
        "standard": st.sampled_from(["CHAOJI", "GBT_AC", "IEC_62196_T2", "X", 1]),
        "power_type": st.sampled_from(["AC_2_PHASE", "AC_2_PHASE_SPLIT", "DC", None]),
        "x": atoms,
    },
)
evses = st.fixed_dictionaries(
    {},
    optional={
        "capabilities": st.lists(
            st.sampled_from(["START_SESSION_CONNECTOR_REQUIRED", "RFID_READER", 1]), max_size=5
        )
        | atoms,
        "connectors": st.lists(connectors | atoms, max_size=5) | atoms,
        "x": atoms,
    },
)
locations = st.fixed_dictionaries(
    {"evses": st.lists(evses | atoms, max_size=4) | atoms},
    optional={
        "address": st.text('aü\\"\n', max_size=60),
        "state": st.text('aü\\"\n', max_size=30) | atoms,
        "x": atoms,
    },
)


@st.composite
def spread(draw: st.DrawFn, value: object) -> str:
    """JSON of a value with blanks wherever they may stand, some texts escaped."""
    gap = draw(blanks)
    if isinstance(value, dict):
        members = [
            f"{draw(blanks)}{json.dumps(name, ensure_ascii=draw(st.booleans()))}{gap}:"
            f"{draw(spread(each))}"
            for name, each in value.items()
        ]
        return f"{gap}{{{','.join(members)}{gap}}}{draw(blanks)}"
    if isinstance(value, list):
        return f"{gap}[{','.join(draw(spread(each)) for each in value)}{gap}]{draw(blanks)}"
    return f"{gap}{json.dumps(value, ensure_ascii=draw(st.booleans()))}{draw(blanks)}"


@st.composite
def billed(draw: st.DrawFn) -> tuple[dict[str, object], bytes]:
    token = draw(others)
    before, after = (
        draw(others),
        draw(others.map(lambda some: {f"y{k}": v for k, v in some.items()})),
    )
    value = {**before, "cdr_token": token, **after}
    return value, draw(spread(value)).encode()


@given(billed())
def test_a_session_of_2_2_comes_back_to_the_byte(pair: tuple[dict[str, object], bytes]) -> None:
    value, body = pair
    inner = told(body, Kind.SESSION, "2.2.1", EMSP)
    token = value["cdr_token"]
    assert isinstance(token, dict)
    assert codec.decode(inner) == value | {"cdr_token": token | OWNER}
    assert told(inner, Kind.SESSION, "2.2.1", PartyRef("XX", "XXX")) is inner
    assert told(inner, Kind.SESSION, "2.2") == body


def known(connector: object) -> bool:
    return not isinstance(connector, dict) or connector.get("standard") not in {"CHAOJI", "GBT_AC"}


def one_phase(connector: object) -> object:
    if not isinstance(connector, dict) or "power_type" not in connector:
        return connector
    two = connector["power_type"] in {"AC_2_PHASE", "AC_2_PHASE_SPLIT"}
    return connector | {"power_type": "AC_1_PHASE" if two else connector["power_type"]}


def left(evse: object) -> Iterator[object]:
    """An EVSE as 2.2 has it, or nothing."""
    if not isinstance(evse, dict):
        yield evse
        return
    evse = dict(evse)
    if isinstance(evse.get("connectors"), list):
        kept = [one_phase(each) for each in evse["connectors"] if known(each)]
        if evse["connectors"] and not kept:
            return
        evse["connectors"] = kept
    if isinstance(evse.get("capabilities"), list):
        evse["capabilities"] = [
            each for each in evse["capabilities"] if each != "START_SESSION_CONNECTOR_REQUIRED"
        ]
    yield evse


def older(location: dict[str, object]) -> dict[str, object]:
    found = dict(location)
    for name, most in (("address", 45), ("state", 20)):
        text = found.get(name)
        if isinstance(text, str):
            found[name] = text[:most]
    if isinstance(found["evses"], list):
        found["evses"] = [kept for evse in found["evses"] for kept in left(evse)]
    return found


@given(locations, st.data())
def test_bytes_of_a_location_change_as_its_values_do(
    location: dict[str, object], data: st.DataObject
) -> None:
    body = data.draw(spread(location)).encode()
    result = told(body, Kind.LOCATION, "2.2")
    assert codec.decode(result) == older(location)
    assert told(result, Kind.LOCATION, "2.2") is result
    assert (result is body) is (older(location) == location)


@given(st.lists(locations, max_size=4), st.data())
def test_a_list_changes_as_each_of_its_objects(
    listed: list[dict[str, object]], data: st.DataObject
) -> None:
    body = data.draw(spread({"data": listed, "status_code": 1000})).encode()
    result, findings = answered(body, Kind.LOCATION, "2.2")
    assert codec.decode(result) == {"data": list(map(older, listed)), "status_code": 1000}
    assert findings == ()


@given(st.binary(max_size=60) | texts.map(str.encode), st.sampled_from(Kind))
def test_nothing_but_an_ocpi_error_comes_of_any_bytes(body: bytes, kind: Kind) -> None:
    for version in ("2.2", "2.2.1"):
        for tell in (told, answered):
            try:
                tell(body, kind, version, EMSP)
            except OcpiError:
                continue
