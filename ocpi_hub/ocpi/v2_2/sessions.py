"""Sessions of 2.2: their token comes without its owner."""

from ocpi_hub.ocpi.finding import patch_of
from ocpi_hub.ocpi.v2_2.cdrs import CdrToken
from ocpi_hub.ocpi.v2_2_1 import sessions as newer


class Session(newer.Session):
    cdr_token: CdrToken  # type: ignore[assignment] # in 2.2 a part of what it is in 2.2.1


SessionPatch = patch_of(Session, "TR-039")
