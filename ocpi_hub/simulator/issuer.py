"""The issuer of tokens: pushes them, lists them in pages, and says in real time who may charge.

Others may only GET the list and POST to `{token_uid}/authorize` (TOK-024, TOK-025).
"""

from collections import Counter
from typing import Any

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ops.identity import fresh_id, now
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.pages import page
from ocpi_hub.simulator.platform import SimulatedPlatform, To
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply
from ocpi_hub.simulator.token_book import RFID, Object, TokenBook

_SENDER, _RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER


class Issuer:
    """The Sender interface of tokens at a platform; pushes go to the hub by default.

    `verdicts` counts the answers given to those who asked, by AllowedType.
    """

    def __init__(self, platform: SimulatedPlatform, book: TokenBook) -> None:
        self.book = book
        self.verdicts: Counter[str] = Counter()
        self._platform = platform
        platform.serve(
            "tokens",
            _SENDER,
            Routes(
                "tokens", {("GET", ""): self._listed, ("POST", "*/authorize"): self._authorized}
            ),
        )

    async def push(self, token: Object, *, to: To = "hub") -> Answer:
        """PUT a whole Token (TOK-002)."""
        return await self._send("PUT", token, token, to)

    async def push_all(self, *, to: To = "hub") -> list[Object]:
        """PUT every Token; those that were not taken."""
        return [token for token in self.book if not (await self.push(token, to=to)).ok]

    async def change(self, token: Object, *, to: To = "hub", **members: Any) -> Answer:
        """Change a Token and PATCH what changed (TOK-021); see what the peer has where it fails."""
        patch = self.book.change(token, now(), **members)
        answer = await self._send("PATCH", token, patch, to)
        return answer if answer.ok else await self.reconcile(token, to=to)

    async def invalidate(self, token: Object, *, to: To = "hub") -> Answer:
        """What others call deletion (TOK-003)."""
        return await self.change(token, to=to, valid=False)

    async def reconcile(self, token: Object, *, to: To = "hub") -> Answer:
        """GET the peer's copy of a Token, and PUT it where that lacks or differs (TOK-004)."""
        held = await self._send("GET", token, None, to)
        current = self.book.find(token["uid"], token["type"]) or token
        return held if held.ok and held.data == current else await self.push(current, to=to)

    async def _send(self, method: str, token: Object, body: Object | None, to: To) -> Answer:
        owner = self._platform.party
        return await self._platform.ask(
            method,
            "tokens",
            _RECEIVER,
            (owner.country_code, owner.party_id, token["uid"]),
            body,
            to=to,
            params=None if token["type"] == RFID else {"type": token["type"]},
        )

    async def _listed(self, received: Received) -> Reply:
        return page(self.book, received, self._platform.url("tokens", _SENDER))

    async def _authorized(self, received: Received) -> Reply:
        uid, kind = received.segments[0], received.query.get("type", RFID)
        info = self.book.authorize(uid, kind, _place(received), fresh_id())
        self.verdicts[info["allowed"]] += 1
        return Reply(codec.encode(info))


def _place(received: Received) -> Object | None:
    """The LocationReferences of the body, which may be empty (TOK-026)."""
    place = received.json if received.body.strip() else {}
    if not isinstance(place, dict):
        raise InvalidParameter("LocationReferences: an object is expected")
    if place and not isinstance(place.get("location_id"), str):
        raise InvalidParameter("location_id: required in LocationReferences (TOK-035)")
    return place or None
