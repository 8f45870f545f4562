"""Ridge regression on a basis: the loss, its gradients, and the weights that make it smallest.

The model is y^ = w0 + Phi w, linear in K weights and an intercept; the features Phi (N, K) come
from a basis with parameters W. The loss is the mean square of the residuals and a penalty on the
weights, ``1/(2N) |y - w0 - Phi w|^2 + lam/2 |w|^2``, :eq:`eq-ridge-loss`. The intercept is not
penalised. A basis is any object with `transform(X)`; a gradient with respect to its W needs
`vjp(X, G)`, and no Jacobian is stored.
"""

from collections import namedtuple

import numpy as np

from jacobians.basis import real

Gradients = namedtuple("Gradients", "weights intercept W")


def solve(Phi, y, lam):
    """The weights and the intercept with the smallest loss, :eq:`eq-ridge-solution`.

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
        Strength of the penalty, not negative. With 0 and features that depend on each other, the
        shortest of the best weights are returned.

    Returns
    -------
    weights : ndarray, shape (K,)
    intercept : float

    Raises
    ------
    ValueError
        If an argument has another shape, or holds NaN or infinity, or lam is negative.
    """
    Phi = real(Phi, "Phi")
    if Phi.ndim != 2 or len(Phi) == 0:
        raise ValueError(f"Phi must be (N, K) with at least one sample; got {Phi.shape}")
    y, lam = real(y, "y", (len(Phi),)), penalty(lam)
    N, K = Phi.shape
    Phi_mean, y_mean = Phi.mean(axis=0), y.mean()
    rows = np.vstack([Phi - Phi_mean, np.sqrt(N * lam) * np.eye(K)])
    weights = np.linalg.lstsq(rows, np.append(y - y_mean, np.zeros(K)))[0]
    return weights, float(y_mean - Phi_mean @ weights)


def predict(basis, x, weights, intercept):
    """The predictions y^ = w0 + Phi w, :eq:`eq-model`: shape (N,).

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
    """
    return combine(basis.transform(x), weights, intercept)


def loss(basis, x, y, lam, weights, intercept):
    """The loss at these weights, :eq:`eq-ridge-loss`.

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
        If the shapes do not fit, there is no sample, there is NaN or infinity, or lam is negative.
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
    """
    Phi, r, weights, lam = residuals(basis, x, y, lam, weights, intercept)
    return Gradients(
        Phi.T @ r / len(r) + lam * weights,
        float(r.mean()),
        basis.vjp(x, np.outer(r, weights) / len(r)),
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
    """
    Phi = basis.transform(x)
    weights, intercept = solve(Phi, y, lam)
    r = combine(Phi, weights, intercept) - y
    return value(r, weights, lam), basis.vjp(x, np.outer(r, weights) / len(r))


def residuals(basis, x, y, lam, weights, intercept):
    """Phi, r = y^ - y, and the weights and lam once they are found to be usable."""
    Phi = basis.transform(x)
    if len(Phi) == 0:
        raise ValueError("x must hold at least one sample; got none")
    y, lam = real(y, "y", (len(Phi),)), penalty(lam)
    return Phi, combine(Phi, weights, intercept) - y, real(weights, "weights"), lam


def combine(Phi, weights, intercept):
    weights = real(weights, "weights", Phi.shape[1:])
    return Phi @ weights + real(intercept, "intercept", ())


def value(r, weights, lam):
    return float(r @ r / (2 * len(r)) + lam / 2 * (weights @ weights))


def penalty(lam):
    lam = real(lam, "lam", ())
    if lam < 0:
        raise ValueError(f"lam must not be negative; got {lam}")
    return float(lam)
