"""The manual of the doors, made from openapi/*.yaml: `/openapi/{name}.yaml` and `/docs`.

Pages are HTML without scripts and without anything from elsewhere: they work offline, in any
browser, and under a policy that allows nothing but our own style sheet.
"""

import asyncio
from functools import partial
from pathlib import Path

import yaml
from aiohttp import web

from ocpi_hub.ops.docs import page

FOLDER = Path(__file__).parent / "openapi"
STYLE = Path(__file__).parent / "style.css"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=300",
}


class Manual:
    """The documents of one folder; each page is made when it is first asked for, and kept."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        self._pages: dict[str, str] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(r"/openapi/{name}.yaml", self.document),
            web.get("/docs", self.index),
            web.get("/docs/", self.index),
            web.get("/docs/style.css", self.style),
            web.get("/docs/{name}", self.described),
        ]

    async def document(self, request: web.Request) -> web.Response:
        """The document itself, as it is."""
        text = self._file(request).read_text(encoding="utf-8")
        return web.Response(text=text, content_type="application/yaml", headers=HEADERS)

    async def style(self, _: web.Request) -> web.Response:
        text = STYLE.read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/css", headers=HEADERS)

    async def index(self, _: web.Request) -> web.Response:
        return await self._page("", self._index)

    async def described(self, request: web.Request) -> web.Response:
        file = self._file(request)
        return await self._page(file.stem, partial(self._described, file))

    def _index(self) -> str:
        infos = {name: _load(file)["info"] for name, file in self._files.items()}
        return page.index(infos)

    def _described(self, file: Path) -> str:
        return page.document(file.stem, _load(file), list(self._files))

    def _file(self, request: web.Request) -> Path:
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound(text="there is no such document, see /docs\n")
        return file

    async def _page(self, name: str, make: page.Making) -> web.Response:
        if name not in self._pages:
            self._pages[name] = await asyncio.to_thread(make)
        return web.Response(text=self._pages[name], content_type="text/html", headers=HEADERS)


def _load(file: Path) -> page.Document:
    with file.open("rb") as text:
        document: page.Document = yaml.load(text, Loader=yaml.CSafeLoader)
    return document
