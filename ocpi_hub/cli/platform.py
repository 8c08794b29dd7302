"""The words of `ocpi-hub platform`; what it does stands in `commands/platforms.py`."""

from typing import Annotated

import typer

from ocpi_hub.commands import platforms
from ocpi_hub.commands.hub import at
from ocpi_hub.commands.options import SINCE, UNTIL, AdminKey, Config, Machine, Url
from ocpi_hub.commands.times import moment

platform = typer.Typer(
    no_args_is_help=True,
    help="Partner systems: add, connect, stop.",
    epilog="Example: ocpi-hub platform list",
)

PlatformId = Annotated[str, typer.Argument(metavar="ID", help="Id of the platform.")]


@platform.command(
    "add", epilog='Example: ocpi-hub platform add Voltwerk --role "DE-VWK:CPO:Voltwerk GmbH"'
)
def platform_add(
    name: Annotated[str, typer.Argument(help="How operators call the platform.")],
    *,
    role: Annotated[
        list[str],
        typer.Option(
            help="Agreed party, COUNTRY-PARTY:ROLE or COUNTRY-PARTY:ROLE:NAME; repeatable."
        ),
    ],
    quirk: Annotated[
        list[str] | None,
        typer.Option(help="Where it differs from OCPI, such as raw_token=true; repeatable."),
    ] = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Add a platform; prints the token and the URL with which it registers here."""
    platforms.add(at(url, admin_key, config), name, role, quirk or [], machine)


@platform.command("list", epilog="Example: ocpi-hub platform list --url https://hub.example")
def platform_list(
    url: Url = None, admin_key: AdminKey = None, config: Config = None, machine: Machine = False
) -> None:
    """All platforms with their states."""
    platforms.listing(at(url, admin_key, config), machine)


@platform.command("show", epilog="Example: ocpi-hub platform show ID --json")
def platform_show(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """One platform with its roles, endpoints and counters."""
    platforms.one(at(url, admin_key, config), platform_id, machine)


@platform.command(
    "register", epilog="Example: ocpi-hub platform register ID https://cpo.example/ocpi/versions"
)
def platform_register(
    platform_id: PlatformId,
    versions_url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    *,
    token: Annotated[
        str,
        typer.Option(
            prompt="Token of the partner",
            hide_input=True,
            envvar="OCPI_HUB_PARTNER_TOKEN",
            help="The registration token (token A) that the partner made for this hub. Asked for "
            "when it is left out, so that it stays out of the shell's history.",
        ),
    ],
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Register the hub at a partner that invited it."""
    platforms.register(at(url, admin_key, config), platform_id, versions_url, token, machine)


@platform.command("token", epilog="Example: ocpi-hub platform token ID")
def platform_token(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Make a new registration token; the old one is void."""
    platforms.token(at(url, admin_key, config), platform_id, machine)


@platform.command("rotate", epilog="Example: ocpi-hub platform rotate ID")
def platform_rotate(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Renew the credentials with a partner."""
    platforms.act(at(url, admin_key, config), platform_id, "rotate", machine)


@platform.command("suspend", epilog="Example: ocpi-hub platform suspend ID")
def platform_suspend(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Stop a partner: its tokens are refused but kept."""
    platforms.act(at(url, admin_key, config), platform_id, "suspend", machine)


@platform.command("resume", epilog="Example: ocpi-hub platform resume ID")
def platform_resume(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Let a suspended partner in again."""
    platforms.act(at(url, admin_key, config), platform_id, "resume", machine)


@platform.command("pull", epilog="Example: ocpi-hub platform pull ID")
def platform_pull(
    platform_id: PlatformId,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """Read a partner's lists in full, now; `platform show` tells what it came to."""
    platforms.act(at(url, admin_key, config), platform_id, "pull", machine)


@platform.command(
    "findings", epilog="Example: ocpi-hub platform findings ID --since 2026-11-01T00:00:00Z"
)
def platform_findings(
    platform_id: PlatformId,
    *,
    since: Annotated[str | None, typer.Option(callback=moment, help=SINCE)] = None,
    until: Annotated[str | None, typer.Option(callback=moment, help=UNTIL)] = None,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """What a partner has to mend: the rules that its messages broke without being refused."""
    platforms.findings(at(url, admin_key, config), platform_id, since, until, machine)


@platform.command("remove", epilog="Example: ocpi-hub platform remove ID --yes")
def platform_remove(
    platform_id: PlatformId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
) -> None:
    """End the connection with a partner: it is told, and its tokens are forgotten."""
    platforms.remove(at(url, admin_key, config), platform_id, yes)
