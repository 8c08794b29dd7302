"""What a newcomer is told before the play: addresses, keys, and requests to try."""

import os
import sys
from collections.abc import Iterable, Iterator

from ocpi_hub.ocpi import token
from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.simulator.car import Car
from ocpi_hub.simulator.cast import Cast

Fact = tuple[str, str]


def introduction(
    players: Cast, car: Car, place: str, admin_key: str | None, more: Iterable[Fact]
) -> str:
    """Each command can be pasted into another terminal as it is.

    `admin_key` is None where it is not ours to show; what needs it is left out then.
    """
    facts = [("Hub", car.url), ("Manual", f"{car.url}/docs"), ("Car key", car.key)]
    tries = list(_partners(players, car, place))
    if admin_key:
        facts.append(("Admin key", admin_key))
        tries += _operators(car.url, admin_key)
    told = [f"{name:<10} {value}" for name, value in (*facts, *more)]
    commands = [f"{what}\n{command}" for what, command in tries]
    return "\n".join(["", *told, "", "To try in another terminal:", "", *commands, ""])


def _partners(players: Cast, car: Car, place: str) -> Iterator[Fact]:
    driver, spot = f"Bearer {car.key}", f"lat={car.lat:.4f}&lon={car.lon:.4f}"
    yield (
        f"Chargers around {place} with a free plug, as a car asks for them",
        _curl("-s", driver, f"{car.url}/nav/v1/stations/nearby?{spot}&available=now&limit=3"),
    )
    yield (
        "What changes there, as it happens (Ctrl-C ends it)",
        _curl("-sN", driver, f"{car.url}/nav/v1/stream?circle={car.lat:.4f},{car.lon:.4f},5000"),
    )
    emsp = players.emsps[0]
    peer = emsp.known_peer
    yield (
        f"Who is connected, as {emsp.name} is told by OCPI",
        _curl(
            "-s",
            token.authorization(peer.token),
            peer.url("hubclientinfo", InterfaceRole.SENDER),
        ),
    )


def _operators(url: str, admin_key: str) -> Iterator[Fact]:
    yield (
        "The partners, as the operator of the hub sees them",
        _curl("-s", f"Bearer {admin_key}", f"{url}/admin/v1/platforms"),
    )
    yield (
        "What went through the hub in the last moments",
        f"  {_program()} messages --url {url} \\\n    --key {admin_key}",
    )


def _curl(options: str, authorization: str, url: str) -> str:
    return f"  curl {options} -H 'Authorization: {authorization}' \\\n    '{url}'"


def _program() -> str:
    """This program, by the shorter of its two paths."""
    python = min(sys.executable, os.path.relpath(sys.executable), key=len)
    return f"{python} -m ocpi_hub"
