"""Geometry and the grid: which rows of the index may lie in a circle or a box.

Positions are unit vectors; the measure of nearness is the square of the chord between two of them,
which needs no trigonometry, grows with the distance, and knows neither poles nor a date line.
The grid has cells of 0.02 degrees. Rows are sorted by cell number, so each grid line of a search
is one slice between two binary searches.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
EARTH_M = 6_371_008.8  # mean radius
CELL = 0.02
_COLUMNS, _LINES = 18_000, 9_000
_SLACK = 1e-7  # degrees around a search, against rounding: about 1 cm


@dataclass(frozen=True, slots=True)
class Circle:
    """`radius_m` along the ground, at most half of the way round."""

    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, edges included; west > east means that the box crosses the date line."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        return self.east - self.west if self.east >= self.west else self.east - self.west + 360

    @property
    def centre(self) -> tuple[float, float]:
        lon = self.west + self.width / 2
        return (self.south + self.north) / 2, lon - 360 if lon > 180 else lon  # noqa: PLR2004 - degrees


Area = Circle | Box


def vector(lat: float, lon: float) -> tuple[float, float, float]:
    """The unit vector of a position in degrees."""
    up, around = math.radians(lat), math.radians(lon)
    return math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)


def chord2(vectors: Floats, origin: tuple[float, float, float]) -> Floats:
    """Squared chord from each of the unit vectors (n x 3) to the origin."""
    x, y, z = (vectors[:, axis] - origin[axis] for axis in range(3))
    return x * x + y * y + z * z


def reach2(radius_m: float) -> float:
    """The squared chord that belongs to a distance along the ground."""
    return float((2 * math.sin(min(radius_m / EARTH_M, math.pi) / 2)) ** 2)


def metres(squared_chord: float) -> float:
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(squared_chord) / 2))


def bearing(lat: float, lon: float, to_lat: float, to_lon: float) -> int:
    """Whole degrees clockwise from north in which the way begins."""
    a, b, turn = math.radians(lat), math.radians(to_lat), math.radians(to_lon - lon)
    east = math.sin(turn) * math.cos(b)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn)
    return round(math.degrees(math.atan2(east, north))) % 360


def cell(lat: float, lon: float) -> int:
    line = min(_LINES - 1, int((lat + 90) / CELL))
    return line * _COLUMNS + int((lon + 180) / CELL) % _COLUMNS


def spread(starts: Rows, counts: Rows) -> Rows:
    """The numbers start, start+1, ... of each run, one run after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - ends + counts, counts) + np.arange(total)


class Grid:
    """Rows of the index by cell, frozen when built."""

    def __init__(self, rows: Rows, cells: NDArray[np.int32]) -> None:
        order = np.argsort(cells, kind="stable")
        self._cells = cells[order]
        self._rows = rows[order].astype(np.int32)

    def near(self, area: Area) -> Rows:
        """Rows in all cells that the area touches: a few too many, never one too few."""
        south, north, spans = _lines(area) if isinstance(area, Circle) else _sides(area)
        first = max(0, math.floor((south - _SLACK + 90) / CELL))
        last = min(_LINES - 1, math.floor((north + _SLACK + 90) / CELL))
        lines = np.arange(first, last + 1, dtype=np.int64) * _COLUMNS
        found = [self._slices(lines + low, lines + high) for low, high in spans]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _slices(self, low: Rows, high: Rows) -> Rows:
        starts = np.searchsorted(self._cells, low.astype(np.int32))
        ends = np.searchsorted(self._cells, high.astype(np.int32), side="right")
        return self._rows[spread(starts, ends - starts)].astype(np.int64)


def circle_spans(circle: Circle) -> tuple[float, float, float, float]:
    """South, north, west and width in degrees of the box around a circle."""
    angle = circle.radius_m / EARTH_M
    south, north = circle.lat - math.degrees(angle), circle.lat + math.degrees(angle)
    if south <= -90 or north >= 90:  # noqa: PLR2004 - a pole lies inside: all longitudes
        return south, north, -180.0, 360.0
    half = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(circle.lat)))))
    return south - _SLACK, north + _SLACK, circle.lon - half - _SLACK, 2 * (half + _SLACK)


def _lines(circle: Circle) -> tuple[float, float, list[tuple[int, int]]]:
    """South, north and the spans of columns that a circle touches."""
    south, north, west, width = circle_spans(circle)
    return south, north, _spans(west, width)


def _sides(box: Box) -> tuple[float, float, list[tuple[int, int]]]:
    return box.south, box.north, _spans(box.west, box.width)


def _spans(west: float, width: float) -> list[tuple[int, int]]:
    """Columns from west over a width in degrees; two spans when they pass the date line."""
    low = math.floor((west - _SLACK + 180) / CELL)
    high = math.floor((west + width + _SLACK + 180) / CELL)
    if high - low >= _COLUMNS - 1:
        return [(0, _COLUMNS - 1)]
    low, high = low % _COLUMNS, high % _COLUMNS
    return [(low, high)] if low <= high else [(low, _COLUMNS - 1), (0, high)]


def inside(box: Box, lat: Floats, lon: Floats) -> NDArray[np.bool_]:
    """Which positions lie in a box, edges included."""
    east_of, west_of = lon >= box.west, lon <= box.east
    across = east_of & west_of if box.west <= box.east else east_of | west_of
    return across & (lat >= box.south) & (lat <= box.north)
