"""The words of `ocpi-hub key`; what it does stands in `commands/keys.py`."""

from typing import Annotated

import typer

from ocpi_hub.commands import keys
from ocpi_hub.commands.hub import at
from ocpi_hub.commands.options import AdminKey, Config, Machine, Url
from ocpi_hub.commands.times import moment
from ocpi_hub.modules.keys import Scope

SCOPES = f"What it may do; repeatable. One of {', '.join(Scope)}."

key = typer.Typer(
    no_args_is_help=True,
    help="Keys of operators and navigation clients.",
    epilog="Example: ocpi-hub key list",
)


@key.command("create", epilog='Example: ocpi-hub key create "car maker" -s nav:read -s nav:stream')
def key_create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    *,
    scope: Annotated[list[str], typer.Option("--scope", "-s", help=SCOPES)],
    expires: Annotated[
        str | None,
        typer.Option(callback=moment, help="Time of its end, such as 2027-12-31T23:59:59Z."),
    ] = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Make a key and show it, this once."""
    keys.create(at(url, admin_key, config), name, scope, expires, machine)


@key.command("list", epilog="Example: ocpi-hub key list --json")
def key_list(
    url: Url = None, admin_key: AdminKey = None, config: Config = None, machine: Machine = False
) -> None:
    """All keys, without their secrets."""
    keys.listing(at(url, admin_key, config), machine)


@key.command("delete", epilog="Example: ocpi-hub key delete 0b5c6f0e-6d0b-4c11-9d6a-0f3c2b1a9e77")
def key_delete(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key.")],
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
) -> None:
    """Delete a key: from now on it opens nothing."""
    keys.delete(at(url, admin_key, config), key_id)
