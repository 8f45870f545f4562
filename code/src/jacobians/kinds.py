"""What kind of mistake a wrong Jacobian makes: rules for any function, tried from simple to far.

A rule gets the `Evidence` of one point, two matrices of outputs by inputs and what is known beside
them, and returns a `Finding` or None. The first rule that explains *every* entry has the word; what
none explains is told by its place. No rule knows a particular function.
"""

import warnings
from collections import namedtuple
from dataclasses import dataclass, field
from itertools import combinations, permutations

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


# ---------------------------------------------------------------------------------------- in words


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


# ------------------------------------------------------------------------------ numbers with a name


def constants(ev):
    """Numbers that stand in formulas, each with its name."""
    yield from ((2, ""), (1 / 2, "1/2"), (4, ""), (1 / 4, "1/4"))
    for name, size in sizes(ev):
        if size > 1:
            yield size, name
            yield 1 / size, f"1/{size}: {size} is {name}"
            yield np.sqrt(size), f"the root of {name}, {size}"
            yield 1 / np.sqrt(size), f"1 over the root of {name}, {size}"
            if size > 2:
                yield size - 1, f"{size} - 1: {size} is {name}"
                yield 1 / (size - 1), f"1/({size} - 1): {size} is {name}"
                yield size / (size - 1), f"{size}/({size} - 1): {size} is {name}"
                yield (size - 1) / size, f"({size} - 1)/{size}: {size} is {name}"
                yield 2 * size, f"2 times {size}: {size} is {name}"
                yield 2 / size, f"2/{size}: {size} is {name}"
    pi = np.pi
    yield from ((180 / pi, "180/pi: degrees for radians"), (pi / 180, "pi/180: radians, degrees"))
    yield from ((2 * pi, "2 pi"), (1 / (2 * pi), "1/(2 pi)"), (pi, "pi"), (1 / pi, "1/pi"))
    yield from ((np.log(2), "ln 2"), (1 / np.log(2), "1/ln 2"))
    yield from ((np.log(10), "ln 10"), (1 / np.log(10), "1/ln 10"))
    yield from ((2**0.5, "the root of 2"), (0.5**0.5, "1 over the root of 2"))
    for k in (3, 5, 6, 8, 10, 12, 16, 24, 60, 100, 1000, 3600, 1e6, 1e9):
        yield from ((k, ""), (1 / k, f"1/{k:g}"))
    yield from ((1.5, "3/2"), (2 / 3, "2/3"), (0.75, "3/4"), (4 / 3, "4/3"))


def sizes(ev):
    """The lengths of the axes of x and f and how many entries they have."""
    for name, shape in (("x", ev.x.shape), ("f", ev.y.shape)):
        for axis, size in enumerate(shape):
            if len(shape) > 1:
                yield f"the length of axis {axis} of {name}", size
        yield f"the number of entries of {name}", int(np.prod(shape, dtype=int))


def quantities(ev, p=None):
    """Numbers made of x and f, each with its name; with p, those of one input first."""
    x, y = ev.x.ravel(), ev.y.ravel()
    named = []
    if p is not None:
        t = ev.xs[p]
        named += functions(t, input_(ev, p))
    if y.size == 1:
        named += functions(y[0], "f")
    if p is None and x.size <= 8:
        for q in range(x.size):
            named += functions(x[q], f"x{index(ev.x.shape, q)}")
    named += [(np.linalg.norm(x), "|x|"), (x @ x, "|x|^2"), (x.sum(), "the sum of x")]
    named += [(x.mean(), "the mean of x"), (x.std(), "the standard deviation of x")]
    named += [(x.var(), "the variance of x"), (np.linalg.norm(x) ** 3, "|x|^3")]
    if y.size > 1:
        named += [(np.linalg.norm(y), "|f|"), (y @ y, "|f|^2"), (y.sum(), "the sum of f")]
    if p is not None and x.size <= 8:
        for q in range(x.size):
            named += functions(x[q], f"x{index(ev.x.shape, q)}")
    named += [(np.abs(x).max(), "the largest |x|")]
    yield from named
    for value, name in named:
        if not name.startswith("1"):
            with np.errstate(all="ignore"):
                yield 1 / np.float64(value), f"1/{name}" if " " not in name else f"1 over {name}"


def functions(t, name):
    """What a chain rule may have lost or doubled at a number t, each with its name."""
    with np.errstate(all="ignore"):
        t = np.float64(t)
        return [
            (t, name), (1 / t, f"1/{name}"), (2 * t, f"2 {name}"), (1 / (2 * t), f"1/(2 {name})"),
            (np.exp(t), f"exp({name})"), (np.exp(-t), f"exp(-{name})"),
            (t**2, f"{name}^2"), (1 / t**2, f"1/{name}^2"),
            (-(t**2), f"-{name}^2"), (-1 / t**2, f"-1/{name}^2"),
            (np.sqrt(t), f"the root of {name}"), (1 / np.sqrt(t), f"1 over the root of {name}"),
            (2 * np.sqrt(t), f"twice the root of {name}"),
            (t * (1 - t), f"{name} (1 - {name})"), (1 / (t * (1 - t)), f"1/({name} (1 - {name}))"),
            (1 - t, f"1 - {name}"), (1 / (1 - t), f"1/(1 - {name})"),
            (1 - t**2, f"1 - {name}^2"), (1 / (1 - t**2), f"1/(1 - {name}^2)"),
            (1 + t**2, f"1 + {name}^2"), (1 / (1 + t**2), f"1/(1 + {name}^2)"),
            (np.cos(t), f"cos({name})"), (1 / np.cos(t), f"1/cos({name})"),
            (np.sin(t), f"sin({name})"), (1 / np.sin(t), f"1/sin({name})"),
            (-np.tan(t), f"-tan({name})"), (-1 / np.tan(t), f"-1/tan({name})"),
            (np.log(t), f"ln({name})"), (1 / np.log(t), f"1/ln({name})"),
            (t**3, f"{name}^3"), (3 * t**2, f"3 {name}^2"), (1 / (3 * t**2), f"1/(3 {name}^2)"),
            (1 + np.exp(-t), f"1 + exp(-{name})"), (1 / (1 + np.exp(-t)), f"sigmoid({name})"),
            (1 - np.tanh(t) ** 2, f"1 - tanh({name})^2"), (np.cosh(t) ** 2, f"cosh({name})^2"),
        ]  # fmt: skip


def near(a, b, rtol=1e-5):
    return bool(np.isfinite(a) and np.isfinite(b) and abs(a - b) <= rtol * max(abs(a), abs(b)))


def factor_name(ev, c, rtol, elsewhere=None, p=None):
    """What a number may be: ' = 180/pi: ...', or an empty string. `elsewhere` is its value "
    "there."""
    fixed = elsewhere is None or near(c, elsewhere[0], max(rtol, elsewhere[2]))
    if fixed:
        for value, name in constants(ev):
            if near(c, value, rtol):
                return f" ({name})" if name else ""
            if near(c, -value, rtol):
                return f" (minus {value:.4g}{': ' if name else ''}{name})"
    if elsewhere is not None and not fixed:
        there = dict((name, value) for value, name in quantities(elsewhere[1], p))
        for value, name in quantities(ev, p):
            if near(c, value, rtol) and near(elsewhere[0], there.get(name, np.nan), rtol):
                return f" = {name}"
            if near(c, -value, rtol) and near(elsewhere[0], -there.get(name, np.nan), rtol):
                return f" = -{name}"
        return f" here, {elsewhere[0]:.4g} at another point: it depends on x"
    return ""


def times(c):
    """A factor in words."""
    if near(c, -1):
        return "has the wrong sign"
    return f"is multiplied by {c:.6g}"


# ---------------------------------------------------------------------------------- ways to rewrite


def rearrangements(ev):
    """Matrices that code with a mistake of layout returns: (kind, told, how to make it from "
    "one)."""
    m, n = ev.shape
    if ev.columns is not None:
        return
    ys, xs = ev.y.shape, ev.x.shape
    full = ys + xs
    if m == n and m > 1:
        yield "transposed", "the matrix is transposed: rows and columns are exchanged", np.transpose
    for axes in permutations(range(len(full))) if 2 <= len(full) <= 5 else ():
        if list(axes) != sorted(axes) and tuple(full[a] for a in axes) == full:
            yield (
                "axes permuted",
                f"the axes are permuted: axes {list(axes)} of the expected array stand at "
                f"{list(range(len(full)))}",
                lambda M, axes=axes: M.reshape(full).transpose(axes).reshape(m, n),
            )
    yield from vec_orders(ys, xs, m, n)
    for name, shape, axis_first in (("f", ys, True), ("x", xs, False)):
        for axis, size in enumerate(shape):
            for order, told in orders(size):
                what = f"axis {axis} of {name}" if len(shape) > 1 else f"the entries of {name}"
                if len(shape) > 1:
                    pass
                elif axis_first:
                    what = "the rows"
                else:
                    what = "the columns"
                place = axis if axis_first else axis + len(ys)
                yield (
                    told[0],
                    f"{what} {told[1]}",
                    lambda M, place=place, order=order: np.take(
                        M.reshape(full), order, axis=place
                    ).reshape(m, n),
                )


def vec_orders(ys, xs, m, n):
    out = np.arange(m).reshape(ys).ravel(order="F") if len(ys) > 1 else None
    into = np.arange(n).reshape(xs).ravel(order="F") if len(xs) > 1 else None
    told = "in column-major (Fortran) order; NumPy stacks rows (C order)"
    if out is not None and into is not None:
        yield (
            "vec order",
            f"rows and columns are {told}: vec(f) by vec(x), as with kron",
            lambda M: M[np.ix_(out, into)],
        )
    if out is not None:
        yield "vec order", f"the rows (entries of f) are {told}", lambda M: M[out]
    if into is not None:
        yield "vec order", f"the columns (entries of x) are {told}", lambda M: M[:, into]


def orders(size):
    """Orders of an axis that mistakes leave behind."""
    if size < 2:
        return
    at = np.arange(size)
    if size > 2:
        for shift in (1, -1):
            way = "one place too late" if shift == 1 else "one place too early"
            yield np.roll(at, shift), ("shifted", f"are shifted: they stand {way}, round the end")
        yield at[::-1], ("reversed", "stand in reversed order")
    for i, j in combinations(range(size), 2) if size <= 12 else ():
        order = at.copy()
        order[i], order[j] = j, i
        yield order, ("exchanged", f"{i} and {j} are exchanged")


def reductions(ev):
    """Summed or averaged over an axis and spread over it again, as broadcasting does."""
    if ev.columns is not None:
        return
    full = ev.y.shape + ev.x.shape
    many = len(ev.y.shape)
    for axis, size in enumerate(full):
        name = f"axis {axis} of f" if axis < many else f"axis {axis - many} of x"
        if size < 2:
            continue
        for how, take in (("summed", np.sum), ("averaged", np.mean)):
            yield (
                f"{how} over an axis",
                f"the array is {how} over {name} and repeated along it",
                lambda M, axis=axis, take=take: np.broadcast_to(
                    take(M.reshape(full), axis=axis, keepdims=True), full
                ).reshape(ev.shape),
            )


def parts(ev):
    """Parts of a square matrix that are kept alone."""
    m, n = ev.shape
    if m != n or m < 2 or ev.columns is not None:
        return
    told = "only the diagonal is there: everything off the diagonal is missing"
    sums = np.abs(ev.truth.sum(axis=1))
    if (sums <= 1e-6 * np.abs(ev.truth).sum(axis=1) + SLACK * ev.error.sum(axis=1)).all():
        told += " (f does not change when all inputs move alike: a normalising sum or a mean?)"
    yield "diagonal only", told, lambda M: np.diag(np.diag(M))
    for kind, told, take in (
        ("one triangle", "only the lower triangle is there", np.tril),
        ("one triangle", "only the upper triangle is there", np.triu),
    ):
        yield kind, told, take
    yield "diagonal missing", "the diagonal is missing", lambda M: M - np.diag(np.diag(M))


# --------------------------------------------------------------------------------------- the rules


def zero(ev):
    if not ev.yours.any():
        return Finding("zero", "every entry is 0; f does change with x here")


def flat(ev):
    """f does not change with x at all here, and the claim says that it does."""
    if (np.abs(ev.truth) <= SLACK * ev.error).all():
        return Finding(
            "not zero",
            "f does not change with x here, and yours says that it does: are the paths missing "
            "that "
            "cancel the one you have (through a mean, a norm, a normalising sum)?",
        )


def not_zero(ev):
    """Entries that should be 0."""
    if (ev.firm & ev.wrong).any() or not (np.abs(ev.truth) <= SLACK * ev.error)[ev.wrong].all():
        return None
    where, _ = places(ev, ev.wrong)
    is_ = "are" if plural(where) else "is"
    return Finding(
        "not zero",
        f"{where} {is_} not 0, and should be: these outputs do not depend on these inputs here (a "
        "mask forgotten?)",
    )


def misplaced(ev):
    """In each wrong row the right numbers stand at the wrong inputs; or so in each column."""
    for side, flip in (("row", False), ("column", True)):
        yours, truth, error, wrong = (
            a.T if flip else a for a in (ev.yours, ev.truth, ev.error, ev.wrong)
        )
        told, shifts = [], set()
        for i in np.flatnonzero(wrong.any(axis=1)):
            at = np.flatnonzero(wrong[i])
            mine, real = np.argsort(yours[i, at]), np.argsort(truth[i, at])
            gap = np.abs(yours[i, at][mine] - truth[i, at][real])
            if not (gap <= FIT * np.abs(yours[i, at][mine]) + SLACK * error[i, at][real]).all():
                break
            stands = [int(at[k]) for k in mine if yours[i, at[k]] != 0]
            belongs = [int(at[k]) for k, j in zip(real, mine, strict=True) if yours[i, at[j]] != 0]
            shifts |= {a - b for a, b in zip(stands, belongs, strict=True)}
            name = input_ if not flip else output
            told.append(
                f"in {side} {i} ({input_(ev, i) if flip else output(ev, i)}) what belongs to "
                f"{listed([name(ev, k) for k in belongs])} stands at "
                f"{listed([name(ev, k) for k in stands])}"
            )
        else:
            one = shifts.pop() if len(shifts) == 1 else 0
            off = f": the index is {abs(one)} too {'large' if one > 0 else 'small'}" if one else ""
            kind = "index off by one" if abs(one) == 1 else "misplaced"
            return Finding(kind, f"{'; '.join(told[:3])}{off}")
    return None


def single_precision(ev):
    """Right to some 7 digits everywhere: the numbers have been through float32."""
    size = np.abs(ev.truth)
    off = np.abs(ev.yours - ev.truth)[ev.wrong] / np.maximum(size[ev.wrong], 1e-300)
    if off.max() > 2e-5:
        return None
    digits = int(0.05 - np.log10(off.max()))
    fits = np.array_equal(ev.yours, ev.yours.astype(np.float32).astype(float))
    if fits:
        return Finding("float32", f"right to {digits} digits only: computed in float32?")
    return Finding(
        "few digits",
        f"right to {digits} digits only: computed in lower precision, or by differences?",
    )


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


def constant_factor(ev):
    c = common(ratio(ev), ev.firm)
    if c is None or c == 0 or not ev.is_(c * ev.truth, abs(c) * ev.error):
        return None
    if near(c, -1):
        return Finding("sign", "every entry has the wrong sign")
    there, rtol = ev.second(), spread(ev)
    elsewhere = None
    if there is not None and there.firm.any():
        elsewhere = common(ratio(there), there.firm), there, spread(there)
        if not there.is_(elsewhere[0] * there.truth, abs(elsewhere[0]) * there.error):
            elsewhere = None
    name = factor_name(ev, c, rtol, elsewhere)
    told = f"every entry is multiplied by the same number, {c:.6g}{name}"
    return Finding("constant factor", told)


def rearranged(ev):
    ways = [*rearrangements(ev), *parts(ev), *reductions(ev)]
    alone = ev.shape[0] > 1 and ev.wrong.any(axis=1).sum() == 1
    for kind, told, make in ways:
        if alone and kind in ("exchanged", "shifted", "reversed"):
            continue  # one row says too little about the order of all
        C, E = make(ev.truth), make(ev.error)
        if ev.differs(C, E) and ev.is_(C, E):
            return Finding(kind, told)
    return None


def rearranged_and_scaled(ev):
    """Two mistakes at once: another layout, and one factor."""
    for kind, told, make in [*rearrangements(ev), *parts(ev), *reductions(ev)]:
        C, E = make(ev.truth), make(ev.error)
        if not ev.differs(C, E):
            continue
        with np.errstate(all="ignore"):
            c = common(ev.yours / C, np.abs(C) > 100 * E)
        if c and ev.is_(c * C, abs(c) * E):
            if near(c, -1):
                return Finding(f"{kind}, sign", f"two mistakes: {told}; and the sign is wrong")
            name = factor_name(ev, c, 1e-5)
            return Finding(
                f"{kind}, constant factor",
                f"two mistakes: {told}; and every entry is multiplied by {c:.6g}{name}",
            )
    return None


def alike_rows(ev):
    m, _ = ev.shape
    if m < 2 or not np.allclose(ev.yours, ev.yours[:1], rtol=1e-9, atol=0):
        return None
    total, error = ev.truth.sum(axis=0), ev.error.sum(axis=0)
    row = ev.yours[0]
    for name, c in (("the sum", 1.0), ("the mean", 1 / m)):
        if (np.abs(row - c * total) <= FIT * np.abs(row) + SLACK * c * error).all():
            return Finding(
                "cotangent ignored",
                f"all rows are alike: each is {name} over all outputs, as if the cotangent "
                "(the upstream gradient) were ignored",
            )
    if ev.form == "vjp":
        return Finding(
            "cotangent ignored", "the result is the same for every cotangent g: is g used?"
        )
    return Finding("rows alike", "all rows are alike, and they should differ")


def matched(ev):
    """Columns (or rows) that are other columns, or nothing: exchanged, shifted, repeated, left "
    "out."""
    if ev.columns is not None:
        return None
    for side, word, flip in (("columns", "column", False), ("rows", "row", True)):
        yours, truth, error = (
            a.T if flip else a for a in (ev.yours, ev.truth, ev.error)
        )  # (k, size): look at columns
        size = truth.shape[1]
        if size < 2 or size > 400:
            continue
        source, wrong_lanes = [], (ev.wrong.T if flip else ev.wrong).any(axis=0)
        for q in range(size):
            mine = yours[:, [q]]
            gap = np.abs(mine - truth)
            allowed = FIT * np.maximum(np.abs(mine), np.abs(truth)) + SLACK * error
            good = (gap <= allowed).all(axis=0)
            if good[q]:
                source.append(q)
            elif not mine.any():
                source.append(-1)
            elif good.any():
                misplaced_too = good & wrong_lanes  # of two alike rather one that is missing itself
                source.append(
                    int(np.flatnonzero(misplaced_too if misplaced_too.any() else good)[0])
                )
            else:
                break
        if len(source) < size:
            continue
        moved = [q for q in range(size) if source[q] not in (q,)]
        real = [q for q in moved if source[q] >= 0]
        if not real:
            continue  # only zeros: another rule has the words
        if yours.shape[0] == 1 and len(real) < 2 and size < 3:
            continue
        return mapping(ev, side, word, source, moved, real, flip)
    return None


def mapping(ev, side, word, source, moved, real, flip):
    def name(p):
        return output(ev, p) if flip else input_(ev, p)

    zeros = [q for q in moved if source[q] < 0]
    shifts = {source[q] - q for q in real}
    of = "of the output" if flip else "by the input"
    if len(shifts) == 1 and len(real) > 1 or (len(shifts) == 1 and zeros):
        s = shifts.pop()
        told = (
            f"the {side} {runs(moved)} hold the derivative {of} "
            f"{'after' if s > 0 else 'before'} their own, {abs(s)} place{'s' * (abs(s) > 1)} "
            f"{'further on' if s > 0 else 'back'}: an index is off by {abs(s)}"
        )
        if zeros:
            told += f"; {word} {runs(zeros)} is zero"
        return Finding("index off by one" if abs(s) == 1 else "shifted", told)
    if sorted(source) == list(range(len(source))):
        if len(moved) == 2:
            a, b = moved
            return Finding(
                "exchanged", f"the {side} {a} and {b} ({name(a)} and {name(b)}) are exchanged"
            )
        pairs = listed([f"{q} holds {source[q]}" for q in moved])
        return Finding("reordered", f"the {side} stand in another order: {word} {pairs}")
    told = listed([f"{word} {q} holds the derivative {of} {name(source[q])}" for q in real])
    more = f"; {word} {runs(zeros)} is zero" if zeros else ""
    return Finding(
        "repeated",
        f"{told}: repeated where {name(real[0])} belongs (or its own inner factor is "
        f"missing){more}",
    )


def part_factor(ev):
    """One number on a part of the entries: a sign, a 2, a 0, a unit."""
    q = ratio(ev)
    if (ev.wrong & ~ev.firm).any():
        return None
    c = common(q, ev.wrong)
    if c is None:
        return None
    scaled = np.where(ev.wrong, c * ev.truth, ev.truth)
    if not ev.is_(scaled, (1 + abs(c)) * ev.error):
        return None
    where, how = places(ev, ev.wrong)
    if near(c, -1):
        kind = "sign of a part" if how != "all" else "sign"
        more = ""
        if ev.x.ndim > 1 and how == "slice" and conjugate(ev):
            kind = "conjugate"
            more = (
                ": if they are imaginary parts, the conjugate of the gradient was returned "
                "(df/dz where df/dRe and df/dIm are asked for)"
            )
        have = "have" if plural(where) else "has"
        return Finding(kind, f"{where} {have} the wrong sign{more}")
    is_ = "are" if plural(where) else "is"
    if np.all(ev.yours[ev.wrong] == 0):
        kind = how if how in ("everything off the diagonal",) else "zero"
        kind = "diagonal only" if kind == "everything off the diagonal" else "zero in a part"
        return Finding(kind, f"{where} {is_} 0 and should not be: left out?")
    there = ev.second()
    cols = np.flatnonzero(ev.wrong.any(axis=0))
    p = int(cols[0]) if len(cols) == 1 else None
    elsewhere = None
    if there is not None and there.firm[ev.wrong].any():
        value = common(ratio(there), ev.wrong)
        elsewhere = value, there, spread(there, ev.wrong)
    name = factor_name(ev, c, spread(ev, ev.wrong), elsewhere, p)
    if name.endswith("depends on x"):
        return None  # a rule that looks at the error itself may know more
    hint = ""
    nice = name != "" or any(near(c, value, spread(ev, ev.wrong)) for value, n in constants(ev))
    if not nice and how == "columns" and ev.shape[0] == 1:
        hint = (
            ", the same number at every point tried: an input that is used several times and keeps "
            "one contribution only ('=' for '+=')? or a weight"
        )
        return Finding("accumulation overwritten", f"{where} {is_} multiplied by {c:.6g}{hint}")
    return Finding("factor in a part", f"{where} {is_} multiplied by {c:.6g}{name}{hint}")


def constant_error(ev):
    """Yours is off by the same numbers at another point too: a linear term of f."""
    there = ev.second()
    if there is None:
        return None
    gap, gap2 = ev.yours - ev.truth, there.yours - there.truth
    slack = SLACK * (ev.error + there.error) + FIT * (np.abs(ev.truth) + np.abs(there.truth))
    slack += 1e-5 * np.abs(gap)
    if (np.abs(gap - gap2) > slack).any() or not (np.abs(gap) > 3 * slack)[ev.wrong].all():
        return None
    moved = np.abs(there.truth - ev.truth) > 3 * slack
    if not moved[ev.wrong].any():
        return None  # the derivative itself is constant there, and so is every mistake
    where, _ = places(ev, ev.wrong)
    values = gap[ev.wrong]
    shown = listed([f"{v:.6g}" for v in values], 6)
    is_ = "are" if plural(where) else "is"
    return Finding(
        "constant error",
        f"{where} {is_} off by a constant, the same at another point ({shown}): a term of f "
        f"that is "
        "linear in x is forgotten, or is there twice",
    )


def varying_part(ev):
    """One number on a part of the entries, another one at another point."""
    if (ev.wrong & ~ev.firm).any() or ev.wrong.sum() < 2:
        return None
    c = common(ratio(ev), ev.wrong)
    scaled = np.where(ev.wrong, c * ev.truth, ev.truth)
    if c is None or not ev.is_(scaled, (1 + abs(c)) * ev.error):
        return None
    where, _ = places(ev, ev.wrong)
    is_ = "are" if plural(where) else "is"
    return Finding(
        "factor in a part",
        f"{where} {is_} multiplied by {c:.6g} here and by another number elsewhere: a factor that "
        "depends on x is missing or is there once too often",
    )


def plural(where):
    return where.startswith(("columns", "rows")) or where[0].isdigit()


def conjugate(ev):
    """Whether the wrong inputs are the second of two along one axis of x: imaginary parts."""
    mask = ev.wrong.any(axis=0).reshape(ev.x.shape)
    for axis, size in enumerate(ev.x.shape):
        if size == 2:
            first, second = np.moveaxis(mask, axis, 0)
            if second.all() and not first.any():
                return True
    return False


def vector_name(ev, values, side, there, there_values):
    """What the factors of rows or columns may be: functions of x or f, or of nothing."""
    known = [i for i in range(len(values)) if np.isfinite(values[i])]
    own = ev.xs if side == "columns" else ev.y.ravel()
    letter = "x" if side == "columns" else "f"
    options = [
        (letter, own, None if there is None else (there.xs, there.y.ravel())[side != "columns"])
    ]
    if side == "rows" and ev.x.size == own.size:
        options.append(("x", ev.x.ravel(), None if there is None else there.x.ravel()))
    if side == "columns" and ev.y.size == own.size and ev.columns is None:
        options.append(("f", ev.y.ravel(), None if there is None else there.y.ravel()))
    for name, arguments, elsewhere in options:
        table = [functions(a, name) for a in arguments]
        for k, (_, told) in enumerate(table[0] if table else ()):
            c = np.array([row[k][0] for row in table])
            for sign, prefix in ((1, ""), (-1, "-")):
                if all(near(values[i], sign * c[i], 1e-4) for i in known):
                    if elsewhere is not None and there_values is not None:
                        d = np.array([functions(a, name)[k][0] for a in elsewhere])
                        if not all(
                            near(there_values[i], sign * d[i], 1e-4)
                            for i in known
                            if np.isfinite(there_values[i])
                        ):
                            continue
                    return f"{prefix}{told}", name
    return None


def line_factors(ev):
    """Every row, or every column, has a factor of its own."""
    q = ratio(ev)
    for side, axis in (("columns", 0), ("rows", 1)):
        if ev.shape[1 - axis] < 2:
            continue
        own = factors(ev, q, axis)
        if own is None:
            continue
        if not np.isfinite(own).any() or np.nanmax(own) == np.nanmin(own):
            continue
        lone = ev.shape[axis] == 1  # one output: each column has only one entry, and any fits
        there = ev.second()
        elsewhere = factors(there, ratio(there), axis) if there is not None else None
        name = vector_name(ev, own, side, there, elsewhere)
        word = "column" if side == "columns" else "row"
        if name is not None:
            return Finding(
                f"{word} factors",
                f"each {word} is multiplied by {name[0]} of its own: the inner derivative of "
                f"{name[1]} is lost or is there once too often"
                + (f" (a missing {inverse(name[0])}?)" if inverse(name[0]) else ""),
            )
        if lone and elsewhere is None:
            continue
        values, counts = np.unique(np.round(own[np.isfinite(own)], 6), return_counts=True)
        most = float(values[counts.argmax()])
        if counts.max() * 2 > counts.sum() and not near(most, 1) and len(values) <= 3:
            return None  # one factor and a few besides: two mistakes
        same = elsewhere is not None and all(
            near(a, b, 1e-4) for a, b in zip(own, elsewhere, strict=True) if np.isfinite(a + b)
        )
        if same:
            wrong = [i for i in range(len(own)) if np.isfinite(own[i]) and not near(own[i], 1)]
            shown = listed([f"{own[i]:.4g}" for i in wrong], 8)
            what = "weights of the residuals" if side == "rows" else "units or scales of the inputs"
            kind = f"{word} weights"
            return Finding(
                kind,
                f"each {word} has a constant factor of its own ({shown} in the {side} "
                f"{runs(wrong)}), the same at another point: {what} left out or doubled?",
            )
    return None


def nameless_factors(ev):
    """Every row, or every column, has a factor of its own that no function we know gives."""
    for side, axis in (("columns", 0), ("rows", 1)):
        if ev.shape[1 - axis] < 2 or ev.shape[axis] < 2:
            continue
        own = factors(ev, ratio(ev), axis)
        if own is None or not np.isfinite(own).any() or np.nanmax(own) == np.nanmin(own):
            continue
        word = side[:-1]
        shown = listed([f"{v:.4g}" for v in own if np.isfinite(v)], 8)
        return Finding(
            f"{word} factors",
            f"each {word} is multiplied by a number of its own ({shown}) that depends on x: an "
            f"inner derivative for each {word} is missing or wrong",
        )
    return None


def inverse(name):
    """The name of 1 over a named function, where it reads well."""
    return {"exp(-x)": "exp(x)", "1/x": "x", "1/f": "f", "exp(-f)": "exp(f)"}.get(name, "")


def factors(ev, q, axis):
    """The factor of each column (axis 0) or row (axis 1), NaN where nothing is firm; or None."""
    with np.errstate(all="ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = np.nanmedian(np.where(np.isfinite(q), q, np.nan), axis=axis)
    full = np.expand_dims(np.where(np.isfinite(own), own, 1.0), axis)
    C = full * ev.truth
    return own if ev.is_(C, (1 + np.abs(full)) * ev.error) else None


# Activations: name, z from f, slope of z and f; and slopes that are written in their place.
def _activations():
    with np.errstate(all="ignore"):
        yield "tanh", "1 - tanh(z)^2", np.arctanh, lambda z, f: 1 - f**2
        yield "the sigmoid", "f (1 - f)", lambda f: np.log(f / (1 - f)), lambda z, f: f * (1 - f)
        yield "softplus", "1 - exp(-f)", lambda f: np.log(np.expm1(f)), lambda z, f: 1 - np.exp(-f)
        yield "sin", "cos z", np.arcsin, lambda z, f: np.cos(z)
        yield "arctan", "1/(1 + z^2)", np.tan, lambda z, f: 1 / (1 + z**2)
        yield "exp", "f", np.log, lambda z, f: f
        yield "a square root", "1/(2 f)", lambda f: f**2, lambda z, f: 1 / (2 * f)
        yield "a square", "2 z", np.sqrt, lambda z, f: 2 * z
        yield "a logarithm", "exp(-f)", np.exp, lambda z, f: np.exp(-f)


SLOPES = [
    ("1 - z^2", lambda z, f: 1 - z**2), ("1 - f", lambda z, f: 1 - f),
    ("1 + f^2", lambda z, f: 1 + f**2), ("f", lambda z, f: f), ("z", lambda z, f: z),
    ("f (1 - f)", lambda z, f: f * (1 - f)), ("1 - f^2", lambda z, f: 1 - f**2),
    ("z (1 - z)", lambda z, f: z * (1 - z)), ("sigmoid(z)", lambda z, f: 1 / (1 + np.exp(-z))),
    ("1 - tanh(z)^2", lambda z, f: 1 - np.tanh(z) ** 2), ("f^2", lambda z, f: f**2),
    ("f (1 - f^2)", lambda z, f: f * (1 - f**2)),
    ("1 - tanh(f)^2", lambda z, f: 1 - np.tanh(f) ** 2),
    ("-sin z", lambda z, f: -np.sin(z)), ("-cos z", lambda z, f: -np.cos(z)),
    ("sin z", lambda z, f: np.sin(z)), ("cos f", lambda z, f: np.cos(f)),
    ("1/(1 + f^2)", lambda z, f: 1 / (1 + f**2)),
    ("1/sqrt(1 - z^2)", lambda z, f: 1 / np.sqrt(1 - z**2)),
    ("1/f", lambda z, f: 1 / f), ("1/z", lambda z, f: 1 / z), ("2 f", lambda z, f: 2 * f),
    ("1", lambda z, f: np.ones_like(f)), ("1/(2 z)", lambda z, f: 1 / (2 * z)),
    ("sech(z)", lambda z, f: 1 / np.cosh(z)), ("f (1 + f)", lambda z, f: f * (1 + f)),
    ("(1 - f)^2", lambda z, f: (1 - f) ** 2), ("1 - 2 f", lambda z, f: 1 - 2 * f),
    ("exp(f)", lambda z, f: np.exp(f)), ("exp(z)", lambda z, f: np.exp(z)),
]  # fmt: skip


def activation(ev):
    """The slope of the last function: each row's factor is one known slope over another."""
    if ev.shape[0] < 2:
        return None
    own = factors(ev, ratio(ev), 1)
    if own is None:
        return None
    f = ev.y.ravel()
    known = np.isfinite(own)
    if known.sum() < 2:
        return None
    with np.errstate(all="ignore"):
        for name, right, invert, slope_ in _activations():
            z = invert(f)
            if not np.isfinite(z).all():
                continue
            for wrong, other in SLOPES:
                expect = other(z, f) / slope_(z, f)
                if not np.isfinite(expect[known]).all():
                    continue
                fits = np.abs(expect - own)[known] <= 1e-4 * np.abs(own)[known]
                if fits.all() and np.ptp(expect[known]) > 1e-6:
                    return Finding(
                        "activation slope",
                        f"the factor is {wrong}; it should be {right}, the slope of {name} "
                        f"(f is {name} of z)",
                    )
    return None


def invariant_gradient(ev):
    """One output that does not change as x is scaled or shifted, and an error along just that."""
    if ev.shape[0] != 1 or ev.shape[1] < 3 or ev.columns is not None:
        return None
    gap, x = (ev.yours - ev.truth)[0], ev.x.ravel()
    return (
        normaliser(ev, gap, 1)
        if any(
            abs(gap @ v) >= (1 - 1e-5) * np.linalg.norm(gap) * np.linalg.norm(v)
            for v in (x, np.ones_like(x))
        )
        else None
    )


def block_transposed(ev):
    """A square block of the matrix is transposed, the rest is right."""
    rows, cols = np.flatnonzero(ev.wrong.any(axis=1)), np.flatnonzero(ev.wrong.any(axis=0))
    m, n = ev.shape
    if ev.columns is not None or not ev.wrong.any():
        return None
    # the wrong entries leave out a diagonal: look at the smallest square that holds them
    size = max(np.ptp(rows), np.ptp(cols)) + 1
    if size < 2 or size >= max(m, n) and m == n or size > min(m, n):
        return None
    for top in range(max(0, rows[-1] - size + 1), min(rows[0], m - size) + 1):
        for left in range(max(0, cols[-1] - size + 1), min(cols[0], n - size) + 1):
            block = slice(top, top + size), slice(left, left + size)
            C, E = ev.truth.copy(), ev.error.copy()
            C[block], E[block] = ev.truth[block].T, ev.error[block].T
            if ev.differs(C, E) and ev.is_(C, E):
                return Finding(
                    "block transposed",
                    f"the block of rows {top} to {top + size - 1} and columns {left} to "
                    f"{left + size - 1} is transposed",
                )
    return None


def half_a_product(ev):
    """One term of a product rule alone: f = x g(x) entry by entry, or f = x x'."""
    m, n = ev.shape
    if ev.columns is not None:
        return None
    if m == n and m > 1 and not (ev.truth - np.diag(np.diag(ev.truth))).any():
        x, y = ev.x.ravel(), ev.y.ravel()
        with np.errstate(all="ignore"):
            one = y / x
            for candidate in (np.diag(one), np.diag(np.diag(ev.truth) - one)):
                if np.isfinite(candidate).all() and ev.is_(candidate, ev.error):
                    return Finding(
                        "product rule", "one term of the product rule alone: f = x g(x) needs "
                        "g(x) + x g'(x), and yours has one of the two",
                    )  # fmt: skip
    if ev.y.ndim == 2 and ev.y.shape[0] == ev.y.shape[1]:
        Y = ev.yours.reshape(ev.y.shape + (n,))
        both = (Y + Y.transpose(1, 0, 2)).reshape(m, n)
        if (
            ev.truth.any()
            and (np.abs(both - ev.truth) <= FIT * np.abs(ev.truth) + SLACK * ev.error).all()
        ):
            return Finding(
                "product rule",
                "one term of the product rule alone: yours and the same with the two axes of f "
                "exchanged make the whole together",
            )
    return None


def pattern_transposed(ev):
    """Zeros in the other triangle."""
    m, n = ev.shape
    if m != n or ev.columns is not None:
        return None
    there, mine = ev.firm, np.abs(ev.yours) > 1e-12 * np.abs(ev.yours).max()
    if np.array_equal(mine, there.T) and not np.array_equal(mine, there):
        return Finding(
            "pattern transposed",
            "the zeros stand where the transposed matrix has them: outputs and inputs are taken "
            "for "
            "each other, or a sum or a scan runs the other way",
        )
    return None


def inner_transposed(ev):
    """D1 A' D2 for D1 A D2: the outer factors are right, a matrix inside is transposed."""
    m, n = ev.shape
    if m != n or m < 3 or ev.columns is not None:
        return None
    T, E = ev.truth.T, ev.error.T
    firm = np.abs(T) > 100 * E
    if not firm.all() or (ev.yours == 0).any():
        return None
    Q = ev.yours / T
    rtol = 1e-5 + SLACK * (E / np.abs(T)).max()
    rank_one = Q[:, :1] * Q[:1, :] / Q[0, 0]
    if not (np.allclose(Q, rank_one, rtol=rtol) and np.allclose(np.diag(Q), 1, rtol=rtol)):
        return None
    return Finding(
        "inner matrix transposed",
        "transposed up to a factor for each row: the outer factors are right, a matrix inside the "
        "chain is transposed",
    )


def symmetric_argument(ev):
    """For a square matrix x: equal on symmetric moves."""
    if ev.x.ndim != 2 or ev.x.shape[0] != ev.x.shape[1] or len(ev.x) < 2 or ev.columns is not None:
        return None
    m, k = ev.shape[0], len(ev.x)
    Y, T, E = (a.reshape(m, k, k) for a in (ev.yours, ev.truth, ev.error))
    swap = (0, 2, 1)
    both, should = Y + Y.transpose(swap), T + T.transpose(swap)
    slack = FIT * np.maximum(np.abs(both), np.abs(should)) + SLACK * (E + E.transpose(swap))
    if not (np.abs(both - should) <= slack).all():
        return None
    upper = np.triu_indices(k, 1)
    low = upper[::-1]
    small = SLACK * E.max() + FIT * np.abs(T).max()
    if np.abs(T[:, upper[0], upper[1]]).max() <= small:
        how = "f reads the lower triangle of x only"
    elif np.abs(T[:, low[0], low[1]]).max() <= small:
        how = "f reads the upper triangle of x only"
    else:
        how = "they differ for x[i, j] and x[j, i] one by one"
    return Finding(
        "symmetric argument",
        f"right for symmetric moves of x, where both triangles move alike, and not for each entry: "
        f"{how}, and the formula counts both",
    )


def penalty(ev):
    """A gradient whose error is a known function of x: a penalty forgotten, or there twice."""
    if ev.shape[0] != 1:
        return None
    gap = (ev.yours - ev.truth)[0]
    error = ev.error[0]
    wrong = ev.wrong[0]
    x = ev.xs
    if wrong.sum() < 2:
        return None
    there = ev.second()
    for name, told, vector in (
        ("x", "the parameters", x),
        ("sign", "the signs of the parameters", np.sign(x)),
        ("ones", "the same for every parameter", np.ones_like(x)),
        ("cube", "the cubes of the parameters", x**3),
    ):
        part = wrong & (vector != 0)
        if not part[wrong].all():
            continue
        c = float(np.median(gap[part] / vector[part]))
        want = np.where(wrong, c * vector, 0.0)
        allowed = 1e-4 * np.abs(want) + SLACK * error + FIT * np.abs(ev.truth[0])
        if not (np.abs(gap - want) <= allowed).all() or (np.abs(want) <= 3 * allowed)[wrong].all():
            continue
        if there is not None and name != "ones":
            w2 = {"x": there.xs, "sign": np.sign(there.xs), "cube": there.xs**3}[name]
            gap2 = (there.yours - there.truth)[0]
            ok2 = np.abs(gap2 - np.where(wrong, c * w2, 0)) <= (
                1e-3 * np.abs(c * w2) + SLACK * there.error[0] + FIT * np.abs(there.truth[0])
            )
            if not ok2.all():
                continue
        where = "" if wrong.all() else f" in {places(ev, ev.wrong)[0]}"
        if name == "ones":
            return Finding(
                "constant error",
                f"the error is the same number, {c:.6g}, for every input{where}: a linear term "
                "(a sum or a mean of x) is forgotten or counted twice",
            )
        kind = "penalty missing" if c < 0 else "penalty twice"
        what = (
            "the gradient of a penalty is missing"
            if c < 0
            else ("the gradient of a penalty is there that f does not have, or it is counted twice")
        )
        form = {"x": "c/2 |x|^2", "sign": "c |x|_1", "cube": "c/4 sum x^4"}[name]
        return Finding(
            kind, f"the error is {c:.6g} times {told}{where}: {what} ({form}, c = {abs(c):.6g})"
        )
    return None


def low_rank(ev):
    """The error is u v' (or two such terms): a dependence through one quantity is missing."""
    if ev.columns is not None:
        return None
    gap = ev.yours - ev.truth
    rows, cols = np.flatnonzero(ev.wrong.any(axis=1)), np.flatnonzero(ev.wrong.any(axis=0))
    small = gap[np.ix_(rows, cols)]
    m, n = small.shape
    if min(m, n) < 2:
        return None
    # rows and columns may have very different sizes; scale them before looking at the rank
    r, c = np.abs(small).max(axis=1), np.abs(small).max(axis=0)
    r[r == 0], c[c == 0] = 1, 1
    scaled = small / np.sqrt(np.outer(r, c))
    s = np.linalg.svd(scaled, compute_uv=False)
    noise = SLACK * np.linalg.norm(ev.error[np.ix_(rows, cols)] / np.sqrt(np.outer(r, c)))
    floor = max(1e-6 * s[0], noise)
    rank = int((s > floor).sum())
    if rank == 0 or rank > 2 or rank >= min(m, n):
        return None
    told = normaliser(ev, gap, rank)
    if told is not None:
        return told
    if rank == 2 and min(m, n) < 4:
        return None
    where = places(ev, ev.wrong)[0]
    columns_ = f"in the columns {runs([column(ev, p) for p in cols])}"
    if rank == 1:
        u, _, vt = np.linalg.svd(gap, full_matrices=False)
        told = held_fixed(ev, u[:, 0], vt[0])
        if told:
            return told
        return Finding(
            "term of rank one",
            f"the error has rank one {columns_} and the rows {runs(rows)}: a term through one "
            "intermediate quantity, on which these outputs depend and which these inputs move, is "
            "missing or wrong",
        )
    return Finding(
        "term of rank two",
        f"the error has rank two ({where}): terms through two intermediate quantities are missing",
    )


def held_fixed(ev, u, v):
    """A rank-one error whose inputs' side is x, x about its mean, or the same for all."""
    x = ev.x.ravel()

    def along(a, b):
        size = np.linalg.norm(a) * np.linalg.norm(b)
        return size > 0 and abs(a @ b) >= (1 - 1e-6) * size

    if ev.shape[1] < 3:
        return None
    by_f = along(u, ev.y.ravel()) if ev.shape[0] > 1 else False
    for vector, what in (
        (np.ones_like(x), "the mean or the sum of x"),
        (x, "the norm |x|"),
        (x - x.mean(), "the standard deviation of x"),
    ):
        if along(v, vector):
            more = ", in proportion to f itself" if by_f else ""
            return Finding(
                "normaliser held fixed",
                f"the error has rank one: the dependence through {what} is missing or wrong{more}",
            )
    return None


def normaliser(ev, gap, rank):
    """f does not change when all inputs move alike, or when they are scaled: the claim does."""
    m, n = ev.shape
    if n < 2:
        return None
    x = ev.x.ravel()
    T, Y = ev.truth, ev.yours
    scale = np.abs(T) @ np.abs(x) + 1e-300
    alike = np.abs(T.sum(axis=1)) <= 1e-6 * np.abs(T).sum(axis=1) + SLACK * ev.error.sum(axis=1)
    claims = np.abs(Y.sum(axis=1)) > 1e-4 * np.abs(Y).sum(axis=1)
    along = np.abs(T @ x) <= 1e-6 * scale + SLACK * ev.error @ np.abs(x)
    claims_along = np.abs(Y @ x) > 1e-4 * (np.abs(Y) @ np.abs(x))
    centred = x - x.mean()
    about = np.abs(T @ centred) <= 1e-6 * scale + SLACK * ev.error @ np.abs(x)
    mean = alike.all() and claims.any()
    norm = along.all() and claims_along.any()
    spread_ = (
        alike.all() and about.all() and (np.abs(Y @ centred) > 1e-4 * np.abs(Y) @ np.abs(x)).any()
    )
    if mean and spread_:
        return Finding(
            "normaliser held fixed",
            "the dependence through the mean and the standard deviation is missing: f does not "
            "change when all inputs move alike or are stretched about their mean",
        )
    off = m == n and not (Y - np.diag(np.diag(Y))).any()
    if mean:
        more = "; everything off the diagonal is missing" if off else ""
        return Finding(
            "normaliser held fixed",
            "f does not change when all inputs move alike, and yours says that it does: the "
            f"dependence through a mean or a normalising sum is missing{more}",
        )
    if norm:
        more = "; everything off the diagonal is missing" if off else ""
        return Finding(
            "normaliser held fixed",
            "f does not change when x is scaled, and yours says that it does: the dependence "
            f"through the norm |x| is missing{more}",
        )
    return None


def diagonal_and_more(ev):
    """Nothing off the diagonal, and the diagonal is wrong too: other inputs are forgotten."""
    m, n = ev.shape
    if m != n or m < 2 or ev.columns is not None:
        return None
    off = ~np.eye(m, dtype=bool)
    if ev.yours[off].any() or not (ev.wrong & off).any():
        return None
    return normaliser(ev, None, 0) or Finding(
        "diagonal only",
        "everything off the diagonal is missing, and the diagonal is wrong too: f mixes its inputs",
    )


def elsewhere(ev):
    """The derivative at another point than x."""
    if ev.columns is not None:
        return None
    points = [("0", np.zeros_like(ev.x)), ("-x", -ev.x), ("|x|", np.abs(ev.x))]
    if ev.y.shape == ev.x.shape:
        points.insert(0, ("f(x)", ev.y))
    points += [("x rounded to integers", np.round(ev.x)), ("2 x", 2 * ev.x), ("x / 2", ev.x / 2)]
    points += [("x + 1", ev.x + 1), ("x - 1", ev.x - 1), ("exp(x)", np.exp(np.minimum(ev.x, 50)))]
    if ev.x.ndim == 1 and ev.x.size > 1:
        points += [("x in reversed order", ev.x[::-1])]
    for name, there in points:
        if np.array_equal(there, ev.x) or not np.isfinite(there).all():
            continue
        found = ev.truth_at(there, ev.yours)
        if found is None:
            continue
        C, E = found
        with np.errstate(all="ignore"):
            if np.isfinite(E).all() and ev.differs(C, E) and ev.is_(C, E) and C.any():
                return Finding("another point", f"this is the derivative at {name}, not at x")
    return None


def rotated(ev):
    """Yours is R J or J R for an orthogonal R: another frame."""
    m, n = ev.shape
    if ev.columns is not None:
        return None
    for side, k in (("outputs", m), ("inputs", n)):
        if k < 2 or min(m, n) < 2:
            continue
        Y, T, E = (
            a if side == "outputs" else a.T for a in (ev.yours, ev.truth, ev.error)
        )  # an orthogonal matrix from the left leaves Y'Y as it is
        size = np.linalg.norm(T)
        slack = 1e-5 + SLACK * np.linalg.norm(E) / size
        if slack < 0.02 and np.linalg.norm(Y.T @ Y - T.T @ T) <= slack * size**2:
            if np.linalg.matrix_rank(T, tol=10 * slack * size) > 1:
                return Finding(
                    "rotated frame",
                    f"the {side} are in another frame: yours is the expected matrix multiplied by "
                    f"an orthogonal matrix from the {'left' if side == 'outputs' else 'right'}",
                )
    return None


def factor_and_few(ev):
    """Two mistakes: one layout or factor explains nearly all, a few entries are wrong besides."""
    ways = [("", "", lambda M: M)]
    ways += [w for w in rearrangements(ev) if w[0] in ("transposed", "axes permuted", "vec order")]
    plain = 0
    for kind, told, make in ways:
        C, E = make(ev.truth), make(ev.error)
        with np.errstate(all="ignore"):
            q = np.where(np.abs(C) > 100 * E, ev.yours / C, np.nan)
        firm = np.isfinite(q)
        if firm.sum() < 3:
            continue
        values = np.sort(q[firm])
        best = None
        for c in {float(np.median(values)), 1.0, -1.0, *values[:: max(1, len(values) // 15)]}:
            if c == 0:
                continue
            good = ev.explained(c * C, abs(c) * E)
            if best is None or (good & firm).sum() > (best[1] & firm).sum():
                best = c, good
        c, good = best
        if not kind:
            plain = (good & ev.wrong).sum()
        elif (good & ev.wrong).sum() <= plain + 1:
            continue  # what the layout explains needs no other layout
        if (good & firm).sum() < max(0.5 * firm.sum(), 2) or good.all():
            continue
        if near(c, 1) and not kind:
            continue
        rest = ~good
        where, how = places(ev, rest)
        with np.errstate(all="ignore"):
            d = common(ev.yours / C, rest & firm)
        more = ""
        only = np.where(rest, (d or 0) * C, c * C)
        if d is not None and ev.is_(only, (abs(d) + abs(c)) * E):
            more = f" ({times(d / c)} besides)" if d else " (0)"
        first = told if kind else ""
        if not near(c, 1):
            scale = f"every entry {times(c)}{factor_name(ev, c, 1e-5)}"
            first = f"{first}; {scale}" if first else scale
        return Finding(
            f"{kind or ('sign' if near(c, -1) else 'constant factor')}, and more",
            f"two mistakes: {first}; and besides {where} {'are' if plural(where) else 'is'} "
            f"wrong{more}",
        )
    return None


def by_side(ev):
    """Two mistakes on two sets of columns (or rows), each with a name of its own."""
    if ev.columns is not None or ev.shape[0] * ev.shape[1] > 10_000:
        return None
    cols = np.flatnonzero(ev.wrong.any(axis=0))
    rows = np.flatnonzero(ev.wrong.any(axis=1))
    for side, at in (("column", cols), ("row", rows)):
        axis = 0 if side == "column" else 1
        if not 2 <= len(at) <= 6 or ev.shape[axis] < 2:
            continue
        told, values = [], []
        for p in at:
            lane = (slice(None), [p]) if side == "column" else ([p], slice(None))
            q = ratio(ev)[lane]
            c = common(q, np.isfinite(q))
            if c is None:
                break
            lane_ok = ev.explained(c * ev.truth, abs(c) * ev.error)[lane].all()
            if not lane_ok:
                break
            name = input_(ev, p) if side == "column" else output(ev, p)
            there = ev.second()
            if there is not None:
                c2 = common(ratio(there)[lane], np.isfinite(ratio(there)[lane]))
                if c2 is None or not near(c, c2, 1e-4):
                    break
            told.append(f"{side} {p} ({name}) {times(c)}{factor_name(ev, c, 1e-5)}")
            values.append(c)
        if len(told) == len(at):
            return Finding("factors in a part", "several mistakes: " + "; ".join(told))
    return None


def growth(ev):
    """The power of x with which the error grows when x is doubled, or None."""
    there = ev.at(2 * ev.x)
    if there is None:
        return None
    gap, far = (ev.yours - ev.truth)[ev.wrong], (there.yours - there.truth)[ev.wrong]
    slack = SLACK * (ev.error + there.error)[ev.wrong] + 1e-4 * np.abs(far)
    return next((k for k in range(-3, 6) if (np.abs(far - 2.0**k * gap) <= slack).all()), None)


def by_place(ev):
    """What no rule explains: where, and how the error depends on x."""
    where, how = places(ev, ev.wrong)
    are = "are" if plural(where) or how in ("entries", "all") else "is"
    if how == "all":
        told = "every entry is wrong, and no mistake we know explains them all"
    elif how == "entries":
        told = f"{where} are wrong"
    else:
        told = f"{where} {are} wrong, the rest is right"
    cols = np.flatnonzero(ev.wrong.any(axis=0))
    rows = np.flatnonzero(ev.wrong.any(axis=1))
    if ev.columns is not None:
        told += f" (looked at {len(ev.columns)} of {ev.x.size} inputs)"
    there = ev.second()
    depends = ""
    if there is not None:
        here_gap, there_gap = (ev.yours - ev.truth)[ev.wrong], (there.yours - there.truth)[ev.wrong]
        slack = SLACK * (ev.error + there.error)[ev.wrong] + 1e-4 * np.abs(here_gap)
        with np.errstate(all="ignore"):
            by_f = np.repeat((there.y.ravel() / ev.y.ravel())[:, None], ev.shape[1], 1)[ev.wrong]
            by_x = np.repeat((there.xs / ev.xs)[None], ev.shape[0], 0)[ev.wrong]
            if (np.abs(there_gap - here_gap) <= slack).all():
                depends = "the error is the same at another point: a constant"
            elif (np.abs(there_gap - by_x * here_gap) <= slack).all():
                depends = "each error is proportional to its input: linear in x"
            elif (np.abs(there_gap - by_f * here_gap) <= slack).all():
                depends = "the error is proportional to f"
    if not depends and (degree := growth(ev)) is not None:
        power = {0: "does not change", 1: "doubles: it is linear in x", 2: "grows fourfold: it is "
                 "quadratic in x"}.get(degree, f"grows 2^{degree}-fold")  # fmt: skip
        depends = f"when x is doubled the error {power}"
    if not depends and len(cols) <= 3 and len(rows) <= 3 and ev.wrong.size > 9:
        depends = (
            "a loop that ends early, an input used twice or an index?"
            if len(cols) > 1
            else (f"only {input_(ev, cols[0])}: an input that is used in several places?")
        )
    return Finding("by place", f"{told}{'; ' + depends if depends else ''}")


RULES = [
    zero, flat, single_precision, constant_factor, alike_rows, rearranged, not_zero, matched,
    block_transposed, part_factor, misplaced, half_a_product, penalty, activation,
    line_factors, inner_transposed, symmetric_argument,
    diagonal_and_more, rearranged_and_scaled, low_rank, rotated, by_side, factor_and_few, elsewhere,
    by_place,
]  # fmt: skip


def name(ev):
    """The finding of the first rule that explains every entry."""
    with np.errstate(all="ignore"):
        return next(found for rule in RULES if (found := rule(ev)) is not None)


# ------------------------------------------------------------------------------ arrays of one shape


def of_shape(array, truth, error, x, y):
    """What an array of another shape than expected is, held against the right one.

    Parameters
    ----------
    array : ndarray
    truth, error : ndarray, shape (m, n)
    x, y : ndarray

    Returns
    -------
    Finding
    """
    full = y.shape + x.shape
    T, E = truth.reshape(full), error.reshape(full)
    told = f"expected {full}"
    if len(full) != 2 or full != truth.shape:
        told += f" or the matrix {truth.shape}"
    told = f"the shape is {array.shape}; {told}"

    def same(A, B, slack):
        return A.shape == B.shape and bool(
            (np.abs(A - B) <= FIT * np.maximum(np.abs(A), np.abs(B)) + SLACK * slack).all()
        )

    for sign, also in ((1, ""), (-1, ", and the sign is wrong")):
        A = sign * array
        if A.size == truth.size and same(A.reshape(T.shape), T, E):
            return Finding("other shape", f"{told}. The numbers are right: reshape them{also}")
        for axes in permutations(range(len(full))) if 2 <= len(full) <= 5 else ():
            if same(A, T.transpose(axes), E.transpose(axes)):
                n_y = y.ndim
                swap = list(axes) == [*range(n_y, len(full)), *range(n_y)]
                if swap or truth.shape == full:
                    return Finding(
                        "transposed",
                        f"the array is transposed: {told}; outputs come first, then inputs{also}",
                    )
                return Finding(
                    "axes permuted", f"the axes are permuted, {list(axes)}: {told}{also}"
                )
        if same(A, truth.T, error.T):
            return Finding("transposed", f"the matrix is transposed: {told}{also}")
        for number in (1, 2):
            for axes in combinations(range(array.ndim), number):
                for how, take in (("sum", np.sum), ("mean", np.mean)):
                    less = take(A, axis=axes)
                    if same(less, T, E) or same(less, truth, error):
                        which = listed([f"axis {a}" for a in axes])
                        length = listed([str(array.shape[a]) for a in axes])
                        return Finding(
                            "not summed",
                            f"{told}. Take the {how} over {which} (of length {length}): the input "
                            f"is shared by all of them{also}",
                        )
        for number in (1, 2):
            for axes in combinations(range(len(full)), number):
                for how, take in (("summed", np.sum), ("averaged", np.mean)):
                    if same(A, take(T, axis=axes), take(E, axis=axes)) or same(
                        A, take(T, axis=axes, keepdims=True), take(E, axis=axes, keepdims=True)
                    ):
                        which = listed(
                            [
                                f"axis {a} of f" if a < y.ndim else f"axis {a - y.ndim} of x"
                                for a in axes
                            ]
                        )
                        return Finding(
                            f"{how} over an axis", f"the array is {how} over {which}: {told}{also}"
                        )
        m, n = truth.shape
        if m == n and same(A.ravel(), np.diag(truth), np.diag(error)):
            rest = truth - np.diag(np.diag(truth))
            if (np.abs(rest) > SLACK * error + FIT * np.abs(truth).max()).any():
                return Finding(
                    "diagonal only",
                    f"{told}. These are the numbers of the diagonal; those off it are not zero and "
                    f"are missing{also}",
                )
            return Finding(
                "diagonal only",
                f"{told}. These are the numbers of the diagonal, and the rest is 0: np.diag makes "
                f"the matrix{also}",
            )
        if array.ndim == len(full):
            for axis in range(len(full)):
                for gone in range(full[axis]):
                    if same(A, np.delete(T, gone, axis), np.delete(E, gone, axis)):
                        name_ = (
                            f"axis {axis} of f" if axis < y.ndim else f"axis {axis - y.ndim} of x"
                        )
                        return Finding(
                            "left out", f"{told}: place {gone} of {name_} is left out{also}"
                        )
        if array.ndim == 2:
            for axis in range(2):
                for gone in range(truth.shape[axis]):
                    if same(A, np.delete(truth, gone, axis), np.delete(error, gone, axis)):
                        word = "row" if axis == 0 else "column"
                        return Finding("left out", f"{told}: {word} {gone} is left out{also}")
        if A.size == truth.size and same(A.ravel(order="F").reshape(T.shape), T, E):
            return Finding("other shape", f"{told}. The numbers are right, in Fortran order{also}")
    return Finding("other shape", told)
