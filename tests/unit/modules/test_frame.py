"""A Location is taken apart and put together again byte for byte."""

import pytest

from ocpi_hub.modules.frame import EVSE, MORE, STAMP, assemble, split
from ocpi_hub.ocpi.status import InvalidParameter

TWO = (
    b'{ "id":"L1", "evses" : [ {"uid":"A"} ,\n {"uid":"B"}\n], '
    b'"last_updated": "2020-01-01T00:00:00Z" }'
)


def test_a_frame_has_a_mark_for_each_evse_and_around_last_updated():
    parts = split(TWO)
    assert parts.evses == (b'{"uid":"A"}', b'{"uid":"B"}')
    assert parts.frame == (
        b'{ "id":"L1", "evses" : [ \x01 ,\n \x01\x03\n], '
        b'"last_updated": \x02"2020-01-01T00:00:00Z"\x02 }'
    )


@pytest.mark.parametrize(
    "body",
    [
        TWO,
        b'{"id":"L1","last_updated":"2020-01-01T00:00:00Z"}',
        b'{"id":"L1","evses":[],"last_updated":"2020-01-01T00:00:00Z"}\n',
        b'{"id":"L1","evses":null}',
        b'{"evse\\u0073":[{"uid":"A"}],"x":{"evses":[{"uid":"A"}],"last_updated":1}}',
        b'{"id":"L1","last_updated":"2020-01-01T00:00:00\\u005a"}',
    ],
)
@pytest.mark.obligation("LOC-042")
def test_an_unchanged_location_is_given_back_as_it_came(body):
    parts = split(body)
    assert assemble(parts.frame, parts.evses) == body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id":"L1"}', b'{"id":"L1","evses":[{"uid":"C"},{"uid":"D"}]}'),
        (b'{"evses":[],"id":"L1"}', b'{"evses":[{"uid":"C"},{"uid":"D"}],"id":"L1"}'),
        (b'{"evses": null }', b'{"evses": [{"uid":"C"},{"uid":"D"}] }'),
        (b'{"evses":[ {"uid":"A"} ]}', b'{"evses":[ {"uid":"A"},{"uid":"C"},{"uid":"D"} ]}'),
    ],
)
def test_evses_that_came_later_stand_at_the_end_of_the_list(body, expected):
    parts = split(body)
    assert assemble(parts.frame, [*parts.evses, b'{"uid":"C"}', b'{"uid":"D"}']) == expected


@pytest.mark.obligation("LOC-052", "TYP-012")
def test_the_timestamp_of_a_younger_child_is_shown_as_it_was_received():
    parts = split(TWO)
    body = assemble(parts.frame, parts.evses, "2020-01-02T00:00:00.1234")
    assert b'"last_updated": "2020-01-02T00:00:00.1234" }' in body


def test_evses_that_are_no_list_are_refused():
    with pytest.raises(InvalidParameter, match="evses"):
        split(b'{"evses":{"uid":"A"}}')


def test_no_mark_is_left_in_what_is_given_back():
    parts = split(TWO)
    body = assemble(parts.frame, [*parts.evses, b"{}"], "2020-01-02T00:00:00Z")
    assert not {EVSE, STAMP, MORE} & {bytes([byte]) for byte in body}
