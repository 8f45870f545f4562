"""The labelled equations of the chapter on basis functions, each checked by another road."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from labels import checks_equation

from jacobians import TanhBasis, ridge
from jacobians.book import figures

N, K, LAM = 6, 2, sp.Rational(1, 7)
rng = np.random.default_rng(3)
PHI = sp.Matrix(N, K, lambda n, k: sp.Rational(int(rng.integers(-9, 10)), 10))
Y = sp.Matrix([sp.Rational(int(v), 2) for v in rng.integers(0, 60, N)])
W0, *W = sp.symbols("w0:3")
R = [W0 + sum(W[k] * PHI[n, k] for k in range(K)) - Y[n] for n in range(N)]
LOSS = sum(r**2 for r in R) / (2 * N) + LAM / 2 * sum(w**2 for w in W)
# The smallest loss in exact arithmetic: neither centring nor a formula of the chapter is used.
BEST = sp.solve([sp.diff(LOSS, v) for v in (W0, *W)], (W0, *W))


def floats(matrix):
    return np.array(matrix, dtype=float)


def mean(values):
    return sum(values) / sp.Integer(len(values))


@checks_equation("eq-mse")
def test_the_mean_squared_error_is_the_variance_and_the_square_of_the_mean_error():
    predicted, y = rng.normal(0, 9, 11), rng.normal(0, 9, 11)
    displayed = sum((p - t) ** 2 for p, t in zip(predicted, y, strict=True)) / 11
    errors = predicted - y
    assert displayed == pytest.approx(np.var(errors) + np.mean(errors) ** 2, rel=1e-13)


@checks_equation("eq-model")
def test_a_prediction_is_the_intercept_and_the_weighted_sum_of_the_features():
    a, b = figures.THREE_UNITS
    w, w0, days = [2.0, -3.0, 5.0], 7.0, [0.0, 101.0, 260.0, 340.0]
    predicted = ridge.predict(TanhBasis([a, b]), days, w, w0)
    for n, day in enumerate(days):
        total = mpmath.mpf(w0)
        for k in range(3):
            total += w[k] * mpmath.tanh(mpmath.mpf(a[k]) * day + b[k])
        assert predicted[n] == pytest.approx(float(total), rel=1e-13)


@checks_equation("eq-unit")
def test_a_unit_is_the_tanh_of_slope_times_day_and_bias():
    a, b = figures.THREE_UNITS
    for day in (90.0, 246.5, 333.0):
        features = TanhBasis([a, b]).transform([day])[0]
        for k in range(3):
            grown = mpmath.exp(2 * (mpmath.mpf(a[k]) * day + b[k]))  # tanh by exponentials
            assert features[k] == pytest.approx(float((grown - 1) / (grown + 1)), rel=1e-12)


@checks_equation("eq-ridge-loss")
def test_the_loss_is_half_the_mean_square_and_half_the_penalty():
    class Table:  # a basis that knows its features by heart
        def transform(self, X):
            return floats(PHI)

    at = {W0: 3, W[0]: -2, W[1]: 5}
    got = ridge.loss(Table(), np.zeros(N), floats(Y)[:, 0], float(LAM), [-2.0, 5.0], 3.0)
    assert got == pytest.approx(float(LOSS.subs(at)), rel=1e-14)


@checks_equation("eq-intercept")
def test_the_derivative_by_the_intercept_is_the_mean_residual_and_gives_the_intercept():
    assert sp.expand(sp.diff(LOSS, W0) - mean(R)) == 0
    displayed = mean(Y) - sum(mean(PHI[:, k]) * W[k] for k in range(K))
    assert sp.expand(sp.solve(sp.diff(LOSS, W0), W0)[0] - displayed) == 0


@checks_equation("eq-centred")
def test_with_the_best_intercept_the_residual_is_the_centred_one():
    w0 = sp.solve(sp.diff(LOSS, W0), W0)[0]
    for n in range(N):
        displayed = sum((PHI[n, k] - mean(PHI[:, k])) * W[k] for k in range(K)) - Y[n] + mean(Y)
        assert sp.expand(R[n].subs(W0, w0) - displayed) == 0


@checks_equation("eq-weights-gradient")
def test_the_derivative_by_a_weight_once_the_intercept_is_put_in():
    w0 = sp.solve(sp.diff(LOSS, W0), W0)[0]
    reduced, residuals = LOSS.subs(W0, w0), [r.subs(W0, w0) for r in R]
    for k in range(K):
        centred = [PHI[n, k] - mean(PHI[:, k]) for n in range(N)]
        displayed = sum(r * c for r, c in zip(residuals, centred, strict=True)) / N + LAM * W[k]
        assert sp.expand(sp.diff(reduced, W[k]) - displayed) == 0


@checks_equation("eq-ridge-solution")
def test_the_normal_equations_hold_at_the_smallest_loss_and_the_package_finds_it():
    centre = sp.eye(N) - sp.ones(N, N) / N
    Phi_c, y_c = centre * PHI, centre * Y
    w = sp.Matrix([BEST[v] for v in W])
    left = (Phi_c.T * Phi_c + N * LAM * sp.eye(K)) * w
    assert left == Phi_c.T * y_c
    weights, intercept = ridge.solve(floats(PHI), floats(Y)[:, 0], float(LAM))
    np.testing.assert_allclose(weights, floats(w)[:, 0], rtol=1e-12)
    assert intercept == pytest.approx(float(BEST[W0]), rel=1e-12)
