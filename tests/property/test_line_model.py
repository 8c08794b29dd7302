"""Writers and readers of the line in any order: what a reader ends up with is what is stored."""

from collections import Counter
from contextlib import AsyncExitStack

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ocpi_hub.modules.line import ORIGIN
from ocpi_hub.storage.line import _read
from ocpi_hub.storage.ring import Ring

OBJECTS = ("A", "B", "C", "D")
_FILL = """
    truncate location, evse;
    insert into location (country, party, id, country_code, party_id, location_id, frame,
        last_updated, publish, x, seq, method, path, origin, correlation_id)
    values ('NL', 'CP1', 'L1', 'NL', 'CP1', 'L1', '{}', '2026-01-01T00:00:00 Z', true, 0, 0,
        'PUT', 'L1', 'p', 'c');
    insert into evse (location, uid, spelling, ord, listed, own, body, last_updated, x, seq,
        method, path, message, origin, correlation_id)
    select pk, uid, uid, 0, true, true, '', '2026-01-01T00:00:00 Z', 0, 0, 'PATCH', '', '', 'p', 'c'
    from location, unnest(array['A', 'B', 'C', 'D']) as uid;
"""
_WRITE = """
    update evse set x = pg_current_xact_id()::text::bigint, seq = nextval('line_seq'),
        prev_x = x, prev_seq = seq, body = $2, message = $2
    where uid = $1
"""
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 2), st.sampled_from(OBJECTS)),
        st.tuples(st.sampled_from(["commit", "commit", "abort"]), st.integers(0, 2)),
        st.tuples(st.just("read"), st.integers(1, 3)),
        st.tuples(st.just("remember"), st.integers(1, 3)),
    ),
    min_size=10,
    max_size=40,
)


class Writers:
    """Three connections with transactions of their own; none waits for another's lock."""

    def __init__(self, connections):
        self.connections = connections
        self.open = {}
        self.written = {}
        self.stored = dict.fromkeys(OBJECTS, b"")
        self.changes = Counter()
        self.number = 0

    async def write(self, one, name):
        if one not in self.open:
            self.open[one] = self.connections[one].transaction()
            self.written[one] = []
            await self.open[one].start()
        held = {uid for other in self.open if other != one for uid, _ in self.written[other]}
        if name not in held:
            self.number += 1
            body = b"%d" % self.number
            await self.connections[one].execute(_WRITE, name, body)
            self.written[one].append((name, body))

    async def commit(self, one):
        if one in self.open:
            await self.open.pop(one).commit()
            for name, body in self.written[one]:
                self.stored[name] = body
                self.changes[name] += 1

    async def abort(self, one):
        if one in self.open:
            await self.open.pop(one).rollback()


class Reader:
    """Follows the line; checks order, and whether one change or several are told."""

    def __init__(self, writers):
        self.writers = writers
        self.cursor = ORIGIN
        self.seen = dict.fromkeys(OBJECTS, b"")
        self.told = Counter()

    def take(self, changes):
        for change in changes:
            name = change.key.part
            assert change.place > self.cursor
            missed = self.writers.changes[name] - self.told[name]
            outgoing = change.outgoing(self.cursor)
            assert outgoing.method == ("PATCH" if missed == 1 else "PUT")
            assert outgoing.body == self.writers.stored[name]
            self.seen[name] = outgoing.body
            self.told[name] += missed
        if changes:
            self.cursor = changes[-1].place


_LATE = [
    ("write", 0, "A"),
    ("write", 1, "B"),
    ("commit", 1),
    ("read", 3),
    ("remember", 3),
    ("commit", 0),
    ("write", 1, "B"),
    ("commit", 1),
    ("read", 1),
    ("remember", 1),
]


@example(_LATE)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_steps)
async def test_a_reader_misses_nothing_whatever_the_order_of_commits(database, steps):
    await database.execute(_FILL)
    async with AsyncExitStack() as stack:
        writers = Writers([await stack.enter_async_context(database.acquire()) for _ in range(3)])
        plain = Reader(writers)
        ring = Ring(ORIGIN, changes=4)
        for step, *arguments in steps:
            if step == "read":
                plain.take((await _read(database, plain.cursor, arguments[0]))[0])
            elif step == "remember":
                ring.extend((await _read(database, ring.head, arguments[0]))[0])
            else:
                await getattr(writers, step)(*arguments)
        for one in range(3):
            await writers.commit(one)
        plain.take((await _read(database, plain.cursor, 100))[0])
        ring.extend((await _read(database, ring.head, 100))[0])
        assert plain.seen == writers.stored
        assert len(ring._changes) <= 4
        assert ring.after(ring.start, 100) == (await _read(database, ring.start, 100))[0]
