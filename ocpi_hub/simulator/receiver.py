"""A platform that takes locations and the tariffs beside them: the common part of eMSP and NSP."""

from typing import Any

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold
from ocpi_hub.simulator.copy import Copy, key_of
from ocpi_hub.simulator.lag import LagMeter, Samples
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.tariff_book import TariffBook


class Receiver(SimulatedPlatform):
    """Holds a copy of what is pushed to it, and measures how late it came."""

    def __init__(self, name: str, role: PlatformRole, meter: LagMeter | None = None) -> None:
        super().__init__(name, [role])
        self.meter = meter or LagMeter()
        self.lag = Samples()
        self.copy = Copy(self._heard)
        self.tariffs = TariffBook()
        self.serve("locations", InterfaceRole.RECEIVER, self.copy)
        self.serve("tariffs", InterfaceRole.RECEIVER, self.tariffs)

    @property
    def pushes(self) -> int:
        return self.record.pushes("locations.receiver")

    async def crawl(self, date_from: str | None = None) -> int:
        """Fetch every location the hub shows to this party (GET-all); how many there were.

        A whole crawl is the new truth: what it did not find is no longer valid. One that asks for
        changes since `date_from` proves nothing of the kind (LOC-025).
        """
        missed = {} if date_from else self.copy.moments()
        count = 0
        async for page in self.client.crawl(
            self.known_peer.url("locations", InterfaceRole.SENDER),
            self.known_peer.token,
            to=self.known_peer.party,
            sender=self.party,
            params={"date_from": date_from} if date_from else None,
        ):
            locations = page.data
            self.copy.add(locations)
            count += len(locations)
            for location in locations:
                missed.pop(key_of(location), None)
        self.copy.drop(missed)
        return count

    async def crawl_tariffs(self) -> int:
        """Fetch every tariff the hub shows to this party, and forget all others (TAR-004)."""
        found = [
            tariff
            async for page in self.client.crawl(
                self.known_peer.url("tariffs", InterfaceRole.SENDER),
                self.known_peer.token,
                to=self.known_peer.party,
                sender=self.party,
            )
            for tariff in page.data
        ]
        self.tariffs.replace(found)
        return len(found)

    def shows(self, location: dict[str, Any], token: dict[str, Any] | None) -> bool:
        """Whether its app shows a Location to the owner of a Token, or to anybody (LOC-065).

        One that is not published is for those who match all that some entry says (LOC-067).
        """
        entries = location.get("publish_allowed_to") or ()
        return bool(location["publish"]) or (
            token is not None and any(_matches(entry, token) for entry in entries)
        )

    def _heard(self, owner: PartyRef, last_updated: str, part: str) -> None:
        seconds = self.meter.since((owner, last_updated, part))
        if seconds is not None:
            self.lag.add(seconds)


def _matches(entry: dict[str, Any], token: dict[str, Any]) -> bool:
    said = {name: value for name, value in entry.items() if value is not None}
    return bool(said) and all(
        fold(str(token.get(name, ""))) == fold(value) for name, value in said.items()
    )
