"""The words of the door: what handlers act through, what they are asked, what they give back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from ocpi_hub.modules.agreements import Agreements
from ocpi_hub.modules.findings import Findings
from ocpi_hub.modules.journal import Messages
from ocpi_hub.modules.keys import Audit, Key, Keys, Scope
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.registrar import Registrar
from ocpi_hub.routing.directory import Platform, PlatformId


class PartnerHealth(Protocol):
    """What delivery knows of a partner in this process."""

    def health(self, platform: PlatformId) -> Mapping[str, Any]:
        """`breaker`, `lag_s`, `pending` changes, `deliveries` by outcome.

        The last three are None when another process serves this partner.
        """


class PartnerLists(Protocol):
    """What the hub reads at partners; see `modules.pull_desk`."""

    async def ask(self, platform: Platform) -> Sequence[str]:
        """Have its lists read in full now; their modules. Raises Conflict when there are none."""

    async def shown(self, platform: Platform) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Door:
    """`versions_url` is the hub's own, as partners see it; `now` gives aware times."""

    platforms: Platforms
    registrar: Registrar
    keys: Keys
    audit: Audit
    messages: Messages
    health: PartnerHealth
    versions_url: str
    now: Callable[[], datetime]
    lists: PartnerLists
    agreements: Agreements
    findings: Findings


class Question(BaseModel):
    """What a row may be asked: a body, or the parameters of a GET. Nothing else is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Question):
    """A row that takes no body and no parameters."""


Asked = TypeVar("Asked", bound=Question)


@dataclass(frozen=True, slots=True)
class Ask(Generic[Asked]):
    """One authorised, well-formed request. `id` is the path's parameter, empty when it has none."""

    actor: Key
    id: str
    question: Asked


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is the answer (None: 204). `target` and `details` go to the audit log of a write."""

    body: Mapping[str, Any] | None
    target: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Door, Ask[Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request. `action` is what the audit log calls it; empty only for reads."""

    method: str
    path: str
    scope: Scope
    handler: Handler
    question: type[Question] = Nothing
    status: int = 200
    action: str = ""
