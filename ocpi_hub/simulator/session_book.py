"""The sessions of an eMSP's drivers, as CPOs push them.

Where the text is silent: a PATCH that is older than what is held changes nothing but brings its
periods (SES-035), a period that is held already is not held twice (SES-034), and a session that is
COMPLETED or INVALID takes nothing new (SES-043).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource
from ocpi_hub.ocpi.v2_2_1.sessions import Session, SessionPatch
from ocpi_hub.simulator.owned import PATH, Key, Object, key_at, key_of, pushed
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply

ENDED = frozenset({"COMPLETED", "INVALID"})

T = TypeVar("T")
Heard = Callable[[Object], None]


def deaf(_: Object) -> None:
    """For books whose changes nobody follows."""


class SessionBook:
    """The Receiver interface of sessions; `heard` is told of each one that was pushed.

    `open` are those held that have not ended.
    """

    def __init__(self, heard: Heard = deaf) -> None:
        self.held: dict[Key, Object] = {}
        self.open: dict[Key, Object] = {}
        self._by_reference: dict[str, Key] = {}
        self.heard = heard
        self._changed = asyncio.Event()
        rows = {("GET", PATH): self._get, ("PUT", PATH): self._put, ("PATCH", PATH): self._patch}
        self._routes = Routes("sessions", rows)

    async def __call__(self, received: Received) -> Reply:
        return await self._routes(received)

    def one(self, owner: PartyRef, session_id: str) -> Object | None:
        return self.held.get((owner, fold(session_id)))

    def named(self, session_id: str) -> Object | None:
        """The last session of this id, whoever owns it."""
        wanted = fold(session_id)
        return next((s for (_, id_), s in reversed(self.held.items()) if id_ == wanted), None)

    def referring(self, reference: str) -> Object | None:
        """The session that carries an authorization_reference of ours (SES-050)."""
        key = self._by_reference.get(fold(reference))
        return None if key is None else self.held[key]

    async def until(self, find: Callable[[], T | None], deadline_s: float) -> T | None:
        """What `find` finds, looking again after each push; None when the time is over."""
        try:
            async with asyncio.timeout(deadline_s):
                while (found := find()) is None:
                    await self._changed.wait()
        except TimeoutError:
            return None
        return found

    def add(self, sessions: Iterable[Object]) -> None:
        """Take a pulled page, each as a whole (SES-009); a push may have been newer."""
        for session in sessions:
            held = self.held.get(key_of(session))
            if held is None or not _older(session, held):
                self._take(key_of(session), session)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.held.values())

    def __len__(self) -> int:
        return len(self.held)

    async def _put(self, received: Received) -> Reply:
        session, key = pushed(received, Session), key_at(received)
        held = self.held.get(key)
        if held is not None:
            _check_open(held, session != held)
        self._take(key, session)
        return Reply(http=201 if held is None else 200)

    async def _patch(self, received: Received) -> Reply:
        patch, held = pushed(received, SessionPatch), self._at(received)
        changed = patched(held, patch)
        _check_open(held, changed != held)
        self._take(key_at(received), changed)
        return Reply()

    async def _get(self, received: Received) -> Reply:
        return Reply(codec.encode(self._at(received)))

    def _at(self, received: Received) -> Object:
        found = self.held.get(key_at(received))
        if found is None:
            raise NoSuchResource(f"sessions: no {received.segments[2]} here")
        return found

    def _take(self, key: Key, session: Object) -> None:
        self.held[key] = session
        self.open.pop(key, None)
        if session["status"] not in ENDED:
            self.open[key] = session
        if reference := session.get("authorization_reference"):
            self._by_reference[fold(reference)] = key
        self.heard(session)
        self._changed.set()
        self._changed = asyncio.Event()


def patched(held: Object, patch: Object) -> Object:
    """The session after a PATCH: members replaced, periods appended (SES-029, SES-031, SES-032)."""
    told = {name: value for name, value in patch.items() if value is not None}
    known = held.get("charging_periods") or []
    starts = {period["start_date_time"] for period in known}
    fresh = [p for p in told.pop("charging_periods", ()) if p["start_date_time"] not in starts]
    changed = held if _older(patch, held) else held | told
    if not fresh:
        return changed
    periods = sorted([*known, *fresh], key=lambda period: parse_datetime(period["start_date_time"]))
    return changed | {"charging_periods": periods}


def _older(one: Object, other: Object) -> bool:
    return parse_datetime(one["last_updated"]) < parse_datetime(other["last_updated"])


def _check_open(held: Object, changes: bool) -> None:
    if changes and held["status"] in ENDED:
        raise InvalidParameter(f"status: {held['id']} is {held['status']}, that is final (SES-043)")
