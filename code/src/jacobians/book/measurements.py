"""What was measured once and cannot be measured again by every reader: times, and frameworks.

`make bench` writes the file, on a machine that has JAX and PyTorch, and it is committed. It lies in
the package because a chapter needs it wherever the chapter runs, without the repository, and
because the key under which executed chapters are kept knows the package: a page is never older than
the numbers on it.
"""

import json
from pathlib import Path

import numpy as np

from jacobians._arrays import rows_in_a_block

PATH = Path(__file__).with_name("measurements.json")


def load():
    """The measurements: a dict with their `date`, `machine`, `versions`, and one key for each kind.

    Chapter :doc:`/chapters/checking`.

    `runs` is a list, one entry for each kind of processor and number of threads: `features` that
    NumPy found, the `blas` kernel, `limits` (nanoseconds a number, bytes a second), and `seconds`,
    a list with the shortest time of every candidate for each size (N, D, K). `seconds` outside is
    the first run's, with the slower candidates. `tails` is a list with what each candidate returns
    for the derivative of tanh at some z, and what it is; `colouring` and `memory` are dicts.
    `scaling` has a date and a machine of its own.
    """
    return json.loads(PATH.read_text(encoding="utf-8"))


def keep(**sections):
    """Write sections into the file; those that are not named stay as they are.

    `checkers` holds what the checkers found: for each group the number `tried`, and for each tool
    what it `found` and `named` of it, the right ones it `blamed`, its evaluations and seconds.
    """
    text = json.dumps(load() | sections, indent=1)
    PATH.write_text(text + "\n", encoding="utf-8")


# What each way to the derivative costs beside its arguments, for N samples, D inputs and K units,
# equation :eq:`eq-cost`: numbers in memory at the same time, and operations (to a factor).
NUMBERS = {
    "VJP": lambda N, D, K: working(N, D, K) + 5 * (D + 1) * K,
    "JVP": lambda N, D, K: N * K + working(N, D, K) + 2 * (D + 1) * K,
    "stored": lambda N, D, K: N * (D + 1) * K + working(N, D, K) + (D + 1) * K,
    "numerical": lambda N, D, K: N * (D + 1) * K + 2 * N * K,
    "dense": lambda N, D, K: N * (D + 1) * K * K,
}
OPERATIONS = {
    "VJP": lambda N, D, K: N * (D + 1) * K,
    "JVP": lambda N, D, K: N * (D + 1) * K,
    "stored": lambda N, D, K: N * (D + 1) * K,
    "numerical": lambda N, D, K: N * (D + 1) ** 2 * K,
    "dense": lambda N, D, K: N * ((D + 1) * K) ** 2,
}


def working(N, D, K):
    """Numbers in the working arrays of a block of samples, for one worker."""
    return min(N, rows_in_a_block(D + 1, K)[0]) * (D + 1 + 2 * K)


def exponent(sizes, values, last=3):
    """The exponent p of values ~ sizes^p, fitted to the last points on logarithmic axes.

    Chapter :doc:`/chapters/at_scale`.
    """
    return float(np.polyfit(np.log(sizes[-last:]), np.log(values[-last:]), 1)[0])


def exponents(rows, axis, what):
    """The exponents of a sweep along N, D or K: for each way what was measured and the formula's.

    Chapter :doc:`/chapters/at_scale`.

    Parameters
    ----------
    rows : list of dict
        ``load()["scaling"]["sweeps"][axis]``
    axis : str
        "N", "D" or "K".
    what : str
        "seconds" or "bytes".

    Returns
    -------
    dict
        For each way a pair (measured, predicted), both fitted to the same sizes.
    """
    found = {}
    for name, formula in (NUMBERS if what == "bytes" else OPERATIONS).items():
        sizes = [row["size"] for row in rows if name in row[what]]
        along = [size["NDK".index(axis)] for size in sizes]
        measured = [row[what][name] for row in rows if name in row[what]]
        found[name] = exponent(along, measured), exponent(along, [formula(*s) for s in sizes])
    return found
