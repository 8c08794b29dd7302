"""What a receiver holds: locations by owner and id, changed by pushes or a crawl."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, MethodNotAllowed, NoSuchResource, Status
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply, party_of

Object = dict[str, Any]
Key = tuple[PartyRef, str]
Heard = Callable[[PartyRef, str, str], None]

_LEVELS = (("evses", "uid"), ("connectors", "id"))


def deaf(_: PartyRef, __: str, ___: str) -> None:
    """For receivers whose pushes nobody measures."""


class Copy:
    """The Receiver interface of locations over a dictionary.

    `heard(owner, last_updated, id)` is told of each push; id is the folded Location id or EVSE uid.
    """

    def __init__(self, heard: Heard = deaf) -> None:
        self.held: dict[Key, Object] = {}
        self._heard = heard

    async def __call__(self, received: Received) -> Reply:
        if not 3 <= len(received.segments) <= 5:  # noqa: PLR2004 - owner and one to three ids
            raise NoSuchResource("locations: /{country}/{party}/{location}[/{evse}[/{connector}]]")
        match received.method:
            case "GET":
                return Reply(codec.encode(self._at(received)))
            case "PUT":
                return self._put(received)
            case "PATCH":
                return self._patch(received)
            case _:
                raise MethodNotAllowed(f"{received.method}: only GET, PUT and PATCH")

    def add(self, locations: Iterable[Object]) -> None:
        """Take a page of a crawl; a push that came meanwhile may be newer, and stays."""
        for location in locations:
            key = PartyRef(location["country_code"], location["party_id"]), fold(location["id"])
            held = self.held.get(key)
            if held is None or _age(held) <= _age(location):
                self.held[key] = location

    def one(self, owner: PartyRef, location_id: str) -> Object | None:
        return self.held.get((owner, fold(location_id)))

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.held.values())

    def _put(self, received: Received) -> Reply:
        pushed = _pushed(received)
        owner, ids = party_of(received), received.segments[2:]
        if len(ids) == 1:
            new = (owner, fold(ids[0])) not in self.held
            self.held[owner, fold(ids[0])] = pushed
        else:
            new = _place(self._parent(received), _LEVELS[len(ids) - 2], ids[-1], pushed)
            self._bump(received, pushed["last_updated"])
        self._tell(received, pushed)
        return Reply(http=201 if new else 200)

    def _patch(self, received: Received) -> Reply:
        pushed = _pushed(received)
        self._at(received).update(pushed)
        self._bump(received, pushed["last_updated"])
        self._tell(received, pushed)
        return Reply()

    def _at(self, received: Received, upto: int | None = None) -> Object:
        """The object at the path, or at its first `upto` ids; raises NoSuchResource."""
        ids = received.segments[2:][:upto]
        found = self.one(party_of(received), ids[0])
        for (children, name), wanted in zip(_LEVELS, ids[1:], strict=False):
            found = found and _child(found, children, name, wanted)
        if found is None:
            raise NoSuchResource(f"locations: no {'/'.join(ids)} here", Status.UNKNOWN_LOCATION)
        return found

    def _parent(self, received: Received) -> Object:
        return self._at(received, len(received.segments) - 3)

    def _bump(self, received: Received, last_updated: str) -> None:
        """A Location is never older than its parts (LOC-089)."""
        for upto in range(1, len(received.segments) - 2):
            above = self._at(received, upto)
            if _age(above) < parse_datetime(last_updated):
                above["last_updated"] = last_updated

    def _tell(self, received: Received, pushed: Object) -> None:
        part = received.segments[2:4][-1]
        self._heard(party_of(received), pushed["last_updated"], fold(part))


def _pushed(received: Received) -> Object:
    pushed = received.json
    if not isinstance(pushed, dict) or not isinstance(pushed.get("last_updated"), str):
        raise InvalidParameter("last_updated: required")
    return pushed


def _age(held: Object) -> datetime:
    return parse_datetime(held["last_updated"])


def _child(parent: Object, children: str, name: str, wanted: str) -> Object | None:
    found: Iterable[Object] = parent.get(children) or ()
    return next((each for each in found if fold(each[name]) == fold(wanted)), None)


def _place(parent: Object, level: tuple[str, str], wanted: str, pushed: Object) -> bool:
    """Put a part in its place among its siblings; true when it is new."""
    children, name = level
    siblings: list[Object] = parent.setdefault(children, [])
    for index, sibling in enumerate(siblings):
        if fold(sibling[name]) == fold(wanted):
            siblings[index] = pushed
            return False
    siblings.append(pushed)
    return True
