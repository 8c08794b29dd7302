"""The tokens of an eMSP: cards and apps, what each may do, and the verdict when somebody asks.

Nothing here speaks HTTP. A token is never taken out, only made invalid (TOK-003).
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ocpi_hub.ocpi.primitives import PartyRef, fold, format_datetime, parse_datetime
from ocpi_hub.ocpi.status import NoSuchResource, OcpiError, Status

Object = dict[str, Any]
Key = tuple[str, str]

RFID = "RFID"
APP_USER = "APP_USER"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an eMSP knows of a token beside the object that it shows to others.

    `refused` is the AllowedType that any use is answered by, such as NO_CREDIT. `not_at` are folded
    ids of Locations and EVSEs where it may not charge; with any of them a decision needs the place.
    """

    refused: str | None = None
    not_at: frozenset[str] = frozenset()


@dataclass(slots=True)
class TokenBook:
    """Tokens by uid and type (TOK-038), the last changed one last."""

    _held: dict[Key, Object] = field(default_factory=dict)
    _terms: dict[Key, Terms] = field(default_factory=dict)

    def add(self, token: Object, terms: Terms = Terms()) -> Object:
        key = key_of(token)
        self._held[key], self._terms[key] = token, terms
        return token

    def find(self, uid: str, kind: str = RFID) -> Object | None:
        return self._held.get((fold(uid), kind))

    def change(self, token: Object, at: datetime, **members: Any) -> Object:
        """The members of a PATCH for it, `last_updated` among them (TOK-021); later than before."""
        moment = max(at, parse_datetime(token["last_updated"]) + timedelta(milliseconds=1))
        members["last_updated"] = format_datetime(moment)
        key = key_of(token)
        self._held[key] = self._held.pop(key) | members
        return members

    def authorize(self, uid: str, kind: str, place: Object | None, reference: str) -> Object:
        """The AuthorizationInfo of a known token, allowed or not (TOK-029).

        `place` is a LocationReferences object. Opening hours and states of EVSEs do not count, nor
        whether the Location is known (TOK-010, TOK-011). Raises 2004 for an unknown token and 2002
        where a place is needed and none was named (TOK-027, TOK-028).
        """
        token = self.find(uid, kind)
        if token is None:
            raise NoSuchResource(f"tokens: {uid} of type {kind} is unknown", Status.UNKNOWN_TOKEN)
        terms = self._terms[key_of(token)]
        if not token["valid"] or terms.refused:
            return {"allowed": terms.refused or "BLOCKED", "token": token}
        if place is None:
            if terms.not_at:
                raise OcpiError(
                    "LocationReferences are needed to decide", Status.NOT_ENOUGH_INFORMATION
                )
            return {"allowed": "ALLOWED", "token": token, "authorization_reference": reference}
        allowed = _allowed_at(place, terms.not_at)
        if allowed is None:
            return {"allowed": "NOT_ALLOWED", "token": token}
        return {
            "allowed": "ALLOWED",
            "token": token,
            "location": allowed,
            "authorization_reference": reference,
        }

    def usable(self, kind: str) -> list[Object]:
        """Tokens of a type that the eMSP itself would let charge anywhere (CMD-027)."""
        return [
            token
            for key, token in self._held.items()
            if token["type"] == kind and token["valid"] and self._terms[key] == Terms()
        ]

    def __iter__(self) -> Iterator[Object]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)


def key_of(token: Object) -> Key:
    return fold(token["uid"]), token["type"]


def _allowed_at(place: Object, not_at: Iterable[str]) -> Object | None:
    """The place with those of its EVSEs that are allowed (TOK-030); None when nothing is left."""
    asked = place.get("evse_uids") or []
    left = [uid for uid in asked if fold(uid) not in not_at]
    if fold(place["location_id"]) in not_at or (asked and not left):
        return None
    return {"location_id": place["location_id"]} | ({"evse_uids": left} if asked else {})


def issue(owner: PartyRef, issuer: str, customers: int, at: datetime, seed: int = 1) -> TokenBook:
    """A book in which each customer has a card and an app, grouped, so that one stops the other.

    Apps are never whitelisted (TOK-045); of the cards, one in four wants to be asked each time.
    """
    chance = random.Random(f"{owner} {seed}")  # noqa: S311 - seeded, nothing secret
    book = TokenBook()
    for number in range(1, customers + 1):
        contract = f"{owner.country_code}-{owner.party_id}-C{number:08d}"
        shared = {
            "country_code": owner.country_code,
            "party_id": owner.party_id,
            "contract_id": contract,
            "visual_number": contract,
            "issuer": issuer,
            "group_id": f"{owner.party_id}{number:08d}",
            "valid": True,
            "language": "en",
            "last_updated": format_datetime(at),
        }
        card = f"04{chance.randrange(2**48):012X}"
        app = f"{owner.party_id}-APP-{number:06d}"
        book.add({**shared, "uid": card, "type": RFID, "whitelist": _whitelist(number)})
        book.add({**shared, "uid": app, "type": APP_USER, "whitelist": "NEVER"})
    return book


def _whitelist(number: int) -> str:
    return ("ALLOWED", "ALWAYS", "ALLOWED_OFFLINE", "NEVER")[number % 4]
