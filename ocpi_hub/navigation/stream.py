"""Live streams: server-sent events, each encoded once and written as the same bytes to all.

A client watches stations by id or those in a circle. What changes between two flushes is pending,
one frame per station and the latest wins, so that a flapping plug costs one message and a slow car
never builds a queue: it gets its next write only when the last one has gone out, and is dropped
when that takes longer than ten seconds. It resumes by `Last-Event-ID`.

Each event carries the place of its station's last change as its id, and a flush is ordered by it:
whoever has seen an id has seen all changes of its stations up to there. A resumed stream begins
with a snapshot of the stations that changed since, and the ids of all that are still there.
"""

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ocpi_hub.modules.line import Place
from ocpi_hub.navigation import view
from ocpi_hub.navigation.cursor import Cursor
from ocpi_hub.navigation.grid import Circle, Rows, chord2, circle_spans, reach2, vector
from ocpi_hub.navigation.index import Gone, Index
from ocpi_hub.navigation.quality import Quality
from ocpi_hub.navigation.query import Watch
from ocpi_hub.navigation.search import Filters, matches, nearby
from ocpi_hub.ocpi.primitives import fold

KEEP_ALIVE_S = 15.0
WRITE_DEADLINE_S = 10.0
MAX_STATIONS = 2_000
_SWEEP_S = 5.0
_RETRY_MS = (3_000, 6_000)
_TILE = 0.25  # degrees, of latitude everywhere: circles are found by the tiles that they touch


class TooMany(Exception):
    """The circle holds more stations than a stream may follow; the message says how many."""


def chunk(data: bytes) -> bytes:
    """Bytes framed for a chunked HTTP/1.1 body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame(name: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    """One server-sent event, framed."""
    head = f"id: {event_id}\n" if event_id else ""
    return chunk(b"%bevent: %b\ndata: %b\n\n" % (head.encode(), name.encode(), view.encode(data)))


_KEEP_ALIVE = chunk(b": keep-alive\n\n")


class Client:
    """An open stream: what it watches, what it must still be told.

    `told` holds the stations shown to it, only where filters let stations come and go.
    """

    def __init__(self, watch: Watch, transport: asyncio.Transport, now: float) -> None:
        self.watch = watch
        self.transport = transport
        self.keys = frozenset(fold(name).encode() for name in watch.ids)
        self.pending: dict[bytes, bytes] = {}
        self.told: set[bytes] | None = set() if watch.filters.changing else None
        self.written_at = now
        self.closed = asyncio.Event()

    def tell(self, key: bytes, news: bytes) -> None:
        """Have a station's frame sent at the next flush, in place of an older one."""
        if self.told is not None:
            self.told.add(key)
        self._offer(key, news)

    def take_back(self, key: bytes, news: bytes) -> None:
        """Have the client told that a station is gone, unless it never heard of it."""
        if self.told is None:
            self._offer(key, news)
        elif key in self.told:
            self.told.discard(key)
            self._offer(key, news)

    def _offer(self, key: bytes, news: bytes) -> None:
        self.pending.pop(key, None)
        self.pending[key] = news

    def write(self, now: float) -> bool:
        """Write what is pending when the last write has gone out; False when it took too long."""
        if self.transport.get_write_buffer_size():
            return now - self.written_at <= WRITE_DEADLINE_S
        if self.pending:
            self.transport.write(b"".join(self.pending.values()))
            self.pending.clear()
            self.written_at = now
        elif now - self.written_at >= KEEP_ALIVE_S:
            self.transport.write(_KEEP_ALIVE)
            self.written_at = now
        return True


class _Tile:
    """The circles that touch a tile, as columns made anew after a change."""

    def __init__(self) -> None:
        self.clients: dict[Client, Circle] = {}
        self._columns: tuple[list[Client], Any, Any] | None = None

    def add(self, client: Client, circle: Circle) -> None:
        self.clients[client] = circle
        self._columns = None

    def discard(self, client: Client) -> None:
        self.clients.pop(client, None)
        self._columns = None

    def around(self, lat: float, lon: float) -> list[Client]:
        """The clients in whose circle the position lies."""
        if self._columns is None:
            circles = self.clients.values()
            centres = np.array([vector(circle.lat, circle.lon) for circle in circles])
            reaches = np.array([reach2(circle.radius_m) for circle in circles])
            self._columns = list(self.clients), centres, reaches
        clients, centres, reaches = self._columns
        near = np.flatnonzero(chord2(centres, vector(lat, lon)) <= reaches)
        return [clients[at] for at in near.tolist()]


class _Flush(NamedTuple):
    """One flush: its time, the rows it tells of, and which of them each filter lets through."""

    now: float
    rows: Rows
    passed: dict[Filters, frozenset[int]]


class _News(NamedTuple):
    """A changed station and who watches it."""

    version: Place
    key: bytes
    row: int
    clients: list[Client]


class Streams:
    """All open streams of one process. `limit`: how many may be open; `flush_s`: see above."""

    def __init__(
        self, index: Index, epoch: int, clock: Callable[[], datetime], *, limit: int, flush_s: float
    ) -> None:
        self._index = index
        self._epoch = epoch
        self._clock = clock
        self._limit = limit
        self._flush_s = flush_s
        self._clients: dict[Client, None] = {}
        self._by_id: dict[bytes, dict[Client, None]] = {}
        self._tiles: dict[tuple[int, int], _Tile] = {}
        self._dirty: dict[bytes, int] = {}
        self._lost: dict[bytes, Gone] = {}
        self._flushed = index.place
        self._swept_at = 0.0
        self.deliveries = 0

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def full(self) -> bool:
        return len(self._clients) >= self._limit

    # -- what the feed tells -----------------------------------------------------------------

    def changed(self, key: bytes, row: int) -> None:
        if self._clients:
            self._dirty[key] = row

    def lost(self, key: bytes, gone: Gone) -> None:
        if self._clients:
            self._lost.setdefault(key, gone)
            self._dirty.pop(key, None)

    # -- clients come and go -----------------------------------------------------------------

    def check(self, watch: Watch) -> None:
        """Raises TooMany when a stream of this would have to follow too much."""
        matched = len(self._watched(watch, self._now()))
        if matched > MAX_STATIONS:
            raise TooMany(f"{matched} stations match, at most {MAX_STATIONS} may")

    def open(self, watch: Watch, transport: asyncio.Transport, last: Cursor | str | None) -> Client:
        """A new stream that begins with its snapshot; `last` is the Last-Event-ID."""
        now = self._now()
        rows = self._watched(watch, now)
        client = Client(watch, transport, now)
        if client.told is not None:
            client.told.update(self._index.key(row) for row in rows)
        transport.write(b"".join(self._greeting(watch, rows, last, now)))
        self._clients[client] = None
        for key in client.keys:
            self._by_id.setdefault(key, {})[client] = None
        if watch.circle is not None:
            for place in tiles(watch.circle):
                self._tiles.setdefault(place, _Tile()).add(client, watch.circle)
        return client

    def close(self, client: Client) -> None:
        client.closed.set()
        if self._clients.pop(client, self) is self:
            return
        for key in client.keys:
            watching = self._by_id[key]
            del watching[client]
            if not watching:
                del self._by_id[key]
        for place in tiles(client.watch.circle) if client.watch.circle else ():
            self._tiles[place].discard(client)
            if not self._tiles[place].clients:
                del self._tiles[place]

    def close_all(self) -> None:
        """End every stream in good order (clean shutdown)."""
        for client in list(self._clients):
            self.close(client)

    def _watched(self, watch: Watch, now: float) -> list[int]:
        if watch.circle is not None:
            around = nearby(self._index, watch.circle, watch.filters, None, now).rows
            return list(around.tolist())
        found = (self._index.find(fold(name).encode()) for name in watch.ids)
        rows = np.array([row for row in found if row is not None], np.int64)
        return list(rows[matches(self._index, rows, watch.filters, now)].tolist())

    def _greeting(
        self, watch: Watch, rows: list[int], last: Cursor | str | None, now: float
    ) -> Iterator[bytes]:
        """Retry time, a reset when the cursor means nothing here, and the snapshot."""
        yield chunk(b"retry: %d\n\n" % random.randint(*_RETRY_MS))  # noqa: S311 - spreads reconnects, guards nothing
        cursor = Cursor(self._epoch, self._index.place)
        since = last.place if isinstance(last, Cursor) else None
        if isinstance(last, str) or (isinstance(last, Cursor) and last.epoch != self._epoch):
            yield frame("reset", {"reason": "epoch", "cursor": str(cursor)})
            since = None
        elif since is not None and since > self._index.place:
            yield frame("reset", {"reason": "future", "cursor": str(cursor)})
            since = None
        yield frame("snapshot", self._snapshot(watch, rows, cursor, since, now), str(cursor))

    def _snapshot(
        self, watch: Watch, rows: list[int], cursor: Cursor, since: Place | None, now: float
    ) -> dict[str, Any]:
        states = view.states(self._index, rows, now)
        news = [
            view.event(self._index, row, state, now)
            for row, state in zip(rows, states, strict=True)
            if since is None
            or self._index.version(row) > since
            or state.quality is not Quality.LIVE  # time alone may have made it so
        ]
        ids = [self._index.id(row) for row in rows]
        snapshot: dict[str, Any] = {
            "cursor": str(cursor),
            "as_of": view.moment(now),
            "full": since is None,
            "ids": ids,
            "stations": news,
        }
        if watch.ids:
            there = {fold(name) for name in ids}
            snapshot["missing"] = [name for name in watch.ids if fold(name) not in there]
        return snapshot

    # -- flushing ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await asyncio.sleep(self._flush_s)
            self.flush()

    def flush(self) -> None:
        """Tell all clients what changed since the last flush, and drop those that do not read."""
        now = self._now()
        if now - self._swept_at >= _SWEEP_S or now < self._swept_at:
            self._swept_at = now
            self._sweep(now)
        dirty, lost = self._dirty, self._lost
        self._dirty, self._lost = {}, {}
        for key, gone in lost.items():
            left = frame("gone", {"id": gone.id})
            for client in self._audience(key, gone.lat, gone.lon):
                client.take_back(key, left)
        self._tell(dirty, now)
        self._flushed = self._index.place
        for client in list(self._clients):
            self._write(client, now)

    def _sweep(self, now: float) -> None:
        """What became old with time alone is news too."""
        rows = self._index.sweep(now)
        if self._clients:
            for row in rows.tolist():
                self._dirty.setdefault(self._index.key(row), row)

    def _tell(self, dirty: dict[bytes, int], now: float) -> None:
        """Encode each watched station once, in the order of the line, for all its clients."""
        index = self._index
        watched = sorted(self._watching(dirty), key=lambda each: each.version)
        rows = [each.row for each in watched]
        flush = _Flush(now, np.array(rows, np.int64), {})
        states = view.states(index, rows, now)
        index.told[rows] = [state.quality for state in states]
        for each, state in zip(watched, states, strict=True):
            passing = [c for c in each.clients if each.row in self._passed(flush, c.watch)]
            if passing:
                fresh = each.version > self._flushed
                event_id = str(Cursor(self._epoch, each.version)) if fresh else None
                news = frame("station", view.event(index, each.row, state, now), event_id)
                for client in passing:
                    client.tell(each.key, news)
            if len(passing) < len(each.clients):
                self._take_back(each, set(each.clients).difference(passing))

    def _watching(self, dirty: dict[bytes, int]) -> Iterator[_News]:
        index = self._index
        for key, row in dirty.items():
            clients = self._audience(key, index.lat.item(row), index.lon.item(row))
            if clients:
                yield _News(index.version(row), key, row, clients)

    def _take_back(self, news: _News, clients: Iterable[Client]) -> None:
        """The station no longer passes; who only filters by equipment hears of it when hidden."""
        hidden = not self._index.visible(news.row)
        gone = frame("gone", {"id": self._index.id(news.row)})
        for client in clients:
            if hidden or client.told is not None:
                client.take_back(news.key, gone)

    def _passed(self, flush: _Flush, watch: Watch) -> frozenset[int]:
        filters = watch.filters
        known = flush.passed.get(filters)
        if known is None:
            found = flush.rows[matches(self._index, flush.rows, filters, flush.now)]
            known = flush.passed[filters] = frozenset(found.tolist())
        return known

    def _audience(self, key: bytes, lat: float, lon: float) -> list[Client]:
        """The clients that watch a station by its id or by its position."""
        found = self._tiles.get(tile(lat, lon))
        around = found.around(lat, lon) if found is not None else []
        return [*self._by_id.get(key, ()), *around]

    def _write(self, client: Client, now: float) -> None:
        if client.transport.is_closing():
            self.close(client)
            return
        self.deliveries += len(client.pending)
        if not client.write(now):
            client.transport.abort()
            self.close(client)

    def _now(self) -> float:
        return self._clock().timestamp()


def tile(lat: float, lon: float) -> tuple[int, int]:
    """The tile in which a position lies: its line, and its column on it."""
    line = _line(lat)
    columns = _columns(line)
    return line, math.floor((lon + 180) / 360 * columns) % columns


def tiles(circle: Circle) -> Iterator[tuple[int, int]]:
    """The tiles that a circle touches."""
    south, north, west, width = circle_spans(circle)
    for line in range(_line(max(south, -90.0)), _line(min(north, 90.0)) + 1):
        columns = _columns(line)
        first = math.floor((west + 180) / 360 * columns)
        last = math.floor((west + width + 180) / 360 * columns)
        for column in range(first, min(last, first + columns - 1) + 1):
            yield line, column % columns


def _line(lat: float) -> int:
    return math.floor((lat + 90) / _TILE)


@cache
def _columns(line: int) -> int:
    """Fewer towards the poles, where a circle would touch thousands of tiles equal in degrees."""
    middle = math.radians((line + 0.5) * _TILE - 90)
    return max(1, round(360 / _TILE * math.cos(middle)))
