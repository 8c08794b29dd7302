"""Two readers of one text: our models, and the types that others made from it."""

import inspect
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import pytest
from ocpi_types import v2_2_1 as stranger

from ocpi_hub.ocpi import primitives, v2_2_1
from tests import ocpi_objects
from tests.interop import judge

OTHERWISE_CALLED = {"Endpoint": "EndpointEntry", "HubClientInfo": "ClientInfo"}
NOT_MODELLED = {
    "ModuleID",  # open: custom modules have names of their own (VER-011)
    "VersionNumber",  # open: a partner may list versions of the future
    "V221",  # one class with everything in it, which is of no message
}
THEIRS = {
    name: made
    for name, made in vars(stranger).items()
    if inspect.isclass(made) and made.__module__ == stranger.__name__ and name not in NOT_MODELLED
}


def _ours() -> Mapping[str, Any]:
    files = [
        import_module(f"{v2_2_1.__name__}.{file.name}") for file in iter_modules(v2_2_1.__path__)
    ]
    return MappingProxyType(
        {
            name: made
            for file in (primitives, *files)
            for name, made in vars(file).items()
            if inspect.isclass(made) and made.__module__.startswith("ocpi_hub.")
        }
    )


OURS = _ours()


@pytest.mark.parametrize("name", THEIRS)
def test_an_object_has_the_same_members_and_an_enumeration_the_same_values(name: str) -> None:
    theirs, ours = THEIRS[name], OURS[OTHERWISE_CALLED.get(name, name)]
    if issubclass(theirs, Enum):
        assert {each.value for each in ours} == {each.value for each in theirs}
        return
    read = {
        member: type(None) not in get_args(kind) for member, kind in get_type_hints(theirs).items()
    }
    assert {member: field.is_required() for member, field in ours.model_fields.items()} == read


WHOLE = {
    "Tariff": ocpi_objects.TARIFF,
    "Session": ocpi_objects.SESSION,
    "Cdr": ocpi_objects.CDR,
    "Token": ocpi_objects.TOKEN,
    "AuthorizationInfo": ocpi_objects.AUTHORIZATION,
    "ChargingPreferences": ocpi_objects.PREFERENCES,
    "CancelReservation": ocpi_objects.CANCEL_RESERVATION,
    "ReserveNow": ocpi_objects.RESERVE_NOW,
    "StartSession": ocpi_objects.START_SESSION,
    "StopSession": ocpi_objects.STOP_SESSION,
    "UnlockConnector": ocpi_objects.UNLOCK_CONNECTOR,
    "CommandResponse": ocpi_objects.COMMAND_RESPONSE,
    "CommandResult": ocpi_objects.COMMAND_RESULT,
    "ActiveChargingProfile": ocpi_objects.ACTIVE_PROFILE,
    "SetChargingProfile": ocpi_objects.SET_PROFILE,
    "ChargingProfileResponse": ocpi_objects.PROFILE_RESPONSE,
    "ChargingProfileResult": ocpi_objects.PROFILE_RESULT,
    "ActiveChargingProfileResult": ocpi_objects.ACTIVE_RESULT,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_an_object_with_every_member_is_one_to_a_stranger_too(kind: str) -> None:
    assert judge.faults(kind, WHOLE[kind]) == []


def test_a_stranger_notices_what_is_missing_unknown_or_of_a_wrong_type() -> None:
    session = ocpi_objects.SESSION
    assert judge.faults("Session", session | {"kwh": "much"}) != []
    assert judge.faults("Session", session | {"status": "CHARGING"}) != []
    assert judge.faults("Session", session | {"x_vendor": 1}) == ["Session.x_vendor"]
    assert judge.faults("Session", ocpi_objects.without(session, "currency")) != []
    assert judge.faults("Session", ocpi_objects.without(session, "cdr_token.uid")) != []
