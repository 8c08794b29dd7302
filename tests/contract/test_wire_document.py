"""The partners' document says what the tables and models say, and the models behave as it says."""

import importlib
import pkgutil
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
import yaml

from ocpi_hub.modules.versions import SERVED
from ocpi_hub.ocpi import primitives, v2_2_1
from ocpi_hub.ocpi.finding import OcpiModel, Remarkable
from ocpi_hub.ocpi.spec import Family
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1 import MODULES
from ocpi_hub.ocpi.v2_2_1.check import validate
from tests.contract import wire_document as made
from tests.contract.wire_schemas import name_of
from tests.contract.wire_words import COMMON

DOCUMENT = yaml.safe_load(made.FILE.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]


def kinds(base: type) -> dict[str, Any]:
    """Every model or enumeration of OCPI 2.2.1, by its name in the document."""
    rooms = [primitives] + [
        importlib.import_module(f"{v2_2_1.__name__}.{found.name}")
        for found in pkgutil.iter_modules(v2_2_1.__path__)
    ]
    return {
        name_of(kind): kind
        for room in rooms
        for kind in vars(room).values()
        if isinstance(kind, type) and issubclass(kind, base) and kind not in {base, Remarkable}
    }


MODELS = kinds(OcpiModel)
ENUMERATIONS = kinds(StrEnum)
models = pytest.mark.parametrize("name", sorted(MODELS))

PATTERNED = {
    "^[A-Za-z]{2}$": "NL",
    "^[a-z]{2}$": "nl",
    "^[A-Za-z0-9]{3}$": "CPO",
    "^[A-Z]{3}$": "EUR",
    "^[!-~]{1,64}$": "token",
    r"^-?[0-9]{1,2}\.[0-9]{5,7}$": "52.370216",
    r"^-?[0-9]{1,3}\.[0-9]{5,7}$": "4.895168",
    "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$": "13:30",
    "^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$": "Europe/Amsterdam",
    "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$": "2026-11-24",
    r"^[^<>\x00-\x1f\x7f-\x9f]*$": "some words",
    SCHEMAS["DateTime"]["pattern"]: "2026-11-24T07:01:12Z",
}
# Members that models see together with another one.
COUPLED = {
    ("Hours", "regular_hours"),
    ("StartSession", "evse_uid"),
    ("PublishTokenType", "type"),
    ("PublishTokenType", "issuer"),
}
CALM = {"publish": False, "twentyfourseven": False, "credit": False}
OTHER_TYPE = {"string": 7, "number": "1.5", "integer": "1", "boolean": "true", "array": {}}


def resolved(schema):
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def sample(schema, name=""):
    """A value as the document wants it, with every member."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    match schema["type"]:
        case "object":
            return {name: sample(part, name) for name, part in schema["properties"].items()}
        case "array":
            return [sample(schema["items"])]
        case "string":
            return text(schema)
    simple = {"boolean": CALM.get(name, True), "number": Decimal("1.5")}
    return simple.get(schema["type"], schema.get("minimum", 1))


def text(schema):
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "uri":
        return "https://a.example/x"
    return PATTERNED[schema["pattern"]] if "pattern" in schema else "x"


def taken(name, value):
    """The findings, None when the value was refused."""
    try:
        return validate(MODELS[name], value)
    except InvalidParameter:
        return None


def members(name):
    """Name, schema and requiredness of each member, beside a whole object without it."""
    schema = SCHEMAS[name]
    for member, part in schema["properties"].items():
        whole = sample(schema)
        del whole[member]
        yield member, resolved(part), member in schema.get("required", ()), whole


def test_the_committed_document_is_what_the_tables_and_models_make():
    again = "make it anew: python -m tests.contract.wire_document"
    assert made.FILE.read_text(encoding="utf-8") == (
        f"{made.head()}\n{made.written(made.document())}"
    ), again
    assert {"paths": DOCUMENT["paths"], "components": DOCUMENT["components"]} == made.document()


def test_all_models_and_enumerations_are_there_and_nothing_else():
    assert set(SCHEMAS) == set(MODELS) | set(ENUMERATIONS) | set(COMMON)


def test_all_functional_modules_are_served_and_described():
    functional = {name for name, spec in MODULES.items() if spec.family is Family.FUNCTIONAL}
    assert functional == SERVED
    assert {tag["name"] for tag in DOCUMENT["tags"]} == set(MODULES) | {"versions"}


@pytest.mark.parametrize("name", sorted(ENUMERATIONS))
def test_an_enumeration_has_exactly_its_values(name):
    assert SCHEMAS[name]["enum"] == [member.value for member in ENUMERATIONS[name]]


@models
def test_a_model_has_exactly_its_members(name):
    fields = MODELS[name].model_fields
    assert set(SCHEMAS[name]["properties"]) == set(fields)
    required = {member for member, field in fields.items() if field.is_required()}
    assert set(SCHEMAS[name].get("required", ())) == required


@models
def test_an_object_that_follows_the_document_is_taken(name):
    assert taken(name, sample(SCHEMAS[name])) is not None


@models
def test_members_are_required_as_the_document_says(name):
    for member, _, required, rest in members(name):
        if (name, member) not in COUPLED:
            assert (taken(name, rest) is None) == required, member
        if not required and (name, member) not in COUPLED:
            assert taken(name, {**rest, member: None}) is not None, member


@models
def test_texts_are_as_long_as_the_document_says(name):
    for member, schema, _, rest in members(name):
        longest = schema.get("maxLength")
        if longest is None:
            continue
        full = sample(schema).ljust(longest, "x")
        if "pattern" not in schema and (name, member) != ("CDR", "id"):
            assert taken(name, {**rest, member: full}) is not None, member
        findings = taken(name, {**rest, member: full + "x"})
        assert findings is None or any(f" {member}: not within" in each for each in findings)
        if schema.get("minLength"):
            assert taken(name, {**rest, member: ""}) is None, member


@models
def test_members_have_the_type_that_the_document_says(name):
    for member, schema, _, rest in members(name):
        kind = schema["anyOf"][0] if "anyOf" in schema else schema
        wrong = OTHER_TYPE.get(resolved(kind)["type"], [7])
        assert taken(name, {**rest, member: wrong}) is None, member


@models
def test_patterns_and_enumerations_mean_what_the_document_says(name):
    for member, schema, _, rest in members(name):
        schema = schema.get("items", schema)  # noqa: PLW2901 - those of its elements
        wrap = (lambda value: [value]) if member in _lists(name) else (lambda value: value)
        findings = taken(name, {**rest, member: wrap("\x01new")})
        if "anyOf" in schema:
            assert findings is not None, member
            assert any("unknown value" in each for each in findings), member
        elif "enum" in resolved(schema):
            assert findings is None, member
        elif "pattern" in schema:
            assert findings is None or any(member in each for each in findings), member


def _lists(name):
    parts = SCHEMAS[name]["properties"].items()
    return {member for member, part in parts if resolved(part).get("type") == "array"}


@models
def test_bounds_are_those_of_the_document(name):
    for member, schema, _, rest in members(name):
        if schema.get("type") == "array" and (name, member) not in COUPLED:
            assert (taken(name, {**rest, member: []}) is None) == ("minItems" in schema), member
        if "minimum" in schema:
            assert taken(name, {**rest, member: schema["minimum"] - 1}) is None, member
        if "maximum" in schema:
            assert taken(name, {**rest, member: schema["maximum"] + 1}) is None, member
