"""Who is connected: an immutable snapshot of platforms, their parties and endpoints.

Storage builds a new one after every change; everybody else only reads. Looking up a party goes by
(country, party) and by the interface that was called, since headers carry no role (ROUT-013).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from ocpi_hub.ocpi.primitives import ConnectionStatus, InterfaceRole, PartyRef, Role
from ocpi_hub.routing.agreements import Agreements

PlatformId = NewType("PlatformId", str)


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a partner differs from the text, as the operator set it.

    `catch_up`: it is sent what it missed: all there is at first, what changed while it was OFFLINE.
    `deadline_s`: seconds this partner has to answer a relayed request (None: the hub's setting).
    `rate_per_s`: requests a second accepted from it (None: the hub's setting).
    `pull`: the modules whose lists the hub reads there (None: all that it offers).
    `pull_hours`: from one reading to the next (None: the hub's setting).
    `vanished`: `keep` or `remove` what a complete list does not hold any more.
    `trailing_slash`: addresses that the hub makes below its endpoints end with a slash.
    `known_members`: it refuses unknown members, so the hub's broadcasts leave them out.
    `put_only`: it takes no PATCH, so broadcasts bring it the whole object.
    `slashed_endpoints`: it puts ids right behind an endpoint, so ours end with a slash for it.
    `offset_paging`: its Links lead nowhere, so the pages of its lists are asked for by offset.
    """

    raw_token: bool = False
    catch_up: bool = False
    lenient_list: bool = False
    deadline_s: float | None = None
    rate_per_s: int | None = None
    pull: Sequence[str] | None = None
    pull_hours: float | None = None
    vanished: str = "keep"
    trailing_slash: bool = False
    known_members: bool = False
    put_only: bool = False
    slashed_endpoints: bool = False
    offset_paging: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An entry of a partner's version details."""

    module: str
    role: InterfaceRole
    url: str


@dataclass(frozen=True, slots=True)
class HostedRole:
    """A party in one role on a platform, with its connection state as others see it.

    `business_details` is the JSON object of the credentials exchange (or made from the name that
    the operator gave); `last_updated` moves only when the content changes (HCI-019). `standing`:
    when it last came or went, to those who see no more than that; None: as `last_updated`.
    """

    party: PartyRef
    role: Role
    business_details: bytes
    status: ConnectionStatus
    last_updated: datetime
    standing: datetime | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """A connected system: one pair of credentials, any number of parties and roles.

    `version` is the OCPI version in force (None before registration); `registered` is false until
    a credentials exchange succeeded and after the connection was ended.
    """

    id: PlatformId
    name: str
    status: ConnectionStatus
    registered: bool
    version: str | None
    versions_url: str | None
    endpoints: tuple[Endpoint, ...]
    roles: tuple[HostedRole, ...]
    quirks: Quirks = Quirks()
    by_party: Mapping[PartyRef, tuple[HostedRole, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        index: dict[PartyRef, list[HostedRole]] = {}
        for hosted in self.roles:
            index.setdefault(hosted.party, []).append(hosted)
        object.__setattr__(self, "by_party", {ref: tuple(found) for ref, found in index.items()})

    def endpoint(self, module: str, role: InterfaceRole) -> Endpoint | None:
        return next((e for e in self.endpoints if e.module == module and e.role is role), None)

    def hosts(self, party: PartyRef) -> bool:
        return party in self.by_party

    def held(self, party: PartyRef) -> tuple[HostedRole, ...]:
        """The roles of one party here."""
        return self.by_party.get(party, ())

    @property
    def parties(self) -> tuple[PartyRef, ...]:
        """Each hosted party once, in the order of its first role."""
        return tuple(self.by_party)

    @property
    def connected(self) -> bool:
        return self.status is ConnectionStatus.CONNECTED


@dataclass(frozen=True, slots=True)
class Directory:
    """All platforms at one moment; `number` grows with every change of the directory.

    `suspended`: the parties of which at least one role is. `agreements`: None where everybody may
    roam with everybody. `unseen`: what `audience.unseen` found out already, since large
    sets that are equal should be one.
    """

    hub: PartyRef
    platforms: Mapping[PlatformId, Platform]
    number: int = 0
    agreements: Agreements | None = None
    by_party: Mapping[PartyRef, tuple[Platform, ...]] = field(init=False)
    suspended: tuple[PartyRef, ...] = field(init=False)
    unseen: dict[tuple[str, PartyRef], frozenset[tuple[str, str]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        index: dict[PartyRef, list[Platform]] = {}
        for platform in self.platforms.values():
            for party in platform.parties:
                index.setdefault(party, []).append(platform)
        object.__setattr__(self, "by_party", {ref: tuple(found) for ref, found in index.items()})
        suspended = (
            hosted.party
            for _, hosted in self.hosted_roles()
            if hosted.status is ConnectionStatus.SUSPENDED
        )
        object.__setattr__(self, "suspended", tuple(dict.fromkeys(suspended)))

    def hosting(self, party: PartyRef) -> tuple[Platform, ...]:
        """The platforms that host a party; more than one when its roles are split (CRED-052)."""
        return self.by_party.get(party, ())

    def allows(self, party: PartyRef, other: PartyRef, module: str) -> bool:
        """Whether two parties may exchange objects of a module."""
        return self.agreements is None or self.agreements.allow(party, other, module)

    def hosted_roles(self) -> Iterator[tuple[Platform, HostedRole]]:
        for platform in self.platforms.values():
            for hosted in platform.roles:
                yield platform, hosted
