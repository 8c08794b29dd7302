"""Which row a path means, and which paths mean nothing."""

import pytest

from ocpi_hub.inbound.table import table
from ocpi_hub.ocpi import v2_2_1
from ocpi_hub.ocpi.status import NoSuchResource

TABLE = table("https://hub.example", {"2.2.1": v2_2_1.MODULES})
ENDPOINT = "/ocpi/2.2.1/receiver/locations/NL/CPO/"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("LOC1", "LOC1"),
        ("LOC1/", "LOC1"),
        ("a%2Fb%20c", "a/b c"),
        ("%2525", "%25"),
        ("a.b..c", "a.b..c"),
        ("...", "..."),
        ("L;v=1", "L;v=1"),
        ("100%", "100%"),
    ],
)
def test_ids_are_decoded_once_and_their_path_stays_as_it_came(path: str, location: str) -> None:
    hit = TABLE.find("PUT", ENDPOINT + path)
    assert hit.ids == ("NL", "CPO", location)
    assert hit.path == f"NL/CPO/{path}".removesuffix("/")


@pytest.mark.parametrize(
    "path",
    [
        "..",
        ".",
        "%2e%2E",
        "..%2f..%2fcredentials",
        "x%2F..%2F..%2FBE%2FCP2%2FLOC1",
        "..%5c",
        "..\\x",
        "x%2F",
        "%2Fx",
        "a%2F%2Fb",
        "..;",
        "..;v=1",
        "..%3B",
        ";v=1",
        "a%2f..;x%2fb",
        "%252e%252e",
        "%252e%252e%252f",
        "a%252F..%252Fb",
    ],
)
def test_no_id_steps_out_of_its_place_at_the_partner(path: str) -> None:
    with pytest.raises(NoSuchResource):
        TABLE.find("PUT", ENDPOINT + path)
    with pytest.raises(NoSuchResource):
        TABLE.find("PUT", f"{ENDPOINT}LOC1/{path}")
