"""Every answer that is not a success: application/problem+json (RFC 9457), naming wrong fields."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus

import msgspec
from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

FAULTS_SHOWN = 50  # a body of a million unknown members must not make a longer answer
FIELD_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong field (`roles.0.party_id`) and the rule that it breaks."""

    field: str
    rule: str


class Problem(Exception):
    """`detail` tells a person what is wrong; `members` are extra members such as `step`."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **members: str,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.members = members

    def response(self) -> web.Response:
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": [asdict(fault) for fault in self.errors],
            **self.members,
        }
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(document),
            content_type="application/problem+json",
            headers=self.headers,
        )


def invalid(field: str, rule: str) -> Problem:
    fault = Fault(_shown(field), rule)
    return Problem(400, f"{fault.field}: {rule}", errors=[fault])


def refused(faults: Sequence[Fault]) -> Problem:
    return Problem(400, "; ".join(f"{f.field}: {f.rule}" for f in faults[:3]), errors=faults)


def not_valid(error: ValidationError, whole: str) -> Problem:
    """What a model found wrong; `whole` names the question itself: body or query."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return refused([_fault(item, whole) for item in found[:FAULTS_SHOWN]])


def _fault(item: ErrorDetails, whole: str) -> Fault:
    field = ".".join(str(part) for part in item["loc"]) or whole
    rule = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        rule = "no such parameter" if whole == "query" else "no such member"
    return Fault(_shown(field), rule)


def _shown(field: str) -> str:
    """A field's name as it was sent, short and fit to be shown."""
    return "".join(sign if sign.isprintable() else "?" for sign in field[:FIELD_SHOWN])
