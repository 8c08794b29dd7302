"""Two kinds of rules: a breach refuses the object, or it leaves a finding and the value stays.

A validator cannot know its path, so a breach that may pass is only noted in the context of the
validation; who wants the findings then looks for them in the model (`findings`). Values that obey
every rule cost no call back into Python.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, Self, get_args, get_type_hints, runtime_checkable

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Path = tuple[str | int, ...]
Remark = tuple[str, str, str]  # field, what is odd about it, rule

BREACH = "breach"

# How the two branches are called inside error paths; `v2_2_1.check` leaves them out again.
OBEYED, TOLERATED = "?obeyed", "?tolerated"

_SHOWN = 40  # characters of a value that its finding repeats


@dataclass(slots=True)
class Notes:
    """The context of a validation: whether anything odd was let pass."""

    odd: bool = False


def _note(info: ValidationInfo) -> None:
    if isinstance(info.context, Notes):
        info.context.odd = True


class OcpiModel(BaseModel):
    """An object of the wire: unknown members stay (TR-067), instances are frozen.

    `RULES` names the obligation behind each field; the empty name stands for all others.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    RULES: ClassVar[Mapping[str, str]] = {}

    def remarks(self) -> Iterator[Remark]:
        """What may pass, but is odd when fields are seen together."""
        yield from ()


class Remarkable(OcpiModel):
    """A model that has remarks."""

    @model_validator(mode="after")
    def _note_remarks(self, info: ValidationInfo) -> Self:
        if next(self.remarks(), None):
            _note(info)
        return self


@runtime_checkable
class Tolerant(Protocol):
    """Metadata of a field whose values may break a rule and stay."""

    @property
    def rule(self) -> str: ...
    @property
    def text(self) -> str: ...
    def obeys(self, value: Any) -> bool: ...


def tolerate(obeyed: CoreSchema, tolerated: CoreSchema) -> CoreSchema:
    """Values of `obeyed` as they are; others of `tolerated` too, but noted."""

    def note(value: Any, info: ValidationInfo) -> Any:
        _note(info)
        return value

    return core_schema.union_schema(
        [
            (obeyed, OBEYED),
            (core_schema.with_info_after_validator_function(note, tolerated), TOLERATED),
        ],
        mode="left_to_right",
    )


@dataclass(frozen=True, slots=True)
class Open:
    """An enumeration that may grow: `Annotated[Status | str, Open(Status, "LOC-126")]`.

    A known value becomes the member, an unknown one stays a string and is a finding.
    """

    enumeration: type[StrEnum]
    rule: str
    text: str = "unknown value"

    def obeys(self, value: Any) -> bool:
        return isinstance(value, self.enumeration)

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return tolerate(
            core_schema.enum_schema(self.enumeration, list(self.enumeration), sub_type="str"),
            core_schema.str_schema(strict=True, max_length=255),
        )


def breach(field: str, text: str, rule: str) -> PydanticCustomError:
    """What a model's own validator raises when fields contradict each other."""
    return PydanticCustomError(BREACH, "{text}", {"text": text, "field": field, "rule": rule})


def findings(model: OcpiModel, path: Path = ()) -> Iterator[str]:
    """Every finding in a validated object, such as `LOC-126: status: unknown value 'FOO'`."""
    for name, tolerant in _tolerant_fields(type(model)).items():
        value = getattr(model, name)
        listed = enumerate(value) if isinstance(value, tuple) else [(None, value)]
        for place, part in listed:
            where = (*path, name) if place is None else (*path, name, place)
            if isinstance(part, OcpiModel):
                yield from findings(part, where)
            elif tolerant is not None and part is not None and not tolerant.obeys(part):
                yield f"{tolerant.rule}: {dotted(where)}: {tolerant.text} {part[:_SHOWN]!r}"
    for field, text, rule in model.remarks():
        yield f"{rule}: {dotted((*path, field))}: {text}"


def dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "body"


@cache
def _tolerant_fields(model: type[OcpiModel]) -> dict[str, Tolerant | None]:
    """The tolerant metadata of each field, be it optional or in a list."""
    return {
        name: next(filter(_is_tolerant, (*field.metadata, *_metadata(field.annotation))), None)
        for name, field in model.model_fields.items()
    }


def _is_tolerant(metadata: Any) -> bool:
    return isinstance(metadata, Tolerant)


def _metadata(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from _metadata(part)


def patch_of(model: type[OcpiModel], rule: str) -> type[OcpiModel]:
    """The model of a PATCH: every member may be absent or null, but `last_updated` is required."""
    hints = get_type_hints(model, include_extras=True)
    fields: dict[str, Any] = {name: (hints[name] | None, None) for name in model.model_fields}
    fields["last_updated"] = (hints["last_updated"], ...)
    patch = create_model(f"{model.__name__}Patch", __base__=OcpiModel, **fields)
    patch.RULES = {**model.RULES, "last_updated": rule}
    return patch
