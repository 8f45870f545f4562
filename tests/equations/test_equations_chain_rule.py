"""The labelled equations of the chapter `chain_rule`, each by another road than its code."""

import numpy as np
import pytest
import sympy as sp
from labels import checks_equation

from jacobians import TanhBasis, ridge
from jacobians.basis import phi

N, D, K, LAM = 4, 2, 3, 0.3
rng = np.random.default_rng(11)
X, y = rng.standard_normal((N, D)), rng.standard_normal(N)
W, w, w0 = rng.standard_normal((D + 1, K)), rng.standard_normal(K), 0.4
dW, G = rng.standard_normal((D + 1, K)), rng.standard_normal((N, K))
X1 = np.column_stack([X, np.ones(N)])
S = 1 - np.tanh(X1 @ W) ** 2


def loss(W, w, w0):
    """The loss in plain loops; complex numbers go through."""
    total = 0
    for n in range(N):
        z = [sum(X[n, d] * W[d, k] for d in range(D)) + W[D, k] for k in range(K)]
        r = w0 + sum(w[k] * np.tanh(z[k]) for k in range(K)) - y[n]
        total = total + r**2 / (2 * N)
    return total + LAM / 2 * sum(weight**2 for weight in w)


def complex_step(f, at):
    """The gradient of f at an array, without any formula for it."""
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        step = at.astype(complex)
        step[index] += 1e-30j
        gradient[index] = f(step).imag / 1e-30
    return gradient


@checks_equation("eq-prediction")
def test_the_prediction_is_the_intercept_and_the_weighted_features():
    for n in range(N):
        predicted = w0
        for k in range(K):
            predicted += w[k] * np.tanh(X1[n] @ W[:, k])
        assert ridge.predict(TanhBasis(W), X, w, w0)[n] == pytest.approx(predicted, rel=1e-13)


@checks_equation("eq-loss")
def test_the_loss_is_half_the_mean_square_and_the_penalty():
    assert ridge.loss(TanhBasis(W), X, y, LAM, w, w0) == pytest.approx(loss(W, w, w0), rel=1e-13)
    r = w0 + np.tanh(X1 @ W) @ w - y
    displayed = np.linalg.norm(r) ** 2 / (2 * N) + LAM / 2 * np.linalg.norm(w) ** 2
    assert displayed == pytest.approx(loss(W, w, w0), rel=1e-13)


@checks_equation("eq-chain-rule")
def test_the_jacobian_of_a_composition_is_the_product():
    x, u = sp.symbols("x1:3"), sp.symbols("u1:4")
    f = sp.Matrix([x[0] * x[1], sp.exp(x[0]), x[0] + x[1] ** 2])  # R^2 -> R^3
    g = sp.Matrix([sp.sin(u[0]) * u[2], u[1] ** 2, u[0] - u[1], u[2]])  # R^3 -> R^4
    there = dict(zip(u, f, strict=True))
    product = g.jacobian(u).subs(there) * f.jacobian(x)
    assert product.shape == (4, 2)
    assert sp.simplify(product - g.subs(there).jacobian(x)) == sp.zeros(4, 2)


@checks_equation("eq-gradient-chain")
def test_the_gradient_of_a_composition_is_a_transposed_product():
    x, u = sp.symbols("x1:3"), sp.symbols("u1:4")
    f = sp.Matrix([x[0] * x[1], sp.exp(x[0]), x[0] + x[1] ** 2])
    ell = sp.sin(u[0]) * u[2] + u[1] ** 2
    there = dict(zip(u, f, strict=True))
    inner = sp.Matrix([sp.diff(ell, each).subs(there) for each in u])
    direct = sp.Matrix([sp.diff(ell.subs(there), each) for each in x])
    assert sp.simplify(f.jacobian(x).T * inner - direct) == sp.zeros(2, 1)


@checks_equation("eq-contraction")
def test_the_gradient_sums_jacobian_times_g_over_the_samples():
    """For a loss that is not linear in the features: sum sin(phi) c."""
    c = rng.standard_normal((N, K))
    Phi = np.tanh(X1 @ W)
    G_here = c * np.cos(Phi)
    want = complex_step(lambda W: np.sum(c * np.sin(phi(W, X))), W)
    for d, k in np.ndindex(D + 1, K):
        displayed = sum(X1[n, d] * (1 - Phi[n, k] ** 2) * G_here[n, k] for n in range(N))
        assert displayed == pytest.approx(want[d, k], rel=1e-12)
    J = TanhBasis(W).jacobian(X)
    np.testing.assert_allclose(np.einsum("ndk,nk->dk", J, G_here), want, rtol=1e-12)


@checks_equation("eq-gradient-features")
def test_the_ridge_loss_moves_with_the_features_by_residual_times_weight():
    Phi = np.tanh(X1 @ W)

    def of_features(Phi):
        r = w0 + Phi @ w - y
        return np.sum(r * r) / (2 * N) + LAM / 2 * np.sum(w * w)

    displayed = np.outer(w0 + Phi @ w - y, w) / N
    np.testing.assert_allclose(displayed, complex_step(of_features, Phi), rtol=1e-12)


@checks_equation("eq-jvp")
def test_the_jvp_is_the_step_of_the_features():
    step = phi(W + 1e-30j * dW, X).imag / 1e-30
    np.testing.assert_allclose(S * (X1 @ dW), step, rtol=1e-12)
    np.testing.assert_allclose(TanhBasis(W).jvp(X, dW), step, rtol=1e-12)


@checks_equation("eq-vjp")
def test_the_vjp_is_the_gradient_of_the_features_weighted_by_g():
    want = complex_step(lambda W: np.sum(G * phi(W, X)), W)
    np.testing.assert_allclose(X1.T @ (S * G), want, rtol=1e-12)
    np.testing.assert_allclose(TanhBasis(W).vjp(X, G), want, rtol=1e-12)


@checks_equation("eq-dot-product")
def test_both_sides_of_the_dot_product_test_are_one_quadruple_sum():
    total = 0.0
    for n, k, d, l in np.ndindex(N, K, D + 1, K):
        total += G[n, k] * (k == l) * S[n, k] * X1[n, d] * dW[d, l]
    basis = TanhBasis(W)
    assert np.sum(G * basis.jvp(X, dW)) == pytest.approx(total, rel=1e-12)
    assert np.sum(basis.vjp(X, G) * dW) == pytest.approx(total, rel=1e-12)


@checks_equation("eq-gradient-parameters")
def test_the_gradient_by_the_parameters_of_the_basis():
    r = w0 + np.tanh(X1 @ W) @ w - y
    displayed = X1.T @ (S * np.outer(r, w)) / N
    want = complex_step(lambda W: loss(W, w, w0), W)
    np.testing.assert_allclose(displayed, want, rtol=1e-12)
    got = ridge.gradients(TanhBasis(W), X, y, LAM, w, w0)
    np.testing.assert_allclose(got.W, want, rtol=1e-12)


@checks_equation("eq-gradient-weights")
def test_the_gradients_by_the_weights_and_the_intercept():
    Phi = np.tanh(X1 @ W)
    r = w0 + Phi @ w - y
    by_w = complex_step(lambda w: loss(W, w, w0), w)
    by_w0 = complex_step(lambda w0: loss(W, w, w0[0]), np.array([w0]))[0]
    np.testing.assert_allclose(Phi.T @ r / N + LAM * w, by_w, rtol=1e-12)
    assert sum(r) / N == pytest.approx(by_w0, rel=1e-12)
    got = ridge.gradients(TanhBasis(W), X, y, LAM, w, w0)
    np.testing.assert_allclose(got.weights, by_w, rtol=1e-12)
    assert got.intercept == pytest.approx(by_w0, rel=1e-12)


def minimum(W):
    """The smallest loss over the weights, by the normal equations; complex W goes through."""
    columns = np.column_stack([np.tanh(X1 @ W), np.ones(N)])
    matrix = columns.T @ columns / N + np.diag([LAM] * K + [0.0])
    best = np.linalg.solve(matrix, columns.T @ y / N)
    return loss(W, best[:K], best[K])


@checks_equation("eq-reduced")
def test_the_reduced_loss_is_the_smallest_over_the_weights():
    value, _ = ridge.reduced_loss(TanhBasis(W), X, y, LAM)
    assert value == pytest.approx(minimum(W), rel=1e-12)
    weights, intercept = ridge.solve(np.tanh(X1 @ W), y, LAM)
    for move in 1e-3 * rng.standard_normal((20, K + 1)):
        assert loss(W, weights + move[:K], intercept + move[K]) > value


@checks_equation("eq-envelope")
def test_the_gradient_of_the_reduced_loss_is_the_one_at_fixed_weights():
    """The complex step goes through the solver: it differentiates the weights as well."""
    weights, intercept = ridge.solve(np.tanh(X1 @ W), y, LAM)
    fixed = complex_step(lambda W: loss(W, weights, intercept), W)
    through = complex_step(minimum, W)
    np.testing.assert_allclose(fixed, through, rtol=1e-10)
    _, gradient = ridge.reduced_loss(TanhBasis(W), X, y, LAM)
    np.testing.assert_allclose(gradient, through, rtol=1e-10)


@checks_equation("eq-reverse")
def test_three_transposed_jacobians_from_right_to_left_give_the_gradient():
    x, u, v, s = (sp.symbols(f"{name}1:3") for name in "xuvs")
    f1 = sp.Matrix([x[0] * x[1], x[0] + x[1] ** 2])
    f2 = sp.Matrix([sp.sin(u[0]), u[0] * u[1]])
    f3 = sp.Matrix([v[0] + v[1] ** 2, sp.exp(v[0])])
    ell = s[0] * s[1] ** 2
    at1 = dict(zip(u, f1, strict=True))
    at2 = dict(zip(v, f2.subs(at1), strict=True))
    at3 = dict(zip(s, f3.subs(at2), strict=True))
    back = sp.Matrix([sp.diff(ell, each) for each in s]).subs(at3)
    back = f3.jacobian(v).subs(at2).T * back
    back = f2.jacobian(u).subs(at1).T * back
    back = f1.jacobian(x).T * back
    direct = sp.Matrix([sp.diff(ell.subs(at3), each) for each in x])
    point = {x[0]: sp.Rational(1, 3), x[1]: sp.Rational(-3, 2)}
    assert (back - direct).subs(point).evalf(30).norm() < 1e-20
    assert direct.subs(point).evalf().norm() > 1e-3
