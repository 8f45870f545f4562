"""The committed measurements: they can be had without the repository, and say what they are."""

import mpmath
import pytest

from jacobians import measurements

MEASURED = measurements.load()


def test_the_measurements_lie_in_the_package_and_name_their_machine_and_date():
    assert measurements.PATH.parent.name == "jacobians"
    assert {"date", "machine", "python", "versions"} <= MEASURED.keys()


def test_the_exact_tail_is_the_one_of_a_longer_arithmetic():
    with mpmath.workdps(40):
        for row in MEASURED["tails"]:
            assert row["exact"] == pytest.approx(float(mpmath.sech(row["z"]) ** 2), rel=1e-15)
            assert row["ours"] == pytest.approx(row["exact"], rel=2e-15)
