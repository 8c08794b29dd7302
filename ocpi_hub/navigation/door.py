"""The cars' door: `/nav/v1` as aiohttp routes.

Keys come as `Authorization: Bearer KEY` or `X-API-Key`; errors are `application/problem+json` that
name the parameter. Answers are made on the spot from the index of this process.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

import numpy as np
from aiohttp import HttpVersion11, web

from ocpi_hub.modules.keys import Keys, Scope
from ocpi_hub.navigation import connectors, cursor, quality, query, view
from ocpi_hub.navigation.cursor import Cursor
from ocpi_hub.navigation.feed import Feed
from ocpi_hub.navigation.grid import Box, Circle, Rows
from ocpi_hub.navigation.index import Index
from ocpi_hub.navigation.pace import Pace
from ocpi_hub.navigation.quality import Link
from ocpi_hub.navigation.search import nearby
from ocpi_hub.navigation.stream import MAX_STATIONS, Client, Streams, TooMany
from ocpi_hub.ocpi.primitives import fold

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MAX_BODY = 128 * 1024
_LIVE = {"Cache-Control": "private, max-age=5"}
_BUSY = {"Retry-After": "5"}


class Problem(Exception):
    """An answer that is an error (RFC 9457)."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.members = members

    def response(self) -> web.Response:
        title = web.Response(status=self.status).reason
        body = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        return web.Response(
            status=self.status,
            body=view.encode(body | self.members),
            content_type="application/problem+json",
            headers=self.headers,
        )


T = TypeVar("T")


def _asked(read: Callable[[Any], T], given: Any) -> T:
    """The question as `query` reads it; what it refuses becomes a 400."""
    try:
        return read(given)
    except query.Refused as refused:
        raise Problem(
            400, str(refused), parameters=list(refused.faults), faults=refused.faults
        ) from None


class Door:
    """The routes and what they need; `clock` gives aware UTC times.

    `strangers` counts a wrong key: the seconds to wait when its address showed too many, else 0.
    `recheck_s`: how soon a stream ends after its key was deleted or expired.
    """

    def __init__(
        self,
        *,
        index: Index,
        feed: Feed,
        streams: Streams,
        keys: Keys,
        epoch: int,
        clock: Callable[[], datetime],
        pace: Pace,
        strangers: Callable[[web.BaseRequest], int] = lambda _: 0,
        body_timeout_s: float = 15,
        recheck_s: float = 5,
    ) -> None:
        self._index = index
        self._feed = feed
        self._streams = streams
        self._keys = keys
        self._epoch = epoch
        self._clock = clock
        self._pace = pace
        self._strangers = strangers
        self._body_timeout_s = body_timeout_s
        self._recheck_s = recheck_s

    def routes(self) -> list[web.RouteDef]:
        read, stream = Scope.NAV_READ, Scope.NAV_STREAM
        base, end = "/nav/v1", r"{slash:/?}"
        return [
            web.get(f"{base}/stations/nearby{end}", self._guarded(self.nearby, read)),
            web.get(f"{base}/stations/{{id}}{end}", self._guarded(self.station, read)),
            web.post(f"{base}/availability{end}", self._guarded(self.availability, read)),
            web.get(f"{base}/meta{end}", self._guarded(self.meta, read)),
            web.get(f"{base}/stream{end}", self._guarded(self.stream, stream), allow_head=False),
        ]

    def _guarded(self, handler: Handler, scope: Scope) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._admit(request, scope)
                return await handler(request)
            except Problem as problem:
                return problem.response()

        return guarded

    def _admit(self, request: web.Request, scope: Scope) -> None:
        """Raises Problem unless the caller's key allows `scope` and the index is loaded."""
        secret = _secret(request)
        key = self._keys.lookup(secret) if secret else None
        if key is None:
            if secret and (wait := self._strangers(request)):
                raise Problem(
                    429, "too many wrong keys from this address", {"Retry-After": str(wait)}
                )
            challenge = {"WWW-Authenticate": 'Bearer realm="nav"'}
            raise Problem(401, "a valid key is required: Authorization: Bearer KEY", challenge)
        if not key.allows(scope):
            raise Problem(403, f"the key lacks the scope {scope.value}")
        if wait := self._pace.wait(key.id, monotonic()):
            detail = f"more than {self._pace.rate_per_s} requests a second with this key"
            raise Problem(429, detail, {"Retry-After": str(wait)})
        if not self._feed.ready.is_set():
            raise Problem(503, "the index is being loaded", _BUSY)

    async def nearby(self, request: web.Request) -> web.Response:
        asked, now = _asked(query.nearby, request.query.items()), self._now()
        hits = nearby(self._index, asked.area, asked.filters, asked.limit, now)
        tag = self._tag(hits.rows, now, request.query_string, hits.matched)
        if tag == request.headers.get("If-None-Match"):
            return _unchanged(tag)
        lat, lon = _origin(asked.area)
        rows = hits.rows.tolist()
        states = view.states(self._index, rows, now)
        return _json(
            {
                **self._stamp(now),
                "matched": hits.matched,
                "truncated": hits.matched > len(rows),
                "stations": [
                    view.towards(
                        view.station(self._index, row, state, asked.filters.wish, now),
                        lat,
                        lon,
                        chord,
                    )
                    for row, state, chord in zip(rows, states, hits.chords.tolist(), strict=True)
                ],
            },
            tag,
        )

    async def station(self, request: web.Request) -> web.Response:
        _asked(query.nothing, request.query.items())
        now = self._now()
        row = self._index.find(fold(request.match_info["id"]).encode(errors="replace"))
        if row is None:
            raise Problem(404, "no such station", parameters=["id"])
        tag = self._tag(np.array([row]), now, request.match_info["id"])
        if tag == request.headers.get("If-None-Match"):
            return _unchanged(tag)
        (state,) = view.states(self._index, [row], now)
        return _json(self._stamp(now) | view.detail(self._index, row, state, now), tag)

    async def availability(self, request: web.Request) -> web.Response:
        _asked(query.nothing, request.query.items())
        asked, now = _asked(query.batch, await self._body(request)), self._now()
        found = {name: self._index.find(fold(name).encode(errors="replace")) for name in asked.ids}
        rows = [row for row in found.values() if row is not None]
        states = dict(zip(rows, view.states(self._index, rows, now), strict=True))
        answer: dict[str, Any] = {
            "cursor": str(self._cursor()),
            "t": int(now),
            "s": {
                name: view.compact(self._index, row, states[row], asked.wish)
                for name, row in found.items()
                if row is not None
            },
        }
        if len(rows) < len(found):
            answer["missing"] = [name for name, row in found.items() if row is None]
        return _json(answer)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        asked = _asked(query.watch, request.query.items())
        if self._streams.full:
            raise Problem(503, "all streams of this process are taken", _BUSY)
        key = self._keys.lookup(_secret(request))
        if key is None or self._pace.full(key.id):
            detail = f"a key may have {self._pace.streams} streams open at once"
            raise Problem(429, detail, _BUSY)
        if request.version < HttpVersion11 or request.transport is None:
            raise Problem(400, "a stream needs HTTP/1.1")
        try:
            self._streams.check(asked)
        except TooMany as error:
            raise Problem(400, f"circle: {error}; narrow it", parameters=["circle"]) from None
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # proxies must pass each event on at once
            }
        )
        response.enable_chunked_encoding()
        with self._pace.stream(key.id):
            await response.prepare(request)
            client = self._streams.open(asked, request.transport, _last(request))
            try:
                await self._watch_over(client, _secret(request))
            finally:
                self._streams.close(client)
        return response

    async def _watch_over(self, client: Client, secret: str) -> None:
        """Until the stream ends, or its key opens it no more."""
        while not client.closed.is_set():
            key = self._keys.lookup(secret)
            if key is None or not key.allows(Scope.NAV_STREAM):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(self._recheck_s):
                    await client.closed.wait()

    async def _body(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > _MAX_BODY:
            raise _too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_timeout_s):
                async for part in request.content.iter_any():
                    body += part
                    if len(body) > _MAX_BODY:
                        raise _too_large()
        except TimeoutError:
            seconds = f"{self._body_timeout_s:g}"
            raise Problem(408, f"the body must arrive within {seconds} s") from None
        except (web.RequestPayloadError, ValueError, ConnectionError):
            raise Problem(400, "body: cannot be read", parameters=["body"]) from None
        return bytes(body)

    async def meta(self, request: web.Request) -> web.Response:
        _asked(query.nothing, request.query.items())
        now = self._now()
        return _json(self._stamp(now) | described(self._index, now))

    def _cursor(self) -> Cursor:
        return Cursor(self._epoch, self._index.place)

    def _stamp(self, now: float) -> dict[str, Any]:
        return {"cursor": str(self._cursor()), "as_of": view.moment(now)}

    def _now(self) -> float:
        return self._clock().timestamp()

    def _tag(self, rows: Rows, now: float, question: str, matched: int = 1) -> str:
        """A weak ETag: the same while the stations found are the same and unchanged.

        Ages and opening hours move on with the minute.
        """
        index = self._index
        grades, _ = index.grades(rows, now)
        links = index.operators.links[index.owners[rows]]
        digest = hashlib.blake2b(
            f"{self._epoch} {question} {matched} {int(now // 60)}".encode(errors="replace"),
            digest_size=12,
        )
        for column in (index.xs[rows], index.seqs[rows], grades, links):
            digest.update(column.tobytes())
        return f'W/"{digest.hexdigest()}"'


def described(index: Index, now: float) -> dict[str, Any]:
    """What is in the index: operators with their links and rhythms, rejects, words and limits."""
    rows = index.rows()
    stations = np.bincount(index.owners[rows], minlength=len(index.operators))
    evses = np.bincount(
        index.owners[rows], weights=index.sizes[rows], minlength=len(index.operators)
    )
    shown = index.lat[rows], index.lon[rows]
    return {
        "stations": len(rows),
        "evses": int(evses.sum()),
        "coverage": {
            "bbox": [
                float(edge)
                for edge in (shown[1].min(), shown[0].min(), shown[1].max(), shown[0].max())
            ]
            if len(rows)
            else None
        },
        "not_indexed": dict(Counter(index.rejected.values())),
        "operators": [
            _operator(index, owner, int(stations[owner]), int(evses[owner]), now)
            for owner in np.flatnonzero(stations).tolist()
        ],
        "connectors": {**connectors.ALIASES},
        "limits": {
            "radius_m": query.MAX_RADIUS_M,
            "bbox_degrees": query.MAX_BOX_DEGREES,
            "limit": query.MAX_LIMIT,
            "ids": query.MAX_IDS,
            "stream_stations": MAX_STATIONS,
        },
    }


def _operator(index: Index, owner: int, stations: int, evses: int, now: float) -> dict[str, Any]:
    operators = index.operators
    party, gaps = operators.parties[owner], operators.gaps[owner]
    heard = operators.heard.item(owner)
    return {
        "id": f"{party.country_code}*{party.party_id}",
        "name": operators.names[owner] or None,
        "stations": stations,
        "evses": evses,
        "cpo_link": Link(operators.links.item(owner)).name,
        "sends_status": operators.sends_status.item(owner),
        "heard_s": int(max(0.0, now - heard)) if heard else None,
        "usual_gap_s": round(quality.usual_gap(gaps)) if gaps.sum() else None,
        "stale_after_s": round(operators.stale_after.item(owner)),
    }


def _secret(request: web.Request) -> str:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")


def _last(request: web.Request) -> Cursor | str | None:
    """The Last-Event-ID; as text when it is no cursor, None when it is absent."""
    text = request.headers.get("Last-Event-ID")
    return (cursor.read(text) or text) if text else None


def _origin(area: Circle | Box) -> tuple[float, float]:
    return (area.lat, area.lon) if isinstance(area, Circle) else area.centre


def _too_large() -> Problem:
    return Problem(413, f"the body must be at most {_MAX_BODY} bytes")


def _json(answer: dict[str, Any], tag: str | None = None) -> web.Response:
    headers = _LIVE | ({"ETag": tag} if tag else {})
    return web.Response(
        body=view.encode(answer), content_type="application/json", charset="utf-8", headers=headers
    )


def _unchanged(tag: str) -> web.Response:
    return web.Response(status=304, headers=_LIVE | {"ETag": tag})
