"""Checking an object against its model: refusals, and findings that let it pass.

`value` is what `codec.decode` returned. A refusal is InvalidParameter and names path and rule, such
as `evses.0.connectors: at least one entry is required (LOC-093)`; a finding reads
`LOC-126: evses.0.status: unknown value 'FOO'`.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ocpi_hub.ocpi.finding import (
    BREACH,
    OBEYED,
    TOLERATED,
    Notes,
    OcpiModel,
    Path,
    dotted,
    findings,
)
from ocpi_hub.ocpi.status import InvalidParameter

M = TypeVar("M", bound=OcpiModel)

_WORDS = {
    "missing": "required, but absent",
    "string_type": "a string is expected",
    "bool_type": "true or false is expected",
    "tuple_type": "an array is expected",
    "model_type": "an object is expected",
    "model_attributes_type": "an object is expected",
}
_MOST = 20  # findings told of one object
_CARDINALITY = "TYP-016"


def validate(model: type[OcpiModel], value: Any) -> tuple[str, ...]:
    """The findings of an object that may pass; InvalidParameter when it may not."""
    return read(model, value)[1]


def read(model: type[M], value: Any) -> tuple[M, tuple[str, ...]]:
    """The object as its model, and its findings, at most 20."""
    notes = Notes()
    try:
        found = model.model_validate(value, context=notes)
    except ValidationError as error:
        raise _refusal(model, error) from None
    return found, tuple(islice(findings(found), _MOST)) if notes.odd else ()


def _errors(error: ValidationError) -> Iterator[tuple[Path, ErrorDetails]]:
    """The errors that count, each with its path: of two branches only the tolerant one counts."""
    for entry in error.errors(include_url=False, include_input=False):
        if OBEYED not in entry["loc"]:
            yield tuple(step for step in entry["loc"] if step != TOLERATED), entry


def _refusal(model: type[OcpiModel], error: ValidationError) -> InvalidParameter:
    """All refusals of an object in one message, at most three."""
    refused = [_told(model, path, entry) for path, entry in _errors(error)]
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""  # noqa: PLR2004 - the message stays readable
    return InvalidParameter("; ".join(refused[:3]) + more)


def _told(model: type[OcpiModel], path: Path, entry: ErrorDetails) -> str:
    if entry["type"] == BREACH:
        context = entry["ctx"]
        return f"{dotted((*path, context['field']))}: {entry['msg']} ({context['rule']})"
    text = _WORDS.get(entry["type"], entry["msg"].removeprefix("Value error, "))
    return f"{dotted(path)}: {text} ({_rule(model, path)})"


def _rule(model: type[OcpiModel], path: Path) -> str:
    """The obligation behind a field, from the table of the model that declares it."""
    rule = _CARDINALITY
    inside: type[OcpiModel] | None = model
    for step in path:
        if isinstance(step, str) and inside is not None:
            rule = inside.RULES.get(step) or inside.RULES.get("") or rule
            field = inside.model_fields.get(step)
            inside = _model_in(field.annotation) if field else None
    return rule


def _model_in(annotation: Any) -> type[OcpiModel] | None:
    """The model that a field holds, be it optional or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, OcpiModel):
        return annotation
    parts: Sequence[Any] = get_args(annotation)
    return next((found for part in parts if (found := _model_in(part))), None)
