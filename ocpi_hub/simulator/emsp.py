"""A simulated e-mobility provider: locations and tariffs for its drivers, tokens, commands, bills.

It takes every location, published or not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from ocpi_hub.ocpi.primitives import (
    InterfaceRole,
    PartyRef,
    Role,
    format_datetime,
    parse_datetime,
)
from ocpi_hub.ops.identity import now
from ocpi_hub.simulator.cdr_book import CdrBook
from ocpi_hub.simulator.client import Refused
from ocpi_hub.simulator.commands import Commands, Improper
from ocpi_hub.simulator.issuer import Issuer
from ocpi_hub.simulator.lag import LagMeter
from ocpi_hub.simulator.mailbox import Object, Pending
from ocpi_hub.simulator.platform import PlatformRole
from ocpi_hub.simulator.profiles import Profiles
from ocpi_hub.simulator.receiver import Receiver
from ocpi_hub.simulator.session_book import SessionBook
from ocpi_hub.simulator.stations import owner_of
from ocpi_hub.simulator.token_book import issue

_SENDER, _RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Emsp(Receiver):
    """`issuer` has its tokens, `sessions` and `cdrs` what CPOs told of its `customers`.

    `delegated`: an SCSP sets the charging profiles, and nobody else does.
    """

    def __init__(
        self, name: str, party: PartyRef, meter: LagMeter | None = None, *, customers: int = 10
    ) -> None:
        super().__init__(name, PlatformRole(party, Role.EMSP, name), meter)
        self.issuer = Issuer(self, issue(party, name, customers, now()))
        self.commands = Commands(self, self.issuer.book)
        self.profiles = Profiles(self)
        self.sessions = SessionBook()
        self.delegated = False
        self.cdrs = CdrBook(lambda: self.url("cdrs", _RECEIVER))
        self.serve("sessions", _RECEIVER, self.sessions)
        self.serve("cdrs", _RECEIVER, self.cdrs)

    async def limit(self, session: Object, profile: Object) -> Pending:
        """Set a charging profile where the EVSE can follow one (CHP-003, CHP-045).

        Two parties that limit a session would give it less than either wants (CHP-043).
        """
        if self.delegated:
            raise Improper("charging profiles are left to the SCSP (CHP-043)")
        evse = self.evse(owner_of(session), session["location_id"], session["evse_uid"])
        if evse is not None and "CHARGING_PROFILE_CAPABLE" not in (evse.get("capabilities") or ()):
            raise Improper(f"{evse['uid']} is not CHARGING_PROFILE_CAPABLE (CHP-045)")
        return await self.profiles.set(owner_of(session), session["id"], profile)

    async def prefer(
        self, session: Object, profile_type: str, *,
        departure: str | None = None, kwh: Decimal | None = None,
    ) -> str:  # fmt: skip
        """Set what the driver prefers while a session goes on (SES-012, SES-017).

        The answer is a ChargingPreferencesResponse; Refused is raised where there is none.
        """
        told = {"profile_type": profile_type, "departure_time": departure, "energy_need": kwh}
        answer = await self.ask(
            "PUT",
            "sessions",
            _SENDER,
            (session["id"], "charging_preferences"),
            {name: value for name, value in told.items() if value is not None},
            to=owner_of(session),
        )
        if not answer.ok:
            raise Refused("charging_preferences", answer)
        return str(answer.data)

    async def catch_up(self, cpo: PartyRef) -> int:
        """Pull what a CPO pushed while this platform was away (SES-005, CDR-078); how much it was.

        The lists are those of our own drivers, from the last known last_updated on.
        """
        count = 0
        for module, book in (("sessions", self.sessions), ("cdrs", self.cdrs)):
            async for page in self.client.crawl(
                self.known_peer.url(module, _SENDER),
                self.known_peer.token,
                to=cpo,
                sender=self.party,
                params={"date_from": _newest(each for each in book if owner_of(each) == cpo)},
            ):
                book.add(page.data)
                count += len(page.data)
        return count

    def evse(self, owner: PartyRef, location_id: str, uid: str) -> Object | None:
        """An EVSE in its copy."""
        location = self.copy.one(owner, location_id) or {}
        return next((each for each in location.get("evses") or () if each["uid"] == uid), None)


def _newest(held: Iterable[Object]) -> str:
    moments = (parse_datetime(each["last_updated"]) for each in held)
    return format_datetime(max(moments, default=_EPOCH))
