"""The tokens that a CPO was told of, and what each says about asking its eMSP.

A token is known by its owner, uid and type (TOK-013). `check` is the table of whitelist types.
"""

from collections.abc import Iterable, Iterator
from enum import Enum

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, Status
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tokens import Token
from ocpi_hub.simulator.outlet import Object
from ocpi_hub.simulator.platform import SimulatedPlatform
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply, party_of
from ocpi_hub.simulator.stations import owner_of

RFID = "RFID"
_MODULE = "tokens"
_PATH = "*/*/*"
_Key = tuple[PartyRef, str, str]


class Check(Enum):
    """What to do when a token is shown: decide here, ask, or ask and allow where nobody answers."""

    YES = "yes"
    NO = "no"
    ASK = "ask"
    ASK_ELSE_YES = "ask, else yes"


def check(token: Object | None) -> Check:
    """By whitelist type (TOK-047 to TOK-052); None is a token that nobody told of (TOK-008).

    ALWAYS may not be asked for, so an invalid one is refused here (TOK-048).
    """
    if token is None:
        return Check.ASK
    valid = token["valid"]
    match token["whitelist"]:
        case "ALWAYS":
            return Check.YES if valid else Check.NO
        case "ALLOWED":
            return Check.YES if valid else Check.ASK
        case "ALLOWED_OFFLINE":
            return Check.ASK_ELSE_YES if valid else Check.ASK
        case _:
            return Check.ASK


class Whitelist:
    """The Receiver interface of tokens over a dictionary."""

    def __init__(self, platform: SimulatedPlatform) -> None:
        self._held: dict[_Key, Object] = {}
        rows = {("GET", _PATH): self._get, ("PUT", _PATH): self._put, ("PATCH", _PATH): self._patch}
        platform.serve(_MODULE, InterfaceRole.RECEIVER, Routes(_MODULE, rows))

    def find(self, uid: str, kind: str = RFID, owner: PartyRef | None = None) -> Object | None:
        """The token with this uid and type, of any owner unless named."""
        for (party, token_uid, token_kind), token in self._held.items():
            if (token_uid, token_kind) == (fold(uid), kind) and owner in {None, party}:
                return token
        return None

    def add(self, tokens: Iterable[Object]) -> None:
        """Take a page of a list; a push that came meanwhile may be newer, and stays (TOK-005)."""
        for token in tokens:
            held = self._held.get(_key(token))
            if held is None or _age(held) <= _age(token):
                self._held[_key(token)] = token

    def __iter__(self) -> Iterator[Object]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    async def _get(self, received: Received) -> Reply:
        return Reply(codec.encode(self._at(received)))

    async def _put(self, received: Received) -> Reply:
        token = received.json
        validate(Token, token)
        owner, uid, kind = _asked(received)
        if (owner_of(token), fold(token["uid"]), token["type"]) != (owner, uid, kind):
            raise InvalidParameter("tokens: owner, uid or type is not that of the path (TOK-014)")
        new = (owner, uid, kind) not in self._held
        self._held[owner, uid, kind] = token
        return Reply(http=201 if new else 200)

    async def _patch(self, received: Received) -> Reply:
        changes = _patch_of(received)
        token = self._at(received) | changes
        validate(Token, token)
        if _key(token) != _asked(received):
            raise InvalidParameter("tokens: a PATCH does not rename a token")
        self._held[_key(token)] = token
        return Reply()

    def _at(self, received: Received) -> Object:
        token = self._held.get(_asked(received))
        if token is None:
            raise NoSuchResource(
                f"tokens: no {received.segments[2]} of this type here", Status.UNKNOWN_TOKEN
            )
        return token


def _asked(received: Received) -> _Key:
    """What path and query name; without `type` it is RFID (TOK-013)."""
    return party_of(received), fold(received.segments[2]), received.query.get("type", RFID)


def _patch_of(received: Received) -> Object:
    changes = received.json
    if not isinstance(changes, dict) or "last_updated" not in changes:
        raise InvalidParameter("last_updated: required in a PATCH (TOK-021)")
    return {name: value for name, value in changes.items() if value is not None}


def _key(token: Object) -> _Key:
    return owner_of(token), fold(token["uid"]), token["type"]


def _age(token: Object) -> float:
    return parse_datetime(token["last_updated"]).timestamp()
