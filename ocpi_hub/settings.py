"""Settings: environment (`OCPI_HUB__ROOM__NAME`), then the TOML file, then the default.

One frozen model per room. Each field's description is the manual: `ocpi-hub settings` prints it.
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from ocpi_hub.ocpi.primitives import PartyRef

PREFIX = "OCPI_HUB__"
_OTHERS = ("OCPI_HUB_TEST_", "OCPI_HUB_PARTNER_TOKEN")  # of the tests, and of the command line
_UNITS = {"b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}


def _bytes(value: object) -> object:
    """`1 MiB`, `512KiB` or a plain number of bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    for unit in ("kib", "mib", "gib", "b"):
        number = text.removesuffix(unit).strip()
        if number != text and number.isdigit():
            return int(number) * _UNITS[unit]
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:  # noqa: PLR2004 - the range of ports
        raise ValueError("must be host:port, such as 127.0.0.1:8080 (port 0 takes a free one)")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise ValueError("must be an http or https URL without query, such as https://hub.example")
    return value.rstrip("/")


def _postgres_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text and urlsplit(text).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must be a postgresql:// URL, or empty for the embedded server")
    return value


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    for part in filter(None, text.split(",")):
        try:
            length = len(base64.b64decode(part.strip(), validate=True))
        except binascii.Error:
            length = 0
        if length != 32:  # noqa: PLR2004 - AES-256
            raise ValueError("must be base64 of 32 bytes (several: comma-separated, newest first)")
    return value


def _bootstrap_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text and len(text) < 16:  # noqa: PLR2004 - shorter keys can be guessed
        raise ValueError("must have at least 16 characters")
    if not (text.isascii() and text.isprintable()) or " " in text:  # no header could show it
        raise ValueError("must consist of letters, digits and signs of ASCII, without blanks")
    return value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for value in values:
            ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8") from None
    return values


Size = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]


class Room(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Room):
    listen: Annotated[str, AfterValidator(_listen)] = Field(
        "127.0.0.1:8080", description="host:port of the HTTP server"
    )
    public_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "",
        description="the address that partners see (empty: http://LISTEN); "
        "every URL handed out starts with it",
    )
    max_body: Size = Field(1024**2, description="body limit of a request, such as 1 MiB")
    max_list: Size = Field(
        32 * 1024**2, description="size limit of a partner's list answer, decompressed"
    )
    body_timeout_s: float = Field(
        15, gt=0, le=300, description="seconds a client has to send a whole body"
    )
    rate_per_s: int = Field(
        500, ge=0, description="requests a second per platform; 0 switches it off"
    )
    burst: int = Field(
        2000,
        ge=0,
        description="requests a platform may send at once before the rate applies; 0: those of "
        "one second",
    )
    failed_tokens_per_min: int = Field(
        10, ge=0, description="failed tokens a minute per address before 429; 0 switches it off"
    )
    in_flight: int = Field(
        512, ge=1, description="requests in work at once; more get 503 with Retry-After"
    )
    shared: bool = Field(False, description="let several processes listen on one port (workers do)")
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (), description="addresses or networks whose X-Forwarded-For is believed, as a JSON list"
    )


class Hub(Room):
    country_code: str = Field(
        "NL", pattern=r"^[A-Za-z]{2}$", description="country code of the hub's own party"
    )
    party_id: str = Field(
        "HUB", pattern=r"^[A-Za-z0-9]{3}$", description="party id of the hub's own party"
    )
    name: str = Field(
        "OCPI Hub", min_length=1, max_length=100, description="name that partners see"
    )

    @property
    def party(self) -> PartyRef:
        return PartyRef(self.country_code, self.party_id)


class Database(Room):
    url: Annotated[SecretStr, AfterValidator(_postgres_url)] = Field(
        SecretStr(""),
        description="PostgreSQL 15 or newer; empty: embedded server under the data directory",
    )
    pool: int = Field(8, ge=2, le=64, description="connections of one process (8 to 16 are enough)")
    binaries: str = Field(
        "",
        description="folder with PostgreSQL's programs for the embedded server (empty: "
        "wheel, PATH, /usr/lib)",
    )
    fsync: bool = Field(
        True, description="false only for tests: a power cut may then lose the database"
    )


class Security(Room):
    key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        SecretStr(""),
        description="base64 of 32 bytes that seals outgoing tokens; generated into the data "
        "directory when the "
        "database is embedded, required otherwise; old keys may follow, comma-separated",
    )


class Admin(Room):
    bootstrap_key: Annotated[SecretStr, AfterValidator(_bootstrap_key)] = Field(
        SecretStr(""),
        description="an admin key accepted as if created with all scopes, for first start "
        "and automation",
    )


class Delivery(Room):
    allow_private: bool = Field(
        False, description="allow partner URLs on loopback and private networks (development)"
    )
    require_https: bool = Field(True, description="refuse http: partner URLs")
    deadline_s: float = Field(
        10, gt=0, le=60, description="whole time a partner has to answer a relayed request"
    )
    relay_lanes: int = Field(32, ge=1, description="relayed requests in flight to one partner")
    spread_lanes: int = Field(
        2, ge=1, le=16, description="broadcast requests in flight to one partner"
    )
    total: int = Field(512, ge=1, description="outgoing requests in flight in all")
    lane_wait_s: float = Field(1, gt=0, description="seconds to wait for a free lane before 4003")


class Credentials(Room):
    renew_days: float = Field(
        30,
        ge=0,
        le=365,
        description="days after which a partner's token is renewed, a fifth earlier at most; "
        "0: never",
    )


class Alive(Room):
    interval_s: float = Field(300, ge=1, description="silence after which a partner is probed")
    retry_s: float = Field(
        2, gt=0, description="seconds until a failed probe is repeated; then the partner is OFFLINE"
    )


class Pull(Room):
    interval_h: float = Field(
        6, ge=0.01, le=8760, description="hours between two readings, a fifth more or less"
    )
    full_h: float = Field(
        168, ge=0.01, le=8760, description="hours after which a list is read in full again"
    )
    overlap_s: float = Field(
        86_400,
        ge=0,
        description="seconds by which a reading goes back behind the last one: partners' clocks and"
        " time zones are off",
    )
    settle_s: float = Field(
        30, ge=0, description="seconds from a partner's registration to the first reading"
    )
    deadline_s: float = Field(
        30, gt=0, le=300, description="whole time a partner has to answer one page of a list"
    )
    limit: int = Field(200, ge=1, le=10_000, description="objects asked for in one page")
    at_once: int = Field(2, ge=1, le=16, description="partners read at a time by one process")


class Routing(Room):
    agreements: Literal["open", "required"] = Field(
        "open",
        description="open: everybody may roam with everybody; required: only with an agreement",
    )
    ask_all: bool = Field(
        False,
        description="ask all eMSPs to authorize a token of which the hub does not know whose it is",
    )


class Navigation(Room):
    streams: int = Field(5000, ge=1, description="open event streams of one process")
    streams_per_key: int = Field(
        4000, ge=1, description="event streams that one key may have open in one process"
    )
    rate_per_s: int = Field(
        500, ge=0, description="requests a second per key and process; 0 switches it off"
    )
    flush_ms: int = Field(
        100, ge=10, le=10_000, description="milliseconds between two flushes of a stream"
    )
    stale_s: int = Field(
        86_400, ge=1, description="a status older than this is STALE whatever its operator's rhythm"
    )


class Journal(Room):
    keep_days: int = Field(30, ge=1, description="days that message rows are kept")
    bodies: bool = Field(True, description="keep bodies, with secrets masked")
    queue: int = Field(
        20_000, ge=100, description="rows waiting to be written; more are dropped and counted"
    )


class Logging(Room):
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else json"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe event shown"
    )


class Metrics(Room):
    listen: Annotated[str, AfterValidator(lambda v: _listen(v) if v else v)] = Field(
        "",
        description="host:port of a listener of its own for /metrics, without key; empty: "
        "on the main one, with key",
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(
        Path(".ocpi-hub"), description="embedded database, generated secret, documents"
    )
    server: Server = Server()
    hub: Hub = Hub()
    database: Database = Database()
    security: Security = Security()
    admin: Admin = Admin()
    delivery: Delivery = Delivery()
    credentials: Credentials = Credentials()
    alive: Alive = Alive()
    pull: Pull = Pull()
    routing: Routing = Routing()
    navigation: Navigation = Navigation()
    journal: Journal = Journal()
    logging: Logging = Logging()
    metrics: Metrics = Metrics()

    @field_validator("security")
    @classmethod
    def _key_with_outside_database(cls, security: Security, known: ValidationInfo) -> Security:
        database = known.data.get("database")
        outside = database is not None and database.url.get_secret_value()
        if outside and not security.key.get_secret_value():
            raise ValueError(
                f"{PREFIX}SECURITY__KEY: required when {PREFIX}DATABASE__URL is set, because "
                "every process must seal"
                " with the same key (make one with: openssl rand -base64 32)"
            )
        return security

    @property
    def public_url(self) -> str:
        return self.server.public_url or f"http://{self.server.listen}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no dotenv file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - nor a secrets folder
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


class BadSettings(Exception):
    """One or more settings cannot be used; `faults` names each by its variable."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(config: Path | None = None, **overrides: object) -> Settings:
    """From the environment, `config` (TOML) and defaults; raises BadSettings with every fault."""
    if config is not None and not config.is_file():
        raise BadSettings([f"--config: {config} is no file"])
    faults = [
        f"{name}: no such setting (see: ocpi-hub settings)"
        for name in sorted(_misspelt(os.environ))
    ]
    bound = type(
        "Settings", (Settings,), {"model_config": {**Settings.model_config, "toml_file": config}}
    )
    try:
        loaded: Settings = bound(**overrides)
    except ValidationError as error:
        faults += [_fault(item["loc"], item["msg"]) for item in error.errors()]
        raise BadSettings(faults) from None
    except SettingsError:
        faults += [f"{name}: must be JSON" for name in sorted(_no_json(os.environ))]
        raise BadSettings(faults) from None
    except ValueError as error:  # the TOML file itself
        raise BadSettings([*faults, f"{config}: {error}"]) from None
    if faults:
        raise BadSettings(faults)
    return loaded


def _misspelt(names: Iterable[str]) -> Iterator[str]:
    """Variables that look like ours and name no room; wrong names in a room pydantic finds."""
    rooms = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in names:
        upper = name.upper()
        room = "__".join(upper.split("__")[:2])
        if upper.startswith("OCPI_HUB_") and room not in rooms and not upper.startswith(_OTHERS):
            yield name


def _no_json(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that hold a list or a whole room, and cannot be read."""
    fields = Settings.model_fields.items()
    rooms = [variable((name,)) for name, field in fields if isinstance(field.default, Room)]
    for name, value in environment.items():
        if name.upper() in {*rooms, variable(("server", "trusted_proxies"))}:
            try:
                json.loads(value)
            except ValueError:
                yield name


def variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _fault(location: tuple[str | int, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not location or text.startswith(PREFIX):
        return text
    if text == "Extra inputs are not permitted":
        text = "no such setting (see: ocpi-hub settings)"
    return f"{variable(tuple(str(part) for part in location))}: {text}"
