"""All that is said on the wires between the hub and its partners, and which object each of it is.

What the hub sends to a partner is in the partner's `Record`; what a partner asks and the hub
answers is noted by a `Tap` in place of its `Client`. `_OBJECTS` names the class of the request's
body and of the answer's data by interface and method; `[]` marks a list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ocpi_hub.ocpi import codec
from ocpi_hub.simulator.client import Answer, Client
from ocpi_hub.simulator.platform import SimulatedPlatform

_PARTS = ("Location", "Evse", "Connector")
_COMMANDS = {
    "START_SESSION": "StartSession",
    "STOP_SESSION": "StopSession",
    "RESERVE_NOW": "ReserveNow",
    "CANCEL_RESERVATION": "CancelReservation",
    "UNLOCK_CONNECTOR": "UnlockConnector",
}
_OBJECTS = {
    "versions GET": ("", "Version[]"),
    "details GET": ("", "VersionDetails"),
    "credentials GET": ("", "Credentials"),
    "credentials POST": ("Credentials", "Credentials"),
    "credentials PUT": ("Credentials", "Credentials"),
    "hubclientinfo.sender GET": ("", "HubClientInfo[]"),
    "hubclientinfo.receiver PUT": ("HubClientInfo", ""),
    "tariffs.sender GET": ("", "Tariff[]"),
    "tariffs.receiver GET": ("", "Tariff"),
    "tariffs.receiver PUT": ("Tariff", ""),
    "sessions.sender GET": ("", "Session[]"),
    "sessions.sender PUT": ("ChargingPreferences", ""),
    "sessions.receiver GET": ("", "Session"),
    "sessions.receiver PUT": ("Session", ""),
    "sessions.receiver PATCH": ("Session", ""),
    "cdrs.sender GET": ("", "Cdr[]"),
    "cdrs.receiver GET": ("", "Cdr"),
    "cdrs.receiver POST": ("Cdr", ""),
    "tokens.sender GET": ("", "Token[]"),
    "tokens.sender POST": ("LocationReferences", "AuthorizationInfo"),
    "tokens.receiver GET": ("", "Token"),
    "tokens.receiver PUT": ("Token", ""),
    "tokens.receiver PATCH": ("Token", ""),
    "commands.receiver POST": ("", "CommandResponse"),
    "commands.sender POST": ("CommandResult", ""),
    "chargingprofiles.receiver GET": ("", "ChargingProfileResponse"),
    "chargingprofiles.receiver PUT": ("SetChargingProfile", "ChargingProfileResponse"),
    "chargingprofiles.receiver DELETE": ("", "ChargingProfileResponse"),
    "chargingprofiles.sender POST": ("ChargingProfileResult", ""),
    "chargingprofiles.sender PUT": ("ActiveChargingProfile", ""),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One object: `kind` is its class, `part` marks a PATCH, `by` says who said it to whom."""

    kind: str
    value: Any
    by: str
    part: bool = False


class Tap(Client):
    """A client that remembers what it asked and what it heard."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str, bytes | None, Answer]] = []

    async def call(self, method: str, url: Any, *args: Any, **how: Any) -> Answer:
        answer = await super().call(method, url, *args, **how)
        self.heard.append((method, str(url), how.get("body"), answer))
        return answer


def tapped(platform: SimulatedPlatform) -> Tap:
    """Put a tap into a platform that has said nothing yet."""
    platform.client = tap = Tap()
    return tap


def overheard(platform: SimulatedPlatform, tap: Tap) -> Iterator[Said]:
    """Every object in requests from both sides, and in the hub's successful answers."""
    for received in platform.record.requests:
        by = f"hub to {platform.name}: {received.method} {received.path}"
        yield from _asked(received.method, received.path, received.body, by)
    for method, url, body, answer in tap.heard:
        path = urlsplit(url).path
        yield from _asked(method, path, body, f"{platform.name} to hub: {method} {url}")
        if answer.ok and (data := answer.data) is not None:
            yield from _answered(method, path, data, f"hub answers {platform.name}: {method} {url}")


def _asked(method: str, path: str, body: bytes | None, by: str) -> Iterator[Said]:
    if not body:
        return
    interface, below = _place(path)
    kind = _part(interface, len(below) - 2) or _OBJECTS[f"{interface} {method}"][0]
    value = codec.decode(body)
    if interface == "commands.receiver":
        kind = _COMMANDS[below[0]]
    elif "profile" in value and kind == "ChargingProfileResult":
        kind = "ActiveChargingProfileResult"
    yield Said(kind, value, by, method == "PATCH")


def _answered(method: str, path: str, data: Any, by: str) -> Iterator[Said]:
    interface, below = _place(path)
    if interface == "locations.sender" and not below:
        kind = "Location[]"
    else:
        depth = len(below) - (2 if interface == "locations.receiver" else 0)
        kind = _part(interface, depth) or _OBJECTS[f"{interface} {method}"][1]
    if kind.endswith("[]"):
        yield from (Said(kind[:-2], each, by) for each in data)
    elif kind:
        yield Said(kind, data, by)


def _part(interface: str, depth: int) -> str | None:
    """Which part of a location so many ids name."""
    return _PARTS[depth - 1] if interface.startswith("locations.") else None


def _place(path: str) -> tuple[str, list[str]]:
    """The interface, and the ids below it."""
    match [unquote(each) for each in path.strip("/").split("/")]:
        case ["ocpi", "versions"]:
            return "versions", []
        case ["ocpi", _]:
            return "details", []
        case ["ocpi", _, "credentials"]:
            return "credentials", []
        case ["ocpi", _, side, module, *below]:
            return f"{module}.{side}", below
    raise AssertionError(f"no OCPI address: {path}")
