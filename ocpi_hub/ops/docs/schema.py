"""A JSON schema in words: what type, which rules, which members."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ocpi_hub.ops.docs.html import Html, el, join, line

Schema = Mapping[str, Any]

_RULES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "like {}",
    "const": "always {}",
    "default": "default {}",
}
_CHOICES = ("oneOf", "anyOf")


def kind(schema: Schema) -> Html:
    """The type in a few words, with a link to what has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return el("a", name, href=f"#schema-{name}")
    for word in (*_CHOICES, "allOf"):
        if word in schema:
            between = " and " if word == "allOf" else " or "
            return _joined([kind(part) for part in schema[word]], between)
    types = schema.get("type", "any")
    names = types if isinstance(types, list) else [types]
    return _joined([_named(name, schema) for name in names], " or ")


def _named(name: str, schema: Schema) -> Html:
    if name == "array" and "items" in schema:
        return join(["list of ", kind(schema["items"])])
    form = schema.get("format")
    return join(f"{name} ({form})" if form and name != "null" else name)


def _joined(parts: list[Html], between: str) -> Html:
    return Html(between.join(parts))


def rules(schema: Schema) -> str:
    """What a value has to keep to, in words."""
    found = [text.format(schema[word]) for word, text in _RULES.items() if word in schema]
    if "enum" in schema:
        found.append("one of " + ", ".join(str(value) for value in schema["enum"]))
    return "; ".join(found)


def members(schema: Schema) -> Html:
    """The members of an object as a table; nothing for what has none."""
    rows = [_member(name, part, needed) for name, part, needed in _members(schema)]
    return el("table", rows, class_="members") if rows else Html()


def _members(schema: Schema) -> Iterator[tuple[str, Schema, bool]]:
    required = schema.get("required", [])
    for name, part in schema.get("properties", {}).items():
        yield name, part, name in required
    for part in schema.get("allOf", []):
        yield from _members(part)


def _member(name: str, schema: Schema, needed: bool) -> Html:
    return described(name, schema, schema.get("description", ""), needed)


def described(name: str, schema: Schema, description: str, needed: bool) -> Html:
    """A row of a table: name, type, and what there is to know; objects inside follow indented."""
    mark = el("span", "required", class_="required") if needed else Html()
    inner = schema.get("items", schema) if schema.get("type") == "array" else schema
    facts = [el("p", line(text)) for text in (description, rules(schema)) if text]
    return el(
        "tr",
        el("td", el("code", name), mark),
        el("td", kind(schema), class_="kind"),
        el("td", facts, members(inner)),
    )


def example(value: Any) -> Html:
    return el("pre", json.dumps(value, indent=2, ensure_ascii=False, default=str))
