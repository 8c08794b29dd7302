"""Writers and readers of the line in any order: what a reader ends up with is what is stored."""

from contextlib import AsyncExitStack

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ocpi_hub.modules.line import ORIGIN
from ocpi_hub.storage.line import _read
from ocpi_hub.storage.ring import Ring

OBJECTS = ("A", "B", "C", "D")
_FILL = """
    truncate location, evse, object;
    insert into location (country, party, id, country_code, party_id, location_id, frame,
        last_updated, publish, x, seq, method, path, origin, correlation_id)
    values ('NL', 'CP1', 'L1', 'NL', 'CP1', 'L1', '{}', '2026-01-01T00:00:00 Z', true, 0, 0,
        'PUT', 'L1', 'p', 'c');
    insert into evse (location, uid, spelling, ord, listed, own, body, last_updated, x, seq,
        method, path, message, origin, correlation_id)
    select pk, uid, uid, 0, true, true, '', '2026-01-01T00:00:00 Z', 0, 0, 'PATCH', '', '', 'p', 'c'
    from location, unnest(array['A', 'B']) as uid;
    insert into object (module, country, party, id, part, country_code, party_id, object_id,
        spelling, born, body, last_updated, x, seq, method, path, message, origin, correlation_id)
    select 'tokens', 'DE', 'EM1', 'T', part, 'DE', 'EM1', 'T', part, 0, '',
        '2026-01-01T00:00:00 Z', 0, 0, 'PATCH', '', '', 'p', 'c'
    from unnest(array['C', 'D']) as part;
"""
_EVSE = """
    update evse set x = pg_current_xact_id()::text::bigint, seq = nextval('line_seq'),
        prev_x = x, prev_seq = seq, body = $2, message = $2
    where uid = $1
"""
_TOKEN = """
    update object set x = pg_current_xact_id()::text::bigint, seq = nextval('line_seq'),
        prev_x = x, prev_seq = seq, body = $2, message = $2
    where part = $1
"""
_WRITE = {"A": _EVSE, "B": _EVSE, "C": _TOKEN, "D": _TOKEN}
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 2), st.sampled_from(OBJECTS)),
        st.tuples(st.sampled_from(["commit", "commit", "abort"]), st.integers(0, 2)),
        st.tuples(st.just("read"), st.integers(1, 3)),
        st.tuples(st.just("remember"), st.integers(1, 3)),
        st.tuples(st.just("follow"), st.integers(1, 3)),
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
        self.history = {name: [b""] for name in OBJECTS}
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
            await self.connections[one].execute(_WRITE[name], name, body)
            self.written[one].append((name, body))

    async def commit(self, one):
        if one in self.open:
            await self.open.pop(one).commit()
            for name, body in self.written[one]:
                self.stored[name] = body
                self.history[name].append(body)

    def between(self, name, old, new):
        """How many changes of an object lie between two of its states."""
        return self.history[name].index(new) - self.history[name].index(old)

    async def abort(self, one):
        if one in self.open:
            await self.open.pop(one).rollback()


class Reader:
    """Follows the line; checks order, and that several changes are never told as one.

    `whole` is where nothing visible lay ahead: one change since then is told as it came.
    """

    def __init__(self, writers):
        self.writers = writers
        self.cursor = ORIGIN
        self.whole = ORIGIN
        self.seen = dict.fromkeys(OBJECTS, b"")

    def take(self, changes, more=False):
        up_to_date = self.whole == self.cursor
        for change in changes:
            assert change.place > self.cursor
            self.told(change, change.outgoing(self.whole), up_to_date)
        if changes:
            self.cursor = changes[-1].place
        elif not more:
            self.whole = self.cursor

    def told(self, change, outgoing, up_to_date):
        name = change.key.part
        missed = self.writers.between(name, self.seen[name], outgoing.body)
        assert missed > 0
        if missed > 1:
            assert outgoing.method == "PUT"
        elif up_to_date:
            assert outgoing.method == "PATCH"
        self.seen[name] = outgoing.body


class NearReader(Reader):
    """Reads from the ring, which may take one change for several, but not the other way."""

    def told(self, change, outgoing, up_to_date):  # noqa: ARG002 - the ring may not know
        super().told(change, outgoing, up_to_date=False)


async def remember(database, ring, limit):
    changes, more = await _read(database, ring.head, limit)
    ring.extend(changes)
    if len(changes) < limit and not more:
        ring.settle()


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


# B moves on, unseen, while the cursor passes the place where it was.
_TWICE = [
    ("write", 2, "B"),
    ("write", 2, "A"),
    ("write", 2, "B"),
    ("read", 1),
    ("remember", 1),
    ("commit", 2),
    ("read", 1),
    ("remember", 1),
    ("follow", 1),
]
# The same, but B moves on behind an older writer.
_HIDDEN = [
    ("write", 1, "B"),
    ("commit", 1),
    ("write", 1, "A"),
    ("commit", 1),
    ("write", 0, "C"),
    ("write", 1, "B"),
    ("commit", 1),
    ("read", 3),
    ("remember", 3),
    ("follow", 3),
    ("read", 3),
    ("remember", 3),
    ("follow", 3),
]

# Two kinds in one transaction, read one by one.
_KINDS = [
    ("write", 1, "D"),
    ("write", 1, "B"),
    ("write", 1, "C"),
    ("commit", 1),
    *[("read", 1), ("remember", 1), ("follow", 1)] * 3,
]


@example(_KINDS)
@example(_LATE)
@example(_TWICE)
@example(_HIDDEN)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_steps)
async def test_a_reader_misses_nothing_whatever_the_order_of_commits(database, steps):
    await database.execute(_FILL)
    async with AsyncExitStack() as stack:
        writers = Writers([await stack.enter_async_context(database.acquire()) for _ in range(3)])
        plain = Reader(writers)
        ring, near = Ring(ORIGIN, changes=4), NearReader(writers)
        for step, *arguments in steps:
            if step == "read":
                plain.take(*await _read(database, plain.cursor, arguments[0]))
            elif step == "remember":
                await remember(database, ring, arguments[0])
            elif step == "follow":
                if ring.covers(near.cursor):
                    near.take(ring.after(near.cursor, arguments[0]))
            else:
                await getattr(writers, step)(*arguments)
        for one in range(3):
            await writers.commit(one)
        plain.take(*await _read(database, plain.cursor, 100))
        await remember(database, ring, 100)
        assert plain.seen == writers.stored
        if ring.covers(near.cursor):
            near.take(ring.after(near.cursor, 100))
            assert near.seen == writers.stored
        assert len(ring._changes) <= 4
        kept, stored = ring.after(ring.start, 100), (await _read(database, ring.start, 100))[0]
        assert [(each.place, each.state) for each in kept] == [
            (each.place, each.state) for each in stored
        ]
