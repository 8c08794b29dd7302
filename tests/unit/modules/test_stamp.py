"""Times as text that sorts."""

import pytest

from ocpi_hub.modules.stamp import EARLIEST, LATEST, bound, moment, spelled, stamp


@pytest.mark.obligation("TYP-012")
@pytest.mark.parametrize(
    "text", ["2015-06-29T22:39:09", "2015-06-29T22:39:09Z", "2018-01-01T01:08:01.123456Z"]
)
def test_the_received_spelling_comes_back(text):
    assert spelled(stamp(text)) == text


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("2015-06-29T22:39:09Z", "2015-06-29T22:39:09.5Z"),
        ("2015-06-29T22:39:09Z", "2015-06-29T22:39:10"),
        ("2015-06-29T22:39:09.5Z", "2015-06-29T22:39:09.51"),
        ("2015-06-29T22:39:09", "2015-06-29T22:39:09.001Z"),
    ],
)
def test_text_order_is_time_order(older, younger):
    assert stamp(older) < stamp(younger)
    assert moment(stamp(older)) < moment(stamp(younger))


def test_all_stamps_lie_between_the_open_ends():
    assert EARLIEST <= stamp("0001-01-01T00:00:00Z") < stamp("9999-12-31T23:59:59Z") < LATEST


def test_a_bound_with_zeros_in_its_fraction_includes_its_own_moment():
    at = moment("2015-06-29T22:39:09.5Z")
    assert stamp("2015-06-29T22:39:09.5Z") >= bound(at)
    assert not stamp("2015-06-29T22:39:09.5Z") < bound(at)
