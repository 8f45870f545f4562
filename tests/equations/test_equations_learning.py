"""The labelled equations of the chapter on learning, each by another road."""

import numpy as np
import pytest
import sympy as sp
from labels import checks_equation
from scipy.optimize import minimize

from jacobians import TanhBasis, ridge

N, D, K, LAM = 9, 2, 2, 0.3
rng = np.random.default_rng(11)
X, y = rng.standard_normal((N, D)), rng.standard_normal(N)
W, w, w0 = rng.standard_normal((D + 1, K)), rng.standard_normal(K), 0.4
X1 = np.column_stack([X, np.ones(N)])


def loss(W, w, w0):
    """The loss in plain loops, as the chapter displays it."""
    total = 0.0
    for n in range(N):
        prediction = w0
        for k in range(K):
            prediction += w[k] * np.tanh(sum(X1[n, d] * W[d, k] for d in range(D + 1)))
        total += (prediction - y[n]) ** 2
    return total / (2 * N) + LAM / 2 * sum(w[k] ** 2 for k in range(K))


@checks_equation("eq-learning-problem")
def test_the_reduced_loss_is_the_smallest_that_a_general_minimiser_finds():
    found = minimize(lambda c: loss(W, c[:K], c[K]), np.zeros(K + 1), tol=1e-12)
    reduced, _ = ridge.reduced_loss(TanhBasis(W), X, y, LAM)
    assert reduced == pytest.approx(found.fun, rel=1e-8)
    for _ in range(20):
        assert loss(W, *np.split(rng.standard_normal(K + 1), [K])) >= reduced


@checks_equation("eq-standardise")
def test_standardised_inputs_with_moved_parameters_give_the_same_z():
    x, mu, sigma, a, b = (sp.symbols(f"{name}1:3") for name in ("x", "mu", "s", "a", "b"))
    z = sum(a[d] * x[d] for d in range(2)) + b[0]
    scaled = sum((sigma[d] * a[d]) * (x[d] - mu[d]) / sigma[d] for d in range(2))
    assert sp.simplify(scaled + b[0] + sum(mu[d] * a[d] for d in range(2)) - z) == 0


@checks_equation("eq-symmetry")
def test_turned_and_reordered_units_predict_the_same():
    z, v = sp.symbols("z v")
    assert sp.simplify(v * sp.tanh(z) - (-v) * sp.tanh(-z)) == 0
    prediction = ridge.predict(TanhBasis(W), X, w, w0)
    for order in ([0, 1], [1, 0]):
        for sign in ([1, 1], [-1, 1], [-1, -1]):
            twin = TanhBasis(W[:, order] * sign)
            np.testing.assert_allclose(ridge.predict(twin, X, w[order] * sign, w0), prediction)


@checks_equation("eq-stacked")
def test_half_the_square_of_the_stacked_residuals_is_the_loss():
    r, _ = ridge.stacked_residuals(TanhBasis(W), X, y, LAM, w, w0)
    assert r.shape == (N + K,)
    assert r @ r / 2 == pytest.approx(loss(W, w, w0), rel=1e-13)


@checks_equation("eq-full-jacobian")
def test_the_stacked_jacobian_entry_by_entry_by_a_complex_step():
    _, J = ridge.stacked_residuals(TanhBasis(W), X, y, LAM, w, w0)

    def residuals(c):
        V, v, v0 = c[: W.size].reshape(W.shape), c[W.size : -1], c[-1]
        fitted = (np.tanh(X1 @ V) @ v + v0 - y) / np.sqrt(N)
        return np.concatenate([fitted, np.sqrt(LAM) * v])

    at = np.concatenate([W.ravel(), w, [w0]])
    for column in range(at.size):
        step = at.astype(complex)
        step[column] += 1e-30j
        moved = residuals(step).imag / 1e-30
        np.testing.assert_allclose(J[:, column], moved, rtol=1e-12, atol=1e-14)


@checks_equation("eq-variable-projection")
def test_the_projected_jacobian_by_differences_of_the_refitted_residuals():
    """The pseudo-inverse and the derivative of A written out, beside refits that know neither."""
    scale = 1 / np.sqrt(N)

    def matrix(V):
        top = scale * np.column_stack([np.tanh(X1 @ V), np.ones(N)])
        return np.vstack([top, np.column_stack([np.sqrt(LAM) * np.eye(K), np.zeros(K)])])

    target = np.concatenate([scale * y, np.zeros(K)])

    def refitted(V):
        c = np.linalg.lstsq(matrix(V), target, rcond=None)[0]
        return matrix(V) @ c - target

    A, c, h = matrix(W), np.linalg.lstsq(matrix(W), target, rcond=None)[0], 1e-5
    pinv, r = np.linalg.pinv(A), refitted(W)
    _, J = ridge.projected_residuals(TanhBasis(W), X, y, LAM)
    for column, (d, k) in enumerate(np.ndindex(W.shape)):
        E = np.zeros_like(W)
        E[d, k] = h
        dA = (matrix(W + E) - matrix(W - E)) / (2 * h)
        displayed = (np.eye(N + K) - A @ pinv) @ dA @ c - pinv.T @ (dA.T @ r)
        numerical = (refitted(W + E) - refitted(W - E)) / (2 * h)
        np.testing.assert_allclose(displayed, numerical, atol=1e-8)
        np.testing.assert_allclose(J[:, column], numerical, atol=1e-8)
