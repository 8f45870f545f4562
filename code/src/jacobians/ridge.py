"""Ridge regression on a basis: the loss, its gradients, and the weights that make it smallest.

The model is y^ = w0 + Phi w, linear in K weights and an intercept; the features Phi (N, K) come
from a basis with parameters W. The loss is the mean square of the residuals and a penalty on the
weights, ``1/(2N) |y - w0 - Phi w|^2 + lam/2 |w|^2``, :eq:`eq-ridge-loss`. The intercept is not
penalised. A basis is any object with `transform(X)`; a gradient with respect to its W needs
`vjp(X, G)`, and no Jacobian is stored. `fit` looks for the W with the smallest loss.
"""

import sys
import time
from collections import namedtuple
from dataclasses import dataclass
from math import isfinite

import numpy as np
from scipy import optimize

from jacobians._arrays import all_finite, largest, real
from jacobians.basis import TanhBasis

Gradients = namedtuple("Gradients", "weights intercept W")


def solve(Phi, y, lam):
    """The weights and the intercept with the smallest loss, equation :eq:`eq-ridge-solution`.

    Centring removes the intercept from the problem. What remains is one least-squares problem with
    K more rows for the penalty; it is solved as such, because the normal equations would square its
    condition number. Chapter :doc:`/chapters/basis_functions`.

    Parameters
    ----------
    Phi : array-like, shape (N, K)
        Features, at least one sample.
    y : array-like, shape (N,)
        What is to be predicted.
    lam : float
        Strength of the penalty, not negative. With 0 and features that depend on each other, or
        are constant, the shortest of the best weights are returned.

    Returns
    -------
    weights : ndarray, shape (K,)
    intercept : float

    Raises
    ------
    ValueError
        If an argument has another shape, or holds NaN or infinity, or lam is negative.

    Examples
    --------
    >>> weights, intercept = solve([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], lam=0)
    >>> print(f"{weights[0]:.3f} {intercept:.3f}")
    2.000 1.000
    """
    Phi = real(Phi, "Phi")
    if Phi.ndim != 2 or len(Phi) == 0:
        raise ValueError(f"Phi must be (N, K) with at least one sample; got {Phi.shape}")
    return solution(Phi, real(y, "y", (len(Phi),)), penalty(lam))[:2]


def predict(basis, x, weights, intercept):
    """The predictions y^ = w0 + Phi w, equation :eq:`eq-model`: shape (N,).

    Parameters
    ----------
    basis : object with `transform`
    x : array-like, shape (N, D) or (N,)
    weights : array-like, shape (K,)
    intercept : float

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is NaN or infinity.

    Examples
    --------
    >>> print(predict(TanhBasis([[1.0], [0.0]]), [0.0, 100.0], [2.0], 0.5))
    [0.5 2.5]
    """
    Phi = basis.transform(x)
    weights, intercept = real(weights, "weights", Phi.shape[1:]), real(intercept, "intercept", ())
    return finite(lambda: Phi @ weights + intercept, "the predictions")


def loss(basis, x, y, lam, weights, intercept):
    """The loss at these weights, equation :eq:`eq-ridge-loss`.

    Parameters
    ----------
    basis : object with `transform`
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float
    weights : array-like, shape (K,)
    intercept : float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no sample, there is NaN or infinity, lam is negative, or
        the numbers are so large that the loss is beyond float64.

    Examples
    --------
    >>> loss(TanhBasis([[1.0], [0.0]]), [0.0, 100.0], [0.5, 1.5], 0.5, [2.0], 0.5)
    1.25
    """
    _, r, weights, lam = residuals(basis, x, y, lam, weights, intercept)
    return value(r, weights, lam)


def gradients(basis, x, y, lam, weights, intercept):
    """How the loss moves with the weights, the intercept and the basis's own parameters.

    :eq:`eq-gradient-weights` and :eq:`eq-gradient-parameters`, chapter :doc:`/chapters/chain_rule`.

    Parameters
    ----------
    basis : object with `transform` and `vjp`
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float
    weights : array-like, shape (K,)
    intercept : float

    Returns
    -------
    Gradients
        `weights` (K,), `intercept` (float) and `W` (D+1, K).

    Raises
    ------
    ValueError
        As `loss` does.

    Examples
    --------
    >>> found = gradients(TanhBasis([[1.0], [0.0]]), [0.0, 100.0], [0.5, 1.5], 0.5, [2.0], 0.5)
    >>> print(found.weights, found.intercept, found.W.shape)
    [1.5] 0.5 (2, 1)
    """
    Phi, r, weights, lam = residuals(basis, x, y, lam, weights, intercept)
    return Gradients(
        finite(lambda: Phi.T @ (r / len(r)) + lam * weights, "the gradient by the weights"),
        float(centre(r)),
        basis.vjp(x, outer(r / len(r), weights)),
    )


def reduced_loss(basis, x, y, lam):
    """The loss with the weights solved for, and its gradient with respect to W.

    At the solution the loss does not move with the weights to first order, so the gradient is the
    one at fixed weights: the envelope theorem, :prf:ref:`theorem-envelope`, :eq:`eq-envelope`.

    Parameters
    ----------
    basis : object with `transform` and `vjp`
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float

    Returns
    -------
    value : float
    gradient : ndarray, shape (D+1, K)

    Raises
    ------
    ValueError
        As `solve` does.

    Examples
    --------
    >>> value, gradient = reduced_loss(TanhBasis([[1.0], [0.0]]), [-1.0, 0.0, 1.0], [1, 2, 3], 0.1)
    >>> print(f"{value:.3f}", gradient.shape)
    0.068 (2, 1)
    """
    return reduced(basis, x, *usable(basis, x, y, lam))


def usable(basis, x, y, lam):
    """The features, y and lam, once they are found to be so."""
    Phi = basis.transform(x)
    if len(Phi) == 0:
        raise ValueError("x must hold at least one sample; got none")
    return Phi, real(y, "y", (len(Phi),)), penalty(lam)


def residuals(basis, x, y, lam, weights, intercept):
    """Phi, r = y^ - y, and the weights and lam once they are found to be usable."""
    Phi, y, lam = usable(basis, x, y, lam)
    weights, intercept = real(weights, "weights", Phi.shape[1:]), real(intercept, "intercept", ())
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = Phi @ weights + intercept
        r = predicted - y
    if not all_finite(r):
        too_large("the residuals" if all_finite(predicted) else "the predictions")
    return Phi, r, weights, lam


def value(r, weights, lam):
    # By vdot and Python's own numbers: what overflows is infinite, and warns of nothing.
    result = float(np.vdot(r, r)) / (2 * len(r)) + lam / 2 * float(np.vdot(weights, weights))
    return result if isfinite(result) else too_large("the loss")


def outer(r, weights):
    return finite(lambda: np.einsum("n,k->nk", r, weights), "the derivative by the features")


def finite(call, told):
    """What the call returns, unless numbers that were finite have led beyond float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = call()
    return result if all_finite(result) else too_large(told)


def too_large(told):
    raise ValueError(f"the numbers are too large: {told} overflow float64")


def penalty(lam):
    lam = real(lam, "lam", ())
    if lam < 0:
        raise ValueError(f"lam must not be negative; got {lam}")
    return float(lam)


# ---------------------------------------------------------------------------- one evaluation
# Of arguments that are known to be usable: the public functions look at theirs and come here, and
# a fit has looked at its own once, before it comes here thousands of times.


def solution(Phi, y, lam):
    """What `solve` returns, and the residuals y^ - y."""
    Phi = np.asfortranarray(Phi)  # a feature in one piece: all that is done goes along it
    N, K = Phi.shape
    rows, rhs, diagonal = np.zeros((N + K, K), order="F"), np.zeros(N + K), np.sqrt(N * lam)
    Phi_mean, y_mean, size = centre(Phi), centre(y), largest(Phi, "Phi")
    np.subtract(Phi, Phi_mean, out=rows[:N])
    np.subtract(y, y_mean, out=rhs[:N])
    np.fill_diagonal(rows[N:], diagonal)
    rounding = np.finfo(float).eps * max(rows.shape)
    if diagonal <= 1e-8 * size:  # what rounding leaves after centring is no direction to go in
        varying = varies(Phi)
        rows[:N, ~varying] = 0.0
        lost = largest(Phi[:, varying], "Phi") / (largest(rows, "Phi") or 1.0)
        rounding *= max(1.0, lost)
    weights = np.linalg.lstsq(rows, rhs, rcond=rounding)[0]
    return weights, float(y_mean - Phi_mean @ weights), rows[:N] @ weights - rhs[:N]


def reduced(basis, X, Phi, y, lam):
    """What `reduced_loss` returns."""
    weights, _, r = solution(Phi, y, lam)
    return value(r, weights, lam), basis.vjp(X, outer(r / len(r), weights))


def stacked(basis, X, Phi, y, lam, weights, intercept):
    """What `stacked_residuals` returns."""
    return by_everything(basis.jacobian(X), Phi, Phi @ weights + intercept - y, lam, weights)


def by_everything(by_W, Phi, r, lam, weights):
    """The stacked residuals and their Jacobian; `by_W` is that of the features."""
    (N, D1, K), root = by_W.shape, np.sqrt(len(r))
    JT = np.zeros(((D1 + 1) * K + 1, N + K))  # a parameter in one piece, as in the basis's own
    of_W, of_weights = JT[: -K - 1, :N].reshape(D1, K, N), JT[-K - 1 :]
    np.multiply(by_W.transpose(1, 2, 0), (weights / root)[:, None], out=of_W)
    np.divide(Phi.T, root, out=of_weights[:K, :N])
    of_weights[K, :N] = 1 / root
    np.fill_diagonal(of_weights[:, N:], np.sqrt(lam))
    return np.append(r / root, np.sqrt(lam) * weights), JT.T


def projected(basis, X, Phi, y, lam):
    """What `projected_residuals` returns."""
    weights, _, r = solution(Phi, y, lam)
    by_W = basis.jacobian(X)
    N, D1, K = by_W.shape
    pull = (by_W.T @ r).T / N  # dA' r, for each parameter
    r, J = by_everything(by_W, Phi, r, lam, weights)
    moved, A = J[:, : D1 * K], J[:, D1 * K :]  # dA c for each parameter, and the matrix A itself
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    keep = s > s[0] * len(A) * np.finfo(float).eps
    U, to_A = U[:, keep], U[:, keep] / s[keep] @ Vt[keep]  # the range of A; pinv(A)'
    back = to_A[:, None, :K] * pull  # unit k moves column k of A and no other
    return r, moved - U @ (U.T @ moved) - back.reshape(N + K, D1 * K)


# -------------------------------------------------------------------------------------- fits

#: Evaluations that a fit may use.
LIMIT = 200
STATIONARY = 1e-5  # largest entry of the gradient, all standardised, at which a fit has converged


@dataclass(frozen=True)
class Fit:
    """A basis that has learned its own parameters, and how it went.

    Chapter :doc:`/chapters/learning`.

    Attributes
    ----------
    basis : TanhBasis
        In the units of the given x.
    weights : ndarray, shape (K,)
    intercept : float
    evaluations : int
        How often the loss was evaluated, each time with its derivative if the method wanted it.
    converged : bool
        Whether the last point is stationary, whatever the method thought of it.
    message : str
        Why the search ended.
    """

    basis: TanhBasis
    weights: np.ndarray
    intercept: float
    evaluations: int
    converged: bool
    message: str

    def predict(self, x):
        """The predictions y^ = w0 + Phi w: shape (N,)."""
        return predict(self.basis, x, self.weights, self.intercept)


def fit(basis, x, y, lam, method="l-bfgs", limit=LIMIT, progress=None):
    """Learn the parameters of a tanh basis together with the weights and the intercept.

    Inside, the inputs and y are standardised, equation :eq:`eq-standardise`; the result is in the
    units that came. Chapter :doc:`/chapters/learning`.

    Parameters
    ----------
    basis : TanhBasis
        Where the search starts. It is not changed.
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float
        Strength of the penalty on the weights, not negative.
    method : str
        "l-bfgs": L-BFGS-B on the reduced loss, with the gradient :eq:`eq-envelope`.
        "gauss-newton", "levenberg-marquardt": on all parameters at once, with the Jacobian
        :eq:`eq-full-jacobian`; SciPy's trust region, and MINPACK's damping.
        "variable-projection": the trust region on what is left when the weights are solved for,
        with the Jacobian :eq:`eq-variable-projection`.
        "gradient-descent": against the gradient of the reduced loss. The step doubles when the loss
        falls, and is halved until it does.
    limit : int
        Evaluations after which the search is broken off.
    progress : callable, optional
        Called as ``progress(evaluations, loss)`` after each evaluation, with the loss in units of
        the variance of y. By default a fit that takes longer than a second writes a line a second
        if it writes to a terminal, and nothing anywhere else.

    Returns
    -------
    Fit
        The best point that was evaluated. `converged` is True only if the gradient of the reduced
        loss vanishes there, to `STATIONARY` in standardised units.

    Raises
    ------
    TypeError
        If the basis is not a TanhBasis.
    ValueError
        If the method or the limit is none, an argument has another shape, or holds NaN or infinity.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 50)
    >>> found = fit(TanhBasis([[1.0], [0.5]]), x, 3 + 2 * np.tanh(2 * x), lam=0.0)
    >>> print(found.converged, abs(found.basis.W[0]).round(3), round(found.intercept, 3))
    True [2.] 3.0
    """
    if not isinstance(basis, TanhBasis):
        raise TypeError(f"basis must be a TanhBasis, where the search starts; got {basis!r:.60}")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"limit must be a whole number of evaluations, 1 or more; got {limit!r}")
    X = samples(x)
    basis.transform(X)  # which says it if they do not fit
    y, lam = real(y, "y", (len(X),)), penalty(lam)
    X_mean, scale = centre(X), spread(X)
    search = Search((X - X_mean) / scale, (y - centre(y)) / spread(y), lam, limit, progress)
    W = np.vstack([basis.W[:-1] * scale[:, None], basis.W[-1] + X_mean @ basis.W[:-1]])
    try:
        said = METHODS[method](search, W)
    except Finished:
        said = f"all {limit} evaluations are used up"
    slope = np.abs(search.compute(reduced, search.W)[1]).max()
    converged = bool(slope <= STATIONARY)
    A = search.W[:-1] / scale[:, None]
    basis = TanhBasis(np.vstack([A, search.W[-1] - X_mean @ A]))
    return Fit(
        basis,
        *solve(basis.transform(X), y, lam),
        search.evaluations,
        converged,
        f"{'converged' if converged else 'not converged'}: {said} (largest entry of the "
        f"gradient, standardised: {slope:.0e})",
    )


def random_start(x, K, seed):
    """A basis to begin with: K steps in random directions, each through a sample of x.

    Chapter :doc:`/chapters/learning`.

    Parameters
    ----------
    x : array-like, shape (N, D) or (N,)
    K : int
    seed : int

    Returns
    -------
    TanhBasis
        Its slopes are normal, with a standard deviation of 2 over that of their input.

    Raises
    ------
    ValueError
        If x holds no sample, NaN or infinity, or K is no number of units.

    Examples
    --------
    >>> random_start([0.0, 1.0, 2.0], K=4, seed=0).W.shape
    (2, 4)
    """
    rng = np.random.default_rng(seed)
    X = samples(x)
    if not isinstance(K, int | np.integer) or K < 1:
        raise ValueError(f"K must be a whole number of units, 1 or more; got {K!r}")
    A = 2 * rng.standard_normal((X.shape[1], K)) / spread(X)[:, None]
    through = X[rng.integers(len(X), size=K)]
    return TanhBasis(np.vstack([A, -np.sum(through.T * A, axis=0)]))


def stacked_residuals(basis, x, y, lam, weights, intercept):
    """Residuals whose half square is the loss, and their Jacobian by everything there is.

    Equations :eq:`eq-stacked` and :eq:`eq-full-jacobian`.

    Parameters
    ----------
    basis : object with `transform` and `jacobian`
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float
    weights : array-like, shape (K,)
    intercept : float

    Returns
    -------
    r : ndarray, shape (N+K,)
        (y^ - y) / sqrt N above sqrt(lam) w.
    J : ndarray, shape (N+K, K(D+1) + K + 1)
        Columns for W (row by row), the weights, the intercept.

    Raises
    ------
    ValueError
        As `loss` does.
    """
    Phi, r, weights, lam = residuals(basis, x, y, lam, weights, intercept)
    return by_everything(basis.jacobian(x), Phi, r, lam, weights)


def projected_residuals(basis, x, y, lam):
    """The same residuals when the weights are solved for, and their Jacobian by W alone.

    Equation :eq:`eq-variable-projection`, after Golub and Pereyra (1973), both terms.

    Parameters
    ----------
    basis : object with `transform` and `jacobian`
    x : array-like, shape (N, D) or (N,)
    y : array-like, shape (N,)
    lam : float

    Returns
    -------
    r : ndarray, shape (N+K,)
    J : ndarray, shape (N+K, K(D+1))
        Columns for W, row by row.

    Raises
    ------
    ValueError
        As `solve` does.
    """
    return projected(basis, x, *usable(basis, x, y, lam))


class Finished(Exception):
    """All evaluations are used up."""


class Search:
    """A standardised problem, the best W seen so far, and the number of evaluations."""

    def __init__(self, X, y, lam, limit, progress):
        self.X, self.y, self.lam, self.limit = X, y, lam, limit
        self.progress = progress or tell_terminal()
        self.evaluations, self.loss, self.W = 0, np.inf, None

    def evaluate(self, function, W, *more):
        """function(basis, X, y, lam, ...), counted; returns what it returns."""
        if self.evaluations == self.limit:
            raise Finished
        found = self.compute(function, W, *more)
        self.evaluations += 1
        loss = found[0] if np.isscalar(found[0]) else found[0] @ found[0] / 2
        if loss < self.loss:
            self.loss, self.W = loss, np.array(W)
        self.progress(self.evaluations, loss)
        return found

    def compute(self, function, W, *more):
        """The same, not counted."""
        basis = TanhBasis(W)
        return function(basis, self.X, basis.transform(self.X), self.y, self.lam, *more)


def l_bfgs(search, W):
    def function(v):
        loss, gradient = search.evaluate(reduced, v.reshape(W.shape))
        return loss, gradient.ravel()

    options = {"maxiter": search.limit, "maxfun": search.limit, "ftol": 0, "gtol": STATIONARY / 10}
    return optimize.minimize(
        function, W.ravel(), jac=True, method="L-BFGS-B", options=options
    ).message.lower()


def gradient_descent(search, W):
    loss, gradient = search.evaluate(reduced, W)
    step = 1.0
    while np.abs(gradient).max() > STATIONARY:
        new_loss, new_gradient = search.evaluate(reduced, W - step * gradient)
        if new_loss < loss:
            W, loss, gradient, step = W - step * gradient, new_loss, new_gradient, 2 * step
        elif step * np.abs(gradient).max() < 1e-16 * np.abs(W).max():
            return "no step lowers the loss"
        else:
            step /= 2
    return "the gradient vanishes"


def least_squares(method, weights_too):
    """A search by SciPy's least_squares: on W and the weights, or on W alone, projected."""

    def search_by(search, W):
        P, known = W.size, {}
        if weights_too:
            w, w0 = solve(TanhBasis(W).transform(search.X), search.y, search.lam)
            start = np.concatenate([W.ravel(), w, [w0]])

            def at(v, call):
                return call(stacked, v[:P].reshape(W.shape), v[P:-1], v[-1])
        else:
            start = W.ravel()

            def at(v, call):
                return call(projected, v.reshape(W.shape))

        def residuals(v):
            r, known["J"] = at(v, search.evaluate)
            known["v"] = v.copy()
            return r

        def jacobian(v):  # SciPy asks for it where it knows the residuals, at the point before
            return known["J"] if np.array_equal(v, known["v"]) else at(v, search.compute)[1]

        return optimize.least_squares(
            residuals, start, jacobian,
            method=method, ftol=1e-12, xtol=1e-12, gtol=STATIONARY / 10,
        ).message.lower()  # fmt: skip

    return search_by


#: The ways to fit, by their names.
METHODS = {
    "l-bfgs": l_bfgs,
    "gauss-newton": least_squares("trf", weights_too=True),
    "levenberg-marquardt": least_squares("lm", weights_too=True),
    "variable-projection": least_squares("trf", weights_too=False),
    "gradient-descent": gradient_descent,
}


def samples(x):
    """x as (N, D), at least one sample."""
    X = real(x, "X")
    X = X[:, None] if X.ndim == 1 else X
    if X.ndim != 2 or len(X) == 0:
        raise ValueError(f"x must be (N, D) or (N,) with at least one sample; got {X.shape}")
    return X


def centre(values):
    """The mean of each column, of numbers of whatever size."""
    with np.errstate(over="ignore"):
        mean = np.add.reduce(values) / len(values)  # np.mean, without what it asks first
    if all_finite(mean):
        return mean
    unit = power_of_two(values)  # their sum is beyond float64, their mean is not
    return (values / unit).mean(axis=0) * unit


def spread(values):
    """The standard deviation of each column; 1 for one that does not vary."""
    unit = power_of_two(values)
    return np.where(varies(values), (values / unit).std(axis=0) * unit, 1.0)


def varies(values):
    """Whether each column varies by more than the rounding of its entries.

    The standard deviation does not tell: where the mean is inexact, that of 365 times 0.1 is not 0.
    """
    most, least = values.max(axis=0), values.min(axis=0)
    rounding = 4 * np.finfo(float).eps * np.maximum(np.abs(most), np.abs(least))
    return most / 2 - least / 2 > rounding / 2  # halved: no overflow


def power_of_two(values):
    """About each column's largest entry: division by it is exact, and then squares are safe."""
    exponent = np.frexp(np.abs(values).max(axis=0))[1] - 1
    return np.ldexp(1.0, np.maximum(exponent, -1000))


def tell_terminal():
    """Progress for whoever waits at a terminal: a line a second, none in the first."""
    told = time.monotonic()

    def tell(evaluations, loss):
        nonlocal told
        if time.monotonic() - told > 1 and sys.stdout.isatty():
            told = time.monotonic()
            print(f"{evaluations} evaluations, loss {loss:.6f} of the variance", flush=True)

    return tell
