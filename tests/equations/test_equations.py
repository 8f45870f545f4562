"""Every labelled equation of the book, checked by another road than the code that uses it.

The formulas stand here as the chapters display them, index by index; the other road is SymPy's
differentiation, mpmath's arithmetic, a complex step, or a plain loop.
"""

import importlib
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp
from labels import CHAPTERS, CHECKED, checks_equation, labels

from jacobians import TanhBasis
from jacobians.basis import phi

N, D, K = 4, 3, 2
rng = np.random.default_rng(7)
X = rng.standard_normal((N, D))
W = rng.standard_normal((D + 1, K))


def complex_step(n, k, d, l):
    """d phi_nk / d W_dl without any formula for the derivative."""
    step = W.astype(complex)
    step[d, l] += 1e-30j
    return phi(step, X)[n, k].imag / 1e-30


def delta(k, l):
    return 1.0 if k == l else 0.0


@checks_equation("eq-differential")
def test_what_the_linear_map_leaves_over_shrinks_faster_than_the_step():
    x, y, t = sp.symbols("x y t")
    f = sp.Matrix([sp.sin(x * y), x + y**3, sp.exp(x)])
    at, step = {x: 1, y: 2}, sp.Matrix([3, -1])
    moved = f.subs({x: at[x] + t * step[0], y: at[y] + t * step[1]}, simultaneous=True)
    rest = moved - f.subs(at) - f.jacobian([x, y]).subs(at) * t * step
    for entry in rest:
        assert sp.limit(entry / t, t, 0) == 0
    assert any(sp.limit(entry / t**2, t, 0) != 0 for entry in rest)


@checks_equation("eq-jacobian")
def test_the_jacobian_has_a_row_for_each_output_and_a_column_for_each_input():
    x = sp.symbols("x1:4")
    f = sp.Matrix([x[0] * x[1], sp.sin(x[2])])
    J = f.jacobian(x)
    assert J.shape == (2, 3)
    assert all(J[i, j] == sp.diff(f[i], x[j]) for i in range(2) for j in range(3))


@checks_equation("eq-worked")
def test_the_worked_example_has_the_displayed_matrix():
    x1, x2 = sp.symbols("x1 x2")
    J = sp.Matrix([x1 * x2, x1 + x2**2]).jacobian([x1, x2])
    assert J == sp.Matrix([[x2, x1], [1, 2 * x2]])
    assert J.subs({x1: 2, x2: 3}) == sp.Matrix([[3, 2], [1, 6]])


@checks_equation("eq-parameter-jacobian")
def test_the_map_from_parameters_to_features_has_an_nk_by_p_jacobian():
    matrix = np.array(
        [[complex_step(n, k, d, l) for l in range(K) for d in range(D + 1)]
         for k in range(K) for n in range(N)]
    )  # fmt: skip
    assert matrix.shape == (N * K, K * (D + 1))
    one_sample = matrix[[0, N]]  # the rows of sample 0: K x P
    assert one_sample.shape == (K, K * (D + 1))
    move = 1e-7 * rng.standard_normal(W.shape)
    moved = (phi(W + move, X) - phi(W - move, X)).reshape(-1, order="F") / 2
    np.testing.assert_allclose(matrix @ move.reshape(-1, order="F"), moved, atol=1e-15)


@checks_equation("eq-z")
def test_z_is_the_sum_over_inputs_and_the_bias():
    Z = TanhBasis(W).Z(X)
    for n, k in np.ndindex(N, K):
        total = mpmath.fsum(mpmath.mpf(W[d, k]) * mpmath.mpf(X[n, d]) for d in range(D))
        assert Z[n, k] == pytest.approx(float(total + mpmath.mpf(W[D, k])), rel=1e-14)


@checks_equation("eq-phi")
def test_phi_is_the_tanh_of_z():
    Phi, Z = TanhBasis(W).transform(X), TanhBasis(W).Z(X)
    for n, k in np.ndindex(N, K):
        assert Phi[n, k] == pytest.approx(float(mpmath.tanh(mpmath.mpf(Z[n, k]))), rel=1e-15)


@checks_equation("eq-step")
def test_a_step_sits_at_minus_b_over_a_and_is_as_wide_as_displayed():
    a, b = mpmath.mpf("0.3"), mpmath.mpf(-50)
    level = lambda share: mpmath.findroot(  # noqa: E731
        lambda x: (1 + mpmath.tanh(a * x + b)) / 2 - share, 166
    )
    assert mpmath.almosteq(level(0.5), -b / a, 1e-12)
    assert mpmath.almosteq(level(0.9) - level(0.1), 2 * mpmath.atanh("0.8") / a, 1e-12)


@checks_equation("eq-chain")
@checks_equation("eq-dz")
def test_the_chain_rule_splits_the_derivative_into_the_two_displayed_factors():
    for n, k, d, l in np.ndindex(N, K, D, K):
        step = W.astype(complex)
        step[d, l] += 1e-30j
        z = sum(step[i, k] * X[n, i] for i in range(D)) + step[D, k]
        factor2 = z.imag / 1e-30
        assert factor2 == pytest.approx(delta(k, l) * X[n, d], rel=1e-15)  # eq-dz
        factor1 = float(mpmath.diff(mpmath.tanh, z.real))
        assert complex_step(n, k, d, l) == pytest.approx(factor1 * factor2, rel=1e-12)


@checks_equation("eq-tanh-prime")
def test_the_derivative_of_tanh_is_one_minus_its_square():
    z = sp.symbols("z", real=True)
    quotient = (sp.cosh(z) ** 2 - sp.sinh(z) ** 2) / sp.cosh(z) ** 2
    assert sp.simplify((sp.diff(sp.tanh(z), z) - quotient).rewrite(sp.exp)) == 0
    assert sp.simplify((quotient - (1 - sp.tanh(z) ** 2)).rewrite(sp.exp)) == 0


@checks_equation("eq-slope")
def test_the_slope_derivative_is_delta_times_factor_times_input():
    for n, k, d, l in np.ndindex(N, K, D, K):
        z = sum(W[i, k] * X[n, i] for i in range(D)) + W[D, k]
        displayed = delta(k, l) * (1 - np.tanh(z) ** 2) * X[n, d]
        assert displayed == pytest.approx(complex_step(n, k, d, l), rel=1e-12)
        if k == l:
            assert TanhBasis(W).jacobian(X)[n, d, k] == pytest.approx(displayed, rel=1e-12)


@checks_equation("eq-bias")
def test_the_bias_derivative_is_delta_times_factor():
    for n, k, l in np.ndindex(N, K, K):
        z = sum(W[i, k] * X[n, i] for i in range(D)) + W[D, k]
        displayed = delta(k, l) * (1 - np.tanh(z) ** 2)
        assert displayed == pytest.approx(complex_step(n, k, D, l), rel=1e-12)
        if k == l:
            assert TanhBasis(W).jacobian(X)[n, D, k] == pytest.approx(displayed, rel=1e-12)


@checks_equation("eq-compact")
def test_the_compact_array_holds_every_entry_that_is_not_zero():
    J = TanhBasis(W).jacobian(X)
    assert J.shape == (N, D + 1, K)
    for n, k, d, l in np.ndindex(N, K, D + 1, K):
        kept = J[n, d, k] if k == l else 0.0
        assert kept == pytest.approx(complex_step(n, k, d, l), rel=1e-12)


@checks_equation("eq-block")
def test_the_matrix_is_block_diagonal_in_column_order():
    S = 1 - TanhBasis(W).transform(X) ** 2
    X1 = np.column_stack([X, np.ones(N)])
    displayed = np.diag(S.reshape(-1, order="F")) @ np.kron(np.eye(K), X1)
    for k, n, l, d in np.ndindex(K, N, K, D + 1):
        entry = displayed[k * N + n, l * (D + 1) + d]
        assert entry == pytest.approx(complex_step(n, k, d, l), rel=1e-12)
    np.testing.assert_array_equal(displayed[N:, D + 1 :], np.diag(S[:, 1]) @ X1)


@checks_equation("eq-central")
def test_the_central_difference_has_an_error_of_the_second_order():
    z, eps = sp.symbols("z epsilon")
    quotient = (sp.tanh(z + eps) - sp.tanh(z - eps)) / (2 * eps)
    error = sp.series(quotient - (1 - sp.tanh(z) ** 2), eps, 0, 4).removeO()
    assert sp.simplify(error.coeff(eps, 0)) == sp.simplify(error.coeff(eps, 1)) == 0
    assert sp.simplify(error.coeff(eps, 2).subs(z, 1)) != 0
    exact = np.array([[[complex_step(n, k, d, k) for k in range(K)] for d in range(D + 1)]
                      for n in range(N)])  # fmt: skip
    coarse, fine = (
        np.abs(TanhBasis(W).numerical_jacobian(X, eps) - exact).max() for eps in (1e-2, 1e-3)
    )
    assert coarse / fine == pytest.approx(100, rel=0.1)


def test_every_label_has_a_test_and_every_test_a_label():
    """Displayed and tested are the same set; a label is used once in the whole book.

    Every file test_equations*.py is imported, so that the count is whole however tests are run.
    """
    for file in sorted(Path(__file__).parent.glob("test_equations_*.py")):
        importlib.import_module(file.stem)
    found = [label for chapter in CHAPTERS for label in labels(chapter.read_text("utf-8"))]
    assert sorted(found) == sorted(set(found)), "a label stands twice"
    assert set(found) - set(CHECKED) == set(), "labels without a test"
    assert set(CHECKED) - set(found) == set(), "tests of labels that are gone"
