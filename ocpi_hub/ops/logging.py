"""Logs: structlog, JSON or console, on stderr, with secrets masked in one processor.

A value is masked by its key (token, authorization, password, key, secret, url of the database) and
by its look (`Token ...`, `Bearer ...`, credentials inside a URL).
"""

import logging
import re
import string
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

MASK = "********"
_SECRET_KEY = re.compile(r"token|authorization|password|secret|(^|_)key$|cookie", re.IGNORECASE)
_HARMLESS = frozenset({"token_kind", "failed_tokens", "has_registration_token", "event"})

# What may follow a word that announces a secret. Possessive: the time must grow with the length of
# a text only, whoever wrote it. A text may be cut off, and may hold JSON inside of JSON.
_BLANK = r"(?:\s|\\[tnr])"
_MEMBER = r'"\s*+:\s*+"((?:[^"\\]|\\.)*+)\\?(?:"|$)'
_ASSIGNED = rf"""(?:'|\\")?\s*+[:=]{_BLANK}*+(?:'|\\")?([^\s"'\\,;&}}#{{\[<]++)"""
_SHOWN = rf"""{_BLANK}++['"]?([^\s"',}}\\]++)"""
_NAMED = rf"{_MEMBER}|{_ASSIGNED}"
_KEYS = tuple(f"{whose}{dash}key" for whose in ("api", "access", "private") for dash in "_-")
# Names of secrets end like this, so that `access_token` is one and `token_uid` is none.
_ANNOUNCED = {
    word: re.compile(tail, re.DOTALL)
    for tail, words in {
        f"{_NAMED}|{_SHOWN}": ("token",),
        _SHOWN: ("bearer",),
        _NAMED: ("password", "passwd", "secret", "authorization", "apikey", *_KEYS),
        _MEMBER: ("key",),
        r"(\w{8,})": ("ohk_",),
        r"[^:/@\s]*+:([^@/\s]++)@": ("://",),
    }.items()
    for word in words
}
# Most texts hold few of these: the words are looked for only where their core occurs.
_CORES = ("token", "bearer", "passw", "secret", "authorization", "key", "ohk_", "://")
_WORDS = tuple(
    (core, tuple((word, tail) for word, tail in _ANNOUNCED.items() if core in word))
    for core in _CORES
)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def mask(text: str) -> str:
    """The text without tokens, keys and passwords that can be told by their surroundings."""
    parts, last = [], 0
    for start, end in sorted(_secrets(text)):
        if start >= last:
            parts += [text[last:start], MASK]
        last = max(last, end)
    return "".join(parts) + text[last:]


def _secrets(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets stand. Words are looked for one by one: one pattern for all is far slower."""
    low = text.lower()
    if len(low) != len(text):  # the lower case of a few letters is longer
        low = text.translate(_LOWER)
    for word, tail in (each for core, words in _WORDS if core in low for each in words):
        at = low.find(word)
        while at >= 0:
            at += len(word)
            found = tail.match(text, at)
            if found is not None and found.lastindex is not None:
                yield found.span(found.lastindex)
                at = found.end()  # what was found once is not looked at again
            at = low.find(word, at)


def _masked(key: str, value: object) -> object:
    if isinstance(value, str):
        if key not in _HARMLESS and _SECRET_KEY.search(key):
            return MASK
        return mask(value)
    if isinstance(value, Mapping):
        return {name: _masked(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(key, item) for item in value]
    return value


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: mask every value of an event."""
    for key, value in event.items():
        event[key] = _masked(key, value)
    return event


def configure(
    form: Literal["auto", "json", "console"] = "auto",
    level: str = "info",
    out: TextIO | None = None,
) -> None:
    """Set up logging for the process; standard-library records go the same way."""
    out = out or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if console
        else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    logging.getLogger("aiohttp.server").addFilter(_not_a_broken_request)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(threshold, logging.WARNING))


def _not_a_broken_request(record: logging.LogRecord) -> bool:
    """Aiohttp logs each malformed request with a traceback: bad clients would flood the log."""
    kind = record.exc_info[0] if record.exc_info else None
    if kind is None:
        return True
    return kind.__module__ != "aiohttp.http_exceptions" and kind.__name__ != "RequestPayloadError"
