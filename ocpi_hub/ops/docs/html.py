"""HTML that cannot be broken by its content: whatever is not `Html` is escaped."""

import html
import re
from collections.abc import Iterable

_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_EMPTY = frozenset({"link", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | Iterable["Content"]


def el(name: str, /, *content: Content, **attributes: str) -> Html:
    """An element; `class_` stands for class. Empty attributes are left out."""
    given = "".join(
        f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items() if value
    )
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(content)}</{name}>")


def join(content: Content) -> Html:
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(html.escape(content))
    return Html("".join(join(part) for part in content))


def line(text: str) -> Html:
    """A line of the documents' prose: `code` and **bold**."""
    escaped = html.escape(text, quote=False)
    return Html(_BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escaped)))


def prose(text: str) -> Html:
    """Paragraphs, set apart by empty lines."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return join(el("p", line(paragraph)) for paragraph in paragraphs if paragraph)
