"""What a receiver holds: locations by owner and id, changed by pushes or a crawl.

It takes any owner, for behind a hub there are more than the hub itself (ROUT-224), and refuses what
breaks the rules of the object, as a partner may do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import (
    InvalidParameter,
    MethodNotAllowed,
    NoSuchResource,
    OcpiError,
    Status,
)
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.locations import (
    Connector,
    ConnectorPatch,
    Evse,
    EvsePatch,
    Location,
    LocationPatch,
)
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply, party_of

Object = dict[str, Any]
Key = tuple[PartyRef, str]
Heard = Callable[[PartyRef, str, str], None]

_LEVELS = (("evses", "uid"), ("connectors", "id"))
_MODELS: Mapping[tuple[str, int], type[OcpiModel]] = {
    ("PUT", 1): Location,
    ("PUT", 2): Evse,
    ("PUT", 3): Connector,
    ("PATCH", 1): LocationPatch,
    ("PATCH", 2): EvsePatch,
    ("PATCH", 3): ConnectorPatch,
}


def deaf(_: PartyRef, __: str, ___: str) -> None:
    """For receivers whose pushes nobody measures."""


class Copy:
    """The Receiver interface of locations over a dictionary.

    `heard(owner, last_updated, id)` is told of each push; id is the folded Location id or EVSE uid.
    `invalid` holds what a whole crawl did not find any more, `bad` what was wrong with objects that
    a crawl brought and that were not taken.
    """

    def __init__(self, heard: Heard = deaf) -> None:
        self.held: dict[Key, Object] = {}
        self.invalid: dict[Key, Object] = {}
        self.bad: list[str] = []
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
        """Take a page of a crawl; a push that came meanwhile may be newer, and stays.

        What is absent from an object is gone from the copy (LOC-024), and one that is no Location
        does not keep out the others (LOC-132).
        """
        for location in locations:
            try:
                validate(Location, location)
            except OcpiError as error:
                self.bad.append(error.message)
                continue
            held = self.held.get(key_of(location))
            if held is None or _age(held) <= _age(location):
                self._take(key_of(location), location)

    def moments(self) -> dict[Key, str]:
        """What is held, and as of when."""
        return {key: location["last_updated"] for key, location in self.held.items()}

    def drop(self, missed: Mapping[Key, str]) -> None:
        """These were not found by a whole crawl: no longer valid, unless pushed since (LOC-025)."""
        for key, moment in missed.items():
            if key in self.held and self.held[key]["last_updated"] == moment:
                self.invalid[key] = self.held.pop(key)

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
            self._take((owner, fold(ids[0])), pushed)
        else:
            new = _place(self._parent(received), _LEVELS[len(ids) - 2], ids[-1], pushed)
            self._bump(received, pushed["last_updated"])
        self._tell(received, pushed)
        return Reply(http=201 if new else 200)

    def _patch(self, received: Received) -> Reply:
        pushed = _pushed(received)
        told = {name: value for name, value in pushed.items() if value is not None}
        self._at(received).update(told)  # null takes nothing back (LOC-059)
        self._bump(received, pushed["last_updated"])
        self._tell(received, pushed)
        return Reply()

    def _take(self, key: Key, location: Object) -> None:
        self.held[key] = location
        self.invalid.pop(key, None)

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


def key_of(location: Object) -> Key:
    return PartyRef(location["country_code"], location["party_id"]), fold(location["id"])


def _pushed(received: Received) -> Object:
    """The body, if it is the object of its path (LOC-048, LOC-049, LOC-053)."""
    pushed, ids = received.json, received.segments[2:]
    validate(_MODELS[received.method, len(ids)], pushed)
    expected = {"uid" if len(ids) == 2 else "id": ids[-1]}  # noqa: PLR2004 - that of an EVSE
    if len(ids) == 1:
        expected |= dict(zip(("country_code", "party_id"), received.segments, strict=False))
    for name, wanted in expected.items():
        if fold(pushed.get(name) or wanted) != fold(wanted):
            raise InvalidParameter(f"{name}: {pushed[name]} is not the {wanted} of the path")
    return dict(pushed)


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
