"""The journal of messages, searched from the terminal."""

from collections.abc import Mapping

from ocpi_hub.commands import show
from ocpi_hub.commands.hub import Hub, Json

COLUMNS = ("id", "at", "direction", "route", "sender", "receiver", "http", "code", "outcome", "ms")


def search(hub: Hub, filters: Mapping[str, str | None], limit: int, machine: bool) -> None:
    given = {name: value for name, value in filters.items() if value is not None}
    found = hub.items("/messages", given, limit)
    if machine:
        return show.as_json(found)
    return show.table(
        f"Messages, newest first: {len(found)}", COLUMNS, [_row(hop) for hop in found]
    )


def one(hub: Hub, number: int, machine: bool) -> None:
    hop = hub.ask("GET", f"/messages/{number}")
    return show.as_json(hop) if machine else show.facts(f"message {number}", hop.items())


def _row(hop: Json) -> list[object]:
    return [*(hop[column] for column in COLUMNS[:-1]), f"{hop['duration_ms']:.1f}"]
