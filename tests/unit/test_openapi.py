"""The published documents say what the tables say, in both directions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocpi_hub.admin import ROWS
from ocpi_hub.admin.door import Nothing, Row
from ocpi_hub.modules.keys import Scope
from ocpi_hub.ocpi.spec import RouteSpec
from ocpi_hub.ocpi.v2_2_1 import MODULES

FOLDER = Path(__file__).parents[2] / "openapi"
METHODS = {"get", "post", "put", "patch", "delete"}


def document(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())


def resolved(whole: Any, part: Any) -> Any:
    while "$ref" in part:
        found = whole
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/")]
        part = found
    return part


def operations(whole: Any) -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): operation | {"shared": item.get("parameters", [])}
        for path, item in whole["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


ADMIN = document("admin.yaml")
OCPI = document("ocpi-2.2.1.yaml")
ADMIN_OPERATIONS = operations(ADMIN)
rows = pytest.mark.parametrize("row", ROWS, ids=[f"{row.method} {row.path}" for row in ROWS])
documents = pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))


@documents
def test_every_reference_leads_somewhere(name):
    whole = document(name)
    assert whole["openapi"].startswith("3.1")
    for reference in references(whole):
        assert resolved(whole, {"$ref": reference})


@documents
def test_every_operation_is_told_in_words_and_has_a_name_of_its_own(name):
    found = operations(document(name))
    assert found
    names = [operation["operationId"] for operation in found.values()]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["responses"] for operation in found.values())


@documents
def test_every_parameter_of_a_path_is_described(name):
    whole = document(name)
    for (method, path), operation in operations(whole).items():
        given = operation["shared"] + operation.get("parameters", [])
        told = {p["name"] for p in (resolved(whole, p) for p in given) if p["in"] == "path"}
        assert told == set(re.findall(r"{(\w+)}", path)), f"{method} {path}"


def test_the_operators_document_lists_exactly_the_rows_of_the_table():
    assert set(ADMIN_OPERATIONS) == {(row.method, row.path) for row in ROWS}


@rows
def test_an_operation_names_the_scope_and_the_status_of_its_row(row: Row):
    operation = ADMIN_OPERATIONS[row.method, row.path]
    assert operation["security"] == [{"key": [row.scope.value]}]
    successes = [status for status in operation["responses"] if status.startswith("2")]
    assert successes == [str(row.status)]
    assert {"400", "401", "403", "429"} <= set(operation["responses"])


@rows
def test_an_operation_takes_exactly_what_the_model_of_its_row_takes(row: Row):
    operation = ADMIN_OPERATIONS[row.method, row.path]
    fields = row.question.model_fields
    parameters = [resolved(ADMIN, p) for p in operation.get("parameters", [])]
    asked = {p["name"] for p in parameters if p["in"] == "query"}
    assert asked == (set(fields) if row.method == "GET" else set())
    if row.method == "GET" or row.question is Nothing:
        assert "requestBody" not in operation
        return
    content = operation["requestBody"]["content"]["application/json"]
    schema = resolved(ADMIN, content["schema"])
    assert set(schema["properties"]) == set(fields)
    required = {name for name, field in fields.items() if field.is_required()}
    assert set(schema.get("required", [])) == required
    assert schema["additionalProperties"] is False
    row.question.model_validate(content["example"])


def test_every_scope_is_listed():
    assert ADMIN["components"]["schemas"]["Scope"]["enum"] == [scope.value for scope in Scope]


def spelled(route: RouteSpec) -> Iterator[str]:
    """The paths of a row, one for each number of optional parameters, names left out."""
    fixed = sum(not name.endswith("?") for name in route.path)
    for used in range(fixed, len(route.path) + 1):
        yield "".join(f"/{nameless(name)}" for name in route.path[:used])


def nameless(path: str) -> str:
    return re.sub(r"{\w+}\??", "{}", path)


def rows_of_the_wire() -> Iterator[tuple[str, str]]:
    for module in MODULES.values():
        for side in module.interfaces:
            base = f"/2.2.1/{side.role.value.lower()}/{module.identifier}"
            if module.identifier == "credentials":
                base = "/2.2.1/credentials"
            for route in side.routes:
                for path in spelled(route):
                    yield route.method, base + path


def test_the_partners_document_lists_exactly_the_rows_of_the_wire():
    found = {(method, nameless(path)) for method, path in operations(OCPI)}
    assert found == {*rows_of_the_wire(), ("GET", "/versions"), ("GET", "/2.2.1")}


@documents
def test_no_two_paths_are_the_same_but_for_the_names_in_them(name):
    paths = [nameless(path) for path in document(name)["paths"]]
    assert len(paths) == len(set(paths))


def test_functional_modules_are_routed_and_configuration_modules_are_not():
    routing = "#/components/parameters/to_party"
    for (method, path), operation in operations(OCPI).items():
        routed = {"$ref": routing} in operation.get("parameters", [])
        configuration = set(operation["tags"]) & {"versions", "credentials", "hubclientinfo"}
        assert routed != bool(configuration), f"{method} {path}"
