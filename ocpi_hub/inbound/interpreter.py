"""Between partners of different versions: what is relayed is told in the words of who gets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocpi_hub.inbound.aside import aside
from ocpi_hub.inbound.exchange import Exchange
from ocpi_hub.modules.line import ObjectKey
from ocpi_hub.modules.locations import MODULE as LOCATIONS
from ocpi_hub.modules.store import Store
from ocpi_hub.modules.tokens import holders
from ocpi_hub.ocpi import codec, dialect
from ocpi_hub.ocpi.primitives import PartyRef, Role, fold
from ocpi_hub.ocpi.status import InvalidParameter, OcpiError, Status
from ocpi_hub.ocpi.v2_2 import VERSION as V2_2
from ocpi_hub.ocpi.v2_2_1.location_enums import Capability
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
            return await aside(dialect.told, body, kind, spoken)
        if kind is dialect.Kind.START_SESSION and isinstance(exchange.value, dict):
            return await self._started(exchange.value, to, body)
        told = await aside(dialect.told, body, kind, spoken, await self._owner(body, to))
        if told is not body:
            exchange.value = codec.decode(told)  # whose it is, is worth remembering
        return told

    async def answer(self, exchange: Exchange, to: Forward, body: bytes) -> bytes:
        """An answer with objects in the requester's version; tokens are the requester's own."""
        kind = dialect.kind(exchange.row.route, exchange.ids_of_object)
        if kind is None or exchange.method != "GET":
            return body
        owner = _provider(exchange.known_platform, to.sender)
        try:
            told, findings = await aside(dialect.answered, body, kind, exchange.row.version, owner)
        except OcpiError as error:
            raise OcpiError(f"the receiver's answer: {error.message}", Status.HUB_ERROR) from None
        exchange.findings += findings
        return told

    async def _owner(self, body: bytes, to: Forward) -> PartyRef | None:
        """Whose the token is: the one who pushed it, or else the provider that is addressed."""
        token = dialect.token(body)
        if token is None:
            return None
        owners = await holders(self.store, token)
        return owners[0] if len(owners) == 1 else _provider(to.platform, to.party)

    async def _started(self, asked: Any, to: Forward, body: bytes) -> bytes:
        """With the connector, where the operator wants it and there is one only (CMD-038)."""
        if asked.get("connector_id") is not None:
            return body
        evse = await self._evse(to.party, asked.get("location_id"), asked.get("evse_uid"))
        if Capability.START_SESSION_CONNECTOR_REQUIRED not in (evse.get("capabilities") or ()):
            return body
        match evse["connectors"]:
            case [only]:
                return dialect.started(body, only["id"])
            case several:
                raise InvalidParameter(
                    f"connector_id: required here, one of {len(several)}, but OCPI 2.2 has no such"
                    " member (CMD-038)"
                )

    async def _evse(self, owner: PartyRef, *ids: object) -> Mapping[str, Any]:
        """An EVSE of the hub's copy, empty when it holds none."""
        names = [fold(each) for each in ids if isinstance(each, str)]
        if len(names) < len(ids):
            return {}
        body = await self.store.one(ObjectKey(LOCATIONS, *owner.key, *names))
        return codec.decode(body) if body is not None else {}


def _provider(platform: Platform, party: PartyRef) -> PartyRef | None:
    return party if any(held.role is Role.EMSP for held in platform.held(party)) else None
