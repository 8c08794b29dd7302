"""The manual that the hub serves."""

import re
from html.parser import HTMLParser

import pytest
import yaml
from aiohttp import web

from ocpi_hub.ops.docs import FOLDER, Manual
from ocpi_hub.ops.docs.html import Html, el, line
from ocpi_hub.ops.docs.schema import kind, rules

NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
named = pytest.mark.parametrize("name", NAMES)


class Reader(HTMLParser):
    """Checks that elements are closed in order, and keeps ids, links and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], [], [], []
        self.loads = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if "id" in told:
            self.ids.append(told["id"])
        if tag == "a":
            self.links.append(told["href"])
        if tag in {"script", "img", "iframe"} or (tag == "link" and "href" in told):
            self.loads.append(told.get("href") or told.get("src") or tag)
        if tag not in {"link", "meta", "wbr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    app.add_routes(Manual().routes())
    return await aiohttp_client(app)


async def read(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    return Reader(await answer.text())


async def test_the_first_page_leads_to_every_document(client):
    for path in ("/docs", "/docs/"):
        assert (await read(client, path)).links == [f"/docs/{name}" for name in NAMES]


@named
async def test_a_document_is_served_as_it_is(client, name):
    answer = await client.get(f"/openapi/{name}.yaml")
    assert answer.status == 200
    assert yaml.safe_load(await answer.text()) == yaml.safe_load(
        (FOLDER / f"{name}.yaml").read_text()
    )


@named
async def test_a_page_shows_every_operation_and_every_schema(client, name):
    page = await read(client, f"/docs/{name}")
    whole = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    for path, item in whole["paths"].items():
        for method in set(item) & {"get", "post", "put", "patch", "delete"}:
            assert re.sub(r"\W+", "-", f"{method} {path}").strip("-") in page.ids
    for schema in whole["components"].get("schemas", {}):
        assert f"schema-{schema}" in page.ids


@named
async def test_a_page_is_whole_and_its_links_lead_somewhere(client, name):
    page = await read(client, f"/docs/{name}")
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (await client.get(link)).status == 200


@named
async def test_a_page_needs_nothing_from_elsewhere_and_runs_no_script(client, name):
    answer = await client.get(f"/docs/{name}")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'self'"
    assert Reader(await answer.text()).loads == ["/docs/style.css"]
    style = await client.get("/docs/style.css")
    assert (style.status, style.content_type) == (200, "text/css")
    assert "url(" not in await style.text()


async def test_what_is_not_there_is_not_found(client):
    for path in ("/docs/nothing", "/openapi/nothing.yaml", "/openapi/..%2F..%2Fpyproject.yaml"):
        assert (await client.get(path)).status == 404


def test_text_is_escaped_and_markup_is_not():
    assert el("p", "<b> & ", el("b", '"')) == "<p>&lt;b&gt; &amp; <b>&quot;</b></p>"
    assert el("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'
    assert line("`<x>` is **so**") == "<code>&lt;x&gt;</code> is <strong>so</strong>"
    assert isinstance(el("p"), Html)


def test_types_and_rules_are_told_in_words():
    assert kind({"type": ["string", "null"], "format": "date-time"}) == "string (date-time) or null"
    assert kind({"type": "array", "items": {"$ref": "#/components/schemas/Key"}}) == (
        'list of <a href="#schema-Key">Key</a>'
    )
    assert (
        rules({"minimum": 1, "maximum": 200, "default": 50})
        == "at least 1; at most 200; default 50"
    )
    assert rules({"enum": ["IN", "OUT"]}) == "one of IN, OUT"
