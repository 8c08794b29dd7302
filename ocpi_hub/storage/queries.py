"""SQL stands in `.sql` files beside the Python that calls it.

-- name_of_the_query
-- One line that says what it is for.
select ...
"""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"^-- (\w+)\n", re.MULTILINE)


def queries(python_file: str) -> Mapping[str, str]:
    """The named queries of the `.sql` file beside a Python file: pass `__file__`.

    Raises ValueError for a file that breaks the form.
    """
    return parse(Path(python_file).with_suffix(".sql").read_text("utf-8"))


def parse(text: str) -> Mapping[str, str]:
    """Names and queries of one file's text; a query is sent with its comment."""
    before, *rest = _NAME.split(text)
    if before.strip():
        raise ValueError(f"text before the first named query: {before.strip()[:60]!r}")
    found: dict[str, str] = {}
    for name, query in zip(rest[::2], rest[1::2], strict=True):
        if name in found:
            raise ValueError(f"query {name} stands twice")
        comment, _, sql = query.partition("\n")
        if not comment.startswith("-- ") or not sql.strip():
            raise ValueError(f"query {name}: must be one line of comment and then the query")
        found[name] = query.strip()
    return found
