"""HubClientInfo as a list: who can be reached through the hub, and whether right now.

Served from the directory in memory. OFFLINE and SUSPENDED parties stay in it, since a list
declares what it leaves out as no longer valid (HCI-029).
"""

from dataclasses import dataclass

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.paging import Query
from ocpi_hub.ocpi.primitives import format_datetime
from ocpi_hub.routing.audience import seen
from ocpi_hub.routing.directory import Directory, HostedRole, PlatformId

LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Clients:
    """A page: its JSON array, the number of objects that match, and the limit applied."""

    body: bytes
    total: int
    limit: int


def clients(directory: Directory, viewer: PlatformId, query: Query) -> Clients:
    """The parties as `viewer` sees them, in order of creation, without its own (HCI-021)."""
    looking = directory.platforms[viewer]
    others = (
        seen(hosted, looking, directory)
        for platform, hosted in directory.hosted_roles()
        if platform.id != viewer and hosted.party != directory.hub
    )
    found = [hosted for hosted in others if _within(hosted, query)]
    limit = min(query.limit or LONGEST_PAGE, LONGEST_PAGE)
    page = found[query.offset : query.offset + limit]
    return Clients(codec.encode([client_info(hosted) for hosted in page]), len(found), limit)


def client_info(hosted: HostedRole) -> dict[str, str]:
    """The ClientInfo object of a party in one role (HCI-002)."""
    return {
        "party_id": hosted.party.party_id,
        "country_code": hosted.party.country_code,
        "role": hosted.role,
        "status": hosted.status,
        "last_updated": format_datetime(hosted.last_updated),
    }


def _within(hosted: HostedRole, query: Query) -> bool:
    """`date_from` inclusive, `date_to` exclusive (HCI-003)."""
    moment = hosted.last_updated
    return (query.date_from is None or moment >= query.date_from) and (
        query.date_to is None or moment < query.date_to
    )
