"""`ocpi-hub settings`: every setting with its meaning and value; secrets masked."""

from dataclasses import asdict

from ocpi_hub.commands import show
from ocpi_hub.settings import Settings, manual


def settings(loaded: Settings, machine: bool) -> None:
    lines = list(manual(loaded))
    if machine:
        return show.as_json([asdict(line) for line in lines])
    rows = [(line.variable, line.value, line.meaning) for line in lines]
    return show.table("Settings of this hub", ("variable", "value", "meaning"), rows)
