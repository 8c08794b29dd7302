"""Requests whose result comes later, and these results on their way back (ROUT-601 to ROUT-618)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.relay import Relay
from ocpi_hub.modules import callbacks
from ocpi_hub.modules.callbacks import LONGEST_URL, MEMBER, Callback, Callbacks, Spot
from ocpi_hub.modules.versions import endpoint_url
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource, OcpiError
from ocpi_hub.ops.failpoint import failpoint
from ocpi_hub.routing.decide import Forward, Refuse, returned
from ocpi_hub.routing.directory import Directory, Endpoint, Platform
from ocpi_hub.routing.rewrite import origin, origins

log = structlog.get_logger("inbound")

ASKING: Final = frozenset(
    {
        "commands.receiver.post",
        "chargingprofiles.receiver.get",
        "chargingprofiles.receiver.put",
        "chargingprofiles.receiver.delete",
    }
)
TELLING: Final = frozenset({"commands.sender.post", "chargingprofiles.sender.post"})
_WITHOUT_BODY = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Results:
    """`refused` says why the hub may not call an address, or None; `fresh_uid` is unguessable."""

    kept: Callbacks
    relay: Relay
    directory: Callable[[], Directory]
    public_url: str
    versions: frozenset[str]
    refused: Callable[[str], str | None]
    now: Callable[[], datetime]
    fresh_uid: Callable[[], str]

    async def ask(self, exchange: Exchange, to: Forward) -> Reply:
        """Forward a request with the hub's stand-in for its response_url, known durably before."""
        in_query = exchange.method in _WITHOUT_BODY
        spot = (
            callbacks.in_query(exchange.query)
            if in_query
            else callbacks.in_body(exchange.body, exchange.value)
        )
        self._admit(spot, exchange.known_platform)
        callback = self._callback(exchange, to, spot)
        url = self._stand_in(exchange, to, callback)
        await self.kept.keep(callback)
        failpoint("callbacks.kept")
        if in_query:
            query = callbacks.query_with(exchange.query, spot, url)
            reply = await self.relay.forward(exchange, to, query=query)
        else:
            body = callbacks.body_with(exchange.body, spot, url)
            reply = await self.relay.forward(exchange, to, body=body)
        await self._hold_on(callback, reply)
        return reply

    async def tell(self, exchange: Exchange) -> Reply:
        """Forward a result to the address that its stand-in means, as it is, once (ROUT-608)."""
        callback = await self.kept.find(exchange.ids_of_object[-1])
        if callback is None or not _meant(exchange, callback):
            raise NoSuchResource("no result is expected from you at this address")
        if callback.expires <= self.now():
            raise NoSuchResource("the time for a result at this address is over")
        exchange.mode = "direct"
        exchange.sender, exchange.receiver = callback.target, callback.requester
        if message.CORRELATION_ID.lower() not in exchange.headers:
            exchange.ids = replace(exchange.ids, correlation_id=callback.correlation_id)
        to = self._back(callback)
        failpoint("results.found")
        reply = await self.relay.forward(exchange, to, callback.response_url)
        return replace(reply, headers={})

    def _admit(self, spot: Spot, requester: Platform) -> None:
        """The hub will show the requester's token there (ROUT-617)."""
        reason = self.refused(spot.url)
        if reason is not None:
            raise InvalidParameter(f"{MEMBER}: {reason}")
        if not _own(spot.url, requester):
            raise InvalidParameter(
                f"{MEMBER}: is on none of the servers of your versions and endpoints"
            )

    def _callback(self, exchange: Exchange, to: Forward, spot: Spot) -> Callback:
        module = exchange.row.module.identifier
        return Callback(
            uid=self.fresh_uid(),
            response_url=spot.url,
            module=module,
            command=exchange.ids_of_object[0] if module == "commands" else exchange.method,
            requester=to.sender,
            requester_platform=exchange.known_platform.id,
            target=to.party,
            target_platform=to.platform.id,
            correlation_id=exchange.ids.correlation_id,
            expires=callbacks.lifetime(exchange.value, self.now()),
        )

    def _stand_in(self, exchange: Exchange, to: Forward, callback: Callback) -> str:
        """The hub's address in the version that the receiver speaks."""
        spoken = to.platform.version
        version = spoken if spoken in self.versions else exchange.row.version
        base = endpoint_url(self.public_url, version, callback.module, InterfaceRole.SENDER)
        command = f"/{exchange.path_below}" if callback.module == "commands" else ""
        url = f"{base}{command}/{callback.uid}"
        if len(url) > LONGEST_URL:
            raise InvalidParameter(f"command: too long for a {MEMBER} of 255 characters")
        return url

    async def _hold_on(self, callback: Callback, reply: Reply) -> None:
        """Longer, when the receiver announces that it needs longer (CMD-049)."""
        until = callbacks.announced(reply.body, self.now())
        if until > callback.expires:
            await self.kept.prolong(callback.uid, until)

    def _back(self, callback: Callback) -> Forward:
        """Back to who asked; the client shows no token where that is not at home (any more)."""
        endpoint = Endpoint(callback.module, InterfaceRole.SENDER, callback.response_url)
        to = returned(
            callback.target,
            callback.requester,
            callback.requester_platform,
            endpoint,
            self.directory(),
        )
        if isinstance(to, Refuse):
            raise OcpiError(to.message, to.code, to.http)
        return to


def _meant(exchange: Exchange, callback: Callback) -> bool:
    """Whether this is the one who was asked, at the address that it was given (ROUT-604)."""
    if callback.target_platform != exchange.known_platform.id:
        log.warning("inbound.foreign_result", platform=exchange.known_platform.id)
        return False
    module, *command = exchange.row.module.identifier, *exchange.ids_of_object[:-1]
    return module == callback.module and command in ([], [callback.command])


def _own(url: str, platform: Platform) -> bool:
    """Whether a server is one that the partner itself named (ROUT-508)."""
    found = origin(url)
    return found is not None and found in {*origins(platform), origin(platform.versions_url or "")}
