"""Platforms: invite, agree parties, register, rotate, suspend, end. A token is shown only once."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from ocpi_hub.admin import pages
from ocpi_hub.admin.door import Ask, Door, Nothing, Question, Reply, Row
from ocpi_hub.admin.problem import Problem, invalid
from ocpi_hub.modules.keys import Scope
from ocpi_hub.modules.platforms import AgreedRole
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.ops.logging import mask
from ocpi_hub.routing.directory import HostedRole, Platform, PlatformId, Quirks


def _url(text: str) -> str:
    parts = urlsplit(text)
    reachable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    if not reachable or "@" in parts.netloc:
        raise ValueError("must be an http or https URL without user, such as https://cpo.example/")
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return pages.printable(text)


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_name)]
Url = Annotated[str, Field(max_length=255, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_url)]
Token = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class RoleAgreed(Question):
    country_code: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
    party_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3}$")]
    role: Role
    name: Name

    @property
    def agreed(self) -> AgreedRole:
        return AgreedRole(PartyRef(self.country_code, self.party_id), self.role, self.name)


def _once(roles: list[RoleAgreed]) -> list[RoleAgreed]:
    if len({(role.agreed.party, role.role) for role in roles}) < len(roles):
        raise ValueError("each country, party and role may be given only once")
    return roles


Roles = Annotated[list[RoleAgreed], Field(max_length=1000), AfterValidator(_once)]


class QuirksGiven(Question):
    """Only the members given change; null takes a number back to the hub's setting.

    `pull`: null, and the hub reads every list that the partner offers; else only these.
    """

    raw_token: bool = False
    catch_up: bool = False
    lenient_list: bool = False
    deadline_s: Annotated[float, Field(gt=0, le=60)] | None = None
    rate_per_s: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    pull: list[Literal["locations", "tariffs", "tokens"]] | None = None
    pull_hours: Annotated[float, Field(ge=0.01, le=8760)] | None = None
    vanished: Literal["keep", "remove"] = "keep"
    trailing_slash: bool = False
    known_members: bool = False
    put_only: bool = False
    slashed_endpoints: bool = False
    offset_paging: bool = False

    @property
    def given(self) -> dict[str, Any]:
        return self.model_dump(include=self.model_fields_set)


class NewPlatform(Question):
    name: Name
    roles: Annotated[Roles, Field(min_length=1)]
    quirks: QuirksGiven = QuirksGiven()


class PlatformChange(Question):
    """Defaults stand for "not given"; null is refused by the types.

    No roles at all: the parties of a platform that left are free for another one.
    """

    name: Name = ""
    roles: Roles = Field([])
    quirks: QuirksGiven = QuirksGiven()


class PartnerInvitation(Question):
    versions_url: Url
    token: Token


async def create(door: Door, ask: Ask[NewPlatform]) -> Reply:
    asked = ask.question
    roles = [role.agreed for role in asked.roles]
    platform, token = await door.platforms.create(asked.name, roles, Quirks(**asked.quirks.given))
    body = {
        "id": platform.id,
        "name": platform.name,
        "status": platform.status,
        "roles": [_role(hosted) for hosted in platform.roles],
        "registration": {"token": token, "versions_url": door.versions_url},
    }
    return Reply(body, platform.id, asked.model_dump(mode="json"))


async def listing(door: Door, ask: Ask[pages.Listing]) -> Reply:
    """By name; the cursor is the last one's name and id, so that deletions move nothing."""
    behind = pages.place(ask.question.cursor) or ""
    ordered = sorted(door.platforms.directory().platforms.values(), key=_mark)
    found = [platform for platform in ordered if _mark(platform) > behind]
    limit = ask.question.limit
    return Reply(pages.page(found[: limit + 1], limit, lambda p: summary(door, p), _mark))


async def one(door: Door, ask: Ask[Nothing]) -> Reply:
    return Reply(await _view(door, _platform(door, ask.id)))


async def change(door: Door, ask: Ask[PlatformChange]) -> Reply:
    platform, asked = _platform(door, ask.id), ask.question
    given = asked.model_fields_set
    if "roles" in given and not asked.roles and platform.registered:
        raise invalid("roles", "a registered platform needs at least one: remove it first")
    changed = await door.platforms.change(
        platform.id,
        name=asked.name if "name" in given else None,
        roles=[role.agreed for role in asked.roles] if "roles" in given else None,
        quirks=asked.quirks.given if "quirks" in given else None,
    )
    return await _changed(door, changed, asked.model_dump(mode="json", exclude_unset=True))


async def registration_token(door: Door, ask: Ask[Nothing]) -> Reply:
    platform = _platform(door, ask.id)
    token = await door.platforms.issue_registration_token(platform.id)
    return Reply({"token": token, "versions_url": door.versions_url}, platform.id)


async def register(door: Door, ask: Ask[PartnerInvitation]) -> Reply:
    platform, asked = _platform(door, ask.id), ask.question
    if platform.status is ConnectionStatus.SUSPENDED and platform.registered:
        raise Problem(409, "the platform is suspended: resume it first")
    registered = await door.registrar.register(platform.id, asked.versions_url, asked.token)
    return await _changed(door, registered, {"versions_url": mask(asked.versions_url)})


async def rotate(door: Door, ask: Ask[Nothing]) -> Reply:
    return await _changed(door, await door.registrar.rotate(_registered(door, ask.id).id))


async def suspend(door: Door, ask: Ask[Nothing]) -> Reply:
    return await _changed(door, await door.platforms.suspend(_platform(door, ask.id).id))


async def resume(door: Door, ask: Ask[Nothing]) -> Reply:
    platform = _platform(door, ask.id)
    if platform.status is not ConnectionStatus.SUSPENDED:
        raise Problem(409, f"the platform is not suspended but {platform.status}")
    return await _changed(door, await door.platforms.resume(platform.id))


async def pull(door: Door, ask: Ask[Nothing]) -> Reply:
    """Read its lists in full: begins within a second, or as soon as the partner is back."""
    platform = _registered(door, ask.id)
    modules = await door.lists.ask(platform)
    return await _changed(door, platform, {"modules": list(modules)})


async def remove(door: Door, ask: Ask[Nothing]) -> Reply:
    platform = _platform(door, ask.id)
    await door.registrar.unregister(platform.id)
    return Reply(None, platform.id)


def _platform(door: Door, platform_id: str) -> Platform:
    found = door.platforms.directory().platforms.get(PlatformId(platform_id))
    if found is None:
        raise Problem(404, "there is no platform with this id")
    return found


def _registered(door: Door, platform_id: str) -> Platform:
    platform = _platform(door, platform_id)
    if not platform.registered:
        raise Problem(409, "the platform is not registered")
    if platform.status is ConnectionStatus.SUSPENDED:
        raise Problem(409, "the platform is suspended: resume it first")
    return platform


async def _changed(
    door: Door, platform: Platform, details: Mapping[str, Any] | None = None
) -> Reply:
    return Reply(await _view(door, platform), platform.id, details or {})


def _mark(platform: Platform) -> str:
    return f"{platform.name.casefold()}\n{platform.id}"


async def _view(door: Door, platform: Platform) -> dict[str, Any]:
    report = await door.platforms.report(platform.id)
    return summary(door, platform) | {
        "pull": await door.lists.shown(platform),
        "created_at": report.created_at,
        "has_registration_token": report.has_registration_token,
    }


def summary(door: Door, platform: Platform) -> dict[str, Any]:
    """A platform as the operator sees it; never a token, not even one in an address."""
    endpoints = platform.endpoints
    health = door.health.health(platform.id)
    return {
        "id": platform.id,
        "name": platform.name,
        "status": platform.status,
        "registered": platform.registered,
        "roles": [_role(hosted) for hosted in platform.roles],
        "agreed": [_agreed(role) for role in door.platforms.agreed(platform.id)],
        "versions": [platform.version] if platform.version else [],
        "versions_url": mask(platform.versions_url) if platform.versions_url else None,
        "endpoints": [asdict(endpoint) | {"url": mask(endpoint.url)} for endpoint in endpoints],
        "quirks": asdict(platform.quirks),
        "last_seen": door.platforms.last_seen(platform.id),
        "breaker": health["breaker"],
        "lag": health["lag_s"],
        "counters": {"pending": health["pending"], **(health["deliveries"] or {})},
    }


def _role(hosted: HostedRole) -> dict[str, Any]:
    return {
        "country_code": hosted.party.country_code,
        "party_id": hosted.party.party_id,
        "role": hosted.role,
        "name": _business_name(hosted.business_details),
        "status": hosted.status,
    }


def _agreed(role: AgreedRole) -> dict[str, Any]:
    return {
        "country_code": role.party.country_code,
        "party_id": role.party.party_id,
        "role": role.role,
        "name": role.name,
    }


def _business_name(details: bytes) -> str:
    """The name in a BusinessDetails object, which a partner may have sent in any shape."""
    found = codec.decode(details) if details else None
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""


READ, WRITE = Scope.PLATFORMS_READ, Scope.PLATFORMS_WRITE
ALL, ONE = "/platforms", "/platforms/{id}"

ROWS = (
    Row("POST", ALL, WRITE, create, NewPlatform, 201, "platform:created"),
    Row("GET", ALL, READ, listing, pages.Listing),
    Row("GET", ONE, READ, one),
    Row("PATCH", ONE, WRITE, change, PlatformChange, action="platform:changed"),
    Row("DELETE", ONE, WRITE, remove, status=204, action="platform:removed"),
    Row(
        "POST",
        f"{ONE}/registration-token",
        WRITE,
        registration_token,
        action="platform:registration-token:issued",
    ),
    Row(
        "POST", f"{ONE}/register", WRITE, register, PartnerInvitation, action="platform:registered"
    ),
    Row("POST", f"{ONE}/rotate", WRITE, rotate, action="platform:credentials:rotated"),
    Row("POST", f"{ONE}/suspend", WRITE, suspend, action="platform:suspended"),
    Row("POST", f"{ONE}/resume", WRITE, resume, action="platform:resumed"),
    Row("POST", f"{ONE}/pull", WRITE, pull, status=202, action="platform:pull:asked"),
)
