"""Who gets a broadcast, and what a list may show to whom."""

from ocpi_hub.ocpi.primitives import ConnectionStatus, PartyRef, Role
from ocpi_hub.ocpi.spec import ModuleSpec
from ocpi_hub.routing.directory import Directory, Platform, PlatformId

# Navigation roles show what they get to everybody, so they never get what is not published
# (locations: publish; LOC-075).
_NAVIGATION = frozenset({Role.NSP, Role.NAP})
# A role that was only agreed, or was dropped since, neither pushes nor gets anything (CRED-044).
_GONE = frozenset({ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED})


def receivers(
    spec: ModuleSpec, platform: Platform, origin: PlatformId, *, public: bool
) -> tuple[PartyRef, ...]:
    """The parties of `platform` that a broadcast of this module goes to, each once (ROUT-217).

    Empty for the platform it came from (ROUT-218). Whether the platform is connected and offers
    the Receiver interface is the sender's business, since both can change in between.
    """
    if platform.id == origin:
        return ()
    wanted = spec.broadcast_to if public else spec.broadcast_to - _NAVIGATION
    return tuple(
        dict.fromkeys(
            hosted.party
            for hosted in platform.roles
            if hosted.role in wanted and hosted.status not in _GONE
        )
    )


def may_push(spec: ModuleSpec, platform: Platform, party: PartyRef) -> bool:
    """Whether the party has a role that pushes this module by broadcast (ROUT-226)."""
    return any(
        hosted.role in spec.broadcast_from and hosted.status not in _GONE
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


def _states(spec: ModuleSpec, party: PartyRef, directory: Directory) -> set[ConnectionStatus]:
    """The states of a party's roles that push this module, on whichever platforms."""
    return {
        hosted.status
        for platform in directory.hosting(party)
        for hosted in platform.held(party)
        if hosted.role in spec.broadcast_from
    }
