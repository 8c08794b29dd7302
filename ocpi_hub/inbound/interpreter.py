"""Between partners of different versions: what is relayed is told in the words of who gets it."""

from dataclasses import dataclass

from ocpi_hub.inbound.exchange import Exchange
from ocpi_hub.modules.store import Store
from ocpi_hub.modules.tokens import MODULE as TOKENS
from ocpi_hub.ocpi import codec, dialect
from ocpi_hub.ocpi.primitives import PartyRef, Role
from ocpi_hub.ocpi.status import OcpiError, Status
from ocpi_hub.ocpi.v2_2 import VERSION as V2_2
from ocpi_hub.routing.decide import Forward
from ocpi_hub.routing.directory import Platform


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Asked only where the versions differ; `store` knows whose tokens are whose."""

    store: Store

    async def request(self, exchange: Exchange, to: Forward, body: bytes) -> bytes:
        """The body in the receiver's version.

        InvalidParameter when that has no words for it, or needs a token's owner that nobody knows.
        """
        kind = dialect.kind(exchange.row.route, exchange.ids_of_object)
        spoken = to.platform.version
        if kind is None or spoken is None:
            return body
        if spoken == V2_2:
            return dialect.told(body, kind, spoken)
        told = dialect.told(body, kind, spoken, await self._owner(body, to))
        if told is not body:
            exchange.value = codec.decode(told)  # whose it is, is worth remembering
        return told

    def answer(self, exchange: Exchange, to: Forward, body: bytes) -> bytes:
        """An answer with objects in the requester's version; tokens are the requester's own."""
        kind = dialect.kind(exchange.row.route, exchange.ids_of_object)
        if kind is None or exchange.method != "GET":
            return body
        owner = _provider(exchange.known_platform, to.sender)
        try:
            told, findings = dialect.answered(body, kind, exchange.row.version, owner)
        except OcpiError as error:
            raise OcpiError(f"the receiver's answer: {error.message}", Status.HUB_ERROR) from None
        exchange.findings += findings
        return told

    async def _owner(self, body: bytes, to: Forward) -> PartyRef | None:
        """Whose the token is: the one who pushed it, or else the provider that is addressed."""
        token = dialect.token(body)
        if token is None:
            return None
        uid, kind = token.get("uid"), token.get("type")
        if isinstance(uid, str) and isinstance(kind, str):
            owners = await self.store.owners(TOKENS, uid, kind)
            if len(owners) == 1:
                return owners[0]
        return _provider(to.platform, to.party)


def _provider(platform: Platform, party: PartyRef) -> PartyRef | None:
    return party if any(held.role is Role.EMSP for held in platform.held(party)) else None
