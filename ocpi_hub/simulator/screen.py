"""What the demo shows: partners, pace, the car, drivers and their bills, as tables or as lines.

The tables fit a terminal of 80 columns and 24 lines, and have more lines where there is room.
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
from ocpi_hub.simulator.roaming import Roaming
from ocpi_hub.simulator.trip import Stage, Trip

_STATUS_STYLE = {"CONNECTED": "green", "OFFLINE": "red", "PLANNED": "yellow", "SUSPENDED": "red"}
_QUALITY_STYLE = {"LIVE": "green", "AGED": "yellow", "STALE": "red"}
_STAGE_STYLE = {Stage.CHARGING: "cyan", Stage.BILLED: "green"}
_NOTHING = "-"
_SMALL = 24  # lines of a terminal
_FRAME = 13  # of them that hold no partner, station or trip
_MOST_STATIONS = 5
_ROOMY = 30  # lines that have room for blank ones


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
    roaming: Roaming


def tables(scene: Scene, *, running: bool = True, height: int = _SMALL) -> RenderableType:
    """`height` is how many lines there are; stations and trips share what partners leave."""
    gap = [Text("")] if height >= _ROOMY else []
    room = max(2, height - _FRAME - 3 * len(gap) - len(scene.partners))
    stations = min(_MOST_STATIONS, room // 2)
    foot = Text("Ctrl-C ends it" if running else "", "dim", no_wrap=True)
    if scene.car_fault:
        foot = Text(f"The car has no answer: {scene.car_fault}", "red", no_wrap=True)
    trips = _trips(scene.roaming, room - stations)
    car = _car(scene, stations)
    return Group(_head(scene), *gap, _partners(scene), *gap, car, *gap, trips, foot)


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
    told.append(_business(scene.roaming))
    if scene.nearest:
        plug = scene.nearest[0]
        told.append(f"car: {_free(plug)} at {plug.name}, {_away(plug)}, {plug.quality}")
    return " | ".join(told)


def summary(scene: Scene, differences: dict[str, Difference]) -> RenderableType:
    table = _table()
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
    shown = _titled("What arrived", table)
    return Group(shown, Text(total), Text(_brought(scene.roaming)))


def _brought(roaming: Roaming) -> str:
    owed = ", ".join(f"{amount:.2f} {currency}" for currency, amount in roaming.owed.items())
    gave_up = f"; {roaming.gave_up} drivers drove on" if roaming.gave_up else ""
    return (
        f"{roaming.started} sessions started and {roaming.ended} ended; {roaming.commands} commands"
        f" answered in {_ms(roaming.answers.p50)} (p50), {_ms(roaming.answers.p99)} (p99), their"
        f" results after {_ms(roaming.results.p50)}; {roaming.cdrs} CDRs delivered"
        f"{owed and f', {owed} without VAT'}{gave_up}"
    )


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


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def _titled(title: str, table: Table) -> Group:
    """The title on one line, as wide as the terminal and not as the table."""
    return Group(Text(title, "bold", no_wrap=True, overflow="ellipsis"), table)


def _partners(scene: Scene) -> Group:
    table = _table()
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
    title = "Partners and their locations; lag is from a CPO's push until a receiver has it"
    return _titled(title, table)


def _car(scene: Scene, rows: int) -> Group:
    table = _table()
    table.add_column("station", min_width=26, max_width=44, no_wrap=True)
    table.add_column("away", justify="right", min_width=6)
    table.add_column("plug", no_wrap=True)
    table.add_column("free", justify="right")
    table.add_column("age", justify="right", min_width=5)
    table.add_column("quality", min_width=7)
    for plug in scene.nearest[:rows]:
        table.add_row(
            Text(plug.name),
            _away(plug),
            plug.connector if plug.kw is None else f"{plug.connector} {plug.kw:g} kW",
            _free(plug),
            _NOTHING if plug.age_s is None else f"{plug.age_s:.0f} s",
            Text(plug.quality, _QUALITY_STYLE.get(plug.quality, "")),
        )
    title = f"Free fast chargers around {scene.place}; {scene.events} live changes seen there"
    return _titled(title, table)


def _trips(roaming: Roaming, rows: int) -> Group:
    """The last bills beside who charges now; an amount is the bill's, or what it is so far."""
    table = _table()
    table.add_column("driver", min_width=7, max_width=10, no_wrap=True)
    table.add_column("by", min_width=4)
    table.add_column("station", min_width=26, max_width=44, no_wrap=True)
    table.add_column("state", min_width=8)
    table.add_column("kWh", justify="right", min_width=6)
    table.add_column("amount", justify="right", min_width=10)
    for trip in _seen(roaming, rows):
        table.add_row(
            trip.driver,
            trip.way,
            Text(trip.place),
            Text(trip.stage, _STAGE_STYLE.get(trip.stage, "")),
            trip.kwh,
            trip.amount,
        )
    return _titled(_business(roaming), table)


def _seen(roaming: Roaming, rows: int) -> list[Trip]:
    """Half of it bills, as far as there are any; where one kind is short, more of the other."""
    bills = max(rows // 2, rows - len(roaming.going))
    billed = roaming.billed[:bills]
    return [*roaming.going[: rows - len(billed)], *billed]


def _business(roaming: Roaming) -> str:
    owed = ", ".join(f"{amount:.2f} {currency}" for currency, amount in roaming.owed.items())
    return (
        f"{roaming.running} sessions run, {roaming.ended} ended; {roaming.commands} commands in"
        f" {_ms(roaming.answers.p50)}; {roaming.cdrs} CDRs{owed and f', {owed}'}"
    )


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
