"""What the demo shows: partners, pace and the car, as tables or as lines.

The tables fit a terminal of 80 columns and 24 lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ocpi_hub.simulator.car import Plug
from ocpi_hub.simulator.compare import Difference
from ocpi_hub.simulator.lag import Quantiles

_STATUS_STYLE = {"CONNECTED": "green", "OFFLINE": "red", "PLANNED": "yellow", "SUSPENDED": "red"}
_QUALITY_STYLE = {"LIVE": "green", "AGED": "yellow", "STALE": "red"}
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """`pushes` are sent where there is no `lag`, which is from the CPO's push to the receipt."""

    name: str
    roles: str
    status: str
    locations: int
    pushes: int
    lag: Quantiles | None

    @property
    def sent_and_received(self) -> tuple[str, str]:
        return (_NOTHING, str(self.pushes)) if self.lag else (str(self.pushes), _NOTHING)


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at everything. `rate` is status changes a second, `answers` are the hub's times."""

    url: str
    elapsed_s: float
    for_s: float | None
    clock: datetime
    changes: int
    rate: float
    answers: Quantiles
    partners: Sequence[PartnerLine]
    nearest: Sequence[Plug]
    place: str
    events: int
    car_fault: str | None
    unsure: int


def tables(scene: Scene, *, running: bool = True) -> RenderableType:
    foot = Text("Ctrl-C ends it" if running else "", "dim")
    if scene.car_fault:
        foot = Text(f"The car has no answer: {scene.car_fault}", "red")
    return Group(_head(scene), _partners(scene), _car(scene), foot)


def line(scene: Scene) -> str:
    """The same in one line, for logs."""
    told = [
        f"{scene.elapsed_s:.0f} s",
        f"{scene.changes} changes ({scene.rate:.0f}/s)",
        f"hub answers p50/p99 {_pair(scene.answers)} ms",
    ]
    told += [
        f"{partner.name}: {partner.status}, {partner.locations} locations, {partner.pushes} pushes"
        f", lag p50/p99 {_pair(partner.lag)} ms"
        for partner in scene.partners
        if partner.lag is not None
    ]
    if scene.nearest:
        plug = scene.nearest[0]
        told.append(f"car: {_free(plug)} at {plug.name}, {_away(plug)}, {plug.quality}")
    return " | ".join(told)


def summary(scene: Scene, differences: dict[str, Difference]) -> RenderableType:
    table = _table("What arrived")
    table.add_column("receiver")
    for column in ("held", "received", "missing", "not equal", "lag p50", "lag p99"):
        table.add_column(column, justify="right")
    lines = {partner.name: partner for partner in scene.partners}
    for name, found in differences.items():
        partner = lines[name]
        bad = "red" if not found.none else ""
        table.add_row(
            Text(name),
            str(partner.locations),
            str(partner.pushes),
            Text(str(found.missing), bad),
            Text(str(found.unequal), bad),
            *_both(partner.lag),
        )
    total = (
        f"{scene.changes} status changes in {scene.elapsed_s:.0f} s; "
        f"the hub answered in {_ms(scene.answers.p50)} (p50), {_ms(scene.answers.p99)} (p99); "
        f"the car saw {scene.events} live events"
    )
    return Group(table, Text(total))


def _head(scene: Scene) -> RenderableType:
    text = Text()
    end = f" of {_clock(scene.for_s)}" if scene.for_s else ""
    text.append("OCPI Hub ", "bold")
    text.append(f"{scene.url}   running {_clock(scene.elapsed_s)}{end}")
    text.append(f"   simulated {scene.clock:%a %H:%M}\n", "dim")
    text.append(f"{scene.rate:.0f}", "bold cyan")
    text.append(f" changes a second, {scene.changes} so far; the hub answers in ")
    text.append(f"{_ms(scene.answers.p50)}", "bold cyan")
    text.append(f", p99 {_ms(scene.answers.p99)}")
    if scene.unsure:
        text.append(f"; {scene.unsure} to be pushed again", "yellow")
    return text


def _table(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD, title=Text(title, "bold"), title_justify="left", padding=(0, 1, 0, 0)
    )


def _partners(scene: Scene) -> Table:
    title = "Partners and their locations; lag is from a CPO's push until a receiver has it"
    table = _table(title)
    table.add_column("name", min_width=14, max_width=22, no_wrap=True)
    table.add_column("role")
    table.add_column("status", min_width=9)
    for column in ("holds", "sent", "received", "lag p50", "lag p99"):
        table.add_column(column, justify="right", min_width=6)
    for partner in scene.partners:
        table.add_row(
            Text(partner.name),
            partner.roles,
            Text(partner.status, _STATUS_STYLE.get(partner.status, "")),
            str(partner.locations),
            *partner.sent_and_received,
            *_both(partner.lag),
        )
    return table


def _car(scene: Scene) -> Table:
    title = (
        f"Free fast chargers for a car around {scene.place}; {scene.events} live changes seen there"
    )
    table = _table(title)
    table.add_column("station", min_width=26, max_width=44, no_wrap=True)
    table.add_column("away", justify="right", min_width=6)
    table.add_column("plug", no_wrap=True)
    table.add_column("free", justify="right")
    table.add_column("age", justify="right", min_width=5)
    table.add_column("quality", min_width=7)
    for plug in scene.nearest[:5]:
        table.add_row(
            Text(plug.name),
            _away(plug),
            plug.connector if plug.kw is None else f"{plug.connector} {plug.kw:g} kW",
            _free(plug),
            _NOTHING if plug.age_s is None else f"{plug.age_s:.0f} s",
            Text(plug.quality, _QUALITY_STYLE.get(plug.quality, "")),
        )
    return table


def _away(plug: Plug) -> str:
    metres = plug.distance_m
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"  # noqa: PLR2004 - m in a km


def _free(plug: Plug) -> str:
    return f"{_NOTHING if plug.free is None else plug.free}/{plug.total}"


def _both(lag: Quantiles | None) -> tuple[str, str]:
    return (_NOTHING, _NOTHING) if lag is None else (_ms(lag.p50), _ms(lag.p99))


def _pair(lag: Quantiles | None) -> str:
    if lag is None or lag.p50 is None or lag.p99 is None:
        return _NOTHING
    return f"{lag.p50:.0f}/{lag.p99:.0f}"


def _ms(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"  # noqa: PLR2004 - two digits do


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
