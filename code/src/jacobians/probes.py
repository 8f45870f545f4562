"""A function and its claimed derivative as they are asked: with copies in and out, and counted.

A `Probe` also finds the truth, from the function alone, by the ladder of `differences`.
"""

import numpy as np

from jacobians.differences import EPS, line, roughness, slope, typical
from jacobians.evidence import index, listed


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
        self.y = numbers_of(first).copy()
        if not np.array_equal(given, x):
            self.faults.append(
                "Besides, f changes its argument in place (each call got a copy of x here; your "
                "own x would "
                "be changed)"
            )
        second = self._call(x.copy())
        again = numbers_of(second)
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
        self.lengths = np.where(x == 0, typical(x), np.abs(x)).ravel()
        self.noise = self.unstable + roughness(self.at, x, self.y.ravel())

    def _call(self, v):
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.f(v)

    def at(self, v):
        """f at a point, flat, as a copy."""
        y = numbers_of(self._call(v.copy()))
        if y.shape != self.y.shape:
            self.changed = y.shape  # `line` takes this for the edge of the domain: told by `slope`
            raise ValueError("f must return one shape")
        return y.ravel()

    def slope(self, point, v, step=2.0**-6):
        """The derivative of f along v, whose entries are about as long as x's."""
        base, noise = self.value(point), self.noise_at(point)
        room = 1.0
        if np.count_nonzero(v) == 1:
            room = max(1.0, typical(point) / np.abs(v).max())
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


def numbers_of(y):
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


class Claim:
    """A derivative that somebody wrote, in one of three forms, as a matrix of outputs by inputs."""

    def __init__(self, form, function):
        self.form, self.function = form, function

    def array(self, probe, point):
        """What it gives at a point, as an array; a matrix for a vjp and a jvp."""
        if self.form == "jac":
            return array_of(self.function(point.copy()))
        size, shape = (probe.m, probe.y.shape) if self.form == "vjp" else (probe.n, probe.x.shape)
        into = probe.x.shape if self.form == "vjp" else probe.y.shape
        lanes = []
        for i in range(size):
            unit = np.zeros(size)
            unit[i] = 1.0
            lane = array_of(self.function(point.copy(), unit.reshape(shape)))
            if lane.shape != into:
                return Lane(lane, i, into)
            lanes.append(lane.ravel())
        M = np.array(lanes)
        return M if self.form == "vjp" else M.T

    def product(self, point, v, shape):
        """One product with a random direction, or None for a jac."""
        return array_of(self.function(point.copy(), v.reshape(shape).copy())).ravel()


class Lane:
    """A product of another shape than asked for."""

    def __init__(self, array, number, expected):
        self.array, self.number, self.expected = array, number, expected


def array_of(returned):
    if returned is None:
        return None
    if hasattr(returned, "toarray"):  # SciPy's sparse matrices
        returned = returned.toarray()
    elif hasattr(returned, "matmat"):  # its linear operators
        returned = returned.matmat(np.eye(returned.shape[1]))
    return np.array(returned)


def matrix_of(array, probe):
    """The claimed array as (m, n), or None if its shape is another."""
    if array.shape in (probe.y.shape + probe.x.shape, (probe.m, probe.n)):
        return array.reshape(probe.m, probe.n)
    return None


def unfinished(name, array):
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
        places = [index(array.shape, i) for i in np.flatnonzero(~np.isfinite(array))]
        return (
            "not a number",
            f"some entries are NaN or infinite ({bad} of {array.size}: {name}{listed(places, 4)})",
        )
    return None
