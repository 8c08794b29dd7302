"""Questions made from a document by schemathesis, asked of a running hub, and what came of it.

The document is tuned first: names of parties, addresses and times that mean something at this hub,
so that questions get past the first check. Half of the questions follow it, half break it.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode

FOLDER = Path(__file__).parents[2] / "openapi"
SEED = 20261124
MOMENTS = ["2026-11-24T07:01:12Z", "2026-11-24T07:01:12.345Z", "2024-02-29T23:59:59"]
NUMBERS = [0, 1, 0.25, 12.5, -3, 1500.001]
IDS = ["1", "2", "A b"]
DEADLINE_S = 10
Check = Callable[[Case, requests.Response], None]


schemathesis.openapi.format("words", st.text("aZ09 -_*é漢<&\u202e", min_size=1, max_size=20))


def tuned(name: str, parameters: Mapping[str, list[Any]], members: Mapping[str, list[Any]]) -> Any:
    """A document with these values for its parameters and for members of its objects.

    Parameters are called as under components, or by their own name, and always sent. Texts are
    short, numbers plain, objects have no members of their own: what follows the document shall get
    far, the other half is wild enough.
    """
    document = copy.deepcopy(_published(name))
    given = dict(document["components"]["parameters"])
    for item in document["paths"].values():
        for part in (item, *item.values()):
            for each in part.get("parameters", ()) if isinstance(part, dict) else ():
                if each.get("name") in parameters:
                    each |= {"schema": {"enum": parameters[each["name"]]}, "required": True}
    for parameter, values in parameters.items():
        if parameter in given:
            given[parameter] |= {"schema": {"enum": values}, "required": True}
    schemas = document["components"]["schemas"]
    for each in schemas.values():
        _tune(each, members)
    if "DateTime" in schemas:
        schemas["DateTime"] = {"enum": MOMENTS}
    return document


@cache
def _published(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _tune(part: dict[str, Any], members: Mapping[str, list[Any]]) -> None:
    if part.get("type") == "object" and "properties" in part:
        part.setdefault("additionalProperties", False)
    elif part.get("type") == "number":
        part["enum"] = NUMBERS
    elif part.get("format") == "ci-string":
        part["enum"] = IDS
    elif part.get("type") == "string" and not part.keys() & {"enum", "pattern", "format"}:
        part["format"] = "words"
    for name, inner in part.get("properties", {}).items():
        if name in members:
            part["properties"][name] = {"enum": members[name]}
        else:
            _tune(inner, members)
    if "items" in part:
        _tune(part["items"], members)
        part["maxItems"] = 2


@dataclass
class Interview:
    """Questions of a tuned document; answers are compared with the document as it is published.

    `headers` show who asks. `examples`: questions for each operation, of each kind.
    """

    url: str
    name: str
    document: Any
    headers: Mapping[str, str]
    check: Check
    examples: int = 8
    whole: bool = True  # whether members are compared too; what is relayed is the partner's
    statuses: dict[str, set[int]] = field(default_factory=dict)

    def hold(self, tag: str | None = None, without: frozenset[str] = frozenset()) -> None:
        """Ask every operation (of a tag); raises what a check raises."""
        schema = schemathesis.openapi.from_dict(self.document)
        self._published = schemathesis.openapi.from_dict(_published(self.name))
        with requests.Session() as session:
            for found in schema.get_all_operations():
                operation = found.ok()
                raw = operation.definition.raw
                if raw["operationId"] not in without and (tag is None or tag in raw["tags"]):
                    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                        self._ask(operation, mode, session)

    def _ask(
        self, operation: APIOperation, mode: GenerationMode, session: requests.Session
    ) -> None:
        @seed(SEED)
        @settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            answer = self._answered(case, session)
            self.statuses.setdefault(operation.label, set()).add(answer.status_code)
            documented = operation.definition.raw["responses"]
            assert str(answer.status_code) in documented, told(case, answer)
            self.check(case, answer)
            if self.whole:
                self._published[operation.path][operation.method].validate_response(answer)

        ask()

    def _answered(self, case: Case, session: requests.Session) -> requests.Response:
        sent = case.as_transport_kwargs(base_url=self.url, headers=dict(self.headers))
        return session.request(**sent, timeout=DEADLINE_S, allow_redirects=False)


def told(case: Case, answer: requests.Response) -> str:
    """Question and answer, for whoever has to ask it again."""
    body = str(case.body)[:600]
    return (
        f"{case.method} {case.formatted_path} {dict(case.query or {})} {body}\n"
        f"{answer.status_code} {dict(answer.headers)} {answer.text[:600]}"
    )
