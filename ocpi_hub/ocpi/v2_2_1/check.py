"""Checking an object against its model: refusals, and findings that let it pass.

`value` is what `codec.decode` returned. A refusal is InvalidParameter and names path and rule, such
as `evses.0.connectors: at least one entry is required (LOC-093)`; a finding reads
`LOC-126: evses.0.status: unknown value 'FOO'`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ocpi_hub.ocpi.finding import BREACH, FINDING, JUDGE, OBEYED, TOLERATED, OcpiModel
from ocpi_hub.ocpi.status import InvalidParameter

M = TypeVar("M", bound=OcpiModel)
Path = tuple[str | int, ...]

_WORDS = {
    "missing": "required, but absent",
    "string_type": "a string is expected",
    "bool_type": "true or false is expected",
    "tuple_type": "an array is expected",
    "model_type": "an object is expected",
    "model_attributes_type": "an object is expected",
}
_CARDINALITY = "TYP-016"


def validate(model: type[OcpiModel], value: Any) -> tuple[str, ...]:
    """The findings of an object that may pass; InvalidParameter when it may not."""
    return read(model, value)[1]


def read(model: type[M], value: Any) -> tuple[M, tuple[str, ...]]:
    """The object as its model, and the findings."""
    findings: tuple[str, ...] = ()
    try:
        found = model.model_validate(value, context=JUDGE)
    except ValidationError as error:
        findings = _findings(model, error)
        found = _tolerant(model, value)
    return found, findings + found.remarks()


def _tolerant(model: type[M], value: Any) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _refusal(model, error) from None


def _errors(error: ValidationError) -> Iterator[tuple[Path, ErrorDetails]]:
    """The errors that count, each with its path: of two branches only the tolerant one counts."""
    for entry in error.errors(include_url=False, include_input=False):
        if OBEYED not in entry["loc"]:
            yield tuple(step for step in entry["loc"] if step != TOLERATED), entry


def _findings(model: type[OcpiModel], error: ValidationError) -> tuple[str, ...]:
    """What a judged validation let pass, or its refusal."""
    found = []
    for path, entry in _errors(error):
        if entry["type"] != FINDING:
            raise _refusal(model, error)
        found.append(f"{entry['ctx']['rule']}: {_dotted(_whole(path, entry))}: {entry['msg']}")
    return tuple(found)


def _refusal(model: type[OcpiModel], error: ValidationError) -> InvalidParameter:
    """All refusals of an object in one message, at most three."""
    refused = [
        _told(model, path, entry) for path, entry in _errors(error) if entry["type"] != FINDING
    ]
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""  # noqa: PLR2004 - the message stays readable
    return InvalidParameter("; ".join(refused[:3]) + more)


def _told(model: type[OcpiModel], path: Path, entry: ErrorDetails) -> str:
    if entry["type"] == BREACH:
        return f"{_dotted(_whole(path, entry))}: {entry['msg']} ({entry['ctx']['rule']})"
    text = _WORDS.get(entry["type"], entry["msg"].removeprefix("Value error, "))
    return f"{_dotted(path)}: {text} ({_rule(model, path)})"


def _whole(path: Path, entry: ErrorDetails) -> Path:
    """The path to the field that a model's own validator blames."""
    field = entry["ctx"].get("field")
    return (*path, field) if field else path


def _dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "body"


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
