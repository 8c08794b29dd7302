"""Answers of the configuration modules: they end at the hub (ROUT-003)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ocpi_hub.inbound.exchange import Exchange, Reply
from ocpi_hub.inbound.incoming import Incoming
from ocpi_hub.inbound.pages import asked, paged
from ocpi_hub.modules.credentials import Credentials
from ocpi_hub.modules.hubclientinfo import LONGEST_PAGE, clients
from ocpi_hub.modules.keys import Audit
from ocpi_hub.modules.platforms import Platforms
from ocpi_hub.modules.versions import Tables, version_details, versions_list
from ocpi_hub.ocpi import message
from ocpi_hub.ocpi.status import Status
from ocpi_hub.routing.directory import PlatformId

log = structlog.get_logger("partner")

_POLLING = timedelta(hours=1)  # the list is for the start and for doubts: changes are pushed

Answer = Callable[[Exchange], Awaitable[Reply]]


@dataclass(slots=True)
class Configuration:
    """`answers` by the name of the row."""

    public_url: str
    tables: Tables
    platforms: Platforms
    credentials: Credentials
    audit: Audit
    address: Callable[[Incoming], str]
    now: Callable[[], datetime]
    _versions: bytes = field(init=False)
    _details: Mapping[tuple[str, bool], bytes] = field(init=False)
    answers: Mapping[str, Answer] = field(init=False)
    _listed: dict[PlatformId, datetime] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._versions = versions_list(self.public_url, self.tables)
        self._details = {
            (version, slash): version_details(self.public_url, version, modules, slash=slash)
            for version, modules in self.tables.items()
            for slash in (False, True)
        }
        self.answers = {
            "versions.list": self._list_versions,
            "versions.details": self._show_details,
            "credentials.sender.get": self._show_credentials,
            "credentials.sender.post": self._exchange_credentials,
            "credentials.sender.put": self._exchange_credentials,
            "credentials.sender.delete": self._end_credentials,
            "hubclientinfo.sender.list": self._list_clients,
        }

    def admit(self, exchange: Exchange) -> None:
        """What is checked before the body is read (CRED-013)."""
        if exchange.row.module.identifier == "credentials":
            self.credentials.admit(exchange.known_caller, exchange.method)

    async def answer(self, exchange: Exchange) -> Reply:
        return await self.answers[exchange.route](exchange)

    async def _list_versions(self, _: Exchange) -> Reply:
        return self._success(self._versions)

    async def _show_details(self, exchange: Exchange) -> Reply:
        slash = exchange.known_platform.quirks.slashed_endpoints
        return self._success(self._details[exchange.row.version, slash])

    async def _show_credentials(self, exchange: Exchange) -> Reply:
        return self._success(self.credentials.shown(exchange.known_caller))

    async def _exchange_credentials(self, exchange: Exchange) -> Reply:
        data = await self.credentials.exchange(
            exchange.known_caller,
            exchange.row.version,
            exchange.value,
            exchange.body,
            exchange.ids.correlation_id,
        )
        action = "registered" if exchange.method == "POST" else "renewed"
        await self._note(exchange, f"platform:{action}", {"version": exchange.row.version})
        return self._success(data)

    async def _end_credentials(self, exchange: Exchange) -> Reply:
        await self.credentials.leave(exchange.known_caller)
        await self._note(exchange, "platform:left", {})
        return self._success(None)

    async def _note(self, exchange: Exchange, action: str, details: Mapping[str, str]) -> None:
        """What a partner did itself; it stands, even if it cannot be written down."""
        platform = exchange.known_platform
        try:
            await self.audit.record(
                f"platform {platform.id} {platform.name}",
                self.address(exchange.request),
                action,
                platform.id,
                details,
            )
        except Exception as error:  # noqa: BLE001 - the exchange was stored before
            log.warning("partner.not_audited", action=action, error=repr(error))

    async def _list_clients(self, exchange: Exchange) -> Reply:
        query, params = asked(exchange.query)
        if query.offset == 0:
            self._note_polling(exchange)
        page = clients(self.platforms.directory(), exchange.known_platform.id, query)
        headers = paged(
            exchange.row.url,
            params,
            query.offset + page.limit,
            page.limit,
            page.total,
            most=LONGEST_PAGE,
        )
        return self._success(page.body, headers)

    def _note_polling(self, exchange: Exchange) -> None:
        platform, now = exchange.known_platform.id, self.now()
        before = self._listed.get(platform)
        self._listed[platform] = now
        if before is not None and now - before < _POLLING:
            exchange.findings.append("HCI-032: the list was asked for twice within an hour")

    def _success(self, data: bytes | None, headers: dict[str, str] | None = None) -> Reply:
        body = message.envelope(self.now(), data=data)
        return Reply(200, Status.SUCCESS, body, headers=headers or {})
