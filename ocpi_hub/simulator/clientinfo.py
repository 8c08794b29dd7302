"""The hubclientinfo Receiver: what the hub said about the others.

Kept by party and role, because two roles of one party share a URL (HCI-020).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role, parse_datetime
from ocpi_hub.ocpi.status import InvalidParameter, MethodNotAllowed, NoSuchResource
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import Reply, party_of


class ClientInfos:
    def __init__(self) -> None:
        self._held: dict[tuple[PartyRef, str], dict[str, Any]] = {}

    async def __call__(self, received: Received) -> Reply:
        if len(received.segments) != 2:  # noqa: PLR2004 - country and party
            raise NoSuchResource("hubclientinfo: /{country_code}/{party_id}")
        match received.method:
            case "PUT":
                return self._put(received)
            case "GET":
                return self._get(received)
            case _:
                raise MethodNotAllowed(f"{received.method}: only GET and PUT")

    def status(self, party: PartyRef, role: Role) -> ConnectionStatus | None:
        held = self._held.get((party, role.value))
        return None if held is None else ConnectionStatus(held["status"])

    def reachable(self, party: PartyRef) -> bool:
        """False when the hub said of each of its roles that nothing can be delivered (HCI-031)."""
        told = [info["status"] for (known, _), info in self._held.items() if known == party]
        return not told or ConnectionStatus.CONNECTED.value in told

    def add(self, infos: Iterable[dict[str, Any]]) -> None:
        """Take objects of the hub's list; newer ones win."""
        for info in infos:
            key = PartyRef(info["country_code"], info["party_id"]), info["role"]
            held = self._held.get(key)
            if held is None or _age(held) <= _age(info):
                self._held[key] = info

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._held.values())

    def _put(self, received: Received) -> Reply:
        info, party = received.json, party_of(received)
        if PartyRef(info["country_code"], info["party_id"]) != party:
            raise InvalidParameter("hubclientinfo: the body is about another party than the path")
        self._held[party, info["role"]] = info
        return Reply()

    def _get(self, received: Received) -> Reply:
        wanted = party_of(received)
        for (party, _), info in self._held.items():
            if party == wanted:
                return Reply(codec.encode(info))
        raise NoSuchResource(f"hubclientinfo: nothing known of {wanted}")


def _age(info: dict[str, Any]) -> datetime:
    return parse_datetime(info["last_updated"])
