"""Daily maximum temperatures of Seattle, 2012 to 2015, 1,461 days, in degrees Celsius.

Source: measured by the National Oceanic and Atmospheric Administration (NOAA) of the United States;
column `temp_max` of the data set `seattle-weather` in the package vega_datasets 0.9.0.
Licence: NOAA's data are in the public domain.
File: `seattle.csv` beside this module, one line a day, no day missing.
Checksum: `CHECKSUM`, the SHA-256 of the file with Unix line ends. Whatever has another is refused.

For another place put its file beside this one and name both in `PLACE` and `FILE`. The first line
is `date,celsius`, the others are days in their order, `2012-01-31,12.8`; days may be missing.
Four years are needed, and of more the first four are taken: the chapters fit the first, and judge
by the three others.
"""

import hashlib
from pathlib import Path

import numpy as np

PLACE, FILE = "Seattle", Path(__file__).with_name("seattle.csv")
CHECKSUM = "d8f0b955aaeb8b34c3746fd95369c08b4a494c4d7259b039311ec217db82ee4b"


def load():
    """The temperatures, used from the chapter :doc:`/chapters/basis_functions` on.

    Returns
    -------
    year : ndarray of int, shape (M,)
        M = 1,461 days of Seattle.
    day : ndarray of int, shape (M,)
        Day of the year; 0 is the first of January.
    celsius : ndarray of float, shape (M,)
        The highest temperature of that day.

    Raises
    ------
    FileNotFoundError
        If the file is missing from the installation.
    ValueError
        If the file of Seattle is not, byte for byte, the one that this module describes; if
        another one is not as it should be: what is wrong with it, and on which line.

    Examples
    --------
    >>> year, day, celsius = load()
    >>> print(year[0], day[0], celsius[0], len(celsius))
    2012 0 12.8 1461
    """
    try:
        content = FILE.read_bytes().replace(b"\r\n", b"\n")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the temperatures are missing: there is no {FILE}; install the package again"
        ) from None
    if books_own() and hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise ValueError(
            f"the temperatures are corrupt: {FILE} has not the checksum of the original; "
            "install the package again"
        )
    date, celsius = columns(content.decode("utf-8-sig").splitlines())
    first = date.astype("datetime64[Y]")
    year, day = first.astype(int) + 1970, (date - first).astype(int)
    if not books_own():
        taken = np.isin(year, np.unique(year)[:4])
        year, day, celsius = year[taken], day[taken], celsius[taken]
        suffice(year, day, celsius)
    return year, day, celsius


def books_own():
    """Whether the temperatures are those that the chapters were written about."""
    return FILE.name == "seattle.csv"


def columns(lines):
    """The dates and the numbers of a file's lines, or a ValueError that names the line."""
    if not lines or lines[0].replace(" ", "") != "date,celsius":
        found = lines[0] if lines else "nothing"
        raise ValueError(f"{FILE.name}: the first line must be date,celsius; it is {found!r:.60}")
    dates, celsius = [], []
    for number, line in enumerate(lines[1:], 2):
        date, _, value = line.partition(",")
        if not value.strip():
            continue  # a day without a number is a missing one
        try:
            dates.append(np.datetime64(date.strip(), "D"))
            celsius.append(float(value))
        except ValueError:
            raise ValueError(
                f"{FILE.name}, line {number}: expected a day and a number, such as "
                f"2012-01-31,12.8; got {line!r:.60}"
            ) from None
        if not np.isfinite(celsius[-1]) or len(dates) > 1 and dates[-1] <= dates[-2]:
            raise ValueError(
                f"{FILE.name}, line {number}: {line.strip()} is not a number of degrees on a day "
                "after the one before"
            )
    return np.array(dates, dtype="datetime64[D]"), np.array(celsius, dtype=float)


def suffice(year, day, celsius):
    """Whether the chapters can be built on them; if not, a ValueError says why."""
    years = np.unique(year)
    if len(years) < 4:
        raise ValueError(
            f"{FILE.name}: four years are needed, one to fit and three to judge it; there are "
            f"{', '.join(map(str, years)) or 'none'}"
        )
    if np.median(celsius) > 45:
        raise ValueError(
            f"{FILE.name}: half of the days are above {np.median(celsius):.0f} degrees. Is that "
            "Fahrenheit? The book needs degrees Celsius, (F - 32) / 1.8"
        )
    for each in years:
        missing = np.setdiff1d(np.arange(36), day[year == each] // 10)  # means over ten days
        if missing.size:
            raise ValueError(
                f"{FILE.name}: {each} has no day from day {10 * missing[0]} to day "
                f"{10 * missing[0] + 9} (day 0 is the first of January). Each year needs one in "
                "every ten; leave out a year that has not"
            )
