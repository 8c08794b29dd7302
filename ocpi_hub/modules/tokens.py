"""Tokens that are pushed to the hub itself; a Token is named by its uid and its type (TOK-013)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpi_hub.modules.keeping import Keeping
from ocpi_hub.modules.memory import Fact, Kind, Lessons, Relayed, identifier
from ocpi_hub.modules.store import Store
from ocpi_hub.modules.taken import an_object, same
from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.location_enums import TokenType
from ocpi_hub.ocpi.v2_2_1.tokens import Token, TokenPatch

MODULE: Final = "tokens"
_MODELS: Mapping[str, type[OcpiModel]] = {"PUT": Token, "PATCH": TokenPatch}
_LONGEST: Final = 36


def duty(store: Store) -> Keeping:
    return Keeping(MODULE, admit, store)


def token_type(params: Sequence[tuple[str, str]]) -> str:
    """The type that a request's query names, RFID unless it names one.

    Raises InvalidParameter for several, and for what can be no type. A type that nobody knows yet
    is one all the same.
    """
    given = [value for name, value in params if name == "type"]
    if not given:
        return TokenType.RFID
    if len(given) > 1:
        raise InvalidParameter("type: given more than once (TOK-013)")
    kind = given[0]
    if not kind or len(kind) > _LONGEST or not (kind.isascii() and kind.isprintable()):
        raise InvalidParameter("type: must be a token type such as RFID (TOK-013)")
    return kind


def named(uid: str, kind: str) -> str:
    """A Token's name in the memory; no type holds a tab."""
    return f"{kind}\t{uid}"


def _sent_directly(relayed: Relayed) -> Fact | None:
    kind = identifier(relayed.value, "type")
    return Fact(Kind.TOKEN, named(relayed.ids[2], kind), relayed.sender, None) if kind else None


LESSONS: Lessons = {"tokens.receiver.put": _sent_directly}


async def holders(store: Store, token: Mapping[str, Any] | None) -> Sequence[PartyRef]:
    """Who pushed a token of the uid and type that a Session or CDR shows, mostly one."""
    uid, kind = (token or {}).get("uid"), (token or {}).get("type")
    if not (isinstance(uid, str) and isinstance(kind, str)):
        return ()
    return await store.owners(MODULE, uid, kind)


def admit(owner: PartyRef, ids: Sequence[str], method: str, value: Any) -> tuple[str, ...]:
    """The findings of a Token that may come in; InvalidParameter when it may not (2001).

    A body of another type than the query's would be stored under a name that is not its own
    (TOK-014).
    """
    token = an_object(value)
    uid, kind = ids
    same("uid", token, uid)
    same("type", token, kind)
    same("country_code", token, owner.country_code)
    same("party_id", token, owner.party_id)
    return validate(_MODELS[method], token)
