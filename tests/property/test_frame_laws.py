"""Laws of frames and stamps: nothing is lost, and text order is time order."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.modules.frame import EVSE, assemble, assemble_all, split
from ocpi_hub.modules.stamp import bound, moment, spelled, stamp
from ocpi_hub.ocpi import codec

_space = st.text(" \t\r\n", max_size=3)
_texts = st.one_of(
    st.text(max_size=6).filter(lambda text: "\0" not in text and text.isprintable()),
    st.sampled_from(["evses", "last_updated", "]", "}", '"', "\\", "é😀", "null", "[{", "\x1f"]),
)


def _spelled(draw, value):
    """One of the many ways to write a JSON value."""
    pad = lambda: draw(_space)  # noqa: E731 - shorter than three lines, used five times
    if isinstance(value, dict):
        parts = [
            f"{pad()}{_key(draw, k)}{pad()}:{pad()}{_spelled(draw, v)}{pad()}"
            for k, v in value.items()
        ]
        return "{" + (",".join(parts) or pad()) + "}"
    if isinstance(value, list):
        return "[" + (",".join(f"{pad()}{_spelled(draw, v)}{pad()}" for v in value) or pad()) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def _key(draw, name):
    if name and draw(st.integers(0, 5)) == 0:
        return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in name) + '"'
    return json.dumps(name)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_evses = st.lists(st.fixed_dictionaries({"uid": _texts}, optional={"x": _values}), max_size=4)


@st.composite
def locations(draw):
    members = draw(st.dictionaries(_texts, _values, min_size=1, max_size=4))
    members.pop("evses", None)
    members["id"] = "L1"
    if draw(st.booleans()):
        evses = draw(_evses)
        if evses and draw(st.booleans()):  # the same text within and beside the list
            members["copy"] = evses[0]
        members["evses"] = draw(st.sampled_from([None, evses]))
    order = draw(st.permutations(list(members)))
    text = draw(_space) + _spelled(draw, {name: members[name] for name in order}) + draw(_space)
    return text.encode()


@given(locations())
def test_taken_apart_and_put_together_is_the_same_bytes(body):
    parts = split(body)
    assert assemble(parts.frame, parts.evses) == body


@given(locations(), st.lists(st.just(b'{"uid":"new"}'), max_size=3))
def test_added_evses_change_nothing_but_the_list(body, added):
    parts = split(body)
    before = codec.decode(body)
    after = codec.decode(assemble(parts.frame, [*parts.evses, *added]))
    assert (after.pop("evses", None) or []) == (before.pop("evses", None) or []) + [
        {"uid": "new"} for _ in added
    ]
    assert after == before


@given(st.lists(locations(), max_size=4))
def test_a_page_put_together_at_once_is_the_same_bytes(bodies):
    parts = [split(body) for body in bodies]
    joined = [EVSE.join(each.evses) or None for each in parts]
    assert all(each.frame.count(EVSE) == len(each.evses) for each in parts)
    frames = [each.frame for each in parts]
    assert assemble_all(frames, [own for own in joined if own]) == b"[" + b",".join(bodies) + b"]"


_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
_moments = st.integers(0, 3_000_000).map(lambda us: _BEGIN + timedelta(microseconds=us))


@st.composite
def datetime_texts(draw):
    at = draw(_moments)
    text = at.replace(tzinfo=None).isoformat()
    if "." in text:
        text = text.rstrip("0")
    if draw(st.booleans()):
        text = (text if "." in text else text + ".") + "0" * draw(st.integers(1, 3))
    return at, text[:29] + draw(st.sampled_from(["", "Z"]))


@given(datetime_texts(), datetime_texts())
def test_stamps_sort_as_their_times(one, other):
    if one[0] < other[0]:
        assert stamp(one[1]) < stamp(other[1])
    assert spelled(stamp(one[1])) == one[1]
    assert moment(stamp(one[1])) == one[0]


@given(datetime_texts(), _moments, st.sampled_from([timedelta(0), timedelta(hours=5)]))
def test_a_bound_divides_stamps_as_its_time_divides_times(dated, at, offset):
    at = at.astimezone(UTC) + offset - offset
    assert (stamp(dated[1]) >= bound(at)) == (dated[0] >= at)
