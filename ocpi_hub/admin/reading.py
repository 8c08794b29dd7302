"""From a request to a model: size, time, content type, JSON and rules, each refused by name."""

import asyncio
from collections import Counter
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from ocpi_hub.admin.door import Question
from ocpi_hub.admin.problem import Problem, invalid, not_valid
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.status import OcpiError

Asked = TypeVar("Asked", bound=Question)


async def read(request: web.Request, model: type[Asked], max_body: int, timeout_s: float) -> Asked:
    """What the request asks, as the row's model; raises Problem 400, 408, 413 or 415."""
    if request.method == "GET":
        return _from_query(request, model)
    if request.query:
        raise invalid(next(iter(request.query)), "no such parameter")
    return _from_body(request, await _body(request, max_body, timeout_s), model)


def _from_query(request: web.Request, model: type[Asked]) -> Asked:
    for name, times in Counter(name for name, _ in request.query.items()).items():
        if times > 1:
            raise invalid(name, "may be given only once")
        if not request.query[name].isprintable():
            raise invalid(name, "must consist of printable characters")
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise not_valid(error, "query") from None


async def _body(request: web.Request, max_body: int, timeout_s: float) -> bytes:
    """The body, counted after decompression; never more than `max_body` bytes of it are held."""
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > max_body:
                    raise Problem(413, f"the body may have at most {max_body} bytes")
    except TimeoutError:
        raise Problem(408, f"the body must arrive within {timeout_s:g} s") from None
    except (web.RequestPayloadError, ValueError, ConnectionError):
        raise invalid("body", "cannot be read: broken encoding or transfer") from None
    return bytes(body)


def _from_body(request: web.Request, body: bytes, model: type[Asked]) -> Asked:
    typed = "Content-Type" in request.headers
    if body and typed and request.content_type != "application/json":
        raise Problem(415, "Content-Type: must be application/json")
    if not body and not model.model_fields:
        return model()
    try:
        codec.decode(body)
        return model.model_validate_json(body, strict=True)
    except OcpiError as error:
        raise invalid("body", error.message.removeprefix("body: ")) from None
    except ValidationError as error:
        raise not_valid(error, "body") from None
