"""The program `ocpi-hub`: its own commands, and the groups of others."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub import __version__, settings
from ocpi_hub.cli.agreement import agreement
from ocpi_hub.cli.key import key
from ocpi_hub.cli.platform import platform
from ocpi_hub.commands import manual, messages, show
from ocpi_hub.commands.ending import Commands
from ocpi_hub.commands.hub import at
from ocpi_hub.commands.options import SINCE, UNTIL, AdminKey, Config, Machine, Url
from ocpi_hub.commands.times import moment

main = typer.Typer(
    name="ocpi-hub",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals may hold tokens
    help="A roaming hub for EV charging that speaks OCPI 2.2.1 and 2.2.",
    epilog="Example: ocpi-hub demo",
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
Seed = Annotated[int, typer.Option(help="The same number plays the same play.")]


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
