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


def elsewhere(tmp_path, monkeypatch, lines):
    """The lines as the file of another place."""
    file = tmp_path / "melbourne.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(temperatures, "FILE", file)
    return temperatures.load()


def days(first, last, celsius=20.0):
    dates = np.arange(first, last, dtype="datetime64[D]")
    return ["date,celsius", *(f"{date},{celsius}" for date in dates)]


def test_another_place_is_read_and_its_missing_days_are_left_out(monkeypatch, tmp_path):
    lines = days("1999-01-01", "2007-01-01")
    lines[40] = lines[40].split(",")[0] + ","
    del lines[300:305]
    year, day, celsius = elsewhere(tmp_path, monkeypatch, lines)
    assert len(year) == len(day) == len(celsius) == 3 * 365 + 366 - 6
    assert (year[0], day[0], year[-1], day[-1]) == (1999, 0, 2002, 364) and 39 not in day[:300]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "first line must be date,celsius; it is ''"),
        (["Date,Max temp"], "first line must be date,celsius; it is 'Date,Max temp'"),
        ([*days("2001-01-01", "2003-01-01"), "31.12.2003,4"], "line 732: expected a day and a n"),
        (
            [*days("2001-01-01", "2003-01-01"), "2003-01-01,mild"],
            "line 732: .*got '2003-01-01,mild",
        ),
        ([*days("2001-01-01", "2003-01-01"), "2002-01-01,4"], "line 732: 2002-01-01,4 is not"),
        ([*days("2001-01-01", "2003-01-01"), "2003-01-01,nan"], "line 732: 2003-01-01,nan is not"),
        (["date,celsius"], "four years are needed.*there are none"),
        (days("2001-01-01", "2004-01-01"), "four years are needed.*2001, 2002, 2003"),
        (days("2001-01-01", "2005-01-01", 68), "above 68 degrees. Is that Fahrenheit"),
        (days("2001-03-05", "2005-01-01"), "2001 has no day from day 0 to day 9"),
        (days("2001-01-01", "2004-12-01"), "2004 has no day from day 340 to day 349"),
        (
            days("2001-01-01", "2001-05-01") + days("2001-06-01", "2005-01-01")[1:],
            "2001 has no day from day 120 to day 129",
        ),
    ],
)
def test_a_file_that_does_not_suffice_is_told_why(monkeypatch, tmp_path, lines, said):
    with pytest.raises(ValueError, match=f"melbourne.csv.*{said}"):
        elsewhere(tmp_path, monkeypatch, lines)
