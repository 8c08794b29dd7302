"""Two kinds of rules: a breach refuses the object, or it leaves a finding and the value stays.

Models are lenient by themselves. Validated with `JUDGE` as context they report what they let pass
too, as errors of the type `finding`, each at its path; `v2_2_1.check` sorts them. Values that obey
every rule are judged without a single call back into Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, get_type_hints

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Rules = Mapping[str, str]

JUDGE = {"judge": True}
FINDING = "finding"
BREACH = "breach"

# How the two branches are called inside error paths; `v2_2_1.check` leaves them out again.
OBEYED, TOLERATED = "?obeyed", "?tolerated"

_SHOWN = 40  # characters of a value that its finding repeats


class OcpiModel(BaseModel):
    """An object of the wire: unknown members stay (TR-067), instances are frozen.

    `RULES` names the obligation behind each field; the empty name stands for all others.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    RULES: ClassVar[Rules] = {}

    def remarks(self) -> tuple[str, ...]:
        """Findings that need more than one field to see, in the form `LOC-089: path: text`."""
        return ()


def tolerate(obeyed: CoreSchema, tolerated: CoreSchema, rule: str, text: str) -> CoreSchema:
    """Strings of `obeyed` as they are; others of `tolerated` too, but with a finding.

    The finding is `text` followed by the value.
    """

    def note(value: str, info: core_schema.ValidationInfo[Any]) -> str:
        if info.context is JUDGE:
            told = f"{text} {value[:_SHOWN]!r}"
            raise PydanticCustomError(FINDING, "{text}", {"text": told, "rule": rule})
        return value

    return core_schema.union_schema(
        [
            (obeyed, OBEYED),
            (core_schema.with_info_after_validator_function(note, tolerated), TOLERATED),
        ],
        mode="left_to_right",
    )


def breach(field: str, text: str, rule: str) -> PydanticCustomError:
    """What a model's own validator raises when fields contradict each other."""
    return PydanticCustomError(BREACH, "{text}", {"text": text, "field": field, "rule": rule})


@dataclass(frozen=True, slots=True)
class Open:
    """An enumeration that may grow: `Annotated[Status | str, Open(Status, "LOC-126")]`.

    A known value becomes the member, an unknown one stays a string and is a finding.
    """

    enumeration: type[StrEnum]
    rule: str

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return tolerate(
            core_schema.enum_schema(self.enumeration, list(self.enumeration), sub_type="str"),
            core_schema.str_schema(strict=True, max_length=255),
            self.rule,
            "unknown value",
        )


def remark(field: str, text: str, rule: str) -> PydanticCustomError:
    """What a model's own validator raises, when it judges, for contradictions that may pass."""
    return PydanticCustomError(FINDING, "{text}", {"text": text, "field": field, "rule": rule})


def patch_of(model: type[OcpiModel], rule: str) -> type[OcpiModel]:
    """The model of a PATCH: every member may be absent or null, but `last_updated` is required."""
    hints = get_type_hints(model, include_extras=True)
    fields: dict[str, Any] = {name: (hints[name] | None, None) for name in model.model_fields}
    fields["last_updated"] = (hints["last_updated"], ...)
    patch = create_model(f"{model.__name__}Patch", __base__=OcpiModel, **fields)
    patch.RULES = {**model.RULES, "last_updated": rule}
    return patch
