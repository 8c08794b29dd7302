"""Keys of operators and navigation clients."""

from ocpi_hub.commands import show
from ocpi_hub.commands.hub import Hub


def create(hub: Hub, name: str, scopes: list[str], expires: str | None, machine: bool) -> None:
    body = {"name": name, "scopes": scopes, "expires_at": expires}
    made = hub.ask("POST", "/keys", body)
    if machine:
        return show.as_json(made)
    show.facts(name, made.items())
    return show.line("Keep the key now: it is not shown again.")


def listing(hub: Hub, machine: bool) -> None:
    found = hub.items("/keys")
    if machine:
        return show.as_json(found)
    columns = ("id", "name", "scopes", "created_at", "expires_at")
    rows = [[item[column] for column in columns] for item in found]
    return show.table(f"Keys: {len(found)}", columns, rows)


def delete(hub: Hub, key_id: str) -> None:
    hub.ask("DELETE", f"/keys/{key_id}")
    show.line("The key is deleted and opens nothing any more.")
