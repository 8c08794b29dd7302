"""Leaving out what a model does not know, for partners that refuse unknown members."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.finding import OcpiModel


def known_only(model: type[OcpiModel], body: bytes) -> bytes:
    """The object without the members that its model does not know, at any depth.

    `body` is JSON that `codec.decode` takes; where all is known, its bytes stay as they are.
    """
    value = codec.decode(body)
    found = _known(model, value)
    return body if found == value else codec.encode(found)


def _known(model: type[OcpiModel] | None, value: Any) -> Any:
    if model is None:
        return value
    if isinstance(value, list):
        return [_known(model, part) for part in value]
    if not isinstance(value, Mapping):
        return value
    members = _members(model)
    return {name: _known(members[name], part) for name, part in value.items() if name in members}


@cache
def _members(model: type[OcpiModel]) -> Mapping[str, type[OcpiModel] | None]:
    """The members of a model, each with the model of its parts, if these are objects."""
    return {
        field.alias or name: next(_models(field.annotation), None)
        for name, field in model.model_fields.items()
    }


def _models(annotation: Any) -> Iterator[type[OcpiModel]]:
    if isinstance(annotation, type) and issubclass(annotation, OcpiModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
