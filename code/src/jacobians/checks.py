"""Compare the Jacobian of a basis with a numerical one, and say what is wrong with it.

The truth is the ladder of `derivatives`, climbed by all units together, and comes from `transform`
alone, so that it holds for any basis. What is wrong is held against every entry of `mistakes`.
"""

import copy
from dataclasses import replace

import numpy as np

from jacobians import mistakes
from jacobians._arrays import real
from jacobians.derivatives import check_derivative
from jacobians.differences import EPS, descend, line, lines, roughness, slope
from jacobians.looks import CLOSE, FULL, WIDE
from jacobians.reports import KINK, RIGHT, UNJUDGED, WRONG, Report

__all__ = ["Report", "check_derivative", "check_jacobian"]

STEP = 2.0**-8  # where the ladder begins, in z: three rungs are enough for most bases
TOGETHER = 2**14  # so many numbers of a basis climb one ladder together


def check_jacobian(basis, X):
    """Check `basis.jacobian` at X, and at points of our own where mistakes show that X may hide.

    Chapter :doc:`/chapters/checking`: the function is the features, its parameters are W. The truth
    is extrapolated as in :eq:`eq-richardson`, the error that of :eq:`eq-relative-error`.

    Parameters
    ----------
    basis : object
        With `W` (D+1, K), `transform(X)` and `jacobian(X)`, which returns the compact (N, D+1, K),
        or (N, K, D+1, K) if its units share something. It is never changed: copies with other
        parameters are made by ``type(basis)(W)``, with what was set later, or by setting `W` on a
        deep copy.
    X : array-like, shape (N, D) or (N,)

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        If no copy with other parameters can be made.
    ValueError
        If X has no sample or is not finite.

    Examples
    --------
    >>> from jacobians import TanhBasis
    >>> print(check_jacobian(TanhBasis([[0.5], [0.1]]), [0.3, 1.0, 2.0]).ok)
    True
    """
    W = np.array(basis.W, dtype=float)
    X = real(X, "X", copy=True)
    if X.ndim not in (1, 2) or len(X) == 0:
        raise ValueError(f"X must be (N, D) or (N,) with at least one sample; got {X.shape}")
    copies = Copies(basis, W, X)
    own_W, own_X = _own_point(W, X)
    near, far = Place(copies, own_W, own_X), Place(copies, own_W, 4 * own_X)  # to |z| = 2, to 7
    both = Place(copies, own_W, np.concatenate([own_X, 4 * own_X]))
    given = Place(copies, W, X, basis)
    looks = [both]
    for place in [given] if both.agrees(1) else [near, given, far]:
        looks.append(place)
        if not place.examine().ok:
            return replace(place.report, evaluations=sum(look.calls for look in looks))
    for scale in (0.1, 1e-2, 1e-3, 10.0, 100.0):  # where all was flat, nothing has been checked
        if any(look.moves.any() for look in looks):
            break
        looks.append(Place(copies, *_own_point(W, X, scale)))
        if not looks[-1].examine().ok:
            return replace(looks[-1].report, evaluations=sum(look.calls for look in looks))
    seen, calls = np.any([look.moves for look in looks], axis=0), sum(look.calls for look in looks)
    if not seen.any():
        return Report(
            False, "no verdict: neither at X nor at a point of our own do the features change with "
            "W, as far as can be seen, and any small number would pass",
            kind="no verdict", evaluations=calls,
        )  # fmt: skip
    report = given.report if given.moves.any() else near.examine()
    return replace(report, remark=_basis_remark(given.moves, seen, X), evaluations=calls)


class Copies:
    """Copies of a basis with other parameters, made in the first way that keeps what it is."""

    def __init__(self, basis, W, X):
        self.basis, self.way = basis, None
        try:
            before = np.array(basis.transform(X.copy()), dtype=float)
        except Exception as error:
            told = f"transform fails at X: {type(error).__name__}: {error}"
            raise ValueError(told) from error
        for way in (self._built, self._built_and_set, self._set):
            try:
                same, other = way(W), way(W + 0.1 + 0.1 * np.abs(W))
                kept = np.array(same.transform(X.copy()), dtype=float)
                other.transform(X.copy())
            except Exception:  # this way does not suit the class: the next one is tried
                continue
            if np.array_equal(np.asarray(other.W), W + 0.1 + 0.1 * np.abs(W)) and np.array_equal(
                kept, before, equal_nan=True
            ):
                self.way = way
                break
        if self.way is None:
            name = type(basis).__name__
            raise TypeError(
                f"{name} can be made neither as {name}(W) nor by setting W on a copy, so its "
                "derivative cannot be checked"
            )

    def make(self, W):
        return self.way(np.array(W))

    def _built(self, W):
        return type(self.basis)(W.copy())

    def _built_and_set(self, W):
        """Built, and then given what was set on the basis after it was built."""
        fresh, other = self._built(np.array(self.basis.W, dtype=float)), self._built(W)
        for name, value in vars(self.basis).items():
            if name not in vars(fresh) or not _alike(vars(fresh)[name], value):
                setattr(other, name, copy.deepcopy(value))
        return other

    def _set(self, W):
        other = copy.deepcopy(self.basis)
        other.W = W.copy()
        return other


def _alike(a, b):
    try:
        return bool(np.array_equal(a, b))
    except Exception:
        return a is b


def _own_point(W, X, scale=1.0):
    """Parameters and inputs at which 0.3 < |z| < 2 (times a scale), N, D+1 and K all different."""
    rng, (D1, K) = np.random.default_rng(0), W.shape
    D, N = D1 - 1, 7
    while N in (D1, K):
        N += 1
    own_X = rng.uniform(0.4, 1.7, (N, D)) * rng.choice([-1.0, 1.0], (N, D))
    if D1 >= N:  # any z can be had
        Z = rng.uniform(0.4, 1.8, (N, K)) * rng.choice([-1.0, 1.0], (N, K))
        own_W = np.linalg.lstsq(np.column_stack([own_X, np.ones(N)]), Z, rcond=None)[0]
    else:  # one input leads, so that z has both signs; the others and the bias do not lead out
        own_W = rng.uniform(0.3, 1.0, (D1, K)) * rng.choice([-1.0, 1.0], (D1, K)) * 0.1 / D1
        own_W[np.arange(K) % D, np.arange(K)] = 1.1 - 0.1 * np.arange(K) / K
    return own_W * scale, own_X[:, 0] if X.ndim == 1 else own_X


class Place:
    """One W and one X: the features there as a function of W, counted, and what is claimed.

    Attributes
    ----------
    calls : int
        How often the features were evaluated.
    moves : ndarray of bool, shape (K,)
        The units that were seen to change with W here.
    report : Report
        What `examine` has found.
    """

    def __init__(self, copies, W, X, basis=None):
        self.copies, self.W, self.X, self.calls = copies, np.array(W, dtype=float), X, 0
        self.basis = copies.make(W) if basis is None else basis
        self.moves, self.report = np.zeros(W.shape[1], dtype=bool), None
        size = np.append(np.abs(X[:, None] if X.ndim == 1 else X).max(axis=0), 1.0)
        self.size = np.where(size == 0, 1.0, size)  # of each input

    def features(self, basis):
        self.calls += 1
        with np.errstate(all="ignore"):
            return np.array(basis.transform(self.X.copy()), dtype=float)

    def at(self, V):
        return self.features(self.copies.make(V)).ravel()

    def claimed(self):
        with np.errstate(all="ignore"):
            try:
                return self.basis.jacobian(self.X.copy())
            except NotImplementedError:
                raise
            except Exception:  # perhaps it keeps something from transform
                self.basis.transform(self.X.copy())
                return self.basis.jacobian(self.X.copy())

    def agrees(self, count):
        """Whether all is right along random directions in which every parameter moves."""
        try:
            base, J = self.features(self.basis), np.array(self.claimed())
        except Exception:  # `examine` has the words for it
            return False
        if J.dtype.kind not in "iuf" or J.shape != (*base.shape[:1], *self.W.shape):
            return False
        if base.shape != J.shape[::2] or not np.isfinite(base).all():
            return False
        return self.along(base, 4 * EPS * np.abs(base).ravel(), J, count)

    def along(self, base, noise, J, count):
        rng, moves = np.random.default_rng(9), self.moves
        for _ in range(count):
            v = rng.uniform(0.5, 1.5, self.W.shape) * rng.choice([-1.0, 1.0], self.W.shape)
            v /= self.size[:, None] * np.sqrt(len(self.size))
            found = descend(line(self.at, self.W, v), base.ravel(), noise, STEP)
            claimed = np.einsum("ndk,dk->nk", J, v).ravel()
            sizes = np.einsum("ndk,dk->nk", np.abs(J), np.abs(v)).ravel()
            if not (np.abs(claimed - found.value) <= WIDE * found.error + CLOSE * sizes).all():
                return False
            firm = np.abs(found.value) > WIDE * found.error
            moves = moves | firm.reshape(base.shape).any(axis=0)
        self.moves = moves
        return True

    def examine(self):
        """Compare every entry, or at very many inputs a few directions first; the report."""
        self.report = self._examined()
        return self.report

    def _examined(self):
        W, name = self.W, type(self.basis).__name__

        def wrong(kind, told, **more):
            return Report(False, told, kind=kind, **more)

        base = self.features(self.basis)
        if base.shape != (len(self.X), W.shape[1]):
            told = f"transform must return (N, K) = {(len(self.X), W.shape[1])}"
            return wrong("other shape", f"{told}; it returns {base.shape}")
        if not np.isfinite(base).all():
            return Report(True)  # nothing to compare: no unit has been seen to move
        try:
            yours = self.claimed()
            yours = None if yours is None else np.array(yours)
            again = np.array(self.claimed())
        except NotImplementedError:
            return wrong("not written", "jacobian is not written yet")
        except Exception as error:
            return wrong("fails", f"jacobian fails: {type(error).__name__}: {error}")
        if yours is None:
            told = "jacobian returns nothing yet: does it end with `return`?"
            return wrong("nothing returned", told)
        if yours.dtype.kind not in "biufc":
            return wrong("not numbers", f"jacobian returns {yours.dtype} and not numbers")
        if yours.size and yours.dtype.kind in "fc" and np.isnan(yours).all():
            return wrong("not written", "jacobian is not written yet: every entry is NaN")
        noise = roughness(self.at, W, base.ravel())
        compact = yours.shape == (len(base), *W.shape)
        comparable = compact and yours.dtype.kind != "c" and np.isfinite(yours).all()
        if comparable and len(W) > FULL and self.along(base, noise, yours.astype(float), 3):
            return Report(True)
        if yours.ndim == 4 and self.shared(base, noise) is not None:
            report = check_derivative(
                lambda V: self.at(V).reshape(base.shape), W,
                jac=lambda V: self.copies.make(V).jacobian(self.X.copy()),
            )  # fmt: skip
            self.moves = np.ones(W.shape[1], dtype=bool)
            return replace(report, subject="The Jacobian", blame="Not yet")
        T, E, low, high = self.truth(base, noise)
        self.moves = (np.abs(T) > WIDE * E).any(axis=(0, 1))
        facts, off = {}, None
        if comparable:
            Y = yours.astype(float)
            kink = np.isfinite(low)
            doubtful = (np.abs(Y - T) > WIDE * E + CLOSE * np.abs(T)) & ~kink
            if doubtful.any() and (np.abs(Y - T) <= 1e-4 * np.abs(T))[doubtful].all():
                again_T = self.truth(base, noise, 0.37 * 2.0**-6)[0]
                E = np.maximum(E, np.abs(again_T - T))  # so little may be the truth's own error
            allowed = WIDE * E + CLOSE * np.abs(T)
            off = np.isfinite(E) & ~kink & (np.abs(Y - T) > allowed)
            off |= kink & ~((Y >= low - allowed) & (Y <= high + allowed))
            vague = ~np.isfinite(E) & ~kink
            states = np.full(T.shape, RIGHT)
            states[kink], states[vague], states[off] = KINK, UNJUDGED, WRONG
            facts = {"errors": Y - T, "states": states.reshape(len(base), -1)}
            facts["unjudged"] = {
                tuple(int(a) for a in i): "the features are not smooth or not defined around W"
                for i in np.argwhere(vague)[:10_000]
            }
            same = np.array_equal(again, yours) or (
                again.shape == yours.shape and np.allclose(again, yours, rtol=1e-9, atol=0)
            )
            if not off.any() and same:
                return Report(True, **facts)
            if not off.any():
                return wrong(
                    "differs between calls", f"{name}.jacobian gives another array at its second "
                    "call with the same X: does it keep or change something?", **facts,
                )  # fmt: skip
            facts["entry"] = _worst_of_basis(Y - T, off, Y, T)
        if compact and (shared := self.shared(base, noise)) is not None:
            k, l = shared
            return wrong(
                "units share something",
                f"unit {k} depends on the parameters of unit {l} too, and the compact array "
                "(N, D+1, K) has no place for that: the whole (N, K, D+1, K) is needed",
            )
        flat_X = self.X[:, None] if self.X.ndim == 1 else self.X
        return wrong(*_basis_mistake(self.basis, W, flat_X, yours, T, off), **facts)

    def truth(self, base, noise, step=STEP):
        """The compact array by the ladder, its error and its one-sided values.

        All units climb together, since they share no parameter; and several rows of W.
        """
        (N, K), D1 = base.shape, len(self.W)
        found = np.empty((4, N, D1, K))
        rows = max(1, TOGETHER // base.size)
        for first in range(0, D1, rows):
            some = range(first, min(first + rows, D1))
            moved = [np.outer(np.arange(D1) == d, np.full(K, 1 / self.size[d])) for d in some]
            many = len(moved)
            ladder = lines(self.at, self.W, moved)
            climbed = slope(ladder, np.tile(base.ravel(), many), np.tile(noise, many), step)
            for array, values in zip(found, climbed, strict=True):
                lanes = values.reshape(many, N, K) * self.size[first : first + many, None, None]
                array[:, first : first + many] = lanes.transpose(1, 0, 2)
        return found

    def shared(self, base, noise):
        """A pair (k, l) of units of which k moves with the parameters of l, or None."""
        W, K = self.W, self.W.shape[1]
        rng = np.random.default_rng(8)
        move = rng.uniform(0.5, 1.5, W.shape) * 1e-3 / (self.size[:, None] * len(W))
        limit = 50 * noise.reshape(base.shape)

        def far(some):
            return np.abs(self.at(W + move * some).reshape(base.shape) - base) > limit

        for b in range((K - 1).bit_length()):
            for some in (np.arange(K) >> b & 1 == 0, np.arange(K) >> b & 1 == 1):
                if (others := far(some) & ~some).any():
                    k = int(np.flatnonzero(others.any(axis=0))[0])
                    alone = (l for l in np.flatnonzero(some) if far(np.arange(K) == l)[:, k].any())
                    return k, int(next(alone, np.flatnonzero(some)[0]))
        return None


def _basis_mistake(basis, W, X, yours, truth, off):
    """The one mistake of a basis that explains the array best: (kind, told)."""
    known = mistakes.MISTAKES
    if not np.isfinite(yours).all():
        count = int((~np.isfinite(yours)).sum())
        return "not a number", f"{known['not a number'].told} ({count} of {yours.size})"
    if np.iscomplexobj(yours):
        if np.imag(yours).any():
            return "complex", "jacobian returns complex numbers; the features are real"
        yours = np.real(yours)
    right = mistakes.pieces(W, X, truth)
    is_tanh = np.allclose(np.asarray(basis.transform(X.copy())), right.Phi, rtol=1e-9, atol=1e-12)
    if yours.shape == truth.shape:
        size = np.abs(truth).max(axis=(0, 2), keepdims=True)  # each input has a size of its own
        worst = (np.abs(yours - truth) / np.where(size > 0, size, 1.0))[off].max()
        digits = int(0.05 - np.log10(worst)) if worst > 0 else 16
        single = np.array_equal(yours, yours.astype(np.float32))
        if digits in (6, 7) or single and digits >= 5:
            return "float32", known["float32"].told
        if digits > 7:
            return "few digits", f"the numbers are right to {digits} digits only"
    for name, mistake in known.items():
        if mistake.tanh_only and not is_tanh or mistake.four and yours.ndim != 4:
            continue
        for candidate in mistake.wrong(right if off is None else right._replace(off=off)):
            if candidate.shape == yours.shape and _same(yours, candidate):
                factor = f", {2:.4g}" if name == "constant factor" else ""
                return name, mistake.told + factor
    if yours.shape == truth.shape:
        c = np.vdot(truth, yours) / np.vdot(truth, truth)
        if _same(yours, c * truth):
            return "constant factor", f"{known['constant factor'].told}, {c:.4g}"
        return "by place", _place_in_basis(off)
    told = f"{known['wrong shape'].told}: expected {truth.shape}, got {yours.shape}"
    return "wrong shape", told


def _same(a, b):
    """Alike beside the size of each sample and each parameter, and not of the whole array alone."""
    gap = np.abs(a - b)
    size = np.maximum(np.abs(b).max(), 1e-300)
    if not gap.max() <= 1e-6 * size:
        return False
    if b.ndim != 3:
        return True
    rows = np.abs(b).max(axis=(0, 2), keepdims=True)
    return bool((gap <= 1e-5 * np.maximum(rows, 1e-9 * size)).all())


def _place_in_basis(wrong):
    """What can be said of an array that no known mistake explains: where it is wrong."""
    rows, units = np.flatnonzero(wrong.any(axis=(0, 2))), np.flatnonzero(wrong.any(axis=(0, 1)))
    last = wrong.shape[1] - 1
    names = [f"row {d}" for d in rows if d != last] + ["the bias row"] * (last in rows)
    share = f"{wrong.sum()} of {wrong.size} entries"
    shown = names if len(names) <= 8 else [*names[:7], f"{len(names) - 7} more rows"]
    return f"{share} are wrong, in {', '.join(shown)} and the units {', '.join(map(str, units))}"


def _worst_of_basis(errors, off, yours, truth):
    size = np.where(off, np.abs(errors), -1.0)
    n, d, k = (int(i) for i in np.unravel_index(size.argmax(), errors.shape))
    row = "the bias" if d == truth.shape[1] - 1 else f"the slope of input {d}"
    return (
        f"For example sample {n}, unit {k}, {row}: J[{n}, {d}, {k}] is {yours[n, d, k]:.6g}, "
        f"expected {truth[n, d, k]:.6g}."
    )


def _basis_remark(moves, seen, X):
    """What the given X cannot show, for a Jacobian that is right there."""
    told = []
    if not moves.any():
        told.append(
            "At the given X the features do not change with W, as far as can be seen: there was "
            "nothing to compare, and a point of our own was used."
        )
    elif not moves.all():
        k = int(np.flatnonzero(~moves)[0])
        own = "a point of our own was used as well" if seen[k] else "and so it is at our own points"
        told.append(
            f"Unit {k} is saturated in every sample of X, where any formula would pass; {own}."
        )
    X = X[:, None] if X.ndim == 1 else X
    constant = [d for d in range(X.shape[1]) if len(X) > 1 and np.ptp(X[:, d]) == 0]
    if constant and not told:
        told.append(
            f"Input {constant[0]} is the same in every sample of X, so X alone would show little."
        )
    return " ".join(told)
