"""The words of `ocpi-hub agreement`; what it does stands in `commands/agreements.py`."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub.commands import agreements
from ocpi_hub.commands.hub import at
from ocpi_hub.commands.options import AdminKey, Config, Machine, Url

agreement = typer.Typer(
    no_args_is_help=True,
    help="Who may roam with whom, where the hub asks for agreements.",
    epilog="Example: ocpi-hub agreement list",
)

AgreementId = Annotated[str, typer.Argument(metavar="ID", help="Id of the agreement.")]
Party = Annotated[str, typer.Argument(help="A party, such as DE-VWK.")]
Module = Annotated[
    list[str] | None,
    typer.Option("--module", "-m", help="Only for this module; repeatable (default: all)."),
]
From = Annotated[
    str | None,
    typer.Option("--from", help="In force from this time on, such as 2027-01-01T00:00:00Z."),
]
To = Annotated[str | None, typer.Option("--to", help="In force before this time.")]
Terms = Annotated[
    Path | None,
    typer.Option("--settlement", exists=True, dir_okay=False, help="JSON file: terms of billing."),
]


@agreement.command("add", epilog="Example: ocpi-hub agreement add DE-VWK NL-EMP -m locations")
def add(
    first: Party,
    second: Party,
    *,
    module: Module = None,
    valid_from: From = None,
    valid_to: To = None,
    settlement: Terms = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Let two parties roam with each other."""
    given = agreements.given(module, valid_from, valid_to, settlement)
    agreements.add(at(url, admin_key, config), [first, second], given, machine)


@agreement.command("list", epilog="Example: ocpi-hub agreement list --party DE-VWK")
def listing(
    party: Annotated[str | None, typer.Option(help="Only those of this party.")] = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """All agreements, in order of creation."""
    agreements.listing(at(url, admin_key, config), party, machine)


@agreement.command("show", epilog="Example: ocpi-hub agreement show ID --json")
def show(
    agreement_id: AgreementId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """One agreement with its terms."""
    agreements.one(at(url, admin_key, config), agreement_id, machine)


@agreement.command(
    "change", epilog="Example: ocpi-hub agreement change ID --to 2028-01-01T00:00:00Z"
)
def change(
    agreement_id: AgreementId,
    *,
    module: Module = None,
    valid_from: From = None,
    valid_to: To = None,
    settlement: Terms = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(help="modules, valid_from, valid_to or settlement: take it away; repeatable."),
    ] = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Change what was agreed on, or when; what is not given stays."""
    cleared = dict.fromkeys(clear or ())
    given = cleared | agreements.given(module, valid_from, valid_to, settlement)
    agreements.change(at(url, admin_key, config), agreement_id, given, machine)


@agreement.command("remove", epilog="Example: ocpi-hub agreement remove ID --yes")
def remove(
    agreement_id: AgreementId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
) -> None:
    """End an agreement now; both parties are told."""
    agreements.remove(at(url, admin_key, config), agreement_id, yes)
