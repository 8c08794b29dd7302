"""Objects that belong to somebody else, at `/{country}/{party}/{id}` of a Receiver interface."""

from typing import Any

from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import PartyRef, fold
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.simulator.record import Received
from ocpi_hub.simulator.server import party_of

Object = dict[str, Any]
Key = tuple[PartyRef, str]

PATH = "*/*/*"  # of `Routes`


def key_of(held: Object) -> Key:
    return PartyRef(held["country_code"], held["party_id"]), fold(held["id"])


def key_at(received: Received) -> Key:
    return party_of(received), fold(received.segments[2])


def pushed(received: Received, model: type[OcpiModel]) -> Object:
    """The body, if it is one of the model and no other object than that of its path.

    Members that are absent, as in a PATCH, contradict nothing. Raises InvalidParameter.
    """
    body = received.json
    validate(model, body)
    names = ("country_code", "party_id", "id")
    for name, wanted in zip(names, received.segments, strict=True):
        if fold(body.get(name) or wanted) != fold(wanted):
            raise InvalidParameter(f"{name}: {body[name]} is not the {wanted} of the path")
    return dict(body)
