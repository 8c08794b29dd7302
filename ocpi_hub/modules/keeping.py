"""The duty of a module whose objects are one piece: Tariffs, Tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.plain import unknown
from ocpi_hub.modules.store import Page, Push, Store, Viewer, Window
from ocpi_hub.modules.taken import Taken
from ocpi_hub.ocpi.primitives import PartyRef, fold, parse_datetime
from ocpi_hub.routing.directory import PlatformId

Admit = Callable[[PartyRef, Sequence[str], str, Any], tuple[str, ...]]
"""From owner, ids, method and value to findings; InvalidParameter for what may not come in."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """`ids` are a Tariff's id, or a Token's uid and type."""

    module: str
    admit: Admit
    store: Store

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
        """A PUT, PATCH or DELETE addressed to the hub.

        `owner` and `ids` come from the URL, whose owner the door compared with the sender; `value`
        is what `codec.decode` made of the message's body. Raises InvalidParameter with 2001, or
        NoSuchResource for a PATCH or DELETE of something unknown.
        """
        findings: tuple[str, ...] = ()
        at = None
        if message.method != "DELETE":
            findings = self.admit(owner, ids, message.method, value)
            at = parse_datetime(value["last_updated"])
        push = Push(self.module, owner, ids, message, at, origin, correlation_id)
        return Taken(await self.store.push(push), findings)

    async def page(self, window: Window, viewer: Viewer) -> Page:
        """GET-all (ROUT-401): a page of all that the viewer may see."""
        return await self.store.page(self.module, window, viewer)

    async def one(self, owner: PartyRef, ids: Sequence[str]) -> bytes:
        """An object as the hub holds it (ROUT-408); NoSuchResource when it holds none."""
        key = ObjectKey(self.module, *owner.key, *map(fold, ids))
        body = await self.store.one(key)
        if body is None:
            raise unknown(self.module, f"{'/'.join(ids)} of {owner} in {self.module}")
        return body
