"""Pages of the manual: one for each OpenAPI document, and one that lists them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ocpi_hub.ops.docs.html import Html, el, join, line, prose
from ocpi_hub.ops.docs.schema import described, example, kind, members, rules

Document = Mapping[str, Any]
Making = Callable[[], str]

METHODS = ("get", "post", "put", "patch", "delete")


def index(infos: Mapping[str, Document]) -> str:
    """All documents, from their `info`."""
    cards = [
        el(
            "a",
            el("h2", info["title"]),
            el("p", line(info.get("summary", ""))),
            href=f"/docs/{name}",
            class_="card",
        )
        for name, info in infos.items()
    ]
    main = el("main", el("h1", "OCPI Hub"), el("p", "The manual of its doors."), cards)
    return _page("OCPI Hub", Html(), main)


def document(name: str, whole: Document, names: Sequence[str]) -> str:
    """One document in full; `names` are those that the page links to."""
    info = whole["info"]
    found = list(_operations(whole))
    head = (
        el("h1", info["title"]),
        el("p", line(info.get("summary", "")), class_="summary"),
        prose(info.get("description", "")),
        el("p", el("a", f"{name}.yaml", href=f"/openapi/{name}.yaml"), " for machines"),
    )
    sections = [_section(whole, tag, found) for tag in _tags(whole, found)]
    main = el("main", head, sections, _schemas(whole))
    return _page(info["title"], _contents(name, whole, names, found), main)


def _page(title: str, aside: Html, main: Html) -> str:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        el("link", rel="stylesheet", href="/docs/style.css"),
    )
    return f"<!doctype html>{el('html', head, el('body', aside, main), lang='en')}"


class _Operation:
    """An operation at its place, with everything referred to at its top filled in."""

    def __init__(self, whole: Document, path: str, method: str, item: Document) -> None:
        self.whole = whole
        self.path = path
        self.method = method
        self.told: Document = item[method]
        self.parameters = [
            _resolved(whole, part)
            for part in (*item.get("parameters", ()), *self.told.get("parameters", ()))
        ]
        self.tag: str = (self.told.get("tags") or ["operations"])[0]
        self.id = re.sub(r"\W+", "-", f"{method} {path}").strip("-")

    @property
    def scopes(self) -> list[str]:
        needed = self.told.get("security", ())
        return [scope for way in needed for scopes in way.values() for scope in scopes]


def _operations(whole: Document) -> Iterator[_Operation]:
    for path, item in whole.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield _Operation(whole, path, method, item)


def _tags(whole: Document, found: Sequence[_Operation]) -> list[Document]:
    """The tags in the document's order, then those that it does not describe."""
    told = {tag["name"]: tag for tag in whole.get("tags", ())}
    return list(told.values()) + [
        {"name": name} for name in dict.fromkeys(o.tag for o in found) if name not in told
    ]


def _contents(
    name: str, whole: Document, names: Sequence[str], found: Sequence[_Operation]
) -> Html:
    others = [
        el("a", other, href=f"/docs/{other}", class_="here" if other == name else "")
        for other in names
    ]
    groups = [
        (el("h3", tag["name"]), [_link(o) for o in found if o.tag == tag["name"]])
        for tag in _tags(whole, found)
    ]
    home = el("a", "OCPI Hub", href="/docs", class_="home")
    return el("nav", home, el("div", others, class_="documents"), groups)


def _link(operation: _Operation) -> Html:
    inside = (_badge(operation), el("span", _breakable(operation.path)))
    summary = operation.told.get("summary", "")
    return el("a", inside, href=f"#{operation.id}", title=summary, class_="operation")


def _breakable(path: str) -> Html:
    """A path that is cut at its slashes when it is too long for its place."""
    return Html(join(path).replace("/", "<wbr>/"))


def _badge(operation: _Operation) -> Html:
    return el("b", operation.method.upper(), class_=f"method {operation.method}")


def _section(whole: Document, tag: Document, found: Sequence[_Operation]) -> Html:
    inside = [_described(o) for o in found if o.tag == tag["name"]]
    if not inside:
        return Html()
    base = (whole.get("servers") or [{"url": ""}])[0]["url"]
    head = (el("h2", tag["name"]), prose(tag.get("description", "")))
    return el("section", head, el("p", "below ", el("code", base), class_="base"), inside)


def _described(operation: _Operation) -> Html:
    told = operation.told
    scopes = [el("span", scope, class_="scope") for scope in operation.scopes]
    heading = el(
        "h3", _badge(operation), el("code", operation.path), scopes,
        el("a", "#", href=f"#{operation.id}", class_="anchor"),
    )  # fmt: skip
    parts = (
        el("p", line(told.get("summary", "")), class_="summary"),
        prose(told.get("description", "")),
        _parameters(operation),
        _body(operation),
        _responses(operation),
    )
    return el("article", heading, parts, id=operation.id)


def _parameters(operation: _Operation) -> Html:
    rows = [
        described(
            p["name"], p.get("schema", {}), p.get("description", ""), p.get("required", False)
        )
        for p in operation.parameters
    ]
    return _folded("Parameters", el("table", rows)) if rows else Html()


def _body(operation: _Operation) -> Html:
    body = _resolved(operation.whole, operation.told.get("requestBody", {}))
    return _folded("Body", _content(operation.whole, body), opened=True) if body else Html()


def _responses(operation: _Operation) -> Html:
    answers = [
        (status, _resolved(operation.whole, told))
        for status, told in operation.told.get("responses", {}).items()
    ]
    return join(_response(operation.whole, str(status), told) for status, told in answers)


def _response(whole: Document, status: str, told: Document) -> Html:
    title = join([el("b", status, class_=f"status s{status[0]}"), " ", line(told["description"])])
    inside = (_headers(whole, told), _content(whole, told))
    return _folded(title, *inside) if any(inside) else el("p", title, class_="plain")


def _headers(whole: Document, told: Document) -> Html:
    found = {name: _resolved(whole, part) for name, part in told.get("headers", {}).items()}
    rows = [
        described(name, part.get("schema", {}), part.get("description", ""), False)
        for name, part in found.items()
    ]
    return el("table", rows) if rows else Html()


def _content(whole: Document, told: Document) -> Html:
    return join(
        [
            el("p", el("code", media), " ", kind(content.get("schema", {}))),
            members(content.get("schema", {})),
            [example(value) for value in _examples(whole, content)],
        ]
        for media, content in told.get("content", {}).items()
    )


def _examples(whole: Document, content: Document) -> Iterator[Any]:
    if "example" in content:
        yield content["example"]
    for part in content.get("examples", {}).values():
        yield _resolved(whole, part).get("value")


def _folded(title: str, *inside: Html, opened: bool = False) -> Html:
    folded = el("details", el("summary", title), *inside)
    return Html(folded.replace("<details>", "<details open>", 1)) if opened else folded


def _schemas(whole: Document) -> Html:
    named = whole.get("components", {}).get("schemas", {})
    if not named:
        return Html()
    return el("section", el("h2", "Schemas"), [_schema(name, part) for name, part in named.items()])


def _schema(name: str, schema: Document) -> Html:
    facts = [el("p", line(text)) for text in (schema.get("description", ""), rules(schema)) if text]
    head = el("h3", el("code", name), el("span", kind(schema), class_="kind"))
    return el("article", head, facts, members(schema), id=f"schema-{name}")


def _resolved(whole: Document, part: Document) -> Document:
    """What a reference leads to; references lead to components only."""
    while "$ref" in part:
        found: Any = whole
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part
