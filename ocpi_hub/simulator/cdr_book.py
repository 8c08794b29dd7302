"""The CDRs that an eMSP was sent: what it has to pay.

A CDR never changes. One that comes again is acknowledged and not held twice; another one under the
same id is refused (CDR-003, CDR-024). A credit takes back just one CDR that is here (CDR-013).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import fold
from ocpi_hub.ocpi.status import InvalidParameter, NoSuchResource
from ocpi_hub.ocpi.v2_2_1.cdrs import Cdr
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ops.identity import fresh_id
from ocpi_hub.simulator.owned import Key, Object, key_of
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.routes import Routes
from ocpi_hub.simulator.server import Reply

_OF_CREDITS = frozenset({"id", "credit", "credit_reference_id", "total_cost", "last_updated"})

Address = Callable[[], str]


class CdrBook:
    """The Receiver interface of cdrs. `address` is its URL, which is below in every Location."""

    def __init__(self, address: Address) -> None:
        self.held: dict[Key, Object] = {}
        self._address = address
        self._names: dict[Key, str] = {}
        self._by_session: dict[Key, Object] = {}
        self._arrived = asyncio.Event()
        self._routes = Routes("cdrs", {("POST", ""): self._post, ("GET", "*"): self._get})

    async def __call__(self, received: Received) -> Reply:
        return await self._routes(received)

    def of(self, session: Object) -> Object | None:
        """The CDR of a session; None when it is not here yet."""
        return self._by_session.get(key_of(session))

    async def until(self, session: Object, deadline_s: float) -> Object | None:
        """The CDR of a session as soon as it is here; None when the time is over."""
        try:
            async with asyncio.timeout(deadline_s):
                while (found := self.of(session)) is None:
                    await self._arrived.wait()
        except TimeoutError:
            return None
        return found

    def add(self, cdrs: Iterable[Object]) -> None:
        """Take a pulled page (CDR-078); what is here already stays as it is."""
        for cdr in cdrs:
            self._take(cdr)

    def totals(self) -> dict[str, Decimal]:
        """What there is to pay by currency, without VAT, credits taken off (CDR-010, CDR-076)."""
        owed: defaultdict[str, Decimal] = defaultdict(Decimal)
        for cdr in self:
            owed[cdr["currency"]] += Decimal(str(cdr["total_cost"]["excl_vat"]))
        return dict(owed)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.held.values())

    def __len__(self) -> int:
        return len(self.held)

    async def _post(self, received: Received) -> Reply:
        cdr = received.json
        validate(Cdr, cdr)
        new = key_of(cdr) not in self.held
        self._take(cdr)
        address = f"{self._address()}/{self._names[key_of(cdr)]}"
        return Reply(http=201 if new else 200, headers={"Location": address})

    async def _get(self, received: Received) -> Reply:
        [wanted] = received.segments
        for key, name in self._names.items():
            if name == wanted:
                return Reply(codec.encode(self.held[key]))
        raise NoSuchResource("cdrs: no such CDR here")

    def _take(self, cdr: Object) -> None:
        key = key_of(cdr)
        if key in self.held:
            if cdr != self.held[key]:
                raise InvalidParameter(f"id: {cdr['id']} is here already, and is another (CDR-024)")
            return
        if credits(cdr):
            self._check_credit(cdr)
        elif session_id := cdr.get("session_id"):
            self._by_session[key[0], fold(session_id)] = cdr
        self.held[key], self._names[key] = cdr, fresh_id()
        self._arrived.set()
        self._arrived = asyncio.Event()

    def _check_credit(self, cdr: Object) -> None:
        """It repeats the original, but for what tells it is a credit (CDR-009, CDR-011)."""
        reference = fold(cdr["credit_reference_id"])
        original = self.held.get((key_of(cdr)[0], reference))
        if original is None or credits(original):
            raise InvalidParameter(f"credit_reference_id: no CDR {reference} to credit (CDR-013)")
        if any(credits(each) and fold(each["credit_reference_id"]) == reference for each in self):
            raise InvalidParameter(f"credit_reference_id: {reference} is credited (CDR-013)")
        if _negated(cdr["total_cost"]) != original["total_cost"]:
            raise InvalidParameter("total_cost: a credit takes all of it back (CDR-011)")
        names = (cdr.keys() | original.keys()) - _OF_CREDITS
        if changed := sorted(each for each in names if cdr.get(each) != original.get(each)):
            raise InvalidParameter(f"{changed[0]}: a credit repeats the original (CDR-009)")


def credits(cdr: Object) -> bool:  # noqa: A001 - what a Credit CDR does
    return bool(cdr.get("credit"))


def _negated(price: Object) -> Object:
    return {name: -Decimal(str(amount)) for name, amount in price.items() if amount is not None}
