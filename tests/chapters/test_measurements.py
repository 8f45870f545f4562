"""The committed measurements: they can be had without the repository, and say what they are."""

import mpmath
import pytest

from jacobians.book import measurements

MEASURED = measurements.load()


def test_the_measurements_lie_in_the_package_and_name_their_machine_and_date():
    assert measurements.PATH.parent.name == "book"
    assert {"date", "machine", "python", "versions"} <= MEASURED.keys()


def test_the_exact_tail_is_the_one_of_a_longer_arithmetic():
    with mpmath.workdps(40):
        for row in MEASURED["tails"]:
            assert row["exact"] == pytest.approx(float(mpmath.sech(row["z"]) ** 2), rel=1e-15)
            assert row["ours"] == pytest.approx(row["exact"], rel=2e-15)


def test_every_run_says_what_it_ran_on_and_gives_each_contestant_the_same_threads():
    for run in MEASURED["runs"]:
        assert run["features"] and run["blas"] and run["limits"]["exp"] > 0
        assert run["blas threads"] <= run["threads"]
        assert [row["size"] for row in run["seconds"]] == [
            row["size"] for row in MEASURED["seconds"]
        ]
        for row in run["seconds"]:
            assert {"vjp: ours", "vjp: JAX", "vjp: PyTorch", "jacobian: JAX"} <= row.keys()
    kinds = {run["kind"] for run in MEASURED["runs"]}
    assert kinds != {"AVX-512"}, "most readers' processors are of the other kind"


def test_a_section_is_written_and_the_others_stay(monkeypatch, tmp_path):
    copy = tmp_path / "measurements.json"
    copy.write_text(measurements.PATH.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(measurements, "PATH", copy)
    measurements.keep(scaling={"date": "a day"}, more=[1])
    assert measurements.load() == MEASURED | {"scaling": {"date": "a day"}, "more": [1]}
