"""Tariffs that are pushed to the hub itself: PUT in full, and DELETE (TAR-002)."""

from collections.abc import Sequence
from typing import Any, Final

from ocpi_hub.modules.keeping import Keeping
from ocpi_hub.modules.store import Store
from ocpi_hub.modules.taken import an_object, same
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff

MODULE: Final = "tariffs"


def duty(store: Store) -> Keeping:
    return Keeping(MODULE, admit, store)


def admit(owner: PartyRef, ids: Sequence[str], _: str, value: Any) -> tuple[str, ...]:
    """The findings of a Tariff that may come in; InvalidParameter when it may not (2001)."""
    tariff = an_object(value)
    same("id", tariff, ids[0])
    same("country_code", tariff, owner.country_code)
    same("party_id", tariff, owner.party_id)
    return validate(Tariff, tariff)
