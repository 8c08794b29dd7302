"""A simulated platform: versions, credentials and hubclientinfo over a server and a client.

It takes part in a registration on either side, knows one peer (the hub, or another simulated
platform), and leaves modules to whoever calls `serve` and `ask`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Self
from urllib.parse import quote

import aiohttp

from ocpi_hub.ocpi import codec, token
from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.ocpi.status import (
    InvalidParameter,
    MethodNotAllowed,
    OcpiError,
    Status,
    Unauthorized,
)
from ocpi_hub.security import fresh_token
from ocpi_hub.simulator.client import Answer, Client, Refused
from ocpi_hub.simulator.clientinfo import ClientInfos
from ocpi_hub.simulator.errands import Errands
from ocpi_hub.simulator.record import Received, Record
from ocpi_hub.simulator.server import VERSION, Handler, Reply, Server

To = PartyRef | Literal["hub"] | None
"""Who a request is for: the peer's own party, another one, or nobody named (no TO headers)."""

_OPEN_TO_NEWCOMERS = frozenset({"versions", "details", "credentials", "unknown"})
_TRIES = 20  # of a request that was told to come back later
_LONGEST_WAIT_S = 5.0


class NotSent(Exception):
    """The hub said that the receiver cannot be reached, so nothing was sent (HCI-031)."""


@dataclass(frozen=True, slots=True)
class PlatformRole:
    """A party in a role, as the credentials object announces it."""

    party: PartyRef
    role: Role
    name: str

    def announced(self) -> dict[str, Any]:
        return {
            "role": self.role.value,
            "business_details": {"name": self.name},
            "party_id": self.party.party_id,
            "country_code": self.party.country_code,
        }


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side of a finished registration. `token` is what this platform shows to it."""

    token: str
    versions_url: str
    credentials_url: str
    endpoints: dict[tuple[str, str], str]
    roles: tuple[dict[str, Any], ...]

    def url(self, module: str, side: InterfaceRole) -> str:
        return self.endpoints[module, side.value]

    @property
    def party(self) -> PartyRef:
        """The peer's own party: the hub's, when the peer is one."""
        ranked = sorted(self.roles, key=lambda role: role["role"] != Role.HUB.value)
        return PartyRef(ranked[0]["country_code"], ranked[0]["party_id"])


@dataclass(slots=True)
class Tokens:
    """What opens this platform: a token A, one offered in an exchange, the current one."""

    registration: str | None = None
    offered: str | None = None
    current: str | None = None


class SimulatedPlatform:
    """One connected system with any number of parties. Also an async context manager."""

    def __init__(
        self,
        name: str,
        roles: Sequence[PlatformRole],
        *,
        deadline_s: float = 30,
        raw_token: bool = False,
        version: str = VERSION,
    ) -> None:
        self.name = name
        self.roles = tuple(roles)
        self.version = version
        self.tokens = Tokens()
        self.peer: Peer | None = None
        self.client = Client(deadline_s, raw_token=raw_token)
        self.server = Server(self)
        self.clients = ClientInfos()
        self.errands = Errands()
        self._handlers: dict[str, Handler] = {
            "versions": self._versions,
            "details": self._details,
            "credentials": self._credentials,
        }
        self.serve("hubclientinfo", InterfaceRole.RECEIVER, self.clients)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.errands.stop()
        await self.client.close()
        await self.server.stop()

    @property
    def record(self) -> Record:
        return self.server.record

    @property
    def party(self) -> PartyRef:
        return self.roles[0].party

    @property
    def versions_url(self) -> str:
        return f"{self.server.url}/versions"

    # What it offers

    def serve(self, module: str, side: InterfaceRole, handler: Handler) -> None:
        """Offer an interface; version details list it from now on."""
        self._handlers[f"{module}.{side.value.lower()}"] = handler

    def withdraw(self, module: str, side: InterfaceRole) -> None:
        self._handlers.pop(f"{module}.{side.value.lower()}", None)

    def url(self, module: str, side: InterfaceRole) -> str:
        """The address of an interface that it serves."""
        return f"{self.server.url}/{self.version}/{side.value.lower()}/{module}"

    def handler(self, received: Received) -> Handler | None:
        return self._handlers.get(received.interface)

    async def admit(self, received: Received) -> None:
        """The peer may use what it was offered before its answer is here."""
        opening = {self.tokens.current}
        if self.tokens.current or received.interface in _OPEN_TO_NEWCOMERS:
            opening.add(self.tokens.offered)
        if received.interface in _OPEN_TO_NEWCOMERS:
            opening.add(self.tokens.registration)
        if not opening & set(token.candidates(received.headers.get("Authorization"))):
            raise Unauthorized

    async def vanish(self) -> None:
        """Close the port, as a system that is switched off."""
        await self.server.stop()

    async def come_back(self) -> None:
        await self.server.start()

    # Its own calls

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        to: PartyRef | None = None,
        sender: PartyRef | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> Answer:
        """A request to the peer with the current token."""
        return await self.client.call(
            method,
            url,
            self.known_peer.token,
            body=body,
            to=to,
            sender=sender,
            headers=headers,
            params=params,
        )

    async def ask(
        self,
        method: str,
        module: str,
        side: InterfaceRole,
        ids: Sequence[str] = (),
        body: Any = None,
        *,
        to: To = "hub",
        sender: PartyRef | None = None,
        params: dict[str, str] | None = None,
    ) -> Answer:
        """A request to an interface of the peer, as often as it is told to come back later (429).

        `ids` are the path segments behind the module, `body` is JSON as objects, `sender` is the
        first party unless given. NotSent is raised for a party that is not connected.
        """
        peer = self.known_peer
        url = "/".join([peer.url(module, side), *(quote(each, safe="") for each in ids)])
        receiver = peer.party if to == "hub" else to
        if receiver is not None and not self.clients.reachable(receiver):
            raise NotSent(f"{receiver} is not connected")
        encoded = None if body is None else codec.encode(body)
        tries = 0
        while True:
            answer = await self.call(
                method, url, body=encoded, to=receiver, sender=sender or self.party, params=params
            )
            tries += 1
            if answer.http != HTTPStatus.TOO_MANY_REQUESTS or tries > _TRIES:
                return answer
            await asyncio.sleep(_retry_after(answer))

    @property
    def known_peer(self) -> Peer:
        if self.peer is None:
            raise LookupError(f"{self.name} is not registered anywhere")
        return self.peer

    async def register(self, versions_url: str, token_a: str) -> None:
        """Register at a peer with its token A; raises Refused, and nothing changes then."""
        await self._exchange("POST", versions_url, token_a)

    async def rotate(self) -> None:
        """Renew both tokens; the old ones stay in use until the peer agreed."""
        await self._exchange("PUT", self.known_peer.versions_url, self.known_peer.token)

    async def unregister(self) -> None:
        """End the registration at the peer; this side ends in any case."""
        peer, self.peer = self.known_peer, None
        try:
            answer = await self.client.call("DELETE", peer.credentials_url, peer.token)
            if not answer.ok:
                raise Refused("DELETE credentials", answer)
        finally:
            self.tokens = Tokens()

    async def refresh_clients(self) -> None:
        """Fetch the list of the hub's parties, once at start-up or in doubt (HCI-032)."""
        url = self.known_peer.url("hubclientinfo", InterfaceRole.SENDER)
        async for page in self.client.crawl(url, self.known_peer.token):
            self.clients.add(page.data)

    async def _exchange(self, method: str, versions_url: str, shown: str) -> None:
        found = await self._discover(versions_url, shown)
        self.tokens.offered = fresh_token()
        try:
            body = self._own_credentials(self.tokens.offered)
            answer = await self.client.call(method, found["credentials"], shown, body=body)
            if not answer.ok:
                raise Refused(f"{method} credentials", answer)
            self.peer = _peer(answer.data, found)
            self.tokens = Tokens(current=self.tokens.offered)
        finally:
            self.tokens.offered = None

    async def _discover(self, versions_url: str, shown: str) -> dict[str, Any]:
        """Versions, then details: {"credentials": URL, "endpoints": {(module, role): URL}}."""
        versions = await self._fetched(versions_url, shown)
        urls = {each["version"]: each["url"] for each in versions}
        if self.version not in urls:
            reason = f"no version {self.version} in {sorted(urls)}"
            raise OcpiError(reason, Status.UNSUPPORTED_VERSION)
        details = await self._fetched(urls[self.version], shown)
        endpoints = {
            (each["identifier"], each["role"]): each["url"] for each in details["endpoints"]
        }
        credentials = [url for (module, _), url in endpoints.items() if module == "credentials"]
        if not credentials:
            raise OcpiError("no credentials endpoint", Status.MISSING_ENDPOINTS)
        return {"credentials": credentials[0], "endpoints": endpoints}

    async def _fetched(self, url: str, shown: str) -> Any:
        answer = await self.client.call("GET", url, shown)
        if not answer.ok:
            raise Refused(f"GET {url}", answer)
        return answer.data

    # Its side of the credentials module

    def issue_token_a(self) -> str:
        """A token for a peer's registration; the one before dies."""
        self.tokens.registration = fresh_token()
        return self.tokens.registration

    async def _versions(self, received: Received) -> Reply:
        _only_get(received)
        entry = {"version": self.version, "url": f"{self.server.url}/{self.version}"}
        return Reply(codec.encode([entry]))

    async def _details(self, received: Received) -> Reply:
        _only_get(received)
        base = f"{self.server.url}/{self.version}"
        endpoints = [
            {"identifier": "credentials", "role": "SENDER", "url": f"{base}/credentials"}
        ] + [
            {"identifier": module, "role": side.upper(), "url": f"{base}/{side}/{module}"}
            for module, _, side in (name.partition(".") for name in self._handlers)
            if side
        ]
        return Reply(codec.encode({"version": self.version, "endpoints": endpoints}))

    async def _credentials(self, received: Received) -> Reply:
        shown = token.candidates(received.headers.get("Authorization"))
        registered = self.tokens.current in shown
        match received.method, registered:
            case "GET", _:
                held = self.tokens.current if registered else self.tokens.registration
                return Reply(self._own_credentials(held or ""))
            case ("POST", False) | ("PUT", True):
                return await self._agree(received)
            case "DELETE", True:
                self.peer, self.tokens = None, Tokens()
                return Reply()
            case _:
                raise MethodNotAllowed(f"{received.method}: registered is {registered}")

    async def _agree(self, received: Received) -> Reply:
        theirs = received.json
        if not isinstance(theirs, dict) or not {"token", "url", "roles"} <= theirs.keys():
            raise InvalidParameter("credentials: token, url and roles are required")
        try:
            found = await self._discover(theirs["url"], theirs["token"])
        except (aiohttp.ClientError, TimeoutError, Refused, LookupError, TypeError) as error:
            raise OcpiError(str(error), Status.CLIENT_API_UNUSABLE) from error
        self.peer = _peer(theirs, found)
        self.tokens = Tokens(current=fresh_token())
        return Reply(self._own_credentials(self.tokens.current or ""))

    def _own_credentials(self, given: str) -> bytes:
        return codec.encode(
            {
                "token": given,
                "url": self.versions_url,
                "roles": [role.announced() for role in self.roles],
            }
        )


def _peer(credentials: dict[str, Any], found: dict[str, Any]) -> Peer:
    return Peer(
        token=credentials["token"],
        versions_url=credentials["url"],
        credentials_url=found["credentials"],
        endpoints=found["endpoints"],
        roles=tuple(credentials["roles"]),
    )


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("Retry-After", "1")
    return min(float(text) if text.isdigit() else 1.0, _LONGEST_WAIT_S)


def _only_get(received: Received) -> None:
    if received.method != "GET":
        raise MethodNotAllowed(f"{received.method}: only GET")
