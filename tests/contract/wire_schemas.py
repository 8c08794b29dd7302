"""JSON schemas of the wire's objects and enumerations, read from their models.

What breaks only a tolerated rule is kept by the hub, so the schema shows the rule itself. A value
of an enumeration may also be one that nobody knows yet.
"""

import re
import types
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from ocpi_hub.ocpi import primitives
from ocpi_hub.ocpi.finding import OcpiModel, Open
from ocpi_hub.ocpi.primitives import CiString, String, Whole

Schema = dict[str, Any]

NAMES = {"Evse": "EVSE", "EvsePatch": "EVSEPatch", "Cdr": "CDR", "EndpointEntry": "Endpoint"}
DATE_TIME: Schema = {
    "type": "string",
    "description": "UTC, with Z at the end or without it; 25 characters at most by OCPI",
    "pattern": f"^{primitives._DATETIME}$",
}
NEW_VALUE: Schema = {
    "type": "string",
    "maxLength": 255,
    "description": "A value that its enumeration does not know; it is kept and passed on",
}
_LATER = {"$ref": "#/components/schemas/NewValue"}
_LENGTH = re.compile(r"\{0,(\d+)\}\$$")
_ANY_TEXT = {String(1).form, r"^[\s\S]*$"}
_ADDRESS = re.compile(r"https\?:|\[A-Za-z\]\[A-Za-z0-9\+")
_RULE = re.compile(r" ?\((?:[A-Z]{3,4}-\d{3}(?:, | to | and )?)+\)")
_SCALARS: dict[Any, Schema] = {
    Decimal: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"$ref": "#/components/schemas/DateTime"},
}


def name_of(kind: type) -> str:
    return NAMES.get(kind.__name__, kind.__name__)


def reference(kind: type) -> Schema:
    return {"$ref": f"#/components/schemas/{name_of(kind)}"}


def schemas(kinds: list[type]) -> dict[str, Schema]:
    """The schemas of these models and of all that they are made of, by name, in this order."""
    found: dict[type, Schema] = {}
    for kind in kinds:
        _collect(kind, found)
    return {name_of(kind): schema for kind, schema in found.items()}


def _collect(kind: type, found: dict[type, Schema]) -> None:
    if kind in found:
        return
    found[kind] = _enumeration(kind) if issubclass(kind, StrEnum) else _object(kind)
    if issubclass(kind, OcpiModel):
        for annotation in get_type_hints(kind, include_extras=True).values():
            for inner in _kinds(annotation):
                _collect(inner, found)


def _kinds(annotation: Any) -> Iterator[type]:
    """The models and enumerations within an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, OcpiModel | StrEnum):
        yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _enumeration(kind: type[StrEnum]) -> Schema:
    return _told(kind) | {"type": "string", "enum": [member.value for member in kind]}


def _object(kind: type[OcpiModel]) -> Schema:
    hints = get_type_hints(kind, include_extras=True)
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    members = {name: schema_of(hints[name]) for name in kind.model_fields}
    needed = {"required": required} if required else {}
    return _told(kind) | {"type": "object"} | needed | {"properties": members}


def _told(kind: type) -> Schema:
    """The description: what the model says of itself, without the rules' numbers."""
    own = kind.__dict__.get("__doc__") or ""
    if kind.__name__.endswith("Patch"):
        own = "What changes; null and what is left out changes nothing."
    text = _RULE.sub("", " ".join(own.split()))
    return {"description": text} if text else {}


def schema_of(annotation: Any) -> Schema:
    """The schema of a member's type."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return _annotated(inner, metadata)
    if get_origin(annotation) in {Union, types.UnionType}:
        (part,) = (part for part in get_args(annotation) if part is not type(None))
        return schema_of(part)
    if get_origin(annotation) is tuple:
        return {"type": "array", "items": schema_of(get_args(annotation)[0])}
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    return reference(annotation)


def _annotated(inner: Any, metadata: list[Any]) -> Schema:
    for rule in metadata:
        match rule:
            case Open():
                return {"anyOf": [reference(rule.enumeration), _LATER]}
            case CiString():
                least = {"minLength": rule.least} if rule.least else {}
                return {"type": "string", "format": "ci-string", **least, "maxLength": rule.most}
            case String():
                return _string(rule)
            case Whole():
                return _whole(rule)
            case _:
                pass
    some = any(getattr(rule, "func", None) is primitives._at_least_one for rule in metadata)
    return schema_of(inner) | ({"minItems": 1} if some else {})


def _string(rule: String) -> Schema:
    if shorter := _LENGTH.search(rule.form):
        return {"type": "string", "maxLength": int(shorter[1])}
    schema: Schema = {"type": "string", "maxLength": rule.most}
    if _ADDRESS.search(rule.form):
        return schema | {"format": "uri"}
    return schema if rule.form in _ANY_TEXT else schema | {"pattern": rule.form}


def _whole(rule: Whole) -> Schema:
    bounds = {"minimum": rule.least, "maximum": rule.most}
    return {"type": "integer"} | {
        name: bound for name, bound in bounds.items() if bound is not None
    }
