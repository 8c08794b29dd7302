"""Who gets a broadcast, and what a list may show to whom."""

from dataclasses import replace

from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.routing.agreements import Agreements
from ocpi_hub.routing.directory import Directory, HostedRole, Platform, PlatformId

# Navigation roles show what they get to everybody, so they never get what is not published
# (locations: publish; LOC-075).
_NAVIGATION = frozenset({Role.NSP, Role.NAP})
# A role that was only agreed, or was dropped since, neither pushes nor gets anything (CRED-044).
_GONE = frozenset({ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED})


def receivers(
    spec: ModuleSpec,
    platform: Platform,
    origin: PlatformId,
    owner: PartyRef,
    agreements: Agreements | None = None,
    *,
    public: bool,
) -> tuple[PartyRef, ...]:
    """The parties of `platform` that a broadcast of this module goes to, each once (ROUT-217).

    Empty for the platform it came from (ROUT-218). Where there are agreements, only those count
    that have one with the owner of the object (ROUT-225). Whether the platform is connected and
    offers the Receiver interface is the sender's business, since both can change in between.
    """
    if platform.id == origin:
        return ()
    wanted = spec.broadcast_to if public else spec.broadcast_to - _NAVIGATION
    return tuple(
        dict.fromkeys(
            hosted.party
            for hosted in platform.roles
            if hosted.role in wanted
            and hosted.status not in _GONE
            and (agreements is None or agreements.allow(owner, hosted.party, spec.identifier))
        )
    )


def may_push(spec: ModuleSpec, platform: Platform, party: PartyRef) -> bool:
    """Whether the party has a role that pushes this module by broadcast (ROUT-226)."""
    return any(
        hosted.role in spec.broadcast_from and hosted.status not in _GONE
        for hosted in platform.held(party)
    )


def may_get(spec: ModuleSpec, platform: Platform, party: PartyRef) -> bool:
    """Whether the party has a role that gets broadcasts of this module (ROUT-206)."""
    return any(
        hosted.role in spec.broadcast_to and hosted.status not in _GONE
        for hosted in platform.held(party)
    )


def sees_unpublished(platform: Platform, party: PartyRef) -> bool:
    """Whether a list for this party may hold objects that are not published."""
    return any(
        hosted.role not in _NAVIGATION and hosted.status not in _GONE
        for hosted in platform.held(party)
    )


def hidden(spec: ModuleSpec, directory: Directory) -> frozenset[tuple[str, str]]:
    """Keys of the owners whose objects no list shows: their pushing roles ended (ROUT-410)."""
    return frozenset(
        party.key
        for party in directory.suspended
        if _states(spec, party, directory) == {ConnectionStatus.SUSPENDED}
    )


def unseen(spec: ModuleSpec, directory: Directory, viewer: PartyRef) -> frozenset[tuple[str, str]]:
    """Keys of all owners whose objects no list shows to `viewer`.

    Where there are agreements, also of those that have none with it (TR-034).
    """
    if directory.agreements is None:
        return hidden(spec, directory)
    asked = (spec.identifier, viewer)
    found = directory.unseen.get(asked)
    if found is None:
        strangers = (
            party.key
            for party in directory.by_party
            if not directory.allows(viewer, party, spec.identifier)
            and _states(spec, party, directory)
        )
        found = directory.unseen[asked] = hidden(spec, directory).union(strangers)
    return found


def seen(hosted: HostedRole, viewer: Platform, directory: Directory) -> HostedRole:
    """A role as `viewer` sees it: PLANNED without an agreement, unless it ended (HCI-022).

    `last_updated` is then that of what is seen.
    """
    agreements = directory.agreements
    if agreements is None:
        return hosted
    linked = any(agreements.link(party, hosted.party) for party in viewer.parties)
    moves = (agreements.moved(party, hosted.party) for party in viewer.parties)
    shown = linked or hosted.status is ConnectionStatus.SUSPENDED
    own = hosted.last_updated if linked else hosted.standing or hosted.last_updated
    return replace(
        hosted,
        status=hosted.status if shown else ConnectionStatus.PLANNED,
        last_updated=max(own, *filter(None, moves), own),
    )


def _states(spec: ModuleSpec, party: PartyRef, directory: Directory) -> set[ConnectionStatus]:
    """The states of a party's roles that push this module, on whichever platforms."""
    return {
        hosted.status
        for platform in directory.hosting(party)
        for hosted in platform.held(party)
        if hosted.role in spec.broadcast_from
    }
