"""Named queries in .sql files."""

from pathlib import Path

import pytest

from ocpi_hub import storage
from ocpi_hub.storage.queries import parse, queries

TEXT = """\
-- first
-- What it is for.
select 1

-- second
-- What it is for.
select 2 -- not a name
from x
"""


def test_queries_are_found_by_name():
    found = parse(TEXT)
    assert found == {
        "first": "-- What it is for.\nselect 1",
        "second": "-- What it is for.\nselect 2 -- not a name\nfrom x",
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1\n" + TEXT, "before the first"),
        (TEXT + TEXT, "first stands twice"),
        ("-- lonely\nselect 1\n", "lonely: must be one line of comment"),
        ("-- empty\n-- Nothing.\n", "empty: must be one line of comment"),
    ],
)
def test_a_file_that_breaks_the_form_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse(text)


def test_every_sql_file_of_the_room_stands_beside_its_python():
    files = list(Path(storage.__file__).parent.glob("*.sql"))
    assert files
    for file in files:
        assert queries(str(file.with_suffix(".py")))
        assert file.with_suffix(".py").is_file()
