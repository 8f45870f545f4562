"""What is known of a wrong Jacobian at one point, and the words for places in it.

`Evidence` is what every rule of `kinds` gets: two matrices of outputs by inputs and what is known
beside them. Places are told in the indices of the owner's own arrays.
"""

from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np

FIT = 2e-6  # relative: an entry this close to a candidate's is the candidate's
SLACK = 20  # how many estimated errors of the truth a candidate may be away

Finding = namedtuple("Finding", "kind told")


@dataclass
class Evidence:
    """One point at which a claimed derivative is wrong.

    Attributes
    ----------
    yours, truth, error : ndarray, shape (m, n)
        The claimed matrix, the numerical one, and how far the latter may be off.
    wrong : ndarray of bool, shape (m, n)
    x, y : ndarray
        The point and f there, in their own shapes.
    columns : ndarray of int or None
        Which inputs the n columns are; None if they are all.
    form : str
        "jac", "vjp" or "jvp".
    again : callable
        () -> Evidence at another point, or None where it would cost too much.
    at : callable
        point -> Evidence there, or None.
    truth_at : callable
        (point, matrix) -> the truth (m, n) there and its error, or None if the matrix is not it.
    """

    yours: np.ndarray
    truth: np.ndarray
    error: np.ndarray
    wrong: np.ndarray
    x: np.ndarray
    y: np.ndarray
    columns: np.ndarray | None = None
    form: str = "jac"
    again: object = lambda: None
    truth_at: object = lambda point, matrix: None
    at: object = lambda point: None
    memory: dict = field(default_factory=dict)

    @property
    def shape(self):
        return self.truth.shape

    @property
    def xs(self):
        """x at the columns that are here."""
        return self.x.ravel() if self.columns is None else self.x.ravel()[self.columns]

    @property
    def firm(self):
        """Where the truth is well away from zero, so that a ratio to it says something."""
        return np.abs(self.truth) > 100 * self.error

    def second(self):
        if "again" not in self.memory:
            self.memory["again"] = self.again()
        return self.memory["again"]

    def explained(self, candidate, error):
        """Entry by entry: is the claim this candidate?"""
        size = np.maximum(np.abs(candidate), np.abs(self.yours))
        return np.abs(self.yours - candidate) <= FIT * size + SLACK * error

    def is_(self, candidate, error):
        return bool(self.explained(candidate, error).all())

    def differs(self, candidate, error):
        """Whether a candidate is another matrix than the truth, beyond any doubt."""
        size = np.abs(self.truth) + np.abs(candidate)
        gap = np.abs(candidate - self.truth)
        return bool((gap > 10 * FIT * size + 10 * SLACK * (error + self.error)).any())


# ----------------------------------------------------------------------------------------- in words


def index(shape, flat):
    """An index in an array's own shape, in brackets; nothing for a single number."""
    if not shape:
        return ""
    return str([int(i) for i in np.unravel_index(int(flat), shape)])


def output(ev, i):
    return f"f{index(ev.y.shape, i)}"


def column(ev, p):
    """The flat index in x of a column that is here."""
    return int(p if ev.columns is None else ev.columns[p])


def input_(ev, p):
    return f"x{index(ev.x.shape, column(ev, p))}"


def listed(names, most=6):
    names = list(names)
    if len(names) == 1:
        return names[0]
    if len(names) > most:
        return ", ".join(names[: most - 1]) + f" and {len(names) - most + 1} more"
    return ", ".join(names[:-1]) + " and " + names[-1]


def subset(flat, shape, name):
    """A set of places of an array of this shape in words, and its kind."""
    mask = np.zeros(int(np.prod(shape, dtype=int)), dtype=bool)
    mask[list(flat)] = True
    mask = mask.reshape(shape)
    if mask.all():
        return f"all of {name}", "all"
    for axis in range(len(shape)):
        others = tuple(a for a in range(len(shape)) if a != axis)
        some, every = mask.any(axis=others), mask.all(axis=others)
        if len(shape) > 1 and np.array_equal(some, every):
            at = np.flatnonzero(every)
            where = [":"] * len(shape)
            where[axis] = ", ".join(map(str, at)) if len(at) == 1 else runs(at)
            return f"{name}[{', '.join(where)}]", "slice"
    if len(shape) == 2 and shape[0] == shape[1] and shape[0] > 1:
        eye = np.eye(shape[0], dtype=bool)
        for known, told in (
            (eye, "the diagonal"),
            (~eye, "everything off the diagonal"),
            (np.tri(shape[0], k=-1, dtype=bool), "the lower triangle"),
            (np.tri(shape[0], k=-1, dtype=bool).T, "the upper triangle"),
            (np.tri(shape[0], dtype=bool), "the lower triangle with the diagonal"),
            (np.tri(shape[0], dtype=bool).T, "the upper triangle with the diagonal"),
        ):
            if np.array_equal(mask, known):
                return f"{told} of {name}", told
    if len(shape) == 1:
        return f"{name}[{runs(np.flatnonzero(mask))}]", "some"
    return listed([f"{name}{index(shape, i)}" for i in np.flatnonzero(mask)]), "some"


def runs(at):
    """Sorted integers in words: 0 to 2, 5."""
    at, out, start = [int(a) for a in at], [], 0
    for i in range(1, len(at) + 1):
        if i == len(at) or at[i] != at[i - 1] + 1:
            first, last = at[start], at[i - 1]
            if last - first > 1:
                out.append(f"{first} to {last}")
            else:
                out += [str(k) for k in range(first, last + 1)]
            start = i
    return ", ".join(out)


def places(ev, mask):
    """Where the entries of a mask stand, in words, and the kind of place."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    m, n = mask.shape
    if mask.all():
        return "every entry", "all"
    informative = ev.firm | ev.wrong  # zeros say nothing about a factor
    block = np.zeros_like(mask)
    block[np.ix_(rows, cols)] = True
    if np.array_equal(mask, block & informative) or np.array_equal(mask, block):
        whole_rows = np.array_equal(rows, np.flatnonzero(informative.any(axis=1)))
        whole_cols = np.array_equal(cols, np.flatnonzero(informative.any(axis=0)))
        if whole_rows and whole_cols:
            return "every entry", "all"
        if ev.columns is None:
            inputs, how = subset(cols, ev.x.shape, "x")
        else:
            inputs, how = listed([input_(ev, p) for p in cols]), "some"
        outputs, _ = subset(rows, ev.y.shape, "f")
        if m == 1 or whole_rows:
            what = "entry" if m == 1 and len(cols) == 1 else "column"
            plural = "" if len(cols) == 1 else "s"
            if m == 1:
                return f"the derivative by {inputs}", how if how != "some" else "columns"
            numbers = runs([column(ev, p) for p in cols])
            return f"{what}{plural} {numbers} (by {inputs})", (
                "columns" if how in ("some", "all") else how
            )
        if whole_cols:
            plural = "" if len(rows) == 1 else "s"
            return f"row{plural} {runs(rows)} (of {outputs})", "rows"
        if mask.sum() == 1:
            i, p = rows[0], cols[0]
            return f"the derivative of {output(ev, i)} by {input_(ev, p)}", "entry"
        numbers = runs([column(ev, p) for p in cols])
        return (
            f"the block of rows {runs(rows)} and columns {numbers} ({outputs} by {inputs})",
            "block",
        )
    if m == n and ev.columns is None:
        where, how = subset(np.flatnonzero(mask & informative), mask.shape, "the matrix")
        if how == "some":
            eye = np.eye(m, dtype=bool)
            for known, told in (
                (~eye, "everything off the diagonal"),
                (np.tri(m, k=-1, dtype=bool), "the lower triangle"),
                (np.tri(m, k=-1, dtype=bool).T, "the upper triangle"),
            ):
                if np.array_equal(mask & informative, known & informative):
                    return f"{told} of the matrix", told
        elif how != "slice":
            return where, how
    count = int(mask.sum())
    if m == n and ev.columns is None and not mask[~np.eye(m, dtype=bool)].any():
        return f"the diagonal in the rows {runs(rows)}", "entries"
    return (
        f"{count} of {mask.size} entries, in the rows {runs(rows)} and the columns "
        f"{runs([column(ev, p) for p in cols])}",
        "entries",
    )


def plural(where):
    return where.startswith(("columns", "rows")) or where[0].isdigit()


# ------------------------------------------------------------------------------------------- ratios


def near(a, b, rtol=1e-5):
    return bool(np.isfinite(a) and np.isfinite(b) and abs(a - b) <= rtol * max(abs(a), abs(b)))


def ratio(ev):
    """yours / truth where the truth is firm, else NaN."""
    with np.errstate(all="ignore"):
        return np.where(ev.firm, ev.yours / ev.truth, np.nan)


def common(q, mask):
    """The one value of q on a mask, or None; and the relative spread that it may have."""
    values = q[mask & np.isfinite(q)]
    if not values.size:
        return None
    return float(np.median(values))


def spread(ev, mask=None):
    """How exactly a ratio is known, from the best entries of a mask."""
    mask = ev.firm if mask is None else mask & ev.firm
    if not mask.any():
        return 1e-5
    return float(np.clip((SLACK * ev.error[mask] / np.abs(ev.truth[mask])).min(), 1e-5, 1e-2))
