"""Agreements, as the operator makes, changes and ends them."""

import json
from pathlib import Path

import typer

from ocpi_hub.commands import show
from ocpi_hub.commands.hub import Hub, Json


def given(
    modules: list[str] | None, valid_from: str | None, valid_to: str | None, settlement: Path | None
) -> Json:
    """The members that the command line gave."""
    members = {
        "modules": modules,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "settlement": None if settlement is None else _terms(settlement),
    }
    return {name: value for name, value in members.items() if value is not None}


def add(hub: Hub, parties: list[str], terms: Json, machine: bool) -> None:
    _shown(hub.ask("POST", "/agreements", {"parties": parties} | terms), machine)


def listing(hub: Hub, party: str | None, machine: bool) -> None:
    found = hub.items("/agreements", {} if party is None else {"party": party})
    if machine:
        return show.as_json(found)
    columns = ("id", "parties", "modules", "valid_from", "valid_to", "in_force")
    rows = [
        [item["id"], item["parties"], _modules(item), *(item[name] for name in columns[3:])]
        for item in found
    ]
    return show.table(f"Agreements: {len(found)}", columns, rows)


def one(hub: Hub, agreement: str, machine: bool) -> None:
    _shown(hub.ask("GET", f"/agreements/{agreement}"), machine)


def change(hub: Hub, agreement: str, terms: Json, machine: bool) -> None:
    _shown(hub.ask("PATCH", f"/agreements/{agreement}", terms), machine)


def remove(hub: Hub, agreement: str, sure: bool) -> None:
    """Ends the roaming of two parties at once, so it asks first unless the operator is `sure`."""
    if not sure:
        typer.confirm(f"End the agreement {agreement} now?", abort=True)
    hub.ask("DELETE", f"/agreements/{agreement}")
    show.line("The agreement is ended.")


def _terms(file: Path) -> Json:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file}: must hold a JSON object")
    return found


def _modules(item: Json) -> object:
    return item["modules"] or "all"


def _shown(item: Json, machine: bool) -> None:
    if machine:
        return show.as_json(item)
    billing = item["settlement"]
    told = item | {
        "modules": _modules(item),
        "settlement": None
        if billing is None
        else [f"{name}={json.dumps(value)}" for name, value in billing.items()],
    }
    return show.facts(" and ".join(item["parties"]), told.items())
