"""SQL stands in `.sql` files beside the Python that calls it."""

import re
from collections.abc import Mapping
from pathlib import Path

_QUERY = re.compile(r"^-- (\w+)\n(.*?)(?=^-- \w+\n|\Z)", re.DOTALL | re.MULTILINE)


def queries(python_file: str) -> Mapping[str, str]:
    """The named queries of the `.sql` file beside a Python file: pass `__file__`.

    A query begins with a line `-- name`; what follows up to the next such line is sent as it is.
    """
    text = Path(python_file).with_suffix(".sql").read_text("utf-8")
    return {name: sql.strip() for name, sql in _QUERY.findall(text)}
