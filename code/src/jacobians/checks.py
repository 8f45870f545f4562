"""Compare a Jacobian with a numerical one, and say what is wrong with it.

The truth is numerical and comes from `transform` alone, so that it holds for any basis. Where the
array is wrong it is held against every entry of `mistakes`, built on that truth.
"""

import copy
from dataclasses import dataclass

import numpy as np

from jacobians import mistakes
from jacobians.differences import EPS, central, richardson

STEP = 2e-3  # how far z moves in a step: truncation and round-off are then both near 1e-12
FIT = 1e-6  # an array this close to a candidate, relative to its size, is that candidate


@dataclass(frozen=True)
class Report:
    """What a check found; ``str(report)`` is a text for whoever wrote what was checked.

    Chapter :doc:`/chapters/checking`.

    Attributes
    ----------
    ok : bool
    diagnosis : str
        What is wrong, in one sentence; empty if ok.
    errors : ndarray or None
        Entry by entry, yours - expected; None where the shapes do not allow it.
    entry : str
        The worst entry, worked out; empty if ok.
    remark : str
        What the check could not see at the given X; empty if it saw everything.
    subject : str
        What was checked, as the text names it.
    """

    ok: bool
    diagnosis: str = ""
    errors: np.ndarray | None = None
    entry: str = ""
    remark: str = ""
    subject: str = "The Jacobian"

    def __str__(self):
        head = f"{self.subject} is right." if self.ok else f"Not yet: {self.diagnosis}."
        return "\n".join(filter(None, [head, self.entry, self.remark]))


def check_jacobian(basis, X):
    """Check `basis.jacobian` at X, and at a test point where every mistake shows.

    Chapter :doc:`/chapters/checking`: the truth is :eq:`eq-richardson`, the error that of
    :eq:`eq-relative-error`.

    Parameters
    ----------
    basis : object
        With `W` (D+1, K), `transform(X)` and `jacobian(X)`; copies with other parameters are made
        by ``type(basis)(W)``, else by `copy.copy` with `W` set on the copy. It is never changed.
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
    """
    W = np.array(basis.W, dtype=float)
    X = np.array(X, dtype=float)
    X = X[:, None] if X.ndim == 1 else X
    if len(X) == 0 or not np.isfinite(X).all():
        raise ValueError("X must hold at least one sample and no NaN or infinity")
    rng = np.random.default_rng(0)
    own_W = rng.normal(0, 0.6, W.shape) + 0.1
    own_X = rng.uniform(0.4, 1.7, (7, X.shape[1])) * rng.choice([-1.0, 1.0], (7, X.shape[1]))
    own = examine(with_parameters(basis, own_W), own_X)
    if own is not None and not own.ok:
        return own
    here = examine(basis, X)
    if here is not None and not here.ok:
        return here
    if own is None and here is None:
        return Report(False, "neither X nor a point of our own gives a derivative to compare with")
    return Report(True, errors=(here or own).errors, remark=remark(basis, here, X))


def examine(basis, X):
    """The report at one point, or None where transform itself gives nothing to compare with."""
    W = np.array(basis.W, dtype=float)
    with np.errstate(all="ignore"):
        truth, tolerance = numerical(basis, W, X)
        if not np.isfinite(truth).any() or not np.isfinite(tolerance).any():
            return None
        try:
            yours = basis.jacobian(X.copy())
        except NotImplementedError:
            return Report(False, "jacobian is not written yet")
    if yours is None:
        return Report(False, "jacobian returns nothing yet: does it end with `return`?")
    yours = np.asarray(yours)
    if yours.size and np.issubdtype(yours.dtype, np.number) and np.isnan(yours).all():
        return Report(False, "jacobian is not written yet: every entry is NaN")
    if yours.shape == truth.shape and np.isfinite(yours).all():
        errors = yours - truth
        if (np.abs(errors) <= tolerance)[np.isfinite(tolerance)].all():
            return Report(True, errors=errors)
        return Report(
            False, diagnose(basis, W, X, yours, truth), errors, worst(errors, yours, truth)
        )
    return Report(False, diagnose(basis, W, X, yours, truth))


def numerical(basis, W, X):
    """The numerical Jacobian (N, D+1, K), and how far from it a right one may be.

    The step of a slope is STEP over the size of its input. An entry where two ways of differencing
    do not agree (a kink) has no tolerance: NaN.
    """
    size = np.append(np.abs(X).max(axis=0), 1.0)
    size[size == 0] = 1.0
    steps = np.broadcast_to((STEP / size)[:, None], W.shape)
    steps = np.maximum(steps, 64 * EPS * np.abs(W))

    def features(W):
        return np.asarray(with_parameters(basis, W).transform(X.copy()), dtype=float)

    def own_units(J):  # (N, K, D+1, K) -> (N, D+1, K)
        return np.einsum("nkdk->ndk", J)

    truth = own_units(richardson(features, W, steps))
    rough = own_units(central(features, W, steps))
    large = np.abs(X) @ np.abs(W[:-1]) + np.abs(W[-1]) + 1  # what rounding in z is relative to
    noise = 2e-9 + 8 * EPS * large / STEP
    tolerance = noise[:, None, :] * size[:, None]
    smooth = np.abs(truth - rough) <= 1e-4 * size[:, None] + tolerance
    return truth, np.where(smooth, tolerance, np.nan)


def diagnose(basis, W, X, yours, truth):
    """The one mistake that explains the array best."""
    if yours.dtype == object or not np.issubdtype(yours.dtype, np.number):
        return f"jacobian returns {yours.dtype} and not numbers"
    if not np.isfinite(yours).all():
        n = int((~np.isfinite(yours)).sum())
        return f"{mistakes.MISTAKES['not a number'].told} ({n} of {yours.size})"
    right = mistakes.pieces(W, X, truth)
    is_tanh = np.allclose(np.asarray(basis.transform(X.copy())), right.Phi, rtol=1e-9, atol=1e-12)
    scale = np.abs(truth).max()
    if yours.shape == truth.shape and scale > 0:
        off = np.abs(yours - truth).max() / scale
        if off < 1e-5 and np.array_equal(yours, yours.astype(np.float32)) or 1e-9 < off < FIT:
            return mistakes.MISTAKES["float32"].told
    for mistake in mistakes.MISTAKES.values():
        if mistake.tanh_only and not is_tanh:
            continue
        for wrong in mistake.wrong(right):
            if wrong.shape == yours.shape and close(yours, wrong):
                return mistake.told
    if yours.shape == truth.shape:
        factor = np.vdot(truth, yours) / np.vdot(truth, truth)
        if close(yours, factor * truth):
            return f"{mistakes.MISTAKES['constant factor'].told}, {factor:.4g}"
        return where(yours, truth)
    return f"{mistakes.MISTAKES['wrong shape'].told}: expected {truth.shape}, got {yours.shape}"


def close(a, b):
    return np.abs(a - b).max() <= FIT * max(np.abs(b).max(), 1e-300)


def where(yours, truth):
    """What can be said of an array that no known mistake explains: where it is wrong."""
    wrong = np.abs(yours - truth) > FIT * np.abs(truth).max()
    rows, units = np.flatnonzero(wrong.any(axis=(0, 2))), np.flatnonzero(wrong.any(axis=(0, 1)))
    names = ["the bias row" if d == truth.shape[1] - 1 else f"row {d}" for d in rows]
    share = f"{wrong.sum()} of {wrong.size} entries"
    return f"{share} are wrong, in {', '.join(names)} and the units {', '.join(map(str, units))}"


def worst(errors, yours, truth):
    n, d, k = (int(i) for i in np.unravel_index(np.abs(errors).argmax(), errors.shape))
    row = "the bias" if d == truth.shape[1] - 1 else f"the slope of input {d}"
    return (
        f"For example sample {n}, unit {k}, {row}: J[{n}, {d}, {k}] is {yours[n, d, k]:.6g}, "
        f"expected {truth[n, d, k]:.6g}."
    )


def remark(basis, here, X):
    """What the given X cannot show, for a Jacobian that is right there."""
    if here is None or np.abs(here.errors).size == 0:
        return "At the given X there was nothing to compare; a point of our own was used."
    size = np.append(np.abs(X).max(axis=0), 1.0)[:, None]
    flat = np.abs(np.asarray(basis.jacobian(X.copy())) / np.where(size > 0, size, 1.0)) < 1e-6
    units = np.flatnonzero(flat.all(axis=(0, 1)))
    if len(units):
        return (
            f"Unit {units[0]} is saturated in every sample of X, where any formula would pass; "
            "a point of our own was used as well."
        )
    constant = [d for d in range(X.shape[1]) if len(X) > 1 and np.ptp(X[:, d]) == 0]
    if constant:
        return (
            f"Input {constant[0]} is the same in every sample of X, so X alone would show little."
        )
    return ""


def with_parameters(basis, W):
    """A copy of a basis with other parameters; the basis itself is not touched."""
    try:
        other = type(basis)(W.copy())
        if np.array_equal(other.W, W):
            return other
    except Exception:  # a constructor of another form: the copy below is tried instead
        pass
    other = copy.copy(basis)
    try:
        other.W = W.copy()
    except AttributeError as error:
        raise TypeError(
            f"{type(basis).__name__} can be made neither as {type(basis).__name__}(W) nor by "
            "setting W on a copy, so its derivative cannot be checked"
        ) from error
    return other
