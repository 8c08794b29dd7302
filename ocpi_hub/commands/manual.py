"""`ocpi-hub settings`: every setting with its meaning and value; secrets masked."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from ocpi_hub.commands import show
from ocpi_hub.settings import Room, Settings, variable


@dataclass(frozen=True, slots=True)
class Line:
    variable: str
    value: str
    default: str
    meaning: str


def settings(loaded: Settings, machine: bool) -> None:
    lines = list(manual(loaded))
    if machine:
        return show.as_json([asdict(line) for line in lines])
    rows = [(line.variable, line.value, line.meaning) for line in lines]
    return show.table("Settings of this hub", ("variable", "value", "meaning"), rows)


def manual(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[Line]:
    """A line for each setting, room by room."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, Room):
            yield from manual(value, (*path, name))
        else:
            yield _line(info, value, (*path, name))


def _line(info: FieldInfo, value: object, path: tuple[str, ...]) -> Line:
    return Line(variable(path), _shown(value), _shown(info.get_default()), info.description or "")


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    return str(value)
