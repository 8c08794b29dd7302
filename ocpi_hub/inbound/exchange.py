"""One request on its way through the door, and its answer."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ocpi_hub.inbound.incoming import Incoming
from ocpi_hub.inbound.table import Hit, Row
from ocpi_hub.modules.platforms import Caller
from ocpi_hub.ocpi.message import Given, Ids
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.spec import Family
from ocpi_hub.routing.directory import Platform


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `body` is a whole envelope, `code` its status_code.

    `sender` and `receiver` are the routing headers of the answer, `headers` all that is beside
    them, the ids and the content type. `close` ends the connection behind it.
    """

    http: int
    code: int
    body: bytes
    sender: PartyRef | None = None
    receiver: PartyRef | None = None
    headers: dict[str, str] = field(default_factory=dict)
    outcome: str = "answered"
    close: bool = False


@dataclass(slots=True)
class Exchange:
    """What is known of a request so far; each step of the door adds to it.

    `sender` is the requesting party once it is certain; `receiver` is whom the message went to.
    """

    request: Incoming
    method: str
    path: str
    query: str
    headers: Given
    ids: Ids
    findings: list[str]
    hit: Hit | None = None
    caller: Caller | None = None
    platform: Platform | None = None
    sender: PartyRef | None = None
    receiver: PartyRef | None = None
    mode: str = "configuration"
    refusal: str = "refused"
    body: bytes = b""
    value: object = None

    @property
    def row(self) -> Row:
        if self.hit is None:
            raise LookupError("no row was found yet")
        return self.hit.row

    @property
    def known_caller(self) -> Caller:
        if self.caller is None:
            raise LookupError("nobody was authenticated yet")
        return self.caller

    @property
    def known_platform(self) -> Platform:
        if self.platform is None:
            raise LookupError("nobody was authenticated yet")
        return self.platform

    @property
    def path_below(self) -> str:
        """What follows the endpoint, as received."""
        return self.hit.path if self.hit is not None else ""

    @property
    def ids_of_object(self) -> tuple[str, ...]:
        """The same in decoded segments."""
        return self.hit.ids if self.hit is not None else ()

    @property
    def functional(self) -> bool:
        return self.hit is not None and self.hit.row.module.family is Family.FUNCTIONAL

    @property
    def route(self) -> str:
        """How logs and metrics call it; one name for all that is no row."""
        return self.hit.row.route.name if self.hit is not None else "unknown"

    @property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)
