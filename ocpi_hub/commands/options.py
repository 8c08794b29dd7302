"""Options that all commands share which ask a running hub."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub.commands.hub import KEY_VARIABLE

Url = Annotated[
    str | None, typer.Option(help="Address of the hub (default: its public URL in the settings).")
]
AdminKey = Annotated[
    str | None, typer.Option("--key", help=f"Admin key (default: {KEY_VARIABLE} or the settings).")
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with settings; the environment goes before it.")
]
Machine = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
SINCE = "From this time on, such as 2026-11-01T00:00:00Z."
UNTIL = "Before this time, such as 2026-11-02T00:00:00Z."
