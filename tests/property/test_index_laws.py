"""Laws of the cars' index: what it answers is what a search through everything answers."""

import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpi_hub.modules.line import Place
from ocpi_hub.navigation.grid import Box, Circle, reach2, vector
from ocpi_hub.navigation.index import Index, key_of
from ocpi_hub.navigation.outfits import Outlet, Wish
from ocpi_hub.navigation.project import Card, Face, Plug, PlugStatus, Site
from ocpi_hub.navigation.quality import Link
from ocpi_hub.navigation.search import Available, Filters, nearby
from ocpi_hub.ocpi.primitives import PartyRef

NOW = 1_800_000_000.0
STALE_S = 86_400.0
PARTIES = (PartyRef("NL", "ABC"), PartyRef("DE", "DEF"), PartyRef("FR", "GHI"))
FREE, UNKNOWN = PlugStatus.AVAILABLE, PlugStatus.UNKNOWN
HIDDEN = {PlugStatus.PLANNED, PlugStatus.REMOVED}


@dataclass
class Truth:
    """The same stations as plain objects."""

    sites: dict[tuple[PartyRef, str], tuple[float, float, dict[str, Plug]]] = field(
        default_factory=dict
    )
    confirmed: dict[tuple[PartyRef, str], float] = field(default_factory=dict)
    links: dict[PartyRef, Link] = field(default_factory=dict)
    sends: set[PartyRef] = field(default_factory=set)

    def state(self, owner, name):
        """Whether the station's plugs count as free, and its age; operators here have no rhythm."""
        age = NOW - self.confirmed[owner, name]
        heard = max(at for (party, _), at in self.confirmed_ever.items() if party == owner)
        if self.links.get(owner, Link.CONNECTED) is not Link.CONNECTED:
            return False, age
        if owner not in self.sends:
            return age <= 3600, age
        return age <= STALE_S and NOW - heard <= STALE_S, age

    confirmed_ever: dict[tuple[PartyRef, str], float] = field(default_factory=dict)

    def near(self, area, filters):
        found = []
        for (owner, name), (lat, lon, plugs) in self.sites.items():
            chord = self.chord(area, lat, lon)
            if chord is None or self.links.get(owner, Link.CONNECTED) is Link.SUSPENDED:
                continue
            if filters.operators and owner not in filters.operators:
                continue
            if owner in filters.not_operators or not self.enough(owner, name, plugs, filters):
                continue
            found.append((chord, name))
        return sorted(found)

    def chord(self, area, lat, lon):
        centre = (area.lat, area.lon) if isinstance(area, Circle) else area.centre
        parts = [a - b for a, b in zip(vector(lat, lon), vector(*centre), strict=True)]
        chord = parts[0] * parts[0] + parts[1] * parts[1] + parts[2] * parts[2]
        if isinstance(area, Circle):
            return chord if chord <= reach2(area.radius_m) else None
        if area.west <= area.east:
            inside = area.west <= lon <= area.east
        else:
            inside = lon >= area.west or lon <= area.east
        return chord if inside and area.south <= lat <= area.north else None

    def enough(self, owner, name, plugs, filters):
        alive = [plug for plug in plugs.values() if plug.status not in HIDDEN]
        if not alive:
            return False
        good = [
            plug
            for plug in alive
            if filters.wish == Wish() or any(filters.wish.accepts(o) for o in plug.outlets)
        ]
        counts, age = self.state(owner, name)
        if filters.max_age_s is not None and age > filters.max_age_s:
            return False
        if filters.available is Available.NOW:
            good = [plug for plug in good if counts and plug.status == FREE]
        elif filters.available is Available.UNLESS_KNOWN_BUSY:
            good = [p for p in good if not counts or p.status in {FREE, UNKNOWN}]
        return len(good) >= filters.min_count


# All of one example happens in one region, so that stations meet, move within a circle, and lie
# beside a pole or the date line; one place in ten is anywhere.
REGIONS = (
    ((52.0, 5.0), (52.001, 5.001), (51.999, 4.999), (52.021, 5.021), (52.3, 5.4)),
    ((0.0, 180.0), (0.001, -180.0), (0.0, 179.99), (-0.02, -179.97), (0.0, -179.5)),
    ((90.0, 0.0), (89.995, 120.0), (89.99, -60.0), (89.5, 179.0), (89.9, -90.0)),
    ((-90.0, 0.0), (-89.995, 120.0), (-89.99, -60.0), (-89.5, 179.0), (-89.9, -90.0)),
)
outlets = st.lists(
    st.builds(Outlet, st.integers(0, 1), st.sampled_from([0, 11, 50, 150, 300]), st.booleans()),
    max_size=2,
).map(lambda found: tuple(sorted(set(found))))
plugs = st.builds(
    Plug,
    face=st.builds(Face, st.sampled_from("abcde")),
    status=st.sampled_from([1, 1, 1, *(int(status) for status in PlugStatus)]),
    outlets=outlets,
    changed=st.sampled_from([NOW - 100, NOW - 4000, NOW - 90_000, NOW + 500, 0.0]),
    warnings=st.just(0),
)
names = st.sampled_from(["A", "B", "C", "D"])
owners = st.sampled_from([*PARTIES[:1], *PARTIES])
equipment = st.lists(plugs, min_size=1, max_size=4, unique_by=lambda plug: plug.face.uid)
flip = st.tuples(st.just("flip"), owners, names, plugs)
rest = st.one_of(
    st.tuples(st.just("drop"), owners, names),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("link"), owners, st.sampled_from([*[Link.CONNECTED] * 6, *Link])),
)


def box(place, width, height):
    """A box with the place in its south-western quarter."""
    west, south = place[1] - width / 4, max(-90.0, place[0] - height / 4)
    east, north = west + width, min(90.0, south + height)
    return Box(
        west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north
    )


@st.composite
def worlds(draw):
    """Steps in one region, and an area there."""
    region = st.sampled_from(draw(st.sampled_from(REGIONS)))
    anywhere = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
    place = st.one_of(*[region] * 9, anywhere)
    put = st.tuples(st.just("put"), owners, names, place, equipment)
    steps = draw(st.lists(st.one_of(put, put, flip, rest), min_size=10, max_size=40))
    radius = st.sampled_from([1.0, 500.0, 5_000.0, *[50_000.0, 100_000.0] * 3])
    circle = st.builds(lambda at, reach: Circle(*at, reach), place, radius)
    area = draw(circle | st.builds(box, place, st.floats(0.1, 5), st.floats(0.1, 5)))
    return steps, area


filters = st.builds(
    Filters,
    wish=st.just(Wish())
    | st.builds(
        Wish,
        connectors=st.frozensets(st.integers(0, 1), max_size=2),
        min_kw=st.sampled_from([0.0, 50.0, 150.0]),
        max_kw=st.sampled_from([None, None, 150.0]),
        dc=st.sampled_from([None, None, True, False]),
    ),
    available=st.sampled_from(list(Available)),
    operators=st.sampled_from([*[frozenset()] * 6, frozenset(PARTIES[:1])]),
    not_operators=st.sampled_from([*[frozenset()] * 6, frozenset(PARTIES[1:])]),
    min_count=st.sampled_from([1, 1, 1, 2]),
    max_age_s=st.sampled_from([*[None] * 5, 300.0, 5000.0]),
)


def play(taken):
    """An index and the truth after the same steps."""
    index, truth = Index(STALE_S, pack_from=1), Truth()
    for party in PARTIES:
        row = index.operators.row(party)
        index.operators.links[row] = Link.CONNECTED
    for number, step in enumerate(taken, 1):
        apply(index, truth, Place(number, number), step)
    return index, truth


def apply(index, truth, place, step):
    match step:
        case ("put", owner, name, (lat, lon), wanted):
            site = Site(lat, lon, card(name, wanted), tuple(wanted))
            index.put(key_of(owner, name), owner, site, place, now=NOW)
            truth.sites[owner, name] = lat, lon, {plug.face.uid: plug for plug in wanted}
            if any(p.status in {PlugStatus.CHARGING, PlugStatus.RESERVED} for p in wanted):
                truth.sends.add(owner)
            confirm(truth, owner, name, max((plug.changed for plug in wanted), default=0.0))
        case ("flip", owner, name, plug):
            index.flip(key_of(owner, name), plug, place, now=NOW)
            if (owner, name) in truth.sites:
                truth.sites[owner, name][2][plug.face.uid] = plug
                truth.sends.add(owner)
                confirm(truth, owner, name, plug.changed)
        case ("drop", owner, name):
            index.drop(key_of(owner, name))
            truth.sites.pop((owner, name), None)
            truth.confirmed.pop((owner, name), None)
        case ("rebuild",):
            index.rebuild()
        case ("link", owner, link):
            index.relink(index.operators.row(owner), link, place)
            truth.links[owner] = link


def confirm(truth, owner, name, stated):
    at = max(truth.confirmed.get((owner, name), 0.0), min(stated, NOW))
    truth.confirmed[owner, name] = at
    truth.confirmed_ever[owner, name] = max(at, truth.confirmed_ever.get((owner, name), 0.0))


def card(name, wanted):
    faces = tuple(plug.face for plug in wanted)
    return Card(name, None, None, None, None, None, None, "", None, 0, faces)


@settings(max_examples=400, deadline=None)
@given(worlds(), filters)
def test_a_search_finds_exactly_what_a_look_at_everything_finds(world, wanted):
    taken, area = world
    index, truth = play(taken)
    for asked in (wanted, Filters()):
        expected = truth.near(area, asked)
        hits = nearby(index, area, asked, None, NOW)
        found = [(c, index.card(r).id) for r, c in zip(hits.rows, hits.chords, strict=True)]
        assert sorted(found) == expected
        assert [chord for chord, _ in found] == [chord for chord, _ in expected]
        assert hits.matched == len(expected)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(1, 3))
def test_a_limit_keeps_the_nearest_and_still_counts_the_others(world, limit):
    taken, area = world
    index, truth = play(taken)
    expected = truth.near(area, Filters())
    hits = nearby(index, area, Filters(), limit, NOW)
    assert hits.chords.tolist() == [chord for chord, _ in expected][:limit]
    assert hits.matched == len(expected)


@settings(max_examples=300, deadline=None)
@given(worlds(), st.integers(1, 29))
def test_a_grid_built_aside_loses_nothing_that_happened_meanwhile(world, began):
    taken, area = world
    index, truth = play(taken[:began])
    settling = index.settle()
    for number, step in enumerate(taken[began:], began + 1):
        if step[0] != "rebuild":
            apply(index, truth, Place(number, number), step)
    index.swap(settling.grid())
    expected = truth.near(area, Filters())
    found = [index.card(row).id for row in nearby(index, area, Filters(), None, NOW).rows]
    assert sorted(found) == sorted(name for _, name in expected)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_every_station_keeps_its_evses_apart_from_all_others(world):
    index, truth = play(world[0])
    for (owner, name), (_, _, plugs_there) in truth.sites.items():
        row = index._ids[key_of(owner, name)]
        run, faces = index.run(row), index.card(row).faces
        columns = zip(faces, index.status[run], index.outfits_of[run], strict=True)
        kept = {f.uid: (int(status), index.outfits.outlets[o]) for f, status, o in columns}
        assert kept == {uid: (p.status, p.outlets) for uid, p in plugs_there.items()}


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_the_chord_measures_the_distance_along_the_ground(lat, lon, to_lat, to_lon):
    a, b, turn = math.radians(lat), math.radians(to_lat), math.radians(to_lon - lon)
    haversine = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    chord = np.subtract(vector(lat, lon), vector(to_lat, to_lon))
    assert math.isclose(float(chord @ chord), 4 * haversine, rel_tol=1e-6, abs_tol=1e-14)
