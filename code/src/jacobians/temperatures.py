"""Daily maximum temperatures of Seattle, 2012 to 2015, 1,461 days, in degrees Celsius.

Source: measured by the National Oceanic and Atmospheric Administration (NOAA) of the United States;
column `temp_max` of the data set `seattle-weather` in the package vega_datasets 0.9.0.
Licence: NOAA's data are in the public domain.
File: `seattle.csv` beside this module, one line a day, no day missing.
Checksum: `CHECKSUM`, the SHA-256 of the file with Unix line ends. Whatever has another is refused.
"""

import hashlib
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("seattle.csv")
CHECKSUM = "d8f0b955aaeb8b34c3746fd95369c08b4a494c4d7259b039311ec217db82ee4b"


def load():
    """The temperatures, used from the chapter :doc:`/chapters/basis_functions` on.

    Returns
    -------
    year : ndarray of int, shape (1461,)
    day : ndarray of int, shape (1461,)
        Day of the year; 0 is the first of January.
    celsius : ndarray of float, shape (1461,)
        The highest temperature of that day.

    Raises
    ------
    FileNotFoundError
        If the file is missing from the installation.
    ValueError
        If the file is not, byte for byte, the one that this module describes.

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
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise ValueError(
            f"the temperatures are corrupt: {FILE} has not the checksum of the original; "
            "install the package again"
        )
    lines = content.decode("ascii").splitlines()[1:]
    dates, celsius = zip(*(line.split(",") for line in lines), strict=True)
    date = np.array(dates, dtype="datetime64[D]")
    first = date.astype("datetime64[Y]")
    return first.astype(int) + 1970, (date - first).astype(int), np.array(celsius, dtype=float)
