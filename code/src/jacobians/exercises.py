"""Checks of the book's exercises: each takes the reader's function and says what is wrong with it.

In a chapter the stub is called `name`, its worked solution `name_solution`, and the check
`check_name` stands here. The expected values are numerical or come from another formula than the
solution's; a wrong answer that is often given is recognised and named.
"""

import numpy as np

from jacobians.basis import phi
from jacobians.checks import Report
from jacobians.differences import complex_step

TOLERANCE = 1e-8  # relative to the largest expected entry


def judge(name, got, want, known=()):
    """Compare what the function `name` returned with what it should have returned.

    Parameters
    ----------
    name : str
    got : object
        Whatever the reader's function returned.
    want : ndarray
    known : iterable of (str, ndarray)
        Wrong answers that are often given, each after the words that name its mistake.

    Returns
    -------
    Report
    """
    if got is None:
        return Report(False, f"{name} returns nothing: does it end with `return`?", subject=name)
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return Report(False, f"{name} should return numbers, not {got!r:.60}", subject=name)
    if got.size and np.isnan(got).all():
        return Report(False, f"{name} is not written yet: it returns NaN", subject=name)
    for told, wrong in known:
        if got.shape == wrong.shape and close(got, wrong):
            return Report(False, told, subject=name)
    if got.shape != want.shape:
        told = f"{name} should return the shape {want.shape}; it returned {got.shape}"
        return Report(False, told, subject=name)
    if close(got, want):
        return Report(True, errors=got - want, subject=name)
    errors = np.where(np.isfinite(got), np.abs(got - want), np.inf)
    worst = tuple(int(i) for i in np.unravel_index(errors.argmax(), want.shape))
    place = f"entry {list(worst)}" if worst else "the number"
    told = f"{place} is {got[worst]:.4g}; it should be {want[worst]:.4g}"
    return Report(False, told, got - want, subject=name)


def close(got, want):
    return bool(np.abs(got - want).max() <= TOLERANCE * max(np.abs(want).max(), 1e-300))


def example(N=5, D=3, K=2):
    """A point at which no two formulas agree by accident: W (D+1, K), X (N, D)."""
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.5, (D + 1, K)) + 0.1, rng.normal(0, 1, (N, D))


def check_input_jacobian(function):
    """Check ``function(W, X)``, the Jacobian of the features by the inputs, shape (N, K, D).

    The exercise of the chapter :doc:`/chapters/jacobian`.

    Returns
    -------
    Report
    """
    W, X = example()
    A, Phi = W[:-1], phi(W, X)
    S = 1 - Phi**2
    want = np.stack([complex_step(lambda x: phi(W, x[None])[0], x) for x in X])
    known = [
        ("the axes are in the order (N, D, K); (N, K, D) is asked for", want.transpose(0, 2, 1)),
        ("1 - phi^2 is multiplied by x, as for the slopes; here the slope a is what x is "
         "multiplied by", S[:, :, None] * X[:, None, :]),
        ("the factor 1 - phi^2 is missing", np.broadcast_to(A.T, want.shape)),
        ("the factor is 1 - phi; it should be 1 - phi^2", (1 - Phi)[:, :, None] * A.T),
        ("the bias has come along: an input meets the slopes only, W[:-1]", S[:, :, None] * W.T),
    ]  # fmt: skip
    return judge("input_jacobian", function(W, X), want, known)


def check_input_vjp(function):
    """Check ``function(W, X, G)``, the derivative of a loss carried back to the inputs: (N, D).

    G (N, K) is its derivative by the features. The exercise of the chapter
    :doc:`/chapters/chain_rule`.

    Returns
    -------
    Report
    """
    W, X = example()
    G = np.random.default_rng(2).normal(0, 1, (len(X), W.shape[1]))
    A, Phi = W[:-1], phi(W, X)
    S = 1 - Phi**2
    want = complex_step(lambda x: np.sum(G * phi(W, x)), X).reshape(X.shape)
    known = [
        ("the factor 1 - phi^2 is missing", G @ A.T),
        ("the factor is 1 - phi; it should be 1 - phi^2", ((1 - Phi) * G) @ A.T),
        ("G is missing: this is the sum of the features' derivatives, not the loss's", S @ A.T),
        ("the bias has come along: an input meets the slopes only, W[:-1]", (S * G) @ W.T),
        ("this is the way back to the slopes; to the inputs it is (S o G) times A transposed",
         X.T @ (S * G)),
        ("this is the way back to W; to the inputs it is (S o G) times A transposed",
         np.vstack([X.T @ (S * G), (S * G).sum(axis=0)])),
        ("the axes are in the order (D, N); (N, D) is asked for", want.T),
        ("the units are not summed over: (N, K, D) is the Jacobian, multiplied by G",
         (S * G)[:, :, None] * A.T),
    ]  # fmt: skip
    return judge("input_vjp", function(W, X, G), want, known)
