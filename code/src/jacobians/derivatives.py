"""Compare any derivative with a numerical one, and say what is wrong with it.

The truth comes from the function alone, by extrapolated differences whose error is estimated entry
by entry (`differences`); what is wrong is named by `kinds`.
"""

import warnings
from dataclasses import replace

import numpy as np

from jacobians import kinds
from jacobians.differences import EPS, _finite, _typical, line, roughness, slope
from jacobians.reports import KINK, RIGHT, UNJUDGED, WRONG, Report

WIDE = 8  # a right entry is within so many estimated errors of the truth,
CLOSE = 3e-9  # or relatively this close to it; float32 is 20 times worse
FULL = 64  # up to so many inputs every entry is looked at, beyond it random directions come first
NAMING = 400  # up to so many inputs every entry is looked at where something is wrong
SAMPLE = 64  # and beyond it so many columns


def check_derivative(f, x, *, jac=None, vjp=None, jvp=None):
    """Check a derivative of any function that somebody wrote, and say what is wrong with it.

    Chapter :doc:`/chapters/checking`.

    Parameters
    ----------
    f : callable, or list of callables
        Takes an array of x's shape and returns a number or an array of one shape. A list is a
        chain, the first function first; then the derivatives are lists too, one for each link.
    x : array-like
        Of any shape. Two more points near it are looked at as well.
    jac : callable, optional
        ``jac(x)``: the Jacobian, of shape f(x).shape + x.shape or the matrix (f(x).size, x.size).
    vjp : callable, optional
        ``vjp(x, g)`` with g of f's shape: the vector-Jacobian product, of x's shape.
    jvp : callable, optional
        ``jvp(x, v)`` with v of x's shape: the Jacobian-vector product, of f's shape.

    Returns
    -------
    Report
        True if everything is right.

    Raises
    ------
    TypeError
        If f or a derivative cannot be called, or none is given.
    ValueError
        If x is not finite, or f fails at x or does not return numbers of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> report = check_derivative(lambda x: A @ x, [0.3, 0.7], jac=lambda x: A.T)
    >>> bool(report), report.kind
    (False, 'transposed')
    """
    claims = {"jac": jac, "vjp": vjp, "jvp": jvp}
    claims = {form: claim for form, claim in claims.items() if claim is not None}
    if not claims:
        raise TypeError("give at least one derivative to check: jac=, vjp= or jvp=")
    x = _finite(x, "x must be an array of finite real numbers")
    if isinstance(f, (list, tuple)):
        return _chain(list(f), x, claims)
    for name, function in {"f": f, **claims}.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function; got {type(function).__name__}")
    probe = Probe(f, x)
    reports = {form: _examine(probe, Claim(form, claim)) for form, claim in claims.items()}
    return _together(probe, reports, claims)


class Probe:
    """f as it is asked: counted, with copies in and out; and the truth at the points it was asked.

    Attributes
    ----------
    x, y : ndarray
    noise : ndarray, shape (m,)
    evaluations : int
    faults : list of str
        What f does that a function should not.
    """

    def __init__(self, f, x):
        self.f, self.x, self.evaluations, self.faults = f, x, 0, []
        self.known, self.changed = {}, None
        given = x.copy()
        try:
            first = self._call(given)
        except Exception as error:
            raise ValueError(f"f fails at x: {type(error).__name__}: {error}") from error
        self.y = _numbers(first).copy()
        if not np.array_equal(given, x):
            self.faults.append(
                "Besides, f changes its argument in place (each call got a copy of x here; your "
                "own x would "
                "be changed)"
            )
        second = self._call(x.copy())
        again = _numbers(second)
        if again.shape != self.y.shape:
            raise ValueError(f"f returns another shape at a second call: {again.shape}")
        self.unstable = 0.0
        if not np.array_equal(self.y, again, equal_nan=True):
            self.unstable = float(np.max(np.abs(self.y - again)))
        if isinstance(first, np.ndarray) and (
            first is second or np.shares_memory(first, np.asarray(second))
        ):
            self.faults.append(
                "Besides, f returns the same array object at each call, written over (its "
                "results were "
                "copied here; a plain difference of two of them would be 0)"
            )
        if not np.isfinite(self.y).all():
            raise ValueError("f is not finite at x: there is nothing to differentiate")
        self.m, self.n = self.y.size, x.size
        self.lengths = np.where(x == 0, _typical(x), np.abs(x)).ravel()
        self.noise = self.unstable + roughness(self.at, x, self.y.ravel())

    def _call(self, v):
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.f(v)

    def at(self, v):
        """f at a point, flat, as a copy."""
        y = _numbers(self._call(v.copy()))
        if y.shape != self.y.shape:
            self.changed = y.shape  # `line` takes this for the edge of the domain: told by `slope`
            raise ValueError("f must return one shape")
        return y.ravel()

    def slope(self, point, v, step=2.0**-6):
        """The derivative of f along v, whose entries are about as long as x's."""
        base, noise = self.value(point), self.noise_at(point)
        room = 1.0
        if np.count_nonzero(v) == 1:
            room = max(1.0, _typical(point) / np.abs(v).max())
        along = line(self.at, point, v.reshape(point.shape))
        found = slope(along, base, noise, step=step, room=room)
        if self.changed is not None:
            raise ValueError(
                f"f must return one shape; it returns {self.y.shape} at x and {self.changed} nearby"
            )
        return found

    @property
    def scale(self):
        """How fast each output changes around x, for a move of all inputs by their lengths."""
        if "scale" not in self.known:
            self.known["scale"] = np.zeros(self.m)
            for point, v in zip(self.displaced(), self.directions(5), strict=False):
                found = self.slope(point, v)
                known = np.isfinite(found.error)
                self.known["scale"] = np.fmax(self.known["scale"], np.abs(found.value) * known)
        return self.known["scale"]

    @property
    def rounding(self):
        """What rounding leaves of a derivative that is as nothing beside those around x."""
        y = np.abs(self.y.ravel())
        large = (y > 1e-3 * y.max()) & (y > 0)
        share = np.median(self.noise[large] / y[large]) if large.any() else EPS
        return (32 * share if 1e-10 < share < 1e-4 else 64 * EPS) * self.scale

    def directions(self, seed):
        """Random moves of all inputs, each about as long as the input."""
        rng = np.random.default_rng(seed)
        while True:
            size = self.lengths * rng.uniform(0.5, 1.5, self.n)
            yield size * rng.choice([-1.0, 1.0], self.n)

    def value(self, point):
        key = ("value", point.tobytes())
        if key not in self.known:
            self.known[key] = self.y.ravel() if np.array_equal(point, self.x) else self.at(point)
        return self.known[key]

    def noise_at(self, point):
        """The noise measured at x; elsewhere it grows with f."""
        base = np.abs(self.value(point))
        with np.errstate(all="ignore"):
            grown = np.where(self.y.ravel() != 0, base / np.abs(self.y.ravel()), 1.0)
        return np.maximum(self.noise * np.clip(grown, 1.0, 1e6), EPS * base)

    def truth(self, point, columns=None, step=2.0**-6):
        """The matrix (m, n), its error and its one-sided values, at a point, column by column."""
        columns = range(self.n) if columns is None else columns
        found = np.empty((4, self.m, len(columns)))
        for k, p in enumerate(columns):
            key = (int(p), point.tobytes(), step)
            if key not in self.known:
                v = np.zeros(self.n)
                v[p] = self.length(point, p)
                self.known[key] = np.array(self.slope(point, v, step)) / v[p]
            found[:, :, k] = self.known[key]
        return found

    def length(self, point, p):
        return abs(point.flat[p]) or self.lengths[p]

    def displaced(self):
        """Two points near x where f can be evaluated; fewer if there are none."""
        if "displaced" not in self.known:
            self.known["displaced"] = self._displaced()
        return self.known["displaced"]

    def _displaced(self):
        rng, found = np.random.default_rng(7), []
        for share in (0.12, 0.3):
            move = rng.uniform(0.5, 1.5, self.x.shape) * rng.choice([-1.0, 1.0], self.x.shape)
            for _ in range(4):
                point = self.x + share * move * self.lengths.reshape(self.x.shape)
                if self.defined(point):
                    found.append(point)
                    break
                share /= 4
        return found

    def defined(self, point):
        if not np.isfinite(point).all():
            return False
        try:
            return bool(np.isfinite(self.value(point)).all())
        except Exception:  # what f raises away from x is no answer to anybody's question
            return False


def _numbers(y):
    """What f returned, as a float64 copy."""
    try:
        y = np.asarray(y)
        if y.dtype.kind == "O" and all(entry is not None for entry in y.flat):
            y = y.astype(float)
        if y.dtype.kind not in "biuf":
            raise TypeError
        return np.array(y, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"f must return real numbers; it returns {type(y).__name__}") from None


# -------------------------------------------------------------------------------- what is claimed


class Claim:
    """A derivative that somebody wrote, in one of three forms, as a matrix of outputs by inputs."""

    def __init__(self, form, function):
        self.form, self.function = form, function

    def array(self, probe, point):
        """What it gives at a point, as an array; a matrix for a vjp and a jvp."""
        if self.form == "jac":
            return _array(self.function(point.copy()))
        size, shape = (probe.m, probe.y.shape) if self.form == "vjp" else (probe.n, probe.x.shape)
        into = probe.x.shape if self.form == "vjp" else probe.y.shape
        lanes = []
        for i in range(size):
            unit = np.zeros(size)
            unit[i] = 1.0
            lane = _array(self.function(point.copy(), unit.reshape(shape)))
            if lane.shape != into:
                return Lane(lane, i, into)
            lanes.append(lane.ravel())
        M = np.array(lanes)
        return M if self.form == "vjp" else M.T

    def product(self, point, v, shape):
        """One product with a random direction, or None for a jac."""
        return _array(self.function(point.copy(), v.reshape(shape).copy())).ravel()


class Lane:
    """A product of another shape than asked for."""

    def __init__(self, array, number, expected):
        self.array, self.number, self.expected = array, number, expected


def _array(returned):
    if returned is None:
        return None
    if hasattr(returned, "toarray"):  # SciPy's sparse matrices
        returned = returned.toarray()
    return np.array(returned)


def _matrix(array, probe):
    """The claimed array as (m, n), or None if its shape is another."""
    if array.shape in (probe.y.shape + probe.x.shape, (probe.m, probe.n)):
        return array.reshape(probe.m, probe.n)
    return None


def _unfinished(name, array):
    """The words for what is no array of numbers yet, or None."""
    if array is None:
        return "nothing returned", f"{name} returns nothing yet: does it end with `return`?"
    if isinstance(array, Lane):
        array = array.array
        if array is None:
            return "nothing returned", f"{name} returns nothing yet: does it end with `return`?"
    if array.dtype.kind == "O":
        try:
            array.astype(float)
        except (TypeError, ValueError):
            return "not numbers", f"{name} returns {array.dtype} and not numbers"
    elif array.dtype.kind not in "biufc":
        return "not numbers", f"{name} returns {array.dtype} and not numbers"
    if array.dtype.kind == "c" and np.any(np.imag(array)):
        return "complex", f"{name} returns complex numbers; the derivative of a real f is real"
    array = np.real(array).astype(float)
    if array.size and np.isnan(array).all():
        return "not written", f"{name} is not written yet: every entry is NaN"
    bad = int((~np.isfinite(array)).sum())
    if bad:
        places = [kinds.index(array.shape, i) for i in np.flatnonzero(~np.isfinite(array))]
        return (
            "not a number",
            f"some entries are NaN or infinite ({bad} of {array.size}: "
            f"{name}{kinds.listed(places, 4)})",
        )
    return None


# ------------------------------------------------------------------------------------- one claim


def _examine(probe, claim):
    """The report on one claim."""
    name = claim.form

    def report(kind="", told="", **more):
        more.setdefault("remark", "")
        more["remark"] = " ".join(filter(None, [more["remark"], *_faults(probe)]))
        return Report(
            not told, told, subject=name, blame=f"{name} is wrong", kind=kind,
            evaluations=probe.evaluations, **more,
        )  # fmt: skip

    if probe.unstable:
        size = probe.unstable
        if size > 1e-7 * max(np.abs(probe.y).max(), 1e-300):
            return report(
                "f not repeatable",
                f"f gives two answers at one point: they differ by {size:.3g}. Random numbers, "
                "dropout, or a state that f keeps? A derivative cannot be checked against that",
            )
    if name == "vjp" and probe.m > NAMING:
        return _projected(probe, claim)
    if name == "jvp" and probe.n > NAMING:
        return _examine_products(probe, claim, report)
    x = probe.x
    try:
        array = claim.array(probe, x)
        twice = claim.array(probe, x)
    except NotImplementedError:
        return report("not written", f"{name} is not written yet")
    except Exception as error:
        return report("fails", f"{name} fails at x: {type(error).__name__}: {error}")
    if (unfinished := _unfinished(name, array)) is not None:
        return report(*unfinished)
    if isinstance(array, Lane):
        return report(*_other_lane(probe, claim, array))
    array = np.real(array).astype(float)
    M = _matrix(array, probe)
    if M is None:
        if probe.n > NAMING:
            full = probe.y.shape + probe.x.shape
            return report("other shape", f"the shape is {array.shape}; expected {full}")
        T, E, _, _ = probe.truth(x)
        found = kinds.of_shape(array, T, E, x, probe.y)
        return report(*found)
    if not isinstance(twice, Lane) and twice is not None:
        second = _matrix(np.real(np.asarray(twice)).astype(float), probe)
        if second is None or not np.allclose(second, M, rtol=1e-6, atol=0, equal_nan=True):
            return report(
                "differs between calls",
                f"{name} gives another answer at its second call at the same x: does it keep or "
                "change something?",
            )
    if name != "jac" and (told := _not_linear(probe, claim, M)):
        return report("not linear", told)
    here = Look(probe, claim, x, M)
    if here.wrong_somewhere:
        return here.report(report)
    return _look_further(probe, claim, here, report)


class Look:
    """A claimed matrix beside the truth at one point: entry by entry, or along directions."""

    def __init__(self, probe, claim, point, M, directions_only=False):
        self.probe, self.claim, self.point, self.M = probe, claim, point, M
        self.columns, self.entries = None, False
        self.wrong_somewhere = False
        if probe.n > FULL or directions_only:
            self.wrong_somewhere = self.along_directions(2 if directions_only else 4)
            if self.wrong_somewhere and not directions_only:
                self.entry_by_entry(self.suspects() if probe.n > NAMING else None)
        else:
            self.entry_by_entry()

    def along_directions(self, count):
        probe, M = self.probe, self.M
        lengths = np.where(self.point.ravel() == 0, probe.lengths, np.abs(self.point.ravel()))
        share = np.abs(M).max(axis=0) * lengths
        some = share[share > 0]
        balanced = np.ones(probe.n)
        if some.size:  # no column is to hide the others
            balanced = np.minimum(1, np.median(some) / np.maximum(share, 1e-300))
        wrong = False
        for k, v in zip(range(count), probe.directions(11), strict=False):
            v = v * (balanced if k % 2 else 1.0) * lengths / probe.lengths
            if not self.agrees(v):
                wrong = True
                self.direction = v
                break
        return wrong

    def agrees(self, v):
        found = self.probe.slope(self.point, v)
        claimed = self.M @ v
        allowed = WIDE * found.error + CLOSE * (np.abs(self.M) @ np.abs(v)) + self.probe.rounding
        kink = np.isfinite(found.low)
        between = (claimed >= found.low - allowed) & (claimed <= found.high + allowed)
        good = np.abs(claimed - found.value) <= allowed
        self.blind = bool((np.abs(found.value) <= allowed).all())
        return bool((good | (kink & between)).all())

    def suspects(self):
        """Some columns of many: a wrong one by bisection, the first and last, and a sample."""
        probe, rng = self.probe, np.random.default_rng(5)
        members = np.arange(probe.n)
        while len(members) > 8 and probe.evaluations < 20 * probe.n:
            half = members[: len(members) // 2]
            v = np.zeros(probe.n)
            v[half] = self.direction[half]
            members = members[len(members) // 2 :] if self.agrees(v) else half
        sample = rng.choice(probe.n, SAMPLE, replace=False)
        return np.unique(np.concatenate([members[:8], [0, 1, probe.n - 2, probe.n - 1], sample]))

    def entry_by_entry(self, columns=None):
        probe, self.columns, self.entries = self.probe, columns, True
        Y = self.M if columns is None else self.M[:, columns]
        T, E, low, high = probe.truth(self.point, columns)
        self.T, self.E, self.Y, self.low, self.high = T, E, Y, low, high
        self.judge(T, E, low, high)
        close = np.abs(Y - T) <= 1e-4 * np.abs(T)
        if self.wrong.any() and close[self.wrong].all():  # so little may be the truth's own error
            at = np.flatnonzero(self.wrong.any(axis=0))
            real = at if columns is None else np.asarray(columns)[at]
            T2, E2, _, _ = probe.truth(self.point, real, step=2.0**-6 * 0.37)
            apart = np.abs(T2 - T[:, at])
            E = E.copy()
            E[:, at] = np.where(apart > E[:, at], np.maximum(E[:, at], apart), E[:, at])
            self.E = E
            self.judge(T, E, low, high)
        self.wrong_somewhere = bool(self.wrong.any())

    def judge(self, T, E, low, high):
        Y = self.Y
        lengths = np.array(
            [self.probe.length(self.point, p) for p in (
                range(self.probe.n) if self.columns is None else self.columns)]
        )  # fmt: skip
        # an entry that is as nothing beside what it is around x is rounding, in yours and in f
        rounding = self.probe.rounding[:, None] / lengths
        allowed = WIDE * E + CLOSE * np.abs(T) + rounding
        self.kink = np.isfinite(low)
        between = (Y >= low - allowed) & (Y <= high + allowed)
        known = np.isfinite(E)
        with np.errstate(all="ignore"):
            self.wrong = known & ~self.kink & (np.abs(Y - T) > allowed)
        self.wrong |= self.kink & ~between
        firm = np.where(known, np.abs(T), 0) * lengths
        rows, cols = firm.max(axis=1, initial=0), firm.max(axis=0, initial=0)
        small = np.where(known, allowed, np.inf) * lengths <= 1e-6 * np.minimum(
            rows[:, None], np.inf
        )
        small |= np.where(known, allowed, np.inf) * lengths <= 1e-6 * cols
        size = np.maximum(np.abs(T), np.abs(Y))
        vague = known & (E > 0.01 * size) & (Y != 0) & ~small & ~self.wrong & ~self.kink
        self.unjudged = (~known & ~self.kink) | vague
        with np.errstate(all="ignore"):
            zero = known & (np.abs(T) <= allowed)
        self.blind_columns = zero.all(axis=0)
        self.blind = bool(zero.all())

    # ------------------------------------------------------------------------- what it says

    def reasons(self):
        reasons = {}
        shape = self.probe.y.shape, self.probe.x.shape
        for i, k in np.argwhere(self.unjudged)[:10_000]:
            p = int(k) if self.columns is None else int(self.columns[k])
            at = tuple(
                int(a) for a in np.unravel_index(i, shape[0]) + np.unravel_index(p, shape[1])
            )
            if np.isfinite(self.E[i, k]):
                reasons[at] = "smaller than what the rounding of f hides"
            else:
                reasons[at] = "f is not smooth or not defined around x"
        return reasons

    def states(self):
        states = np.full(self.wrong.shape, RIGHT)
        states[self.kink] = KINK
        states[self.unjudged] = UNJUDGED
        states[self.wrong] = WRONG
        return states

    def errors(self):
        if self.columns is not None:
            return None
        return (self.Y - self.T).reshape(self.probe.y.shape + self.probe.x.shape)

    def worst(self):
        """The worst entry worked out, in the indices of f and x."""
        T, Y = self.T, self.Y
        with np.errstate(all="ignore"):
            bad = np.where(self.wrong, np.abs(Y - T) / np.maximum(np.abs(T), np.abs(Y)), -1)
            bad = bad * 10 + np.where(self.wrong, np.abs(Y - T) / np.abs(Y - T).max(), 0)
        i, k = (int(a) for a in np.unravel_index(np.argmax(bad), bad.shape))
        p = k if self.columns is None else int(self.columns[k])
        out = kinds.index(self.probe.y.shape, i)
        into = kinds.index(self.probe.x.shape, p)
        return (
            f"For example, the derivative of f{out} by x{into} is {Y[i, k]:.6g} in yours and "
            f"{T[i, k]:.6g} in truth."
        )

    def evidence(self, again=None):
        probe = self.probe
        value = probe.value(self.point).reshape(probe.y.shape)

        def truth_at(point, M):
            if self.columns is not None or not probe.defined(point):
                return None
            v = next(probe.directions(13))
            found = probe.slope(point, v)  # along one direction first: it costs little
            allowed = 10 * WIDE * found.error + 1e-5 * (np.abs(M) @ np.abs(v))
            if not (np.abs(found.value - M @ v) <= allowed).all() or not self.affordable(9):
                return None
            T, E, low, _ = probe.truth(point)
            return None if np.isfinite(low).any() else (T, E)

        return kinds.Evidence(
            self.Y, self.truth_for_yours(), self.E, self.wrong, self.point, value,
            None if self.columns is None else np.asarray(self.columns), self.claim.form,
            again or (lambda: None), truth_at, self.at if again else (lambda point: None),
        )  # fmt: skip

    def truth_for_yours(self):
        """The truth, where any number between two sides is right the nearest to yours."""
        between = np.clip(self.Y, np.nan_to_num(self.low), np.nan_to_num(self.high))
        return np.where(self.kink, between, self.T)

    def affordable(self, each):
        probe = self.probe
        columns = probe.n if self.columns is None else len(self.columns)
        return probe.evaluations + each * columns <= 20 * probe.n + 200

    def again(self):
        """The same columns at a displaced point, for a rule that needs a second opinion."""
        for point in self.probe.displaced():
            if not np.array_equal(point, self.point) and (found := self.at(point)) is not None:
                return found
        return None

    def at(self, point):
        """The evidence of the same columns at another point, or None where it costs too much."""
        if not self.affordable(8) or not self.probe.defined(point):
            return None
        M = _claimed(self.probe, self.claim, point)
        if M is None:
            return None
        other = Look.__new__(Look)
        other.probe, other.claim, other.point, other.M = self.probe, self.claim, point, M
        other.entry_by_entry(self.columns)
        return other.evidence()

    def report(self, report, remark=""):
        found = kinds.name(self.evidence(self.again))
        notes = [remark]
        if self.kink.any():
            notes.append(_kinks_told(self))
        notes.append(_noise_told(self.probe))
        return report(
            *found, errors=self.errors(), entry=self.worst(), states=self.states(),
            unjudged=self.reasons(), remark=" ".join(filter(None, notes)),
        )  # fmt: skip


def _noise_told(probe):
    largest = np.abs(probe.y).max()
    size = np.median(probe.noise) / largest if largest > 0 else 0.0
    if not 1e-11 < size < 1e-1:
        return ""
    said = "f itself computes in single precision" if 1e-9 < size < 1e-6 else "f itself is noisy"
    return f"{said[0]}{said[1:]} (noise of {size:.0e} of its size), which was allowed for."


def _kinks_told(look):
    at = np.argwhere(look.kink)
    i, k = at[0]
    p = int(k) if look.columns is None else int(look.columns[k])
    out, into = kinds.index(look.probe.y.shape, i), kinds.index(look.probe.x.shape, p)
    more = f" and {len(at) - 1} more entries" if len(at) > 1 else ""
    return (
        f"At x there is a kink in the derivative of f{out} by x{into}{more}: the one-sided values "
        "differ, and any number between them was taken for right."
    )


def _claimed(probe, claim, point):
    """The claimed matrix at another point, or None where it fails there."""
    try:
        with np.errstate(all="ignore"):
            array = claim.array(probe, point)
    except Exception:
        return None
    if array is None or isinstance(array, Lane) or _unfinished(claim.form, array) is not None:
        return None
    return _matrix(np.real(array).astype(float), probe)


def _look_further(probe, claim, here, report):
    """It is right at x; look at points around, and say what x alone could not show."""
    blind_everywhere = here.blind
    for point in probe.displaced():
        M = _claimed(probe, claim, point)
        if M is None:
            continue
        there = Look(probe, claim, point, M, directions_only=True)
        blind_everywhere &= there.blind
        if there.wrong_somewhere:
            found = _at_other_point(probe, claim, here, point, M, report)
            if found is not None:
                return found
    remarks = []
    if here.entries and here.blind and not blind_everywhere:
        remarks.append(
            "At x the derivative is 0 as far as can be seen (an optimum, a zero residual, a "
            "saturated function): any multiple of it would pass there. Points around it were "
            "looked "
            "at as well."
        )
    elif here.entries and here.blind_columns.any() and not here.blind:
        which = kinds.listed(
            [f"x{kinds.index(probe.x.shape, p)}" for p in np.flatnonzero(here.blind_columns)]
        )
        remarks.append(f"At x f does not change with {which}; points around it were used as well.")
    if here.entries and here.blind:
        lost = _lost_in_saturation(probe, claim, here, report)
        if lost is not None:
            return lost
    if here.entries and blind_everywhere:
        far = _far_away(probe, claim, report)
        if isinstance(far, Report):
            return far
        remarks.append(far)
    if here.entries and here.kink.any():
        remarks.append(_kinks_told(here))
    if not here.entries:
        remarks.append(
            f"Looked along random directions through all {probe.n} inputs, not entry by entry."
        )
    return report(
        errors=here.errors() if here.entries else None,
        states=here.states() if here.entries else None,
        unjudged=here.reasons() if here.entries else {},
        remark=" ".join(filter(None, remarks)),
    )


def _at_other_point(probe, claim, here, point, M, report):
    there = Look.__new__(Look)
    there.probe, there.claim, there.point, there.M = probe, claim, point, M
    columns = None
    if probe.n > NAMING:
        there.columns = None
        there.wrong_somewhere = there.along_directions(4)
        if not there.wrong_somewhere:
            return None
        columns = there.suspects()
    there.entry_by_entry(columns)
    if not there.wrong_somewhere:
        return None
    if np.array_equal(M, here.M):
        return report(
            "another point",
            f"{claim.form} returns the same array at x and at a point near it, and the derivative "
            "is another there: is it computed at an old x?",
            entry=there.worst(), states=there.states(), unjudged=there.reasons(),
        )  # fmt: skip
    if here.entries and here.blind:
        why = (
            "At x itself the derivative is 0 as far as can be seen, and any multiple of it passes: "
            "what is told was found at a point near x."
        )
    else:
        why = "At x itself it passes; what is told was found at a point near x."
    return there.report(report, why)


def _lost_in_saturation(probe, claim, here, report):
    """Entries that are 0 in yours and not by a complex step, where f itself does not move."""
    opinion = _complex(probe, probe.x)
    beside = _complex(probe, probe.x * (1 + 16 * EPS))
    if opinion is None or beside is None:
        return None
    steady = np.abs(opinion - beside) <= 1e-3 * np.abs(opinion)  # not the rounding of a zero
    off = steady & (opinion != 0) & (here.Y == 0)
    if not off.any():
        return None
    here.T, here.E, here.wrong = opinion, 1e-9 * np.abs(opinion), off
    here.unjudged = np.zeros_like(off)
    told = (
        f"{int(off.sum())} of {off.size} entries are 0 where a complex step gives "
        f"{np.abs(opinion[off]).max():.3g} or less: f is saturated at x, and a subtraction such as "
        "1 - t^2 has lost every digit there"
    )
    return report(
        "saturated", told, errors=here.errors(), entry=here.worst(), states=here.states(),
        remark="For differences there is no verdict at x: f is flat as far as they see, and any "
        "formula would pass. Around x yours is right.",
    )  # fmt: skip


def _far_away(probe, claim, report):
    """f moves neither at x nor around it: look at points far away."""
    for point in _far(probe):
        M = _claimed(probe, claim, point) if probe.defined(point) else None
        if M is None:
            continue
        there = Look(probe, claim, point, M)
        if there.blind:
            continue
        flat = (
            "At x and around it f is flat (saturated, or constant there): differences see nothing, "
            "any formula would pass, and there is no verdict; a point far from x was used."
        )
        return there.report(report, flat) if there.wrong_somewhere else flat
    return (
        "f does not change at x, nor at the other points that were tried: either it is constant or "
        "it is flat as far as can be seen, and any small number would pass."
    )


def _far(probe):
    rng = np.random.default_rng(3)
    for scale in (0.3, 0.1, 0.03, 0.01, 1e-3):
        yield probe.x * scale * rng.uniform(0.5, 1.5, probe.x.shape)
    yield rng.normal(size=probe.x.shape)
    yield probe.x * 10 * rng.uniform(0.5, 1.5, probe.x.shape)


def _complex(probe, point):
    """The derivative by a complex step, or None where f lets no complex number through."""
    if probe.n > FULL:
        return None
    columns = []
    for p in range(probe.n):
        z = point.astype(complex)
        z.flat[p] += 1e-200j
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                columns.append(np.imag(probe._call(z)).ravel() * 1e200)
        except Exception:
            return None
    found = np.array(columns).T
    return found if found.shape == (probe.m, probe.n) and np.isfinite(found).all() else None


def _faults(probe):
    return [f"{fault}." for fault in probe.faults]


# ----------------------------------------------------------------------------- products and chains


def _not_linear(probe, claim, M):
    """The words for a product that is not linear in its vector, or an empty string."""
    rng = np.random.default_rng(2)
    vjp = claim.form == "vjp"
    shape = probe.y.shape if vjp else probe.x.shape
    v = rng.normal(size=probe.m if vjp else probe.n)
    try:
        got = claim.product(probe.x, v, shape)
    except Exception as error:
        return f"{claim.form} fails for a random vector: {type(error).__name__}: {error}"
    want = v @ M if vjp else M @ v
    size = np.abs(v) @ np.abs(M) if vjp else np.abs(M) @ np.abs(v)
    if got.shape == want.shape and not (np.abs(got - want) > 1e-5 * size.max()).any():
        return ""
    if vjp and probe.m > 1 and np.allclose(M, M[:1], rtol=1e-9):
        return ""  # the same for every cotangent: that has a name of its own
    if not vjp and np.allclose(M, M[:, :1], rtol=1e-9):
        return ""
    vector = "cotangent g" if vjp else "direction v"
    return (
        f"{claim.form} is not linear in its {vector}: for a random one it is not the sum of "
        f"what it "
        "gives for unit vectors"
    )


def _other_lane(probe, claim, lane):
    """A vjp or a jvp whose result has another shape."""
    arg = "cotangent" if claim.form == "vjp" else "direction"
    told = (
        f"{claim.form} returns the shape {lane.array.shape} for a unit {arg}; expected "
        f"{lane.expected}"
    )
    T, E, _, _ = probe.truth(probe.x) if probe.n <= NAMING else (None,) * 4
    if T is not None:
        row = T[lane.number] if claim.form == "vjp" else T[:, lane.number]
        err = E[lane.number] if claim.form == "vjp" else E[:, lane.number]
        target, nothing = row.reshape(lane.expected), np.zeros(())
        shape = (1, row.size)
        if claim.form == "vjp":
            found = kinds.of_shape(
                lane.array.astype(float), row.reshape(shape), err.reshape(shape), target, nothing
            )
            if found.kind != "other shape":
                return found
    return "other shape", told


def _projected(probe, claim):
    """A vjp of a function with many outputs: of a few random sums of them."""
    rng = np.random.default_rng(4)
    G = rng.normal(size=(8, probe.m))

    def f(x):
        return G @ probe.at(x)

    def jac(x):
        return np.array([np.ravel(claim.function(x, g.reshape(probe.y.shape))) for g in G])

    inner = Probe(f, probe.x)
    found = _examine(inner, Claim("jac", jac))
    sums = f"f has {probe.m} outputs: the vjp was checked for 8 random cotangents (the rows)."
    return replace(
        found, subject="vjp", blame="vjp is wrong", evaluations=probe.evaluations, errors=None,
        remark=" ".join(filter(None, [found.remark, sums])),
    )  # fmt: skip


def _examine_products(probe, claim, report):
    """A jvp with many inputs: along directions; where it is wrong, some columns."""
    rng = np.random.default_rng(6)
    points = [probe.x, *probe.displaced()]
    for number, point in enumerate(points):
        for _ in range(3 if number == 0 else 1):
            v = probe.lengths * rng.uniform(0.5, 1.5, probe.n) * rng.choice([-1.0, 1.0], probe.n)
            found = probe.slope(point, v)
            try:
                got = claim.product(point, v, probe.x.shape)
            except Exception as error:
                if number:
                    continue
                return report("fails", f"jvp fails at x: {type(error).__name__}: {error}")
            if got.shape != found.value.shape:
                return report(
                    "other shape",
                    f"jvp returns {got.size} numbers; expected the shape {probe.y.shape}",
                )
            size = np.maximum(np.abs(found.value), np.abs(got))
            if (np.abs(got - found.value) > WIDE * found.error + 10 * CLOSE * size).any():
                columns = np.sort(rng.choice(probe.n, SAMPLE, replace=False))
                look = Look.__new__(Look)
                look.probe, look.claim, look.point = probe, claim, point
                M = np.zeros((probe.m, probe.n))
                for p in columns:
                    unit = np.zeros(probe.n)
                    unit[p] = 1
                    M[:, p] = claim.product(point, unit, probe.x.shape)
                look.M = M
                look.entry_by_entry(columns)
                look.again = lambda: None
                if look.wrong_somewhere:
                    return look.report(report)
                return report(
                    "by place",
                    f"along a random direction jvp is off by "
                    f"{np.abs(got - found.value).max():.3g}; "
                    f"the {SAMPLE} columns that were looked at are right",
                )
    return report(remark=f"Looked along random directions through all {probe.n} inputs.")


def _together(probe, reports, claims):
    """One report on several claims about one function."""
    reports = {form: replace(r, evaluations=probe.evaluations) for form, r in reports.items()}
    if len(reports) == 1:
        return next(iter(reports.values()))
    wrong = {form: r for form, r in reports.items() if not r.ok}
    right = [form for form, r in reports.items() if r.ok]
    names = " and ".join(reports)
    first = next(iter((wrong or reports).values()))
    if not wrong:
        differ = _disagree(probe, claims)
        if differ:
            return replace(
                first, ok=False, diagnosis=differ, kind="disagree", subject=names,
                blame=f"{names} disagree",
            )  # fmt: skip
        return replace(first, subject=f"Each of {names}")
    told = "; ".join(f"{form}: {r.diagnosis}" for form, r in wrong.items())
    if right:
        told += f"; {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right"
    elif len({r.diagnosis for r in wrong.values()}) == 1:
        told = f"they agree with each other, and are wrong alike: {first.diagnosis}"
    return replace(
        first, diagnosis=told, subject=names,
        blame=f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong",
    )  # fmt: skip


def _disagree(probe, claims):
    """Claims that f cannot tell apart, because it is noisy, and that differ all the same."""
    if max(probe.m, probe.n) > NAMING:
        return ""
    matrices = {
        form: _claimed(probe, Claim(form, claim), probe.x) for form, claim in claims.items()
    }
    names = list(matrices)
    for a, first in enumerate(names):
        for second in names[a + 1 :]:
            A, B = matrices[first], matrices[second]
            if A is None or B is None:
                continue
            scale = np.maximum(np.abs(A), np.abs(B))
            rows, cols = scale.max(axis=1, keepdims=True), scale.max(axis=0, keepdims=True)
            off = np.abs(A - B) > 1e-6 * scale + 1e-9 * np.minimum(rows, cols)
            if off.any():
                i, p = np.argwhere(off)[0]
                return (
                    f"f is too noisy to say which is right, and {first} and {second} differ in "
                    f"{int(off.sum())} of {off.size} entries: by x"
                    f"{kinds.index(probe.x.shape, p)} f{kinds.index(probe.y.shape, i)} changes at "
                    f"the rate {A[i, p]:.6g} in the one and {B[i, p]:.6g} in the other"
                )
    return ""


def _chain(functions, x, claims):
    """Each link at its own input, then the whole."""
    for form, claim in claims.items():
        if not isinstance(claim, (list, tuple)) or len(claim) != len(functions):
            raise TypeError(
                f"f is a chain of {len(functions)}: {form} must be a list of as many functions"
            )
    if not functions:
        raise TypeError("a chain needs at least one function")
    point, total, remarks = x, 0, []
    for k, function in enumerate(functions):
        try:
            found = check_derivative(
                function, point, **{form: claim[k] for form, claim in claims.items()}
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"link {k} of the chain: {error}") from error
        total += found.evaluations
        name = getattr(function, "__name__", "")
        name = f" ({name})" if name and name != "<lambda>" else ""
        if not found.ok:
            return replace(
                found, diagnosis=f"{found.diagnosis}", evaluations=total,
                blame=f"Link {k} of {len(functions)}{name}, {found.blame}",
                subject=f"link {k}",
                remark=" ".join(filter(None, [found.remark, _before(k)])),
            )  # fmt: skip
        if found.remark or found.unjudged:
            remarks.append(
                f"Link {k}{name}: {' '.join(filter(None, [found.remark, found.not_judged()]))}"
            )
        point = _numbers(function(point.copy()))
    whole = check_derivative(_composed(functions), x, **_composed_claims(functions, claims))
    return replace(
        whole, subject=f"The chain of {len(functions)} links, each and as a whole,",
        blame="Each link is right and the whole is wrong",
        evaluations=total + whole.evaluations,
        remark=" ".join(filter(None, [whole.remark, *remarks])),
    )  # fmt: skip


def _before(k):
    return f"The links before it are right ({k} of them)." if k else ""


def _composed(functions):
    def whole(x):
        for function in functions:
            x = _numbers(function(np.array(x, dtype=float)))
        return x

    return whole


def _composed_claims(functions, claims):
    def inputs(x):
        points = [np.array(x, dtype=float)]
        for function in functions:
            points.append(_numbers(function(points[-1].copy())))
        return points

    def jac(x):
        points, J = inputs(x), None
        for k, link in enumerate(claims["jac"]):
            M = np.asarray(_array(link(points[k].copy())), dtype=float)
            M = M.reshape(points[k + 1].size, points[k].size)
            J = M if J is None else M @ J
        return J

    def vjp(x, g):
        points = inputs(x)
        for k in reversed(range(len(functions))):
            g = np.asarray(claims["vjp"][k](points[k].copy(), np.array(g)))
        return g

    def jvp(x, v):
        points = inputs(x)
        for k in range(len(functions)):
            v = np.asarray(claims["jvp"][k](points[k].copy(), np.array(v)))
        return v

    ways = {"jac": jac, "vjp": vjp, "jvp": jvp}
    return {form: ways[form] for form in claims}
