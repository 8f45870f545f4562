"""Ridge regression: the smallest loss, and gradients that agree with roads that know no formula."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from jacobians import TanhBasis, differences, ridge

LAM = 1e-3


def problem(seed, N=12, D=2, K=3):
    rng = np.random.default_rng(seed)
    basis = TanhBasis(rng.standard_normal((D + 1, K)))
    X, y = rng.standard_normal((N, D)), rng.standard_normal(N) + 5
    return basis, X, y, rng.standard_normal(K), rng.standard_normal()


seeds = given(st.integers(0, 10_000))


# ------------------------------------------------------------------------------ the solution


@seeds
def test_at_the_solution_the_loss_is_flat_in_the_weights_and_rises_on_every_side(seed):
    basis, X, y, dw, dw0 = problem(seed)
    w, w0 = ridge.solve(basis.transform(X), y, LAM)
    flat = ridge.gradients(basis, X, y, LAM, w, w0)
    np.testing.assert_allclose(np.append(flat.weights, flat.intercept), 0, atol=1e-12)
    least = ridge.loss(basis, X, y, LAM, w, w0)
    assert least < ridge.loss(basis, X, y, LAM, w + 1e-3 * dw, w0 + 1e-3 * dw0)


@seeds
def test_the_intercept_is_not_penalised(seed):
    basis, X, y, _, _ = problem(seed)
    Phi = basis.transform(X)
    w, w0 = ridge.solve(Phi, y, 0.5)
    shifted, shifted_w0 = ridge.solve(Phi, y + 273.15, 0.5)
    np.testing.assert_allclose(shifted, w, atol=1e-11)
    assert shifted_w0 == pytest.approx(w0 + 273.15, rel=1e-12)
    assert ridge.solve(Phi, y, 1e12)[1] == pytest.approx(y.mean(), rel=1e-9)


def test_the_solution_is_that_of_exact_arithmetic_where_features_are_almost_the_same():
    t = np.linspace(-1, 1, 8)
    Phi = np.column_stack([t, t + 1e-7 * t**2])  # normal equations: a condition number of 1e14
    y = 1 + t + t**2
    w, w0 = ridge.solve(Phi, y, 0.0)
    R = sp.Matrix(Phi.shape[0], 3, lambda i, j: 1 if j == 0 else sp.Rational(Phi[i, j - 1]))
    exact = (R.T * R).LUsolve(R.T * sp.Matrix([sp.Rational(v) for v in y]))
    np.testing.assert_allclose(np.append(w0, w), np.array(exact, float).ravel(), rtol=1e-7)


def test_features_that_depend_on_each_other_give_the_shortest_weights():
    phi = np.array([[1.0], [2.0], [4.0]])
    w, w0 = ridge.solve(np.hstack([phi, phi]), 3 * phi[:, 0] + 7, 0.0)
    np.testing.assert_allclose(w, [1.5, 1.5], rtol=1e-12)
    assert w0 == pytest.approx(7, rel=1e-12)


# ------------------------------------------------------------------------------ the gradients


@seeds
def test_each_gradient_agrees_with_differences_of_the_loss(seed):
    basis, X, y, w, w0 = problem(seed)
    found = ridge.gradients(basis, X, y, LAM, w, w0)

    def numerical(f, at):
        return differences.richardson(f, at, 1e-3)

    close = {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(
        found.weights, numerical(lambda v: ridge.loss(basis, X, y, LAM, v, w0), w), **close
    )
    np.testing.assert_allclose(
        found.intercept, numerical(lambda v: ridge.loss(basis, X, y, LAM, w, v), w0), **close
    )
    np.testing.assert_allclose(
        found.W, numerical(lambda W: ridge.loss(TanhBasis(W), X, y, LAM, w, w0), basis.W), **close
    )


@seeds
def test_the_gradient_of_the_reduced_loss_agrees_with_differences_of_the_refitted_loss(seed):
    basis, X, y, _, _ = problem(seed)
    value, gradient = ridge.reduced_loss(basis, X, y, LAM)

    def refitted(W):
        w, w0 = ridge.solve(TanhBasis(W).transform(X), y, LAM)
        return ridge.loss(TanhBasis(W), X, y, LAM, w, w0)

    assert value == pytest.approx(refitted(basis.W), rel=1e-13)
    numerical = differences.richardson(refitted, basis.W, 1e-3)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-6)


def test_loss_solution_and_gradients_are_those_of_sympy():
    x, y, lam = [-1, 0, 2, 1], [3, 1, 2, -1], sp.Rational(1, 10)
    a1, a2, b1, b2, w1, w2, w0 = symbols = sp.symbols("a1 a2 b1 b2 w1 w2 w0")
    model = [w0 + w1 * sp.tanh(a1 * t + b1) + w2 * sp.tanh(a2 * t + b2) for t in x]
    total = sum((m - v) ** 2 for m, v in zip(model, y, strict=True))
    L = total / (2 * len(x)) + lam / 2 * (w1**2 + w2**2)
    at = dict(zip(symbols, (0.5, -1.2, 0.3, 0.1, 1.5, -0.7, 0.4), strict=True))
    exact = {s: float(sp.diff(L, s).subs(at)) for s in symbols}
    basis, w, c = TanhBasis([[0.5, -1.2], [0.3, 0.1]]), [1.5, -0.7], 0.4
    assert ridge.loss(basis, x, y, 0.1, w, c) == pytest.approx(float(L.subs(at)), rel=1e-14)
    found = ridge.gradients(basis, x, y, 0.1, w, c)
    np.testing.assert_allclose(found.weights, [exact[w1], exact[w2]], rtol=1e-12)
    np.testing.assert_allclose(found.intercept, exact[w0], rtol=1e-12)
    np.testing.assert_allclose(
        found.W, [[exact[a1], exact[a2]], [exact[b1], exact[b2]]], rtol=1e-12
    )
    fixed = L.subs({s: at[s] for s in (a1, a2, b1, b2)})
    (best,) = sp.linsolve([sp.diff(fixed, s) for s in (w1, w2, w0)], w1, w2, w0)
    weights, intercept = ridge.solve(basis.transform(x), y, 0.1)
    np.testing.assert_allclose([*weights, intercept], np.array(best, float), rtol=1e-12)


def test_no_jacobian_is_stored():
    basis, X, y, w, w0 = problem(0)

    class Products(TanhBasis):
        def jacobian(self, X):
            raise AssertionError("the gradient needs vjp only")

    sparing = Products(basis.W)
    np.testing.assert_array_equal(
        ridge.gradients(sparing, X, y, LAM, w, w0).W, ridge.gradients(basis, X, y, LAM, w, w0).W
    )
    assert np.isfinite(ridge.reduced_loss(sparing, X, y, LAM)[1]).all()


def test_any_basis_that_transforms_will_do():
    class Harmonics:
        def transform(self, X):
            angle = 2 * np.pi * np.asarray(X) / 365.25
            return np.column_stack([np.sin(angle), np.cos(angle)])

    x = np.arange(365.0)
    y = 12 - 8 * np.cos(2 * np.pi * x / 365.25)
    w, w0 = ridge.solve(Harmonics().transform(x), y, 0.0)
    np.testing.assert_allclose(ridge.predict(Harmonics(), x, w, w0), y, rtol=1e-12)


# ---------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": np.ones(11)}, r"y must have the shape \(12,\); got \(11,\)"),
        ({"y": np.full(12, np.nan)}, "y must be finite"),
        ({"lam": -1.0}, r"lam must not be negative; got -1\.0"),
        ({"lam": np.inf}, "lam must be finite"),
        ({"lam": [1, 2]}, r"lam must have the shape \(\); got \(2,\)"),
        ({"weights": np.ones(2)}, r"weights must have the shape \(3,\); got \(2,\)"),
        ({"intercept": "x"}, "intercept must be an array of numbers"),
        ({"x": np.ones((12, 5))}, r"X must be \(N, 2\)"),
        ({"x": np.ones((0, 2)), "y": []}, "at least one sample"),
    ],
)
def test_what_does_not_fit_is_refused_in_words_by_every_function(changed, said):
    basis, x, y, weights, intercept = problem(0)
    given = {"x": x, "y": y, "lam": LAM, "weights": weights, "intercept": intercept} | changed
    for function in (ridge.loss, ridge.gradients):
        with pytest.raises(ValueError, match=said):
            function(basis, **given)
    if not {"weights", "intercept"} & changed.keys():
        with pytest.raises(ValueError, match=said):
            ridge.reduced_loss(basis, given["x"], given["y"], given["lam"])
    elif "x" not in changed:
        with pytest.raises(ValueError, match=said):
            ridge.predict(basis, given["x"], given["weights"], given["intercept"])


@pytest.mark.parametrize("Phi", [np.ones(3), np.ones((0, 2)), np.ones((3, 2, 1))])
def test_features_of_another_shape_are_refused_in_words(Phi):
    with pytest.raises(ValueError, match=r"Phi must be \(N, K\) with at least one sample; got"):
        ridge.solve(Phi, np.ones(3), LAM)
