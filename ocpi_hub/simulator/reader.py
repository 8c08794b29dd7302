"""The card reader: who shows a token at an outlet, and whether they may charge.

The whitelist says whether to ask the eMSP. Nobody is asked about a token that came with a command:
never for APP_USER and AD_HOC_USER, and for 15 minutes at its EVSE for RFID (CMD-029, CMD-030).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, fold
from ocpi_hub.simulator.charge import Grant
from ocpi_hub.simulator.client import Answer
from ocpi_hub.simulator.outlet import Object, Outlet
from ocpi_hub.simulator.platform import NotSent, SimulatedPlatform
from ocpi_hub.simulator.whitelist import RFID, Check, Whitelist, check

ALLOWED, NOT_ALLOWED, UNREACHED = "ALLOWED", "NOT_ALLOWED", "UNREACHED"
_TRUSTED = timedelta(minutes=15)
_KEPT = 5_000  # tokens of commands
_HUB_ERRORS = range(4000, 5000)
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """`grant` is there when charging is allowed; `said` is an AllowedType, or UNREACHED.

    `info` is what the driver may be told.
    """

    said: str
    grant: Grant | None = None
    info: Object | None = None


class CardReader:
    """`verdicts` counts what was said."""

    def __init__(self, platform: SimulatedPlatform, whitelist: Whitelist) -> None:
        self.verdicts: Counter[str] = Counter()
        self._platform = platform
        self._whitelist = whitelist
        self._trusted: dict[tuple[str, str, str], tuple[datetime, Grant]] = {}

    def trust(self, grant: Grant, outlet: Outlet, at: datetime) -> None:
        """A command came for this token at this EVSE."""
        who = _who(grant.token["uid"], grant.token["type"], outlet)
        self._trusted.pop(who, None)
        self._trusted[who] = (at, grant)
        if len(self._trusted) > _KEPT:
            self._trusted.pop(next(iter(self._trusted)))

    async def read(
        self, uid: str, outlet: Outlet, at: datetime, kind: str = RFID,
        provider: PartyRef | None = None,
    ) -> Verdict:  # fmt: skip
        """`provider` is asked about a token that is not known here; the hub finds one otherwise."""
        verdict = await self._decide(uid, outlet, at, kind, provider)
        self.verdicts[verdict.said] += 1
        return verdict

    async def _decide(
        self, uid: str, outlet: Outlet, at: datetime, kind: str, provider: PartyRef | None
    ) -> Verdict:
        told, grant = self._trusted.get(_who(uid, kind, outlet), (None, None))
        if told is not None and (kind != RFID or at < told + _TRUSTED):
            return Verdict(ALLOWED, grant)
        token = self._whitelist.find(uid, kind, provider)
        rule = check(token)
        if rule is Check.NO:
            return Verdict(NOT_ALLOWED)
        if token is not None and rule is Check.YES:
            return Verdict(ALLOWED, Grant(token, "WHITELIST"))
        verdict = await self._ask(uid, kind, outlet, provider if token is None else _owner(token))
        if token is not None and verdict.said == UNREACHED and rule is Check.ASK_ELSE_YES:
            return Verdict(ALLOWED, Grant(token, "WHITELIST"))
        return verdict

    async def _ask(self, uid: str, kind: str, outlet: Outlet, provider: PartyRef | None) -> Verdict:
        """Real-time authorization, with the place where it is wanted (TOK-025, TOK-026)."""
        try:
            answer = await self._platform.ask(
                "POST", "tokens", InterfaceRole.SENDER, (uid, "authorize"), outlet.references(),
                to=provider, sender=outlet.owner, params={"type": kind},
            )  # fmt: skip
        except (NotSent, aiohttp.ClientError, TimeoutError):
            return Verdict(UNREACHED)
        if answer.ok:
            return _said(answer.data, outlet)
        return Verdict(UNREACHED if _no_answer(answer) else NOT_ALLOWED)


def _said(info: Object, outlet: Outlet) -> Verdict:
    """ALLOWED counts where the EVSE is among those that the eMSP named (TOK-030)."""
    if info["allowed"] != ALLOWED:
        return Verdict(info["allowed"], info=info.get("info"))
    here = info.get("location") or {}
    evses = [fold(uid) for uid in here.get("evse_uids") or ()]
    if evses and fold(outlet.evse["uid"]) not in evses:
        return Verdict(NOT_ALLOWED, info=info.get("info"))
    reference = info.get("authorization_reference")
    return Verdict(ALLOWED, Grant(info["token"], "AUTH_REQUEST", reference), info.get("info"))


def _no_answer(answer: Answer) -> bool:
    """The eMSP itself said nothing: the hub could not reach it, or a server failed (TOK-053)."""
    return answer.http >= _SERVER_ERROR or answer.code in _HUB_ERRORS


def _who(uid: str, kind: str, outlet: Outlet) -> tuple[str, str, str]:
    place = outlet.evse["uid"] if kind == RFID else ""
    return fold(uid), kind, place


def _owner(token: Object) -> PartyRef:
    return PartyRef(token["country_code"], token["party_id"])
