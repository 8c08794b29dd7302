"""How a command ends when it fails: a clear message on stderr and an exit code, no traceback."""

from typing import Any

import typer
from typer.core import TyperGroup

from ocpi_hub.settings import BadSettings


class Failed(Exception):
    """The command could not be done; the message tells the operator why (exit 1)."""


class Commands(TyperGroup):
    """The root of the command line: every command below it ends here."""

    def invoke(self, ctx: Any) -> Any:  # a click.Context, which typer keeps to itself
        try:
            return super().invoke(ctx)
        except BadSettings as error:
            for fault in error.faults:
                typer.echo(f"ocpi-hub: {fault}", err=True)
            raise typer.Exit(2) from None
        except Failed as error:
            typer.echo(f"ocpi-hub: {error}", err=True)
            raise typer.Exit(1) from None
