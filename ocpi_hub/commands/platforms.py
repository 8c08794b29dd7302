"""Partners, as the operator adds, connects and stops them."""

import json
import re
from typing import Any

import typer

from ocpi_hub.commands import show
from ocpi_hub.commands.hub import Hub, Json

_ROLE = re.compile(
    r"(?P<country_code>[A-Za-z]{2})-(?P<party_id>[A-Za-z0-9]{3}):(?P<role>\w+)(:(?P<name>.+))?"
)


def add(hub: Hub, name: str, roles: list[str], quirks: list[str], machine: bool) -> None:
    body = {
        "name": name,
        "roles": [_role(text, name) for text in roles],
        "quirks": dict(_quirk(text) for text in quirks),
    }
    made = hub.ask("POST", "/platforms", body)
    if machine:
        return show.as_json(made)
    show.facts(f"{name}, {made['status']}", [("id", made["id"]), *made["registration"].items()])
    return show.line("Give the partner the token and the URL now: the token is not shown again.")


def listing(hub: Hub, machine: bool) -> None:
    found = hub.items("/platforms")
    if machine:
        return show.as_json(found)
    columns = ("id", "name", "status", "roles", "version", "last seen", "breaker", "lag")
    return show.table(f"Platforms: {len(found)}", columns, [_row(item) for item in found])


def one(hub: Hub, platform: str, machine: bool) -> None:
    _shown(hub.ask("GET", f"/platforms/{platform}"), machine)


def token(hub: Hub, platform: str, machine: bool) -> None:
    issued = hub.ask("POST", f"/platforms/{platform}/registration-token")
    if machine:
        return show.as_json(issued)
    return show.facts("Registration token; the old one is void", issued.items())


def register(hub: Hub, platform: str, versions_url: str, partner_token: str, machine: bool) -> None:
    body = {"versions_url": versions_url, "token": partner_token}
    _shown(hub.ask("POST", f"/platforms/{platform}/register", body), machine)


def act(hub: Hub, platform: str, verb: str, machine: bool) -> None:
    """`verb` is rotate, suspend, resume or pull."""
    _shown(hub.ask("POST", f"/platforms/{platform}/{verb}"), machine)


def findings(hub: Hub, platform: str, since: str | None, until: str | None, machine: bool) -> None:
    """What the partner has to mend, the most frequent first."""
    times = {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    found = hub.items(f"/platforms/{platform}/findings", times)
    found.sort(key=lambda item: -int(item["count"]))
    if machine:
        return show.as_json(found)
    columns = ("rule", "count", "first_seen", "last_seen", "text", "message_id")
    rows = [[item[column] for column in columns] for item in found]
    return show.table(f"Rules that were broken: {len(found)}", columns, rows)


def remove(hub: Hub, platform: str, sure: bool) -> None:
    """Ends the connection for good, so it asks first unless the operator is `sure`."""
    if not sure:
        typer.confirm(f"End the connection with {platform} for good?", abort=True)
    hub.ask("DELETE", f"/platforms/{platform}")
    show.line("The connection is ended: its tokens are forgotten, its parties SUSPENDED.")


def _role(text: str, platform_name: str) -> Json:
    """`DE-VWK:CPO:Voltwerk GmbH`; the name may be left out."""
    found = _ROLE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not like DE-VWK:CPO or 'DE-VWK:CPO:Voltwerk GmbH'")
    return found.groupdict() | {
        "role": found["role"].upper(),
        "name": found["name"] or platform_name,
    }


def _quirk(text: str) -> tuple[str, Any]:
    """`raw_token=true`, `deadline_s=20`."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not like raw_token=true or deadline_s=20") from None


def _row(item: Json) -> tuple[object, ...]:
    return (
        item["id"],
        item["name"],
        item["status"],
        _parties(item["roles"]),
        item["versions"],
        item["last_seen"],
        item["breaker"],
        item["lag"],
    )


def _shown(item: Json, machine: bool) -> None:
    if machine:
        return show.as_json(item)
    lists = {
        "roles": _parties(item["roles"]),
        "agreed": _parties(item["agreed"]),
        "endpoints": [f"{e['module']} {e['role']} {e['url']}" for e in item["endpoints"]],
        "quirks": [f"{name}={json.dumps(value)}" for name, value in item["quirks"].items()],
        "counters": [
            f"{name} {'-' if value is None else value}" for name, value in item["counters"].items()
        ],
    }
    lists["pull"] = [_reading(each) for each in item.get("pull", [])]
    return show.facts(item["name"], (item | lists).items())


def _reading(item: Json) -> str:
    """One list that the hub reads there, and what the last reading came to."""
    last = item["last"]
    if last is None:
        return f"{item['module']} not read yet, due {item['next_at']}"
    counts = ("objects", "changed", "stale", "bad", "foreign", "vanished", "removed")
    told = ", ".join(f"{name} {last[name]}" for name in counts if last[name])
    return " ".join(
        filter(
            None,
            (
                item["module"],
                f"{last['kind']} {last['began_at']}:",
                told or "nothing",
                f"(broke off: {last['fault']})" if last["fault"] else "",
                f"next {item['next_at'] or 'never'}",
            ),
        )
    )


def _parties(roles: list[Json]) -> list[str]:
    return [
        " ".join(
            filter(
                None,
                (
                    f"{role['country_code']}-{role['party_id']}",
                    role["role"],
                    role["name"],
                    role.get("status"),
                ),
            )
        )
        for role in roles
    ]
