"""What a partner has to mend: the rules that its messages broke without being refused."""

from typing import Any

from ocpi_hub.admin import pages
from ocpi_hub.admin.door import Ask, Door, Reply, Row
from ocpi_hub.admin.pages import Moment
from ocpi_hub.admin.problem import Problem
from ocpi_hub.modules.findings import Finding
from ocpi_hub.modules.keys import Scope
from ocpi_hub.routing.directory import PlatformId


class FindingListing(pages.Listing):
    """`since` is inclusive, `until` is not."""

    since: Moment | None = None
    until: Moment | None = None


async def findings(door: Door, ask: Ask[FindingListing]) -> Reply:
    """By rule; the cursor is the last one's rule."""
    asked, platform = ask.question, PlatformId(ask.id)
    if platform not in door.platforms.directory().platforms:
        raise Problem(404, "there is no platform with this id")
    behind = pages.place(asked.cursor) or ""
    found = await door.findings.of(platform, asked.since, asked.until)
    rest = sorted((one for one in found if one.rule > behind), key=lambda one: one.rule)
    shown = rest[: asked.limit + 1]
    return Reply(pages.page(shown, asked.limit, view, lambda one: one.rule))


def view(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "count": finding.count,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "text": finding.text,
        "message_id": finding.message,
        "message_url": f"/admin/v1/messages/{finding.message}",
    }


ROWS = (Row("GET", "/platforms/{id}/findings", Scope.PLATFORMS_READ, findings, FindingListing),)
