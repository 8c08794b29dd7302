"""Where the third-party test data lies: beside the checkout, or where OCPI_HUB_TEST_DATA says.

The project does not depend on it; tests that use it skip when it is absent.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("OCPI_HUB_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
REAL_LOCATIONS = DATA / "irve_ocpi221_locations.jsonl.gz"
EXAMPLES = DATA / "ocpi-examples" / "2.2.1"
OLDER_EXAMPLES = DATA / "ocpi-examples" / "2.2"
