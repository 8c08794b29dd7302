import pytest

from ocpi_hub.navigation.gate import Reject, Warn, position, power


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        (None, "5.1", "no_coordinates"),
        ("", "5.1", "no_coordinates"),
        ("NaN", "5.1", "no_coordinates"),
        ("inf", "5.1", "no_coordinates"),
        ("north", "5.1", "no_coordinates"),
        ("0.00000", "0.00000", "null_island"),
        ("5.12140", "52.09070", "swapped"),
        ("152.00000", "5.12140", "swapped"),
        ("95.00000", "195.00000", "out_of_range"),
        ("52.09070", "181.00000", "out_of_range"),
    ],
)
def test_a_position_that_cannot_be_true_is_refused_with_its_reason(latitude, longitude, reason):
    with pytest.raises(Reject, match=f"^{reason}$"):
        position(latitude, longitude, "NLD")


def test_a_position_in_its_country_passes_and_one_elsewhere_is_remarked():
    assert position("52.0907", "5.1214", "NLD") == (52.0907, 5.1214, Warn(0))
    assert position("12.15", "-68.27", "NLD") == (12.15, -68.27, Warn.OUTSIDE_COUNTRY)
    assert position("5.1214", "52.0907", "???") == (5.1214, 52.0907, Warn(0))


@pytest.mark.parametrize(
    ("stated", "volts", "amperes", "kind", "expected"),
    [
        (150_000, 920, 400, "DC", (150, Warn(0))),
        (None, 230, 32, "AC_3_PHASE", (22, Warn(0))),
        (None, 230, 16, "AC_1_PHASE", (4, Warn(0))),
        (22_000_000, 230, 32, "AC_3_PHASE", (22, Warn.POWER_DOUBTFUL)),
        (22, 230, 32, "AC_3_PHASE", (22, Warn.POWER_DOUBTFUL)),
        (11_000, None, None, "AC_3_PHASE", (11, Warn(0))),
        (None, None, None, "", (0, Warn.POWER_MISSING)),
        (float("nan"), 230, -32, "DC", (0, Warn.POWER_MISSING)),
        (float("inf"), 1e9, 1e9, "DC", (0, Warn.POWER_MISSING)),
        (9e9, None, None, "DC", (0, Warn.POWER_DOUBTFUL)),
    ],
)
def test_power_is_what_is_stated_unless_volts_and_amperes_say_otherwise(
    stated, volts, amperes, kind, expected
):
    assert power(stated, volts, amperes, kind) == expected
