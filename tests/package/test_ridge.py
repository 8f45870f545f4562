"""Ridge regression: the smallest loss, and gradients that agree with roads that know no formula."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from jacobians import TanhBasis, differences, ridge, temperatures

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


CONSTANTS = [0.1, 20.7, 1 / 3, -1e-200, 1e200, 3.0]  # the mean of 365 such numbers is inexact


@pytest.mark.parametrize("c", CONSTANTS)
@pytest.mark.parametrize("lam", [0.0, 1e-3])
def test_constant_features_get_no_weight_though_their_mean_is_inexact(c, lam):
    t = np.linspace(-1, 1, 365)
    for Phi in (np.full((365, 2), c), np.column_stack([np.full(365, c), t])):
        w, w0 = ridge.solve(Phi, 5 + 2 * t, lam)
        assert np.abs(c * w[0]) < 1e-12
        assert Phi[0, 1] == c and abs(c * w[1]) < 1e-12 or w[1] == pytest.approx(2, rel=0.01)
    w, w0 = ridge.solve(np.full((365, 2), c), 5 + 2 * t, lam)
    assert np.array_equal(w, [0, 0]) or lam and np.abs(w).max() < 1e-12 / abs(c)
    assert w0 == pytest.approx(5, rel=1e-12)


def test_features_that_depend_on_each_other_but_for_rounding_give_the_shortest_weights():
    t = np.linspace(-1, 1, 365)
    phi = 0.7 + 1e-9 * t  # almost constant: centring leaves seven digits
    w, w0 = ridge.solve(np.column_stack([phi, 1 - phi]), 5 + t, 0.0)
    np.testing.assert_allclose(w, [0.5e9, -0.5e9], rtol=1e-6)


@pytest.mark.parametrize("size", [1e-250, 1e-160, 1e160, 1e250, 1e306])
def test_the_solution_follows_the_size_of_y_as_far_as_float64_goes(size):
    basis, X, y, _, _ = problem(1)
    w, w0 = ridge.solve(basis.transform(X), y, LAM)
    scaled, scaled_w0 = ridge.solve(basis.transform(X), size * y, LAM)
    np.testing.assert_allclose(scaled / size, w, rtol=1e-10)
    assert scaled_w0 / size == pytest.approx(w0, rel=1e-12)


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


@pytest.mark.filterwarnings("error")
def test_a_loss_or_a_gradient_beyond_float64_is_refused_in_words():
    basis, X, y, w, w0 = problem(0)
    for function in (ridge.loss, ridge.stacked_residuals):
        if function is ridge.loss:
            with pytest.raises(ValueError, match="too large: the loss overflow"):
                function(basis, X, 1e200 * y, LAM, w, w0)
        with pytest.raises(ValueError, match="too large: the predictions overflow"):
            function(basis, X, y, LAM, np.full(3, 1e308), 1e308)
    with pytest.raises(ValueError, match="too large: the derivative by the features overflow"):
        ridge.gradients(basis, X, 1e200 * y, LAM, 1e200 * w, w0)
    with pytest.raises(ValueError, match="too large: the residuals overflow"):
        ridge.gradients(basis, X, np.full(12, -1.7e308), LAM, w, 1.7e308)
    with pytest.raises(ValueError, match="too large: the loss overflow"):
        ridge.reduced_loss(basis, X, 1e200 * y, LAM)
    found = ridge.gradients(basis, X, 1e200 * y, LAM, w, w0)  # these can be told
    small = ridge.gradients(basis, X, y, LAM, 1e-200 * w, 1e-200 * w0)
    np.testing.assert_allclose(found.weights / 1e200, small.weights, rtol=1e-12)


@pytest.mark.parametrize("Phi", [np.ones(3), np.ones((0, 2)), np.ones((3, 2, 1))])
def test_features_of_another_shape_are_refused_in_words(Phi):
    with pytest.raises(ValueError, match=r"Phi must be \(N, K\) with at least one sample; got"):
        ridge.solve(Phi, np.ones(3), LAM)


# ---------------------------------------------------------------------------------- the fits

QUICK = [method for method in ridge.METHODS if method != "gradient-descent"]
YEAR, DAY, CELSIUS = temperatures.load()
FIXED = TanhBasis([[0.1, 0.2, 0.3], [-10.0, -50.0, -100.0]])


def two_steps(seed=0, N=200):
    """Data that a basis of two units fits, with noise, and a start in its neighbourhood."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 365, N)
    truth = TanhBasis([[0.03, -0.05], [-3.0, 13.0]])
    y = 20 + truth.transform(x) @ [8.0, 5.0] + rng.standard_normal(N)
    return TanhBasis([[0.05, -0.03], [-6.0, 9.0]]), x, y


@seeds
def test_the_stacked_residuals_are_the_loss_and_their_jacobian_is_that_of_differences(seed):
    basis, X, y, w, w0 = problem(seed)
    r, J = ridge.stacked_residuals(basis, X, y, LAM, w, w0)
    assert r @ r / 2 == pytest.approx(ridge.loss(basis, X, y, LAM, w, w0), rel=1e-13)

    def moved(v):
        return ridge.stacked_residuals(TanhBasis(v[:9].reshape(3, 3)), X, y, LAM, v[9:-1], v[-1])[0]

    numerical = differences.richardson(moved, np.concatenate([basis.W.ravel(), w, [w0]]), 1e-3)
    np.testing.assert_allclose(J, numerical, atol=1e-8)


@seeds
def test_the_jacobian_of_variable_projection_is_that_of_differences_of_the_refitted_residuals(seed):
    basis, X, y, _, _ = problem(seed)
    r, J = ridge.projected_residuals(basis, X, y, 0.1)
    loss, gradient = ridge.reduced_loss(basis, X, y, 0.1)
    assert r @ r / 2 == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(J.T @ r, gradient.ravel(), atol=1e-12)

    def refitted(v):
        return ridge.projected_residuals(TanhBasis(v.reshape(3, 3)), X, y, 0.1)[0]

    numerical = differences.richardson(refitted, basis.W.ravel(), 1e-3)
    np.testing.assert_allclose(J, numerical, atol=1e-7)


def test_every_method_comes_from_the_same_start_to_the_same_loss_within_its_evaluations():
    basis, x, y = two_steps()
    found = {method: ridge.fit(basis, x, y, LAM, method) for method in QUICK}
    found["gradient-descent"] = ridge.fit(basis, x, y, LAM, "gradient-descent", limit=20_000)
    losses = [ridge.loss(f.basis, x, y, LAM, f.weights, f.intercept) for f in found.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
    assert losses[0] == pytest.approx(0.5, rel=0.2)  # half the variance of the noise
    for method, fit in found.items():
        assert fit.converged and fit.message.startswith("converged: "), (method, fit.message)
        assert fit.evaluations <= 200 or method == "gradient-descent"
    assert found["gradient-descent"].evaluations > 5 * found["l-bfgs"].evaluations


@pytest.mark.parametrize("year", [2012, 2013, 2014, 2015])
def test_the_learned_basis_beats_the_fixed_one_on_the_years_that_it_has_not_seen(year):
    seen = YEAR == year
    x, y = DAY[seen], CELSIUS[seen]
    fit = ridge.fit(FIXED, x, y, LAM)
    assert fit.converged and fit.evaluations <= 200
    fixed = ridge.solve(FIXED.transform(x), y, LAM)

    def error(prediction):
        return np.mean((prediction - CELSIUS[~seen]) ** 2)

    assert error(fit.predict(DAY[~seen])) < 18 < error(ridge.predict(FIXED, DAY[~seen], *fixed))


@pytest.mark.parametrize("method", QUICK)
def test_the_units_of_x_and_y_change_nothing_but_the_units(method):
    basis, x, y = two_steps()
    hours = TanhBasis([basis.W[0] / 24, basis.W[1] - 5 * basis.W[0]])  # of 24 (x + 5)
    in_days = ridge.fit(basis, x, y, LAM, method)
    in_hours = ridge.fit(hours, 24 * (x + 5), 1.8 * y + 32, LAM, method)
    at = np.arange(365.0)
    np.testing.assert_allclose(
        in_hours.predict(24 * (at + 5)), 1.8 * in_days.predict(at) + 32, rtol=1e-4
    )


def test_weights_and_intercept_are_the_solution_for_the_basis_that_was_found():
    basis, x, y = two_steps()
    fit = ridge.fit(basis, x, y, LAM)
    w, w0 = ridge.solve(fit.basis.transform(x), y, LAM)
    np.testing.assert_array_equal(fit.weights, w)
    assert fit.intercept == w0
    np.testing.assert_array_equal(fit.predict(x), ridge.predict(fit.basis, x, w, w0))
    np.testing.assert_array_equal(basis.W, [[0.05, -0.03], [-6.0, 9.0]])  # the start has stayed
    with pytest.raises(AttributeError):
        fit.converged = False


@pytest.mark.parametrize("method", ridge.METHODS)
def test_a_fit_that_is_broken_off_says_so_and_returns_its_best_point(method):
    basis, x, y = two_steps()
    losses = []
    fit = ridge.fit(basis, x, y, LAM, method, limit=3, progress=lambda n, loss: losses.append(loss))
    assert fit.evaluations == len(losses) == 3 and not fit.converged
    assert fit.message.startswith("not converged: all 3 evaluations are used up")
    loss = ridge.loss(fit.basis, x, y, LAM, fit.weights, fit.intercept)
    assert loss <= min(losses) * y.var() * (1 + 1e-9)


@pytest.mark.parametrize("c", CONSTANTS)
def test_a_column_that_does_not_vary_is_known_for_one_whatever_its_mean(c):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 365, 200), np.full(200, c)])
    assert ridge.spread(X)[0] == pytest.approx(X[:, 0].std()) and ridge.spread(X)[1] == 1.0
    assert ridge.spread(X[:, 1]) == 1.0
    rounded = np.where(rng.random(200) < 0.5, np.nextafter(c, np.inf), c)
    assert ridge.spread(rounded) == 1.0, "it varies by its rounding alone"
    start = ridge.random_start(X, 5, seed=0)
    assert np.abs(start.W[1]).max() < 10 and np.isfinite(start.W).all()
    y = 20 + TanhBasis([[0.03], [-3.0]]).transform(X[:, 0])[:, 0]
    if abs(c) < 1e100:
        two = ridge.fit(TanhBasis([[0.05], [0.0], [-6.0]]), X, y, LAM)
        alone = ridge.fit(TanhBasis([[0.05], [-6.0]]), X[:, 0], y, LAM)
        np.testing.assert_allclose(two.predict(X), alone.predict(X[:, 0]), atol=1e-3)


@pytest.mark.parametrize("size", [1e-200, 1e-100, 1e100, 1e200, 1e300])
@pytest.mark.parametrize("method", ["l-bfgs", "levenberg-marquardt"])
def test_a_fit_knows_no_size_of_y_or_x(method, size):
    basis, x, y = two_steps()
    fit = ridge.fit(basis, x, y, LAM, method)
    large = ridge.fit(basis, x, size * y, LAM, method)
    assert large.converged and large.evaluations > 2
    np.testing.assert_allclose(large.predict(x) / size, fit.predict(x), rtol=1e-6)
    far = TanhBasis([basis.W[0] / size, basis.W[1]])
    wide = ridge.fit(far, size * x, y, LAM, method)
    np.testing.assert_allclose(wide.predict(size * x), fit.predict(x), rtol=1e-6)


def test_a_random_start_refuses_in_words():
    for x, K, said in [([], 3, "at least one sample"), (np.ones((2, 2, 2)), 3, r"x must be \(N, D"),
                       ([1.0], 0, "K must be a whole number"), ([1.0], 2.5, "K must be"),
                       (["a"], 3, "array of numbers"), ([np.nan], 3, "finite")]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            ridge.random_start(x, K, seed=0)


@pytest.mark.parametrize("method", ridge.METHODS)
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_constant_inputs_constant_targets_and_equal_units_are_no_trouble(method, lam):
    _, x, y = two_steps(N=20)
    twins = TanhBasis([[0.02, 0.02], [-4.0, -4.0]])
    for x1, y1 in [(x, y), (np.full(20, 3.0), y), (x, np.full(20, 7.0))]:
        fit = ridge.fit(twins, x1, y1, lam, method)
        assert np.isfinite(fit.predict(x1)).all()
    np.testing.assert_allclose(fit.predict(x), 7.0, rtol=1e-12)


def test_inputs_of_two_columns_are_standardised_one_by_one():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 2)) * [1, 1000] + [0, 5000]
    truth = TanhBasis([[1.0, 0.5], [1e-3, -2e-3], [-5.0, 10.0]])
    y = 3 + truth.transform(X) @ [2.0, 1.0]
    fit = ridge.fit(TanhBasis(truth.W * 0.9), X, y, 0.0)
    assert fit.converged and np.abs(fit.predict(X) - y).max() < 0.01


def test_a_long_fit_tells_a_terminal_how_far_it_is_and_nobody_else(monkeypatch, capsys):
    basis, x, y = two_steps()
    seconds = iter(np.arange(0, 1000, 0.4))
    monkeypatch.setattr(ridge.time, "monotonic", lambda: float(next(seconds)))
    ridge.fit(basis, x, y, LAM, limit=10)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(ridge.sys.stdout, "isatty", lambda: True, raising=False)
    ridge.fit(basis, x, y, LAM, limit=10)
    lines = capsys.readouterr().out.splitlines()
    assert 1 < len(lines) < 10 and all("evaluations, loss 0." in line for line in lines)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        (
            {"method": "adam"},
            ValueError,
            "method must be one of l-bfgs, gauss-newton.*; got 'adam'",
        ),
        ({"limit": 0}, ValueError, "limit must be a whole number of evaluations.*; got 0"),
        ({"basis": np.ones((2, 2))}, TypeError, "basis must be a TanhBasis"),
        ({"x": np.ones((5, 2))}, ValueError, r"X must be \(N, 1\) or \(N,\)"),
        ({"x": [], "y": []}, ValueError, "at least one sample"),
        ({"x": np.full(200, np.inf)}, ValueError, "X must be finite"),
        ({"y": np.ones(5)}, ValueError, r"y must have the shape \(200,\); got \(5,\)"),
        ({"lam": -1}, ValueError, "lam must not be negative"),
    ],
)
def test_a_fit_refuses_in_words(changed, error, said):
    basis, x, y = two_steps()
    with pytest.raises(error, match=said):
        ridge.fit(**({"basis": basis, "x": x, "y": y, "lam": LAM} | changed))
