"""The partners' document, made from the table of modules and the models of their objects.

    python -m tests.contract.wire_document

rewrites everything in openapi/ocpi-2.2.1.yaml from `paths:` on; what stands above is written by
hand. The summaries of the operations stand in `wire_words.py`.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ocpi_hub.modules.versions import offered
from ocpi_hub.ocpi.spec import Family, InterfaceSpec, ModuleSpec, RouteSpec
from ocpi_hub.ocpi.v2_2_1 import MODULES, VERSION
from tests.contract import wire_words as words
from tests.contract.wire_schemas import Schema, name_of, reference, schemas

FILE = Path(__file__).parents[2] / "openapi" / "ocpi-2.2.1.yaml"
WIDTH = 100
_IDS = ("request_id", "correlation_id")
_ROUTING = ("to_country", "to_party", "from_country", "from_party")
_PAGING = ("date_from", "date_to", "offset", "limit")
_BODIES = {"POST", "PUT", "PATCH"}


def document() -> dict[str, Any]:
    """All that is made: paths and components."""
    return {"paths": _paths(), "components": _components()}


def spelled(route: RouteSpec) -> Iterator[tuple[str, ...]]:
    """The segments of a row, once for each number of optional parameters."""
    fixed = tuple(name for name in route.path if not name.endswith("?"))
    optional = tuple(name[:-1] for name in route.path if name.endswith("?"))
    for used in range(len(optional) + 1):
        yield fixed + optional[:used]


def path_of(side: InterfaceSpec, segments: tuple[str, ...]) -> str:
    base = f"/{VERSION}/{side.role.value.lower()}/{side.module}"
    if side.module == "credentials":
        base = f"/{VERSION}/credentials"
    elif (side.module, side.role, len(segments)) == words.TWO_NAMES:
        segments = ("{id}",)  # OpenAPI knows one name for one place
    return "/".join((base, *segments))


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, (path, data) in words.CONFIGURATION.items():
        answers = {"200": _answer_of(data)} | _errors("401", "429", "503")
        shared = {"parameters": _parameters(*_IDS)}
        paths[path] = {"get": _head(name, "versions") | shared | {"responses": answers}}
    for module in offered(MODULES):
        for side in module.interfaces:
            for route in side.routes:
                for place, segments in enumerate(spelled(route)):
                    path = path_of(side, segments)
                    item = paths.setdefault(path, _shared(path))
                    item[route.method.lower()] = _operation(module, side, route, place)
    return paths


def _shared(path: str) -> dict[str, Any]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return {"parameters": _parameters(*names)} if names else {}


def _head(name: str, tag: str) -> dict[str, Any]:
    summary, *description = words.SUMMARIES[name]
    told = {"description": description[0]} if description else {}
    identifier = name.replace(".", "_")
    return {"tags": [tag], "operationId": identifier, "summary": summary} | told


def _operation(
    module: ModuleSpec, side: InterfaceSpec, route: RouteSpec, place: int
) -> dict[str, Any]:
    functional = module.family is Family.FUNCTIONAL
    name = route.name + words.PARTS[place]
    asked = (
        *(_ROUTING if functional else ()),
        *_IDS,
        *(_PAGING if route.listing else ()),
        *words.QUERIES.get(route.name, ()),
    )
    body = _body(name, route)
    return (
        _head(name, module.identifier)
        | {"parameters": _parameters(*asked)}
        | ({"requestBody": body} if body else {})
        | {"responses": _responses(name, route, functional=functional)}
    )


def _parameters(*names: str) -> list[Schema]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _body(name: str, route: RouteSpec) -> dict[str, Any] | None:
    kinds = words.BODIES.get(name)
    if kinds is None:
        return None
    content: dict[str, Any] = {"schema": _any_of(kinds)}
    if name in words.EXAMPLES:
        content["example"] = words.EXAMPLES[name]
    return {"required": route.body, "content": {"application/json": content}}


def _any_of(kinds: tuple[type, ...]) -> Schema:
    given = [reference(kind) for kind in kinds]
    return given[0] if len(given) == 1 else {"anyOf": given}


def _responses(name: str, route: RouteSpec, *, functional: bool) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": _answer_of(_answer_name(name, route, functional=functional))}
    if functional and route.method in {"PUT", "POST"}:
        answers["201"] = _answer_of("Created")
    errors = ["401", "429", "503"]
    if functional:
        errors += ["404", "4XX"]
    if route.method in _BODIES:
        errors += ["400", "408", "413", "415"]
    if route.name in words.STATES:
        errors += ["405"]
    return answers | _errors(*sorted(errors))


def _answer_name(name: str, route: RouteSpec, *, functional: bool) -> str:
    kinds = words.ANSWERS.get(name)
    if kinds is None and functional:
        return "Created" if name in words.CREATING else "Taken"
    if kinds is None:
        return "Done"
    return _titled(kinds, listing=route.listing)


def _titled(kinds: tuple[type, ...], *, listing: bool) -> str:
    return f"{name_of(kinds[0])}{'Page' if listing else 'Answer'}"


def _answer_of(name: str) -> Schema:
    return {"$ref": f"#/components/responses/{name}"}


def _errors(*statuses: str) -> dict[str, Any]:
    return {status: _answer_of(words.ERRORS[status]) for status in statuses}


def _components() -> dict[str, Any]:
    return {
        "securitySchemes": {"token": words.SECURITY},
        "parameters": words.PARAMETERS,
        "headers": words.HEADERS,
        "responses": dict(_answers()) | words.REFUSALS,
        "schemas": words.COMMON | schemas(words.KINDS),
    }


def _answers() -> Iterator[tuple[str, Any]]:
    yield "VersionList", _answer("Version", listed=True)
    yield "VersionDetailsAnswer", _answer("VersionDetails")
    yield "Done", _answer(told="Done, or the reason why not")
    yield "Taken", _answer(told="Taken, or the reason why not", headers=words.PARTIES)
    yield "Created", _answer(told="Taken for the first time", headers=words.CREATED)
    for module in offered(MODULES):
        functional = module.family is Family.FUNCTIONAL
        for side in module.interfaces:
            for route in side.routes:
                for place in range(len(list(spelled(route)))):
                    kinds = words.ANSWERS.get(route.name + words.PARTS[place])
                    if kinds is not None:
                        headers = (*(words.PARTIES if functional else ()),)
                        headers += words.PAGE if route.listing else ()
                        yield (
                            _titled(kinds, listing=route.listing),
                            _answer(
                                *(name_of(kind) for kind in kinds),
                                listed=route.listing,
                                headers=headers,
                            ),
                        )


def _answer(
    *names: str, listed: bool = False, told: str = "", headers: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An envelope with this in its data."""
    parts = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema: Schema = {"$ref": "#/components/schemas/Envelope"}
    if parts:
        data: Schema = parts[0] if len(parts) == 1 else {"anyOf": parts}
        data = {"type": "array", "items": data} if listed else data
        schema = {"allOf": [schema, {"type": "object", "properties": {"data": data}}]}
    default = "One page" if headers[-1:] == words.PAGE[-1:] else "The answer, or the reason why not"
    content: dict[str, Any] = {"schema": schema}
    if (example := words.ANSWER_EXAMPLES.get(" ".join(names))) is not None:
        content["example"] = {
            "data": [example] if listed else example,
            "status_code": 1000,
            "timestamp": words.NOW,
        }
    return {
        "description": told or default,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in (*words.EVERY, *headers)
        },
        "content": {"application/json": content},
    }


# Writing: short things on one line, long ones on several.


def written(made: dict[str, Any]) -> str:
    return "\n\n".join("\n".join(_lines({name: part}, 0)) for name, part in made.items()) + "\n"


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _lines(value: Any, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _member(f"{pad}{_flow(name)}:", part, indent)
        return
    for part in value:
        flow = f"{pad}- {_flow(part)}"
        if len(flow) <= WIDTH or not isinstance(part, dict):
            yield flow
        else:
            first, *rest = _lines(part, indent + 2)
            yield f"{pad}- {first.lstrip()}"
            yield from rest


def _member(head: str, part: Any, indent: int) -> Iterator[str]:
    flow = f"{head} {_flow(part)}"
    deep = isinstance(part, dict) and any(isinstance(inner, dict) for inner in part.values())
    listed = isinstance(part, list) and len(part) > 1 and "/parameters/" in flow
    if len(flow) <= WIDTH and (not deep or "$ref" in flow) and not listed:
        yield flow
    elif isinstance(part, str):
        yield f"{head} >-"
        pad = " " * (indent + 2)
        yield from textwrap.wrap(
            part, WIDTH, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False
        )
    elif isinstance(part, list) and all(isinstance(each, str) for each in part):
        yield head
        pad = " " * (indent + 2)
        text = textwrap.wrap(_flow(part), WIDTH - indent - 3, break_on_hyphens=False)
        yield from (f"{pad}{' ' if place else ''}{line}" for place, line in enumerate(text))
    else:
        yield head
        yield from _lines(part, indent + 2)


def head() -> str:
    """What is written by hand."""
    return FILE.read_text(encoding="utf-8").partition("\npaths:\n")[0]


if __name__ == "__main__":
    FILE.write_text(f"{head()}\n{written(document())}", encoding="utf-8")
