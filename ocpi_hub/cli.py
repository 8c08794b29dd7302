"""The command line's words: names, options, help. What commands do stands in `commands/`."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub import __version__, settings
from ocpi_hub.cli_agreement import agreement
from ocpi_hub.commands import keys, manual, messages, platforms, show
from ocpi_hub.commands.ending import Commands
from ocpi_hub.commands.hub import at
from ocpi_hub.commands.options import AdminKey, Config, Machine, Url
from ocpi_hub.commands.times import moment
from ocpi_hub.modules.keys import Scope

main = typer.Typer(
    name="ocpi-hub",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals may hold tokens
    help="A roaming hub for EV charging that speaks OCPI 2.2.1 and 2.2.",
    epilog="Example: ocpi-hub demo",
)
key = typer.Typer(
    no_args_is_help=True,
    help="Keys of operators and navigation clients.",
    epilog="Example: ocpi-hub key list",
)
platform = typer.Typer(
    no_args_is_help=True,
    help="Partner systems: add, connect, stop.",
    epilog="Example: ocpi-hub platform list",
)
main.add_typer(key, name="key")
main.add_typer(platform, name="platform")
main.add_typer(agreement, name="agreement")

Stations = Annotated[int, typer.Option(min=1, help="Made-up charging stations.")]
LocationsFile = Annotated[
    Path | None, typer.Option(help="Locations instead, a .jsonl or .jsonl.gz file.")
]
Rate = Annotated[float, typer.Option(min=0.1, help="Status changes a second.")]
Speed = Annotated[
    float | None, typer.Option(min=0.1, help="Simulated seconds a second, instead of a rate.")
]
Seconds = Annotated[
    float | None,
    typer.Option(
        "--for", min=1, help="Seconds from when all is pushed until it ends (default: Ctrl-C)."
    ),
]
Plain = Annotated[bool, typer.Option("--plain", help="Lines instead of a live table.")]
SINCE = "From this time on, such as 2026-11-01T00:00:00Z."
UNTIL = "Before this time, such as 2026-11-02T00:00:00Z."
SCOPES = f"What it may do; repeatable. One of {', '.join(Scope)}."
Seed = Annotated[int, typer.Option(help="The same number plays the same play.")]
PlatformId = Annotated[str, typer.Argument(metavar="ID", help="Id of the platform.")]


def _version(wanted: bool) -> None:
    if wanted:
        show.line(__version__)
        raise typer.Exit


@main.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A roaming hub for EV charging that speaks OCPI 2.2.1 and 2.2."""


@main.command(epilog="Example: ocpi-hub serve --workers 2 --config /etc/ocpi-hub.toml")
def serve(
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = 1,
    config: Config = None,
) -> None:
    """Serve partners, operators and cars until SIGTERM or Ctrl-C."""
    from ocpi_hub import serving  # noqa: PLC0415 - other commands need no hub

    raise typer.Exit(serving.serve(settings.load(config), workers, config))


@main.command(epilog="Example: ocpi-hub migrate --config /etc/ocpi-hub.toml")
def migrate(config: Config = None) -> None:
    """Bring the database to this version's tables."""
    from ocpi_hub import serving  # noqa: PLC0415 - other commands need no hub

    raise typer.Exit(serving.migrate(settings.load(config)))


@main.command("settings", epilog="Example: ocpi-hub settings --json")
def settings_(config: Config = None, machine: Machine = False) -> None:
    """Every setting with its meaning and its value here; secrets are masked."""
    manual.settings(settings.load(config), machine)


@main.command(epilog="Example: ocpi-hub demo --stations 500 --for 60")
def demo(
    *,
    stations: Stations = 3000,
    locations: LocationsFile = None,
    rate: Rate = 40.0,
    speed: Speed = None,
    for_s: Seconds = None,
    plain: Plain = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the hub's data here (default: forget them).")
    ] = None,
    seed: Seed = 1,
) -> None:
    """A hub on an embedded PostgreSQL with simulated partners and cars around it."""
    from ocpi_hub.simulator import demo as play  # noqa: PLC0415 - other commands need no partners
    from ocpi_hub.simulator.script import Script  # noqa: PLC0415 - as above

    script = Script(stations, locations, rate, speed, for_s=for_s, plain=plain, seed=seed)
    raise typer.Exit(play.run(play.Options(script, data_dir)))


@main.command(
    epilog="Example: ocpi-hub simulate --hub http://127.0.0.1:8080 --key ADMIN_KEY --for 60"
)
def simulate(
    *,
    hub: Annotated[
        str | None, typer.Option(help="Address of the hub (default: that of the settings).")
    ] = None,
    admin_key: AdminKey = None,
    config: Config = None,
    stations: Stations = 3000,
    locations: LocationsFile = None,
    rate: Rate = 40.0,
    speed: Speed = None,
    cpos: Annotated[int, typer.Option(min=1, max=100, help="Charge point operators.")] = 2,
    emsps: Annotated[int, typer.Option(min=1, max=100, help="E-mobility providers.")] = 2,
    for_s: Seconds = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Let the platforms stay connected in the end.")
    ] = False,
    plain: Plain = False,
    seed: Seed = 1,
) -> None:
    """Simulated partners and a car that play at a hub which runs on this machine.

    The hub has to allow partners on this machine, without TLS: start it with
    OCPI_HUB__DELIVERY__ALLOW_PRIVATE=true and OCPI_HUB__DELIVERY__REQUIRE_HTTPS=false.
    In the end they leave: their platforms stay at the hub as SUSPENDED, and what they pushed is
    shown to nobody any more.
    """
    from ocpi_hub.simulator import simulate as play  # noqa: PLC0415 - other commands need no partners
    from ocpi_hub.simulator.script import Script  # noqa: PLC0415 - as above

    where = at(hub, admin_key, config)
    script = Script(stations, locations, rate, speed, cpos, emsps, for_s, plain, seed)
    raise typer.Exit(play.run(play.Options(where.url, where.key, script, keep)))


@main.command(epilog="Example: ocpi-hub version")
def version() -> None:
    """Print the version."""
    show.line(__version__)


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


@main.command("messages", epilog="Example: ocpi-hub messages --sender DE-VWK --outcome timeout")
def messages_(
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="One message with its bodies.")
    ] = None,
    *,
    correlation_id: Annotated[str | None, typer.Option(help="Of all hops of one message.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Of one hop.")] = None,
    route: Annotated[str | None, typer.Option(help="Such as locations.receiver.put.")] = None,
    mode: Annotated[str | None, typer.Option(help="Such as direct or broadcast.")] = None,
    direction: Annotated[str | None, typer.Option(help="IN or OUT.")] = None,
    platform_id: Annotated[str | None, typer.Option("--platform", help="Id of a platform.")] = None,
    sender: Annotated[str | None, typer.Option(help="Such as DE-VWK.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Such as NL-ABC.")] = None,
    http: Annotated[str | None, typer.Option(help="HTTP status.")] = None,
    code: Annotated[str | None, typer.Option(help="OCPI status code.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Such as timeout.")] = None,
    since: Annotated[str | None, typer.Option(callback=moment, help=SINCE)] = None,
    until: Annotated[str | None, typer.Option(callback=moment, help=UNTIL)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Messages at most.")] = 20,
    url: Url = None,
    admin_key: AdminKey = None,
    config: Config = None,
    machine: Machine = False,
) -> None:
    """The journal: what went through the hub, newest first."""
    hub = at(url, admin_key, config)
    if number is not None:
        return messages.one(hub, number, machine)
    filters = {
        "correlation_id": correlation_id,
        "request_id": request_id,
        "route": route,
        "mode": mode,
        "direction": direction,
        "platform": platform_id,
        "sender": sender,
        "receiver": receiver,
        "http": http,
        "code": code,
        "outcome": outcome,
        "since": since,
        "until": until,
    }
    return messages.search(hub, filters, limit, machine)
