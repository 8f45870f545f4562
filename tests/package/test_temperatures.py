"""The temperatures: as their source has them, and refused if they are not whole."""

import numpy as np
import pytest
from vega_datasets import local_data

from jacobians import temperatures


def test_every_day_is_as_the_source_has_it():
    year, day, celsius = temperatures.load()
    source = local_data.seattle_weather()
    np.testing.assert_array_equal(year, source.date.dt.year)
    np.testing.assert_array_equal(day, source.date.dt.day_of_year - 1)
    np.testing.assert_array_equal(celsius, source.temp_max)


def test_no_day_is_missing_and_the_types_are_the_promised_ones():
    year, day, celsius = temperatures.load()
    assert year.dtype.kind == day.dtype.kind == "i" and celsius.dtype == np.float64
    assert len(year) == len(day) == len(celsius) == 1461
    assert {int(y): int(day[year == y].max()) + 1 for y in set(year)} == {
        2012: 366, 2013: 365, 2014: 365, 2015: 365,
    }  # fmt: skip


def test_line_ends_of_another_system_do_no_harm(monkeypatch, tmp_path):
    copy = tmp_path / "seattle.csv"
    copy.write_bytes(temperatures.FILE.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(temperatures, "FILE", copy)
    assert len(temperatures.load()[2]) == 1461


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"12.8", b"12.9", 1),
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content + b"\xff",
    ],
)
def test_a_file_that_was_changed_is_refused_in_words(spoil, monkeypatch, tmp_path):
    copy = tmp_path / "seattle.csv"
    copy.write_bytes(spoil(temperatures.FILE.read_bytes()))
    monkeypatch.setattr(temperatures, "FILE", copy)
    with pytest.raises(ValueError, match="the temperatures are corrupt.*install the package again"):
        temperatures.load()


def test_a_missing_file_is_said_to_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(temperatures, "FILE", tmp_path / "seattle.csv")
    with pytest.raises(FileNotFoundError, match="the temperatures are missing"):
        temperatures.load()
