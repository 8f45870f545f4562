"""The labelled equations of the chapter on checking, each by another road."""

import mpmath
import numpy as np
import sympy as sp
from labels import checks_equation

from jacobians import TanhBasis, differences
from jacobians.basis import phi

w, h = sp.symbols("w h", positive=True)
f = sp.Function("f")


def taylor(expression, order):
    """The expansion in h, with f written out by its own Taylor formula about w."""

    def about_w(move):
        return sum(sp.diff(f(w), w, m) * move**m / sp.factorial(m) for m in range(8))

    replaced = expression.replace(
        lambda e: e.func == f and e.args[0] != w, lambda e: about_w(sp.expand(e.args[0] - w))
    )
    expanded = sp.expand(sp.expand(replaced))
    return sum(expanded.coeff(h, m) * h**m for m in range(order))


def D(step):
    return (f(w + step) - f(w - step)) / (2 * step)


@checks_equation("eq-forward-error")
def test_the_forward_difference_leaves_half_the_step_times_the_second_derivative():
    expected = sp.diff(f(w), w) + h / 2 * sp.diff(f(w), w, 2)
    assert sp.simplify(taylor((f(w + h) - f(w)) / h, 2) - expected) == 0


@checks_equation("eq-central-error")
def test_the_central_difference_leaves_a_sixth_of_the_third_derivative():
    expected = sp.diff(f(w), w) + h**2 / 6 * sp.diff(f(w), w, 3)
    assert sp.simplify(taylor(D(h), 4) - expected) == 0


@checks_equation("eq-richardson")
def test_richardson_leaves_the_fourth_power_with_its_sign():
    expected = sp.diff(f(w), w) - h**4 / 480 * sp.diff(f(w), w, 5)
    assert sp.simplify(taylor((4 * D(h / 2) - D(h)) / 3, 6) - expected) == 0


@checks_equation("eq-two-errors")
def test_the_two_errors_bound_what_is_measured_and_truncation_is_met():
    """Against mpmath, over four decades on either side of the best step."""
    at, eps = 0.7, np.finfo(float).eps
    exact = float(1 / mpmath.cosh(at) ** 2)
    third = abs(float(mpmath.diff(mpmath.tanh, at, 3)))
    for step in np.geomspace(1e-9, 1e-2, 60):
        measured = abs((np.tanh(at + step) - np.tanh(at - step)) / (2 * step) - exact)
        truncation, roundoff = step**2 / 6 * third, eps * np.tanh(at) / step
        assert measured <= 2 * (truncation + roundoff) + eps
        if truncation > 100 * roundoff:
            assert measured == np.clip(measured, 0.9 * truncation, 1.1 * truncation)


@checks_equation("eq-entry-higher")
def test_every_derivative_by_a_parameter_brings_a_factor_of_its_input():
    a, b, x = sp.symbols("a b x", real=True)
    z = sp.Symbol("z")
    for m in (1, 2, 3, 5):
        outer = sp.diff(sp.tanh(z), z, m).subs(z, a * x + b)
        assert sp.simplify(sp.diff(sp.tanh(a * x + b), a, m) - x**m * outer) == 0
        assert sp.simplify(sp.diff(sp.tanh(a * x + b), b, m) - outer) == 0


@checks_equation("eq-tanh-higher")
def test_the_second_third_and_fifth_derivative_of_tanh():
    for at in (-2.3, -0.4, 0.1, 0.9, 3.0):
        t = mpmath.tanh(at)
        s = 1 - t**2
        displayed = {2: -2 * t * s, 3: s * (6 * t**2 - 2), 5: 8 * s * (2 - 15 * t**2 + 15 * t**4)}
        with mpmath.workdps(40):
            for m, value in displayed.items():
                assert mpmath.almosteq(mpmath.diff(mpmath.tanh, at, m), value, 1e-9)


@checks_equation("eq-best-step")
def test_the_best_step_is_where_the_sum_of_the_errors_is_smallest():
    eps, value, third = sp.symbols("epsilon f0 f3", positive=True)
    E = h**2 / 6 * third + eps * value / h
    best = sp.cbrt(3 * eps * value / third)
    assert sp.simplify(sp.diff(E, h).subs(h, best)) == 0
    assert sp.simplify(sp.diff(E, h, 2).subs(h, best)).is_positive
    assert sp.simplify(E.subs(h, best) - sp.Rational(3, 2) * eps * value / best) == 0


@checks_equation("eq-relative-error")
def test_the_relative_error_has_a_floor_that_grows_with_the_input():
    """Entry by entry in a loop: large entries relative to themselves, small ones to the input."""
    rng = np.random.default_rng(3)
    X, W = 50 * rng.standard_normal((6, 1)), rng.standard_normal((2, 3))
    J, tau = TanhBasis(W).jacobian(X), 1e-3
    hat = J + 1e-9
    X1 = np.column_stack([X, np.ones(6)])
    floor = np.maximum(np.abs(J), tau * np.abs(X1).max(axis=0)[:, None])
    r = np.abs(J - hat) / floor
    for n, d, k in np.ndindex(J.shape):
        largest = max(abs(X1[m, d]) for m in range(6))
        big = abs(J[n, d, k]) > tau * largest
        base = abs(J[n, d, k]) if big else tau * largest
        assert np.isclose(r[n, d, k], abs(J[n, d, k] - hat[n, d, k]) / base, rtol=1e-12)
    assert np.isfinite(r).all() and (np.abs(J) < floor).any() and (np.abs(J) == floor).any()


@checks_equation("eq-complex-step")
def test_the_complex_step_has_the_central_error_with_the_other_sign():
    at, exact = mpmath.mpf("0.6"), mpmath.sech(mpmath.mpf("0.6")) ** 2
    third = mpmath.diff(mpmath.tanh, at, 3)
    with mpmath.workdps(40):
        for step in (mpmath.mpf("1e-3"), mpmath.mpf("1e-4")):
            quotient = mpmath.im(mpmath.tanh(at + 1j * step)) / step
            exact = mpmath.sech(at) ** 2
            assert mpmath.almosteq(quotient - exact, -(step**2) / 6 * third, 1e-5)


def evaluations(N, D1, K):
    """How often the features are computed for a coloured central difference."""
    calls, X, W = [], np.ones((N, D1 - 1)), np.full((D1, K), 0.3)

    def features(V):
        calls.append(V)
        return phi(V, X)

    differences.central(features, W, 1e-6, pattern=np.kron(np.ones((N, D1)), np.eye(K)))
    return len(calls)


@checks_equation("eq-colour-count")
def test_no_colouring_has_fewer_colours_than_the_fullest_row_and_ours_has_as_many():
    for N, D1, K in ((5, 4, 2), (2, 3, 7), (1, 2, 1)):
        pattern = np.kron(np.eye(K), np.ones((N, D1)))
        colours = differences.colour(pattern)
        assert colours.max() + 1 == D1 == pattern.sum(axis=1).max()
        for row in pattern:
            met = colours[row > 0]
            assert len(set(met)) == len(met)
        assert evaluations(N, D1, K) == 2 * D1


@checks_equation("eq-one-direction")
def test_a_random_direction_compares_a_sum_of_entries_with_the_move_of_the_features():
    rng = np.random.default_rng(5)
    X, W, V = (rng.standard_normal(shape) for shape in ((4, 2), (3, 5), (3, 5)))
    J = TanhBasis(W).jacobian(X)
    with mpmath.workdps(30):
        for n, k in np.ndindex(4, 5):

            def feature(t, n=n, k=k):
                z = sum((W[d, k] + t * V[d, k]) * (X[n, d] if d < 2 else 1) for d in range(3))
                return mpmath.tanh(z)

            left = sum(J[n, d, k] * V[d, k] for d in range(3))
            assert abs(left - float(mpmath.diff(feature, 0))) < 1e-12


@checks_equation("eq-dot-test")
def test_the_dot_product_test_holds_for_any_array_whatever():
    rng = np.random.default_rng(6)
    J, V, G = (rng.standard_normal(shape) for shape in ((4, 3, 2), (3, 2), (4, 2)))
    JV, JG = np.zeros((4, 2)), np.zeros((3, 2))
    for n, d, k in np.ndindex(J.shape):
        JV[n, k] += J[n, d, k] * V[d, k]
        JG[d, k] += G[n, k] * J[n, d, k]
    middle = np.einsum("nk,ndk,dk->", G, J, V)
    assert np.isclose(np.vdot(G, JV), middle) and np.isclose(np.vdot(JG, V), middle)


@checks_equation("eq-tail")
def test_the_tail_is_an_exponential_to_first_order():
    z = sp.Symbol("z", positive=True)
    assert sp.simplify((1 - sp.tanh(z) ** 2 - 1 / sp.cosh(z) ** 2).rewrite(sp.exp)) == 0
    ratio = (1 / sp.cosh(z) ** 2).rewrite(sp.exp) / (4 * sp.exp(-2 * z))
    assert sp.limit(sp.simplify(ratio), z, sp.oo) == 1
    with mpmath.workdps(60):
        exact = mpmath.sech(19) ** 2
        assert abs(exact / (4 * mpmath.exp(-38)) - 1) < 1e-16
