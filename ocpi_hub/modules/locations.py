"""Locations that are pushed to the hub itself, and the hub's copy as partners read it.

The hub checks as any receiver would before it answers for the whole continent (ROUT-216): the
object's owner and ids are those of the URL, required members are there, a PATCH says when. What
enumerations do not know is kept and noted. Then the store takes it, and the line passes it on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.store import Page, Push, Store, Viewer, Window
from ocpi_hub.modules.taken import Taken, an_object, same
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, Status
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.locations import (
    Connector,
    ConnectorPatch,
    Evse,
    EvsePatch,
    Location,
    LocationPatch,
)
from ocpi_hub.routing.directory import PlatformId

MODULE = "locations"
_MODELS: Mapping[tuple[str, int], type[OcpiModel]] = {
    ("PUT", 1): Location,
    ("PUT", 2): Evse,
    ("PUT", 3): Connector,
    ("PATCH", 1): LocationPatch,
    ("PATCH", 2): EvsePatch,
    ("PATCH", 3): ConnectorPatch,
}
_ID_MEMBER = {1: "id", 2: "uid", 3: "id"}


class Locations:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def push(
        self,
        owner: PartyRef,
        ids: tuple[str, ...],
        message: Message,
        value: Any,
        *,
        origin: PlatformId,
        correlation_id: str,
    ) -> Taken:
        """A PUT or PATCH addressed to the hub.

        `owner` and `ids` (location, EVSE, connector) come from the URL, whose owner the door
        compared with the sender; `value` is what `codec.decode` made of the message's body.
        Raises InvalidParameter with 2001, or NoSuchResource with 2003 for a PATCH of something
        unknown and for a part of something unknown.
        """
        findings = admit(owner, ids, message.method, value)
        at = parse_datetime(value["last_updated"])
        push = Push(MODULE, owner, ids, message, at, origin, correlation_id)
        return Taken(await self._store.push(push), findings)

    async def page(self, window: Window, viewer: Viewer) -> Page:
        """GET-all (ROUT-401): a page of all that the viewer may see."""
        return await self._store.page(MODULE, window, viewer)

    async def one(self, owner: PartyRef, ids: Sequence[str]) -> bytes:
        """A Location, EVSE or connector of an owner as the hub holds it (ROUT-408).

        Raises NoSuchResource with 2003 when it holds none.
        """
        part = fold(ids[1]) if len(ids) > 1 else ""
        body = await self._store.one(ObjectKey(MODULE, *owner.key, fold(ids[0]), part))
        if body is not None and len(ids) > 2:  # noqa: PLR2004 - the third id is the connector's
            body = _connector(body, ids[2])
        if body is None:
            raise NoSuchResource(
                f"the hub holds no {'/'.join(ids)} of {owner}", Status.UNKNOWN_LOCATION
            )
        return body


def admit(owner: PartyRef, ids: Sequence[str], method: str, value: Any) -> tuple[str, ...]:
    """The findings of a push that may come in; InvalidParameter when it may not (2001)."""
    value = an_object(value)
    same(_ID_MEMBER[len(ids)], value, ids[-1])
    if len(ids) == 1:
        same("country_code", value, owner.country_code)
        same("party_id", value, owner.party_id)
    findings = validate(_MODELS[method, len(ids)], value)
    _unique_parts(value, len(ids))
    return findings


def _unique_parts(value: Mapping[str, Any], depth: int) -> None:
    """EVSEs and connectors are addressed by their ids, so these occur once (LOC-090, LOC-098)."""
    evses = value.get("evses") or () if depth == 1 else ()
    _unique("evses", "uid", evses)
    for place, evse in enumerate(evses):
        _unique(f"evses.{place}.connectors", "id", evse.get("connectors") or ())
    if depth == 2:  # noqa: PLR2004 - an EVSE
        _unique("connectors", "id", value.get("connectors") or ())


def _unique(name: str, member: str, parts: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for place, part in enumerate(parts):
        key = fold(part[member])
        if key in seen:
            raise InvalidParameter(f"{name}.{place}.{member}: {part[member]} occurs twice")
        seen.add(key)


def _connector(evse: bytes, connector_id: str) -> bytes | None:
    wanted = fold(connector_id)
    for body in codec.elements(codec.members(evse)["connectors"]):
        if fold(codec.decode(codec.members(body)["id"])) == wanted:
            return body
    return None
