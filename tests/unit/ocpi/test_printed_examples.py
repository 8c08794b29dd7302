"""The examples printed in OCPI 2.2.1 and real public locations, where they are at hand."""

import gzip
import re

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.finding import OcpiModel
from ocpi_hub.ocpi.primitives import DisplayText
from ocpi_hub.ocpi.status import InvalidParameter
from ocpi_hub.ocpi.v2_2_1.cdrs import Cdr
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.ocpi.v2_2_1.credentials import Credentials
from ocpi_hub.ocpi.v2_2_1.locations import (
    ConnectorPatch,
    EnergyMix,
    Evse,
    EvsePatch,
    Hours,
    Location,
    LocationPatch,
)
from ocpi_hub.ocpi.v2_2_1.sessions import Session, SessionPatch
from ocpi_hub.ocpi.v2_2_1.tariffs import Tariff
from ocpi_hub.ocpi.v2_2_1.tokens import Token, TokenPatch
from ocpi_hub.ocpi.v2_2_1.versions import Version, VersionDetails
from tests.data import EXAMPLES
from tests.data import REAL_LOCATIONS as REAL

# Name of the file -> model of what it holds, and the member that wraps it.
MODELS: dict[str, tuple[type[OcpiModel], str]] = {
    "cdr_example": (Cdr, ""),
    "credentials_example": (Credentials, ""),
    "location_energymix_example": (EnergyMix, "energy_mix"),
    "location_example": (Location, ""),
    "location_hours": (Hours, ""),
    "location_patch_example_location": (LocationPatch, ""),
    "location_patch_example_remove_evse": (EvsePatch, ""),
    "location_patch_example_status": (EvsePatch, ""),
    "location_patch_example_tariff": (ConnectorPatch, ""),
    "location_put_example_add_evse": (Evse, ""),
    "location_regularhours_example": (Hours, "opening_times"),
    "session_example": (Session, ""),
    "session_patch_example": (SessionPatch, ""),
    "tariff_": (Tariff, ""),
    "tariffrestriction_example": (Tariff, ""),
    "token_example": (Token, ""),
    "token_patch_example": (TokenPatch, ""),
    "token_put_example": (Token, ""),
    "transport_and_format_get_token": (Token, "data"),
    "transport_and_format_version_details": (VersionDetails, "data"),
    "transport_and_format_version_info": (Version, "data"),
    "type_displaytext": (DisplayText, ""),
    "version_details": (VersionDetails, ""),
    "versions_info": (Version, ""),
}

# Printed, but not valid by the tables of the same text.
BROKEN = {
    "location_put_example_add_evse": "connectors.0.power_type: required, but absent (LOC-099)",
    "tariff_put_example": "last_updated: required, but absent (TAR-021)",
}

# Valid, but odd.
ODD = {
    "session_example_2_short_finished": {"SES-056"},
    "tariff_14_step_size": {"TAR-038"},
    "tariff_4_complex": {"TAR-038"},
}

needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the test data is not here")
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the test data is not here")


def objects(stem: str, wrapper: str) -> list[object]:
    value = codec.decode((EXAMPLES / f"{stem}.json").read_bytes())
    value = value[wrapper] if wrapper else value
    return value if isinstance(value, list) else [value]


def known_examples() -> list[tuple[str, type[OcpiModel], str]]:
    return [
        (path.stem, *MODELS[start])
        for path in sorted(EXAMPLES.glob("*.json"))
        for start in MODELS
        if path.stem.startswith(start)
    ]


@needs_examples
@pytest.mark.parametrize(("stem", "model", "wrapper"), known_examples())
@pytest.mark.obligation("LOC-130", "SES-056", "TAR-021", "TAR-040")
def test_printed_examples_are_valid_but_for_the_known_broken_ones(stem, model, wrapper):
    for value in objects(stem, wrapper):
        if stem in BROKEN:
            with pytest.raises(InvalidParameter, match=re.escape(BROKEN[stem])):
                validate(model, value)
        else:
            rules = {finding.partition(":")[0] for finding in validate(model, value)}
            assert rules == ODD.get(stem, set())


@needs_examples
def test_every_printed_example_is_json_and_is_written_as_it_was_read():
    for path in EXAMPLES.glob("*.json"):
        value = codec.decode(path.read_bytes())
        assert codec.decode(codec.encode(value)) == value


@needs_real
def test_every_real_location_may_pass_and_few_leave_findings():
    with gzip.open(REAL) as lines:
        findings = [validate(Location, codec.decode(line)) for line in lines]
    assert len(findings) == 8230
    rules = [finding.split(":")[0] for found in findings for finding in found]
    assert set(rules) == {"TYP-004", "LOC-122"}
    assert len(rules) < 30
