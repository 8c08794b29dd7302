"""Laws of the tiles by which streams are found: none too few, and never thousands."""

import math

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.navigation.grid import EARTH_M, Circle
from ocpi_hub.navigation.query import MAX_RADIUS_M
from ocpi_hub.navigation.stream import tile, tiles

circles = st.builds(
    Circle,
    st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 89.5, -89.9, 0.0]),
    st.floats(-180, 180) | st.sampled_from([-180.0, 180.0]),
    st.floats(1, MAX_RADIUS_M) | st.just(float(MAX_RADIUS_M)),
)


@given(circles)
def test_a_circle_touches_some_hundred_tiles_at_most_wherever_it_lies(circle):
    """A stream keeps an entry in each, and thousands of streams may lie around a pole."""
    touched = list(tiles(circle))
    assert len(touched) == len(set(touched)) <= 200


@given(circles, st.floats(0, 0.999), st.floats(0, 360))
def test_every_place_in_a_circle_lies_in_one_of_its_tiles(circle, part, bearing):
    angle, turn = part * circle.radius_m / EARTH_M, math.radians(bearing)
    lat, lon = math.radians(circle.lat), math.radians(circle.lon)
    up = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(turn)
    there = math.asin(max(-1.0, min(1.0, up)))
    east = math.sin(turn) * math.sin(angle) * math.cos(lat)
    north = math.cos(angle) - math.sin(lat) * up
    around = (math.degrees(lon + math.atan2(east, north)) + 540) % 360 - 180
    assert tile(math.degrees(there), around) in set(tiles(circle))
