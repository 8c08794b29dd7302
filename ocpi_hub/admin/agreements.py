"""Agreements: which two parties may roam, with which modules, and when."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from ocpi_hub.admin import pages
from ocpi_hub.admin.door import Ask, Door, Nothing, Question, Reply, Row
from ocpi_hub.admin.problem import Fault, Problem, invalid, refused
from ocpi_hub.admin.settlement import Party, Settlement
from ocpi_hub.modules.agreements import Agreement, Terms
from ocpi_hub.modules.keys import Scope
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.spec import Family
from ocpi_hub.ocpi.v2_2_1 import MODULES

_NAMES = sorted(name for name, spec in MODULES.items() if spec.family is Family.FUNCTIONAL)


def _module(name: str) -> str:
    if name not in _NAMES:
        raise ValueError(f"must be one of {', '.join(_NAMES)}")
    return name


Scoped = Annotated[frozenset[Annotated[str, AfterValidator(_module)]], Field(min_length=1)]


class NewAgreement(Question):
    """`modules` null: all. `valid_from` is inclusive, `valid_to` not; null: without end."""

    parties: Annotated[list[Party], Field(min_length=2, max_length=2)]
    modules: Scoped | None = None
    valid_from: pages.Moment | None = None
    valid_to: pages.Moment | None = None
    settlement: Settlement | None = None


class AgreementChange(Question):
    """What is left out stays; null takes the bound, the scope or the terms of billing away."""

    modules: Scoped | None = None
    valid_from: pages.Moment | None = None
    valid_to: pages.Moment | None = None
    settlement: Settlement | None = None


class AgreementListing(pages.Listing):
    party: Party | None = None


async def create(door: Door, ask: Ask[NewAgreement]) -> Reply:
    asked = ask.question
    first, second = sorted(map(_ref, asked.parties), key=lambda party: party.key)
    terms = Terms((first, second), asked.modules, asked.valid_from, asked.valid_to, _kept(asked))
    _check(terms, door.platforms.directory().hub)
    made = await door.agreements.create(terms)
    return Reply(view(made), made.id, _told(asked))


async def listing(door: Door, ask: Ask[AgreementListing]) -> Reply:
    asked = ask.question
    after, limit = pages.place(asked.cursor), asked.limit
    if after is not None and _agreement_id(after) is None:
        raise invalid("cursor", "must be the `next` of this list")
    party = None if asked.party is None else _ref(asked.party)
    found = await door.agreements.list(after, limit + 1, party)
    return Reply(pages.page(found, limit, view, lambda agreement: agreement.id))


async def one(door: Door, ask: Ask[Nothing]) -> Reply:
    return Reply(view(await door.agreements.one(_known(ask.id))))


async def change(door: Door, ask: Ask[AgreementChange]) -> Reply:
    asked = ask.question
    hub = door.platforms.directory().hub

    def revised(terms: Terms) -> Terms:
        given = asked.model_fields_set
        found = Terms(
            terms.parties,
            asked.modules if "modules" in given else terms.modules,
            asked.valid_from if "valid_from" in given else terms.valid_from,
            asked.valid_to if "valid_to" in given else terms.valid_to,
            _kept(asked) if "settlement" in given else terms.settlement,
        )
        _check(found, hub)
        return found

    changed = await door.agreements.change(_known(ask.id), revised)
    return Reply(view(changed), changed.id, _told(asked))


async def remove(door: Door, ask: Ask[Nothing]) -> Reply:
    gone = await door.agreements.delete(_known(ask.id))
    return Reply(None, gone.id, {"parties": [str(party) for party in gone.terms.parties]})


def view(agreement: Agreement) -> dict[str, Any]:
    terms = agreement.terms
    return {
        "id": agreement.id,
        "parties": [str(party) for party in terms.parties],
        "modules": None if terms.modules is None else sorted(terms.modules),
        "valid_from": terms.valid_from,
        "valid_to": terms.valid_to,
        "in_force": agreement.in_force,
        "settlement": terms.settlement,
        "created_at": agreement.created_at,
    }


def _check(terms: Terms, hub: PartyRef) -> None:
    """The rules that no field knows alone; raises Problem 400 with all that are broken."""
    if faults := list(_faults(terms, hub)):
        raise refused(faults)


def _faults(terms: Terms, hub: PartyRef) -> Iterator[Fault]:
    first, second = terms.parties
    if first == second:
        yield Fault("parties", "must be two different parties")
    if hub in terms.parties:
        yield Fault("parties", f"{hub} is the hub itself, which needs no agreement")
    if terms.valid_from and terms.valid_to and terms.valid_from >= terms.valid_to:
        yield Fault("valid_to", "must be later than valid_from")
    named = {str(party).upper() for party in terms.parties}
    billing = terms.settlement or {}
    for member, name in (("vat", "party"), ("fees", "payer")):
        for place, entry in enumerate(billing.get(member, ())):
            if entry[name] not in named:
                yield Fault(
                    f"settlement.{member}.{place}.{name}",
                    f"must be one of the two parties, {' or '.join(sorted(named))}",
                )


def _kept(asked: NewAgreement | AgreementChange) -> dict[str, Any] | None:
    terms = asked.settlement
    return None if terms is None else terms.model_dump(mode="json")


def _told(asked: NewAgreement | AgreementChange) -> dict[str, Any]:
    """What was asked, for the audit log."""
    told = asked.model_dump(mode="json", exclude_unset=True)
    return told | ({"modules": sorted(asked.modules)} if asked.modules else {})


def _ref(text: str) -> PartyRef:
    country_code, _, party_id = text.partition("-")
    return PartyRef(country_code, party_id)


def _known(text: str) -> str:
    """An id that may be one, in its canonical spelling; raises Problem 404."""
    agreement_id = _agreement_id(text)
    if agreement_id is None:
        raise Problem(404, "there is no agreement with this id")
    return agreement_id


def _agreement_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


READ, WRITE = Scope.AGREEMENTS_READ, Scope.AGREEMENTS_WRITE
ALL, ONE = "/agreements", "/agreements/{id}"

ROWS = (
    Row("POST", ALL, WRITE, create, NewAgreement, 201, "agreement:created"),
    Row("GET", ALL, READ, listing, AgreementListing),
    Row("GET", ONE, READ, one),
    Row("PATCH", ONE, WRITE, change, AgreementChange, action="agreement:changed"),
    Row("DELETE", ONE, WRITE, remove, status=204, action="agreement:removed"),
)
