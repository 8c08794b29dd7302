import pytest

from ocpi_hub.modules.line import Place
from ocpi_hub.navigation.cursor import Cursor, read


def test_a_cursor_reads_back_and_is_ordered_as_the_line():
    earlier, later = Cursor(7, Place(9, 120)), Cursor(7, Place(10, 3))
    assert str(earlier) == "e7-9.120"
    assert [read(str(each)) for each in (earlier, later)] == [earlier, later]
    assert earlier < later


@pytest.mark.parametrize(
    "text",
    ["", "e7", "e7-1", "7-1.2", "e7-1.2.3", "e-1.2", "e7--1.2", "e7-1.99999999999999999999",
     "e7-9999999999999999999.1", "e7-1.2'", "e7-\u0661.2", "E7-1.2"],
)  # fmt: skip
def test_what_is_no_cursor_is_none(text):
    assert read(text) is None
